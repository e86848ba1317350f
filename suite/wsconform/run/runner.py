"""Runs the items of a plan against one target: cases side by side, then the doubted ones again alone, then monitors."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace

import trio

from ..catalogue.case import Case, Item, Monitor
from ..evidence.result import Finding, Reason, Result, Verdict
from ..evidence.transcript import Conversation
from ..journal.journal import EndReason
from ..registry.registry import Registry
from ..transport.stream import Reset, Unreachable
from ..words import counted
from .confirmation import (
    Decision,
    confirmed_result,
    decide,
    first_limits,
    is_settled,
    needs_second_look,
    withdraw_breaches,
)
from .judge import Attempted, Bench, Provide, attempt, not_run, provide, result_of, skip_reason
from .monitors import Watch, Watches

__all__ = ["EndReason", "Runner"]

#: How often, and how many seconds apart, a target is dialled before it counts as lost.
_DIALS, _APART = 3, 0.3


Restart = Callable[[], Awaitable[bool]]
Report = Callable[[Result], None]


async def _cannot_restart() -> bool:
    return False


def _breaks_default_gate(result: Result) -> bool:
    return result.breaks_gate


class Runner:
    """One run against one target."""

    def __init__(
        self,
        bench: Bench,
        registry: Registry,
        report: Report,
        *,
        jobs: int | None = None,
        budget: float | None = None,
        is_failure: Callable[[Result], bool] = _breaks_default_gate,
        restart: Restart = _cannot_restart,
        provide: Provide = provide,
    ) -> None:
        """`report` gets every result as soon as it is final.

        `jobs` (connections at the same time) and `budget` (seconds) are this target's, if they differ from the
        options'. `is_failure` decides which results count towards `max_failures`. `restart` starts a lost target
        again and returns whether that worked.
        """
        self.bench, self.registry, self.options = bench, registry, bench.options
        self._jobs = max(1, jobs if jobs is not None else self.options.jobs)
        self._budget, self._is_failure = budget, is_failure
        self._report, self._restart, self._provide = report, restart, provide
        self._watches = Watches(())
        #: Cases without a result, each with its first attempt if it had one.
        self._open: dict[str, tuple[Case, Attempted | None]] = {}
        self._reported: dict[str, Verdict] = {}
        self._suspects: dict[str, Case] = {}
        self._recovering = trio.Lock()
        self._recent: deque[Case] = deque(maxlen=2 * self._jobs)
        self._breaches: dict[str, list[Watch]] = {}
        self._cases: dict[str, Case] = {}
        self._failures = 0
        self._lost = False
        self.why = EndReason.DONE

    async def run(self, items: Sequence[Item], seen: Sequence[Conversation] = ()) -> EndReason:
        """Run `items` and return why the run ended; `seen` are earlier conversations, shown to the monitors first."""
        cases = [item for item in items if isinstance(item, Case)]
        self._cases = {case.id: case for case in cases}
        self._open = {case.id: (case, None) for case in cases}
        self._watches = Watches(item for item in items if isinstance(item, Monitor))
        self._watches.see(Attempted(verdict=Verdict.PASSED, conversations=tuple(seen)))
        with self._within_budget():
            for queue in (deque(case for case in cases if not case.alone), deque(case for case in cases if case.alone)):
                while queue and not self._stopped():
                    await self._side_by_side(queue)
                    if queue:
                        await self._confirm()
            await self._confirm()
        self._close_open_cases()
        self._conclude()
        return self.why

    @contextlib.contextmanager
    def _within_budget(self) -> Iterator[None]:
        with trio.move_on_after(self._budget if self._budget is not None else float("inf")) as scope:
            yield
        if scope.cancelled_caught:
            self.why = EndReason.BUDGET

    def _stopped(self) -> bool:
        limit = self.options.max_failures
        return self._lost or (limit is not None and self._failures >= limit)

    def _doubted_would_stop(self) -> bool:
        """Whether the failures so far would end the run if those that were seen once are confirmed."""
        limit = self.options.max_failures
        if limit is None:
            return False
        seen_once = sum(
            self._is_failure(self._result(case, first)) for case, first in self._open.values() if first is not None
        )
        return self._failures + seen_once >= limit

    async def _side_by_side(self, queue: deque[Case]) -> None:
        """Run the cases of `queue`: all of them may run beside others, or none; stop early at many failures."""

        async def work() -> None:
            while queue and not self._stopped() and not self._doubted_would_stop():
                await self._first(queue.popleft())

        async with trio.open_nursery() as nursery:
            for _ in range(1 if queue[0].alone else self._jobs):
                nursery.start_soon(work)

    async def _first(self, case: Case) -> None:
        """Run `case` for the first time."""
        if (skipped := skip_reason(case, self.bench.facts)) is not None:
            reason, text = skipped
            self._final(case, Decision(not_run(Verdict.SKIPPED, reason, text)))
            return
        self._recent.append(case)
        limits = first_limits(self.options.limits, self.bench.facts, confirm=self.options.confirm)
        attempted = await attempt(case, self.bench, limits, self._provide)
        if attempted.lost:
            self._open[case.id] = (case, attempted)
            # Any of the latest cases may have killed the target, also one that passed.
            self._suspects |= {each.id: each for each in (*self._recent, case)}
            await self._recover()
            return
        for watch in self._watches.see(attempted):
            self._breaches.setdefault(case.id, []).append(watch)
        decision = decide([attempted], confirm=self.options.confirm)
        if decision is not None:
            self._final(case, decision)
        else:
            # The monitors have seen its conversations, and many attempts may wait for their second: free the memory.
            self._open[case.id] = (case, replace(attempted, conversations=()))

    async def _recover(self) -> None:
        """Wait for a target that accepts no connection, restart it if we started it, or end the run."""
        # One task at a time, or every task that noticed would restart the target.
        async with self._recovering:
            if self._lost:
                return
            for _ in range(_DIALS):
                if await self._is_up():
                    return
                await trio.sleep(_APART)
            if not await self._restart():
                self._lost = True
                self.why = EndReason.LOST

    async def _is_up(self) -> bool:
        try:
            with trio.fail_after(self.options.limits.patience):
                stream = await self.bench.dial()
                await stream.aclose()
        except (Unreachable, Reset, trio.TooSlowError):
            return False
        return True

    async def _confirm(self) -> None:
        """Run doubted cases again, alone; those that only waited run side by side, because waiting makes no load."""
        self._recent.clear()
        pending = {id: item for id, item in self._open.items() if item[1] is not None}
        pending |= {id: (case, None) for id, case in self._suspects.items() if id not in pending}
        waiting = {id for id, (case, first) in pending.items() if self._may_wait_beside_others(case, first)}
        for id, (case, first) in pending.items():
            if id not in waiting and not self._stopped():
                await self._second(case, first)
        await self._second_side_by_side([pending[id] for id in pending if id in waiting])
        for id, watches in self._breaches.items():
            await self._second_look(id, watches)
        self._suspects.clear()
        self._breaches.clear()

    def _may_wait_beside_others(self, case: Case, first: Attempted | None) -> bool:
        return first is not None and first.waited_out and not case.alone and case.id not in self._suspects

    async def _second_side_by_side(self, waiters: Sequence[tuple[Case, Attempted | None]]) -> None:
        queue = iter(waiters)

        async def work() -> None:
            for case, first in queue:
                if not self._stopped():
                    await self._second(case, first)

        async with trio.open_nursery() as nursery:
            for _ in range(self._jobs):
                nursery.start_soon(work)

    async def _second(self, case: Case, first: Attempted | None) -> None:
        """Run `case` again, alone and with the full patience, and report it."""
        attempted = await self._retried(case)
        suspect = case.id in self._suspects
        if attempted.lost or (suspect and not await self._is_up()):
            attempted = replace(
                attempted,
                verdict=Verdict.INCONCLUSIVE,
                reason=Reason.LOST,
                finding=Finding("the target to live", "the target accepted no connection after this case ran alone"),
            )
            self._final(case, Decision(attempted))
            await self._recover()
            return
        # An attempt beside the one that killed the target proves nothing, so there is nothing to compare.
        attempts = [attempted] if first is None or suspect else [first, attempted]
        decision = decide(attempts, confirm=self.options.confirm) or Decision(attempted)
        self._final(case, decision)

    async def _retried(self, case: Case) -> Attempted:
        """Run `case` with the full patience, and up to `retries` times more until it is settled."""
        for left in range(self.options.retries, -1, -1):
            attempted = await attempt(case, self.bench, self.options.limits, self._provide)
            self._watches.see(attempted)
            if not left or attempted.lost or is_settled(attempted):
                break
        return attempted

    async def _second_look(self, case: str, watches: list[Watch]) -> None:
        """Run the case with id `case` again for the breaches that monitors saw in it; withdraw those not seen again."""
        if not needs_second_look(case, watches) or self._stopped() or not self.options.confirm:
            return
        attempted = await attempt(self._cases[case], self.bench, self.options.limits, self._provide)
        again = self._watches.see(attempted)
        if attempted.lost:
            await self._recover()
            return
        withdraw_breaches(case, watches, again)

    def _final(self, case: Case, decision: Decision) -> None:
        self._open.pop(case.id, None)
        verdict = decision.attempted.verdict
        if self._reported.get(case.id) is verdict:
            return
        self._reported[case.id] = verdict
        result = confirmed_result(case, decision, self.bench.role, self.registry)
        self._failures += self._is_failure(result)
        self._report(result)

    def _close_open_cases(self) -> None:
        """Report the cases that the end of the run left undecided: run once and not confirmed, or not run at all."""
        verdict, reason = Verdict.SKIPPED, Reason.BUDGET
        text = f"the run stopped at {counted(self._failures, 'failure')}"
        if self.why is EndReason.LOST:
            verdict, reason = Verdict.INCONCLUSIVE, Reason.LOST
            text = "the target was lost and could not be started again"
        elif self.why is EndReason.BUDGET:
            text = "the time budget was over"
        for case, first in list(self._open.values()):
            stage = "run" if first is None else "confirmed"
            observed = f": {first.finding.observed}" if first is not None and first.finding else ""
            finding = Finding("a decision", f"{text} before this case was {stage}{observed}")
            blank = first or Attempted(verdict=verdict)
            self._report(self._result(case, replace(blank, verdict=verdict, reason=reason, finding=finding)))
        self._open.clear()

    def _result(self, item: Item, attempted: Attempted) -> Result:
        return result_of(item, attempted, self.bench.role, self.registry)

    def _conclude(self) -> None:
        for watch in self._watches.all:
            result = self._result(watch.monitor, watch.concluded())
            self._report(replace(result, attempts=watch.earlier, flaky=watch.flaky))
