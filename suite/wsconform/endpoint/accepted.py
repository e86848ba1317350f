"""A connection of a client as it was accepted: what was read of it is read again by the case that it is for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import trio

from ..evidence.result import Reason
from ..evidence.transcript import Conversation
from ..transport.stream import Dialer, Reset, Stream, TlsFacts
from ..wire.frame import CLOSE, Frame
from ..wire.http1 import Head
from .session import Unreached

#: How long (seconds) and how far (octets) is read on after our end of a stream. A socket that is closed with octets
#: unread sends RST, which many a client library makes an error of.
LINGER_SECONDS, LINGER_OCTETS = 1.0, 1 << 22


class Accepted:
    """An accepted Stream whose first octets, read already, are read once more.

    A case closes its streams when it is over; this one only takes note of that (`over`), because the verdict must not
    wait for the client's end of TCP. `farewell` ends it.
    """

    def __init__(self, inner: Stream, again: bytes) -> None:
        self.inner, self._again = inner, again
        self.tls: TlsFacts | None = inner.tls
        self.over = trio.Event()
        #: Whether the case did anything that the client can notice.
        self.touched = False

    async def send(self, octets: bytes) -> None:
        """Send all of `octets`; raises Reset."""
        self.touched = True
        await self.inner.send(octets)

    async def send_each(self, pieces: Iterable[bytes]) -> None:
        """Send `pieces`, each in a write of its own; raises Reset."""
        self.touched = True
        await self.inner.send_each(pieces)

    async def receive(self) -> bytes:
        """Return the next octets, first those of the request; b"" at the end; raises Reset."""
        if self._again:
            await trio.lowlevel.checkpoint()
            octets, self._again = self._again, b""
            return octets
        return await self.inner.receive()

    async def send_eof(self) -> None:
        """End our direction (FIN)."""
        self.touched = True
        await self.inner.send_eof()

    async def barrier(self) -> None:
        """Wait until what was sent has left."""
        await self.inner.barrier()

    async def abort(self) -> None:
        """Break the stream off (RST)."""
        self.touched = True
        await self.inner.abort()
        self.over.set()

    async def aclose(self) -> None:
        """Note that the case is over."""
        await trio.lowlevel.checkpoint()
        self.over.set()


@dataclass(frozen=True, slots=True)
class Visit:
    """A client's connection and the request that it began with; `peer` is its address, for messages."""

    stream: Stream
    head: Head
    octets: bytes
    peer: str

    def accepted(self) -> Accepted:
        """Return the stream with the request, and what came behind it, to be read again."""
        return Accepted(self.stream, self.octets)


async def farewell(stream: Stream) -> None:
    """End `stream` so that the client sees FIN after the last octet: read on for a moment, then close."""
    gone = (Reset, OSError, trio.ClosedResourceError, trio.BrokenResourceError)
    with contextlib.suppress(*gone), trio.move_on_after(LINGER_SECONDS):
        # Over TLS the closure alert has to come first, and closing sends it.
        if stream.tls is None:
            await stream.send_eof()
        read = 0
        while read < LINGER_OCTETS and (octets := await stream.receive()):
            read += len(octets)
    with contextlib.suppress(*gone):
        await stream.aclose()


async def take_leave(stream: Stream, conversations: Sequence[Conversation]) -> None:
    """End the connection of a case that is over: with a Close if the case has left its WebSocket open.

    The older suite closed every case in good order, and many a driver ends at a connection that is merely gone.
    """
    if any(each.opened and each.ending is None and not _is_closing(each) for each in conversations):
        with contextlib.suppress(Reset, OSError, trio.ClosedResourceError, trio.BrokenResourceError):
            await stream.send(Frame.close(1000).encode())
    await farewell(stream)


def _is_closing(conversation: Conversation) -> bool:
    return conversation.broken_by_us or any(frame.opcode == CLOSE for frame in conversation.sent)


def once(stream: Stream) -> Dialer:
    """Return a dialer that gives `stream`, and raises Unreached when it is asked for another."""
    streams = [stream]

    async def dial(**options: object) -> Stream:
        await trio.lowlevel.checkpoint()
        if not streams:
            raise Unreached(
                Reason.NOT_OFFERED, "this case needs a second connection, and a client that is served makes one a case"
            )
        return streams.pop()

    return dial
