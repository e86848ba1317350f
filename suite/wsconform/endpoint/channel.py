"""The part of a connection without verdicts: sends frames, receives messages and control frames."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import trio

from ..evidence.result import Direction, EntryKind, Reason
from ..evidence.transcript import Conversation, Ending
from ..registry.requirement import Role
from ..transport.stream import Reset, Stream, send_pieces
from ..wire.blocks import LARGEST_WINDOW
from ..wire.close import CloseBody
from ..wire.deflate import Deflater, InflateError, Inflater, TooLong
from ..wire.frame import BINARY, CLOSE, CONTINUATION, PING, PONG, RSV1, TEXT, Frame, FrameReader, opcode_name
from ..words import counted
from .session import CaseSubject, Session, Unreached

#: From this number of octets on, we read while we send, so that a target that answers at once cannot block both ends.
_READ_WHILE_SENDING = 1 << 15

#: Seconds in which we finish sending after the target has ended its own direction of the stream.
_SEND_AFTER_END = 0.1

#: Most octets kept of one connection: frames, and the start of an incomplete one. Several connections run at once.
_MOST_KEPT = 1 << 24
#: Most octets to which one message may inflate.
_MOST_INFLATED = 1 << 25
#: Most octets of one compressed message of the target, on the wire; reading stops there, the message may be endless.
_MOST_COMPRESSED = 1 << 22


@dataclass(frozen=True, slots=True)
class Received:
    """A whole message (opcode Text or Binary, reassembled and inflated) or a control frame, and its last entry.

    While a message waits in the inbox, `payload` may not be inflated yet (`is_compressed`).
    """

    opcode: int
    payload: bytes
    entry: int
    is_compressed: bool = False

    def __str__(self) -> str:
        name = opcode_name(self.opcode)
        if self.opcode == CLOSE:
            return f"{name} {CloseBody(self.payload)}"
        return f"{name} of {counted(len(self.payload), 'octet')} ({show(self.payload)})"


def show(payload: bytes, most: int = 24) -> str:
    """Return the first `most` octets of `payload` for a finding: quoted if printable ASCII, else in hexadecimal."""
    head = payload[:most]
    text = f'"{head.decode()}"' if head.isascii() and head.decode().isprintable() else head.hex(" ")
    return text + (" ..." if len(payload) > most else "")


class Channel(CaseSubject):
    """Sends frames, receives messages and control frames, answers Pings; there is no verdict here.

    If permessage-deflate was negotiated, `compressed` compresses our messages with the negotiated window, and the
    target's messages are inflated one by one, when `next` returns them. Inflating always uses the largest window and
    context takeover; `compressed_messages` checks whether the target kept to the negotiated parameters.
    """

    def __init__(self, session: Session, stream: Stream, conversation: Conversation, leftover: bytes = b"") -> None:
        self.session, self.stream, self.conversation = session, stream, conversation
        self.number = conversation.number
        self.answers_pings = True
        self.answers_close = True
        self.ends_tcp = True
        self.sent_close = False
        self.half_closed = False
        #: Called with received octets before they are parsed into frames; returns the octets it did not consume.
        self.interceptor: Callable[[bytes], bytes] | None = None
        self._reader = FrameReader()
        self._inbox: deque[Received] = deque()
        self._first: Frame | None = None
        self._parts: list[bytes] = []
        self._size = self._kept = self._window_octets = 0
        self._inflater, self._deflater = self._coders()
        if leftover:
            self._feed(leftover)

    def _coders(self) -> tuple[Inflater | None, Deflater | None]:
        extension = self.conversation.deflate
        if extension is None:
            return None, None
        bits, takeover = self.window
        return Inflater(limit=_MOST_INFLATED), Deflater(bits, takeover=takeover)

    @property
    def window(self) -> tuple[int, bool]:
        """The negotiated compression of our messages: the window in bits, and whether there is context takeover."""
        extension, us = self.conversation.deflate, self.role.value
        if extension is None:
            return 15, False
        return _window_bits(extension.get(f"{us}_max_window_bits")), extension.get(f"{us}_no_context_takeover") is None

    @property
    def role(self) -> Role:
        """The role that we play on this connection."""
        return self.conversation.role.other

    @property
    def window_octets(self) -> int:
        """How many octets of our earlier messages a compressed one may refer to; 0 without context takeover."""
        return self._window_octets

    # --- send

    def prepare(self, frame: Frame, masked: bool | None = None, key: bytes | None = None) -> Frame:
        """Return `frame` ready to send: masked if our role or `masked` asks for it, with `key` or a fresh key."""
        if frame.key is not None:
            return frame
        if not (self.role.masks if masked is None else masked):
            return frame
        return frame.masked(key if key is not None else self.session.random.randbytes(4))

    async def send_prepared(
        self, frames: Iterable[Frame], pieces: Sequence[int] | None = None, tail: bytes = b""
    ) -> None:
        """Send prepared `frames`, then `tail`, in one segment or in `pieces`; record it if the target is gone."""
        parts = list[bytes]()
        for frame in frames:
            encoded = frame.encode()
            entry = self._record_sent("frame", f"{frame}{_content(frame)}", encoded)
            self.conversation.sent.append(frame)
            if frame.opcode == CLOSE:
                self.sent_close = True
                self.mark_our_end(entry)
            parts.append(encoded)
        if tail:
            self._record_sent("octets", counted(len(tail), "octet"), tail)
            self.conversation.sent_raw = True
            parts.append(tail)
        # `join` does not copy if there is one part, and the largest frames are sent alone.
        await self.send_unrecorded(b"".join(parts), pieces)

    def mark_our_end(self, entry: int) -> None:
        """Record that we began to end the connection with `entry`, unless we had begun before."""
        if self.conversation.left_at is None:
            self.conversation.left_at = entry

    def _record_sent(self, kind: str, summary: str, octets: bytes) -> int:
        return self.session.transcript.add(Direction.OURS, kind, summary, octets, self.number)

    async def send_unrecorded(self, octets: bytes, pieces: Sequence[int] | None = None) -> None:
        """Send `octets` without a transcript entry."""
        try:
            if pieces:
                await send_pieces(self.stream, octets, pieces)
            elif len(octets) < _READ_WHILE_SENDING:
                await self.stream.send(octets)
            else:
                await self._send_while_reading(octets)
        except Reset as problem:
            self.session.event(f"could not send: {problem}", self.number)

    async def _send_while_reading(self, octets: bytes) -> None:
        stopped: Unreached | None = None
        scope = trio.move_on_after(self.session.limits.patience * 4)

        async def read() -> None:
            nonlocal stopped
            try:
                while self.conversation.ending is None:
                    await self.pull()
                # The target has ended its direction: it will answer nothing more, and may not read the rest either.
                scope.deadline = min(scope.deadline, trio.current_time() + _SEND_AFTER_END)
            except Unreached as unreached:
                stopped = unreached
                nursery.cancel_scope.cancel()

        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(read)
                with scope:
                    await self.stream.send(octets)
                nursery.cancel_scope.cancel()
        except* Reset as group:
            raise Reset(str(group.exceptions[0])) from None
        if stopped is not None:
            raise stopped
        if scope.cancelled_caught:
            self.session.event("the target stopped reading; the rest was not sent", self.number)

    # --- receive

    async def next(self, deadline: float) -> Received | None:
        """Return the next message or control frame; None if the stream has ended (see `ended`), or after `deadline`.

        Answers Pings. Raises Unreached above a limit (see `pull`).
        """
        while True:
            if self._inbox:
                received = self._inflated(self._inbox.popleft())
                if received.opcode == PING and self.answers_pings and not (self.sent_close or self.half_closed):
                    await self.send_prepared([self.prepare(Frame.pong(received.payload))])
                return received
            if self.ended is not None:
                return None
            if trio.current_time() >= deadline:
                await trio.lowlevel.checkpoint()
                self.session.waited_out = True
                return None
            with trio.move_on_at(deadline):
                await self.pull()

    @property
    def ended(self) -> Ending | None:
        """How the target ended the stream; None while it is open."""
        return self.conversation.ending

    @property
    def latest_entry(self) -> int:
        """The number of the latest transcript entry; see `frames_since`."""
        last = self.session.transcript.last
        return -1 if last is None else last

    def frames_since(self, entry: int) -> list[tuple[int, Frame]]:
        """Return the target's frames, with their entries, that came after transcript entry `entry`.

        A case reads `latest_entry` before its stimulus, so that frames of earlier exchanges do not count.
        """
        return [(number, frame) for number, frame in self.conversation.frames if number > entry]

    def next_nowait(self) -> Received | None:
        """Return the next message or control frame that was already received, or None. Pings are not answered."""
        return self._inflated(self._inbox.popleft()) if self._inbox else None

    def inflate(self, octets: bytes) -> bytes:
        """Inflate a compressed message of the target; raises InflateError if it cannot be inflated."""
        return self._inflater.decompress(octets) if self._inflater else octets

    async def pull(self) -> None:
        """Wait for octets, or for the end of the stream, and parse the octets into frames.

        Raises Unreached if the target sent more octets or frames than we read in one case or on one connection.
        """
        try:
            octets = await self.stream.receive()
        except Reset as problem:
            self._end(Ending.RST, str(problem))
            return
        if not octets:
            tls = self.stream.tls
            self._end(Ending.FIN, "FIN without close_notify" if tls and tls.closed is False else "FIN")
            return
        self.session.count(len(octets))
        self._feed(octets if self.interceptor is None else self.interceptor(octets))

    def _end(self, ending: Ending, summary: str) -> None:
        if self._reader.pending:
            self.conversation.residue = self._reader.residue
            self._record_received(
                "octets", f"{counted(self._reader.pending, 'octet')} of an incomplete frame", self.conversation.residue
            )
        self.conversation.ending = ending
        kind = EntryKind.FIN if ending is Ending.FIN else EntryKind.RST
        self.conversation.end_entry = self._record_received(kind, summary, b"")

    def _record_received(self, kind: str, summary: str, octets: bytes) -> int:
        return self.session.transcript.add(Direction.TARGET, kind, summary, octets, self.number)

    def divert(self, interceptor: Callable[[bytes], bytes]) -> None:
        """Pass received octets to `interceptor` from now on, beginning with those of an incomplete frame."""
        self.interceptor = interceptor
        residue, self._reader = self._reader.residue, FrameReader()
        if residue:
            self._feed(interceptor(residue))

    def restore(self, residue: bytes = b"") -> None:
        """Parse received octets into frames again, beginning with `residue`."""
        self.interceptor = None
        if residue:
            self._feed(residue)

    def _feed(self, octets: bytes) -> None:
        for frame in self._reader.receive(octets):
            entry = self._record_received("frame", f"{frame}{_content(frame)}", frame.encode())
            self.conversation.frames.append((entry, frame))
            self._kept += len(frame.payload)
            most = self.session.limits.messages
            if len(self.conversation.frames) > most:
                raise Unreached(Reason.ARRANGING, f"the target sent more than {most} frames; reading stopped there")
            self._assemble(frame, entry)
        if self._kept + self._reader.pending > _MOST_KEPT:
            text = f"the target sent more than {_MOST_KEPT} octets on one connection; reading stopped there"
            raise Unreached(Reason.ARRANGING, text)

    def _assemble(self, frame: Frame, entry: int) -> None:
        if frame.is_control:
            self._inbox.append(Received(frame.opcode, frame.payload, entry))
            return
        if frame.opcode != CONTINUATION or self._first is None:
            self._first, self._parts, self._size = frame, [], 0
        self._parts.append(frame.payload)
        self._size += len(frame.payload)
        is_compressed = bool(self._first.rsv & RSV1 and self._inflater)
        if is_compressed and self._size > _MOST_COMPRESSED:
            text = f"a compressed message of the target has more than {_MOST_COMPRESSED} octets; reading stopped there"
            raise Unreached(Reason.ARRANGING, text)
        if not frame.fin:
            return
        self._inbox.append(Received(self._first.opcode, b"".join(self._parts), entry, is_compressed))
        self._first, self._parts = None, []

    def _inflated(self, received: Received) -> Received:
        # Inflate lazily, one message per `next()`, so that a burst of compression bombs is never inflated all at once.
        if not received.is_compressed or self._inflater is None:
            return received
        payload = received.payload
        try:
            payload = self._inflater.decompress(payload)
        except TooLong as problem:
            raise Unreached(Reason.ARRANGING, f"a message of the target {problem}; reading stopped there") from None
        except InflateError as problem:
            self.session.event(f"a message of the target does not inflate: {problem}", self.number)
        self.session.count(max(len(payload) - len(received.payload), 0))
        return replace(received, payload=payload, is_compressed=False)

    # --- helpers for cases

    def random_octets(self, count: int) -> bytes:
        """Return `count` octets, the same in every run with the same seed."""
        return self.session.random.randbytes(count)

    def compress(self, payload: str | bytes) -> bytes:
        """Return `payload` compressed as a message of this connection; raises Unreached if nothing was negotiated."""
        if self._deflater is None:
            raise Unreached(Reason.NOT_OFFERED, "the target did not accept permessage-deflate")
        octets = payload.encode() if isinstance(payload, str) else payload
        if self.window[1]:
            self._window_octets = min(self._window_octets + len(octets), LARGEST_WINDOW)
        return self._deflater.compress(octets)

    def compressed(self, message: Frame) -> Frame:
        """Return `message` (a Text or Binary frame) compressed, with RSV1; it must be the next compressed one sent.

        If context takeover was negotiated for us, its payload may refer to the compressed messages before it. Raises
        Unreached if nothing was negotiated. For payload data from elsewhere use `Frame.text(octets, rsv=RSV1)`.
        """
        return replace(message, payload=self.compress(message.payload), rsv=message.rsv | RSV1)


def _window_bits(value: str | None) -> int:
    # The target may have answered anything; the cases about negotiation check the value.
    return next((bits for bits in range(8, 16) if str(bits) == value), 15)


def _content(frame: Frame) -> str:
    """Return the content of `frame` for its transcript entry, after a space; "" without a payload to show."""
    if frame.opcode == CLOSE:
        return f" {CloseBody(frame.payload)}"
    if frame.opcode in (TEXT, BINARY, CONTINUATION, PING, PONG) and frame.payload and not frame.rsv:
        return f" {show(frame.payload)}"
    return ""
