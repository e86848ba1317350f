"""Raw connections for people's own tests: the engine's, made blocking; what goes wrong raises as in a case."""

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
from ..run.target import Target
from ..transport.stream import Dialer, Stream
from ..transport.tcp import TcpStream
from ..wire.frame import Frame
from .ahead import Portal

__all__ = ["Held", "Listening", "RawConnection", "RawTranscript", "close_all", "dial"]

T = TypeVar("T")


@dataclass(slots=True)
class RawTranscript:
    """Everything that the connections of one test showed, in the order in which they were opened."""

    sessions: list[Session] = field(default_factory=list)

    @property
    def entries(self) -> tuple[TranscriptEntry, ...]:
        """The entries of all connections."""
        return tuple(entry for session in self.sessions for entry in session.transcript.entries())

    def __str__(self) -> str:
        """Return the ladders, as a failure shows them."""
        return "\n".join(
            line
            for session in self.sessions
            for line in ladder(session.transcript.entries(), None, Mark.PASSED, Style(width=100), whole=True)
        )


class RawConnection:
    """Our end of an open connection, blocking; `connection` is the engine's, for whoever writes trio."""

    def __init__(self, portal: Portal, connection: Connection) -> None:
        """Block on `connection`, which lives in `portal`."""
        self._portal, self.connection = portal, connection

    def run(self, function: Callable[[Connection], Awaitable[T]]) -> T:
        """Run an async function that takes the connection: `ws.run(lambda c: c.expect_no_reaction("a Pong"))`."""
        return self._portal.call(function, self.connection)

    def send(
        self,
        *frames: Frame,
        masked: bool | None = None,
        key: bytes | None = None,
        pieces: Sequence[int] | None = None,
        tail: bytes = b"",
    ) -> None:
        """Send `frames`, legal or not; see `Connection.send`."""
        self.run(lambda c: c.send(*frames, masked=masked, key=key, pieces=pieces, tail=tail))

    def send_octets(self, octets: bytes, pieces: Sequence[int] | None = None) -> None:
        """Send raw `octets`, frames or not."""
        self.run(lambda c: c.send_octets(octets, pieces))

    def receive(self, within: float | None = None) -> Received | None:
        """Return the next message or control frame; None at the end, or when `within` seconds are over."""
        return self.run(lambda c: c.next(c.session.deadline(within)))

    def echo(self, *messages: Frame) -> None:
        """Send `messages` and expect their echoes."""
        self.run(lambda c: c.echo(*messages))

    def expect_pong(self, data: bytes) -> Received:
        """Expect a Pong with application data `data`."""
        return self.run(lambda c: c.expect_pong(data))

    def expect_alive(self) -> None:
        """Expect that the other end took no offence."""
        self.run(lambda c: c.expect_alive())

    def expect_connection_failed(self, because: Provocation = Provocation.PROTOCOL, *, probe: bool = True) -> Closure:
        """Expect the other end to fail the connection; returns how it ended."""
        return self.run(lambda c: c.expect_connection_failed(because, probe=probe))

    def expect_closed_cleanly(self) -> Closure:
        """Carry out a closing handshake and expect its reply."""
        return self.run(lambda c: c.expect_closed_cleanly())

    def expect_ended(self) -> Closure:
        """Expect the connection to end, by a Close of any kind or without one."""
        return self.run(lambda c: c.expect_ended())

    def half_close(self) -> None:
        """End our direction of the stream (FIN) and go on reading."""
        self.run(lambda c: c.half_close())

    def break_off(self) -> None:
        """Break the stream off (RST)."""
        self.run(lambda c: c.break_off())


async def _session(name: str, target: Target, dial: Dialer, limits: Limits, transcript: RawTranscript) -> Session:
    # A transcript reads the clock of trio from its first moment on.
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
    """Open a connection to `target`; raises AssertionError where there is none, or not with `offer`."""

    async def opened() -> Connection:
        session = await _session(name, target, target.dialer(), limits, transcript)
        return await open_connection(session, offer)

    try:
        return RawConnection(portal, portal.call(opened))
    except Unreached as problem:
        raise AssertionError(f"{target.name}: no connection: {problem.text}") from None


class Listening:
    """A raw server on a port of its own, for the client that a test is about."""

    def __init__(self, portal: Portal, name: str, transcript: RawTranscript, limits: Limits) -> None:
        """Listen at once."""
        self._portal, self._name, self._transcript, self._limits = portal, name, transcript, limits
        self._listeners = portal.call(_listen)
        self.port = int(self._listeners[0].socket.getsockname()[1])

    @property
    def url(self) -> str:
        """The address to give to the client."""
        return f"ws://127.0.0.1:{self.port}/"

    def incoming(self) -> Incoming:
        """Take the client's next connection and its request; the answer is to be given with `answer`."""
        from ..run.target import Url

        target = Target("client", Url.parse(self.url), Role.CLIENT)

        async def received() -> Incoming:
            return await Incoming.receive(
                await _session(self._name, target, self._accept, self._limits, self._transcript)
            )

        try:
            return self._portal.call(received)
        except Unreached as problem:
            raise AssertionError(f"no client: {problem.text}") from None

    def answer(self, incoming: Incoming, response: bytes | None = None) -> RawConnection:
        """Answer with raw octets, or with a correct 101; return our end of what follows."""
        if response is None:
            return RawConnection(self._portal, self._portal.call(incoming.open))
        return RawConnection(self._portal, self._portal.call(incoming.answer, response))

    def accept(self) -> RawConnection:
        """Take the client's next connection and accept it; return our end of it."""
        return self.answer(self.incoming())

    async def _accept(self, **options: object) -> Stream:
        return TcpStream(await self._listeners[0].accept())

    def close(self) -> None:
        """Listen no more."""
        for listener in self._listeners:
            self._portal.call(listener.aclose)


async def _listen() -> list[trio.SocketListener]:
    return await trio.open_tcp_listeners(0, host="127.0.0.1")


class Held:
    """A target that is started for the tests of people, and ended with `release`."""

    def __init__(self, portal: Portal, target: Target, folder: Path | None, serve: Serve | None) -> None:
        """Start what `target` needs; raises StartFailed."""
        self._portal, self.target = portal, target
        self._done = trio.Event()
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
                    await self._done.wait()
            except Exception as problem:
                problems.append(problem)
            finally:
                ready.set()
                self._over.set()

        self._over = trio.Event()
        portal.soon(hold)
        portal.call(ready.wait)
        if problems:
            first = problems[0]
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            raise first

    def release(self) -> None:
        """End what was started."""
        self._portal.at_once(self._done.set)
        self._portal.call(self._over.wait)


def close_all(portal: Portal, transcript: RawTranscript) -> None:
    """Close every connection of a test."""
    for session in transcript.sessions:
        with contextlib.suppress(trio.RunFinishedError):
            portal.call(session.aclose)
