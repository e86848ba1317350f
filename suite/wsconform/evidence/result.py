"""What a case leaves behind: verdict, finding, notes, and the transcript that shows it."""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass, field

from ..registry.requirement import Level, Role


class Verdict(enum.Enum):
    """What became of a case; says nothing about how much it matters (that is the level's part)."""

    PASSED = "the requirement was put to the target, which met it"
    FAILED = "the requirement was put to the target, which did otherwise"
    DEPARTED = "met, but in a way that the RFC permits and does not favour"
    INFORMATIONAL = "the RFC leaves the choice open; the target's choice was written down"
    INCONCLUSIVE = "the case never got as far as its requirement"
    SKIPPED = "the target's role or declared features put the case out of reach"
    ERROR = "the suite broke; nothing is said about the target"


class Reason(enum.Enum):
    """Why a case was not decided: three for INCONCLUSIVE, the others for SKIPPED."""

    LIMIT = "limit"
    ARRANGING = "arranging"
    LOST = "lost"
    ROLE = "role"
    NOT_OFFERED = "not-offered"
    NEEDS_ECHO = "needs-echo"
    EXCLUDED = "excluded"
    PROFILE = "profile"
    BUDGET = "budget"


class Mark(enum.Enum):
    """What a report shows for a result: symbol, ASCII form, and how it reads."""

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
    """Keys of the notes in which limit cases say how much a target took; docs/judging.md says how a note is written."""

    MESSAGE = "largest message"
    FRAGMENTED_MESSAGE = "largest message in fragments"
    COMPRESSED_MESSAGE = "largest message inflated"
    FRAGMENTS = "most fragments"
    FIELD = "largest header field"
    FIELDS = "most header fields"
    REQUEST_LINE = "longest request line"


class Direction(enum.Enum):
    """Whose doing a transcript entry is."""

    OURS = "ours"
    TARGET = "target"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Octets:
    """Octets as evidence: whole up to `WHOLE`, else their first 128 and last 64, length and SHA-256."""

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


@dataclass(frozen=True, slots=True)
class TranscriptEntry:
    """One line of a transcript.

    `micros` counts from the start of the case; `kind` is request, response, frame,
    octets (that made no frame) or event; `connection` numbers the case's connections from 1.
    """

    micros: int
    direction: Direction
    kind: str
    summary: str
    octets: Octets = Octets()
    connection: int = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a result is not a plain pass; `entry` is the index of the transcript entry that decided."""

    expected: str
    observed: str
    entry: int | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """An earlier attempt at a case whose result was put again."""

    verdict: Verdict
    finding: Finding | None
    micros: int
    transcript: tuple[TranscriptEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What one case found at one target.

    `requirement` is the entry that decides for the target's role, `cites` all that the
    case names. `flaky` says that attempts disagreed; the last one counts. `expected` is
    the reason of an entry in expected.toml, None where there is none; `flaky_expected` says
    that such an entry names the verdicts of all attempts.
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
        """The mark that verdict and level make (see `mark`)."""
        return mark(self.verdict, self.level)

    @property
    def breaks_gate(self) -> bool:
        """Whether the gate at its default level, MUST, breaks on this result, expectations left aside."""
        if self.mark is Mark.INCONCLUSIVE:
            return self.reason is not Reason.LIMIT
        return self.mark in (Mark.VIOLATION, Mark.ERROR)


def mark(verdict: Verdict, level: Level) -> Mark:
    """Return what a report shows for `verdict` at `level`; a rule without a keyword weighs as MUST."""
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
