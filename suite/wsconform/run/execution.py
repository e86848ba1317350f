"""One run over its targets, one after another: each is reached, probed, tested and written to the journal."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import trio

from ..catalogue.case import Item
from ..evidence.result import Reason, Result, Verdict
from ..journal.expected import Expectations
from ..journal.gate import Policy, TargetOutcome
from ..journal.journal import EndReason, Footer, JournalWriter, TargetRecord, gravest_end
from ..registry.registry import Registry
from ..transport.program import Output, StartFailed, TargetProgram
from ..transport.stream import Dialer, Unreachable
from .judge import Bench, not_run, result_of
from .keeper import Keeper, RunListener
from .options import RunOptions
from .probe import ProbeFailed, probe
from .runner import Runner
from .start import Serve, reached
from .target import Target, TargetError

__all__ = ["Execution", "Plan", "dial"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A chosen target and the items to run against it."""

    target: Target
    items: tuple[Item, ...]
    #: Connections at the same time, if the target has its own limit.
    jobs: int | None = None
    #: The folder in which the target's command runs.
    folder: Path | None = None
    #: The function that serves the embedded reference endpoint, if that is the target.
    serve: Serve | None = None


def dial(target: Target) -> Dialer:
    """Return the dialer of `target`; the default of `Execution`."""
    return target.dialer()


