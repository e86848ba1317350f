"""How results look: the class of a mark, a cell of a table, a bar, a target's short name."""

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


@dataclass(frozen=True, slots=True)
class Cell:
    """What one target did in one row: the gravest mark, how many of how many results have it, what is known of it."""

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
        return Cell(None)
    having = [result for result in results if result.mark is mark]
    words, ratio, aside = mark.words, "", ""
    if len(having) < len(results):
        ratio = f"{len(having)}/{len(results)}"
        words += f", {len(having)} of {len(results)}"
    if any(result.flaky for result in results):
        words, aside = f"{words}, attempts disagree", "flaky"
    if mark is not Mark.PASSED and all(result.expected is not None for result in having):
        words, aside = f"{words}, expected", "known"
    return Cell(mark, ratio, aside, words, having[0].case)


def gravest(cells: Iterable[Cell]) -> Mark | None:
    """Return the gravest mark among `cells`, None if none of them has any."""
    marks = {each.mark for each in cells}
    return next((mark for mark in SEVERITY if mark in marks), None)


def css(mark: Mark | None) -> str:
    """Return the style class of `mark`, "none" where there is none."""
    return CLASSES[mark] if mark else "none"


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a bar: `start` and `width` in percent."""

    css: str
    start: float
    width: float


def bar(found: Mapping[Mark, int]) -> list[Segment]:
    """Return the stretches of a bar that shows `found` in proportion, met first, then by weight."""
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
    """Return a target's name for the head of a column: an address without its scheme."""
    return name.partition("://")[2].rstrip("/") or name
