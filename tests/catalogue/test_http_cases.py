"""Helpers of the HTTP cases: folded values, and the comparison of two answers."""

from __future__ import annotations

from typing import cast

import pytest

from wsconform import Answer, Ending, Opening
from wsconform.cases.http.fields import FOLDED, Folded
from wsconform.cases.http.steps import expect_refused_or_same
from wsconform.wire.http1 import parse_head

ACCEPTED = Answer(head=parse_head(b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: chat\r\n\r\n"))
ACCEPTED_WITHOUT = Answer(head=parse_head(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"))
BAD_REQUEST = Answer(head=parse_head(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
CLOSED = Answer(head=None, ending=Ending.FIN)
SILENT = Answer(head=None)


class Recorder:
    """Stands in for an Opening: keeps the expectations that do not hold, the departures and the notes."""

    def __init__(self) -> None:
        self.failed = list[tuple[str, str]]()
        self.departures = list[str]()
        self.notes = dict[str, object]()

    def expect(self, condition: bool, expected: str, observed: str, entry: int | None = None) -> None:
        if not condition:
            self.failed.append((expected, observed))

    def depart_if(self, condition: bool, reason: str) -> None:
        if condition:
            self.departures.append(reason)

    def note(self, key: str, value: object) -> None:
        self.notes[key] = value


def compared(plain: Answer, answer: Answer) -> Recorder:
    """Return what `expect_refused_or_same` recorded."""
    recorder = Recorder()
    expect_refused_or_same(cast(Opening, recorder), plain, answer)
    return recorder


@pytest.mark.parametrize("answer", [ACCEPTED, BAD_REQUEST])
def test_same_answer_or_400_passes(answer: Answer) -> None:
    recorder = compared(ACCEPTED, answer)
    assert (recorder.failed, recorder.departures) == ([], [])


def test_another_answer_fails_with_both_answers_in_the_finding() -> None:
    recorder = compared(ACCEPTED, ACCEPTED_WITHOUT)
    assert recorder.failed == [
        (
            "400, or the answer to the unfolded field: 101 Switching Protocols / chat / none",
            "101 Switching Protocols / none / none",
        )
    ]


def test_closing_without_a_response_departs() -> None:
    recorder = compared(ACCEPTED, CLOSED)
    assert (recorder.failed, recorder.departures) == ([], ["the folded field is refused without a response"])


def test_silence_fails() -> None:
    assert compared(ACCEPTED, SILENT).failed == [("a reaction to a folded field", "no reaction")]


def test_both_answers_are_noted() -> None:
    assert compared(ACCEPTED, BAD_REQUEST).notes == {
        "unfolded": "101 Switching Protocols / chat / none",
        "folded": "400 Bad Request",
    }


def test_folded_value_has_a_blank_after_the_line_end() -> None:
    field = Folded("Connection", "keep-alive,", "Upgrade")
    assert (field.unfolded, field.folded("\t")) == ("keep-alive, Upgrade", "keep-alive,\r\n\tUpgrade")


@pytest.mark.parametrize("field", FOLDED.values(), ids=FOLDED)
def test_unfolded_value_has_no_whitespace_at_its_ends(field: Folded) -> None:
    assert field.unfolded == field.unfolded.strip()
    assert "\r\n" not in field.unfolded
