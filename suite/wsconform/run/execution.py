"""One run over its targets: each is probed, put the plan to, and written down record by record."""

from __future__ import annotations

import math
import re
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import trio

from ..catalogue.case import Item
from ..endpoint.session import Limits
from ..evidence.result import Finding, Mark, Reason, Result, Verdict
from ..journal.expected import Expectations
from ..journal.gate import Policy, TargetOutcome
from ..journal.journal import EndReason, Footer, JournalWriter, TargetRecord, gravest_end
from ..journal.redact import Redactor
from ..journal.tally import counts
from ..registry.registry import Registry
from ..transport.program import Output, Started, StartFailed
from ..transport.stream import Dialer, Unreachable
from .judge import Attempted, Bench, result_of
from .keeper import NullListener, RunListener
from .probe import ProbeFailed, probe
from .runner import Options, Runner
from .start import Serve, reached
from .target import Target, TargetError

__all__ = ["Execution", "How", "Plan", "dial"]


@dataclass(frozen=True, slots=True)
class Plan:
    """A target and what is put to it; `folder` is where its command runs, `serve` the embedded endpoint's server."""

    target: Target
    entries: tuple[Item, ...]
    jobs: int | None = None
    folder: Path | None = None
    serve: Serve | None = None


@dataclass(frozen=True, slots=True)
class How:
    """How a run goes; `budget` (seconds) is for all targets together, `out` the folder for what targets print."""

    limits: Limits = field(default_factory=Limits)
    jobs: int = 8
    confirm: bool = True
    budget: float | None = None
    retries: int = 0
    max_failures: int | None = None
    seed: int = 6455
    whole: bool = False
    farewell: bool = False
    out: Path | None = None
    keep_all: bool = False


def dial(target: Target) -> Dialer:
    """Return the dialer of `target`: what a run uses unless it is given another."""
    return target.dialer()


