"""What a result is to pytest: a pass, a pass with a warning, a failure, a skip, an expected failure, an error."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from ..evidence.result import Mark, Result, Verdict
from ..journal.expected import Expectation
from ..journal.gate import Allow, FailOn, Policy

__all__ = ["Kind", "Outcome", "brief", "outcome_of"]

_GOOD = frozenset({Verdict.PASSED, Verdict.INFORMATIONAL})


class Kind(enum.Enum):
    """The ways in which an item can end."""

    PASS = "passed"
    WARN = "passed with a warning"
    FAIL = "failed"
    SKIP = "skipped"
    XFAIL = "failed as expected"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an item ends, and the words that go with it; a failure's come from its finding unless there are `words`."""

    kind: Kind
    words: str = ""


def outcome_of(result: Result, policy: Policy, known: Sequence[Expectation] = ()) -> Outcome:
    """Return how the item of `result` ends under `policy`; `known` are the expectations for its target."""
    if result.mark is Mark.ERROR:
        return Outcome(Kind.ERROR)
    if policy.breaks(result):
        return Outcome(Kind.FAIL)
    if result.expected is not None:
        return Outcome(Kind.XFAIL, result.expected)
    if stale := _unfulfilled(result, policy, known):
        return Outcome(Kind.FAIL, f"[XPASS(strict)] {stale.full_reason}: it passes now; take the entry out of the file")
    match result.mark:
        case Mark.SKIPPED | Mark.INCONCLUSIVE:
            return Outcome(Kind.SKIP, _why(result))
        case Mark.DEPARTURE | Mark.VIOLATION:
            return Outcome(Kind.WARN, _told(result))
        case _:
            return Outcome(Kind.PASS)


def _unfulfilled(result: Result, policy: Policy, known: Sequence[Expectation]) -> Expectation | None:
    """The entry for this case alone that does not hold; one for many is judged by the gate when all were put."""
    if result.verdict not in _GOOD or Allow.STALE in policy.allow or policy.fail_on is FailOn.NEVER:
        return None
    return next((e for e in known if e.pattern == result.case and result.verdict not in e.verdicts), None)


def _why(result: Result) -> str:
    reason = result.reason.value if result.reason else result.mark.words
    return f"{reason}: {result.finding.observed}" if result.finding else reason


def _told(result: Result) -> str:
    return f"{result.case}: {result.mark.words} from {result.requirement} ({result.level.words}){_observed(result)}"


def brief(result: Result) -> str:
    """Return in a line, for whoever sees the case's id already, how a failed `result` came about."""
    words = "attempts disagree" if result.flaky else result.mark.words
    return f"{words}, {result.requirement} ({result.level.words}){_observed(result)}"


def _observed(result: Result) -> str:
    return f": {result.finding.observed}" if result.finding else ""
