"""Confirmation: which attempts at a case are believed, and when a breach that a monitor saw is withdrawn.

Pure functions: attempts go in, a decision or "run it again" comes out. The runner and the server for clients share
them, so that a second attempt means the same in both roles. The states of a case:

    open ── first attempt ──┬── passed, informational or skipped ────────────────────> reported
                            └── any other verdict ──> doubted
    doubted ── second attempt, alone, full patience ──┬── both agree ────────────────> reported
                                                      └── they differ ──> reported as flaky, with the last verdict

- The first attempt waits less than `--patience` (`first_limits`), because most targets answer within a few round
  trips. If an attempt ended because this shorter wait ran out, a different second attempt is not a disagreement.
- Two attempts agree if verdict and reason are equal. With `--retries`, further attempts follow until one is settled;
  the last counts and is compared with the first.
- After a target was lost, every case that ran shortly before is a suspect and runs again alone, passes included. Its
  earlier attempt proves nothing, so there is nothing to compare.
- Without `confirm` (in a debugger, or if the client decides which cases to repeat), the first attempt is believed.

A *breach* is a FAILED sample of a monitor. It stands if the case that showed it shows it again; otherwise it is
withdrawn, and the monitor's result is flaky.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ..catalogue.case import Item
from ..endpoint.session import Facts, Limits
from ..evidence.result import Attempt, Result, Verdict
from ..registry.registry import Registry
from ..registry.requirement import Role
from .judge import Attempted, result_of
from .monitors import Watch

__all__ = [
    "SETTLED",
    "Decision",
    "confirmed_result",
    "decide",
    "first_limits",
    "is_settled",
    "needs_second_look",
    "withdraw_breaches",
]

#: Verdicts that are believed after one attempt.
SETTLED = frozenset({Verdict.PASSED, Verdict.INFORMATIONAL, Verdict.SKIPPED})

#: The first attempt's patience: this many round trips, and at least so many seconds.
_ROUND_TRIPS, _AT_LEAST = 200, 1.0


@dataclass(frozen=True, slots=True)
class Decision:
    """The attempt that counts, and the earlier attempt that disagreed with it, if one did."""

    attempted: Attempted
    disagreed: Attempted | None = None


def is_settled(attempted: Attempted) -> bool:
    """Return whether the verdict of `attempted` is believed without a second attempt."""
    return attempted.verdict in SETTLED


def first_limits(limits: Limits, facts: Facts, *, confirm: bool) -> Limits:
    """Return the limits of a first attempt: a shorter patience if a second attempt can follow, else `limits`."""
    if not confirm:
        return limits
    return replace(limits, patience=min(limits.patience, max(_AT_LEAST, _ROUND_TRIPS * facts.round_trip)))


def decide(attempts: Sequence[Attempted], *, confirm: bool) -> Decision | None:
    """Return the decision over the `attempts` at one case, in their order; None if the case has to run again.

    The last attempt counts. It is compared with the one before it, unless that attempt only ran out of the shorter
    patience that `confirm` gave it.
    """
    *earlier, last = attempts
    if not earlier:
        return Decision(last) if is_settled(last) or not confirm else None
    before = earlier[-1]
    agree = (last.verdict, last.reason) == (before.verdict, before.reason)
    if agree or (confirm and before.waited_out):
        return Decision(last)
    return Decision(last, before)


def confirmed_result(item: Item, decision: Decision, role: Role, registry: Registry) -> Result:
    """Return the result of `item` for a target of `role`; flaky, with the other attempt, if two attempts disagreed."""
    result = result_of(item, decision.attempted, role, registry)
    if (other := decision.disagreed) is None:
        return result
    return replace(
        result, attempts=(Attempt(other.verdict, other.finding, other.micros, other.transcript),), flaky=True
    )


def needs_second_look(case: str, watches: Iterable[Watch]) -> bool:
    """Return whether the case with id `case` has to run again for the breaches that `watches` saw in it.

    It has to if one of them was first seen there, or if one was withdrawn since, so that this case may show it again.
    """
    return any(watch.case == case or watch.verdict is not Verdict.FAILED for watch in watches)


def withdraw_breaches(case: str, watches: Iterable[Watch], again: Sequence[Watch]) -> None:
    """Withdraw the breaches that rest on `case`, unless its second attempt showed them `again`."""
    shown = {id(watch) for watch in again}
    for watch in watches:
        if watch.case == case and watch.verdict is Verdict.FAILED and id(watch) not in shown:
            watch.withdraw()
