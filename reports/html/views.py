"""What the pages show, as values: cells, bars, findings, behaviours. Templates add nothing but markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from wsconform.requirement import Requirement
from wsconform.result import Mark, Result
from wsconform.tally import (
    SEVERITY,
    Group,
    by_area,
    counts,
    group_findings,
    met_of_put,
    parameters,
    worst,
)

from ..behaviour import Behaviour, behaviour, label
from ..gathered import Column, Gathered, again
from .ladder import Row, rows

#: The style class of each mark.
CLASSES = {
    Mark.MET: "ok",
    Mark.VIOLATION: "bad",
    Mark.DEPARTURE: "dep",
    Mark.NOTED: "note",
    Mark.NOT_REACHED: "lost",
    Mark.OUT_OF_REACH: "out",
    Mark.SUITE_ERROR: "err",
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
    if mark is not Mark.MET and all(result.expected is not None for result in having):
        words, aside = f"{words}, expected", "known"
    return Cell(mark, ratio, aside, words, having[0].case)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a bar: `start` and `width` in percent."""

    css: str
    start: float
    width: float


def bar(found: dict[Mark, int]) -> list[Segment]:
    """Return the stretches of a bar that shows `found` in proportion, met first, then by weight."""
    whole = sum(found.values())
    segments: list[Segment] = []
    start = 0.0
    for mark in (Mark.MET, *reversed(SEVERITY)):
        if found.get(mark) and not (segments and mark is Mark.MET):
            width = 100 * found[mark] / whole
            segments.append(Segment(CLASSES[mark], round(start, 2), round(width, 2)))
            start += width
    return segments


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A family over all targets."""

    family: str
    title: str
    name: str
    count: int
    level: str
    cells: tuple[Cell, ...]

    @property
    def violations(self) -> int:
        """How many targets violate it."""
        return sum(cell.mark is Mark.VIOLATION for cell in self.cells)

    @property
    def marks(self) -> str:
        """The style classes of its cells, for the filter."""
        return " ".join(sorted({cell.css for cell in self.cells if cell.css}))


@dataclass(frozen=True, slots=True)
class Area:
    """An area of the catalogue: its rows, and how many violations each target has."""

    name: str
    cases: int
    violations: tuple[int, ...]
    rows: tuple[MatrixRow, ...]


def areas(gathered: Gathered) -> list[Area]:
    """Return the areas of the index, the one with most violations first."""
    everything = [result for column in gathered.columns for result in column.results]
    found = []
    for name in by_area(everything):
        families = [family for family in gathered.families if family.partition(".")[0] == name]
        # The violated first, else in the order of the catalogue.
        lines = sorted((_matrix_row(gathered, name, family) for family in families), key=lambda row: -row.violations)
        violations = tuple(
            sum(result.mark is Mark.VIOLATION for result in column.cases.values() if result.area == name)
            for column in gathered.columns
        )
        found.append(Area(name, sum(len(gathered.cases[family]) for family in families), violations, tuple(lines)))
    return found


def _matrix_row(gathered: Gathered, area: str, family: str) -> MatrixRow:
    first = next(column.families[family][0] for column in gathered.columns if family in column.families)
    return MatrixRow(
        family,
        first.title or family,
        family.removeprefix(f"{area}."),
        len(gathered.cases[family]),
        first.level.weight,
        tuple(cell(column.families.get(family, ())) for column in gathered.columns),
    )


@dataclass(frozen=True)
class FindingView:
    """Equal findings of one target, told once."""

    group: Group
    column: Column
    requirement: Requirement | None
    citation: str

    @property
    def result(self) -> Result:
        """The result that speaks for the group."""
        return self.group.first

    @property
    def css(self) -> str:
        """The style class of its mark."""
        return CLASSES[self.result.mark]

    @property
    def again(self) -> str:
        """The command that repeats it."""
        return again(self.column.target.name, self.result.case)

    @property
    def flaky(self) -> bool:
        """Whether attempts at any of its cases disagreed."""
        return any(result.flaky for result in self.group.results)


def findings(gathered: Gathered, column: Column, mark: Mark) -> list[FindingView]:
    """Return the findings of `column` with `mark`, area by area, the worst first."""
    having = [result for result in column.cases.values() if result.mark is mark]
    ordered = [result for results in by_area(having).values() for result in results]
    return [
        FindingView(
            group,
            column,
            gathered.requirement(group.first.requirement),
            gathered.citation(group.first.requirement, group.first.level),
        )
        for group in group_findings(ordered)
    ]


def out_of_reach(column: Column) -> list[tuple[str, list[Result]]]:
    """Return what was out of the target's reach by reason, the commonest first."""
    found: dict[str, list[Result]] = {}
    for result in column.cases.values():
        if result.mark is Mark.OUT_OF_REACH:
            found.setdefault(result.reason.value if result.reason else "no reason given", []).append(result)
    return sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))


