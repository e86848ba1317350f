"""Volumes: large or many messages out, their echoes compared as they come, and neither of them held as a whole."""

from __future__ import annotations

import hashlib
import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import trio

from .channel import show
from .connection import Connection
from .result import Direction, Octets, Reason
from .session import Unreached, Violation
from .transport import Reset
from .wire.close import CloseBody
from .wire.deflate import Deflater, InflateError
from .wire.frame import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    RSV1,
    TEXT,
    Frame,
    Header,
    LengthForm,
    apply_mask,
    opcode_name,
    read_header,
)

__all__ = ["Message", "Run", "echo_volume", "refusal", "replayed"]

#: Octets of a piece that is made, masked and sent in one go.
_PIECE = 1 << 16
#: Octets up to which a frame's payload is made at once.
_SHORT = 1 << 12
#: Frames of each direction that a transcript has one by one; of more it has their number.
_KEPT_FRAMES = 12
#: Octets up to which the frames of a message are kept whole for the monitors.
_KEPT_OCTETS = 1 << 16
#: Messages, and octets of their payload, that are sent at most before their echoes have come.
_IN_FLIGHT, _OCTETS_IN_FLIGHT = 64, 1 << 20
#: From so many octets or frames on, a connection that ends is one that the target has a limit for.
_LARGE_OCTETS, _MANY_FRAMES = 1 << 20, 64
#: How many times the patience nothing may move in either direction.
_PATIENCES = 4
#: Octets that a compressed message may have beyond those that it inflates to, and beyond a thousandth of them.
_SLACK = 1 << 12
#: Octets of a message of the target's own application that are looked at.
_CHATTER = 1 << 12


@dataclass(frozen=True, slots=True)
class Run:
    """`pattern`, repeated up to `length` octets: a payload of any size that takes no memory."""

    pattern: bytes
    length: int

    def at(self, start: int, count: int) -> bytes:
        """Return the `count` octets from `start` on."""
        turn = start % len(self.pattern)
        block = _block(self.pattern, count + turn)
        return block if turn == 0 and len(block) == count else block[turn : turn + count]


@lru_cache(maxsize=8)
def _repeated(pattern: bytes, times: int) -> bytes:
    return pattern * times


