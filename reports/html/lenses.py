"""Results by requirement: documents, their sections, and the requirements that no case covers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from wsconform.evidence.result import Mark, Result
from wsconform.journal.tally import SEVERITY
from wsconform.registry.requirement import Document, Observable, Requirement

from ..columns import Gathered
from .marks import Cell, cell, css, worst_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementRow:
    """A requirement over all targets; `same_as` names covered entries that state the same duty."""

    id: str
    requirement: Requirement | None
    cases: tuple[str, ...]
    cells: tuple[Cell, ...]
    same_as: tuple[str, ...] = ()

    @property
    def mark(self) -> Mark | None:
        """The worst mark of any target, None if no case covers the requirement."""
        return worst_of(self.cells)

    @property
    def css(self) -> str:
        """The style class of that mark."""
        return css(self.mark)

    @property
    def words(self) -> str:
        """The mark in words, or the reason for its absence."""
        if self.mark:
            return self.mark.words
        return "covered elsewhere" if self.same_as else "no case"


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a document and its requirements that concern the targets."""

    number: str
    url: str
    rows: tuple[RequirementRow, ...]

    @property
    def covered(self) -> int:
        """The number of requirements that a case covers."""
        return sum(bool(row.cases) for row in self.rows)

    @property
    def mark(self) -> Mark | None:
        """The worst mark of its requirements."""
        return worst_of(cell for row in self.rows for cell in row.cells)

    @property
    def css(self) -> str:
        """The style class of that mark."""
        return css(self.mark)

    @property
    def counted(self) -> list[tuple[Mark | None, int]]:
        """The number of requirements with each mark, the worst first; None counts those that no case covers."""
        marks = [row.mark for row in self.rows]
        return [(mark, marks.count(mark)) for mark in dict.fromkeys(sorted(marks, key=_severity_rank))]


def _severity_rank(mark: Mark | None) -> int:
    return SEVERITY.index(mark) if mark else len(SEVERITY)


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A document and its sections; without a `document` it holds the requirements that the registry does not know."""

    document: Document | None
    sections: tuple[Section, ...]

    @property
    def name(self) -> str:
        """The name to show."""
        return self.document.name if self.document else "Not in this registry"

    @property
    def title(self) -> str:
        """Its title, "" if the title is its name."""
        return self.document.title if self.document and self.document.number else ""

    @property
    def id(self) -> str:
        """Its id, "unknown" for requirements that the registry does not know."""
        return self.document.id if self.document else "unknown"

    @property
    def rows(self) -> list[RequirementRow]:
        """All requirements in it."""
        return [row for section in self.sections for row in section.rows]

    @property
    def covered(self) -> int:
        """The number of requirements that a case covers."""
        return sum(section.covered for section in self.sections)

    @property
    def total(self) -> int:
        """The number of requirements that concern the targets."""
        return sum(len(section.rows) for section in self.sections)

    @property
    def uncovered(self) -> list[RequirementRow]:
        """The requirements that could be observed on the wire but that no case covers, not even under another id."""
        return [row for row in self.rows if not row.cases and not row.same_as]

    @property
    def marks(self) -> dict[Mark, int]:
        """The number of requirements by worst mark."""
        found = dict.fromkeys(Mark, 0)
        for row in self.rows:
            if row.mark:
                found[row.mark] += 1
        return found


def by_requirement(gathered: Gathered) -> list[DocumentView]:
    """Return the documents with their covered requirements and those that could be observed on the wire."""
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
            equals = tuple(other for other in requirement.same_as if other in found)
            row = _row(gathered, id, found.get(id, {}), equals if id not in found else ())
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
    views.sort(key=lambda view: (-view.covered, view.id))
    unknown = [_row(gathered, id, found[id], ()) for id in found if gathered.requirement(id) is None]
    if unknown:
        views.append(DocumentView(None, (Section("", "", tuple(unknown)),)))
    return views


def _concerned(gathered: Gathered, result: Result) -> Iterable[str]:
    """Yield the deciding requirement, then the other cited ones that bind the target's role."""
    yield result.requirement
    for id in result.cites:
        requirement = gathered.requirement(id)
        if id != result.requirement and requirement and result.role in requirement.roles:
            yield id


def _row(gathered: Gathered, id: str, results: dict[str, list[Result]], same_as: tuple[str, ...]) -> RequirementRow:
    cases = dict.fromkeys(result.family for having in results.values() for result in having)
    cells = tuple(cell(results.get(column.name, ())) for column in gathered.columns)
    return RequirementRow(id=id, requirement=gathered.requirement(id), cases=tuple(cases), cells=cells, same_as=same_as)


def _order(section: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"[.]", section) if part]


@dataclass(frozen=True, slots=True)
class Tile:
    """A section and the worst mark of one target in it."""

    section: Section
    mark: Mark

    @property
    def css(self) -> str:
        """The style class of the mark."""
        return css(self.mark)


def strip(views: Iterable[DocumentView], place: int) -> list[tuple[DocumentView, list[Tile]]]:
    """Return the sections with results of the target in column `place`, document by document."""
    found = []
    for view in views:
        tiles = [
            Tile(section, mark)
            for section in view.sections
            if (mark := worst_of(row.cells[place] for row in section.rows)) is not None
        ]
        if tiles:
            found.append((view, tiles))
    return found
