"""Targets that send mangled octets: every case ends in a verdict, never in an error of wsconform."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.support.proof import catalogue, run_cases
from wsconform.evidence.result import Verdict
from wsconform.fixtures.reference import ReferenceClient, ReferenceServer
from wsconform.fixtures.variants import Endpoint
from wsconform.registry.requirement import Role

#: The share of writes that are changed.
OFTEN = 0.5

#: Octets inserted at random places of heads and frames.
STRAY = (
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b"9" * 5000,
    b"-1",
    b",,,",
    b'"',
    b";",
    b"=",
    b"***",
    b"\r\n",
    b"\n",
    b"\r\n\r\n",
    b": ",
    b"permessage-deflate; server_max_window_bits=0",
    b'permessage-deflate; client_max_window_bits="9',
    b"Content-Length: x\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"HTTP/1.1 103 \r\n\r\n",
    b"HTTP/1.1 301 x\r\nLocation: http://[::1\r\n\r\n",
    b"HTTP/1.1 401 x\r\nWWW-Authenticate: \r\n\r\n",
    b"HTTP/1.1 426 x\r\nSec-WebSocket-Version: a\r\n\r\n",
    b"\x88\x01\x03",
    b"\x88\x05\x03\xe8\xff\xff\xff",
    b"\xc1\x00",
    b"\xc1\x02\x03\x00",
    b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xf1\x01x",
)


def mangled(dice: random.Random, octets: bytes) -> bytes:
    """Return `octets` with one change: a flipped bit, a part removed, inserted or repeated, another field value."""
    at = dice.randrange(len(octets) + 1)
    lines = octets.split(b"\r\n")
    line = dice.randrange(len(lines))
    match dice.randrange(7):
        case 0 if octets:
            at %= len(octets)
            return octets[:at] + bytes([octets[at] ^ 1 << dice.randrange(8)]) + octets[at + 1 :]
        case 1:
            return octets[:at] + octets[at + dice.choice((1, 2, 5, 50)) :]
        case 2:
            return octets[:at] + dice.choice(STRAY) + octets[at:]
        case 3:
            return octets[:at] + octets[max(0, at - dice.randrange(60)) :]
        case 4:
            return octets[:at]
        case 5:
            name, colon, _ = lines[line].partition(b":")
            lines[line] = name + colon + b" " + dice.choice(STRAY)
        case _:
            dice.shuffle(lines)
    return b"\r\n".join(lines)


def mangling(endpoint: Endpoint, seed: int) -> Endpoint:
    """Return a subclass of `endpoint` that changes the octets that it writes."""
    dice = random.Random(seed)

    class Mangling(endpoint):  # type: ignore[misc, valid-type]  # made of either reference
        """The reference, with changes to its writes."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            write = self.pipe.write

            async def changed(octets: bytes) -> None:
                await write(mangled(dice, octets) if dice.random() < OFTEN else octets)

            self.pipe.write = changed

    return Mangling


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("endpoint", [ReferenceServer, ReferenceClient], ids=["server", "client"])
def test_no_case_ends_in_an_error(endpoint: Endpoint, seed: int) -> None:
    role = Role.CLIENT if endpoint is ReferenceClient else Role.SERVER
    results = run_cases(catalogue(role), mangling(endpoint, seed))
    assert len(results) > 1000
    errors = {id: str(result.finding) for id, result in results.items() if result.verdict is Verdict.ERROR}
    assert errors == {}
    # The changes have an effect.
    assert sum(result.verdict is Verdict.FAILED for result in results.values()) > 100
