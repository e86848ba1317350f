"""What is known of each client under test: its attempts, what the monitors saw of it, and its results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import trio

from ..autobahn.ids import behavior
from ..catalogue.case import Case
from ..endpoint.accepted import once
from ..endpoint.session import Address, Facts, Limits
from ..evidence.result import Attempt, Finding, Reason, Result, Verdict
from ..journal.journal import TargetRecord
from ..registry.requirement import Role
from ..run.judge import Attempted, Bench, attempt, out_of_reach, result_of
from ..run.monitors import Watch, Watches
from ..transport.stream import Stream
from ..wire.handshake import MalformedExtensions, offered
from ..wire.http1 import Head
from .plan import ServePlan

#: The first attempt's patience (seconds), where a second attempt with all of it follows.
FIRST_PATIENCE = 1.0

_SETTLED = (Verdict.PASSED, Verdict.INFORMATIONAL, Verdict.SKIPPED)

#: What `/getCaseStatus` says of a case that was not run, and that nobody is running.
NOT_RUN = "MISSING"


class Sink(Protocol):
    """Where results go as they become final: a `JournalWriter`, or what stands in front of one."""

    def target(self, target: TargetRecord) -> None:
        """Take a client's record, before its first result."""

    def result(self, target: str, result: Result) -> None:
        """Take a result; a later one of the same case takes the earlier one's place."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How cases are put: `url` is the address that clients are told, less any path; `confirm` puts non-passes again.

    `info` is what the configuration says of the client.
    """

    url: str
    authority: str
    facts: Facts
    limits: Limits
    seed: int = 6455
    whole: bool = False
    confirm: bool = False
    farewell: bool = False
    info: Mapping[str, str] = field(default_factory=dict)


