"""A target played by a script, at the other end of memory streams, under a clock that jumps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import trio
import trio.testing

from wsconform.catalogue.case import Case, Subject
from wsconform.endpoint.session import Address, Facts, Limits
from wsconform.registry.requirement import Role
from wsconform.run.judge import Attempted, Bench, attempt
from wsconform.transport.stream import Reset, Stream, TrioStream
from wsconform.wire.frame import CLOSE, PING, Frame, FrameReader
from wsconform.wire.http1 import Head, base_response, head_end, parse_head


class NearEnd(TrioStream):
    """The suite's end of a memory stream; `broken` makes its end an RST."""

    broken = False
    closed = False

    async def receive(self) -> bytes:
        """Return what came; raises Reset where the script broke the stream off."""
        octets = await super().receive()
        if not octets and self.broken:
            raise Reset("RST")
        return octets

    async def send(self, octets: bytes) -> None:
        """Send, unless the script broke the stream off."""
        if self.broken:
            raise Reset("RST")
        await super().send(octets)

    async def aclose(self) -> None:
        """Close, and remember it."""
        self.closed = True
        await super().aclose()


@dataclass
class FarEnd:
    """The script's end of one connection."""

    stream: trio.abc.HalfCloseableStream
    near: NearEnd
    number: int = 1
    unread: bytes = b""
    reader: FrameReader = field(default_factory=FrameReader)
    frames: list[Frame] = field(default_factory=list)

    async def head(self) -> Head | None:
        """Return the next request's head; None at the end of the stream."""
        while True:
            octets = bytes(await self.stream.receive_some())
            if not octets:
                return None
            self.unread += octets
            if (end := head_end(self.unread)) >= 0:
                head, self.unread = parse_head(self.unread[:end]), self.unread[end:]
                return head

    async def open(self, *fields: tuple[str, str]) -> Head:
        """Read the opening handshake and accept it, with `fields` beside the three that it needs."""
        head = await self.head()
        if head is None:
            raise trio.ClosedResourceError("the suite asked nothing")
        response = base_response(head.fields.get("Sec-WebSocket-Key") or b"")
        for name, value in fields:
            response = response.with_field(name, value)
        await self.stream.send_all(response.encode())
        if self.unread:
            self.frames += self.reader.receive(self.unread)
        return head

    async def frame(self) -> Frame | None:
        """Return the next frame; None at the end of the stream."""
        while not self.frames:
            octets = await self.stream.receive_some()
            if not octets:
                return None
            self.frames += self.reader.receive(bytes(octets))
        return self.frames.pop(0)

    async def send(self, *frames: Frame | bytes) -> None:
        """Send frames and raw octets in one write."""
        await self.stream.send_all(b"".join(each if isinstance(each, bytes) else each.encode() for each in frames))

    async def fin(self) -> None:
        """End our direction."""
        await self.stream.send_eof()

    async def rst(self) -> None:
        """Break the stream off."""
        self.near.broken = True
        await trio.aclose_forcefully(self.stream)

    async def serve(self, answer: Callable[[Frame], tuple[Frame | bytes, ...]]) -> None:
        """Accept, then answer every frame with what `answer` returns; a Close among it ends the stream."""
        await self.open()
        while (frame := await self.frame()) is not None:
            replies = answer(frame)
            if replies:
                await self.send(*replies)
            if any(isinstance(reply, Frame) and reply.opcode == CLOSE for reply in replies):
                await self.fin()


Script = Callable[[FarEnd], Awaitable[None]]
Body = Callable[..., Awaitable[None]]


def polite(frame: Frame) -> tuple[Frame | bytes, ...]:
    """Answer as a good echo server does."""
    plain = Frame(frame.opcode, frame.payload)
    return (Frame.pong(frame.payload),) if frame.opcode == PING else () if frame.opcode == 0xA else (plain,)


async def echo(end: FarEnd) -> None:
    """A good echo server, as a script."""
    await end.serve(polite)


class Target:
    """Dials connections to `script`, which runs once for each."""

    def __init__(self, nursery: trio.Nursery, script: Script) -> None:
        self._nursery, self._script = nursery, script
        self.nears: list[NearEnd] = []

    async def dial(self, **options: object) -> Stream:
        """Open one more connection."""
        ours, theirs = trio.testing.memory_stream_pair()
        near = NearEnd(ours)
        self.nears.append(near)
        self._nursery.start_soon(self._play, FarEnd(theirs, near, len(self.nears)))
        return near

    async def _play(self, end: FarEnd) -> None:
        # A script is cut short where the suite has closed the connection: that is not its fault.
        try:
            await self._script(end)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            await trio.aclose_forcefully(end.stream)

    @property
    def open(self) -> int:
        """How many connections the suite has not closed."""
        return sum(not near.closed for near in self.nears)


def a_case(body: Body, id: str = "area.case", *, subject: Subject = Subject.CONNECTION, **options: Any) -> Case:
    """Return a case with `body`; `options` are those of Case."""
    fields: dict[str, Any] = {"requirements": ("6455-5.1-3",), "title": "A title.", "why": "", **options}
    return Case(id=id, function=body, subject=subject, **fields)


def jumping(run: Callable[[], Awaitable[object]]) -> None:
    """Run `run` under a clock that jumps over every wait."""
    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))


def put(
    script: Script,
    body: Body,
    *,
    facts: Facts | None = None,
    limits: Limits | None = None,
    case: Case | None = None,
    subject: Subject = Subject.CONNECTION,
    offer: str | None = None,
    whole: bool = False,
) -> Attempted:
    """Put a case with `body` to `script` once, and return the attempt, judged; every connection is closed after it."""
    found: list[Attempted] = []

    async def run() -> None:
        async with trio.open_nursery() as nursery:
            target = Target(nursery, script)
            bench = Bench(Role.SERVER, target.dial, Address(), facts or Facts(), whole=whole)
            chosen = case or a_case(body, subject=subject, offer=offer)
            found.append(await attempt(chosen, bench, limits or Limits()))
            assert target.open == 0
            nursery.cancel_scope.cancel()

    jumping(run)
    return found[0]
