"""Observations: the transcript of a case, which becomes evidence, and its conversations, which monitors examine."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ..registry.requirement import Role
from ..transport.stream import TlsFacts
from ..wire.close import UNACCEPTABLE, CloseBody
from ..wire.frame import BINARY, CLOSE, Frame
from ..wire.handshake import DEFLATE, Extension
from ..wire.http1 import Head
from ..words import counted
from .result import Direction, EntryKind, Octets, TranscriptEntry

_FIRST, _LAST = 240, 60

T = TypeVar("T")


class Transcript:
    """The transcript of one case. Of more than 300 entries, the first 240 and the last 60 are kept, unless `whole`."""

    def __init__(self, clock: Callable[[], float], *, whole: bool = False) -> None:
        self._clock, self._whole = clock, whole
        self._start = clock()
        self._head: list[TranscriptEntry] = []
        self._tail: deque[TranscriptEntry] = deque(maxlen=None if whole else _LAST)
        self._count = 0

    @property
    def micros(self) -> int:
        """Microseconds since the start of the case."""
        return int((self._clock() - self._start) * 1e6)

    @property
    def last(self) -> int | None:
        """The number of the latest entry; None if the transcript is empty."""
        return self._count - 1 if self._count else None

    def add(
        self, direction: Direction, kind: str, summary: str, octets: bytes | Octets = b"", connection: int = 1
    ) -> int:
        """Record an entry and return its number; `kind` is an EntryKind or its value.

        Pass `Octets` instead of `bytes` for octets that the caller did not keep. Raises ValueError for an unknown kind.
        """
        kept = octets if isinstance(octets, Octets) else Octets.of(octets, whole=self._whole)
        entry = TranscriptEntry(
            micros=self.micros,
            direction=direction,
            kind=EntryKind(kind),
            summary=summary,
            octets=kept,
            connection=connection,
        )
        (self._head if self._count < _FIRST else self._tail).append(entry)
        self._count += 1
        return self._count - 1

    def entries(self) -> tuple[TranscriptEntry, ...]:
        """Return the entries that were kept; a GAP entry stands for those in the middle that were not."""
        gap = self._count - len(self._head) - len(self._tail)
        if not gap:
            return (*self._head, *self._tail)
        note = TranscriptEntry(
            micros=self._tail[0].micros,
            direction=Direction.EVENT,
            kind=EntryKind.GAP,
            summary=f"{counted(gap, 'entry', 'entries')} left out",
        )
        return (*self._head, note, *self._tail)

    @property
    def omitted(self) -> range:
        """The numbers of the entries that were not kept."""
        return range(len(self._head), self._count - len(self._tail))

    def index(self, number: int | None) -> int | None:
        """Return the position of entry `number` in `entries()`; None if it was not kept."""
        return position(number, self.omitted)


def position(number: int | None, omitted: range) -> int | None:
    """Return the position of entry `number` in a kept transcript that lacks the entries `omitted`; None for those.

    One entry stands for all that were omitted.
    """
    if number is None or number < omitted.start or not omitted:
        return number
    return None if number in omitted else number - len(omitted) + 1


class Ending(enum.Enum):
    """How a target ended the stream."""

    FIN = "FIN"
    RST = "RST"


class Provocation(enum.Enum):
    """The kind of error that a case provokes, for rules about the reactions to all errors of a kind."""

    PROTOCOL = "protocol"
    UTF8 = "UTF-8"
    MASKING = "masking"
    LENGTH = "length"
    LIMIT = "limit"
    #: Compressed data that cannot be inflated; RFC 7692 does not name a status code for it.
    COMPRESSION = "compressed data"
    HANDSHAKE = "handshake"


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """How the target closed a connection: its Close frame and its end of the stream, each None if it did not come.

    `close_after` and `end_after` are seconds from the stimulus, `close_entry` and `end_entry` the numbers of the
    transcript entries.
    """

    close: CloseBody | None
    ending: Ending | None
    close_after: float | None = None
    end_after: float | None = None
    end_entry: int | None = None
    close_entry: int | None = None

    @property
    def entry(self) -> int | None:
        """The number of the entry of the target's Close, or of its end of the stream if it sent no Close."""
        return self.end_entry if self.close_entry is None else self.close_entry

    @property
    def status_code(self) -> int | None:
        """The status code of the target's Close; None if the body is empty, or there is no Close."""
        return self.close.code if self.close else None

    def __str__(self) -> str:
        close = f"Close {self.close}" if self.close else "no Close"
        return f"{close}, then {self.ending.value}" if self.ending else f"{close}, stream open"


@dataclass(slots=True, kw_only=True)
class Conversation:
    """Everything observed on one connection of a case.

    `heads` and `frames` are the target's, with the numbers of their transcript entries; `requests` and `sent` are ours.
    `before_head` are octets in front of the target's head, `residue` octets at the end that do not form a frame.
    """

    number: int
    case: str
    role: Role
    heads: list[tuple[int, Head]] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)
    before_head: bytes = b""
    opened: bool = False
    extensions: tuple[Extension, ...] = ()
    frames: list[tuple[int, Frame]] = field(default_factory=list)
    sent: list[Frame] = field(default_factory=list)
    #: Whether frames were left out that later messages need to be inflated.
    gap: bool = False
    residue: bytes = b""
    ending: Ending | None = None
    end_entry: int | None = None
    broken_by_us: bool = False
    #: The entry of our first Close, or of our end of the stream (FIN, RST) if that came first.
    left_at: int | None = None
    #: Whether we sent raw octets, which may hold anything.
    sent_raw: bool = False
    provoked: Provocation | None = None
    closure: Closure | None = None
    tls: TlsFacts | None = None
    #: Results cached by `once`, keyed by the function that computed them.
    computed: dict[object, object] = field(default_factory=dict, compare=False, repr=False)

    def once(self, compute: Callable[[Conversation], T]) -> T:
        """Return `compute(self)`, computed at the first call only: dozens of monitors need the same results."""
        if compute not in self.computed:
            self.computed[compute] = compute(self)
        return self.computed[compute]  # type: ignore[return-value]  # values under this key are results of `compute`

    @property
    def deflate(self) -> Extension | None:
        """The negotiated permessage-deflate extension; None if it was not negotiated."""
        return next((extension for extension in self.extensions if extension.name == DEFLATE), None)

    @property
    def is_http_again(self) -> bool:
        """Whether a client that refused our response sent its next request on the connection (RFC 9112 section 9.3)."""
        start = self.frames[0][1].encode() if self.frames else self.residue
        return self.role is Role.CLIENT and start.startswith(b"GET ")

    def forget_http(self) -> None:
        """Drop a second HTTP request that was read as frames, so that no monitor examines it."""
        if self.is_http_again:
            self.frames.clear()
            self.residue = b""

    @property
    def declined_binary(self) -> tuple[int, CloseBody] | None:
        """The Close 1003 with which the target declined our binary messages, and its entry (RFC 6455 section 7.4.1).

        None if there is no such Close, if we sent no binary message, or if the target itself sent one.
        """
        ours = {frame.opcode for frame in self.sent}
        theirs = {frame.opcode for _, frame in self.frames}
        if BINARY not in ours or BINARY in theirs:
            return None
        return next((close for close in self.closes() if close[1].code == UNACCEPTABLE), None)

    def closes(self) -> list[tuple[int, CloseBody]]:
        """Return the entry number and the body of each Close frame of the target."""
        return [(entry, CloseBody(frame.payload)) for entry, frame in self.frames if frame.opcode == CLOSE]
