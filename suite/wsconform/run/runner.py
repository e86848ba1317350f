"""Puts a plan to one target: side by side first, what is not a pass again and alone, then the monitors' results."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import trio

from ..catalogue.case import Case, Item, Monitor
from ..endpoint.session import Limits
from ..evidence.result import Attempt, Finding, Reason, Result, Verdict
from ..evidence.transcript import Conversation
from ..journal.journal import EndReason
from ..registry.registry import Registry
from ..transport.stream import Reset, Unreachable
from .judge import Attempted, Bench, Provide, attempt, out_of_reach, provide, result_of
from .monitors import Watch, Watches

#: The first attempt's patience: this many round trips, and at least so many seconds. A second attempt has all of it.
_ROUND_TRIPS, _AT_LEAST = 200, 1.0

#: Verdicts that are believed at once; anything else is put again.
SETTLED = frozenset({Verdict.PASSED, Verdict.INFORMATIONAL, Verdict.SKIPPED})

#: How often, and how many seconds apart, a target is asked whether it is there before it counts as lost.
_ASKED, _APART = 3, 0.3


@dataclass(frozen=True, slots=True)
class Options:
    """How to run: `jobs` connections side by side, `limits`, whether to `confirm`, seconds of `budget`.

    After `max_failures` results that `is_failure` counts, no more cases are put.
    """

    jobs: int = 8
    limits: Limits = field(default_factory=Limits)
    confirm: bool = True
    budget: float | None = None
    retries: int = 0
    max_failures: int | None = None
    is_failure: Callable[[Result], bool] = lambda result: result.breaks_gate


Restart = Callable[[], Awaitable[bool]]
Report = Callable[[Result], None]


async def _cannot_restart() -> bool:
    return False


class Runner:
    """One run against one target; `report` gets every result as soon as it is final."""

    def __init__(
        self,
        bench: Bench,
        registry: Registry,
        options: Options,
        report: Report,
        *,
        restart: Restart = _cannot_restart,
        provide: Provide = provide,
    ) -> None:
        self.bench, self.registry, self.options = bench, registry, options
        self._report, self._restart, self._provide = report, restart, provide
        self._watches = Watches(())
        self._open: dict[str, tuple[Case, Attempted | None]] = {}
        self._reported: dict[str, Verdict] = {}
        self._suspects: dict[str, Case] = {}
        self._recovering = trio.Lock()
        self._recent: deque[Case] = deque(maxlen=2 * options.jobs)
        self._breaches: dict[str, list[Watch]] = {}
        self._cases: dict[str, Case] = {}
        self._failures = 0
        self._lost = False
        self.why = EndReason.DONE

    async def run(self, entries: Sequence[Item], seen: Sequence[Conversation] = ()) -> EndReason:
        """Put `entries` to the target, `seen` being earlier conversations for the monitors; return why it ended."""
        cases = [entry for entry in entries if isinstance(entry, Case)]
        self._cases = {case.id: case for case in cases}
        self._open = {case.id: (case, None) for case in cases}
        self._watches = Watches(entry for entry in entries if isinstance(entry, Monitor))
        for watch in self._watches.all:
            for conversation in seen:
                watch.see(conversation, (), 0)
        with self._budget():
            for queue in (deque(case for case in cases if not case.alone), deque(case for case in cases if case.alone)):
                while queue and not self._stopped():
                    await self._side_by_side(queue)
                    if queue:
                        await self._confirm()
            await self._confirm()
        self._leave_open()
        self._conclude()
        return self.why

    @contextlib.contextmanager
    def _budget(self) -> Iterator[None]:
        with trio.move_on_after(self.options.budget if self.options.budget is not None else float("inf")) as scope:
            yield
        if scope.cancelled_caught:
            self.why = EndReason.BUDGET

    def _stopped(self) -> bool:
        limit = self.options.max_failures
        return self._lost or (limit is not None and self._failures >= limit)

    def _suspects_enough(self) -> bool:
        """Whether the failures so far would stop the run, if those that were seen once are confirmed."""
        limit = self.options.max_failures
        if limit is None:
            return False
        seen_once = sum(
            self.options.is_failure(self._result(case, first))
            for case, first in self._open.values()
            if first is not None
        )
        return self._failures + seen_once >= limit

    async def _side_by_side(self, queue: deque[Case]) -> None:
        """Put the cases of `queue`, all of which may run beside others, or none; some stay where failures are many."""

        async def work() -> None:
            while queue and not self._stopped() and not self._suspects_enough():
                await self._first(queue.popleft())

        async with trio.open_nursery() as nursery:
            for _ in range(1 if queue[0].alone else max(1, self.options.jobs)):
                nursery.start_soon(work)

    async def _first(self, case: Case) -> None:
        if (reached := out_of_reach(case, self.bench.facts)) is not None:
            self._final(case, Attempted(Verdict.SKIPPED, Finding("to be put", reached[1]), reached[0], (), 0, (), ()))
            return
        self._recent.append(case)
        attempted = await attempt(case, self.bench, self._first_limits(), self._provide)
        if attempted.lost:
            self._open[case.id] = (case, attempted)
            # Any of the latest may be what the target did not survive, those that it seemed to pass included.
            self._suspects |= {each.id: each for each in (*self._recent, case)}
            await self._recover()
            return
        for watch in self._watches.see(attempted):
            self._breaches.setdefault(case.id, []).append(watch)
        settled = attempted.verdict in SETTLED
        if settled or not self.options.confirm:
            self._final(case, attempted)
        else:
            # The monitors have seen its frames, and many attempts may wait for their second.
            self._open[case.id] = (case, replace(attempted, conversations=()))

    def _first_limits(self) -> Limits:
        limits = self.options.limits
        if not self.options.confirm:
            return limits
        short = max(_AT_LEAST, _ROUND_TRIPS * self.bench.facts.round_trip)
        return replace(limits, patience=min(limits.patience, short))

    async def _recover(self) -> None:
        """The target takes no connection: wait for it, start it again if it is ours, or give the run up."""
        # One task at a time, or each of those that noticed would start the target again.
        async with self._recovering:
            if self._lost:
                return
            for _ in range(_ASKED):
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
        """Put again, alone, what was not a pass; cases that ran into a limit wait together, which makes no load."""
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
            for _ in range(max(1, self.options.jobs)):
                nursery.start_soon(work)

    async def _second(self, case: Case, first: Attempted | None) -> None:
        attempted = await self._put_again(case)
        suspect = case.id in self._suspects
        if attempted.lost or (suspect and not await self._is_up()):
            text = "the target took no connection any more after this case, put alone"
            attempted = replace(
                attempted,
                verdict=Verdict.INCONCLUSIVE,
                reason=Reason.LOST,
                finding=Finding("the target to live", text),
            )
            self._final(case, attempted)
            await self._recover()
            return
        # The first attempt's patience was shorter than what was asked for: running out of it is no disagreement.
        if first is not None and not suspect and not first.waited_out:
            agree = (attempted.verdict, attempted.reason) == (first.verdict, first.reason)
            self._final(case, attempted, None if agree else first)
        else:
            self._final(case, attempted)

    async def _put_again(self, case: Case) -> Attempted:
        """Put `case` with all of the patience, and up to `retries` times more while it is not settled."""
        for left in range(self.options.retries, -1, -1):
            attempted = await attempt(case, self.bench, self.options.limits, self._provide)
            self._watches.see(attempted)
            if not left or attempted.lost or attempted.verdict in SETTLED:
                break
        return attempted

    async def _second_look(self, case: str, watches: list[Watch]) -> None:
        """A monitor's breach is believed if a case that showed it shows it again: the first, or else the next."""
        first_shown = [watch for watch in watches if watch.case == case or watch.verdict is not Verdict.FAILED]
        if not first_shown or self._stopped() or not self.options.confirm:
            return
        attempted = await attempt(self._cases[case], self.bench, self.options.limits, self._provide)
        again = [id(watch) for watch in self._watches.see(attempted)]
        if attempted.lost:
            await self._recover()
            return
        for watch in first_shown:
            if id(watch) not in again and watch.verdict is Verdict.FAILED:
                watch.retract()

    def _final(self, case: Case, attempted: Attempted, disagreed: Attempted | None = None) -> None:
        self._open.pop(case.id, None)
        if self._reported.get(case.id) is attempted.verdict:
            return
        self._reported[case.id] = attempted.verdict
        result = self._result(case, attempted)
        if disagreed is not None:
            earlier = Attempt(disagreed.verdict, disagreed.finding, disagreed.micros, disagreed.transcript)
            result = replace(result, attempts=(earlier,), flaky=True)
        self._failures += self.options.is_failure(result)
        self._report(result)

    def _leave_open(self) -> None:
        """Report what the run's end left undecided: put once and not confirmed, or not put at all."""
        verdict, reason = Verdict.SKIPPED, Reason.BUDGET
        text = f"the run stopped at {self._failures} failure{'' if self._failures == 1 else 's'}"
        if self.why is EndReason.LOST:
            verdict, reason = Verdict.INCONCLUSIVE, Reason.LOST
            text = "the target was lost and could not be started again"
        elif self.why is EndReason.BUDGET:
            text = "the time budget was over"
        for case, first in list(self._open.values()):
            stage = "put" if first is None else "confirmed"
            observed = f": {first.finding.observed}" if first is not None and first.finding else ""
            finding = Finding("to be decided", f"{text} before this was {stage}{observed}")
            blank = first or Attempted(verdict, finding, reason, (), 0, (), ())
            self._report(self._result(case, replace(blank, verdict=verdict, reason=reason, finding=finding)))
        self._open.clear()

    def _result(self, entry: Item, attempted: Attempted) -> Result:
        return result_of(entry, attempted, self.bench.role, self.registry)

    def _conclude(self) -> None:
        for watch in self._watches.all:
            verdict, reason = watch.conclude()
            seen = Attempted(verdict, watch.finding(), reason, watch.notes(), watch.micros, watch.transcript, ())
            self._report(replace(self._result(watch.monitor, seen), attempts=watch.earlier, flaky=watch.flaky))
