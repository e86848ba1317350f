"""The short WebSocket dialogues of the control addresses: one text message, or none, and an empty Close."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable

import trio

from ..endpoint.accepted import Visit, farewell
from ..transport.stream import Reset, Stream
from ..wire.frame import CLOSE, PING, Frame, FrameReader
from ..wire.http1 import base_response
from .routes import Refusal

#: How long (seconds) a client's Close is waited for after ours.
CLOSE_WITHIN = 2.0

#: Most octets that a client may send in such a dialogue.
_MOST = 1 << 20

Saying = Callable[[], Awaitable[str | None]]


class Dialogue:
    """Our end of one control connection; answers Pings, reads everything else away."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._reader = FrameReader()
        self._ended = trio.Event()
        self._closed = False

    async def carry_out(self, saying: Saying, rest: bytes) -> None:
        """Send what `saying` returns once it does, then a Close; give up where the client goes before that."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._read, rest)
            nursery.start_soon(self._leave_early, nursery.cancel_scope)
            text = await saying()
            self._closed = True
            frames = [Frame.text(text)] if text is not None else []
            await self._send(*frames, Frame.close())
            with trio.move_on_after(CLOSE_WITHIN):
                await self._ended.wait()
            nursery.cancel_scope.cancel()

    async def _leave_early(self, scope: trio.CancelScope) -> None:
        await self._ended.wait()
        if not self._closed:
            scope.cancel()

    async def _send(self, *frames: Frame) -> None:
        with contextlib.suppress(Reset):
            await self._stream.send(b"".join(frame.encode() for frame in frames))

    async def _read(self, octets: bytes) -> None:
        read = 0
        try:
            while read < _MOST:
                for frame in self._reader.receive(octets):
                    if frame.opcode == PING and not self._closed:
                        await self._send(Frame.pong(frame.payload))
                    if frame.opcode == CLOSE:
                        return
                octets = await self._stream.receive()
                if not octets:
                    return
                read += len(octets)
        except Reset:
            pass
        finally:
            self._ended.set()


async def converse(visit: Visit, saying: Saying) -> None:
    """Open the WebSocket that `visit` asks for, whatever its Host, Origin and offers, and let `saying` speak."""
    key = visit.head.fields.get("Sec-WebSocket-Key")
    if key is None:
        raise Refusal(400, "Bad Request", "the request has no Sec-WebSocket-Key")
    try:
        await visit.stream.send(base_response(key).encode())
    except Reset:
        await farewell(visit.stream)
        return
    await Dialogue(visit.stream).carry_out(saying, visit.octets[len(visit.head.octets) :])
    await farewell(visit.stream)
