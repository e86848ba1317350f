"""Frames out, messages and control frames in: the part of a connection that judges nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import trio

from ..evidence.result import Direction, Reason
from ..evidence.transcript import Conversation, Ending
from ..registry.requirement import Role
from ..transport.stream import Reset, Stream, send_pieces
from ..wire.blocks import LARGEST_WINDOW
from ..wire.close import CloseBody
from ..wire.deflate import Deflater, InflateError, Inflater, TooLong
from ..wire.frame import BINARY, CLOSE, CONTINUATION, PING, PONG, RSV1, TEXT, Frame, FrameReader, opcode_name
from .session import CaseSubject, Session, Unreached

#: From this many octets on, we read while we send, so that a target that answers at once cannot block both ends.
_LARGE = 1 << 15

#: Seconds for which we go on sending to a target that has ended its own direction of the stream.
_AFTER_THE_END = 0.1

#: Octets of one connection that are held at most, frames and the start of one that is not whole; several run at once.
_HELD = 1 << 24
#: Octets to which one message may inflate.
_INFLATED = 1 << 25
#: Octets of one compressed message of the target's, on the wire, at which reading stops: it has no end then.
_PACKED = 1 << 22


@dataclass(frozen=True, slots=True)
class Received:
    """A whole message (opcode Text or Binary, reassembled and inflated) or a control frame, and its last entry.

    `packed` says of one that nobody has asked for yet that `payload` is still compressed.
    """

    opcode: int
    payload: bytes
    entry: int
    packed: bool = False

    def __str__(self) -> str:
        name = opcode_name(self.opcode)
        if self.opcode == CLOSE:
            return f"{name} {CloseBody(self.payload)}"
        return f"{name} of {len(self.payload)} octets ({show(self.payload)})"


def show(payload: bytes, most: int = 24) -> str:
    """Return the start of `payload` for a finding: in quotes where it is printable ASCII, else in hexadecimal."""
    head = payload[:most]
    text = f'"{head.decode()}"' if head.isascii() and head.decode().isprintable() else head.hex(" ")
    return text + (" ..." if len(payload) > most else "")


class Channel(CaseSubject):
    """Frames out, messages and control frames in; answers Pings, judges nothing.

    Where permessage-deflate was agreed, `compressed` makes frames of messages of ours, with the window that we may
    use, and messages of the target are inflated, one at a time, as they are asked for. That is done with the largest
    window and with takeover, whatever was agreed: whether the target kept to it, `compressed_messages` tells.
    """

    def __init__(self, session: Session, stream: Stream, conversation: Conversation, leftover: bytes = b"") -> None:
        self.session, self.stream, self.conversation = session, stream, conversation
        self.number = conversation.number
        self.answers_pings = True
        self.answers_close = True
        self.ends_tcp = True
        self.sent_close = False
        self.half_closed = False
        #: Who is handed the octets that come before frames are made of them, and returns those that are not its own.
        self.taker: Callable[[bytes], bytes] | None = None
        self._reader = FrameReader()
        self._inbox: deque[Received] = deque()
        self._first: Frame | None = None
        self._parts: list[bytes] = []
        self._size = self._held = self._window_octets = 0
        self._inflater, self._deflater = self._coders()
        if leftover:
            self._feed(leftover)

    def _coders(self) -> tuple[Inflater | None, Deflater | None]:
        extension = self.conversation.deflate
        if extension is None:
            return None, None
        bits, takeover = self.window
        return Inflater(limit=_INFLATED), Deflater(bits, takeover=takeover)

    @property
    def window(self) -> tuple[int, bool]:
        """What was agreed for messages of ours: the window's bits, and whether it lives on between them."""
        extension, us = self.conversation.deflate, self.session.our_role.value
        if extension is None:
            return 15, False
        return _window_bits(extension.get(f"{us}_max_window_bits")), extension.get(f"{us}_no_context_takeover") is None

    @property
    def window_octets(self) -> int:
        """How many octets of earlier messages of ours a compressed one may refer to; 0 without context takeover."""
        return self._window_octets

    # --- out

    def prepare(self, frame: Frame, masked: bool | None = None, key: bytes | None = None) -> Frame:
        """Return `frame` as it goes out: masked if our role masks, unless `masked` says otherwise, with a fresh key."""
        if frame.key is not None:
            return frame
        if not (self.session.our_role.masks if masked is None else masked):
            return frame
        return frame.masked(key if key is not None else self.session.random.randbytes(4))

    async def put(self, frames: Iterable[Frame], pieces: Sequence[int] | None = None, tail: bytes = b"") -> None:
        """Send prepared `frames`, then `tail`, in one segment or in `pieces`; a target that is gone is no error."""
        parts = list[bytes]()
        for frame in frames:
            encoded = frame.encode()
            entry = self._record_out("frame", f"{frame}{_told(frame)}", encoded)
            self.conversation.sent.append(frame)
            if frame.opcode == CLOSE:
                self.sent_close = True
                self.leave(entry)
            parts.append(encoded)
        if tail:
            self._record_out("octets", f"{len(tail)} octets", tail)
            self.conversation.sent_raw = True
            parts.append(tail)
        # One part is joined without a copy, and the largest frames go alone.
        await self.put_octets(b"".join(parts), pieces)

    def leave(self, entry: int) -> None:
        """Note that with `entry` we began to end the connection, if we had not before."""
        if self.conversation.left_at is None:
            self.conversation.left_at = entry

    def _record_out(self, kind: str, summary: str, octets: bytes) -> int:
        return self.session.transcript.add(Direction.OURS, kind, summary, octets, self.number)

    async def put_octets(self, octets: bytes, pieces: Sequence[int] | None = None) -> None:
        """Send `octets` without recording them."""
        try:
            if pieces:
                await send_pieces(self.stream, octets, pieces)
            elif len(octets) < _LARGE:
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
                # Whoever ended its own direction answers nothing more, and need not read the rest either.
                scope.deadline = min(scope.deadline, trio.current_time() + _AFTER_THE_END)
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

    # --- in

    async def next(self, deadline: float) -> Received | None:
        """Return what comes next; None if the stream has ended (`ended` says how) or `deadline` is over."""
        while True:
            if self._inbox:
                received = self._unpacked(self._inbox.popleft())
                if received.opcode == PING and self.answers_pings and not (self.sent_close or self.half_closed):
                    await self.put([self.prepare(Frame.pong(received.payload))])
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

    def arrived(self) -> Received | None:
        """Return what has come already and was not read; None where there is nothing. Its Ping is not answered."""
        return self._unpacked(self._inbox.popleft()) if self._inbox else None

    def inflate(self, octets: bytes) -> bytes:
        """Inflate a compressed message of the target; InflateError where it is none."""
        return self._inflater.decompress(octets) if self._inflater else octets

    async def pull(self) -> None:
        """Wait for octets, and make of them what they are: frames, the stream's end; raises Unreached past a cap."""
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
        self._feed(octets if self.taker is None else self.taker(octets))

    def _end(self, ending: Ending, words: str) -> None:
        if self._reader.pending:
            self.conversation.residue = self._reader.residue
            self._record_in(
                "octets", f"{self._reader.pending} octets that make no whole frame", self.conversation.residue
            )
        self.conversation.ending = ending
        self.conversation.end_entry = self.session.transcript.add(Direction.TARGET, "event", words, b"", self.number)

    def _record_in(self, kind: str, summary: str, octets: bytes) -> int:
        return self.session.transcript.add(Direction.TARGET, kind, summary, octets, self.number)

    def divert(self, taker: Callable[[bytes], bytes]) -> None:
        """Hand what comes to `taker` from now on, beginning with what came and made no frame yet."""
        self.taker = taker
        residue, self._reader = self._reader.residue, FrameReader()
        if residue:
            self._feed(taker(residue))

    def restore(self, residue: bytes = b"") -> None:
        """Make frames of what comes again, beginning with `residue`."""
        self.taker = None
        if residue:
            self._feed(residue)

    def _feed(self, octets: bytes) -> None:
        for frame in self._reader.receive(octets):
            entry = self._record_in("frame", f"{frame}{_told(frame)}", frame.encode())
            self.conversation.frames.append((entry, frame))
            self._held += len(frame.payload)
            if len(self.conversation.frames) > self.session.limits.messages:
                raise Unreached(
                    Reason.ARRANGING, f"more than {self.session.limits.messages} frames came; reading stopped"
                )
            self._assemble(frame, entry)
        if self._held + self._reader.pending > _HELD:
            raise Unreached(Reason.ARRANGING, f"more than {_HELD} octets came on one connection; reading stopped there")

    def _assemble(self, frame: Frame, entry: int) -> None:
        if frame.is_control:
            self._inbox.append(Received(frame.opcode, frame.payload, entry))
            return
        if frame.opcode != CONTINUATION or self._first is None:
            self._first, self._parts, self._size = frame, [], 0
        self._parts.append(frame.payload)
        self._size += len(frame.payload)
        packed = bool(self._first.rsv & RSV1 and self._inflater)
        if packed and self._size > _PACKED:
            what = f"a compressed message of the target has more than {_PACKED} octets; reading stopped there"
            raise Unreached(Reason.ARRANGING, what)
        if not frame.fin:
            return
        self._inbox.append(Received(self._first.opcode, b"".join(self._parts), entry, packed))
        self._first, self._parts = None, []

    def _unpacked(self, received: Received) -> Received:
        # Only now: a target that sends a hundred bombs in a row has to wait with each until we ask for it.
        if not received.packed or self._inflater is None:
            return received
        payload = received.payload
        try:
            payload = self._inflater.decompress(payload)
        except TooLong as problem:
            raise Unreached(Reason.ARRANGING, f"a message of the target {problem}; reading stopped there") from None
        except InflateError as problem:
            self.session.event(f"a message of the target does not inflate: {problem}", self.number)
        self.session.count(max(len(payload) - len(received.payload), 0))
        return replace(received, payload=payload, packed=False)

    # --- what all of a case's helpers need

    @property
    def role(self) -> Role:
        """The role that we play."""
        return self.session.our_role

    def random_octets(self, count: int) -> bytes:
        """Return `count` octets, the same in every run with the same seed."""
        return self.session.random.randbytes(count)

    def compress(self, payload: str | bytes) -> bytes:
        """Return `payload` compressed as a message of this connection; Unreached where nothing was negotiated."""
        if self._deflater is None:
            raise Unreached(Reason.NOT_OFFERED, "the target did not accept permessage-deflate")
        octets = payload.encode() if isinstance(payload, str) else payload
        if self.window[1]:
            self._window_octets = min(self._window_octets + len(octets), LARGEST_WINDOW)
        return self._deflater.compress(octets)

    def compressed(self, message: Frame) -> Frame:
        """Return `message` (a Text or Binary frame) as a compressed one, with RSV1, to be sent next of all such.

        Its payload may refer to the compressed messages before it, where context takeover is agreed for us. Raises
        Unreached where nothing was negotiated. Payload data made otherwise goes into `Frame.text(octets, rsv=RSV1)`.
        """
        return replace(message, payload=self.compress(message.payload), rsv=message.rsv | RSV1)


def _window_bits(value: str | None) -> int:
    # A target may have answered anything; whether it was right to is for the cases about negotiation.
    return next((bits for bits in range(8, 16) if str(bits) == value), 15)


def _told(frame: Frame) -> str:
    if frame.opcode == CLOSE:
        return f" {CloseBody(frame.payload)}"
    if frame.opcode in (TEXT, BINARY, CONTINUATION, PING, PONG) and frame.payload and not frame.rsv:
        return f" {show(frame.payload)}"
    return ""
