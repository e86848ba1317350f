"""The result of a case: verdict, finding, notes, and the transcript as evidence."""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass, field

from ..registry.requirement import Level, Role


class Verdict(enum.Enum):
    """The outcome of a case. How much a failure matters is the requirement's level, which is separate."""

    PASSED = "the case ran, and the target did what the requirement demands"
    FAILED = "the case ran, and the target broke the requirement"
    DEPARTED = "the target kept the requirement in a way that the RFC permits but discourages"
    INFORMATIONAL = "the RFC leaves a choice; the target's choice was recorded"
    INCONCLUSIVE = "the case did not get to its requirement"
    SKIPPED = "the target's role or features exclude the case"
    ERROR = "wsconform failed; this is not a finding about the target"


class Reason(enum.Enum):
    """Why a case has no decision: LIMIT, ARRANGING and LOST go with INCONCLUSIVE, the others with SKIPPED."""

    LIMIT = "limit"
    ARRANGING = "arranging"
    LOST = "lost"
    NOT_OFFERED = "not-offered"
    NEEDS_ECHO = "needs-echo"
    EXCLUDED = "excluded"
    BUDGET = "budget"


class Mark(enum.Enum):
    """How a report shows a result: symbol, ASCII form, and words."""

    PASSED = ("✓", ".", "passed")
    VIOLATION = ("✗", "F", "violation")
    DEPARTURE = ("!", "W", "departure")
    INFORMATIONAL = ("i", "i", "informational")
    INCONCLUSIVE = ("?", "?", "inconclusive")
    SKIPPED = ("–", "-", "skipped")
    ERROR = ("E", "E", "error")

    @property
    def symbol(self) -> str:
        """The mark on a terminal or page that can show it."""
        return self.value[0]

    @property
    def ascii(self) -> str:
        """The mark in ASCII."""
        return self.value[1]

    @property
    def words(self) -> str:
        """The mark in words."""
        return self.value[2]


class Capability(enum.StrEnum):
    """Keys of the notes in which limit cases record how much a target accepted; docs/judging.md has their format."""

    MESSAGE = "largest message"
    FRAGMENTED_MESSAGE = "largest message in fragments"
    COMPRESSED_MESSAGE = "largest message inflated"
    FRAGMENTS = "most fragments"
    FIELD = "largest header field"
    FIELDS = "most header fields"
    REQUEST_LINE = "longest request line"


class Direction(enum.Enum):
    """Who caused a transcript entry: our end, the target, or neither (an event, our own end of the stream)."""

    OURS = "ours"
    TARGET = "target"
    EVENT = "event"


class EntryKind(enum.StrEnum):
    """The kind of a transcript entry.

    OCTETS are octets that did not form a frame. FIN and RST end one direction of the stream, or both: the target's with
    Direction.TARGET, ours with Direction.EVENT. GAP stands for entries that were not kept. EVENT is anything else.
    """

    REQUEST = "request"
    RESPONSE = "response"
    FRAME = "frame"
    OCTETS = "octets"
    FIN = "fin"
    RST = "rst"
    GAP = "gap"
    EVENT = "event"

    @property
    def ends_stream(self) -> bool:
        """Whether the entry is an end of the stream, FIN or RST."""
        return self in (EntryKind.FIN, EntryKind.RST)


class ResultKind(enum.StrEnum):
    """Whether a result is of one case, or of one monitor, which sums up all conversations of a run."""

    CASE = "case"
    MONITOR = "monitor"


@dataclass(frozen=True, slots=True)
class Octets:
    """Octets as evidence: all of them up to `WHOLE`, else the first 128 and the last 64, the length and the SHA-256."""

    head: bytes = b""
    tail: bytes = b""
    length: int = 0
    sha256: str | None = None

    WHOLE = 256

    @classmethod
    def of(cls, octets: bytes, *, whole: bool = False) -> Octets:
        """Return the evidence for `octets`, all of them if `whole`."""
        if whole or len(octets) <= 256:
            return cls(octets, b"", len(octets))
        return cls(octets[:128], octets[-64:], len(octets), hashlib.sha256(octets).hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptEntry:
    """One line of a transcript.

    `micros` counts microseconds from the start of the case; `connection` numbers the connections of the case from 1.
    """

    micros: int
    direction: Direction
    kind: EntryKind
    summary: str
    octets: Octets = Octets()
    connection: int = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a result is not a plain pass.

    `entry` is the index of the transcript entry that decided. `case` is set by monitors alone: the id of the case
    during which the monitor saw it.
    """

    expected: str
    observed: str
    entry: int | None = None
    case: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """An earlier attempt at a case that was retried."""

    verdict: Verdict
    finding: Finding | None
    micros: int
    transcript: tuple[TranscriptEntry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of one case, or of one monitor, at one target.

    `requirement` is the id of the registry entry that binds the target's role, `cites` the ids of all entries that the
    case cites. `flaky` is True if attempts gave different verdicts; the last attempt counts. `expected` is the reason
    of the entry in expected.toml that explains the result, or None; `flaky_expected` is True if such an entry lists the
    verdicts of all attempts. `micros` is the duration in microseconds.
    """

    case: str
    title: str
    role: Role
    requirement: str
    level: Level
    verdict: Verdict
    finding: Finding | None = None
    reason: Reason | None = None
    notes: tuple[tuple[str, str], ...] = ()
    cites: tuple[str, ...] = ()
    micros: int = 0
    transcript: tuple[TranscriptEntry, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    flaky: bool = False
    expected: str | None = None
    hint: str = ""
    reading: str = ""
    extra: dict[str, str] = field(default_factory=dict)
    flaky_expected: bool = False
    kind: ResultKind = ResultKind.CASE

    @property
    def family(self) -> str:
        """The case's id without its parameters."""
        return self.case.partition("[")[0]

    @property
    def area(self) -> str:
        """The first part of the case's id."""
        return self.case.partition(".")[0]

    @property
    def mark(self) -> Mark:
        """The mark for this verdict at this level (see `mark`)."""
        return mark(self.verdict, self.level)

    @property
    def breaks_gate(self) -> bool:
        """Whether this result breaks the gate at its default level, MUST, if expectations are ignored."""
        if self.mark is Mark.INCONCLUSIVE:
            return self.reason is not Reason.LIMIT
        return self.mark in (Mark.VIOLATION, Mark.ERROR)


def mark(verdict: Verdict, level: Level) -> Mark:
    """Return the mark of `verdict` at `level`; a rule stated without a keyword counts as MUST."""
    match verdict:
        case Verdict.PASSED:
            return Mark.PASSED
        case Verdict.FAILED if level.weight == "must":
            return Mark.VIOLATION
        case Verdict.FAILED if level.weight == "should":
            return Mark.DEPARTURE
        case Verdict.FAILED | Verdict.INFORMATIONAL:
            return Mark.INFORMATIONAL
        case Verdict.DEPARTED:
            return Mark.DEPARTURE
        case Verdict.INCONCLUSIVE:
            return Mark.INCONCLUSIVE
        case Verdict.SKIPPED:
            return Mark.SKIPPED
        case Verdict.ERROR:
            return Mark.ERROR
