"""Counting and grouping of results, for the command line and for all reports."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..evidence.result import Mark, Result, Verdict
from ..words import plural

__all__ = [
    "SEVERITY",
    "Group",
    "by_area",
    "by_family",
    "counts",
    "group_findings",
    "has_run",
    "headline",
    "mark_counts",
    "mark_words",
    "parameters",
    "passed_of_run",
    "worst",
]

#: Marks, the most important one for a reader first.
SEVERITY = (
    Mark.VIOLATION,
    Mark.ERROR,
    Mark.INCONCLUSIVE,
    Mark.DEPARTURE,
    Mark.INFORMATIONAL,
    Mark.PASSED,
    Mark.SKIPPED,
)
_RUN = frozenset({Verdict.PASSED, Verdict.FAILED, Verdict.DEPARTED, Verdict.INFORMATIONAL})


def has_run(result: Result) -> bool:
    """Return whether the case ran up to its requirement, so that the target could keep or break it."""
    return result.verdict in _RUN


def counts(results: Iterable[Result]) -> dict[Mark, int]:
    """Return the number of results with each mark; marks without results are included with 0."""
    found = dict.fromkeys(Mark, 0)
    for result in results:
        found[result.mark] += 1
    return found


def passed_of_run(results: Iterable[Result], weight: str) -> tuple[int, int]:
    """Return how many results of a level's `weight` ("must", "should", "may") passed, and how many ran.

    All but FAILED count as passed: a departure keeps the rule, and with INFORMATIONAL the RFC leaves the choice.
    """
    ran = [result for result in results if result.level.weight == weight and has_run(result)]
    return sum(result.verdict is not Verdict.FAILED for result in ran), len(ran)


def headline(results: Sequence[Result], *, separator: str = " · ") -> str:
    """Return the summary line of a target, such as "MUST 412 of 415 · SHOULD 61 of 66 · 9 inconclusive".

    Parts with a count of 0 are omitted.
    """
    parts = []
    for weight in ("must", "should"):
        passed, ran = passed_of_run(results, weight)
        if ran:
            parts.append(f"{weight.upper()} {passed} of {ran}")
    found = counts(results)
    for mark in (Mark.INCONCLUSIVE, Mark.ERROR):
        if found[mark]:
            parts.append(f"{found[mark]} {mark_words(mark, found[mark])}")
    # Without results at MUST and SHOULD, there may still be informational results, and passed ones at MAY.
    parts = parts or [
        f"{found[mark]} {mark_words(mark, found[mark])}" for mark in (Mark.PASSED, Mark.INFORMATIONAL) if found[mark]
    ]
    return separator.join(parts) or "no case ran"


def worst(results: Iterable[Result]) -> Mark | None:
    """Return the first mark of SEVERITY that one of `results` has; None without results."""
    found = {result.mark for result in results}
    return next((mark for mark in SEVERITY if mark in found), None)


def by_area(results: Iterable[Result]) -> dict[str, list[Result]]:
    """Return the results by area: areas with more violations first, then by name."""
    areas: dict[str, list[Result]] = {}
    for result in results:
        areas.setdefault(result.area, []).append(result)
    return dict(sorted(areas.items(), key=lambda item: (-counts(item[1])[Mark.VIOLATION], item[0])))


def by_family(results: Iterable[Result]) -> dict[str, list[Result]]:
    """Return the results by family (the case's id without parameters), in the order of first appearance."""
    families: dict[str, list[Result]] = {}
    for result in results:
        families.setdefault(result.family, []).append(result)
    return families


def parameters(case: str) -> str:
    """Return the parameters in the id `case`, brackets included, such as "[0x3]"; "" if it has none."""
    return case[len(case.partition("[")[0]) :]


@dataclass(frozen=True, slots=True)
class Group:
    """Results of one family with equal findings, in their order."""

    results: tuple[Result, ...]

    @property
    def first(self) -> Result:
        """The first result, whose finding, transcript and command are shown for the group."""
        return self.results[0]

    @property
    def others(self) -> tuple[str, ...]:
        """The parameters of all results but the first, as in "(and [0xB])"."""
        return tuple(parameters(result.case) or result.case for result in self.results[1:])


def group_findings(results: Iterable[Result]) -> list[Group]:
    """Return groups of results with equal findings, in the order of first appearance.

    Findings are equal if family, mark, level, reason and expectation are equal, and the texts are equal once times,
    or times and the case's own parameters, are masked.
    """
    groups: dict[tuple[object, ...], list[Result]] = {}
    for result in results:
        attributes = (result.family, result.mark, result.level, result.reason, result.expected)
        keys = [(*attributes, texts) for texts in _masked_texts(result)]
        group = next((groups[key] for key in keys if key in groups), [])
        group.append(result)
        for key in keys:
            groups.setdefault(key, group)
    return [Group(tuple(group)) for group in {id(group): group for group in groups.values()}.values()]


_TIME = re.compile(r"\b\d+(?:\.\d+)? ?(?:µs|us|ms|s|seconds?)\b")
_SPLIT = re.compile(r"[\[\], -]+")


def _masked_texts(result: Result) -> Iterator[tuple[str, str] | None]:
    """Yield the finding's texts with times masked, then with times and the case's parameters masked."""
    if result.finding is None:
        yield None
        return
    expected, observed = (_TIME.sub("TIME", text) for text in (result.finding.expected, result.finding.observed))
    yield expected, observed
    values = [re.escape(value) for value in _SPLIT.split(parameters(result.case)) if value]
    if values:
        parameter = re.compile(rf"(?<!\w)(?:{'|'.join(values)})(?!\w)", re.IGNORECASE)
        yield parameter.sub("PARAMETER", expected), parameter.sub("PARAMETER", observed)


_COUNTED = frozenset({Mark.VIOLATION, Mark.DEPARTURE, Mark.ERROR})


def mark_words(mark: Mark, count: int) -> str:
    """Return the words for `count` results with `mark`: "violation", "violations", "passed"."""
    return plural(count, mark.words) if mark in _COUNTED else mark.words


def mark_counts(found: Mapping[Mark, int]) -> str:
    """Return `counts` as one line, in the order of SEVERITY: "2 violations, 60 passed"."""
    return ", ".join(f"{found[m]} {mark_words(m, found[m])}" for m in SEVERITY if found.get(m)) or "none"
