"""A case about an open connection gives the same verdict whatever came before it, and in any segments.

`WSCONFORM_PROOF=whole` (`make proof`) runs every such case in every circumstance. Without it, each circumstance gets
one member of each family. The member depends on the names of the circumstance, the role and the family, so it is the
same in every run. Heavy cases are left out: they take minutes, and read no raw frames.
"""

from __future__ import annotations

import os
import zlib

import pytest
import trio
import trio.testing

from tests.support.circumstances import CIRCUMSTANCES, TEXT, InThrees
from tests.support.proof import catalogue, families, run_cases
from wsconform import PONG, Connection, Frame
from wsconform.catalogue.case import Case, CaseFunction, Item
from wsconform.evidence.result import Verdict
from wsconform.fixtures.reference import ReferenceClient, ReferenceServer
from wsconform.fixtures.variants import Endpoint
from wsconform.registry.requirement import Role
from wsconform.transport.stream import TrioStream

WHOLE = os.environ.get("WSCONFORM_PROOF") == "whole"

REFERENCES: dict[Role, Endpoint] = {Role.SERVER: ReferenceServer, Role.CLIENT: ReferenceClient}


def sample(role: Role, name: str) -> tuple[Item, ...]:
    """Return the cases to run against the reference of `role` in the circumstance `name`."""
    applicable = CIRCUMSTANCES[name].applies
    if WHOLE:
        return tuple(case for case in catalogue(role) if applicable(case))
    return tuple(
        members[zlib.crc32(f"{name} {role.value} {family}".encode()) % len(members)]
        for family, members in families(catalogue(role)).items()
        if applicable(members[0])
    )


@pytest.mark.parametrize("name", CIRCUMSTANCES)
@pytest.mark.parametrize("role", REFERENCES)
def test_a_case_gives_the_same_verdict_in_every_circumstance(role: Role, name: str) -> None:
    cases, reference = sample(role, name), REFERENCES[role]
    within = run_cases(cases, reference, provide=CIRCUMSTANCES[name].provide)
    assert len(within) > 200
    # Only the others are run without the circumstance: `test_catalogue_is_proven` shows that the reference passes all.
    others = [case for case in cases if case.id in within and within[case.id].verdict is not Verdict.PASSED]
    without = run_cases(others, reference)
    changed = {id: str(within[id].finding) for id, each in without.items() if each.verdict is not within[id].verdict}
    assert changed == {}


async def counts_all_pongs(ws: Connection) -> None:
    await ws.send(Frame.ping(b"once"))
    await ws.expect_pong(b"once")
    pongs = [frame for _, frame in ws.conversation.frames if frame.opcode == PONG]
    ws.expect(len(pongs) == 1, "one Pong", f"{len(pongs)} Pongs")


async def expects_no_message(ws: Connection) -> None:
    await ws.settle()
    messages = [frame for _, frame in ws.conversation.frames if frame.opcode == Frame.text(TEXT).opcode]
    ws.expect(not messages, "no message", f"{len(messages)} messages")


async def expects_an_empty_window(ws: Connection) -> None:
    size = len(ws.compress(TEXT))
    ws.expect(size > 6, "the text compressed without a reference", f"{size} octets")


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("behind_a_pong", counts_all_pongs),
        ("behind_an_echo", expects_no_message),
        ("behind_a_fragmented_message", expects_no_message),
        ("behind_a_compressed_message", expects_an_empty_window),
    ],
)
@pytest.mark.parametrize("role", REFERENCES)
def test_finds_a_case_that_looks_at_earlier_frames(role: Role, name: str, function: CaseFunction) -> None:
    offer = CIRCUMSTANCES["behind_a_compressed_message"].offer
    case = Case(
        id="fragile",
        function=function,
        requirements=("6455-5.2-6",),
        title="",
        why="",
        subject=Connection,
        offer=offer,
    )
    without = run_cases([case], REFERENCES[role])
    within = run_cases([case], REFERENCES[role], provide=CIRCUMSTANCES[name].provide)
    assert (without[case.id].verdict, within[case.id].verdict) == (Verdict.PASSED, Verdict.FAILED)


async def test_the_stream_cuts_the_start_of_a_write_in_threes() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    pieces = list[bytes]()

    async def read() -> None:
        async for piece in theirs:
            pieces.append(bytes(piece))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        stream = InThrees(TrioStream(ours))
        await stream.send(b"0123456")
        await stream.send(bytes(301))
        await stream.send_eof()
    assert pieces[:3] == [b"012", b"345", b"6"]
    assert list(map(len, pieces[3:])) == [3] * 100 + [1]
