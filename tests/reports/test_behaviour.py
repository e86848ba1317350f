"""Behaviours: transcripts without payloads, keys, lengths and times."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.journals import came, happened, opened, sent
from wsconform.evidence.result import Direction, EntryKind, Octets, TranscriptEntry
from wsconform.reports.behaviour import behaviour, label, token
from wsconform.wire.frame import RSV1, RSV3, Frame, LengthForm


@given(st.binary(max_size=125), st.binary(min_size=4, max_size=4), st.integers(0, 10**7))
def test_payload_key_and_time_do_not_matter(payload: bytes, key: bytes, micros: int) -> None:
    frame = Frame.binary(payload).masked(key)
    entry = TranscriptEntry(
        micros=micros,
        direction=Direction.OURS,
        kind=EntryKind.FRAME,
        summary=str(frame),
        octets=Octets.of(frame.encode()),
    )
    assert behaviour([entry]) == behaviour([sent(7, Frame.binary(b"other"))])


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (Frame.text("Hello"), "Text"),
        (Frame.text("Hello", fin=False), "Text FIN=0"),
        (Frame.text("Hello", rsv=RSV1 | RSV3), "Text RSV1 RSV3"),
        (Frame(0x3), "opcode 0x3"),
        (Frame.close(1002, "why"), "Close 1002"),
        (Frame.close(1002, "why").masked(b"abcd"), "Close 1002 masked"),
        (Frame.close(), "Close empty"),
        (Frame(0x8, b"\x03"), "Close 1 octet"),
        (Frame(0x1, b"x", form=LengthForm.MEDIUM), "Text padded length"),
        (Frame.binary(bytes(9000)), "Binary"),
    ],
)
def test_token_of_a_frame(frame: Frame, words: str) -> None:
    assert token(came(1, frame)) == words


def test_token_of_other_entries() -> None:
    request, response = opened()
    assert (token(request), token(response)) == ("request", "response 101")
    assert token(happened(1, 'could not send 17 octets of "abc"')) == "could not send # octets of …"
    assert (
        token(
            TranscriptEntry(
                micros=1, direction=Direction.TARGET, kind=EntryKind.FRAME, summary="Text 5", octets=Octets()
            )
        )
        == "Text #"
    )


def test_repetition_is_marked_but_not_counted() -> None:
    once = [came(1, Frame.pong())]
    assert behaviour(once) != behaviour(once * 2)
    assert behaviour(once * 2) == behaviour(once * 5)


def test_connections_and_ends_make_a_difference() -> None:
    frame = Frame.ping()
    assert behaviour([came(1, frame)]) != behaviour([sent(1, frame)])
    second = replace(came(1, frame), connection=2)
    assert behaviour([came(1, frame)]) != behaviour([second])


def test_labels_describe_the_acts_of_the_target() -> None:
    start = (*opened(), sent(3, Frame.text("Hello")))
    refused = behaviour((*start, came(4, Frame.close(1002)), happened(5, "FIN", Direction.TARGET)))
    echoed = behaviour((*start, came(4, Frame.text("Hello"))))
    silent = behaviour(start)
    assert label(refused) == "Close 1002, then FIN"
    assert label(echoed, [refused]) == "Text"
    assert label(silent, [refused]) == "response 101"
    assert label(()) == "no transcript"
    assert label(behaviour([sent(1, Frame.ping())])) == "nothing"


def test_labels_can_include_our_acts() -> None:
    closes = sent(5, Frame.close(1002)), came(6, Frame.close(1002))
    one, other = (behaviour((*opened(), *order)) for order in (closes, closes[::-1]))
    assert label(one, [other]) == label(other, [one]) == "Close 1002"
    assert label(one, [other], ours=True) == "our Close 1002, then Close 1002"
    assert label(other, [one], ours=True) == "Close 1002, then our Close 1002"


def test_long_labels_are_cut_in_the_middle() -> None:
    frames = [Frame.text("a"), Frame.binary(b"a"), Frame.ping(), Frame.pong(), Frame.close(1000)]
    assert label(behaviour([came(1, frame) for frame in frames])) == "Text, then Binary, …, then Close 1000"
