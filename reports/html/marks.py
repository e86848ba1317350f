"""The look of results: the style class of a mark, a cell of a table, a bar, a target's short name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wsconform.evidence.result import Mark, Result
from wsconform.journal.tally import SEVERITY, worst

#: The style class of each mark.
CLASSES = {
    Mark.PASSED: "ok",
    Mark.VIOLATION: "bad",
    Mark.DEPARTURE: "dep",
    Mark.INFORMATIONAL: "note",
    Mark.INCONCLUSIVE: "lost",
    Mark.SKIPPED: "out",
    Mark.ERROR: "err",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One target in one row: its worst mark, the share of its results with that mark ("2/15"), and a remark."""

    mark: Mark | None
    ratio: str = ""
    aside: str = ""
    words: str = ""
    case: str = ""

    @property
    def css(self) -> str:
        """The style class, "" for a target without a result."""
        return CLASSES[self.mark] if self.mark else ""


def cell(results: Sequence[Result]) -> Cell:
    """Return the cell for a target's `results` in one row."""
    mark = worst(results)
    if mark is None:
        return Cell(mark=None)
    having = [result for result in results if result.mark is mark]
    words, ratio, aside = mark.words, "", ""
    if len(having) < len(results):
        ratio = f"{len(having)}/{len(results)}"
        words += f", {len(having)} of {len(results)}"
    if any(result.flaky for result in results):
        words, aside = f"{words}, flaky", "flaky"
    if mark is not Mark.PASSED and all(result.expected is not None for result in having):
        words, aside = f"{words}, expected", "known"
    return Cell(mark=mark, ratio=ratio, aside=aside, words=words, case=having[0].case)


def worst_of(cells: Iterable[Cell]) -> Mark | None:
    """Return the worst mark of `cells`, None if no cell has a mark."""
    marks = {each.mark for each in cells}
    return next((mark for mark in SEVERITY if mark in marks), None)


def css(mark: Mark | None) -> str:
    """Return the style class of `mark`, "none" for None."""
    return CLASSES[mark] if mark else "none"


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment of a bar; `start` and `width` are in percent."""

    css: str
    start: float
    width: float


def bar(found: Mapping[Mark, int]) -> list[Segment]:
    """Return the segments of a bar that shows `found` in proportion: passed first, then from mild to severe."""
    whole = sum(found.values())
    segments: list[Segment] = []
    start = 0.0
    for mark in (Mark.PASSED, *reversed(SEVERITY)):
        if found.get(mark) and not (segments and mark is Mark.PASSED):
            width = 100 * found[mark] / whole
            segments.append(Segment(CLASSES[mark], round(start, 2), round(width, 2)))
            start += width
    return segments


def short(name: str) -> str:
    """Return a target's name for the head of a column; an address loses its scheme."""
    return name.partition("://")[2].rstrip("/") or name
