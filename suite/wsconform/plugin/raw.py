"""Raw connections for tests of users: blocking versions of the engine's, with the same exceptions as in a case."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import trio

from ..console.ladder import ladder
from ..console.style import Style
from ..endpoint.channel import Received
from ..endpoint.connection import Connection
from ..endpoint.handshake_with_client import Incoming
from ..endpoint.handshake_with_server import open_connection
from ..endpoint.session import Facts, Limits, Session, Unreached
from ..evidence.result import Mark, TranscriptEntry
from ..evidence.transcript import Closure, Provocation, Transcript
from ..registry.requirement import Role
from ..run.start import Serve, reached
from ..run.target import Target, Url
from ..transport.stream import Dialer, Stream
from ..transport.tcp import TcpStream
from ..wire.frame import Frame
from .ahead import Portal

__all__ = ["Listening", "RawConnection", "RawTranscript", "StartedTarget", "close_all", "dial"]

T = TypeVar("T")


@dataclass(slots=True)
class RawTranscript:
    """The transcripts of the connections of one test, in the order of their opening."""

    sessions: list[Session] = field(default_factory=list)

    @property
    def entries(self) -> tuple[TranscriptEntry, ...]:
        """The entries of all connections."""
        return tuple(entry for session in self.sessions for entry in session.transcript.entries())

    def __str__(self) -> str:
        """Return the ladders of all connections as text."""
        return "\n".join(
            line
            for session in self.sessions
            for line in ladder(session.transcript.entries(), None, Mark.PASSED, Style(width=100), whole=True)
        )


class RawConnection:
    """Our end of an open connection; its methods block. `connection` is the engine's, for code that uses trio."""

    def __init__(self, portal: Portal, connection: Connection) -> None:
        """Wrap `connection`, which runs in `portal`."""
        self._portal, self.connection = portal, connection

    def run(self, function: Callable[[Connection], Awaitable[T]]) -> T:
        """Run an async function of the connection, as in `ws.run(lambda c: c.expect_no_reaction("a Pong"))`."""
        return self._portal.call(function, self.connection)

    def send(
        self,
        *frames: Frame,
        masked: bool | None = None,
        key: bytes | None = None,
        pieces: Sequence[int] | None = None,
        tail: bytes = b"",
    ) -> None:
        """Send `frames`, valid or not; see `Connection.send`."""
        self.run(lambda c: c.send(*frames, masked=masked, key=key, pieces=pieces, tail=tail))

    def send_octets(self, octets: bytes, pieces: Sequence[int] | None = None) -> None:
        """Send `octets`, which need not be frames."""
        self.run(lambda c: c.send_octets(octets, pieces))

    def receive(self, within: float | None = None) -> Received | None:
        """Return the next message or control frame; None at the end of the stream, or after `within` seconds."""
        return self.run(lambda c: c.next(c.session.deadline(within)))

    def echo(self, *messages: Frame) -> None:
        """Send `messages` and expect their echoes."""
        self.run(lambda c: c.echo(*messages))

    def expect_pong(self, data: bytes) -> Received:
        """Expect a Pong with application data `data`."""
        return self.run(lambda c: c.expect_pong(data))

    def expect_alive(self) -> None:
        """Expect the other end to keep the connection open and working."""
        self.run(lambda c: c.expect_alive())

    def expect_connection_failed(self, because: Provocation = Provocation.PROTOCOL, *, probe: bool = True) -> Closure:
        """Expect the other end to fail the connection; return how it ended."""
        return self.run(lambda c: c.expect_connection_failed(because, probe=probe))

    def expect_closed_cleanly(self) -> Closure:
        """Start the closing handshake and expect the other end to complete it; return how the connection ended."""
        return self.run(lambda c: c.expect_closed_cleanly())

    def expect_ended(self) -> Closure:
        """Expect the connection to end, with any Close or without one; return how it ended."""
        return self.run(lambda c: c.expect_ended())

    def half_close(self) -> None:
        """End our direction of the stream (FIN); reading stays possible."""
        self.run(lambda c: c.half_close())

    def break_off(self) -> None:
        """Reset the stream (RST)."""
        self.run(lambda c: c.break_off())


