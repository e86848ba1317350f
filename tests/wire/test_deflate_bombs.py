"""What a hostile target's compression costs us, in both roles: no more memory than the limits say, and an end."""

from __future__ import annotations

import tracemalloc
import zlib

import pytest
import trio
import trio.testing

from tests.support.proof import InMemory
from wsconform.catalogue.case import Case
from wsconform.catalogue.load import load_catalogue
from wsconform.endpoint.session import Address, Facts, Limits
from wsconform.evidence.result import Reason, Verdict
from wsconform.fixtures.reference import ReferenceClient, ReferenceServer
from wsconform.fixtures.reference.frames import FrameSide
from wsconform.registry.requirement import Role
from wsconform.run.judge import Attempted, Bench, attempt
from wsconform.wire.blocks import TAIL
from wsconform.wire.frame import BINARY, RSV1, Frame

_MEBIBYTE = 1 << 20
#: What a case may read here, in octets, inflated ones counted.
_MOST = 32 * _MEBIBYTE


def _blocks(mebibytes: int) -> bytes:
    """Return blocks that stand alone and inflate to so much."""
    deflater = zlib.compressobj(9, wbits=-15)
    return deflater.compress(bytes(mebibytes * _MEBIBYTE)) + deflater.flush(zlib.Z_FULL_FLUSH)


class OneBomb(FrameSide):
    """Answers with a message that inflates to 80 MiB."""

    async def on_message(self, opcode: int, payload: bytes) -> None:
        """Send it."""
        await self.send(Frame(BINARY, (_blocks(16) * 5).removesuffix(TAIL), rsv=RSV1))


class EndlessBombs(FrameSide):
    """Answers with messages of 16 MiB, one after the other."""

    async def on_message(self, opcode: int, payload: bytes) -> None:
        """Send them for ever."""
        bomb = Frame(BINARY, _blocks(16).removesuffix(TAIL), rsv=RSV1)
        while True:
            await self.send(bomb)


class EndlessCompressed(FrameSide):
    """Answers with a compressed message that has no end."""

    async def on_message(self, opcode: int, payload: bytes) -> None:
        """Send fragments for ever."""
        await self.send(Frame(BINARY, b"", fin=False, rsv=RSV1))
        fragment = Frame(0, _blocks(1) * 60, fin=False)
        while True:
            await self.send(fragment)


def put(flaw: type[FrameSide], role: Role, limits: Limits) -> tuple[Attempted, int]:
    """Put a case to a target with `flaw`; return what became of it, and the most octets that were held meanwhile.

    The case sends a compressed message and a Ping, and reads over what comes until the Pong.
    """
    reference = ReferenceServer if role is Role.SERVER else ReferenceClient
    endpoint = type(flaw.__name__, (flaw, reference), {})
    name = "deflate.mixing.ping_is_answered_with_its_own_octets[text]"
    case = next(entry for entry in load_catalogue() if entry.id == name)
    assert isinstance(case, Case)

    async def run() -> Attempted:
        async with trio.open_nursery() as nursery:
            dialer = InMemory(nursery, endpoint)
            bench = Bench(role=role, dial=dialer.dial, address=Address(host="localhost:9001"), facts=Facts(echo=True))
            attempted = await attempt(case, bench, limits)
            nursery.cancel_scope.cancel()
        return attempted

    tracemalloc.start()
    try:
        attempted = trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))
        return attempted, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("role", [Role.SERVER, Role.CLIENT])
class TestBombsToUs:
    def test_a_bomb_is_stopped_at_the_limit_of_a_message(self, role: Role) -> None:
        attempted, peak = put(OneBomb, role, Limits())
        assert (attempted.verdict, attempted.reason) == (Verdict.INCONCLUSIVE, Reason.ARRANGING)
        assert attempted.finding is not None
        assert attempted.finding.observed == (
            "a message of the target inflates to more than 33554432 octets; reading stopped there"
        )
        assert peak < 80 * _MEBIBYTE

    def test_bombs_without_end_are_stopped_at_the_limit_of_a_case(self, role: Role) -> None:
        attempted, peak = put(EndlessBombs, role, Limits(octets=_MOST))
        assert (attempted.verdict, attempted.reason) == (Verdict.INCONCLUSIVE, Reason.ARRANGING)
        assert attempted.finding is not None
        assert attempted.finding.observed == f"the target sent more than {_MOST} octets; reading stopped there"
        assert peak < 4 * _MOST

    def test_a_message_without_end_is_stopped_at_the_limit_of_what_is_compressed(self, role: Role) -> None:
        attempted, peak = put(EndlessCompressed, role, Limits())
        assert (attempted.verdict, attempted.reason) == (Verdict.INCONCLUSIVE, Reason.ARRANGING)
        assert attempted.finding is not None
        assert attempted.finding.observed == (
            "a compressed message of the target has more than 4194304 octets; reading stopped there"
        )
        assert peak < 4 * _MOST
