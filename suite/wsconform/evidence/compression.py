"""Reading a target's compressed messages block by block: block types, distances, endings (RFC 7692 section 7.2).

    for message in compressed_messages(conversation):
        message.entry       # the transcript entry of its last frame
        message.payload     # its payload data, all fragments joined
        message.state       # CompressedState: READ, INVALID, UNREADABLE or SKIPPED
        message.usage       # wire.blocks.Usage: distance, reach, blocks, end, inflated payload; None unless READ
        message.error       # the reason why it is INVALID or UNREADABLE

`usage.distance` is the largest distance in octets; the negotiated window has to be at least as large. `usage.reach` is
how far a match goes back beyond the start of its message, into earlier messages: 0 for a message that can be inflated
alone. Messages are read with the largest window, whatever was negotiated, so that a distance beyond the negotiated
window is an observation, not an error.

The result is computed at the first call and cached with the conversation. Messages past a `Budget` are not read, but
inflated for the window; after an invalid message, no message is read that could refer to it. Reading block by block
costs about a microsecond per symbol. Monitors examine every connection of a run, so they use the small budget `GLANCE`;
if a case has already read the same connection with the budget `WHOLE`, they get that result.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..wire.blocks import BlockError, PayloadEnd, Usage, read_message
from ..wire.deflate import InflateError, Inflater
from ..wire.frame import CONTINUATION, RSV1, Frame
from .transcript import Conversation


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of a conversation is read block by block: octets on the wire, and octets after inflating."""

    octets: int
    inflated: int


WHOLE = Budget(1 << 20, 1 << 23)
GLANCE = Budget(1 << 12, 1 << 15)


class CompressedState(enum.Enum):
    """How far a compressed message was read."""

    READ = "read block by block"
    INVALID = "not DEFLATE"
    UNREADABLE = "follows an invalid message, whose octets it may refer to"
    SKIPPED = "past the budget"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compressed:
    """One compressed message of the target.

    `entry` is the transcript entry of its last frame, `opcode` its type, `frames` the number of its frames, `payload`
    the payload data of all of them. Only READ messages have a `usage`. `error` is the reason why a message is
    INVALID or UNREADABLE, else ""; `undefined_distance` is True if the reason is a distance code that RFC 1951 does not
    define (30 or 31).
    """

    entry: int
    opcode: int
    frames: int
    payload: bytes
    state: CompressedState
    usage: Usage | None = None
    error: str = ""
    undefined_distance: bool = False


def whole_messages(conversation: Conversation) -> Iterator[tuple[int, Frame, bytes, int]]:
    """Yield the complete messages of the target: last entry, first frame, payload as on the wire, number of frames."""
    first, parts = None, list[bytes]()
    for entry, frame in conversation.frames:
        if frame.is_control:
            continue
        if frame.opcode != CONTINUATION or first is None:
            first, parts = frame, []
        parts.append(frame.payload)
        if frame.fin:
            yield entry, first, b"".join(parts), len(parts)
            first = None


def compressed_messages(conversation: Conversation, budget: Budget = WHOLE) -> tuple[Compressed, ...]:
    """Return the target's compressed messages so far (see the module); none if compression was not negotiated."""
    if conversation.deflate is None or not any(frame.rsv & RSV1 for _, frame in conversation.frames):
        return ()
    count = len(conversation.frames)
    kept = conversation.computed.get(compressed_messages)
    if isinstance(kept, _Kept) and (kept.budget, kept.count) == (budget, count):
        return kept.messages
    if isinstance(kept, _Kept) and (kept.budget, budget) == (WHOLE, GLANCE):
        return kept.messages
    messages = tuple(_Reader(budget).read(conversation))
    conversation.computed[compressed_messages] = _Kept(budget, count, messages)
    return messages


@dataclass(frozen=True, slots=True)
class _Kept:
    budget: Budget
    count: int
    messages: tuple[Compressed, ...]


class _Reader:
    """One pass over the messages of one conversation."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.window = b""
        self.octets = self.inflated = 0
        self.lost = False

    def read(self, conversation: Conversation) -> Iterator[Compressed]:
        for entry, first, payload, frames in whole_messages(conversation):
            if not first.rsv & RSV1:
                continue
            message = Compressed(
                entry=entry, opcode=first.opcode, frames=frames, payload=payload, state=CompressedState.SKIPPED
            )
            yield self._read_message(message)

    def _read_message(self, message: Compressed) -> Compressed:
        """Return `message` with the outcome of reading it."""
        payload = message.payload
        if self.lost:
            error = "follows a message that is not DEFLATE"
            return replace(message, state=CompressedState.UNREADABLE, error=error)
        if self.octets + len(payload) > self.budget.octets or self.inflated >= self.budget.inflated:
            self._skip(payload)
            return message
        self.octets += len(payload)
        try:
            usage = read_message(payload, self.window, limit=self.budget.inflated - self.inflated)
        except BlockError as problem:
            self._skip(payload)
            # Exceeding the limit of the budget is not an error of the target.
            if not self.lost:
                return message
            undefined = problem.undefined_distance
            return replace(message, state=CompressedState.INVALID, error=str(problem), undefined_distance=undefined)
        self.lost = usage.end is PayloadEnd.CUT
        self.inflated += len(usage.payload)
        self.window = usage.carried(self.window)
        return replace(message, state=CompressedState.READ, usage=usage)

    def _skip(self, payload: bytes) -> None:
        inflater = Inflater()
        try:
            # A stored block with the window comes first, so that the message can refer to it.
            size = len(self.window).to_bytes(2, "little") + (len(self.window) ^ 0xFFFF).to_bytes(2, "little")
            inflater.decompress(b"\x00" + size + self.window + b"\x00")
            self.window = (self.window + inflater.decompress(payload)[-(1 << 15) :])[-(1 << 15) :]
        except InflateError:
            self.lost = True
