"""How the result of a case ends its item: pass, pass with a warning, failure, skip, expected failure or error."""

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
    """How an item ends, and the text for it; the text of a failure comes from its finding if `words` is empty."""

    kind: Kind
    words: str = ""


def outcome_of(result: Result, policy: Policy, known: Sequence[Expectation] = ()) -> Outcome:
    """Return how the item of `result` ends under `policy`; `known` are the expected failures of its target."""
    if result.mark is Mark.ERROR:
        return Outcome(Kind.ERROR)
    if policy.breaks(result):
        return Outcome(Kind.FAIL)
    if result.expected is not None:
        return Outcome(Kind.XFAIL, result.expected)
    if stale := _stale_entry(result, policy, known):
        return Outcome(Kind.FAIL, f"[XPASS(strict)] {stale.full_reason}: passes now; remove the entry")
    match result.mark:
        case Mark.SKIPPED | Mark.INCONCLUSIVE:
            return Outcome(Kind.SKIP, _why(result))
        case Mark.DEPARTURE | Mark.VIOLATION:
            return Outcome(Kind.WARN, _warning(result))
        case _:
            return Outcome(Kind.PASS)


def _stale_entry(result: Result, policy: Policy, known: Sequence[Expectation]) -> Expectation | None:
    """Return the entry for exactly this case that no longer holds; the gate judges entries for several cases."""
    if result.verdict not in _GOOD or Allow.STALE in policy.allow or policy.fail_on is FailOn.NEVER:
        return None
    return next((e for e in known if e.pattern == result.case and result.verdict not in e.verdicts), None)


def _why(result: Result) -> str:
    reason = result.reason.value if result.reason else result.mark.words
    return f"{reason}: {result.finding.observed}" if result.finding else reason


def _warning(result: Result) -> str:
    return f"{result.case}: {result.mark.words} from {result.requirement} ({result.level.words}){_observed(result)}"


def brief(result: Result) -> str:
    """Return one line about a failed `result`, without the id of the case."""
    words = "flaky" if result.flaky else result.mark.words
    return f"{words}, {result.requirement} ({result.level.words}){_observed(result)}"


def _observed(result: Result) -> str:
    return f": {result.finding.observed}" if result.finding else ""
