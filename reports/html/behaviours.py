"""A family's page: each case over all targets, equal conduct sharing a ladder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from wsconform.evidence.result import Mark, Result
from wsconform.journal.tally import parameters
from wsconform.registry.requirement import Requirement

from ..behaviour import Behaviour, behaviour, label
from ..columns import Column, Gathered
from .ladder_plan import plans
from .marks import cell
from .views import BehaviourView, CaseView


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
