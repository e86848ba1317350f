"""Clients that are started for one case each: a Runner runs the plan, and starts a process for every attempt."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import trio

from ..catalogue.case import Case, Item
from ..endpoint.accepted import once
from ..endpoint.connection import Connection
from ..endpoint.handshake_with_client import Incoming
from ..endpoint.session import Address, Facts, Session, Unreached, Violation
from ..evidence.result import Reason, Result
from ..evidence.transcript import Conversation, Transcript
from ..journal.journal import EndReason
from ..problem import Exit, Problem
from ..registry.requirement import Role
from ..run import judge
from ..run.judge import Bench
from ..run.probe import takes_text_alone
from ..run.runner import Runner
from ..transport.stream import Stream
from ..wire.frame import BINARY, PONG, TEXT, Frame
from .server import PROBE, CaseServer, ExpectedConnection
from .started_clients import ClientCommand, ClientProcess, log_file

#: Seconds that a client has to end by itself after its case.
EXIT_WITHIN = 2.0

#: Seconds in which the connection of a client that has already ended may still arrive.
_ARRIVAL_AFTER_EXIT = 0.5

#: Number of clients in a row that did not connect, after which no other is started.
_GIVE_UP = 5


class PerCaseClients:
    """Runs the plan of `server` against clients that it starts with `command`."""

    def __init__(
        self,
        server: CaseServer,
        command: ClientCommand,
        agent: str,
        nursery: trio.Nursery,
        *,
        within: float = 10.0,
        folder: Path | None = None,
    ) -> None:
        """A client has `within` seconds to connect; the output of the last one is written to a file in `folder`."""
        self._server, self._command, self._agent, self._nursery = server, command, agent, nursery
        self._within = within
        self._log = log_file(folder, agent)
        numbered = enumerate(server.numbered, 1)
        # A case may have several numbers; its client gets the first one.
        self._numbers = {case.id: number for number, case in reversed(list(numbered))}
        self._evidence: dict[str, dict[str, str]] = {}
        self._absent = 0
        self.lost = False

    # --- before the cases

    async def probe(self) -> Sequence[Conversation]:
        """Start the client once, find out whether it echoes, and how fast; return the conversations for the monitors.

        Raises Problem, exit code 3, if it does not connect or does not open a WebSocket.
        """
        rules = self._server.rules
        address = Address(host=rules.authority, target=f"/probe?agent={quote(self._agent)}")
        session = Session(
            case=PROBE,
            role=Role.CLIENT,
            dial=_not_connected,
            transcript=Transcript(trio.current_time),
            random=random.Random(0),
            address=address,
            facts=rules.facts,
            limits=rules.options.limits,
        )
        client = self._client(f"{rules.url}{address.target}", PROBE, 0)
        expected = self._server.expect(self._agent, PROBE)
        try:
            await client.launch()
            session.dial = once(await self._arrival(expected, client))
            with trio.fail_after(rules.options.limits.patience * 4):
                facts = await _look(session)
            self._server.rules = replace(rules, facts=facts)
            if expected.request is not None:
                self._server.agent(self._agent).meet(expected.request.head)
            return session.conversations
        except Unreached as problem:
            raise Problem(f"{self._agent}: {problem.text}{client.last_line_text()}", Exit.UNTESTABLE) from None
        except Violation as problem:
            text = f"{self._agent}: expected {problem.expected}, got {problem.observed}"
            raise Problem(text + client.last_line_text(), Exit.UNTESTABLE) from None
        except trio.TooSlowError:
            raise Problem(f"{self._agent}: connected, but did not complete one echo", Exit.UNTESTABLE) from None
        finally:
            self._server.forget(expected)
            await session.aclose()
            await client.finish(EXIT_WITHIN if expected.request is not None else 0.0)

    # --- the cases

    async def run(
        self,
        items: Sequence[Item],
        jobs: int,
        is_failure: Callable[[Result], bool],
        seen: Sequence[Conversation] = (),
    ) -> EndReason:
        """Run `items` with `jobs` clients at the same time and return why the run ended.

        Results go to the server's record of the client; `is_failure` decides which count towards `max_failures`.
        """
        rules = self._server.rules
        address = Address(host=rules.authority, target="/", scheme="wss" if rules.facts.tls else "ws")
        bench = Bench(role=Role.CLIENT, dial=_not_connected, address=address, facts=rules.facts, options=rules.options)
        registry = self._server.plan.registry
        runner = Runner(bench, registry, self._keep, jobs=jobs, is_failure=is_failure, provide=self._provide)
        why = await runner.run(items, seen)
        return EndReason.LOST if self.lost else why

    def _keep(self, result: Result) -> None:
        extra = {**result.extra, **self._evidence.get(result.case, {})}
        self._server.agent(self._agent).take(replace(result, extra=extra))

    def _client(self, url: str, case: str, number: int) -> ClientProcess:
        command = self._command
        words = command.filled(url, self._agent, case, number)
        return ClientProcess(
            words, self._nursery, folder=command.folder, environment=command.environment(), log=self._log
        )

    async def _provide(self, case: Case, session: Session) -> object:
        """Start a client for `case`, wait until it connects, and return the subject of the case."""
        if self.lost:
            raise Unreached(Reason.LOST, f"no client was started, because {_GIVE_UP} in a row did not connect")
        rules, number = self._server.rules, self._numbers[case.id]
        target = f"/runCase?case={number}&agent={quote(self._agent)}"
        session.address = replace(session.address, target=target)
        client = self._client(f"{rules.url}{target}", case.id, number)
        expected = self._server.expect(self._agent, case.id)

        async def end_client() -> None:
            await self._end_client(case, client, expected, session.conversations)

        # It runs before the result is made, which keeps the client's exit and output.
        session.on_close(end_client)
        try:
            await client.launch()
        except Problem as problem:
            raise Unreached(Reason.ARRANGING, problem.text) from None
        session.event(f"client started, process {client.pid}")
        try:
            stream = await self._arrival(expected, client)
        except Unreached:
            self._absent += 1
            self.lost = self.lost or self._absent >= _GIVE_UP
            raise
        self._absent = 0
        session.dial = once(stream)
        if expected.request is not None:
            session.address = replace(self._server.address(expected.request.head), target=target)
        return await judge.provide(case, session)

    async def _arrival(self, expected: ExpectedConnection, client: ClientProcess) -> Stream:
        """Return the client's connection; raises Unreached if the client ends first, or does not connect in time."""
        with trio.move_on_after(self._within):
            async with trio.open_nursery() as nursery:

                async def stop_after_exit() -> None:
                    await client.wait()
                    await trio.sleep(_ARRIVAL_AFTER_EXIT)
                    nursery.cancel_scope.cancel()

                nursery.start_soon(stop_after_exit)
                await expected.arrived.wait()
                nursery.cancel_scope.cancel()
        if expected.stream is not None:
            return expected.stream
        if client.is_running:
            raise Unreached(Reason.ARRANGING, f"the client did not connect within {self._within:g} s")
        raise Unreached(Reason.ARRANGING, f"the client ended before it connected: {client.exit_text()}")

    async def _end_client(
        self, case: Case, client: ClientProcess, expected: ExpectedConnection, conversations: Sequence[Conversation]
    ) -> None:
        """End the connection and the client of `case`, and keep the client's exit and output for the result."""
        expected.conversations = tuple(conversations)
        if (stream := expected.stream) is not None:
            await stream.aclose()
        within = EXIT_WITHIN if stream is not None else 0.0
        await client.finish(within, "" if stream is not None else "it had not connected")
        self._server.forget(expected)
        evidence = client.evidence()
        if expected.refused:
            evidence["client connections"] = f"{expected.refused + 1}; all but the first were refused"
        self._evidence[case.id] = evidence


