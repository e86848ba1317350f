"""A family's page: each case over all targets. Targets with equal behaviour share a ladder."""

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
    """Return the behaviours of the targets in `case`, the most common one first."""
    ordered = sorted(grouped(gathered, case).items(), key=lambda item: -len(item[1]))
    views = tuple(
        BehaviourView(_letter(place), text, tuple(having))
        for place, (text, (_, having)) in enumerate(zip(labels(ordered), ordered, strict=True))
    )
    cells = tuple(cell([column.cases[case]] if case in column.cases else []) for column in gathered.columns)
    return CaseView(case=case, parameters=parameters(case), behaviours=views, cells=cells)


def labels(groups: Sequence[tuple[tuple[Mark, Behaviour], Sequence[tuple[Column, Result]]]]) -> list[str]:
    """Return a label for each group of results: the acts of its targets.

    If two groups would get the same label (both answer 101, but with different fields), a group with a finding is
    labelled with the observation instead, and a group without one with our acts in between.
    """
    normal = [steps for (_, steps), _ in groups]
    others = [[each for each in normal if each != steps] for steps in normal]
    acts = [label(steps, rest) for steps, rest in zip(normal, others, strict=True)]
    found = list(acts)
    for place, (_, having) in enumerate(groups):
        if acts.count(acts[place]) > 1:
            differs = any(each == acts[place] and normal[at] != normal[place] for at, each in enumerate(acts))
            if finding := having[0][1].finding:
                found[place] = finding.observed
            elif differs:
                found[place] = label(normal[place], others[place], ours=True)
    return found


def grouped(gathered: Gathered, case: str) -> dict[tuple[Mark, Behaviour], list[tuple[Column, Result]]]:
    """Return the targets' results in `case`, grouped by mark and behaviour."""
    groups: dict[tuple[Mark, Behaviour], list[tuple[Column, Result]]] = {}
    for column, result in gathered.of(case):
        groups.setdefault((result.mark, behaviour(result.transcript)), []).append((column, result))
    return groups


def _letter(place: int) -> str:
    return (_letter(place // 26 - 1) if place >= 26 else "") + chr(ord("A") + place % 26)


@dataclass(frozen=True, kw_only=True)
class FamilyView:
    """A family's page: its requirements and its cases."""

    family: str
    title: str
    why: tuple[str, ...]
    reading: str
    hints: tuple[str, ...]
    requirements: tuple[tuple[str, Requirement | None], ...]
    cases: tuple[CaseView, ...]

    @property
    def settled(self) -> bool:
        """Whether every case passed or was skipped at every target."""
        return all(view.settled for view in self.cases)

    @property
    def uneven(self) -> list[list[CaseView]]:
        """The cases with more than ✓ and –, grouped by equal marks at all targets."""
        groups: dict[tuple[tuple[str, str, str], ...], list[CaseView]] = {}
        for view in self.cases:
            if not view.settled or any(cell.aside for cell in view.cells):
                groups.setdefault(tuple((cell.css, cell.ratio, cell.aside) for cell in view.cells), []).append(view)
        return list(groups.values())

    @property
    def brief(self) -> list[CaseView]:
        """The cases that are shown as lines of a table."""
        return [view for view in self.cases if view.brief]

    @property
    def undrawn(self) -> BehaviourView | None:
        """The first behaviour whose ladder is not on the page, None if every ladder is."""
        return next((each for view in self.cases for each in view.behaviours if each not in view.drawn), None)


_BLANK = re.compile(r"\n\s*\n")


def family_view(gathered: Gathered, family: str) -> FamilyView:
    """Return the page of `family`."""
    results = [result for column in gathered.columns for result in column.families.get(family, ())]
    cited = dict.fromkeys((result.requirement, result.level) for result in results)
    views = [case_view(gathered, case) for case in gathered.cases[family]]
    why = next((result.extra["why"] for result in results if result.extra.get("why")), "")
    return FamilyView(
        family=family,
        title=next((result.title for result in results if result.title), family),
        why=tuple(" ".join(part.split()) for part in _BLANK.split(why) if part.strip()),
        reading=next((result.reading for result in results if result.reading), ""),
        hints=tuple(_distinct(result.hint for result in results)),
        requirements=tuple((gathered.citation(id, level), gathered.requirement(id)) for id, level in cited),
        cases=tuple(replace(view, plan=plan) for view, plan in zip(views, plans(views), strict=True)),
    )


def _distinct(texts: Iterable[str]) -> Iterator[str]:
    return (text for text in dict.fromkeys(texts) if text)
