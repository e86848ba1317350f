"""Clients that are started for one case each: a Runner puts the plan, and every attempt is a process of its own."""

from __future__ import annotations

import random
from collections.abc import Sequence
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
from ..run.runner import Options, Runner
from ..transport.stream import Stream
from ..wire.frame import BINARY, PONG, TEXT, Frame
from .launched import Command, Launched, log_file
from .server import PROBE, Expected, Server

#: Seconds that a client has to end by itself when its case is over.
EXIT_WITHIN = 2.0

#: Seconds in which the connection of a client that has ended already still finds its way to us.
_ON_ITS_WAY = 0.5

#: After so many clients in a row that did not connect no other is started.
_GIVE_UP = 5


class PerCase:
    """Puts the plan of `server` to clients that `command` starts, `jobs` at once."""

    def __init__(
        self,
        server: Server,
        command: Command,
        agent: str,
        nursery: trio.Nursery,
        *,
        within: float = 10.0,
        folder: Path | None = None,
    ) -> None:
        """A client has `within` seconds to connect; what the last one printed is kept in `folder`."""
        self._server, self._command, self._agent, self._nursery = server, command, agent, nursery
        self._within = within
        self._log = log_file(folder, agent)
        numbered = enumerate(server.numbered, 1)
        # A case may have several numbers; its first one is what its client is told.
        self._numbers = {case.id: number for number, case in reversed(list(numbered))}
        self._evidence: dict[str, dict[str, str]] = {}
        self._absent = 0
        self.lost = False

    # --- before the cases

    async def probe(self) -> Sequence[Conversation]:
        """Start the client once and find out whether it echoes, and how fast it is; return what monitors can look at.

        Raises Problem, exit code 3, where it does not come or opens no WebSocket.
        """
        rules = self._server.rules
        address = Address(rules.authority, f"/probe?agent={quote(self._agent)}")
        session = Session(
            PROBE,
            Role.CLIENT,
            _unset,
            Transcript(trio.current_time),
            random.Random(0),
            address,
            rules.facts,
            rules.limits,
        )
        client = self._client(f"{rules.url}{address.target}", PROBE, 0)
        expected = self._server.expect(self._agent, PROBE)
        try:
            await client.launch()
            session.dial = once(await self._arrival(expected, client))
            with trio.fail_after(rules.limits.patience * 4):
                facts = await _look(session)
            self._server.rules = replace(rules, facts=facts)
            if expected.visit is not None:
                self._server.agent(self._agent).meet(expected.visit.head)
            return session.conversations
        except Unreached as problem:
            raise Problem(f"{self._agent}: {problem.text}{_printed(client)}", Exit.UNTESTABLE) from None
        except Violation as problem:
            text = f"{self._agent}: expected {problem.expected}, got {problem.observed}"
            raise Problem(text + _printed(client), Exit.UNTESTABLE) from None
        except trio.TooSlowError:
            raise Problem(f"{self._agent}: connected, and did not get through one echo", Exit.UNTESTABLE) from None
        finally:
            self._server.forget(expected)
            await session.aclose()
            await client.finish(EXIT_WITHIN if expected.visit is not None else 0.0)

    # --- the cases

    async def run(self, entries: Sequence[Item], options: Options, seen: Sequence[Conversation] = ()) -> EndReason:
        """Put `entries`; results go to the server's run of the agent; return why it ended."""
        rules = self._server.rules
        address = Address(rules.authority, "/", scheme="wss" if rules.facts.tls else "ws")
        bench = Bench(Role.CLIENT, _unset, address, rules.facts, rules.seed, rules.whole, rules.farewell)
        runner = Runner(bench, self._server.plan.registry, options, self._keep, provide=self._provide)
        why = await runner.run(entries, seen)
        return EndReason.LOST if self.lost else why

    def _keep(self, result: Result) -> None:
        extra = {**result.extra, **self._evidence.get(result.case, {})}
        self._server.agent(self._agent).take(replace(result, extra=extra))

    def _client(self, url: str, case: str, number: int) -> Launched:
        command = self._command
        words = command.filled(url, self._agent, case, number)
        return Launched(words, self._nursery, folder=command.folder, environment=command.environment(), log=self._log)

    async def _provide(self, case: Case, session: Session) -> object:
        """Start a client for `case` and return what the case is handed, once the client has connected."""
        if self.lost:
            raise Unreached(Reason.LOST, f"no client was started: {_GIVE_UP} in a row had not connected")
        rules, number = self._server.rules, self._numbers[case.id]
        target = f"/runCase?case={number}&agent={quote(self._agent)}"
        session.address = replace(session.address, target=target)
        client = self._client(f"{rules.url}{target}", case.id, number)
        expected = self._server.expect(self._agent, case.id)
        ending = _Ending(self, case, client, expected, session)
        session.streams.append(ending)  # type: ignore[arg-type]  # it is closed with them, and no more
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
        if expected.visit is not None:
            session.address = replace(self._server.address(expected.visit.head), target=target)
        return await judge.provide(case, session)

    async def _arrival(self, expected: Expected, client: Launched) -> Stream:
        """Return the client's connection; raises Unreached where it ends or `within` is over before it comes."""
        with trio.move_on_after(self._within):
            async with trio.open_nursery() as nursery:

                async def leave() -> None:
                    await client.wait()
                    await trio.sleep(_ON_ITS_WAY)
                    nursery.cancel_scope.cancel()

                nursery.start_soon(leave)
                await expected.arrived.wait()
                nursery.cancel_scope.cancel()
        if expected.stream is not None:
            return expected.stream
        if client.is_running:
            raise Unreached(Reason.ARRANGING, f"the client did not connect within {self._within:g} s")
        raise Unreached(Reason.ARRANGING, f"the client ended before it connected: {client.told()}")

    def over(self, case: Case, client: Launched, expected: Expected) -> None:
        """Note what is known of the client of `case`, which has ended."""
        self._server.forget(expected)
        evidence = client.evidence()
        if expected.refused:
            evidence["client connections"] = f"{expected.refused + 1}; all but the first were refused"
        self._evidence[case.id] = evidence


class _Ending:
    """Stands among a case's streams, and ends its client when they are closed: before the result is made."""

    def __init__(self, owner: PerCase, case: Case, client: Launched, expected: Expected, session: Session) -> None:
        self._owner, self._case, self._client, self._expected = owner, case, client, expected
        self._session = session
        self.tls = None

    async def aclose(self) -> None:
        """End the connection and the client."""
        self._expected.conversations = tuple(self._session.conversations)
        if (stream := self._expected.stream) is not None:
            await stream.aclose()
        within = EXIT_WITHIN if stream is not None else 0.0
        await self._client.finish(within, "" if stream is not None else "it had not connected")
        self._owner.over(self._case, self._client, self._expected)


async def _unset(**options: object) -> Stream:
    raise Unreached(Reason.ARRANGING, "there is no connection of the client")


def _printed(client: Launched) -> str:
    lines = client.output.last_lines(1)
    return f'; the last that it printed: "{lines[0][:200]}"' if lines else ""


async def _look(session: Session) -> Facts:
    """Open the client's connection, send a Ping and a text, see what comes back, and close."""
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
            # One that sends something else back is meant to echo, and cases will show how it fails to.
            echo = True
    if trip is None and not echo:
        raise Unreached(Reason.ARRANGING, "it opened a WebSocket and answered neither a Ping nor a message")
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
