"""The capture of a recorded case, read back packet by packet."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.journals import REQUEST, happened, opened, sent, target
from tests.support.packets import packets
from tests.support.recorded_case import LARGE, TALK, octets_of, result
from wsconform.evidence.result import Direction, EntryKind, Octets, TranscriptEntry
from wsconform.registry.requirement import Role
from wsconform.reports.export import capture
from wsconform.wire.frame import Frame


@pytest.mark.parametrize(
    "address", ["ws://127.0.0.1:9001/", "ws://[::1]:9001/", "ws://example.org:9001/", "wss://a:9001/"]
)
def test_a_capture_holds_both_streams(address: str) -> None:
    large = TranscriptEntry(
        micros=2000,
        direction=Direction.TARGET,
        kind=EntryKind.FRAME,
        summary="Binary",
        octets=Octets.of(LARGE, whole=True),
    )
    transcript = (*TALK[:5], large, *TALK[6:])
    found = list(packets(capture.render(target(address=address), result(*transcript), "2027-01-12T09:30:00Z")))
    assert [packet.flags for packet in found[:3]] == [0x02, 0x12, 0x10]
    theirs = found[0].destination
    assert theirs[1] == 9001
    streams = {True: bytearray(), False: bytearray()}
    following = {True: found[0].number + 1, False: found[1].number + 1}
    for packet in found[2:]:
        ours = packet.destination == theirs
        assert packet.number == following[ours], "no octet is missing or repeated"
        assert packet.acknowledged == following[not ours]
        following[ours] += len(packet.payload) + (packet.flags & 1)
        streams[ours] += packet.payload
    assert bytes(streams[True]) == octets_of(transcript, Direction.OURS)
    assert bytes(streams[False]) == octets_of(transcript, Direction.TARGET)
    assert [packet.flags & 1 for packet in found].count(1) == 2, "each end closes its direction once"
    assert found[3].micros - found[0].micros == 0
    assert found[-1].micros - found[0].micros == TALK[-1].micros - TALK[0].micros
    assert "HTTP/1.1 101 Switching Protocols" in [packet.comment for packet in found]


def test_a_comment_on_many_frames_is_cut() -> None:
    frames = (
        sent(
            1000,
            Frame(1, b"\xc3\xa4"),
        )
        for _ in range(2000)
    )
    found = list(packets(capture.render(target(), result(*opened(), *frames))))
    longest = max((packet.comment for packet in found), key=len)
    assert longest.endswith(" ...")
    assert len(longest) <= 4100


def test_a_capture_has_every_connection_of_the_case() -> None:
    transcript = (
        *opened(),
        *(replace(entry, connection=2) for entry in opened()),
        happened(3, "RST", Direction.TARGET),
    )
    found = list(packets(capture.render(target(), result(*transcript))))
    assert len({packet.source for packet in found if packet.flags == 0x02}) == 2
    assert found[-1].flags & 0x04


def test_a_client_opens_the_connection() -> None:
    record = target(role=Role.CLIENT, address="ws://127.0.0.1:9001/")
    first = TranscriptEntry(
        micros=1, direction=Direction.TARGET, kind=EntryKind.REQUEST, summary="GET /", octets=Octets.of(REQUEST)
    )
    found = list(packets(capture.render(record, result(first, role=Role.CLIENT))))
    assert found[0].flags == 0x02
    assert found[3].payload == REQUEST
    assert found[3].source == found[0].source
