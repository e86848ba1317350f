"""The WebSocket dialogues of Autobahn's control addresses: at most one text message, then an empty Close."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable

import trio

from ..endpoint.accepted import ClientRequest, farewell
from ..transport.stream import Reset, Stream
from ..wire.frame import CLOSE, PING, Frame, FrameReader
from ..wire.http1 import base_response
from .routes import RequestRefused

#: Seconds to wait for the client's Close after ours.
CLOSE_WITHIN = 2.0

#: Most octets that a client may send in such a dialogue.
_MOST = 1 << 20

#: Returns the message to send, or None for none; it may wait.

TextSource = Callable[[], Awaitable[str | None]]


class Dialogue:
    """Our end of one control connection; answers Pings and ignores everything else."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._reader = FrameReader()
        self._ended = trio.Event()
        self._closed = False

    async def run(self, text_source: TextSource, rest: bytes) -> None:
        """Send the message of `text_source`, then a Close; stop early if the client ends the connection before that.

        `rest` are octets that the client sent after its request.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._read, rest)
            nursery.start_soon(self._stop_early, nursery.cancel_scope)
            text = await text_source()
            self._closed = True
            frames = [Frame.text(text)] if text is not None else []
            await self._send(*frames, Frame.close())
            with trio.move_on_after(CLOSE_WITHIN):
                await self._ended.wait()
            nursery.cancel_scope.cancel()

    async def _stop_early(self, scope: trio.CancelScope) -> None:
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


async def run_dialogue(request: ClientRequest, text_source: TextSource) -> None:
    """Accept the WebSocket of `request`, with any Host, Origin and offers; send the message of `text_source`; close.

    Raises RequestRefused if the request has no Sec-WebSocket-Key.
    """
    key = request.head.fields.get("Sec-WebSocket-Key")
    if key is None:
        raise RequestRefused(400, "Bad Request", "the request has no Sec-WebSocket-Key")
    try:
        await request.stream.send(base_response(key).encode())
    except Reset:
        await farewell(request.stream)
        return
    await Dialogue(request.stream).run(text_source, request.octets[len(request.head.octets) :])
    await farewell(request.stream)
