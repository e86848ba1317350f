"""Requests to the suite's port, and what becomes of each: a case, a control dialogue, a page, or a refusal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, assert_never

import trio

from ..catalogue.case import Case
from ..endpoint.accepted import Accepted, Visit, take_leave
from ..endpoint.session import Address
from ..escape import terminal
from ..evidence.result import Reason
from ..evidence.transcript import Conversation
from ..wire.http1 import Head, Response
from . import answers, page, routes
from .agents import AgentRun, Rules, Sink
from .control import converse
from .plan import Plan

#: Most clients that are told apart, so that one that changes its name at each request cannot fill the memory.
MOST_AGENTS = 64

#: Names under which one loopback address goes: a client that was told one of them may well write another.
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})

#: The place of the connection that finds out about a client before its cases.
PROBE = "probe"


class Teller(Protocol):
    """Where lines for a person go."""

    def ready(self, line: str) -> None:
        """Tell that clients may come, and where."""

    def say(self, line: str) -> None:
        """Tell something that has to be known."""

    def detail(self, line: str) -> None:
        """Tell something that is of use to who watches."""


@dataclass(slots=True)
class Expected:
    """A connection that is waited for: of a client that was started for one case, or for the probe."""

    agent: str
    case: str
    arrived: trio.Event = field(default_factory=trio.Event)
    visit: Visit | None = None
    stream: Accepted | None = None
    conversations: Sequence[Conversation] = ()
    refused: int = 0


async def _nothing() -> None:
    await trio.lowlevel.checkpoint()


class Server:
    """The suite as a server: who asks, and what each gets."""

    def __init__(
        self,
        plan: Plan,
        rules: Rules,
        sink: Sink,
        teller: Teller,
        *,
        update: Callable[[], Awaitable[None]] = _nothing,
        started_only: bool = False,
    ) -> None:
        """`update` writes the reports; with `started_only` no case is run on a connection that is not expected."""
        self.plan, self.rules, self.sink, self.teller = plan, rules, sink, teller
        self.agents: dict[str, AgentRun] = {}
        #: The cases that numbers count, and `/getCaseCount` says how many: the plan, or what a later round is about.
        self.numbered: tuple[Case, ...] = plan.numbered
        self.stopped = trio.Event()
        self.updates = 0
        self.active = 0
        self.last_active = trio.current_time()
        self._update, self._started_only = update, started_only
        self._expected: dict[tuple[str, str], Expected] = {}
        self._stirred = trio.Event()

    # --- who and what

    def agent(self, name: str) -> AgentRun:
        """Return the run of the client called `name`, a new one at first; raises Refusal where there are too many."""
        if name not in self.agents:
            if len(self.agents) >= MOST_AGENTS:
                raise routes.Refusal(
                    503, "Service Unavailable", f"{MOST_AGENTS} agents are known already; use one name for one client"
                )
            self.agents[name] = AgentRun(name, self.plan, self.rules, self.sink)
        return self.agents[name]

    def expect(self, agent: str, case: str) -> Expected:
        """Expect a connection of `agent` for the case of id `case`; end it with `forget`."""
        expected = Expected(agent, case)
        self._expected[agent, case] = expected
        return expected

    def forget(self, expected: Expected) -> None:
        """Expect that connection no more."""
        if self._expected.get((expected.agent, expected.case)) is expected:
            del self._expected[expected.agent, expected.case]

    def address(self, head: Head) -> Address:
        """Return how the client should name us in its request, as far as we can know."""
        said = (head.fields.get("Host") or b"").decode("latin-1")
        name, _, port = said.rpartition(":")
        ours, _, our_port = self.rules.authority.rpartition(":")
        alias = port == our_port and name.lower() in _LOOPBACK and ours in _LOOPBACK
        scheme = "wss" if self.rules.facts.tls else "ws"
        return Address(said if alias else self.rules.authority, head.target.decode("latin-1"), scheme=scheme)

    # --- activity

    def stir(self) -> None:
        """Note that a client did something."""
        self.last_active = trio.current_time()
        stirred, self._stirred = self._stirred, trio.Event()
        stirred.set()

    async def until_idle(self, seconds: float) -> None:
        """Return when for `seconds` no client was connected."""
        while True:
            if self.active:
                await self._stirred.wait()
                continue
            with trio.move_on_at(self.last_active + seconds) as scope:
                await self._stirred.wait()
            if scope.cancelled_caught:
                return

    async def stirred(self) -> None:
        """Return when a client does something."""
        await self._stirred.wait()

    async def updated(self) -> None:
        """Return when reports are asked for next."""
        before = self.updates
        while self.updates == before:
            await self._stirred.wait()

    def stop(self) -> None:
        """End the serving."""
        self.stopped.set()

    # --- requests

    async def attend(self, visit: Visit) -> None:
        """Do what the request asks for, to the end of its connection."""
        try:
            route = routes.route(visit.head)
            if isinstance(route, routes.Page):
                # The page asks for news all the time, which is no activity of a client.
                await answers.reply(visit, self._page(visit, route))
            else:
                await self._attend(visit, route)
        except routes.Refusal as refusal:
            line = visit.octets.split(b"\n", 1)[0].strip()[:120].decode("latin-1")
            self.teller.say(f"{visit.peer}: refused with {refusal.status}: {terminal(refusal.text)} ({terminal(line)})")
            self.stir()
            await answers.reply(visit, answers.refused(refusal))

    def _page(self, visit: Visit, route: routes.Page) -> Response:
        if visit.head.method not in (b"GET", b"HEAD"):
            raise routes.Refusal(405, "Method Not Allowed", "this port knows WebSocket requests, GET and HEAD")
        return page.respond(route, self)

    async def _attend(self, visit: Visit, route: routes.WebSocketRoute) -> None:
        self.active += 1
        self.stir()
        try:
            await self._dispatch(visit, route)
        finally:
            self.active -= 1
            self.stir()

    async def _dispatch(self, visit: Visit, route: routes.WebSocketRoute) -> None:
        match route:
            case routes.RunCase():
                case = self.plan.find(route.which, self.numbered)
                name = self.plan.name(route.which, case, self.numbered)
                await self._run(visit, self.agent(route.agent), case, name)
            case routes.NextCase():
                await self._next(visit, route.agent)
            case routes.ProbeClient():
                expected = self._expected.get((route.agent, PROBE))
                if expected is None:
                    raise routes.Refusal(404, "Not Found", "no client is being probed")
                await self._hand_over(visit, expected)
            case routes.CaseCount():
                count = str(len(self.numbered))
                await converse(visit, lambda: _said(count))
            case routes.CaseInfo():
                case = self.plan.find(route.which, self.numbered)
                name = self.plan.name(route.which, case, self.numbered)
                info = answers.text({"id": name, "description": case.title})
                await converse(visit, lambda: _said(info))
            case routes.CaseStatus():
                await self._status(visit, self.agent(route.agent), self.plan.find(route.which, self.numbered))
            case routes.UpdateReports():
                await converse(visit, lambda: self._updated(visit))
                if route.shutdown:
                    self.stop()
            case routes.StopServer():
                await converse(visit, _nothing)
                self.stop()
            case _:
                assert_never(route)

    # --- cases

    async def _next(self, visit: Visit, agent: str) -> None:
        if self._started_only:
            waiting = [expected for expected in self._expected.values() if expected.visit is None]
            if len(waiting) != 1:
                raise routes.Refusal(
                    404, "Not Found", f"{len(waiting)} clients are waited for; connect to the whole address given"
                )
            await self._hand_over(visit, waiting[0])
            return
        run = self.agent(agent)
        run.meet(visit.head)
        while (case := run.next_case()) is not None and run.skips(case):
            pass
        if case is None:
            raise routes.Refusal(410, "Gone", "this client has run every case; /updateReports writes the reports")
        await self._put(visit, run, case)

    async def _run(self, visit: Visit, run: AgentRun, case: Case, name: str) -> None:
        if (expected := self._expected.get((run.name, case.id))) is not None:
            await self._hand_over(visit, expected)
            return
        if self._started_only:
            raise routes.Refusal(409, "Conflict", f"nothing is expected of {run.name} for {case.id} now")
        if case.id in run.running and self.plan.numbering is None:
            raise routes.Refusal(409, "Conflict", f"{run.name} has a connection for {case.id} already")
        run.meet(visit.head)
        if self.plan.is_left_out(run.name, name):
            self.teller.detail(f"Skipping test case {name} for agent {terminal(run.name)} by test configuration!")
            await converse(visit, _nothing)
            return
        if run.skips(case):
            self.teller.detail(f"Skipping test case {name} for agent {terminal(run.name)}: out of reach")
            await converse(visit, _nothing)
            return
        await self._put(visit, run, case, name)

    async def _put(self, visit: Visit, run: AgentRun, case: Case, name: str | None = None) -> None:
        self.teller.detail(
            f"Running test case ID {name or case.id} for agent {terminal(run.name)} from peer {visit.peer}"
        )
        accepted = visit.accepted()
        attempted = await run.run(case, accepted, self.address(visit.head))
        await _leave(visit, accepted, attempted.conversations)

    async def _hand_over(self, visit: Visit, expected: Expected) -> None:
        """Give the connection to whoever waits for it, and end it when that is done with it."""
        if expected.visit is not None:
            expected.refused += 1
            raise routes.Refusal(409, "Conflict", f"{expected.agent} has a connection for {expected.case} already")
        if expected.case != PROBE:
            self.agent(expected.agent).meet(visit.head)
        accepted = visit.accepted()
        expected.visit, expected.stream = visit, accepted
        expected.arrived.set()
        await accepted.over.wait()
        await _leave(visit, accepted, expected.conversations)

    # --- control

    async def _status(self, visit: Visit, run: AgentRun, case: Case) -> None:
        async def saying() -> str:
            return answers.text({"behavior": await run.status(case, self.rules.options.limits.patience)})

        await converse(visit, saying)

    async def _updated(self, visit: Visit) -> None:
        self.teller.detail(f"Updating reports, requested by peer {visit.peer}")
        self.updates += 1
        for run in self.agents.values():
            run.conclude()
        await self._update()
        self.teller.detail("Report generation complete.")

    # --- the end

    @property
    def clients(self) -> list[AgentRun]:
        """The runs of all clients that asked for a case."""
        return [run for run in self.agents.values() if run.is_known]

    def finish(self, text: str | None, reason: Reason = Reason.LOST) -> None:
        """Make what is left of every client's results: cases not put get `reason`, told in `text`, if there is one.

        Without a text (the run was interrupted) they get no result.
        """
        for run in self.clients:
            cases = [case for case in self.plan.cases if text is not None or run.is_attempted(case)]
            run.give_up(cases, text or "", reason)
            run.conclude()


async def _leave(visit: Visit, accepted: Accepted, conversations: Sequence[Conversation]) -> None:
    """End the connection of a case that is over.

    A case that has seen enough in the request, or goes no further with this client, leaves it without an answer; many
    a client would ask again, or end with an exception. So it gets its WebSocket, and an empty Close.
    """
    if accepted.touched or visit.head.fields.get("Sec-WebSocket-Key") is None:
        await take_leave(visit.stream, conversations)
    else:
        await converse(visit, _nothing)


async def _said(text: str) -> str:
    await trio.lowlevel.checkpoint()
    return text