class Execution:
    """One run. `outcomes` fill while it goes, and show how far it came if it is interrupted."""

    def __init__(
        self,
        plans: Sequence[Plan],
        registry: Registry,
        options: RunOptions,
        writer: JournalWriter,
        *,
        expectations: Expectations | None = None,
        listener: RunListener | None = None,
        dial: Callable[[Target], Dialer] = dial,
        stale: Callable[[], Sequence[str]] = tuple,
        policy: Policy | None = None,
    ) -> None:
        """Prepare to run `plans`.

        `stale` is called at the end and returns a line for each expectation that no longer holds. `policy` decides
        which results count towards `max_failures`.
        """
        self.plans, self.registry, self.options = tuple(plans), registry, options
        self.keeper = Keeper(writer, expectations=expectations, listener=listener, keep_all=options.keep_all)
        self.interrupted = False
        self.seconds = 0.0
        self.stale: tuple[str, ...] = ()
        self._writer, self._dial, self._stale = writer, dial, stale
        self._policy = (policy or Policy()).for_counting_failures()
        self._scope: trio.CancelScope | None = None

    @property
    def outcomes(self) -> list[TargetOutcome]:
        """The outcome of each target so far."""
        return self.keeper.outcomes

    async def run(self, *, signals: bool = True) -> EndReason:
        """Run every plan and write everything but the journal's header; return why the run ended.

        With `signals` (only in the main thread), SIGINT and SIGTERM end the run early, with a footer.
        """
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            self._scope = nursery.cancel_scope
            if self.interrupted:
                self._scope.cancel()
            if signals:
                await nursery.start(self._watch_signals, nursery.cancel_scope)
            for plan in self.plans:
                budget = self.options.budget
                left = None if budget is None else max(0.0, began + budget - trio.current_time())
                await self._one(plan, left)
            nursery.cancel_scope.cancel()
        self.seconds = trio.current_time() - began
        why = self._why()
        self.stale = tuple(self._stale())
        self._writer.footer(
            Footer(
                why=why.value,
                end=_now(),
                seconds=round(self.seconds, 6),
                counts=self.keeper.counts(),
                stale=self.stale,
            )
        )
        return why

    def interrupt(self) -> None:
        """End the run early, with a footer; called in the run's own thread."""
        self.interrupted = True
        if self._scope is not None:
            self._scope.cancel()

    async def _watch_signals(
        self, scope: trio.CancelScope, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received:
            task_status.started()
            async for _ in received:
                self.interrupted = True
                scope.cancel()
                return

    def _why(self) -> EndReason:
        found = {EndReason(outcome.why) for outcome in self.outcomes}
        return gravest_end(found | ({EndReason.INTERRUPTED} if self.interrupted else set()))

    async def _one(self, plan: Plan, budget: float | None) -> None:
        """Reach the target of `plan`, test it within `budget` seconds, and end its process if we started one."""
        target = plan.target
        logs = {outcome.log for outcome in self.outcomes}
        # Until the target's part is over, its end counts as an interruption.
        outcome = self.keeper.open(
            target.name,
            len(plan.items),
            why=EndReason.INTERRUPTED.value,
            secret_fields=[name for name, _ in target.headers],
        )
        try:
            output = _output(self.options.out, target, logs) if target.start else None
            outcome.log = str(output.path or "") if output else ""
            async with trio.open_nursery() as nursery:
                try:
                    async with reached(target, nursery, folder=plan.folder, serve=plan.serve, output=output) as reach:
                        try:
                            await self._test(replace(plan, target=reach.target), outcome, budget, reach.started)
                        finally:
                            outcome.restarts = reach.started.restarts if reach.started else 0
                finally:
                    outcome.output = output.last_lines() if output else ()
        except* (ProbeFailed, Unreachable, StartFailed, TargetError) as problems:
            outcome.problem, outcome.why = _first_text(problems), EndReason.LOST.value
            self._write_untested(target, outcome)
        finally:
            self.keeper.ended(target.name)

    async def _test(
        self, plan: Plan, outcome: TargetOutcome, budget: float | None, started: TargetProgram | None
    ) -> None:
        """Probe the target of `plan`, which is up, and run its items."""
        began = trio.current_time()
        target, dialer = plan.target, self._dial(plan.target)
        probed = await probe(target, dialer, self.options.probe_limits)
        self.keeper.target(probed.record)
        bench = Bench(
            role=target.role,
            dial=dialer,
            address=target.address(),
            facts=probed.facts,
            options=self.options,
        )

        def keep(result: Result) -> None:
            self.keeper.result(outcome.name, result)

        def is_failure(result: Result) -> bool:
            return self._policy.breaks(self.keeper.expectations.explained(outcome.name, result))

        left = None if budget is None else max(0.0, budget - (trio.current_time() - began))
        jobs = 1 if self.options.is_endless else plan.jobs
        if started:
            runner = Runner(
                bench, self.registry, keep, jobs=jobs, budget=left, is_failure=is_failure, restart=started.restart
            )
        else:
            runner = Runner(bench, self.registry, keep, jobs=jobs, budget=left, is_failure=is_failure)
        why = await runner.run(plan.items, probed.conversations)
        outcome.why = why.value
        if why is EndReason.BUDGET:
            self._skip_left_over(plan, outcome)

    def _skip_left_over(self, plan: Plan, outcome: TargetOutcome) -> None:
        """Report the items that the budget left no time for as skipped, so that nobody takes them for passed."""
        done = {result.case for result in outcome.results}
        nothing = not_run(Verdict.SKIPPED, Reason.BUDGET, "the time budget was over before it ran")
        for item in plan.items:
            if item.id not in done:
                self.keeper.result(outcome.name, result_of(item, nothing, plan.target.role, self.registry))

    def _write_untested(self, target: Target, outcome: TargetOutcome) -> None:
        """Write the record of a target that could not be tested, if it has none yet."""
        if not outcome.results:
            transport = "tls" if target.tls else "tcp"
            self.keeper.untested(
                TargetRecord(
                    name=target.name,
                    role=target.role,
                    address=str(target.url),
                    transport=transport,
                    info=dict(target.info),
                    untested=outcome.problem,
                )
            )


def _output(folder: Path | None, target: Target, used: set[str]) -> Output:
    """Return the keeper of a started target's output: in a file in `folder` that is not among `used`, if possible."""
    if folder is None:
        return Output()
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", target.name).strip("-.") or "target"
    path, number = folder / f"{name}.log", 1
    while str(path) in used:
        number += 1
        path = folder / f"{name}.{number}.log"
    try:
        return Output(path)
    except OSError:
        return Output()


def _first_text(problems: BaseExceptionGroup[Exception]) -> str:
    """Return the text of the first exception in a nested group."""
    each: BaseException = problems
    while isinstance(each, BaseExceptionGroup):
        each = each.exceptions[0]
    return str(each)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