def _block(pattern: bytes, count: int) -> bytes:
    # Few lengths, so that the block is made once and not with every piece that is looked at.
    times = -(-max(count, 1) // len(pattern))
    return _repeated(pattern, 1 << (times - 1).bit_length())


@dataclass(frozen=True, slots=True)
class Message:
    """A message to be sent: `payload` as it is meant; `deflated`, where it goes out compressed, as it is on the wire.

    Where `fragment` is given, no frame has more octets, and one that is full is not the last: where the frames
    come out even, an empty one ends the message.
    """

    opcode: int
    payload: bytes | Run
    deflated: bytes | None = None
    fragment: int | None = None

    @property
    def length(self) -> int:
        """The octets that are to be delivered."""
        return self.payload.length if isinstance(self.payload, Run) else len(self.payload)

    @property
    def on_wire(self) -> int:
        """The octets that the frames carry."""
        return self.length if self.deflated is None else len(self.deflated)

    def __str__(self) -> str:
        """Say what it is, as findings do."""
        return f"{opcode_name(self.opcode)} of {self.length} octets ({show(self.at(0, min(25, self.length)))})"

    def at(self, start: int, count: int) -> bytes:
        """Return `count` octets of what is to be delivered, from `start` on."""
        return self.payload.at(start, count) if isinstance(self.payload, Run) else self.payload[start : start + count]

    def frames(self) -> Iterator[tuple[Frame, int, int]]:
        """Yield each frame as a stub that has no payload and announces it, where its octets begin, and how many."""
        rsv = 0 if self.deflated is None else RSV1
        size, total, at = self.fragment or max(self.on_wire, 1), self.on_wire, 0
        while self.fragment is not None and total - at >= size:
            yield _stub(CONTINUATION if at else self.opcode, False, 0 if at else rsv, size), at, size
            at += size
        yield _stub(CONTINUATION if at else self.opcode, True, 0 if at else rsv, total - at), at, total - at

    def masked(self, start: int, count: int, key: bytes | None) -> Iterable[bytes]:
        """Return the octets that a frame carries from `start` on, `count` of them, masked with `key`, in pieces."""
        if self.deflated is None and isinstance(self.payload, Run) and count > _SHORT:
            return _masked_run(self.payload, start, count, key)
        piece = self.at(start, count) if self.deflated is None else self.deflated[start : start + count]
        return (piece if key is None else apply_mask(piece, key),)


def _masked_run(run: Run, start: int, count: int, key: bytes | None) -> Iterator[bytes]:
    # What is masked repeats itself as well: it is masked once, and sent again and again.
    period = math.lcm(len(run.pattern), 4)
    block = run.at(start, min(count, max(period, _PIECE // period * period)))
    if key is not None:
        block = apply_mask(block, key)
    whole, rest = divmod(count, len(block) or 1)
    for _ in range(whole):
        yield block
    if rest:
        yield block[:rest]


@lru_cache(maxsize=256)
def _stub(opcode: int, fin: bool, rsv: int, length: int) -> Frame:
    return Frame(opcode, b"", fin, rsv, announced=length)


@lru_cache(maxsize=256)
def _header(frame: Frame, *, masked: bool) -> bytes:
    """Return the header of `frame` without its masking key."""
    return Frame(frame.opcode, b"", frame.fin, frame.rsv, b"" if masked else None, frame.form, frame.announced).header()


class _Evidence:
    """What a transcript keeps of octets that pass by: the first and the last of them, their number and SHA-256."""

    def __init__(self) -> None:
        self._head, self._tail, self._length, self._hash = b"", b"", 0, hashlib.sha256()

    def add(self, octets: bytes) -> None:
        if len(self._head) < Octets.WHOLE:
            self._head += octets[: Octets.WHOLE - len(self._head)]
        self._tail = octets[-64:] if len(octets) >= 64 else (self._tail + octets)[-64:]
        self._length += len(octets)
        self._hash.update(octets)

    def octets(self) -> Octets:
        if self._length <= Octets.WHOLE:
            return Octets(self._head, b"", self._length)
        return Octets(self._head[:128], self._tail, self._length, self._hash.hexdigest())


class _Echoes:
    """The echoes that are still to come, and the octets that come, compared with them."""

    def __init__(self, ws: Connection) -> None:
        self.ws = ws
        self.waiting: deque[Message] = deque()
        self.octets_waiting = 0
        self.carry = b""
        self.frames = 0
        self._passing = False
        self._header: Header | None = None
        self._left = 0
        self._first: Header | None = None
        self._offset = 0
        self._foreign: bytes | None = None
        self._deflated: list[bytes] = []
        self._wire = 0
        self._evidence: _Evidence | None = None
        self._whole: list[bytes] | None = []
        self._kept: list[tuple[int, Frame]] | None = None if ws.conversation.gap else []

    @property
    def is_inside_a_frame(self) -> bool:
        return self._header is not None

    def expect(self, message: Message) -> None:
        self.waiting.append(message)
        self.octets_waiting += message.length

    def take(self, octets: bytes) -> bytes:
        """Take the data frames in `octets`, and return the control frames among them."""
        if self._passing:
            return octets
        octets, passed, at = self.carry + octets if self.carry else octets, b"", 0
        while at < len(octets):
            if self._header is not None:
                piece = octets if at == 0 and self._left >= len(octets) else octets[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                self._take_payload(piece)
                continue
            header = read_header(octets, at)
            if header is None:
                break
            if header.opcode >= 0x8:
                end = at + header.size + header.length
                if header.length > 125:
                    # No control frame of anybody's: from here on it is the usual reader's affair.
                    self._passing, self.carry = True, b""
                    return passed + octets[at:]
                if len(octets) < end:
                    break
                passed, at = passed + octets[at:end], end
                continue
            self._begin(header, octets[at : at + header.size])
            at += header.size
        self.carry = octets[at:]
        return passed

    def _begin(self, header: Header, octets: bytes) -> None:
        self.frames += 1
        self._header, self._left = header, header.length
        self._evidence, self._whole = None, None
        if self.frames <= _KEPT_FRAMES:
            self._evidence, self._whole = _Evidence(), []
            self._evidence.add(octets)
        if self._first is None or header.opcode != CONTINUATION:
            self._first, self._offset, self._foreign, self._deflated, self._wire = header, 0, None, [], 0
            if not self.waiting:
                self._differ("no message more than was sent")
            elif header.opcode != self.waiting[0].opcode:
                self._differ(f"another type: {opcode_name(header.opcode)}")
        if not self._left:
            self._end_frame()

    def _take_payload(self, piece: bytes) -> None:
        header = self._header
        assert header is not None
        if self._evidence is not None:
            self._evidence.add(piece)
            if self._whole is not None and header.length <= _KEPT_OCTETS:
                self._whole.append(piece)
        if header.key is not None:
            turn = (header.length - self._left - len(piece)) % 4
            piece = apply_mask(piece, header.key[turn:] + header.key[:turn])
        self._wire += len(piece)
        if self._is_deflated():
            if self.waiting and self._wire > self.waiting[0].length * 1001 // 1000 + _SLACK:
                self._differ("more octets than the message can have, compressed")
            self._deflated.append(piece)
        else:
            self._compare(piece)
        if not self._left:
            self._end_frame()

    def _is_deflated(self) -> bool:
        assert self._first is not None
        return bool(self._first.rsv & RSV1) and self.ws.conversation.deflate is not None

    def _end_frame(self) -> None:
        header, self._header = self._header, None
        assert header is not None
        self._keep(header)
        if header.fin:
            self._end_message()

    def _keep(self, header: Header) -> None:
        """Record a frame, and keep it for the monitors, as far as there are few of them and they are small."""
        if self._evidence is None:
            return
        form = None if header.form is LengthForm.minimal(header.length) else header.form
        stub = Frame(header.opcode, b"", header.fin, header.rsv, header.key, form, header.length)
        entry = self._record("frame", str(stub), self._evidence.octets())
        if self._kept is None:
            return
        if self._whole is not None and header.length <= _KEPT_OCTETS:
            self._kept.append((entry, header.with_payload(b"".join(self._whole))))
        elif self.ws.conversation.deflate is None:
            self._kept.append((entry, stub))
        else:
            self._leave_out()

    def _leave_out(self) -> None:
        self._kept = None
        # Without this message nobody can inflate those that follow it.
        self.ws.conversation.gap = self.ws.conversation.deflate is not None

    def _record(self, kind: str, summary: str, octets: Octets) -> int:
        return self.ws.session.transcript.add(Direction.TARGET, kind, summary, octets, self.ws.number)

    def _end_message(self) -> None:
        if self._is_deflated():
            self._inflate()
        message = self.waiting[0] if self.waiting else None
        self._first = None
        if self._foreign is not None:
            if not self._is_chatter(self._foreign):
                self._fail(f"a message of its own ({show(self._foreign)})")
        elif message is not None:
            if self._offset < message.length:
                self._fail(f"{opcode_name(message.opcode)} of {self._offset} octets, the first of those that were sent")
            self.waiting.popleft()
            self.octets_waiting -= message.length
        if self._kept is not None and self.frames <= _KEPT_FRAMES:
            self.ws.conversation.frames.extend(self._kept)
            self._kept = []
        elif self.frames > _KEPT_FRAMES:
            self._leave_out()

    def _inflate(self) -> None:
        try:
            payload = self.ws.inflate(b"".join(self._deflated))
        except InflateError as problem:
            self._fail(f"a message that does not inflate: {problem}")
        self._deflated = []
        self._compare(payload)

    def _compare(self, payload: bytes) -> None:
        if len(payload) <= _PIECE:
            self._compare_piece(payload)
            return
        for at in range(0, len(payload), _PIECE):
            self._compare_piece(payload[at : at + _PIECE])

    def _compare_piece(self, piece: bytes) -> None:
        if self._foreign is not None:
            self._foreign = (self._foreign + piece)[: _CHATTER + 1]
            return
        message, start = self.waiting[0], self._offset
        self._offset += len(piece)
        if self._offset <= message.length and message.at(start, len(piece)) == piece:
            return
        wanted = message.at(start, min(len(piece), message.length - start))
        same = next((at for at, (a, b) in enumerate(zip(wanted, piece, strict=False)) if a != b), len(wanted))
        self._offset = start
        self._differ(f"a payload that differs from octet {start + same} on", piece[same:])
        self._foreign = (message.at(0, min(start, _CHATTER)) + piece)[: _CHATTER + 1]

    def _differ(self, how: str, octets: bytes = b"") -> None:
        """Fail, unless the target's application may speak of its own accord: then what it says is heard to its end."""
        facts = self.ws.session.facts
        if not (facts.chatty or facts.chatter):
            self._fail(how, octets)
        self._foreign = b""

    def _fail(self, how: str, octets: bytes = b"") -> None:
        if octets:
            self._record("octets", "what is there in place of it", Octets.of(octets))
        message = self.waiting[0] if self.waiting else None
        wanted = f"the echo, {message}" if message else "no message behind the last echo"
        raise Violation(wanted, how, self.ws.session.transcript.last)

    def _is_chatter(self, payload: bytes) -> bool:
        facts = self.ws.session.facts
        return payload in facts.chatter or (facts.chatty and len(payload) <= _CHATTER)


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
        self.echoes = _Echoes(ws)
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
                for frame, start, count in message.frames():
                    await self._put(frame, message, start, count, buffer)
            await self._flush(buffer)
        except Reset as problem:
            self.ws.session.event(f"could not send: {problem}", self.ws.number)
        self.all_sent = True
        if not self.echoes.waiting:
            self._reading.cancel()

    async def _put(self, frame: Frame, message: Message, start: int, count: int, buffer: bytearray) -> None:
        key = self.ws.random_octets(4) if self.ws.role.masks else None
        head = _header(frame, masked=key is not None) + (key or b"")
        self.sent_frames += 1
        self.sent_octets += len(head) + count
        evidence = None
        if self.sent_frames <= _KEPT_FRAMES:
            evidence = _Evidence()
            evidence.add(head)
        buffer += head
        for piece in message.masked(start, count, key):
            if evidence is not None:
                evidence.add(piece)
            if self.piece is not None:
                buffer += piece
                if len(buffer) >= _PIECE:
                    rest = bytes(buffer[len(buffer) // self.piece * self.piece :])
                    del buffer[len(buffer) - len(rest) :]
                    await self._flush(buffer)
                    buffer += rest
                continue
            if len(buffer) + len(piece) > _PIECE:
                await self._flush(buffer)
            if buffer or len(piece) < _PIECE // 2:
                buffer += piece
            else:
                await self._write(piece)
        if evidence is not None:
            told = Frame(frame.opcode, b"", frame.fin, frame.rsv, key, announced=count)
            self.ws.session.transcript.add(Direction.OURS, "frame", str(told), evidence.octets(), self.ws.number)
            self.ws.conversation.sent.append(told)
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
        if self.sent_frames > _KEPT_FRAMES:
            what = f"{self.sent_messages} messages sent, in {self.sent_frames} frames of {self.sent_octets} octets"
            self.ws.session.event(what, self.ws.number)
        if self.echoes.frames > _KEPT_FRAMES:
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


def replayed(
    ws: Connection, payloads: Sequence[bytes], opcode: int, count: int, fragment: int | None
) -> Iterator[Message]:
    """Yield `count` compressed messages: `payloads` again and again, which are compressed twice at most.

    With the window taken over, a message depends on the 32768 octets before it: from the second turn on they are the
    same in every turn, and so is what the message is compressed to, where a turn is that long. Without, what a
    message was compressed to on one connection is right on any other.
    """
    bits, takeover = ws.window
    if ws.conversation.deflate is None:
        raise Unreached(Reason.NOT_OFFERED, "the target did not accept permessage-deflate")
    kept: list[bytes] = []
    fresh = count if takeover and sum(map(len, payloads)) < 1 << 15 else len(payloads) * (2 if takeover else 1)
    for number in range(count):
        which = number % len(payloads)
        if number < fresh:
            payload = payloads[which]
            deflated = ws.compress(payload) if takeover else _compressed_alone(bits, payload)
            if number >= fresh - len(payloads):
                kept.append(deflated)
        else:
            deflated = kept[which]
        yield Message(opcode, payloads[which], deflated, fragment)


@lru_cache(maxsize=64)
def _compressed_alone(bits: int, payload: bytes) -> bytes:
    return Deflater(bits, takeover=False).compress(payload)
