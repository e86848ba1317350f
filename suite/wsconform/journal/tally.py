"""Results counted and grouped: what the command line and every report say about many of them at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..evidence.result import Mark, Result, Verdict

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

#: Marks from the one that a reader must see first to the one that says least.
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
    """Return how many results have each mark, every mark in its order, those with none too."""
    found = dict.fromkeys(Mark, 0)
    for result in results:
        found[result.mark] += 1
    return found


def passed_of_run(results: Iterable[Result], weight: str) -> tuple[int, int]:
    """Return how many results of a level's `weight` ("must", "should", "may") are met, and how many were put.

    Only FAILED is not met: a departure keeps the rule, and what is noted had the choice.
    """
    put = [result for result in results if result.level.weight == weight and has_run(result)]
    return sum(result.verdict is not Verdict.FAILED for result in put), len(put)


def headline(results: Sequence[Result], *, separator: str = " · ") -> str:
    """Return a target's line: "MUST 412 of 415 · SHOULD 61 of 66 · 9 not reached"; what is nought is left out."""
    parts = []
    for weight in ("must", "should"):
        met, put = passed_of_run(results, weight)
        if put:
            parts.append(f"{weight.upper()} {met} of {put}")
    found = counts(results)
    for mark in (Mark.INCONCLUSIVE, Mark.ERROR):
        if found[mark]:
            parts.append(f"{found[mark]} {mark_words(mark, found[mark])}")
    # Where neither level was put there may be choices that were written down, and what was met at MAY.
    parts = parts or [
        f"{found[mark]} {mark_words(mark, found[mark])}" for mark in (Mark.PASSED, Mark.INFORMATIONAL) if found[mark]
    ]
    return separator.join(parts) or "nothing was put"


def worst(results: Iterable[Result]) -> Mark | None:
    """Return the gravest mark among `results`, None if there are none."""
    found = {result.mark for result in results}
    return next((mark for mark in SEVERITY if mark in found), None)


def by_area(results: Iterable[Result]) -> dict[str, list[Result]]:
    """Return the results by area, the area with most violations first, then by name."""
    areas: dict[str, list[Result]] = {}
    for result in results:
        areas.setdefault(result.area, []).append(result)
    return dict(sorted(areas.items(), key=lambda item: (-counts(item[1])[Mark.VIOLATION], item[0])))


def by_family(results: Iterable[Result]) -> dict[str, list[Result]]:
    """Return the results by the case's id without parameters, in the order in which families first come."""
    families: dict[str, list[Result]] = {}
    for result in results:
        families.setdefault(result.family, []).append(result)
    return families


def parameters(case: str) -> str:
    """Return what tells a case from its family, brackets included: "[0x3]", or "" for a case by itself."""
    return case[len(case.partition("[")[0]) :]


@dataclass(frozen=True, slots=True)
class Group:
    """Results that say the same of one family: `results` in their order, the first speaks for all."""

    results: tuple[Result, ...]

    @property
    def first(self) -> Result:
        """The result whose finding, transcript and command stand for the group."""
        return self.results[0]

    @property
    def others(self) -> tuple[str, ...]:
        """The parameters of all results but the first, as in "(and [0xB])"."""
        return tuple(parameters(result.case) or result.case for result in self.results[1:])


def group_findings(results: Iterable[Result]) -> list[Group]:
    """Return results with equal findings together, in the order in which each finding first comes.

    Findings are equal if family, mark, level, reason and expectation are, and the words are, times left
    aside, as they stand or with the case's own parameters taken out.
    """
    groups: dict[tuple[object, ...], list[Result]] = {}
    for result in results:
        about = (result.family, result.mark, result.level, result.reason, result.expected)
        keys = [(*about, words) for words in _words(result)]
        group = next((groups[key] for key in keys if key in groups), [])
        group.append(result)
        for key in keys:
            groups.setdefault(key, group)
    return [Group(tuple(group)) for group in {id(group): group for group in groups.values()}.values()]


_TIME = re.compile(r"\b\d+(?:\.\d+)? ?(?:µs|us|ms|s|seconds?)\b")
_SPLIT = re.compile(r"[\[\], -]+")


def _words(result: Result) -> Iterator[tuple[str, str] | None]:
    """The finding's words without times, then those without the case's parameters too."""
    if result.finding is None:
        yield None
        return
    expected, observed = (_TIME.sub("TIME", text) for text in (result.finding.expected, result.finding.observed))
    yield expected, observed
    own = [re.escape(value) for value in _SPLIT.split(parameters(result.case)) if value]
    if own:
        mine = re.compile(rf"(?<!\w)(?:{'|'.join(own)})(?!\w)", re.IGNORECASE)
        yield mine.sub("PARAMETER", expected), mine.sub("PARAMETER", observed)


_COUNTED = frozenset({Mark.VIOLATION, Mark.DEPARTURE, Mark.ERROR})


def mark_words(mark: Mark, count: int) -> str:
    """Return how `count` results with `mark` read: "violation", "violations", "passed"."""
    return f"{mark.words}s" if mark in _COUNTED and count != 1 else mark.words


def mark_counts(found: Mapping[Mark, int]) -> str:
    """Return `counts` as one line in words, gravest first: "2 violations, 60 met"."""
    return ", ".join(f"{found[m]} {mark_words(m, found[m])}" for m in SEVERITY if found.get(m)) or "none"
