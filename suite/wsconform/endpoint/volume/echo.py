"""Compare echoes with the sent messages while they arrive, piece by piece, without keeping them."""

from __future__ import annotations

import hashlib
from collections import deque

from ...evidence.result import Direction, Octets
from ...wire.deflate import InflateError
from ...wire.frame import CONTINUATION, RSV1, Frame, Header, LengthForm, apply_mask, opcode_name, read_header
from ...words import counted
from ..channel import show
from ..connection import Connection
from ..session import Violation
from .message import PIECE, Message

__all__ = ["KEPT_FRAMES", "Echoes", "Evidence"]

#: Frames of each direction that a transcript shows one by one; of the others it shows the number.
KEPT_FRAMES = 12
#: Most octets of a frame that is kept whole for the monitors.
_KEPT_OCTETS = 1 << 16
#: A compressed message may be larger than its content by a thousandth and this number of octets.
_SLACK = 1 << 12
#: Octets that are kept of a message that the target's application sends by itself.
_CHATTER = 1 << 12


class Evidence:
    """The part of a stream of octets that a transcript keeps: the first and last octets, the number, the SHA-256."""

    def __init__(self) -> None:
        self._head, self._tail, self._length, self._hash = b"", b"", 0, hashlib.sha256()

    def add(self, octets: bytes) -> None:
        """Append `octets`."""
        if len(self._head) < Octets.WHOLE:
            self._head += octets[: Octets.WHOLE - len(self._head)]
        self._tail = octets[-64:] if len(octets) >= 64 else (self._tail + octets)[-64:]
        self._length += len(octets)
        self._hash.update(octets)

    def octets(self) -> Octets:
        """Return the value for a transcript entry."""
        if self._length <= Octets.WHOLE:
            return Octets(self._head, b"", self._length)
        return Octets(self._head[:128], self._tail, self._length, self._hash.hexdigest())


class Echoes:
    """The sent messages whose echoes have not come, compared with the received octets.

    `consume` is an interceptor of `Channel`: it takes the data frames and leaves the control frames. `waiting` are the
    messages, `carry` the octets of a header or control frame that is not complete yet.
    """

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
        self._evidence: Evidence | None = None
        self._whole: list[bytes] | None = []
        self._kept: list[tuple[int, Frame]] | None = None if ws.conversation.gap else []

    @property
    def is_inside_a_frame(self) -> bool:
        """Whether the payload of a data frame is incomplete."""
        return self._header is not None

    def expect(self, message: Message) -> None:
        """Expect the echo of `message` after those expected so far."""
        self.waiting.append(message)
        self.octets_waiting += message.length

    def consume(self, octets: bytes) -> bytes:
        """Compare the data frames in `octets`; return the control frames among them. Raises Violation."""
        if self._passing:
            return octets
        octets, passed, at = self.carry + octets if self.carry else octets, b"", 0
        while at < len(octets):
            if self._header is not None:
                piece = octets if at == 0 and self._left >= len(octets) else octets[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                self._add_payload(piece)
                continue
            header = read_header(octets, at)
            if header is None:
                break
            if header.opcode >= 0x8:
                end = at + header.size + header.length
                if header.length > 125:
                    # Invalid (section 5.5). Stop intercepting; the usual reader handles everything from here on.
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
        if self.frames <= KEPT_FRAMES:
            self._evidence, self._whole = Evidence(), []
            self._evidence.add(octets)
        if self._first is None or header.opcode != CONTINUATION:
            self._first, self._offset, self._foreign, self._deflated, self._wire = header, 0, None, [], 0
            if not self.waiting:
                self._differ("one message more than was sent")
            elif header.opcode != self.waiting[0].opcode:
                self._differ(f"another type: {opcode_name(header.opcode)}")
        if not self._left:
            self._end_frame()

    def _add_payload(self, piece: bytes) -> None:
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
            if self._wire > self._longest() * 1001 // 1000 + _SLACK:
                self._fail("more octets than the compressed message can have")
            self._deflated.append(piece)
        else:
            self._compare(piece)
        if not self._left:
            self._end_frame()

    def _is_deflated(self) -> bool:
        assert self._first is not None
        return bool(self._first.rsv & RSV1) and self.ws.conversation.deflate is not None

    def _longest(self) -> int:
        """Return the octets of the longest message that may come: the echo, or one of the target's own."""
        chatter = self.ws.session.facts.chatter
        awaited = self.waiting[0].length if self.waiting else 0
        return max(awaited, _CHATTER, *map(len, chatter))

    def _end_frame(self) -> None:
        header, self._header = self._header, None
        assert header is not None
        self._keep(header)
        if header.fin:
            self._end_message()

    def _keep(self, header: Header) -> None:
        """Record a frame, and keep it for the monitors if there are few frames and they are small."""
        if self._evidence is None:
            return
        form = None if header.form is LengthForm.minimal(header.length) else header.form
        stub = Frame(header.opcode, fin=header.fin, rsv=header.rsv, key=header.key, form=form, announced=header.length)
        entry = self._record("frame", str(stub), self._evidence.octets())
        if self._kept is None:
            return
        if self._whole is not None and header.length <= _KEPT_OCTETS:
            self._kept.append((entry, header.with_payload(b"".join(self._whole))))
        elif self.ws.conversation.deflate is None:
            self._kept.append((entry, stub))
        else:
            self._stop_keeping()

    def _stop_keeping(self) -> None:
        self._kept = None
        # Without this message, the monitors cannot inflate those that follow it.
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
                self._fail(f"another message ({show(self._foreign)})")
        elif message is not None:
            if self._offset < message.length:
                self._fail(f"{opcode_name(message.opcode)} of only the first {counted(self._offset, 'octet')}")
            self.waiting.popleft()
            self.octets_waiting -= message.length
        if self._kept is not None and self.frames <= KEPT_FRAMES:
            self.ws.conversation.frames.extend(self._kept)
            self._kept = []
        elif self.frames > KEPT_FRAMES:
            self._stop_keeping()

    def _inflate(self) -> None:
        try:
            payload = self.ws.inflate(b"".join(self._deflated))
        except InflateError as problem:
            self._fail(f"a message that does not inflate: {problem}")
        self._deflated = []
        self._compare(payload)

    def _compare(self, payload: bytes) -> None:
        if len(payload) <= PIECE:
            self._compare_piece(payload)
            return
        for at in range(0, len(payload), PIECE):
            self._compare_piece(payload[at : at + PIECE])

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
        """Fail, unless the target's application may send messages by itself: then read this one to its end first."""
        facts = self.ws.session.facts
        if not (facts.chatty or facts.chatter):
            self._fail(how, octets)
        self._foreign = b""

    def _fail(self, how: str, octets: bytes = b"") -> None:
        if octets:
            self._record("octets", "the octets that differ", Octets.of(octets))
        message = self.waiting[0] if self.waiting else None
        wanted = f"the echo, {message}" if message else "no message after the last echo"
        raise Violation(wanted, how, self.ws.session.transcript.last)

    def _is_chatter(self, payload: bytes) -> bool:
        facts = self.ws.session.facts
        return payload in facts.chatter or (facts.chatty and len(payload) <= _CHATTER)
