"""The gate: from the results of a run to an exit code, and sentences that give the reasons."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..evidence.result import Mark, Reason, Result
from ..problem import Exit, gravest
from ..words import counted, plural
from .tally import has_run

__all__ = ["Allow", "FailOn", "Policy", "Ruling", "TargetOutcome", "rule"]


class FailOn(enum.StrEnum):
    """The lowest level whose violation breaks the gate (--fail-on)."""

    MUST = "must"
    SHOULD = "should"
    NEVER = "never"


class Allow(enum.StrEnum):
    """Other reasons that break the gate unless they are allowed (--allow)."""

    STALE = "stale"
    FLAKY = "flaky"
    INCONCLUSIVE = "inconclusive"


@dataclass(slots=True, kw_only=True)
class TargetOutcome:
    """The outcome for one target: its results so far, and why its part of the run ended.

    `why` is the value of an EndReason, `problem` the reason why the target could not be tested, `planned` the
    number of cases to run, `output` the last lines that the target printed, `log` the file that has all of them,
    `restarts` how often the target was started again.
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
        """The results so far, one for each case, in the order in which the cases were first judged."""
        return list(self._results.values())

    def record(self, result: Result) -> None:
        """Add `result`; it replaces an earlier result of the same case, as in a journal."""
        self._results[result.case] = result


@dataclass(frozen=True, slots=True)
class Policy:
    """The options that decide which results break the gate."""

    fail_on: FailOn = FailOn.MUST
    allow: frozenset[Allow] = frozenset()

    def for_counting_failures(self) -> Policy:
        """Return the policy that `--max-failures` counts with: the default policy if the gate is off."""
        return self if self.fail_on is not FailOn.NEVER else Policy()

    def breaks(self, result: Result) -> bool:
        """Return whether `result` breaks the gate, given its expectation and its earlier attempts."""
        if result.mark is Mark.ERROR:
            return True
        if self.fail_on is FailOn.NEVER:
            return False
        return self._is_finding(result) or self.breaks_by_flakiness(result)

    def breaks_by_flakiness(self, result: Result) -> bool:
        """Return whether `result` breaks the gate because its attempts gave different verdicts."""
        unexpected = result.flaky and not result.flaky_expected
        return unexpected and self.fail_on is not FailOn.NEVER and Allow.FLAKY not in self.allow

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
    """The end of a run: the exit code, and sentences that give the reasons. The last sentence sums up."""

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
    """Return how the run ends; `stale` are lines about outdated expectations, `expected` is the name of their file."""
    results = [result for outcome in outcomes for result in outcome.results]
    counts_stale = bool(stale) and Allow.STALE not in policy.allow and policy.fail_on is not FailOn.NEVER
    breaches = _Breaches(
        findings=tuple(_findings(results, policy, expected)),
        flaky=sum(map(policy.breaks_by_flakiness, results)),
        stale=len(stale) if counts_stale else 0,
    )
    codes = set[Exit]()
    sentences = list(stale if counts_stale else (f"{line} (allowed)" for line in stale))
    if breaches.findings or breaches.flaky or breaches.stale:
        codes.add(Exit.BROKEN)
    if interrupted:
        codes.add(Exit.INTERRUPTED)
    if any(result.mark is Mark.ERROR for result in results):
        codes.add(Exit.SUITE)
    if any(outcome.problem or outcome.why == "target-lost" for outcome in outcomes):
        codes.add(Exit.UNTESTABLE)
    if any(not any(map(has_run, outcome.results)) for outcome in outcomes):
        codes.add(Exit.NOTHING)
    exit = gravest(codes)
    return Ruling(exit, (*sentences, _verdict(exit, outcomes, breaches, policy)))


@dataclass(frozen=True, slots=True)
class _Breaches:
    """A phrase for each kind of finding that breaks the gate, and the numbers of flaky cases and stale expectations."""

    findings: tuple[str, ...]
    flaky: int
    stale: int


def _findings(results: Iterable[Result], policy: Policy, expected: str) -> list[str]:
    """Return a phrase for each kind of finding that breaks the gate, such as "2 violations"."""
    broken = [result for result in results if policy.breaks(result)]
    phrases = list[str]()
    for mark in (Mark.VIOLATION, Mark.DEPARTURE):
        count = sum(r.mark is mark and r.expected is None for r in broken)
        if count:
            unexpected = f" {plural(count, 'is', 'are')} not in {expected}" if expected else ""
            phrases.append(f"{counted(count, mark.words)}{unexpected}")
    inconclusive = sum(r.mark is Mark.INCONCLUSIVE and r.expected is None for r in broken)
    if inconclusive:
        phrases.append(f"{inconclusive} {Mark.INCONCLUSIVE.words}")
    return phrases


def _verdict(exit: Exit, outcomes: Sequence[TargetOutcome], breaches: _Breaches, policy: Policy) -> str:
    """Return the sentence that sums up the run."""
    flaky, stale = breaches.flaky, breaches.stale
    level = "SHOULD" if policy.fail_on is FailOn.SHOULD else "MUST"
    left = _left(outcomes)
    not_run = f"{counted(left, 'case')} did not run" if left else ""
    unstable = counted(flaky, "flaky case") if flaky else ""
    if unstable and not breaches.findings:
        unstable += " (attempts gave different results)"
    outdated = f"{counted(stale, 'expectation')} no longer {plural(stale, 'holds', 'hold')}" if stale else ""
    phrases = [phrase for phrase in (*breaches.findings, unstable, outdated, not_run) if phrase]
    counts = f" {'; '.join(phrases)}." if phrases else ""
    match exit:
        case Exit.HELD if policy.fail_on is FailOn.NEVER:
            return "Nothing breaks the gate (--fail-on never)."
        case Exit.HELD:
            return f"Conforms at {level}{f' for the cases that ran; {not_run}' if not_run else ''}."
        case Exit.BROKEN if breaches.findings:
            return f"Does not conform at {level}:{counts}"
        case Exit.BROKEN:
            return f"FAILED:{counts}"
        case Exit.UNTESTABLE:
            names = [outcome.name for outcome in outcomes if outcome.problem or outcome.why == "target-lost"]
            few = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            lost = all(not outcome.problem for outcome in outcomes if outcome.name in names)
            return f"{few} {'was lost' if lost else 'could not be tested'}.{counts}"
        case Exit.SUITE:
            return f"wsconform failed; this says nothing about the target.{counts}"
        case Exit.NOTHING:
            return f"No case ran{_against(outcomes)}."
        case _:
            return f"Interrupted.{counts}"


def _left(outcomes: Sequence[TargetOutcome]) -> int:
    """Return how many cases did not run, because the time budget or the target was gone."""
    return sum(
        max(0, outcome.planned - len(outcome.results))
        + sum(result.reason is Reason.BUDGET for result in outcome.results)
        for outcome in outcomes
        if not outcome.problem
    )


def _against(outcomes: Sequence[TargetOutcome]) -> str:
    names = [outcome.name for outcome in outcomes if not any(map(has_run, outcome.results))]
    return f" against {', '.join(names[:3])}" if names else ""
