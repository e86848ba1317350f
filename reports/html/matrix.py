"""The index: the areas of the catalogue, with a row for each family and a cell for each target."""

from __future__ import annotations

from dataclasses import dataclass

from wsconform.evidence.result import Mark, Result
from wsconform.journal.tally import by_area

from ..columns import Gathered
from .marks import Cell, cell


@dataclass(frozen=True, slots=True, kw_only=True)
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
        """The number of targets that violate it."""
        return sum(cell.mark is Mark.VIOLATION for cell in self.cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """An area of the catalogue: its rows, the violations of each target, and the cases that any target violates."""

    name: str
    cases: int
    violations: tuple[int, ...]
    violated: int
    rows: tuple[MatrixRow, ...]


def areas(gathered: Gathered) -> list[Area]:
    """Return the areas of the index, the one with most violations first."""
    found = []
    results: dict[str, list[list[Result]]] = {}
    for name in by_area(result for column in gathered.columns for result in column.cases.values()):
        results[name] = [[] for _ in gathered.columns]
    for place, column in enumerate(gathered.columns):
        for result in column.cases.values():
            results[result.area][place].append(result)
    for name, columns in results.items():
        families = [family for family in gathered.families if family.partition(".")[0] == name]
        # Violated families come first; otherwise the order is that of the catalogue.
        lines = sorted((_row(gathered, name, family) for family in families), key=lambda row: -row.violations)
        violations = tuple(sum(result.mark is Mark.VIOLATION for result in having) for having in columns)
        violated = {each.case for having in columns for each in having if each.mark is Mark.VIOLATION}
        cases = sum(len(gathered.cases[family]) for family in families)
        found.append(
            Area(name=name, cases=cases, violations=violations, violated=len(violated), rows=tuple(lines)),
        )
    return found


def _row(gathered: Gathered, area: str, family: str) -> MatrixRow:
    first = next(column.families[family][0] for column in gathered.columns if family in column.families)
    return MatrixRow(
        family=family,
        title=first.title or family,
        name=family.removeprefix(f"{area}."),
        count=len(gathered.cases[family]),
        level=first.level.weight,
        cells=tuple(cell(column.families.get(family, ())) for column in gathered.columns),
    )