async def _session(name: str, target: Target, dial: Dialer, limits: Limits, transcript: RawTranscript) -> Session:
    # Only an async function can create a Transcript, because it reads the clock of trio.
    facts = Facts(echo=target.app != "none", tls=target.tls)
    session = Session(
        case=name,
        role=target.role,
        dial=dial,
        transcript=Transcript(trio.current_time),
        random=random.Random(name),
        address=target.address(),
        facts=facts,
        limits=limits,
    )
    transcript.sessions.append(session)
    return session


def dial(
    portal: Portal, target: Target, name: str, transcript: RawTranscript, limits: Limits, *, offer: str | None = None
) -> RawConnection:
    """Open a connection to `target`, with the extension `offer` if any; raises AssertionError if it is not accepted."""

    async def open_in_portal() -> Connection:
        session = await _session(name, target, target.dialer(), limits, transcript)
        return await open_connection(session, offer)

    try:
        return RawConnection(portal, portal.call(open_in_portal))
    except Unreached as problem:
        raise AssertionError(f"{target.name}: no connection: {problem.text}") from None


class Listening:
    """A raw server on a free port, for a client under test."""

    def __init__(self, portal: Portal, name: str, transcript: RawTranscript, limits: Limits) -> None:
        """Start to listen."""
        self._portal, self._name, self._transcript, self._limits = portal, name, transcript, limits
        self._listeners = portal.call(_listen)
        self.port = int(self._listeners[0].socket.getsockname()[1])

    @property
    def url(self) -> str:
        """The address for the client."""
        return f"ws://127.0.0.1:{self.port}/"

    def incoming(self) -> Incoming:
        """Accept the next connection and return it with its request; answer it with `answer`."""
        target = Target(name="client", url=Url.parse(self.url), role=Role.CLIENT)

        async def received() -> Incoming:
            return await Incoming.receive(
                await _session(self._name, target, self._accept, self._limits, self._transcript)
            )

        try:
            return self._portal.call(received)
        except Unreached as problem:
            raise AssertionError(f"no client: {problem.text}") from None

    def answer(self, incoming: Incoming, response: bytes | None = None) -> RawConnection:
        """Answer with the octets `response`, or with a correct 101; return our end of the connection."""
        if response is None:
            return RawConnection(self._portal, self._portal.call(incoming.open))
        return RawConnection(self._portal, self._portal.call(incoming.answer, response))

    def accept(self) -> RawConnection:
        """Accept the next connection, answer with a correct 101, and return our end of the connection."""
        return self.answer(self.incoming())

    async def _accept(self, **options: object) -> Stream:
        return TcpStream(await self._listeners[0].accept())

    def close(self) -> None:
        """Stop listening."""
        for listener in self._listeners:
            self._portal.call(listener.aclose)


async def _listen() -> list[trio.SocketListener]:
    return await trio.open_tcp_listeners(0, host="127.0.0.1")


class StartedTarget:
    """A target that is started for tests of users; `stop` ends it."""

    def __init__(self, portal: Portal, target: Target, folder: Path | None, serve: Serve | None) -> None:
        """Start the command of `target` or the embedded endpoint; raises StartFailed."""
        self._portal, self.target = portal, target
        self._stopping = trio.Event()
        ready = trio.Event()
        problems = list[BaseException]()

        async def hold() -> None:
            try:
                async with (
                    trio.open_nursery() as nursery,
                    reached(target, nursery, folder=folder, serve=serve) as reach,
                ):
                    self.target = reach.target
                    ready.set()
                    await self._stopping.wait()
            except Exception as problem:
                problems.append(problem)
            finally:
                ready.set()
                self._stopped.set()

        self._stopped = trio.Event()
        portal.start_soon(hold)
        portal.call(ready.wait)
        if problems:
            first = problems[0]
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            raise first

    def stop(self) -> None:
        """Stop the target."""
        self._portal.call_now(self._stopping.set)
        self._portal.call(self._stopped.wait)


def close_all(portal: Portal, transcript: RawTranscript) -> None:
    """Close every connection of a test."""
    for session in transcript.sessions:
        with contextlib.suppress(trio.RunFinishedError):
            portal.call(session.aclose)
