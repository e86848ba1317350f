"""Disagreements: cases in which targets have different marks, with the behaviour of each group of targets."""

from __future__ import annotations

from dataclasses import dataclass

from wsconform.evidence.result import Mark, Result
from wsconform.journal.tally import SEVERITY, parameters

from ..behaviour import Behaviour
from ..columns import Column, Gathered
from .behaviours import grouped, labels
from .marks import Segment, bar


@dataclass(frozen=True, slots=True)
class Side:
    """Targets with one mark and one behaviour."""

    mark: Mark
    label: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Cases of one family in which the targets form the same sides; those with the most common mark come first."""

    cases: tuple[str, ...]
    title: str
    sides: tuple[Side, ...]
    minority: float

    @property
    def case(self) -> str:
        """The case that the report shows for the group."""
        return self.cases[0]

    @property
    def others(self) -> tuple[str, ...]:
        """The parameters of the other cases."""
        return tuple(parameters(case) for case in self.cases[1:])

    @property
    def marks(self) -> dict[Mark, int]:
        """How many targets have each mark."""
        found: dict[Mark, int] = {}
        for side in self.sides:
            found[side.mark] = found.get(side.mark, 0) + len(side.columns)
        return found

    @property
    def bar(self) -> list[Segment]:
        """The marks in proportion."""
        return bar(self.marks)


# These marks come from wsconform or from the set-up of the target, not from its behaviour.
_NO_SIDE = (Mark.SKIPPED, Mark.ERROR, Mark.INCONCLUSIVE)


def disagreements(gathered: Gathered) -> list[Disagreement]:
    """Return the cases in which targets have different marks, the most evenly split first.

    Cases of a family with the same sides and the same behaviours become one entry.
    """
    found: dict[tuple[object, ...], tuple[tuple[Side, ...], list[str]]] = {}
    titles: dict[str, str] = {}
    for family, cases in gathered.cases.items():
        for case in cases:
            results = [result for _, result in gathered.of(case)]
            titles.setdefault(family, next((result.title for result in results if result.title), ""))
            if len({result.mark for result in results if result.mark not in _NO_SIDE}) > 1:
                sides = _sides(gathered, case)
                key = (family, *((each.mark, each.label, *(one.name for one in each.columns)) for each in sides))
                found.setdefault(key, (sides, []))[1].append(case)
    splits = [
        Disagreement(tuple(cases), titles[cases[0].partition("[")[0]] or cases[0], sides, _minority(sides))
        for sides, cases in found.values()
    ]
    return sorted(splits, key=lambda each: (-each.minority, each.case))


def _sides(gathered: Gathered, case: str) -> tuple[Side, ...]:
    groups = {key: having for key, having in grouped(gathered, case).items() if key[0] not in _NO_SIDE}
    having_mark: dict[Mark, int] = {}
    for (mark, _), having in groups.items():
        having_mark[mark] = having_mark.get(mark, 0) + len(having)

    def order(item: tuple[tuple[Mark, Behaviour], list[tuple[Column, Result]]]) -> tuple[int, int, int]:
        (mark, _), having = item
        return -having_mark[mark], SEVERITY.index(mark), -len(having)

    ordered = sorted(groups.items(), key=order)
    return tuple(
        Side(mark, label, tuple(column for column, _ in having))
        for label, ((mark, _), having) in zip(labels(ordered), ordered, strict=True)
    )


def _minority(sides: tuple[Side, ...]) -> float:
    """The share of the targets that do not have the most common mark."""
    marks: dict[Mark, int] = {}
    for side in sides:
        marks[side.mark] = marks.get(side.mark, 0) + len(side.columns)
    return 1 - max(marks.values()) / sum(marks.values())
