"""Volumes: large or many messages out, their echoes compared as they come, and neither of them held as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import trio

from ...evidence.result import Direction, EntryKind, Reason
from ...transport.stream import Reset
from ...wire.close import CloseBody
from ...wire.frame import BINARY, CLOSE, PING, PONG, TEXT, Frame, frames_alike
from ..connection import Connection
from ..session import Unreached, Violation
from .echo import KEPT_FRAMES, Echoes, Evidence
from .message import PIECE, Message

__all__ = ["echo_volume", "refusal"]

#: Messages, and octets of their payload, that are sent at most before their echoes have come.
_IN_FLIGHT, _OCTETS_IN_FLIGHT = 64, 1 << 20
#: From so many octets or frames on, a connection that ends is one that the target has a limit for.
_LARGE_OCTETS, _MANY_FRAMES = 1 << 20, 64
#: How many times the patience nothing may move in either direction.
_PATIENCES = 4


@lru_cache(maxsize=256)
def _header(frame: Frame, *, masked: bool) -> bytes:
    """Return the header of `frame` without its masking key."""
    return Frame(
        frame.opcode,
        b"",
        fin=frame.fin,
        rsv=frame.rsv,
        key=b"" if masked else None,
        form=frame.form,
        announced=frame.announced,
    ).header()


def _nothing(octets: bytes) -> bytes:
    return octets[:0]


class _Exchange:
    """One volume on its way: a task sends, another reads."""

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
            self.ws.divert(self.echoes.take)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._send)
                try:
                    await self._read()
                except (Violation, Unreached) as problem:
                    stopped = problem
                nursery.cancel_scope.cancel()
        finally:
            self._tell_the_rest()
            if self.echoes.is_inside_a_frame:
                # Nobody makes frames of what comes amid a payload.
                self.ws.taker = _nothing
            else:
                self.ws.restore(self.echoes.carry)
        if stopped is not None:
            raise stopped

    # --- out

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
                        await self._put_alike(frame, message.octets(start, alike * count), buffer)
                        continue
                    for number in range(alike):
                        await self._put(frame, message, start + number * count, count, buffer)
            await self._flush(buffer)
        except Reset as problem:
            self.ws.session.event(f"could not send: {problem}", self.ws.number)
        self.all_sent = True
        if not self.echoes.waiting:
            self._reading.cancel()

    async def _put_alike(self, frame: Frame, payloads: bytes, buffer: bytearray) -> None:
        """Send frames like the stub `frame`, as many as `payloads` make; the transcript has none of them."""
        masks, count = self.ws.role.masks, len(payloads) // frame.length
        keys = self.ws.random_octets(4 * count) if masks else None
        octets = frames_alike(_header(frame, masked=masks), payloads, frame.length, keys)
        self.sent_frames += count
        self.sent_octets += len(octets)
        if len(buffer) + len(octets) > PIECE:
            await self._flush(buffer)
        buffer += octets
        await self._between(buffer)

    async def _put(self, frame: Frame, message: Message, start: int, count: int, buffer: bytearray) -> None:
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
            told = Frame(frame.opcode, b"", fin=frame.fin, rsv=frame.rsv, key=key, announced=count)
            self.ws.session.transcript.add(Direction.OURS, "frame", str(told), evidence.octets(), self.ws.number)
            self.ws.conversation.sent.append(told)
        await self._between(buffer)

    async def _between(self, buffer: bytearray) -> None:
        if self._pongs:
            await self._flush(buffer)
            await self._answer_pings()

    async def _answer_pings(self) -> None:
        """Answer what came meanwhile, between two frames of our own: so do whoever sends, and who reads at the end."""
        pongs, self._pongs = self._pongs, []
        if pongs:
            await self.ws.put(self.ws.prepare(pong) for pong in pongs)

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
        # A large message goes out while nothing else does; whoever waits for its echo has it compared meanwhile.
        return len(echoes.waiting) < _IN_FLIGHT and echoes.octets_waiting < _OCTETS_IN_FLIGHT

    async def _wait_for_room(self) -> None:
        while not self._has_room():
            await self._answer_pings()
            self._room = trio.Event()
            await self._room.wait()

    # --- in

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
            self._heed()
            self._room.set()
            if self.all_sent:
                await self._answer_pings()

    def _heed(self) -> None:
        """Look at the control frames that have come, and at the end of the stream."""
        while (received := self.ws.arrived()) is not None:
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
        return f"the echo, {waiting[0]}" if waiting else "the octets to be taken"

    def _stop(self, how: str, code: int | None, entry: int | None) -> None:
        many = self.sent_frames >= _MANY_FRAMES
        large = many or self.sent_octets >= _LARGE_OCTETS
        # 1007 is no question of size: text is taken for no UTF-8 where its pieces meet. Nor is 1002 where there are
        # few frames: a length was read wrong, and payload is taken for a header.
        if self.limited or code == 1009 or (large and code != 1007 and (many or code != 1002)):
            done = self.sent_messages - len(self.echoes.waiting)
            taken = f" after {done} messages" if done else ""
            raise Unreached(Reason.LIMIT, f"the target stopped at a limit of its own{taken}: {how}", entry)
        raise Violation(self._wanted(), how, entry)

    def _tell_the_rest(self) -> None:
        """Say how much there was beyond what the transcript has."""
        if self.sent_frames > KEPT_FRAMES:
            what = f"{self.sent_messages} messages sent, in {self.sent_frames} frames of {self.sent_octets} octets"
            self.ws.session.event(what, self.ws.number, kind=EntryKind.GAP)
        if self.echoes.frames > KEPT_FRAMES:
            done = self.sent_messages - len(self.echoes.waiting)
            self.ws.session.event(f"{done} echoes came, in {self.echoes.frames} frames", self.ws.number)


async def echo_volume(ws: Connection, messages: Iterable[Message], *, piece: int | None = None) -> None:
    """Send `messages` and expect their echoes, of the same type and content, in order and in whatever frames.

    Several are on their way at once, and what comes is read all the time, so that neither end blocks the other.
    Where `piece` is given, octets leave in writes of that many. Fails where an echo differs, or nothing moves
    for four times the patience; Unreached, reason LIMIT, where the target closes with 1009, or ends the connection
    over a mebibyte or 64 frames. A transcript has the first frames of each direction and the number of the rest.
    On a connection with compression no data message may follow but compressed ones that begin no window anew.
    """
    await _Exchange(ws, messages, piece=piece, echo=True).run()


async def refusal(ws: Connection, message: Message) -> str | None:
    """Send `message` and return how the target refused it: by whatever end of the connection; None where it took it.

    A target that echoes has taken it when its echo is there, whole and right; of any other a Pong to a Ping behind
    it tells. Fails where the echo is another, or nothing moves for four times the patience.
    """
    try:
        await _Exchange(ws, [message], echo=ws.session.facts.echo, limited=True).run()
    except Unreached as stopped:
        if stopped.reason is not Reason.LIMIT:
            raise
        return stopped.text.rpartition("own: ")[2]
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
