"""The clients under test: for each, its attempts, its results, and the breaches that monitors saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import trio

from ..autobahn.ids import behavior
from ..catalogue.case import Case
from ..endpoint.accepted import once
from ..endpoint.session import Address, Facts
from ..evidence.result import Reason, Result, Verdict
from ..journal.journal import TargetRecord
from ..registry.requirement import Role
from ..run.confirmation import Decision, confirmed_result, decide, first_limits, is_settled, withdraw_breaches
from ..run.judge import Attempted, Bench, attempt, not_run, result_of, skip_reason
from ..run.monitors import Watch, Watches
from ..run.options import RunOptions
from ..transport.stream import Stream
from ..wire.handshake import MalformedExtensions, offered
from ..wire.http1 import Head
from .plan import ServePlan

#: The answer of `/getCaseStatus` about a case that neither ran nor is running.
NOT_RUN = "MISSING"


class Sink(Protocol):
    """The receiver of final results, such as the keeper of the session."""

    def target(self, target: TargetRecord) -> None:
        """Take a client's record, before its first result."""

    def result(self, target: str, result: Result) -> None:
        """Take a result; a later one of the same case replaces an earlier one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How cases run for clients.

    `url` is the address that clients get, without a path; `authority` its Host. `confirm`: anything but a pass runs
    again, because the client asks for the open cases. `info` is the configuration's description of the client.
    """

    url: str
    authority: str
    facts: Facts
    options: RunOptions = field(default_factory=RunOptions)
    confirm: bool = False
    info: Mapping[str, str] = field(default_factory=dict)


