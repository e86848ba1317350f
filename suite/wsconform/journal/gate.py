"""The gate: what a run's results come to, as an exit code and the sentences that say why."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ..evidence.result import Mark, Reason, Result
from ..problem import Exit, gravest
from .tally import is_put

__all__ = ["Allow", "FailOn", "Policy", "Ruling", "TargetOutcome", "rule"]


class FailOn(enum.StrEnum):
    """The lowest level whose breach breaks the gate."""

    MUST = "must"
    SHOULD = "should"
    NEVER = "never"


class Allow(enum.StrEnum):
    """What else would break the gate and may be let through."""

    STALE = "stale"
    FLAKY = "flaky"
    INCONCLUSIVE = "inconclusive"


@dataclass(slots=True)
class TargetOutcome:
    """What became of one target: its results so far, and why its part ended.

    `why` is a footer's word (done, budget, interrupted, target-lost); `problem` the line that says why it
    could not be tested; `planned` how many cases were to be put; `output` the last lines that it printed,
    kept in `log`.
    """

    name: str
    planned: int = 0
    why: str = "done"
    problem: str = ""
    output: tuple[str, ...] = ()
    log: str = ""
    restarts: int = 0
    _results: dict[str, Result] = field(default_factory=dict)

    @property
    def results(self) -> list[Result]:
        """The results so far, one a case, in the order in which the cases were first judged."""
        return list(self._results.values())

    def record(self, result: Result) -> None:
        """Take a result; a later one of the same case takes the earlier one's place, as in a journal."""
        self._results[result.case] = result


@dataclass(frozen=True, slots=True)
class Policy:
    """What breaks the gate."""

    fail_on: FailOn = FailOn.MUST
    allow: frozenset[Allow] = frozenset()

    def where_it_counts(self) -> Policy:
        """Return what a run that stops after so many failures counts by: under FailOn.NEVER the usual gate."""
        return self if self.fail_on is not FailOn.NEVER else Policy()

    def breaks(self, result: Result) -> bool:
        """Return whether `result` breaks the gate, its expectation and earlier attempts considered."""
        if result.mark is Mark.ERROR:
            return True
        if self.fail_on is FailOn.NEVER:
            return False
        return self._is_finding(result) or self.breaks_by_flakiness(result)

    def breaks_by_flakiness(self, result: Result) -> bool:
        """Return whether attempts at `result` disagree, and that matters."""
        wavers = result.flaky and not result.flaky_expected
        return wavers and self.fail_on is not FailOn.NEVER and Allow.FLAKY not in self.allow

    def _is_finding(self, result: Result) -> bool:
        if result.expected is not None:
            return False
        match result.mark:
            case Mark.VIOLATION:
                return True
            case Mark.DEPARTURE:
                return self.fail_on is FailOn.SHOULD
            case Mark.INCONCLUSIVE:
                return result.reason is not Reason.LIMIT and Allow.INCONCLUSIVE not in self.allow
            case _:
                return False


@dataclass(frozen=True, slots=True)
class Ruling:
    """How a run ends: `sentences` say why, the one that sums up last."""

    exit: Exit
    sentences: tuple[str, ...]


def rule(
    outcomes: Sequence[TargetOutcome],
    stale: Sequence[str],
    policy: Policy,
    *,
    interrupted: bool = False,
    expected: str = "",
) -> Ruling:
    """Judge a run: `stale` are the lines about expectations that no longer hold, `expected` the name of their file."""
    results = [result for outcome in outcomes for result in outcome.results]
    counts_stale = bool(stale) and Allow.STALE not in policy.allow and policy.fail_on is not FailOn.NEVER
    broken = _broken(results, policy, expected)
    codes = set[Exit]()
    sentences = list(stale if counts_stale else (f"{line} (allowed)" for line in stale))
    if counts_stale or broken:
        codes.add(Exit.BROKEN)
    if interrupted:
        codes.add(Exit.INTERRUPTED)
    if any(result.mark is Mark.ERROR for result in results):
        codes.add(Exit.SUITE)
    if any(outcome.problem or outcome.why == "target-lost" for outcome in outcomes):
        codes.add(Exit.UNTESTABLE)
    if any(not any(map(is_put, outcome.results)) for outcome in outcomes):
        codes.add(Exit.NOTHING)
    exit = gravest(codes)
    return Ruling(exit, (*sentences, _verdict(exit, outcomes, broken, policy, len(stale) * counts_stale)))


