"""A family's page: each case over all targets, equal conduct sharing a ladder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from wsconform.requirement import Requirement
from wsconform.result import Mark, Result
from wsconform.tally import parameters, worst

from ..again import again, explain, export
from ..behaviour import Behaviour, behaviour, label
from ..gathered import Column, Gathered
from .drawn import Place, Plan, plans
from .ladder import Row, rows
from .marks import CLASSES, Cell, cell, css

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
        return [each for each in self.behaviours if each.mark not in (Mark.MET, Mark.OUT_OF_REACH)]

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
        return self.mark in (None, Mark.MET, Mark.OUT_OF_REACH)

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
        other = next((view.letter for view in others if view.mark is Mark.MET), others[0].letter if others else "")
        return tuple(view.letter for view in drawn if view.letter in (grave, other))


def case_view(gathered: Gathered, case: str) -> CaseView:
    """Return what the targets did in `case`, the commonest behaviour first; equal conduct shares a ladder."""
    ordered = sorted(grouped(gathered, case).items(), key=lambda item: -len(item[1]))
    views = tuple(
        BehaviourView(_letter(place), told, tuple(having))
        for place, (told, (_, having)) in enumerate(zip(labels(ordered), ordered, strict=True))
    )
    cells = tuple(cell([column.cases[case]] if case in column.cases else []) for column in gathered.columns)
    return CaseView(case, parameters(case), views, cells)


def labels(groups: Sequence[tuple[tuple[Mark, Behaviour], Sequence[tuple[Column, Result]]]]) -> list[str]:
    """Return a label for each group of results: what the targets did.

    Where those alone do not tell one group from another (both answer 101, but what is in it differs), what was
    observed is said of those that have a finding, and of the others when they did it.
    """
    normal = [steps for (_, steps), _ in groups]
    others = [[each for each in normal if each != steps] for steps in normal]
    told = [label(steps, rest) for steps, rest in zip(normal, others, strict=True)]
    found = list(told)
    for place, (_, having) in enumerate(groups):
        if told.count(told[place]) > 1:
            differs = any(each == told[place] and normal[at] != normal[place] for at, each in enumerate(told))
            if finding := having[0][1].finding:
                found[place] = finding.observed
            elif differs:
                found[place] = label(normal[place], others[place], ours=True)
    return found


def grouped(gathered: Gathered, case: str) -> dict[tuple[Mark, Behaviour], list[tuple[Column, Result]]]:
    """Return the targets' results in `case`, those of equal mark and behaviour together."""
    groups: dict[tuple[Mark, Behaviour], list[tuple[Column, Result]]] = {}
    for column, result in gathered.of(case):
        groups.setdefault((result.mark, behaviour(result.transcript)), []).append((column, result))
    return groups


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
    def settled(self) -> bool:
        """Whether there is nothing that a reader has to see in any of the cases."""
        return all(view.settled for view in self.cases)

    @property
    def uneven(self) -> list[list[CaseView]]:
        """The cases in which there is more to see than ✓ and –, those together that all targets dealt with alike."""
        groups: dict[tuple[tuple[str, str, str], ...], list[CaseView]] = {}
        for view in self.cases:
            if not view.settled or any(cell.aside for cell in view.cells):
                groups.setdefault(tuple((cell.css, cell.ratio, cell.aside) for cell in view.cells), []).append(view)
        return list(groups.values())

    @property
    def brief(self) -> list[CaseView]:
        """The cases that are lines of a table."""
        return [view for view in self.cases if view.brief]

    @property
    def undrawn(self) -> BehaviourView | None:
        """The first behaviour whose ladder is not on the page, None if all are there."""
        return next((each for view in self.cases for each in view.behaviours if each not in view.drawn), None)


_BLANK = re.compile(r"\n\s*\n")


def family_view(gathered: Gathered, family: str) -> FamilyView:
    """Return the page of `family`."""
    results = [result for column in gathered.columns for result in column.families.get(family, ())]
    cited = dict.fromkeys((result.requirement, result.level) for result in results)
    views = [case_view(gathered, case) for case in gathered.cases[family]]
    why = next((result.extra["why"] for result in results if result.extra.get("why")), "")
    return FamilyView(
        family,
        next((result.title for result in results if result.title), family),
        tuple(" ".join(part.split()) for part in _BLANK.split(why) if part.strip()),
        next((result.reading for result in results if result.reading), ""),
        tuple(_distinct(result.hint for result in results)),
        tuple((gathered.citation(id, level), gathered.requirement(id)) for id, level in cited),
        tuple(replace(view, plan=plan) for view, plan in zip(views, plans(views), strict=True)),
    )


def _distinct(texts: Iterable[str]) -> Iterator[str]:
    return (text for text in dict.fromkeys(texts) if text)