class AgentRun:
    """One client under test."""

    def __init__(self, name: str, plan: ServePlan, rules: Rules, sink: Sink) -> None:
        self.name, self.plan, self.rules, self._sink = name, plan, rules, sink
        self.watches = Watches(plan.monitors)
        #: How many connections each case has that is running.
        self.running: dict[str, int] = {}
        self.results: dict[str, Result] = {}
        #: Every result in the order of its arrival, for the page. These and `results` have no transcripts.
        self.log: list[Result] = []
        self._concluded = 0
        self._attempts: dict[str, list[Attempted]] = {}
        self._breaches: dict[str, list[Watch]] = {}
        self.is_known = False
        self._changed = trio.Event()

    # --- the client's record

    def meet(self, head: Head) -> None:
        """Write the client's record, from its first request that runs a case."""
        if self.is_known:
            return
        self.is_known = True
        try:
            offers = tuple(str(offer) for offer in offered(head.fields))
        except MalformedExtensions:
            offers = ()
        user_agent = (head.fields.get("User-Agent") or b"").decode("utf-8", "replace")
        facts = self.rules.facts
        self._sink.target(
            TargetRecord(
                name=self.name,
                role=Role.CLIENT,
                address=self.rules.url,
                transport="tls" if facts.tls else "tcp",
                info={
                    **self.rules.info,
                    **self.plan.info(self.name),
                    **({"user-agent": user_agent} if user_agent else {}),
                },
                offers=offers,
                echo=facts.echo,
                round_trip=round(facts.round_trip, 6),
            )
        )
        self.give_up(self.plan.left_out(self.name), "excluded for this client by its name", Reason.EXCLUDED)

    def confirm(self) -> None:
        """Run every non-pass a second time before reporting it. For clients that ask which cases are open."""
        if not self._attempts:
            self.rules = replace(self.rules, confirm=True)

    # --- open cases

    def is_attempted(self, case: Case) -> bool:
        """Return whether `case` has run, is running, or has a result without having run."""
        return case.id in self._attempts or case.id in self.results or case.id in self.running

    def is_open(self, case: Case) -> bool:
        """Return whether `case` has to run, or to run again."""
        return case.id not in self.results or self._is_doubted(case)

    def _is_doubted(self, case: Case) -> bool:
        return self.rules.confirm and case.id in self._breaches and len(self._attempts.get(case.id, ())) < 2

    def may_run_beside_others(self, case: Case) -> bool:
        """Return whether `case` may run beside others: its first attempt, or a second one after a short wait."""
        attempts = self._attempts.get(case.id)
        return not case.alone and (not attempts or attempts[-1].waited_out)

    def next_case(self) -> Case | None:
        """Return the first case that has not run and is not running, else the first that has to run again."""
        waiting = [case for case in self.plan.cases if self.is_open(case) and case.id not in self.running]
        return next((case for case in waiting if not self.is_attempted(case)), next(iter(waiting), None))

    # --- running cases

    def skips(self, case: Case) -> bool:
        """Return whether `case` cannot run against this client; if so, it has its result now."""
        skipped = skip_reason(case, self.rules.facts)
        if skipped is None:
            return False
        reason, text = skipped
        self._final(case, Decision(not_run(Verdict.SKIPPED, reason, text)))
        return True

    async def run(self, case: Case, stream: Stream, address: Address) -> Attempted:
        """Run `case` on `stream` and judge it; the result is final now, or after another attempt."""
        rules = self.rules
        bench = Bench(role=Role.CLIENT, dial=once(stream), address=address, facts=rules.facts, options=rules.options)
        before = self._attempts.get(case.id, [])
        limits = rules.options.limits
        if not before:
            limits = first_limits(limits, rules.facts, confirm=rules.confirm)
        self.running[case.id] = self.running.get(case.id, 0) + 1
        try:
            attempted = await attempt(case, bench, limits)
        finally:
            self.running[case.id] -= 1
            if not self.running[case.id]:
                del self.running[case.id]
            self._wake()
        self._watch(case, attempted)
        # The monitors have seen the conversations, and the transcript of a pass is in its result: free the memory.
        slim = replace(attempted, conversations=())
        self._attempts[case.id] = [*before, replace(slim, transcript=()) if is_settled(attempted) else slim]
        decision = decide([*before, attempted], confirm=self.rules.confirm)
        if decision is not None:
            self._final(case, decision)
        self._wake()
        return attempted

    def _watch(self, case: Case, attempted: Attempted) -> None:
        again = self.watches.see(attempted)
        if case.id in self._breaches and self.rules.confirm:
            withdraw_breaches(case.id, self._breaches.pop(case.id), again)
        elif again:
            self._breaches[case.id] = again

    # --- results

    def take(self, result: Result) -> None:
        """Take a result as final and hand it on; its transcript is not kept here."""
        slim = replace(result, transcript=(), attempts=())
        self.results[result.case] = slim
        self.log.append(slim)
        self._sink.result(self.name, result)
        self._wake()

    def _final(self, case: Case, decision: Decision) -> None:
        self.take(confirmed_result(case, decision, Role.CLIENT, self.plan.registry))

    def give_up(self, cases: Sequence[Case], text: str, reason: Reason = Reason.LOST) -> None:
        """Close `cases`: one that ran once keeps that verdict; the others get `reason`, and `text` in their finding."""
        verdict = Verdict.INCONCLUSIVE if reason is Reason.LOST else Verdict.SKIPPED
        for case in cases:
            if case.id in self.results:
                continue
            attempts = self._attempts.get(case.id)
            self._final(case, Decision(attempts[-1] if attempts else not_run(verdict, reason, text)))

    def conclude(self) -> None:
        """Make the monitors' results, again if a case has run since they were last made."""
        attempts = sum(map(len, self._attempts.values()))
        if attempts == self._concluded:
            return
        self._concluded = attempts
        for watch in self.watches.all:
            result = result_of(watch.monitor, watch.concluded(), Role.CLIENT, self.plan.registry)
            self.take(replace(result, attempts=watch.earlier, flaky=watch.flaky))

    # --- waiting for a result

    def _wake(self) -> None:
        changed, self._changed = self._changed, trio.Event()
        changed.set()

    async def status(self, case: Case, patience: float) -> str:
        """Return Autobahn's word for the result of `case`. Wait while it runs, and `patience` seconds for its start."""
        deadline = trio.current_time() + patience
        while case.id not in self.results and (case.id in self.running or trio.current_time() < deadline):
            with trio.move_on_at(float("inf") if case.id in self.running else deadline):
                await self._changed.wait()
        if (result := self.results.get(case.id)) is not None:
            return behavior(result)
        attempts = self._attempts.get(case.id)
        return behavior(result_of(case, attempts[-1], Role.CLIENT, self.plan.registry)) if attempts else NOT_RUN
