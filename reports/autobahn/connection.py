"""One connection of a case, read from its transcript: the frames of both ends, the first Close, and the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from wsconform.evidence.result import Direction, Octets, Result, TranscriptEntry
from wsconform.registry.requirement import Role
from wsconform.wire.close import CloseBody
from wsconform.wire.frame import CLOSE, Header, apply_mask, read_header

__all__ = ["ObservedConnection", "ObservedFrame", "deciding_connection"]


@dataclass(frozen=True, slots=True)
class ObservedFrame:
    """A frame of the transcript; `payload` is unmasked, and cut if the entry's octets are cut."""

    ours: bool
    header: Header
    payload: bytes
    octets: Octets

    @property
    def is_close(self) -> bool:
        """Whether it is a Close with a valid first octet. A Close with RSV bits does not close a connection."""
        return self.header.opcode == CLOSE and self.header.fin and not self.header.rsv

    @property
    def body(self) -> CloseBody:
        """The payload as the body of a Close."""
        return CloseBody(self.payload)


def _frame(entry: TranscriptEntry) -> ObservedFrame | None:
    header = read_header(entry.octets.head)
    if header is None:
        return None
    masked = entry.octets.head[header.size :]
    payload = masked if header.key is None else apply_mask(masked, header.key)
    return ObservedFrame(entry.direction is Direction.OURS, header, payload, entry.octets)


@dataclass(frozen=True)
class ObservedConnection:
    """The entries of one connection, and the facts derived from them."""

    role: Role
    entries: tuple[TranscriptEntry, ...]

    @cached_property
    def frames(self) -> tuple[ObservedFrame, ...]:
        """All frames, in order."""
        return tuple(frame for _, frame in self.steps() if frame is not None)

    def steps(self) -> Iterator[tuple[TranscriptEntry, ObservedFrame | None]]:
        """Yield every entry in order, with its frame, or None if it is not a frame."""
        for entry in self.entries:
            yield entry, _frame(entry) if entry.kind == "frame" else None

    @cached_property
    def request(self) -> TranscriptEntry | None:
        """The opening request, of either end."""
        return next((entry for entry in self.entries if entry.kind == "request"), None)

    @cached_property
    def response(self) -> TranscriptEntry | None:
        """The response to the opening request."""
        return next((entry for entry in self.entries if entry.kind == "response"), None)

    @property
    def opened(self) -> bool:
        """Whether the opening handshake was completed: the status is 101."""
        return self.response is not None and self.response.octets.head.partition(b" ")[2].startswith(b"101")

    @cached_property
    def our_close(self) -> ObservedFrame | None:
        """Our first Close."""
        return next((frame for frame in self.frames if frame.ours and frame.is_close), None)

    @cached_property
    def their_close(self) -> ObservedFrame | None:
        """The target's first Close."""
        return next((frame for frame in self.frames if not frame.ours and frame.header.opcode == CLOSE), None)

    @cached_property
    def end(self) -> TranscriptEntry | None:
        """The target's end of the stream, FIN or RST."""
        return next(
            (each for each in self.entries if each.kind.ends_stream and each.direction is Direction.TARGET), None
        )

    @cached_property
    def our_end(self) -> TranscriptEntry | None:
        """Our own end of the stream."""
        return next(
            (each for each in self.entries if each.kind.ends_stream and each.direction is Direction.EVENT), None
        )

    @cached_property
    def closed_first(self) -> Direction | None:
        """The end that sent the first Close, or closed the stream without one; None if we did the latter."""
        for entry, frame in self.steps():
            if entry is self.end:
                return Direction.TARGET
            if entry is self.our_end:
                return None
            if frame is not None and frame in (self.our_close, self.their_close):
                return entry.direction
        return None

    @property
    def dropped_by_us(self) -> bool:
        """Whether we ended TCP: before the target did, or the target never did."""
        if self.end is None:
            return True
        return self.our_end is not None and self.entries.index(self.our_end) < self.entries.index(self.end)

    @property
    def clean(self) -> bool:
        """Whether Close frames went both ways, and a server ended TCP after them."""
        both = self.our_close is not None and self.their_close is not None
        return both and (self.role is Role.CLIENT or self.end is not None)

    @property
    def milliseconds(self) -> int:
        """The time from the end of the opening handshake to the last entry; 0 without an opening handshake."""
        if not self.opened or self.response is None:
            return 0
        return (self.entries[-1].micros - self.response.micros) // 1000


def deciding_connection(result: Result) -> ObservedConnection:
    """Return the connection of `result` that decided: that of the finding, else the first that was opened."""
    numbers = list(dict.fromkeys(entry.connection for entry in result.transcript))
    found = {
        number: ObservedConnection(
            result.role, tuple(entry for entry in result.transcript if entry.connection == number)
        )
        for number in numbers
    }
    finding = result.finding
    if finding is not None and finding.entry is not None and finding.entry < len(result.transcript):
        return found[result.transcript[finding.entry].connection]
    opened = (each for each in found.values() if each.opened)
    return next(opened, next(iter(found.values()), ObservedConnection(result.role, ())))
