"""One session of `wsconform serve`: open the port, start clients or wait for them, and write the results."""

from __future__ import annotations

import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import assert_never

import trio

from ..catalogue.case import Item
from ..endpoint.session import Facts
from ..evidence.result import Reason, Result
from ..journal.expected import Expectations
from ..journal.gate import Policy, TargetOutcome
from ..journal.journal import EndReason, Footer, JournalWriter, TargetRecord
from ..problem import Exit, Problem
from ..registry.registry import Registry
from ..registry.requirement import Role
from ..run.keeper import Keeper, RunListener
from ..transport.listen import open_listeners
from .agents import Rules
from .browsers import fresh_profile, page_url
from .client_per_case import PerCaseClients
from .listener import Listener
from .options import BrowserClient, ClientPerCase, ExternalClients, LoopingClient, ServeOptions
from .plan import Numbering, ServePlan
from .rounds import DriverRounds
from .server import CaseServer, ServeOutput
from .started_clients import ClientProcess, log_file


async def _no_update() -> None:
    await trio.lowlevel.checkpoint()


class Serving:
    """One session; `outcomes` grows while it runs."""

    def __init__(
        self,
        entries: Sequence[Item],
        registry: Registry,
        options: ServeOptions,
        writer: JournalWriter,
        output: ServeOutput,
        *,
        expectations: Expectations | None = None,
        policy: Policy | None = None,
        listener: RunListener | None = None,
        update: Callable[[], Awaitable[None]] = _no_update,
        numbering: Numbering | None = None,
        stale: Callable[[Sequence[str]], Sequence[str]] = lambda ran: (),
    ) -> None:
        """Prepare to serve `entries` to the clients that `options` describe.

        `update` writes the reports of the results so far, for clients that ask for it. `policy` decides which results
        count as failures for `max_failures`. `stale` is called at the end with the names of the clients, and returns
        the expectations that no longer hold.
        """
        self.plan, self.options, self.output = ServePlan.of(entries, registry, numbering), options, output
        self._entries, self._writer, self._update = entries, writer, update
        self._policy = (policy or Policy()).for_counting_failures()
        self._keeper = Keeper(writer, expectations=expectations, listener=listener, keep_all=options.run.keep_all)
        self.why = EndReason.DONE
        self.seconds = 0.0
        self.url = options.url
        self.stale: tuple[str, ...] = ()
        self._stale = stale

    @property
    def outcomes(self) -> list[TargetOutcome]:
        """The outcome of each client."""
        return self._keeper.outcomes

    @property
    def interrupted(self) -> bool:
        """Whether a signal ended the session before every client had run every case."""
        return self.why is EndReason.INTERRUPTED

    async def run(self, *, signals: bool = True) -> EndReason:
        """Serve until the session is over, and write the journal except its header; return why the session ended.

        With `signals`, SIGINT and SIGTERM end the session, with all results written. Raises Problem if the port cannot
        be opened, or a client cannot be started.
        """
        began = trio.current_time()
        listeners = await open_listeners(self.options.listen, self.options.port)
        port = int(listeners[0].socket.getsockname()[1])
        self.url = replace(self.options.url, port=self.options.url.port or port)
        server = self._server()
        try:
            async with trio.open_nursery() as nursery:
                if signals:
                    await nursery.start(self._watch_signals, nursery.cancel_scope)
                listener = Listener(server, listeners, self.options.tls.context if self.options.tls else None)
                nursery.start_soon(listener.serve)
                with trio.move_on_after(self._budget()) as budget:
                    await self._run_clients(server, nursery)
                if budget.cancelled_caught:
                    self.why = EndReason.BUDGET
                nursery.cancel_scope.cancel()
        finally:
            with trio.CancelScope(shield=True):
                self._end(server)
            self.seconds = trio.current_time() - began
            self.stale = tuple(self._stale([outcome.name for outcome in self.outcomes])) if self.outcomes else ()
            self._writer.footer(
                Footer(
                    why=self.why.value,
                    end=_now(),
                    seconds=round(self.seconds, 6),
                    counts=self._keeper.counts(),
                    stale=self.stale,
                )
            )
        return self.why

    def _budget(self) -> float:
        budget = self.options.run.budget
        return float("inf") if budget is None else budget

    def _server(self) -> CaseServer:
        options = self.options
        base = str(self.url).rstrip("/")
        started = not isinstance(options.clients, ExternalClients)
        rules = Rules(
            url=base,
            authority=self.url.authority,
            facts=Facts(echo=options.echo, tls=options.tls is not None),
            options=options.run,
            confirm=started and options.run.confirm,
            info=options.info,
        )
        return CaseServer(
            self.plan,
            rules,
            _Sink(self._keeper, len(self._entries)),
            self.output,
            update=_no_update if started else self._update,
            started_only=isinstance(options.clients, ClientPerCase),
        )

    async def _watch_signals(
        self, scope: trio.CancelScope, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received:
            task_status.started()
            async for _ in received:
                self.why = EndReason.INTERRUPTED
                scope.cancel()
                return

    # --- the kinds of clients

    async def _run_clients(self, server: CaseServer, nursery: trio.Nursery) -> None:
        clients = self.options.clients
        try:
            match clients:
                case ExternalClients():
                    await self._wait(server, clients)
                case ClientPerCase():
                    await self._client_per_case(server, clients, nursery)
                case LoopingClient():
                    await self._looping_client(server, clients, nursery)
                case BrowserClient():
                    await self._browser(server, clients, nursery)
                case _:
                    assert_never(clients)
        except Problem as problem:
            if problem.exit is not Exit.UNTESTABLE or isinstance(clients, ExternalClients):
                raise
            self._fail(clients.agent, problem.text, self._record(clients.agent))

    def _record(self, agent: str) -> TargetRecord:
        transport = "tls" if self.options.tls else "tcp"
        return TargetRecord(name=agent, role=Role.CLIENT, address=str(self.url).rstrip("/"), transport=transport)

    async def _wait(self, server: CaseServer, clients: ExternalClients) -> None:
        page = f"http{str(self.url).removeprefix('ws').rstrip('/')}/"
        self.output.ready(f"Ok, will run {len(self.plan.numbered)} test cases for any clients connecting")
        self.output.ready(f"at {server.rules.url}, in a browser at {page}; ends with /stopServer, or Ctrl-C")
        async with trio.open_nursery() as nursery:

            async def idle(seconds: float) -> None:
                await server.until_idle(seconds)
                server.stop()

            if clients.idle is not None:
                nursery.start_soon(idle, clients.idle)
            await server.stopped.wait()
            nursery.cancel_scope.cancel()

    async def _client_per_case(self, server: CaseServer, client: ClientPerCase, nursery: trio.Nursery) -> None:
        options = self.options
        clients = PerCaseClients(
            server, client.command, client.agent, nursery, within=client.within, folder=options.run.out
        )
        conversations = await clients.probe()

        def is_failure(result: Result) -> bool:
            return self._policy.breaks(self._keeper.expectations.explained(client.agent, result))

        left_out = {case.id for case in self.plan.left_out(client.agent)}
        items = [item for item in self._entries if item.id not in left_out]
        await clients.run(items, client.jobs, is_failure, conversations)
        if clients.lost:
            text = f"{client.agent}: the started clients no longer connect; the last cases did not run"
            self._fail(client.agent, text, self._record(client.agent))

    async def _looping_client(self, server: CaseServer, client: LoopingClient, nursery: trio.Nursery) -> None:
        command, log = client.command, log_file(self.options.run.out, client.agent)
        words, environment = command.filled(server.rules.url, client.agent), command.environment()

        def start() -> ClientProcess:
            return ClientProcess(words, nursery, folder=command.folder, environment=environment, log=log)

        await self._run_rounds(DriverRounds(server, start, quiet=client.quiet), server)

    async def _browser(self, server: CaseServer, client: BrowserClient, nursery: trio.Nursery) -> None:
        command, log = client.browser.installed(), log_file(self.options.run.out, client.agent)
        tls, url = self.options.tls, page_url(server.rules.url, client.agent, client.jobs)
        with fresh_profile() as profile:
            trust = tls.trust(self.url.host, self.url.port) if tls else None
            words = client.browser.words(command, profile, url, trust)

            def start() -> ClientProcess:
                return ClientProcess(words, nursery, log=log)

            await self._run_rounds(DriverRounds(server, start, quiet=client.quiet, exits=False), server)

    async def _run_rounds(self, rounds: DriverRounds, server: CaseServer) -> None:
        if not await rounds.run():
            left = sum(not run.is_attempted(case) for run in server.clients for case in self.plan.cases)
            ended = rounds.last.exit_text() if rounds.last else ""
            for run in server.clients:
                text = f"{run.name}: {left} cases did not run: the driver was started {rounds.rounds} times ({ended})"
                self._fail(run.name, text, self._record(run.name))

    # --- the end

    def _end(self, server: CaseServer) -> None:
        complete = bool(server.clients) and not any(
            run.is_open(case) for run in server.clients for case in self.plan.cases
        )
        match self.why:
            case EndReason.INTERRUPTED if complete:
                # A signal is the usual way to end a server; it interrupted nothing.
                self.why = EndReason.DONE
                server.finish(None)
            case EndReason.INTERRUPTED:
                server.finish(None)
            case EndReason.BUDGET:
                server.finish("the time budget was used up before this case ran", Reason.BUDGET)
            case _:
                server.finish("the client did not ask for this case before the session ended")
        for outcome in self.outcomes:
            if not outcome.problem:
                outcome.why = self.why.value
            self._keeper.ended(outcome.name)

    def _fail(self, name: str, problem: str, record: TargetRecord) -> None:
        """Note that the client `name` was not tested, or not to the end; `record` is written if it has none yet."""
        if not self._keeper.is_open(name):
            self._keeper.open(name, len(self._entries))
            self._keeper.untested(replace(record, untested=problem))
        outcome = self._keeper.open(name, len(self._entries))
        outcome.problem, outcome.why = problem, EndReason.LOST.value


class _Sink:
    """Opens a client in the keeper when its record arrives."""

    def __init__(self, keeper: Keeper, planned: int) -> None:
        self._keeper, self._planned = keeper, planned

    def target(self, target: TargetRecord) -> None:
        """Take the record of a client, before its results."""
        self._keeper.open(target.name, self._planned)
        self._keeper.target(target)

    def result(self, target: str, result: Result) -> None:
        """Take a result of the client called `target`."""
        self._keeper.result(target, result)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
