"""Messages of any size: their payload is made, masked and cut into frames while it is sent, never kept as a whole."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ...evidence.result import Reason
from ...wire.deflate import Deflater
from ...wire.frame import CONTINUATION, RSV1, Frame, apply_mask, opcode_name
from ...words import counted
from ..channel import show
from ..connection import Connection
from ..session import Unreached

__all__ = ["PIECE", "Message", "RepeatedOctets", "replayed"]

#: Octets of a piece that is made, masked and sent at once.
PIECE = 1 << 16
#: Most octets of a frame whose payload is made at once.
_SHORT = 1 << 12


@dataclass(frozen=True, slots=True)
class RepeatedOctets:
    """A payload of `length` octets that repeats `pattern` and takes almost no memory."""

    pattern: bytes
    length: int

    def at(self, start: int, count: int) -> bytes:
        """Return `count` octets, beginning at `start`."""
        turn = start % len(self.pattern)
        block = _block(self.pattern, count + turn)
        return block if turn == 0 and len(block) == count else block[turn : turn + count]


@lru_cache(maxsize=8)
def _repeated(pattern: bytes, times: int) -> bytes:
    return pattern * times


def _block(pattern: bytes, count: int) -> bytes:
    # Round up to a power of two, so that the cache of a few blocks serves every piece.
    times = -(-max(count, 1) // len(pattern))
    return _repeated(pattern, 1 << (times - 1).bit_length())


@dataclass(frozen=True, slots=True)
class Message:
    """A message to send: `payload` is its content; `deflated` is the compressed content, if it is sent compressed.

    `fragment` is the size in octets of every frame but the last, which is shorter, and may be empty. None: one frame.
    """

    opcode: int
    payload: bytes | RepeatedOctets
    deflated: bytes | None = None
    fragment: int | None = None

    @property
    def length(self) -> int:
        """The number of octets of the content."""
        return self.payload.length if isinstance(self.payload, RepeatedOctets) else len(self.payload)

    @property
    def on_wire(self) -> int:
        """The number of octets that the frames carry."""
        return self.length if self.deflated is None else len(self.deflated)

    def __str__(self) -> str:
        """Return type, size and first octets, for findings."""
        return (
            f"{opcode_name(self.opcode)} of {counted(self.length, 'octet')} ({show(self.at(0, min(25, self.length)))})"
        )

    def at(self, start: int, count: int) -> bytes:
        """Return `count` octets of the content, beginning at `start`."""
        return (
            self.payload.at(start, count)
            if isinstance(self.payload, RepeatedOctets)
            else self.payload[start : start + count]
        )

    def frames(self) -> Iterator[tuple[Frame, int, int, int]]:
        """Yield (stub, start, count, alike) for each frame.

        The stub has no payload and announces `count` octets, which begin at `start`. `alike` is the number of frames in
        a row with this header: frames in the middle of a message are yielded together, as many as fill a piece.
        """
        rsv = 0 if self.deflated is None else RSV1
        size, total, at = self.fragment or max(self.on_wire, 1), self.on_wire, 0
        if self.fragment is not None and total >= size:
            yield _stub(self.opcode, False, rsv, size), 0, size, 1
            at, inner, most = size, _stub(CONTINUATION, False, 0, size), max(1, PIECE // size)
            while alike := min((total - at) // size, most):
                yield inner, at, size, alike
                at += alike * size
        yield _stub(CONTINUATION if at else self.opcode, True, 0 if at else rsv, total - at), at, total - at, 1

    def octets(self, start: int, count: int) -> bytes:
        """Return `count` octets as frames carry them, unmasked, beginning at `start`."""
        return self.at(start, count) if self.deflated is None else self.deflated[start : start + count]

    def masked(self, start: int, count: int, key: bytes | None) -> Iterable[bytes]:
        """Return the payload data of a frame, `count` octets beginning at `start`, masked with `key`, in pieces."""
        if self.deflated is None and isinstance(self.payload, RepeatedOctets) and count > _SHORT:
            return _masked_run(self.payload, start, count, key)
        piece = self.octets(start, count)
        return (piece if key is None else apply_mask(piece, key),)


def _masked_run(run: RepeatedOctets, start: int, count: int, key: bytes | None) -> Iterator[bytes]:
    # The masked octets repeat, too, so one block is masked once and sent many times.
    period = math.lcm(len(run.pattern), 4)
    block = run.at(start, min(count, max(period, PIECE // period * period)))
    if key is not None:
        block = apply_mask(block, key)
    whole, rest = divmod(count, len(block) or 1)
    for _ in range(whole):
        yield block
    if rest:
        yield block[:rest]


@lru_cache(maxsize=256)
def _stub(opcode: int, fin: bool, rsv: int, length: int) -> Frame:
    return Frame(opcode, fin=fin, rsv=rsv, announced=length)


def replayed(
    ws: Connection, payloads: Sequence[bytes], opcode: int, count: int, fragment: int | None
) -> Iterator[Message]:
    """Yield `count` compressed messages that repeat `payloads`; each payload is compressed at most twice.

    With context takeover, a message depends on the 32768 octets before it. If `payloads` together are that long, these
    octets are the same in every repetition from the second on, and so are the compressed messages. Without context
    takeover, a compressed message is the same on every connection. Raises Unreached, reason NOT_OFFERED, if
    permessage-deflate was not negotiated.
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