async def _not_connected(*, tls: bool = True, server_name: str | None = None, verify: bool = True) -> Stream:
    raise Unreached(Reason.ARRANGING, "the client has no open connection")


async def _look(session: Session) -> Facts:
    """Open the client's connection, send a Ping and a text message, and return the facts that the answers show."""
    incoming = await Incoming.receive(session)
    if not incoming.key:
        raise Unreached(Reason.ARRANGING, "its request has no Sec-WebSocket-Key")
    ws = await incoming.open()
    message = Frame.text("wsconform probe: does this come back?")
    start, trip, echo = trio.current_time(), None, False
    await ws.send(Frame.ping(b"probe"), message)
    deadline = session.deadline(session.limits.prompt)
    while (received := await ws.next(deadline)) is not None and not (echo and trip is not None):
        if received.opcode == PONG and received.payload == b"probe":
            trip = trio.current_time() - start
        if received.opcode in (TEXT, BINARY):
            # A client that sends back something else is meant to echo; the cases will show the difference.
            echo = True
    if trip is None and not echo:
        raise Unreached(Reason.ARRANGING, "it opened a WebSocket, but answered neither a Ping nor a message")
    text_only = await takes_text_alone(ws) if session.facts.echo and echo else None
    await _close(ws)
    return replace(
        session.facts,
        echo=session.facts.echo and echo,
        text_only=text_only,
        round_trip=trip if trip is not None else session.limits.prompt,
        offers=tuple(str(offer) for offer in incoming.offers),
    )


async def _close(ws: Connection) -> None:
    await ws.send(Frame.close(1000))
    await ws.read_to_end(ws.session.limits.prompt)