class Execution:
    """One run; `outcomes` fill while it goes, and say how far it came when it is interrupted."""

    def __init__(
        self,
        plans: Sequence[Plan],
        registry: Registry,
        how: How,
        writer: JournalWriter,
        *,
        expectations: Expectations | None = None,
        watcher: RunListener | None = None,
        dial: Callable[[Target], Dialer] = dial,
        stale: Callable[[], Sequence[str]] = tuple,
        policy: Policy | None = None,
    ) -> None:
        """Put `plans` as `how` says; `stale` is asked at the end for what of the expectations holds no more.

        `policy` says what counts as a failure where the run is to stop after so many.
        """
        self.plans, self.registry, self.how, self.writer = tuple(plans), registry, how, writer
        self.expectations = expectations or Expectations()
        self.watcher: RunListener = watcher or NullListener()
        self.outcomes: list[TargetOutcome] = []
        self.interrupted = False
        self.seconds = 0.0
        self.stale: tuple[str, ...] = ()
        self._dial, self._stale = dial, stale
        self._policy = (policy or Policy()).for_counting_failures()
        self._redactor = Redactor()
        self._scope: trio.CancelScope | None = None

    async def run(self, *, signals: bool = True) -> EndReason:
        """Put every plan to its target, one target after the other, and write all but the journal's header.

        SIGINT and SIGTERM end the run early with a footer, if `signals` (which only the main thread may ask for).
        """
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            self._scope = nursery.cancel_scope
            if self.interrupted:
                self._scope.cancel()
            if signals:
                await nursery.start(self._heed_signals, nursery.cancel_scope)
            for plan in self.plans:
                left = None if self.how.budget is None else max(0.0, began + self.how.budget - trio.current_time())
                await self._one(plan, left)
            nursery.cancel_scope.cancel()
        self.seconds = trio.current_time() - began
        why = self._why()
        self.stale = tuple(self._stale())
        self.writer.footer(
            Footer(why=why.value, end=_now(), seconds=round(self.seconds, 6), counts=self._counts(), stale=self.stale)
        )
        return why

    def interrupt(self) -> None:
        """End the run early, with a footer; to be called in the run's own thread."""
        self.interrupted = True
        if self._scope is not None:
            self._scope.cancel()

    async def _heed_signals(
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
        if self.interrupted:
            found.add(EndReason.INTERRUPTED)
        return gravest_end(found)

    def _counts(self) -> Mapping[str, Mapping[str, int]]:
        found = {outcome.name: counts(outcome.results) for outcome in self.outcomes}
        return {name: {mark.words: count for mark, count in each.items() if count} for name, each in found.items()}

    async def _one(self, plan: Plan, budget: float | None) -> None:
        outcome = TargetOutcome(name=plan.target.name, planned=len(plan.entries), why=EndReason.INTERRUPTED.value)
        self.outcomes.append(outcome)
        self._redactor = Redactor(name for name, _ in plan.target.headers)
        try:
            output = self._output(plan.target) if plan.target.start else None
            outcome.log = str(output.path or "") if output else ""
            async with trio.open_nursery() as nursery:
                try:
                    async with reached(
                        plan.target, nursery, folder=plan.folder, serve=plan.serve, output=output
                    ) as reach:
                        try:
                            await self._put(replace(plan, target=reach.target), outcome, budget, reach.started)
                        finally:
                            outcome.restarts = reach.started.restarts if reach.started else 0
                finally:
                    outcome.output = output.last_lines() if output else ()
        except* (ProbeFailed, Unreachable, StartFailed, TargetError) as problems:
            outcome.problem, outcome.why = _first(problems), EndReason.LOST.value
            self._write_untested(plan.target, outcome)
        finally:
            self.watcher.ended(outcome)

    def _output(self, target: Target) -> Output:
        """Where what `target` prints is kept: a file of its own beside the journal."""
        if self.how.out is None:
            return Output()
        name = re.sub(r"[^A-Za-z0-9.-]+", "-", target.name).strip("-.") or "target"
        logs = {outcome.log for outcome in self.outcomes}
        path, number = self.how.out / f"{name}.log", 1
        while str(path) in logs:
            number += 1
            path = self.how.out / f"{name}.{number}.log"
        try:
            return Output(path)
        except OSError:
            return Output()

    async def _put(self, plan: Plan, outcome: TargetOutcome, budget: float | None, started: Started | None) -> None:
        began = trio.current_time()
        target, dialer = plan.target, self._dial(plan.target)
        probed = await probe(target, dialer, _for_probe(self.how.limits))
        self.writer.target(probed.record)
        self.watcher.began(probed.record, len(plan.entries))
        bench = Bench(
            target.role, dialer, target.address(), probed.facts, self.how.seed, self.how.whole, self.how.farewell
        )
        left = None if budget is None else max(0.0, budget - (trio.current_time() - began))
        options = Options(
            # Patience without end is for somebody in a debugger, who looks at one connection.
            jobs=(plan.jobs or self.how.jobs) if math.isfinite(self.how.limits.patience) else 1,
            limits=self.how.limits,
            confirm=self.how.confirm,
            budget=left,
            retries=self.how.retries,
            max_failures=self.how.max_failures,
            is_failure=lambda result: self._policy.breaks(self.expectations.explained(outcome.name, result)),
        )

        def keep(result: Result) -> None:
            self._keep(outcome, result)

        runner = (
            Runner(bench, self.registry, options, keep, restart=started.restart)
            if started
            else Runner(bench, self.registry, options, keep)
        )
        why = await runner.run(plan.entries, probed.conversations)
        outcome.why = why.value
        if why is EndReason.BUDGET:
            self._write_left_over(plan, outcome)

    def _keep(self, outcome: TargetOutcome, result: Result) -> None:
        marked = self.expectations.mark(outcome.name, self._redactor.result(result))
        self.writer.result(outcome.name, marked)
        # The journal has it all; the transcripts of thousands of passes need not stay in memory.
        slim = marked.mark is Mark.PASSED and not marked.flaky and not self.how.keep_all
        kept = replace(marked, transcript=()) if slim else marked
        outcome.record(kept)
        self.watcher.judged(outcome.name, kept)

    def _write_left_over(self, plan: Plan, outcome: TargetOutcome) -> None:
        """What the budget left no time for is skipped by name, so that nobody takes it for met."""
        done = {result.case for result in outcome.results}
        unput = Finding("to be put", "the time budget was over before it was")
        nothing = Attempted(Verdict.SKIPPED, unput, Reason.BUDGET, (), 0, (), ())
        for entry in plan.entries:
            if entry.id not in done:
                self._keep(outcome, result_of(entry, nothing, plan.target.role, self.registry))

    def _write_untested(self, target: Target, outcome: TargetOutcome) -> None:
        """A target that could not be tested has its record all the same, if it has none yet."""
        if not outcome.results:
            transport = "tls" if target.tls else "tcp"
            record = TargetRecord(
                name=target.name,
                role=target.role,
                address=str(target.url),
                transport=transport,
                info=dict(target.info),
                untested=outcome.problem,
            )
            self.writer.target(record)


def _for_probe(limits: Limits) -> Limits:
    # Endless patience is for cases, of which somebody looks at one; the probe has to come to an end.
    return limits if math.isfinite(limits.patience) else replace(limits, patience=Limits().patience)


def _first(problems: BaseExceptionGroup[Exception]) -> str:
    each: BaseException = problems
    while isinstance(each, BaseExceptionGroup):
        each = each.exceptions[0]
    return str(each)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
