"""Values that templates of findings and ladders show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from wsconform.evidence.result import Mark, Result
from wsconform.journal.tally import worst

from ..columns import Column
from ..rerun import again, explain, export
from .ladder import Row, rows
from .marks import CLASSES, Cell, css

#: The forms in which the evidence can be had, as the command's last words, and what each is.
FORMS = {
    "python": "a script that sends the same",
    "netcat": "a shell script around netcat",
    "hex": "octets to read",
    "pcapng -o case.pcapng": "a capture for Wireshark",
}


@dataclass(frozen=True)
class BehaviourView:
    """One way in which targets dealt with a case, shown by the first of them."""

    letter: str
    label: str
    shown: tuple[tuple[Column, Result], ...]

    @property
    def columns(self) -> list[Column]:
        """All targets that behave so."""
        return [column for column, _ in self.shown]

    @property
    def column(self) -> Column:
        """The target that stands for all."""
        return self.shown[0][0]

    @property
    def result(self) -> Result:
        """Its result."""
        return self.shown[0][1]

    @property
    def tagged(self) -> bool:
        """Whether there is more to say of the result than its mark."""
        return bool(self.result.expected is not None or self.result.flaky or self.result.reason)

    @property
    def mark(self) -> Mark:
        """The mark that they all have."""
        return self.result.mark

    @property
    def css(self) -> str:
        """The style class of the mark."""
        return CLASSES[self.mark]

    @property
    def again(self) -> str:
        """The command that repeats what is shown."""
        return again(self.column, self.result.case)

    @property
    def export(self) -> str:
        """The command that writes the evidence, up to the form, which is one of `FORMS`."""
        return export(self.column, self.result.case)

    @property
    def explain(self) -> str:
        """The command that shows the ladder on a terminal."""
        return explain(self.column, self.result.case)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The ladder."""
        return rows(self.result)

    @cached_property
    def weight(self) -> int:
        """How much markup the ladder is, in characters, roughly."""
        return 1800 + sum(row.weight for row in self.rows)

    @property
    def notes(self) -> list[tuple[str, list[str]]]:
        """What was noted at the targets: key, and each value that came up."""
        found: dict[str, dict[str, None]] = {}
        for _, result in self.shown:
            for key, text in result.notes:
                found.setdefault(key, {})[text] = None
        return [(key, list(values)) for key, values in found.items()]


@dataclass(frozen=True)
class CaseView:
    """One case over all targets."""

    case: str
    parameters: str
    behaviours: tuple[BehaviourView, ...]
    cells: tuple[Cell, ...]
    plan: Plan | None = None

    @property
    def drawn(self) -> list[BehaviourView]:
        """The behaviours whose ladders are on the page; all, as long as nobody planned."""
        return [each for each in self.behaviours if self.plan is None or each.letter in self.plan.drawn]

    @property
    def brief(self) -> bool:
        """Whether the case is no more than a line of a table."""
        return self.plan is not None and self.plan.brief

    @property
    def grave(self) -> list[BehaviourView]:
        """The behaviours that a line of a table has to tell of: those that did not meet the case."""
        return [each for each in self.behaviours if each.mark not in (Mark.PASSED, Mark.SKIPPED)]

    def elsewhere(self, view: BehaviourView) -> Place | None:
        """Where a ladder that tells the same is drawn, None if it is drawn here, or nowhere."""
        return self.plan.elsewhere.get(view.letter) if self.plan else None

    @property
    def mark(self) -> Mark | None:
        """The gravest mark of any target."""
        return worst(result for view in self.behaviours for _, result in view.shown)

    @property
    def css(self) -> str:
        """The style class of that mark."""
        return css(self.mark)

    @property
    def settled(self) -> bool:
        """Whether there is nothing here that a reader has to see: all met it, or it was out of reach."""
        return self.mark in (None, Mark.PASSED, Mark.SKIPPED)

    @property
    def counted(self) -> list[tuple[Mark, int]]:
        """How many targets have each mark, the commonest behaviour's first."""
        marks = [view.mark for view in self.behaviours for _ in view.shown]
        return [(mark, marks.count(mark)) for mark in dict.fromkeys(marks)]

    @property
    def targets(self) -> int:
        """How many targets have a result."""
        return sum(len(view.shown) for view in self.behaviours)

    @cached_property
    def first(self) -> tuple[str, ...]:
        """The letters of the ladders shown first: the commonest of the gravest mark, beside one that met the case."""
        drawn = self.drawn
        grave = next((view.letter for view in drawn if view.mark is self.mark), drawn[0].letter if drawn else "")
        others = [view for view in drawn if view.letter != grave]
        other = next((view.letter for view in others if view.mark is Mark.PASSED), others[0].letter if others else "")
        return tuple(view.letter for view in drawn if view.letter in (grave, other))


@dataclass(frozen=True, slots=True)
class Place:
    """A ladder that is drawn elsewhere on the page: its case, that case's parameters, and its letter there."""

    case: str
    parameters: str
    letter: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is drawn of one case: the letters of its ladders, and where others like its own are drawn, by letter."""

    drawn: tuple[str, ...]
    elsewhere: dict[str, Place]

    @property
    def brief(self) -> bool:
        """Whether the case is no more than a line of a table."""
        return not self.drawn
