"""Echoes compared as they come: octets of a payload with those that were sent, piece by piece, none of them held."""

from __future__ import annotations

import hashlib
from collections import deque

from ...evidence.result import Direction, Octets
from ...wire.deflate import InflateError
from ...wire.frame import CONTINUATION, RSV1, Frame, Header, LengthForm, apply_mask, opcode_name, read_header
from ..channel import show
from ..connection import Connection
from ..session import Violation
from .message import PIECE, Message

__all__ = ["KEPT_FRAMES", "Echoes", "Evidence"]

#: Frames of each direction that a transcript has one by one; of more it has their number.
KEPT_FRAMES = 12
#: Octets up to which the frames of a message are kept whole for the monitors.
_KEPT_OCTETS = 1 << 16
#: Octets that a compressed message may have beyond those that it inflates to, and beyond a thousandth of them.
_SLACK = 1 << 12
#: Octets of a message of the target's own application that are looked at.
_CHATTER = 1 << 12


class Evidence:
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


class Echoes:
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
        self._evidence: Evidence | None = None
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
        if self.frames <= KEPT_FRAMES:
            self._evidence, self._whole = Evidence(), []
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
            if self._wire > self._longest() * 1001 // 1000 + _SLACK:
                self._fail("more octets than the message can have, compressed")
            self._deflated.append(piece)
        else:
            self._compare(piece)
        if not self._left:
            self._end_frame()

    def _is_deflated(self) -> bool:
        assert self._first is not None
        return bool(self._first.rsv & RSV1) and self.ws.conversation.deflate is not None

    def _longest(self) -> int:
        """The octets of the longest message that may come now: an echo, or one of the target's own application."""
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
        """Record a frame, and keep it for the monitors, as far as there are few of them and they are small."""
        if self._evidence is None:
            return
        form = None if header.form is LengthForm.minimal(header.length) else header.form
        stub = Frame(
            header.opcode, b"", fin=header.fin, rsv=header.rsv, key=header.key, form=form, announced=header.length
        )
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
        if self._kept is not None and self.frames <= KEPT_FRAMES:
            self.ws.conversation.frames.extend(self._kept)
            self._kept = []
        elif self.frames > KEPT_FRAMES:
            self._leave_out()

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
