"""Puts a plan to one target: side by side first, what is not a pass again and alone, then the monitors' results."""

from __future__ import annotations

import contextlib
import enum
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import trio

from .catalogue import Case, Entry, Monitor
from .judge import Attempted, Bench, Provide, attempt, out_of_reach, provide, result_of
from .requirement import Registry
from .result import Attempt, Finding, Reason, Result, Verdict
from .session import Limits
from .transcript import Conversation
from .transport import Reset, Unreachable
from .watch import Watch, Watches

#: The first attempt's patience: this many round trips, and at least so many seconds. A second attempt has all of it.
_ROUND_TRIPS, _AT_LEAST = 200, 1.0

#: How often, and how many seconds apart, a target is asked whether it is there before it counts as lost.
_ASKED, _APART = 3, 0.3


class Why(enum.Enum):
    """Why a run ended."""

    DONE = "done"
    BUDGET = "budget"
    INTERRUPTED = "interrupted"
    LOST = "target-lost"


@dataclass(frozen=True, slots=True)
class Options:
    """How to run: `jobs` connections side by side, `limits`, whether to `confirm`, seconds of `budget`."""

    jobs: int = 8
    limits: Limits = field(default_factory=Limits)
    confirm: bool = True
    budget: float | None = None
    retries: int = 0
    max_failures: int | None = None


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
        self._again: list[tuple[Case, Attempted]] = []
        self._recent: deque[Case] = deque(maxlen=2 * options.jobs)
        self._breaches: dict[str, list[Watch]] = {}
        self._cases: dict[str, Case] = {}
        self._failures = 0
        self._lost = False
        self.why = Why.DONE

    async def run(self, entries: Sequence[Entry], seen: Sequence[Conversation] = ()) -> Why:
        """Put `entries` to the target, `seen` being earlier conversations for the monitors; return why it ended."""
        cases = [entry for entry in entries if isinstance(entry, Case)]
        self._cases = {case.id: case for case in cases}
        self._watches = Watches(entry for entry in entries if isinstance(entry, Monitor))
        for watch in self._watches.all:
            for conversation in seen:
                watch.see(conversation, (), 0)
        with self._budget():
            await self._side_by_side([case for case in cases if not case.alone])
            for case in cases:
                if case.alone and not self._stopped():
                    await self._first(case)
            await self._confirm()
        self._conclude()
        return self.why

    @contextlib.contextmanager
    def _budget(self) -> Iterator[None]:
        with trio.move_on_after(self.options.budget if self.options.budget is not None else float("inf")) as scope:
            yield
        if scope.cancelled_caught:
            self.why = Why.BUDGET
            self._give_up(Reason.BUDGET, "the time budget was over before this was confirmed")

    def _stopped(self) -> bool:
        limit = self.options.max_failures
        return self._lost or (limit is not None and self._failures >= limit)

    async def _side_by_side(self, cases: Sequence[Case]) -> None:
        queue = iter(cases)

        async def work() -> None:
            for case in queue:
                if self._stopped():
                    return
                await self._first(case)

        async with trio.open_nursery() as nursery:
            for _ in range(max(1, self.options.jobs)):
                nursery.start_soon(work)

    async def _first(self, case: Case) -> None:
        if (reached := out_of_reach(case, self.bench.facts)) is not None:
            self._report(self._skipped(case, *reached))
            return
        self._recent.append(case)
        attempted = await attempt(case, self.bench, self._first_limits(), self._provide)
        if attempted.lost:
            self._again += [(each, attempted) for each in (*self._recent, case) if each not in self._waiting()]
            await self._recover()
            return
        for watch in self._watches.see(attempted):
            self._breaches.setdefault(case.id, []).append(watch)
        settled = attempted.verdict in (Verdict.PASSED, Verdict.NOTED, Verdict.SKIPPED)
        if settled or not self.options.confirm:
            self._final(case, attempted)
        else:
            self._again.append((case, attempted))

    def _waiting(self) -> list[Case]:
        return [case for case, _ in self._again]

    def _first_limits(self) -> Limits:
        limits = self.options.limits
        if not self.options.confirm:
            return limits
        short = max(_AT_LEAST, _ROUND_TRIPS * self.bench.facts.round_trip)
        return replace(limits, patience=min(limits.patience, short))

    async def _recover(self) -> None:
        """The target takes no connection: wait for it, start it again if it is ours, or give the run up."""
        for _ in range(_ASKED):
            if await self._is_up():
                return
            await trio.sleep(_APART)
        if not self._lost and not await self._restart():
            self._lost = True
            self.why = Why.LOST

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
        pending, self._again = self._again, []
        self._recent.clear()
        if self._lost:
            self._give_up_on(pending, Reason.LOST, "the target was lost and could not be started again")
            return
        waiters = [item for item in pending if item[1].waited_out and not item[1].lost and not item[0].alone]
        for case, first in [item for item in pending if item not in waiters]:
            if self._stopped():
                self._again.append((case, first))
                continue
            await self._second(case, first)
        await self._second_side_by_side(waiters)
        for id, watches in self._breaches.items():
            await self._second_look(id, watches)
        if self._lost:
            self._give_up_on(self._again, Reason.LOST, "the target was lost and could not be started again")
            self._again = []

    async def _second_side_by_side(self, waiters: list[tuple[Case, Attempted]]) -> None:
        queue = iter(waiters)

        async def work() -> None:
            for case, first in queue:
                if self._stopped():
                    self._again.append((case, first))
                    continue
                await self._second(case, first)

        async with trio.open_nursery() as nursery:
            for _ in range(max(1, self.options.jobs)):
                nursery.start_soon(work)

    async def _second(self, case: Case, first: Attempted) -> None:
        attempted = await attempt(case, self.bench, self.options.limits, self._provide)
        self._watches.see(attempted)
        if attempted.lost or (first.lost and not await self._is_up()):
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
        agree = (attempted.verdict, attempted.reason) == (first.verdict, first.reason)
        # The first attempt's patience was shorter than what was asked for: running out of it is no disagreement.
        excused = first.lost or first.waited_out
        self._final(case, attempted, None if agree or excused else first)

    async def _second_look(self, id: str, watches: list[Watch]) -> None:
        """A monitor's breach is believed if the case that showed it shows it again."""
        first_shown = [watch for watch in watches if watch.case == id and watch.verdict is Verdict.FAILED]
        if not first_shown or self._stopped() or not self.options.confirm:
            return
        attempted = await attempt(self._cases[id], self.bench, self.options.limits, self._provide)
        again = self._watches.see(attempted)
        for watch in first_shown:
            if watch not in again:
                watch.retract()

    def _final(self, case: Case, attempted: Attempted, disagreed: Attempted | None = None) -> None:
        result = self._result(case, attempted)
        if disagreed is not None:
            earlier = Attempt(disagreed.verdict, disagreed.finding, disagreed.micros, disagreed.transcript)
            result = replace(result, attempts=(earlier,), flaky=True)
        self._failures += result.breaks_gate
        self._report(result)

    def _give_up(self, reason: Reason, text: str) -> None:
        pending, self._again = self._again, []
        self._give_up_on(pending, reason, text)

    def _give_up_on(self, pending: Sequence[tuple[Case, Attempted]], reason: Reason, text: str) -> None:
        verdict = Verdict.SKIPPED if reason is Reason.BUDGET else Verdict.INCONCLUSIVE
        for case, attempted in pending:
            told = f"{text}: {attempted.finding.observed}" if attempted.finding else text
            changed = replace(attempted, verdict=verdict, reason=reason, finding=Finding("to be decided", told))
            self._report(self._result(case, changed))

    def _result(self, entry: Entry, attempted: Attempted) -> Result:
        return result_of(entry, attempted, self.bench.role, self.registry)

    def _skipped(self, case: Case, reason: Reason, text: str) -> Result:
        nothing = Attempted(Verdict.SKIPPED, Finding("to be put", text), reason, (), 0, (), ())
        return self._result(case, nothing)

    def _conclude(self) -> None:
        for watch in self._watches.all:
            verdict, reason = watch.conclude()
            seen = Attempted(verdict, watch.finding(), reason, watch.notes(), watch.micros, watch.transcript, ())
            self._report(replace(self._result(watch.monitor, seen), attempts=watch.earlier, flaky=watch.flaky))
