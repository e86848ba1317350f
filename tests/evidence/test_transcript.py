"""Transcripts: which entries and octets are kept, and the words for the end of a connection."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import pytest

from wsconform.evidence.result import Direction, Octets
from wsconform.evidence.transcript import Closure, Conversation, Ending, Transcript
from wsconform.registry.requirement import Role
from wsconform.wire.close import CloseBody
from wsconform.wire.frame import Frame
from wsconform.wire.handshake import Extension

#: A transcript keeps its first 240 entries and its last 60.
FIRST, LAST = 240, 60


def clock(*times: float) -> Callable[[], float]:
    """Return a clock that shows `times` one after the other, and then the last of them forever."""

    def ticks() -> Iterator[float]:
        yield from times
        while True:
            yield times[-1]

    shown = ticks()
    return lambda: next(shown)


def filled(count: int, *, whole: bool = False) -> Transcript:
    """Return a transcript with `count` entries, whose summaries are their numbers."""
    transcript = Transcript(clock(0.0), whole=whole)
    for number in range(count):
        assert transcript.add(Direction.OURS, "frame", str(number)) == number
    return transcript


class TestEntries:
    def test_an_entry_has_time_direction_kind_summary_and_connection(self) -> None:
        transcript = Transcript(clock(64.0, 64.25))
        assert transcript.last is None
        transcript.add(Direction.TARGET, "frame", "Ping 0", b"\x89\x00", 2)
        (entry,) = transcript.entries()
        assert (entry.micros, entry.direction, entry.kind, entry.summary, entry.connection) == (
            250_000,
            Direction.TARGET,
            "frame",
            "Ping 0",
            2,
        )
        assert entry.octets == Octets(b"\x89\x00", b"", 2)
        assert transcript.last == 0

    @pytest.mark.parametrize("count", [0, 1, FIRST - 1, FIRST, FIRST + 1, FIRST + LAST])
    def test_up_to_300_entries_are_all_kept(self, count: int) -> None:
        transcript = filled(count)
        assert [entry.summary for entry in transcript.entries()] == [str(number) for number in range(count)]
        assert [transcript.index(number) for number in range(count)] == list(range(count))

    @pytest.mark.parametrize("left_out", [1, 2, 59, 60, 61, 1000])
    def test_of_more_entries_the_first_240_and_the_last_60_are_kept(self, left_out: int) -> None:
        count = FIRST + left_out + LAST
        summaries = [entry.summary for entry in filled(count).entries()]
        kept = [str(number) for number in (*range(FIRST), *range(count - LAST, count))]
        assert summaries == [
            *kept[:FIRST],
            f"{left_out} {'entry' if left_out == 1 else 'entries'} left out",
            *kept[FIRST:],
        ]

    @pytest.mark.parametrize("left_out", [1, 2, 59, 60, 61, 1000])
    def test_an_index_points_at_the_entry_or_is_none_if_it_was_left_out(self, left_out: int) -> None:
        transcript = filled(FIRST + left_out + LAST)
        entries = transcript.entries()
        for number in range(FIRST + left_out + LAST):
            index = transcript.index(number)
            if FIRST <= number < FIRST + left_out:
                assert index is None
            else:
                assert index is not None
                assert entries[index].summary == str(number)

    def test_the_index_of_no_entry_is_none(self) -> None:
        assert filled(1).index(None) is None

    def test_whole_keeps_all_entries(self) -> None:
        transcript = filled(1000, whole=True)
        assert [entry.summary for entry in transcript.entries()] == [str(number) for number in range(1000)]
        assert transcript.index(500) == 500


class TestOctets:
    def test_up_to_256_octets_are_kept(self) -> None:
        assert Octets.of(bytes(256)) == Octets(bytes(256), b"", 256)

    def test_of_more_octets_head_tail_length_and_digest_are_kept(self) -> None:
        octets = bytes(range(256)) + b"!"
        digest = hashlib.sha256(octets).hexdigest()
        assert Octets.of(octets) == Octets(octets[:128], octets[-64:], 257, digest)

    def test_whole_keeps_all_octets(self) -> None:
        assert Octets.of(bytes(1000), whole=True) == Octets(bytes(1000), b"", 1000)

    def test_a_whole_transcript_keeps_all_octets_of_its_entries(self) -> None:
        transcript = Transcript(clock(0.0), whole=True)
        transcript.add(Direction.OURS, "frame", "", bytes(1000))
        assert transcript.entries()[0].octets.head == bytes(1000)


class TestClosure:
    @pytest.mark.parametrize(
        ("closure", "words"),
        [
            (Closure(close=CloseBody(b"\x03\xea"), ending=Ending.FIN), "Close 1002, then FIN"),
            (Closure(close=CloseBody(b""), ending=Ending.RST), "Close empty, then RST"),
            (Closure(close=CloseBody(b"\x03\xe8bye"), ending=None), 'Close 1000 "bye", stream open'),
            (Closure(close=None, ending=Ending.FIN), "no Close, then FIN"),
            (Closure(close=None, ending=None), "no Close, stream open"),
        ],
    )
    def test_words(self, closure: Closure, words: str) -> None:
        assert str(closure) == words

    def test_status_code(self) -> None:
        assert Closure(close=CloseBody(b"\x03\xea"), ending=None).status_code == 1002
        assert Closure(close=CloseBody(b""), ending=None).status_code is None
        assert Closure(close=None, ending=None).status_code is None


class TestConversation:
    def test_closes_and_deflate_are_found(self) -> None:
        deflate = Extension("permessage-deflate", (("server_no_context_takeover", None),))
        conversation = Conversation(number=1, case="a", role=Role.SERVER, extensions=(Extension("x"), deflate))
        conversation.frames += [(3, Frame.text("x")), (4, Frame.close(1000)), (5, Frame.close())]
        assert conversation.closes() == [(4, CloseBody(b"\x03\xe8")), (5, CloseBody(b""))]
        assert conversation.deflate is deflate
        assert Conversation(number=1, case="a", role=Role.SERVER).deflate is None
