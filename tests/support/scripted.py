"""A target played by a script, at the other end of memory streams, with a clock that jumps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import trio
import trio.testing

from wsconform import Connection
from wsconform.catalogue.case import Case
from wsconform.endpoint.session import Address, CaseSubject, Facts, Limits
from wsconform.registry.requirement import Role
from wsconform.run.judge import Attempted, Bench, attempt
from wsconform.run.options import RunOptions
from wsconform.transport.stream import Reset, Stream, TrioStream
from wsconform.wire.frame import CLOSE, PING, Frame, FrameReader
from wsconform.wire.http1 import Head, base_response, head_end, parse_head


class NearEnd(TrioStream):
    """The suite's end of a memory stream; with `broken`, the end of the stream is an RST."""

    broken = False
    closed = False

    async def receive(self) -> bytes:
        """Return the received octets; raises Reset if the script has reset the stream."""
        octets = await super().receive()
        if not octets and self.broken:
            raise Reset("RST")
        return octets

    async def send(self, octets: bytes) -> None:
        """Send; raises Reset if the script has reset the stream."""
        if self.broken:
            raise Reset("RST")
        await super().send(octets)

    async def aclose(self) -> None:
        """Close, and set `closed`."""
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
        """Return the head of the next request; None at the end of the stream."""
        while True:
            octets = bytes(await self.stream.receive_some())
            if not octets:
                return None
            self.unread += octets
            if (end := head_end(self.unread)) >= 0:
                head, self.unread = parse_head(self.unread[:end]), self.unread[end:]
                return head

    async def open(self, *fields: tuple[str, str]) -> Head:
        """Read the opening handshake and accept it, with `fields` besides the three required ones."""
        head = await self.head()
        if head is None:
            raise trio.ClosedResourceError("the suite sent no request")
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
        """Reset the stream."""
        self.near.broken = True
        await trio.aclose_forcefully(self.stream)

    async def serve(self, answer: Callable[[Frame], tuple[Frame | bytes, ...]]) -> None:
        """Accept, then answer every frame with the frames of `answer`; end the stream after a Close."""
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
    """Return the answer of a correct echo server."""
    plain = Frame(frame.opcode, frame.payload)
    return (Frame.pong(frame.payload),) if frame.opcode == PING else () if frame.opcode == 0xA else (plain,)


async def echo(end: FarEnd) -> None:
    """Be a correct echo server."""
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
        # The suite may close the connection before the script has finished.
        try:
            await self._script(end)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            await trio.aclose_forcefully(end.stream)

    @property
    def open(self) -> int:
        """The number of connections that the suite has not closed."""
        return sum(not near.closed for near in self.nears)


def a_case(body: Body, id: str = "area.case", *, subject: type[CaseSubject] = Connection, **options: Any) -> Case:
    """Return a case with `body`; `options` are those of Case."""
    fields: dict[str, Any] = {"requirements": ("6455-5.1-3",), "title": "A title.", "why": "", **options}
    return Case(id=id, function=body, subject=subject, **fields)


def jumping(run: Callable[[], Awaitable[object]]) -> None:
    """Run `run` with a clock that jumps over every wait."""
    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))


def run_case(
    script: Script,
    body: Body,
    *,
    facts: Facts | None = None,
    limits: Limits | None = None,
    case: Case | None = None,
    subject: type[CaseSubject] = Connection,
    offer: str | None = None,
    whole: bool = False,
) -> Attempted:
    """Run a case with `body` once against `script`; return the attempt. Assert that no connection stays open."""
    found: list[Attempted] = []

    async def run() -> None:
        async with trio.open_nursery() as nursery:
            target = Target(nursery, script)
            bench = Bench(
                role=Role.SERVER,
                dial=target.dial,
                address=Address(),
                facts=facts or Facts(),
                options=RunOptions(whole=whole),
            )
            chosen = case or a_case(body, subject=subject, offer=offer)
            found.append(await attempt(chosen, bench, limits or Limits()))
            assert target.open == 0
            nursery.cancel_scope.cancel()

    jumping(run)
    return found[0]
