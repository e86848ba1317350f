"""The values of a case that the templates show: its behaviours, their ladders, and the plan of the page.

`behaviours` builds these views from results and `ladder_plan` decides which of their ladders a page draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from wsconform.evidence.result import Mark, Result
from wsconform.journal.tally import worst

from ..columns import Column
from ..rerun import explain_command, export_command, rerun_command
from .ladder import Row, rows
from .marks import CLASSES, Cell, css

#: The export formats, as the last words of the command, and a description of each.
FORMS = {
    "python": "a script that sends the same octets",
    "netcat": "a shell script around netcat",
    "hex": "a hex dump",
    "pcapng -o case.pcapng": "a capture for Wireshark",
}


@dataclass(frozen=True)
class BehaviourView:
    """One behaviour in a case and the targets that showed it; the page shows the ladder of the first."""

    letter: str
    label: str
    shown: tuple[tuple[Column, Result], ...]

    @property
    def columns(self) -> list[Column]:
        """All targets with this behaviour."""
        return [column for column, _ in self.shown]

    @property
    def column(self) -> Column:
        """The target whose ladder is shown."""
        return self.shown[0][0]

    @property
    def result(self) -> Result:
        """The result of that target."""
        return self.shown[0][1]

    @property
    def tagged(self) -> bool:
        """Whether the result has tags beside its mark."""
        return bool(self.result.expected is not None or self.result.flaky or self.result.reason)

    @property
    def mark(self) -> Mark:
        """The mark of all these targets."""
        return self.result.mark

    @property
    def css(self) -> str:
        """The style class of the mark."""
        return CLASSES[self.mark]

    @property
    def rerun(self) -> str:
        """The command that runs the case again."""
        return rerun_command(self.column, self.result.case)

    @property
    def export(self) -> str:
        """The command that exports the evidence, without its last word, the format (see `FORMS`)."""
        return export_command(self.column, self.result.case)

    @property
    def explain(self) -> str:
        """The command that shows the ladder on a terminal."""
        return explain_command(self.column, self.result.case)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The rows of the ladder."""
        return rows(self.result)

    @cached_property
    def weight(self) -> int:
        """The approximate size of the ladder's markup, in characters."""
        return 1800 + sum(row.weight for row in self.rows)

    @property
    def notes(self) -> list[tuple[str, list[str]]]:
        """The notes of the targets: each key with its distinct values."""
        found: dict[str, dict[str, None]] = {}
        for _, result in self.shown:
            for key, text in result.notes:
                found.setdefault(key, {})[text] = None
        return [(key, list(values)) for key, values in found.items()]


@dataclass(frozen=True, kw_only=True)
class CaseView:
    """One case over all targets."""

    case: str
    parameters: str
    behaviours: tuple[BehaviourView, ...]
    cells: tuple[Cell, ...]
    plan: LadderPlan | None = None

    @property
    def drawn(self) -> list[BehaviourView]:
        """The behaviours whose ladders are on the page; all of them without a plan."""
        return [each for each in self.behaviours if self.plan is None or each.letter in self.plan.drawn]

    @property
    def brief(self) -> bool:
        """Whether the case is shown as a line of a table only."""
        return self.plan is not None and self.plan.brief

    @property
    def not_passed(self) -> list[BehaviourView]:
        """The behaviours that did not pass, which a line of a table has to show."""
        return [each for each in self.behaviours if each.mark not in (Mark.PASSED, Mark.SKIPPED)]

    def elsewhere(self, view: BehaviourView) -> LadderPlace | None:
        """Return the place of an equal ladder, None if this ladder is drawn or no equal one is."""
        return self.plan.elsewhere.get(view.letter) if self.plan else None

    @property
    def mark(self) -> Mark | None:
        """The worst mark of any target."""
        return worst(result for view in self.behaviours for _, result in view.shown)

    @property
    def css(self) -> str:
        """The style class of that mark."""
        return css(self.mark)

    @property
    def settled(self) -> bool:
        """Whether the case passed or was skipped at every target."""
        return self.mark in (None, Mark.PASSED, Mark.SKIPPED)

    @property
    def counted(self) -> list[tuple[Mark, int]]:
        """The number of targets with each mark, that of the most common behaviour first."""
        marks = [view.mark for view in self.behaviours for _ in view.shown]
        return [(mark, marks.count(mark)) for mark in dict.fromkeys(marks)]

    @property
    def targets(self) -> int:
        """The number of targets with a result."""
        return sum(len(view.shown) for view in self.behaviours)

    @cached_property
    def first(self) -> tuple[str, ...]:
        """The letters of the two ladders shown first: the most common one of the worst mark, and one that passed."""
        drawn = self.drawn
        worst_letter = next((view.letter for view in drawn if view.mark is self.mark), drawn[0].letter if drawn else "")
        others = [view for view in drawn if view.letter != worst_letter]
        other_letter = next(
            (view.letter for view in others if view.mark is Mark.PASSED), others[0].letter if others else ""
        )
        return tuple(view.letter for view in drawn if view.letter in (worst_letter, other_letter))


@dataclass(frozen=True, slots=True)
class LadderPlace:
    """A ladder elsewhere on the page: its case, the parameters of that case, and its letter there."""

    case: str
    parameters: str
    letter: str


@dataclass(frozen=True, slots=True)
class LadderPlan:
    """The ladders of one case: the letters of those drawn, and the place of an equal ladder for the others."""

    drawn: tuple[str, ...]
    elsewhere: dict[str, LadderPlace]

    @property
    def brief(self) -> bool:
        """Whether the case is shown as a line of a table only."""
        return not self.drawn
