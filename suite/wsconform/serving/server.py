"""The suite as a server: answers each request with a case, a control dialogue, a page, or a refusal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, assert_never

import trio

from ..catalogue.case import Case
from ..endpoint.accepted import AcceptedStream, ClientRequest, close_case_connection
from ..endpoint.session import Address
from ..escape import terminal
from ..evidence.result import Reason
from ..evidence.transcript import Conversation
from ..wire.http1 import Head, Response
from . import answers, page, routes
from .agents import AgentRun, Rules, Sink
from .control import run_dialogue
from .plan import ServePlan

#: Most names of clients, so that a client that changes its name with each request cannot fill the memory.
MOST_AGENTS = 64

#: Names of the loopback address: a client may replace the one in its address with another.
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})

#: The case id of the connection that probes a client before its cases.
PROBE = "probe"


class ServeOutput(Protocol):
    """Shows lines to the user."""

    def ready(self, line: str) -> None:
        """Show that the server is ready, and its address."""

    def say(self, line: str) -> None:
        """Show something that the user has to know."""

    def detail(self, line: str) -> None:
        """Show a detail of the run, for `--verbose`."""


@dataclass(slots=True, kw_only=True)
class ExpectedConnection:
    """An expected connection: of a client that was started for one case, or for the probe.

    `request` and `stream` are set when it has `arrived`; `conversations` when the case is over. `refused` counts
    further connections of the same client.
    """

    agent: str
    case: str
    arrived: trio.Event = field(default_factory=trio.Event)
    request: ClientRequest | None = None
    stream: AcceptedStream | None = None
    conversations: Sequence[Conversation] = ()
    refused: int = 0


async def _nothing() -> None:
    await trio.lowlevel.checkpoint()


class CaseServer:
    """Routes requests, and knows every client by its name (`agent`)."""

    def __init__(
        self,
        plan: ServePlan,
        rules: Rules,
        sink: Sink,
        output: ServeOutput,
        *,
        update: Callable[[], Awaitable[None]] = _nothing,
        started_only: bool = False,
    ) -> None:
        """`update` writes the reports; with `started_only`, only expected connections get a case."""
        self.plan, self.rules, self.sink, self.output = plan, rules, sink, output
        self.agents: dict[str, AgentRun] = {}
        #: The numbered cases, which `/getCaseCount` counts: those of the plan, or those of a later round.
        self.numbered: tuple[Case, ...] = plan.numbered
        self.stopped = trio.Event()
        self.updates = 0
        self.active = 0
        self.last_active = trio.current_time()
        self._update, self._started_only = update, started_only
        self._expected: dict[tuple[str, str], ExpectedConnection] = {}
        self._activity = trio.Event()

    # --- clients and expected connections

    def agent(self, name: str) -> AgentRun:
        """Return the run of the client called `name`, a new one at first.

        Raises RequestRefused if there are too many clients.
        """
        if name not in self.agents:
            if len(self.agents) >= MOST_AGENTS:
                raise routes.RequestRefused(
                    503, "Service Unavailable", f"{MOST_AGENTS} agents are known already; use one name for one client"
                )
            self.agents[name] = AgentRun(name, self.plan, self.rules, self.sink)
        return self.agents[name]

    def expect(self, agent: str, case: str) -> ExpectedConnection:
        """Expect a connection of `agent` for the case of id `case`; end it with `forget`."""
        expected = ExpectedConnection(agent=agent, case=case)
        self._expected[agent, case] = expected
        return expected

    def forget(self, expected: ExpectedConnection) -> None:
        """Stop expecting a connection."""
        if self._expected.get((expected.agent, expected.case)) is expected:
            del self._expected[expected.agent, expected.case]

    def address(self, head: Head) -> Address:
        """Return the address that the client should write in its request.

        The Host field may contain another name of the loopback address than the one that we gave to the client.
        """
        host = (head.fields.get("Host") or b"").decode("latin-1")
        name, _, port = host.rpartition(":")
        ours, _, our_port = self.rules.authority.rpartition(":")
        alias = port == our_port and name.lower() in _LOOPBACK and ours in _LOOPBACK
        scheme = "wss" if self.rules.facts.tls else "ws"
        return Address(
            host=host if alias else self.rules.authority, target=head.target.decode("latin-1"), scheme=scheme
        )

    # --- activity

    def note_activity(self) -> None:
        """Record that a client connected, disconnected or sent something."""
        self.last_active = trio.current_time()
        activity, self._activity = self._activity, trio.Event()
        activity.set()

    async def until_idle(self, seconds: float) -> None:
        """Wait until no client was connected for `seconds`."""
        while True:
            if self.active:
                await self._activity.wait()
                continue
            with trio.move_on_at(self.last_active + seconds) as scope:
                await self._activity.wait()
            if scope.cancelled_caught:
                return

    async def until_activity(self) -> None:
        """Wait for the next activity of a client."""
        await self._activity.wait()

    async def until_update(self) -> None:
        """Wait until a client asks for the reports."""
        before = self.updates
        while self.updates == before:
            await self._activity.wait()

    def stop(self) -> None:
        """End the session."""
        self.stopped.set()

    # --- requests

    async def attend(self, request: ClientRequest) -> None:
        """Answer the request, and handle its connection to the end."""
        try:
            route = routes.route(request.head)
            if isinstance(route, routes.PageRequest):
                # The page polls for results; that is not an activity of a client.
                await answers.reply(request, self._page(request, route))
            else:
                await self._attend(request, route)
        except routes.RequestRefused as refusal:
            line = request.octets.split(b"\n", 1)[0].strip()[:120].decode("latin-1")
            self.output.say(
                f"{request.peer}: refused with {refusal.status}: {terminal(refusal.text)} ({terminal(line)})"
            )
            self.note_activity()
            await answers.reply(request, answers.refused(refusal))

    def _page(self, request: ClientRequest, route: routes.PageRequest) -> Response:
        if request.head.method not in (b"GET", b"HEAD"):
            raise routes.RequestRefused(405, "Method Not Allowed", "this port accepts WebSocket requests, GET and HEAD")
        return page.respond(route, self)

    async def _attend(self, request: ClientRequest, route: routes.WebSocketRoute) -> None:
        self.active += 1
        self.note_activity()
        try:
            await self._dispatch(request, route)
        finally:
            self.active -= 1
            self.note_activity()

    async def _dispatch(self, request: ClientRequest, route: routes.WebSocketRoute) -> None:
        match route:
            case routes.RunCase():
                case = self.plan.find(route.which, self.numbered)
                name = self.plan.name(route.which, case, self.numbered)
                await self._run(request, self.agent(route.agent), case, name)
            case routes.NextCase():
                await self._next(request, route.agent)
            case routes.ProbeClient():
                expected = self._expected.get((route.agent, PROBE))
                if expected is None:
                    raise routes.RequestRefused(404, "Not Found", "no client is being probed")
                await self._hand_over(request, expected)
            case routes.CaseCount():
                count = str(len(self.numbered))
                await run_dialogue(request, lambda: _constant(count))
            case routes.CaseInfo():
                case = self.plan.find(route.which, self.numbered)
                name = self.plan.name(route.which, case, self.numbered)
                info = answers.text({"id": name, "description": case.title})
                await run_dialogue(request, lambda: _constant(info))
            case routes.CaseStatus():
                await self._status(request, self.agent(route.agent), self.plan.find(route.which, self.numbered))
            case routes.UpdateReports():
                await run_dialogue(request, lambda: self._update_reports(request))
                if route.shutdown:
                    self.stop()
            case routes.StopServer():
                await run_dialogue(request, _nothing)
                self.stop()
            case _:
                assert_never(route)

    # --- cases

    async def _next(self, request: ClientRequest, agent: str) -> None:
        if self._started_only:
            waiting = [expected for expected in self._expected.values() if expected.request is None]
            if len(waiting) != 1:
                raise routes.RequestRefused(
                    404,
                    "Not Found",
                    f"{len(waiting)} clients are expected; connect to the whole address, with its path",
                )
            await self._hand_over(request, waiting[0])
            return
        run = self.agent(agent)
        run.meet(request.head)
        while (case := run.next_case()) is not None and run.skips(case):
            pass
        if case is None:
            raise routes.RequestRefused(
                410, "Gone", "this client has run every case; /updateReports writes the reports"
            )
        await self._run_case(request, run, case)

    async def _run(self, request: ClientRequest, run: AgentRun, case: Case, name: str) -> None:
        if (expected := self._expected.get((run.name, case.id))) is not None:
            await self._hand_over(request, expected)
            return
        if self._started_only:
            raise routes.RequestRefused(409, "Conflict", f"no connection of {run.name} for {case.id} is expected now")
        if case.id in run.running and self.plan.numbering is None:
            raise routes.RequestRefused(409, "Conflict", f"{run.name} has a connection for {case.id} already")
        run.meet(request.head)
        if self.plan.is_left_out(run.name, name):
            self.output.detail(f"Skipping test case {name} for agent {terminal(run.name)} by test configuration!")
            await run_dialogue(request, _nothing)
            return
        if run.skips(case):
            self.output.detail(f"Skipping test case {name} for agent {terminal(run.name)}: excluded by its features")
            await run_dialogue(request, _nothing)
            return
        await self._run_case(request, run, case, name)

    async def _run_case(self, request: ClientRequest, run: AgentRun, case: Case, name: str | None = None) -> None:
        self.output.detail(
            f"Running test case ID {name or case.id} for agent {terminal(run.name)} from peer {request.peer}"
        )
        accepted = request.accepted()
        attempted = await run.run(case, accepted, self.address(request.head))
        await _close(request, accepted, attempted.conversations)

    async def _hand_over(self, request: ClientRequest, expected: ExpectedConnection) -> None:
        """Give the connection to the task that expects it, and end it when the case is over."""
        if expected.request is not None:
            expected.refused += 1
            raise routes.RequestRefused(
                409, "Conflict", f"{expected.agent} has a connection for {expected.case} already"
            )
        if expected.case != PROBE:
            self.agent(expected.agent).meet(request.head)
        accepted = request.accepted()
        expected.request, expected.stream = request, accepted
        expected.arrived.set()
        await accepted.over.wait()
        await _close(request, accepted, expected.conversations)

    # --- control

    async def _status(self, request: ClientRequest, run: AgentRun, case: Case) -> None:
        async def text() -> str:
            return answers.text({"behavior": await run.status(case, self.rules.options.limits.patience)})

        await run_dialogue(request, text)

    async def _update_reports(self, request: ClientRequest) -> None:
        self.output.detail(f"Updating reports, requested by peer {request.peer}")
        self.updates += 1
        for run in self.agents.values():
            run.conclude()
        await self._update()
        self.output.detail("Report generation complete.")

    # --- the end

    @property
    def clients(self) -> list[AgentRun]:
        """The runs of all clients that have asked for a case."""
        return [run for run in self.agents.values() if run.is_known]

    def finish(self, text: str | None, reason: Reason = Reason.LOST) -> None:
        """Make the remaining results of every client: cases that did not run get `reason`, explained by `text`.

        Without a text (the run was interrupted), they get no result.
        """
        for run in self.clients:
            cases = [case for case in self.plan.cases if text is not None or run.is_attempted(case)]
            run.give_up(cases, text or "", reason)
            run.conclude()


async def _close(request: ClientRequest, accepted: AcceptedStream, conversations: Sequence[Conversation]) -> None:
    """End the connection of a case that is over.

    A case may end without an answer, because it needs only the request, or cannot run against this client. Many
    clients would then connect again, or stop with an exception, so we accept the WebSocket and send an empty Close.
    """
    if accepted.touched or request.head.fields.get("Sec-WebSocket-Key") is None:
        await close_case_connection(request.stream, conversations)
    else:
        await run_dialogue(request, _nothing)


async def _constant(text: str) -> str:
    await trio.lowlevel.checkpoint()
    return text
