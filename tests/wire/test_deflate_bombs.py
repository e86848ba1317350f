"""Compression bombs from a target, in both roles: memory stays within the limits, and the case ends."""

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
#: The limit in octets for one case, counted after inflating.
_MOST = 32 * _MEBIBYTE


def _blocks(mebibytes: int) -> bytes:
    """Return blocks that inflate to `mebibytes` without a window."""
    deflater = zlib.compressobj(9, wbits=-15)
    return deflater.compress(bytes(mebibytes * _MEBIBYTE)) + deflater.flush(zlib.Z_FULL_FLUSH)


class OneBomb(FrameSide):
    """Answers with a message that inflates to 80 MiB."""

    async def on_message(self, opcode: int, payload: bytes) -> None:
        """Send the bomb."""
        await self.send(Frame(BINARY, (_blocks(16) * 5).removesuffix(TAIL), rsv=RSV1))


class EndlessBombs(FrameSide):
    """Answers with messages of 16 MiB, one after the other."""

    async def on_message(self, opcode: int, payload: bytes) -> None:
        """Send bombs forever."""
        bomb = Frame(BINARY, _blocks(16).removesuffix(TAIL), rsv=RSV1)
        while True:
            await self.send(bomb)


class EndlessCompressed(FrameSide):
    """Answers with an endless compressed message."""

    async def on_message(self, opcode: int, payload: bytes) -> None:
        """Send fragments forever."""
        await self.send(Frame(BINARY, b"", fin=False, rsv=RSV1))
        fragment = Frame(0, _blocks(1) * 60, fin=False)
        while True:
            await self.send(fragment)


def run_case(flaw: type[FrameSide], role: Role, limits: Limits) -> tuple[Attempted, int]:
    """Run a case against a target with `flaw`; return the attempt, and the peak of allocated memory in octets.

    The case sends a compressed message and a Ping, and reads until the Pong.
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
class TestBombs:
    def test_one_bomb_is_stopped_at_the_limit_of_a_message(self, role: Role) -> None:
        attempted, peak = run_case(OneBomb, role, Limits())
        assert (attempted.verdict, attempted.reason) == (Verdict.INCONCLUSIVE, Reason.ARRANGING)
        assert attempted.finding is not None
        assert attempted.finding.observed == (
            "a message of the target inflates to more than 33554432 octets; reading stopped there"
        )
        assert peak < 80 * _MEBIBYTE

    def test_endless_bombs_are_stopped_at_the_limit_of_a_case(self, role: Role) -> None:
        attempted, peak = run_case(EndlessBombs, role, Limits(octets=_MOST))
        assert (attempted.verdict, attempted.reason) == (Verdict.INCONCLUSIVE, Reason.ARRANGING)
        assert attempted.finding is not None
        assert attempted.finding.observed == f"the target sent more than {_MOST} octets; reading stopped there"
        assert peak < 4 * _MOST

    def test_an_endless_message_is_stopped_at_the_limit_of_compressed_octets(self, role: Role) -> None:
        attempted, peak = run_case(EndlessCompressed, role, Limits())
        assert (attempted.verdict, attempted.reason) == (Verdict.INCONCLUSIVE, Reason.ARRANGING)
        assert attempted.finding is not None
        assert attempted.finding.observed == (
            "a compressed message of the target has more than 4194304 octets; reading stopped there"
        )
        assert peak < 4 * _MOST