def area_strips(column: Column) -> list[tuple[str, dict[Mark, int], tuple[int, int]]]:
    """Return each area of a target: name, counts, and MUST met of put."""
    return [
        (name, counts(results), met_of_put(results, "must")) for name, results in by_area(column.cases.values()).items()
    ]


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
        return again(self.column.target.name, self.result.case)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The ladder."""
        return rows(self.result)

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

    @property
    def mark(self) -> Mark | None:
        """The gravest mark of any target."""
        return worst(result for view in self.behaviours for _, result in view.shown)

    @property
    def targets(self) -> int:
        """How many targets have a result."""
        return sum(len(view.shown) for view in self.behaviours)


def case_view(gathered: Gathered, case: str) -> CaseView:
    """Return what the targets did in `case`, the commonest behaviour first; equal conduct shares a ladder."""
    groups: dict[tuple[Mark, Behaviour], list[tuple[Column, Result]]] = {}
    for column, result in gathered.of(case):
        groups.setdefault((result.mark, behaviour(result.transcript)), []).append((column, result))
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    normal = [steps for (_, steps), _ in ordered]
    views = tuple(
        BehaviourView(_letter(place), label(steps, [each for each in normal if each != steps]), tuple(having))
        for place, ((_, steps), having) in enumerate(ordered)
    )
    cells = tuple(cell([column.cases[case]] if case in column.cases else []) for column in gathered.columns)
    return CaseView(case, parameters(case), views, cells)


def short(name: str) -> str:
    """Return a target's name for the head of a column: an address without its scheme."""
    return name.partition("://")[2].rstrip("/") or name


def _letter(place: int) -> str:
    return (_letter(place // 26 - 1) if place >= 26 else "") + chr(ord("A") + place % 26)


@dataclass(frozen=True)
class FamilyView:
    """A family's page: what its cases ask, and each of them."""

    family: str
    title: str
    why: tuple[str, ...]
    reading: str
    hints: tuple[str, ...]
    requirements: tuple[tuple[str, Requirement | None], ...]
    cases: tuple[CaseView, ...]

    @property
    def uneven(self) -> list[CaseView]:
        """The cases that not every target met."""
        return [view for view in self.cases if any(cell.mark is not Mark.MET for cell in view.cells)]


_BLANK = re.compile(r"\n\s*\n")


def family_view(gathered: Gathered, family: str) -> FamilyView:
    """Return the page of `family`."""
    results = [result for column in gathered.columns for result in column.families.get(family, ())]
    cited = dict.fromkeys((result.requirement, result.level) for result in results)
    why = next((result.extra["why"] for result in results if result.extra.get("why")), "")
    return FamilyView(
        family,
        next((result.title for result in results if result.title), family),
        tuple(" ".join(part.split()) for part in _BLANK.split(why) if part.strip()),
        next((result.reading for result in results if result.reading), ""),
        tuple(_distinct(result.hint for result in results)),
        tuple((gathered.citation(id, level), gathered.requirement(id)) for id, level in cited),
        tuple(case_view(gathered, case) for case in gathered.cases[family]),
    )


def _distinct(texts: Iterable[str]) -> Iterator[str]:
    return (text for text in dict.fromkeys(texts) if text)
