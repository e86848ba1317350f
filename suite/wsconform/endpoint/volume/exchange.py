"""Send large messages, or many, and compare their echoes while they arrive; nothing is kept in memory as a whole.

One task sends while another reads, so that neither end blocks the other. At most `_IN_FLIGHT` messages, or
`_OCTETS_IN_FLIGHT` octets, are sent before their echoes have come; a single larger message is always sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import trio

from ...evidence.result import Direction, EntryKind, Reason
from ...transport.stream import Reset
from ...wire.close import CloseBody
from ...wire.frame import BINARY, CLOSE, PING, PONG, TEXT, Frame, frames_alike
from ..connection import Connection
from ..own_limit import limit_text, stops_a_volume
from ..session import Unreached, Violation
from .echo import KEPT_FRAMES, Echoes, Evidence
from .message import PIECE, Message

__all__ = ["echo_volume", "refusal"]

#: Most messages, and most octets of their payloads, that are sent before their echoes have come.
_IN_FLIGHT, _OCTETS_IN_FLIGHT = 64, 1 << 20
#: The longest time without progress in either direction, as a multiple of the patience.
_PATIENCES = 4


@lru_cache(maxsize=256)
def _header(frame: Frame, *, masked: bool) -> bytes:
    """Return the header of `frame` without its masking key."""
    key = b"" if masked else None
    stub = Frame(frame.opcode, fin=frame.fin, rsv=frame.rsv, key=key, form=frame.form, announced=frame.announced)
    return stub.header()


def _discard(octets: bytes) -> bytes:
    """Be an interceptor that consumes all octets."""
    return b""


class _Exchange:
    """The exchange of one volume.

    With `echo`, the echoes are compared. With `limited`, every end of the connection counts as a limit of the target.
    """

    def __init__(
        self,
        ws: Connection,
        messages: Iterable[Message],
        *,
        piece: int | None = None,
        echo: bool,
        limited: bool = False,
    ) -> None:
        self.ws, self.messages, self.piece, self.echo, self.limited = ws, messages, piece, echo, limited
        self.echoes = Echoes(ws)
        self.sent_frames = self.sent_octets = self.sent_messages = 0
        self.all_sent = False
        self._pongs = list[Frame]()
        self._moved = trio.current_time()
        self._room = trio.Event()
        self._reading = trio.CancelScope()

    async def run(self) -> None:
        stopped: Violation | Unreached | None = None
        if self.echo:
            self.ws.divert(self.echoes.consume)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._send)
                try:
                    await self._read()
                except (Violation, Unreached) as problem:
                    stopped = problem
                nursery.cancel_scope.cancel()
        finally:
            self._record_totals()
            if self.echoes.is_inside_a_frame:
                # We stopped in the middle of a frame, so later octets cannot be parsed: discard them.
                self.ws.interceptor = _discard
            else:
                self.ws.restore(self.echoes.carry)
        if stopped is not None:
            raise stopped

    # --- send

    async def _send(self) -> None:
        try:
            buffer = bytearray()
            for message in self.messages:
                if self.echo:
                    if not self._has_room():
                        await self._flush(buffer)
                        await self._wait_for_room()
                    self.echoes.expect(message)
                self.sent_messages += 1
                for frame, start, count, alike in message.frames():
                    if alike > 1 and self.piece is None and self.sent_frames >= KEPT_FRAMES:
                        await self._send_alike(frame, message.octets(start, alike * count), buffer)
                        continue
                    for number in range(alike):
                        await self._send_frame(frame, message, start + number * count, count, buffer)
            await self._flush(buffer)
        except Reset as problem:
            self.ws.session.event(f"could not send: {problem}", self.ws.number)
        self.all_sent = True
        if not self.echoes.waiting:
            self._reading.cancel()

    async def _send_alike(self, frame: Frame, payloads: bytes, buffer: bytearray) -> None:
        """Send frames with the header of `frame` until `payloads` are sent; the transcript does not show them."""
        masks, count = self.ws.role.masks, len(payloads) // frame.length
        keys = self.ws.random_octets(4 * count) if masks else None
        octets = frames_alike(_header(frame, masked=masks), payloads, frame.length, keys)
        self.sent_frames += count
        self.sent_octets += len(octets)
        if len(buffer) + len(octets) > PIECE:
            await self._flush(buffer)
        buffer += octets
        await self._between(buffer)

    async def _send_frame(self, frame: Frame, message: Message, start: int, count: int, buffer: bytearray) -> None:
        key = self.ws.random_octets(4) if self.ws.role.masks else None
        head = _header(frame, masked=key is not None) + (key or b"")
        self.sent_frames += 1
        self.sent_octets += len(head) + count
        evidence = None
        if self.sent_frames <= KEPT_FRAMES:
            evidence = Evidence()
            evidence.add(head)
        buffer += head
        for piece in message.masked(start, count, key):
            if evidence is not None:
                evidence.add(piece)
            if self.piece is not None:
                buffer += piece
                if len(buffer) >= PIECE:
                    rest = bytes(buffer[len(buffer) // self.piece * self.piece :])
                    del buffer[len(buffer) - len(rest) :]
                    await self._flush(buffer)
                    buffer += rest
                continue
            if len(buffer) + len(piece) > PIECE:
                await self._flush(buffer)
            if buffer or len(piece) < PIECE // 2:
                buffer += piece
            else:
                await self._write(piece)
        if evidence is not None:
            stub = Frame(frame.opcode, fin=frame.fin, rsv=frame.rsv, key=key, announced=count)
            self.ws.session.transcript.add(Direction.OURS, "frame", str(stub), evidence.octets(), self.ws.number)
            self.ws.conversation.sent.append(stub)
        await self._between(buffer)

    async def _between(self, buffer: bytearray) -> None:
        if self._pongs:
            await self._flush(buffer)
            await self._answer_pings()

    async def _answer_pings(self) -> None:
        """Answer the Pings received so far, between two of our frames.

        The sending task does this; when everything is sent, the reading task does.
        """
        pongs, self._pongs = self._pongs, []
        if pongs:
            await self.ws.send_prepared(self.ws.prepare(pong) for pong in pongs)

    async def _flush(self, buffer: bytearray) -> None:
        if buffer:
            octets = bytes(buffer)
            buffer.clear()
            await self._write(octets)

    async def _write(self, octets: bytes) -> None:
        if self.piece is None:
            await self.ws.stream.send(octets)
        else:
            size = self.piece
            await self.ws.stream.send_each(octets[at : at + size] for at in range(0, len(octets), size))
        self._moved = trio.current_time()

    def _has_room(self) -> bool:
        echoes = self.echoes
        # A message may be larger than the limit: it is sent if nothing else is in flight.
        return len(echoes.waiting) < _IN_FLIGHT and echoes.octets_waiting < _OCTETS_IN_FLIGHT

    async def _wait_for_room(self) -> None:
        while not self._has_room():
            await self._answer_pings()
            self._room = trio.Event()
            await self._room.wait()

    # --- receive

    async def _read(self) -> None:
        patience = self.ws.session.limits.patience * _PATIENCES
        while self.echoes.waiting or not self.all_sent:
            deadline = self._moved + patience
            if trio.current_time() >= deadline:
                self.ws.session.waited_out = True
                raise Violation(self._wanted(), f"nothing for {patience:g} s", self.ws.session.transcript.last)
            self._reading = trio.CancelScope(deadline=deadline)
            with self._reading:
                await self.ws.pull()
                self._moved = trio.current_time()
            self._handle_control()
            self._room.set()
            if self.all_sent:
                await self._answer_pings()

    def _handle_control(self) -> None:
        """Handle the control frames received so far, and the end of the stream."""
        while (received := self.ws.next_nowait()) is not None:
            if received.opcode == PING:
                self._pongs.append(Frame.pong(received.payload))
            if received.opcode == CLOSE:
                self._stop(f"{received}", CloseBody(received.payload).code, received.entry)
            if received.opcode in (TEXT, BINARY) and self.echo and not self.ws.is_chatter(received):
                raise Violation(self._wanted(), str(received), received.entry)
        if self.ws.ended is not None:
            self._stop(f"the end of the connection ({self.ws.ended.value})", None, self.ws.conversation.end_entry)

    def _wanted(self) -> str:
        waiting = self.echoes.waiting
        return f"the echo, {waiting[0]}" if waiting else "all octets to be accepted"

    def _stop(self, how: str, code: int | None, entry: int | None) -> None:
        if self.limited or stops_a_volume(code, self.sent_octets, self.sent_frames):
            done = self.sent_messages - len(self.echoes.waiting)
            raise Unreached(
                Reason.LIMIT, limit_text(how, f" after {done} messages" if done else ""), entry, refusal=how
            )
        raise Violation(self._wanted(), how, entry)

    def _record_totals(self) -> None:
        """Record the number of messages and frames, if the transcript does not show all frames."""
        if self.sent_frames > KEPT_FRAMES:
            sent = f"{self.sent_messages} messages sent, in {self.sent_frames} frames of {self.sent_octets} octets"
            self.ws.session.event(sent, self.ws.number, kind=EntryKind.GAP)
        if self.echoes.frames > KEPT_FRAMES:
            done = self.sent_messages - len(self.echoes.waiting)
            self.ws.session.event(f"{done} echoes came, in {self.echoes.frames} frames", self.ws.number)


async def echo_volume(ws: Connection, messages: Iterable[Message], *, piece: int | None = None) -> None:
    """Send `messages` and expect their echoes, of the same type and content, in order and in any fragmentation.

    Several messages are in flight at once, and we read all the time, so that neither end blocks the other. With
    `piece`, octets are written in pieces of that many.

    Raises Violation if an echo differs, or without progress for four times the patience; raises Unreached, reason
    LIMIT, if the target closes with 1009, or ends the connection after a mebibyte or 64 frames (`own_limit`). The
    transcript shows the first frames of each direction and the number of the others. On a connection with compression,
    the only data messages that may follow are compressed ones that continue the window.
    """
    await _Exchange(ws, messages, piece=piece, echo=True).run()


async def refusal(ws: Connection, message: Message) -> str | None:
    """Send `message`; return how the target ended the connection, or None if it accepted the message.

    An echoing target has accepted it when the whole correct echo has come; any other target when it answers a Ping
    sent after the message. Raises Violation if the echo differs, or without progress for four times the patience.
    """
    try:
        await _Exchange(ws, [message], echo=ws.session.facts.echo, limited=True).run()
    except Unreached as stopped:
        if stopped.refusal is None:
            raise
        return stopped.refusal
    return None if ws.session.facts.echo else await _end_before_pong(ws)


async def _end_before_pong(ws: Connection) -> str | None:
    marker = ws.random_octets(8)
    await ws.send(Frame.ping(marker))
    deadline = ws.session.deadline(ws.session.limits.patience * _PATIENCES)
    while (received := await ws.next(deadline)) is not None and received.opcode != CLOSE:
        if (received.opcode, received.payload) == (PONG, marker):
            return None
    if received is not None:
        return f"{received}"
    ws.expect(ws.ended is not None, "a Pong, or the end of the connection", "neither")
    return "the end of the connection"