def _broken(results: Iterable[Result], policy: Policy, expected: str) -> list[str]:
    """What breaks the gate, counted, a phrase for each kind."""
    broken = [result for result in results if policy.breaks(result)]
    kinds = {
        Mark.VIOLATION: ("violation is", "violations are"),
        Mark.DEPARTURE: ("departure is", "departures are"),
    }
    phrases = list[str]()
    for mark, (one, many) in kinds.items():
        count = sum(r.mark is mark and r.expected is None for r in broken)
        if count and expected:
            phrases.append(f"{count} {one if count == 1 else many} not in {expected}")
        elif count:
            phrases.append(f"{count} {mark.words}{'' if count == 1 else 's'}")
    unreached = sum(r.mark is Mark.INCONCLUSIVE and r.expected is None for r in broken)
    if unreached:
        phrases.append(f"{unreached} not reached")
    flaky = sum(policy.breaks_by_flakiness(r) for r in broken)
    if flaky:
        phrases.append(f"attempts disagree at {flaky} case{'' if flaky == 1 else 's'}")
    return phrases


def _verdict(exit: Exit, outcomes: Sequence[TargetOutcome], broken: list[str], policy: Policy, stale: int) -> str:
    level = "SHOULD" if policy.fail_on is FailOn.SHOULD else "MUST"
    left = _left(outcomes)
    unput = f"{left} case{'' if left == 1 else 's'} left over" if left else ""
    phrases = [*broken, *_stale(stale), *([unput] if unput else [])]
    told = f" {'; '.join(phrases)}." if phrases else ""
    match exit:
        case Exit.HELD if policy.fail_on is FailOn.NEVER:
            return "Nothing breaks the gate (--fail-on never)."
        case Exit.HELD:
            return f"Conforms at {level}{f', as far as it was put: {unput}' if unput else ''}."
        case Exit.BROKEN if broken and any(not phrase.startswith("attempts") for phrase in broken):
            return f"Does not conform at {level}:{told}"
        case Exit.BROKEN:
            return f"The gate is broken:{told}"
        case Exit.UNTESTABLE:
            names = [outcome.name for outcome in outcomes if outcome.problem or outcome.why == "target-lost"]
            few = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            lost = all(not outcome.problem for outcome in outcomes if outcome.name in names)
            return f"{few} {'was lost' if lost else 'could not be tested'}.{told}"
        case Exit.SUITE:
            return f"The suite broke; that says nothing about the target.{told}"
        case Exit.NOTHING:
            return f"Nothing was put{_to_whom(outcomes)}."
        case _:
            return f"Interrupted.{told}"


def _left(outcomes: Sequence[TargetOutcome]) -> int:
    """How many cases the run had no time for, or gave up on."""
    return sum(
        max(0, outcome.planned - len(outcome.results))
        + sum(result.reason is Reason.BUDGET for result in outcome.results)
        for outcome in outcomes
        if not outcome.problem
    )


def _stale(count: int) -> Iterator[str]:
    if count:
        yield f"{count} {'expectation does' if count == 1 else 'expectations do'} not hold"


def _to_whom(outcomes: Sequence[TargetOutcome]) -> str:
    names = [outcome.name for outcome in outcomes if not any(map(is_put, outcome.results))]
    return f" to {', '.join(names[:3])}" if names else ""
