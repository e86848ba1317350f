"""Accepted client connections: the stream that replays the request to the case, and how such a connection ends."""

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

#: How long (seconds) and how much (octets) we read after we ended our direction of a stream. A socket that is closed
#: with unread octets sends RST, which many client libraries report as an error.
LINGER_SECONDS, LINGER_OCTETS = 1.0, 1 << 22


class AcceptedStream:
    """An accepted client connection.

    The server has already read the request to route it; this stream replays those octets to the case.

    A case closes its streams at its end. This one only sets `over` then, because the verdict must not wait until the
    client closes TCP; `farewell` closes the connection.
    """

    def __init__(self, inner: Stream, replayed: bytes) -> None:
        self.inner, self._replayed = inner, replayed
        self.tls: TlsFacts | None = inner.tls
        self.over = trio.Event()
        #: Whether the case sent anything, or ended the stream.
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
        """Return the next octets, first those of the request, or b"" at the end; raises Reset."""
        if self._replayed:
            await trio.lowlevel.checkpoint()
            octets, self._replayed = self._replayed, b""
            return octets
        return await self.inner.receive()

    async def send_eof(self) -> None:
        """End our direction (FIN)."""
        self.touched = True
        await self.inner.send_eof()

    async def barrier(self) -> None:
        """Wait until all sent octets have left."""
        await self.inner.barrier()

    async def abort(self) -> None:
        """Reset the stream (RST)."""
        self.touched = True
        await self.inner.abort()
        self.over.set()

    async def aclose(self) -> None:
        """Set `over`: the case has ended."""
        await trio.lowlevel.checkpoint()
        self.over.set()


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """A client's connection and the request that it began with.

    `octets` are all that was read: the head and any octets after it. `peer` is the client's address, for messages.
    """

    stream: Stream
    head: Head
    octets: bytes
    peer: str

    def accepted(self) -> AcceptedStream:
        """Return the stream that replays `octets`."""
        return AcceptedStream(self.stream, self.octets)


async def farewell(stream: Stream) -> None:
    """Close `stream` so that the client sees FIN after the last octet: read for a moment, then close."""
    gone = (Reset, OSError, trio.ClosedResourceError, trio.BrokenResourceError)
    with contextlib.suppress(*gone), trio.move_on_after(LINGER_SECONDS):
        # Over TLS the closure alert has to come first; `aclose` sends it.
        if stream.tls is None:
            await stream.send_eof()
        read = 0
        while read < LINGER_OCTETS and (octets := await stream.receive()):
            read += len(octets)
    with contextlib.suppress(*gone):
        await stream.aclose()


async def close_case_connection(stream: Stream, conversations: Sequence[Conversation]) -> None:
    """End the connection of a case that is over, with a Close if the case has left its WebSocket open.

    Autobahn ends every case with a Close, and many clients that loop over the cases stop at a connection that ends
    without one.
    """
    if any(each.opened and each.ending is None and not _is_closing(each) for each in conversations):
        with contextlib.suppress(Reset, OSError, trio.ClosedResourceError, trio.BrokenResourceError):
            await stream.send(Frame.close(1000).encode())
    await farewell(stream)


def _is_closing(conversation: Conversation) -> bool:
    return conversation.broken_by_us or any(frame.opcode == CLOSE for frame in conversation.sent)


def once(stream: Stream) -> Dialer:
    """Return a dialer that returns `stream` the first time, and raises Unreached after that."""
    streams = [stream]

    async def dial(*, tls: bool = True, server_name: str | None = None, verify: bool = True) -> Stream:
        await trio.lowlevel.checkpoint()
        if not streams:
            raise Unreached(
                Reason.NOT_OFFERED, "this case needs a second connection; a client opens only one for each case"
            )
        return streams.pop()

    return dial
