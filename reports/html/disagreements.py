"""What targets disagree about: cases with different marks, the ways in which they were dealt with as labels."""

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
    """Cases of one family about which the targets are split alike: sides of the commonest mark first."""

    cases: tuple[str, ...]
    title: str
    sides: tuple[Side, ...]
    minority: float

    @property
    def case(self) -> str:
        """The case that speaks for all."""
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


# What the suite or the target's set-up decided is no opinion of the target.
_SILENT = (Mark.SKIPPED, Mark.ERROR, Mark.INCONCLUSIVE)


def disagreements(gathered: Gathered) -> list[Disagreement]:
    """Return the cases in which targets have different marks, the most evenly split first.

    Cases of a family in which every target is on the same side, and behaves the same, are told once.
    """
    found: dict[tuple[object, ...], tuple[tuple[Side, ...], list[str]]] = {}
    titles: dict[str, str] = {}
    for family, cases in gathered.cases.items():
        for case in cases:
            results = [result for _, result in gathered.of(case)]
            titles.setdefault(family, next((result.title for result in results if result.title), ""))
            if len({result.mark for result in results if result.mark not in _SILENT}) > 1:
                sides = _sides(gathered, case)
                key = (family, *((each.mark, each.label, *(one.name for one in each.columns)) for each in sides))
                found.setdefault(key, (sides, []))[1].append(case)
    told = [
        Disagreement(tuple(cases), titles[cases[0].partition("[")[0]] or cases[0], sides, _minority(sides))
        for sides, cases in found.values()
    ]
    return sorted(told, key=lambda each: (-each.minority, each.case))


def _sides(gathered: Gathered, case: str) -> tuple[Side, ...]:
    groups = {key: having for key, having in grouped(gathered, case).items() if key[0] not in _SILENT}
    having_mark: dict[Mark, int] = {}
    for (mark, _), having in groups.items():
        having_mark[mark] = having_mark.get(mark, 0) + len(having)

    def order(item: tuple[tuple[Mark, Behaviour], list[tuple[Column, Result]]]) -> tuple[int, int, int]:
        (mark, _), having = item
        return -having_mark[mark], SEVERITY.index(mark), -len(having)

    ordered = sorted(groups.items(), key=order)
    return tuple(
        Side(mark, told, tuple(column for column, _ in having))
        for told, ((mark, _), having) in zip(labels(ordered), ordered, strict=True)
    )


def _minority(sides: tuple[Side, ...]) -> float:
    """The share of the targets that are not of the commonest mark."""
    marks: dict[Mark, int] = {}
    for side in sides:
        marks[side.mark] = marks.get(side.mark, 0) + len(side.columns)
    return 1 - max(marks.values()) / sum(marks.values())
