"""Two other ways to look at the results: by requirement, and by what targets disagree about."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from wsconform.requirement import Document, Observable, Requirement
from wsconform.result import Mark, Result
from wsconform.tally import SEVERITY

from ..gathered import Column, Gathered
from .views import CLASSES, Cell, Segment, bar, cell


@dataclass(frozen=True, slots=True)
class RequirementRow:
    """A requirement over all targets; `same_as` names entries of the same duty that are asked in its place."""

    id: str
    requirement: Requirement | None
    cases: tuple[str, ...]
    cells: tuple[Cell, ...]
    same_as: tuple[str, ...] = ()

    @property
    def mark(self) -> Mark | None:
        """The gravest mark of any target, None where no case asks."""
        return next((mark for mark in SEVERITY if any(cell.mark is mark for cell in self.cells)), None)

    @property
    def css(self) -> str:
        """The style class of that mark."""
        return CLASSES[self.mark] if self.mark else "none"


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a document with the requirements in it that concern the targets."""

    number: str
    url: str
    rows: tuple[RequirementRow, ...]

    @property
    def asked(self) -> int:
        """How many of them some case asks."""
        return sum(bool(row.cases) for row in self.rows)

    @property
    def css(self) -> str:
        """The style class of the gravest mark in it."""
        marks = [row.mark for row in self.rows]
        return next((CLASSES[mark] for mark in SEVERITY if mark in marks), "none")

    @property
    def mark(self) -> Mark | None:
        """The gravest mark in it."""
        marks = [row.mark for row in self.rows]
        return next((mark for mark in SEVERITY if mark in marks), None)


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A document; None for requirements that the registry does not know."""

    document: Document | None
    sections: tuple[Section, ...]

    @property
    def asked(self) -> int:
        """How many of its requirements some case asks."""
        return sum(section.asked for section in self.sections)

    @property
    def total(self) -> int:
        """How many of its requirements concern the targets."""
        return sum(len(section.rows) for section in self.sections)


def by_requirement(gathered: Gathered) -> list[DocumentView]:
    """Return the documents: what was asked, and what could be seen on the wire but is asked by no case."""
    found: dict[str, dict[str, list[Result]]] = {}
    for column in gathered.columns:
        for result in column.cases.values():
            for id in _concerned(gathered, result):
                found.setdefault(id, {}).setdefault(column.name, []).append(result)
    roles = {column.target.role for column in gathered.columns}
    documents: dict[Document, dict[str, list[RequirementRow]]] = {}
    for id, requirement in (gathered.registry or {}).items():
        concerns = requirement.observable is Observable.WIRE and requirement.roles & roles
        if id in found or concerns:
            asked = tuple(other for other in requirement.same_as if other in found)
            row = _row(gathered, id, found.get(id, {}), asked if id not in found else ())
            documents.setdefault(requirement.document, {}).setdefault(requirement.section, []).append(row)
    views = [
        DocumentView(
            document,
            tuple(
                Section(number, document.section_url(number), tuple(sections[number]))
                for number in sorted(sections, key=_order)
            ),
        )
        for document, sections in documents.items()
    ]
    views.sort(key=lambda view: (-view.asked, view.document.id if view.document else ""))
    unknown = [_row(gathered, id, found[id], ()) for id in found if gathered.requirement(id) is None]
    if unknown:
        views.append(DocumentView(None, (Section("", "", tuple(unknown)),)))
    return views


def _concerned(gathered: Gathered, result: Result) -> Iterable[str]:
    """The requirement that decides, and those cited beside it that bind the target's role."""
    yield result.requirement
    for id in result.cites:
        requirement = gathered.requirement(id)
        if id != result.requirement and requirement and result.role in requirement.roles:
            yield id


def _row(gathered: Gathered, id: str, results: dict[str, list[Result]], same_as: tuple[str, ...]) -> RequirementRow:
    cases = dict.fromkeys(result.family for having in results.values() for result in having)
    cells = tuple(cell(results.get(column.name, ())) for column in gathered.columns)
    return RequirementRow(id, gathered.requirement(id), tuple(cases), cells, same_as)


def _order(section: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"[.]", section) if part]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A case to which targets react differently: the targets by mark, the commonest mark first."""

    case: str
    title: str
    sides: tuple[tuple[Mark, tuple[Column, ...]], ...]
    minority: float

    @property
    def bar(self) -> list[Segment]:
        """The sides in proportion."""
        return bar({mark: len(columns) for mark, columns in self.sides})


# What the suite or the target's set-up decided is no opinion of the target.
_SILENT = (Mark.OUT_OF_REACH, Mark.SUITE_ERROR, Mark.NOT_REACHED)


def disagreements(gathered: Gathered) -> list[Disagreement]:
    """Return the cases in which targets have different marks, the most evenly split first."""
    found = []
    for cases in gathered.cases.values():
        for case in cases:
            sides: dict[Mark, list[Column]] = {}
            titles = ""
            for column, result in gathered.of(case):
                titles = titles or result.title
                if result.mark not in _SILENT:
                    sides.setdefault(result.mark, []).append(column)
            if len(sides) > 1:
                ordered = sorted(sides.items(), key=lambda item: (-len(item[1]), SEVERITY.index(item[0])))
                minority = 1 - len(ordered[0][1]) / sum(len(columns) for columns in sides.values())
                told = tuple((mark, tuple(columns)) for mark, columns in ordered)
                found.append(Disagreement(case, titles or case, told, minority))
    return sorted(found, key=lambda each: (-each.minority, each.case))