class AgentRun:
    """One client under test."""

    def __init__(self, name: str, plan: ServePlan, rules: Rules, sink: Sink) -> None:
        self.name, self.plan, self.rules, self._sink = name, plan, rules, sink
        self.watches = Watches(plan.monitors)
        self.running: dict[str, int] = {}
        self.results: dict[str, Result] = {}
        #: Every result in the order of its coming, for the page; these and `results` are without transcripts.
        self.log: list[Result] = []
        self._concluded = 0
        self._attempts: dict[str, list[Attempted]] = {}
        self._breaches: dict[str, list[Watch]] = {}
        self.is_known = False
        self._changed = trio.Event()

    # --- who it is

    def meet(self, head: Head) -> None:
        """Write the client's record, from the first request of it that runs a case."""
        if self.is_known:
            return
        self.is_known = True
        try:
            offers = tuple(str(offer) for offer in offered(head.fields))
        except MalformedExtensions:
            offers = ()
        said = (head.fields.get("User-Agent") or b"").decode("utf-8", "replace")
        self._sink.target(
            TargetRecord(
                name=self.name,
                role=Role.CLIENT,
                address=self.rules.url,
                transport="tls" if self.rules.facts.tls else "tcp",
                info={**self.rules.info, **self.plan.info(self.name), **({"user-agent": said} if said else {})},
                offers=offers,
                echo=self.rules.facts.echo,
                round_trip=round(self.rules.facts.round_trip, 6),
            )
        )
        self.give_up(self.plan.left_out(self.name), "left out for this client by its name", Reason.EXCLUDED)

    def confirm(self) -> None:
        """Have what is not a pass put again before it is believed, as a client that asks for what is open can."""
        if not self._attempts:
            self.rules = replace(self.rules, confirm=True)

    # --- what is left

    def is_attempted(self, case: Case) -> bool:
        """Return whether `case` was put to this client or is being put, or has a result without that."""
        return case.id in self._attempts or case.id in self.results or case.id in self.running

    def is_open(self, case: Case) -> bool:
        """Return whether `case` is to be put, or to be put again."""
        return case.id not in self.results or self._is_doubted(case)

    def _is_doubted(self, case: Case) -> bool:
        return self.rules.confirm and case.id in self._breaches and len(self._attempts.get(case.id, ())) < 2

    def waits_together(self, case: Case) -> bool:
        """Return whether `case` may be put beside others: for the first time, or again only because a wait was long."""
        attempts = self._attempts.get(case.id)
        return not case.alone and (not attempts or attempts[-1].waited_out)

    def next_case(self) -> Case | None:
        """Return the first case that was never put, and is not being put; then the first to be put again."""
        waiting = [case for case in self.plan.cases if self.is_open(case) and case.id not in self.running]
        return next((case for case in waiting if not self.is_attempted(case)), next(iter(waiting), None))

    # --- putting cases

    def out_of_reach(self, case: Case) -> bool:
        """Return whether `case` cannot be put; it gets its result then."""
        reached = out_of_reach(case, self.rules.facts)
        if reached is None:
            return False
        reason, text = reached
        self._final(case, _unput(Verdict.SKIPPED, reason, Finding("to be put", text)))
        return True

    async def put(self, case: Case, stream: Stream, address: Address) -> Attempted:
        """Run `case` on `stream` and judge it; a result comes of it now, or after another attempt."""
        rules = self.rules
        bench = Bench(Role.CLIENT, once(stream), address, rules.facts, rules.seed, rules.whole, rules.farewell)
        before = self._attempts.get(case.id, [])
        self.running[case.id] = self.running.get(case.id, 0) + 1
        try:
            attempted = await attempt(case, bench, self._limits(first=not before))
        finally:
            self.running[case.id] -= 1
            if not self.running[case.id]:
                del self.running[case.id]
            self._wake()
        self._watch(case, attempted)
        # Conversations are for the monitors, who have seen them now; the transcript of a pass is in its result.
        slim = replace(attempted, conversations=())
        self._attempts[case.id] = [*before, replace(slim, transcript=()) if attempted.verdict in _SETTLED else slim]
        settled = attempted.verdict in _SETTLED or not self.rules.confirm or before
        if settled:
            self._final(case, attempted, before[-1] if before else None)
        self._wake()
        return attempted

    def _limits(self, *, first: bool) -> Limits:
        limits = self.rules.limits
        if not first or not self.rules.confirm:
            return limits
        return replace(limits, patience=min(limits.patience, FIRST_PATIENCE))

    def _watch(self, case: Case, attempted: Attempted) -> None:
        again = self.watches.see(attempted)
        if case.id in self._breaches and self.rules.confirm:
            for watch in self._breaches.pop(case.id):
                if watch.case == case.id and watch.verdict is Verdict.FAILED and watch not in again:
                    watch.retract()
        elif again:
            self._breaches[case.id] = again

    # --- results

    def take(self, result: Result) -> None:
        """Take a result as final and hand it on; the transcript is not kept here."""
        slim = replace(result, transcript=(), attempts=())
        self.results[result.case] = slim
        self.log.append(slim)
        self._sink.result(self.name, result)
        self._wake()

    def _final(self, case: Case, attempted: Attempted, earlier: Attempted | None = None) -> None:
        result = result_of(case, attempted, Role.CLIENT, self.plan.registry)
        if earlier is not None:
            agree = (attempted.verdict, attempted.reason) == (earlier.verdict, earlier.reason)
            # The first attempt's patience was shorter than what was asked for: running out of it is no disagreement.
            if not agree and not (self.rules.confirm and earlier.waited_out):
                told = Attempt(earlier.verdict, earlier.finding, earlier.micros, earlier.transcript)
                result = replace(result, attempts=(told,), flaky=True)
        self.take(result)

    def give_up(self, cases: Sequence[Case], text: str, reason: Reason = Reason.LOST) -> None:
        """Close `cases`: what was put once keeps that verdict, the others are not put, for `reason`, told in `text`."""
        verdict = Verdict.INCONCLUSIVE if reason is Reason.LOST else Verdict.SKIPPED
        for case in cases:
            if case.id in self.results:
                continue
            if attempts := self._attempts.get(case.id):
                self._final(case, attempts[-1])
            else:
                self._final(case, _unput(verdict, reason, Finding("to be put", text)))

    def conclude(self) -> None:
        """Make the monitors' results, again if there were attempts since they were made last."""
        attempts = sum(map(len, self._attempts.values()))
        if attempts == self._concluded:
            return
        self._concluded = attempts
        for watch in self.watches.all:
            verdict, reason = watch.conclude()
            seen = Attempted(verdict, watch.finding(), reason, watch.notes(), watch.micros, watch.transcript, ())
            result = result_of(watch.monitor, seen, Role.CLIENT, self.plan.registry)
            self.take(replace(result, attempts=watch.earlier, flaky=watch.flaky))

    # --- who waits for a result

    def _wake(self) -> None:
        changed, self._changed = self._changed, trio.Event()
        changed.set()

    async def status(self, case: Case, patience: float) -> str:
        """Return the older suite's word for `case`, waiting while it runs, and `patience` seconds for it to begin."""
        deadline = trio.current_time() + patience
        while case.id not in self.results and (case.id in self.running or trio.current_time() < deadline):
            with trio.move_on_at(float("inf") if case.id in self.running else deadline):
                await self._changed.wait()
        if (result := self.results.get(case.id)) is not None:
            return behavior(result)
        attempts = self._attempts.get(case.id)
        return behavior(result_of(case, attempts[-1], Role.CLIENT, self.plan.registry)) if attempts else NOT_RUN


def _unput(verdict: Verdict, reason: Reason, finding: Finding) -> Attempted:
    return Attempted(verdict, finding, reason, (), 0, (), ())
