"""One connection of a case, read from its transcript: who said what, who closed first, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from wsconform.evidence.result import Direction, Octets, Result, TranscriptEntry
from wsconform.registry.requirement import Role
from wsconform.wire.close import CloseBody
from wsconform.wire.frame import CLOSE, Header, apply_mask, read_header

__all__ = ["Seen", "SeenFrame", "pick"]


@dataclass(frozen=True, slots=True)
class SeenFrame:
    """A frame of the transcript; `payload` is unmasked, and only its beginning where the entry's octets are cut."""

    ours: bool
    header: Header
    payload: bytes
    octets: Octets

    @property
    def is_close(self) -> bool:
        """Whether it is a Close, and nothing in its first octet is wrong: one with RSV bits closes nothing."""
        return self.header.opcode == CLOSE and self.header.fin and not self.header.rsv

    @property
    def body(self) -> CloseBody:
        """The payload, read as that of a Close."""
        return CloseBody(self.payload)


def _frame(entry: TranscriptEntry) -> SeenFrame | None:
    header = read_header(entry.octets.head)
    if header is None:
        return None
    masked = entry.octets.head[header.size :]
    payload = masked if header.key is None else apply_mask(masked, header.key)
    return SeenFrame(entry.direction is Direction.OURS, header, payload, entry.octets)


@dataclass(frozen=True)
class Seen:
    """The entries of one connection, and what they say."""

    role: Role
    entries: tuple[TranscriptEntry, ...]

    @cached_property
    def frames(self) -> tuple[SeenFrame, ...]:
        """All frames, in order."""
        return tuple(frame for _, frame in self.steps() if frame is not None)

    def steps(self) -> Iterator[tuple[TranscriptEntry, SeenFrame | None]]:
        """Return every entry in order, with its frame if it is one."""
        for entry in self.entries:
            yield entry, _frame(entry) if entry.kind == "frame" else None

    @cached_property
    def request(self) -> TranscriptEntry | None:
        """The opening request, whoever sent it."""
        return next((entry for entry in self.entries if entry.kind == "request"), None)

    @cached_property
    def response(self) -> TranscriptEntry | None:
        """The answer to it."""
        return next((entry for entry in self.entries if entry.kind == "response"), None)

    @property
    def opened(self) -> bool:
        """Whether the opening handshake was completed, as its status line says."""
        return self.response is not None and self.response.octets.head.partition(b" ")[2].startswith(b"101")

    @cached_property
    def our_close(self) -> SeenFrame | None:
        """Our first Close."""
        return next((frame for frame in self.frames if frame.ours and frame.is_close), None)

    @cached_property
    def their_close(self) -> SeenFrame | None:
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
        """Whose Close, or end of the stream in place of one, came first; None where we ended it without a Close."""
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
        """Whether TCP was ended by us: we did so first, or the target never did."""
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
        """From the end of the opening handshake to the last entry; 0 where there was none."""
        if not self.opened or self.response is None:
            return 0
        return (self.entries[-1].micros - self.response.micros) // 1000


def pick(result: Result) -> Seen:
    """Return the connection of `result` that decided: that of its finding, else the first that was opened."""
    numbers = list(dict.fromkeys(entry.connection for entry in result.transcript))
    found = {
        number: Seen(result.role, tuple(entry for entry in result.transcript if entry.connection == number))
        for number in numbers
    }
    finding = result.finding
    if finding is not None and finding.entry is not None and finding.entry < len(result.transcript):
        return found[result.transcript[finding.entry].connection]
    opened = (seen for seen in found.values() if seen.opened)
    return next(opened, next(iter(found.values()), Seen(result.role, ())))
