"""What the standards ask of a target: documents and requirements."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, StrEnum

__all__ = ["Actor", "Document", "Level", "Observable", "Requirement", "Role"]

# fmt: off
CATEGORIES = frozenset((
    "handshake", "http", "framing", "masking", "fragmentation", "control", "utf8", "close", "extension",
    "deflate", "tls", "tcp", "origin", "subprotocol", "h2", "h3", "limits", "security",
))
# fmt: on


class Level(Enum):
    """How strongly a requirement binds (RFC 2119); PROSE is a rule that is stated without a keyword."""

    MUST = "MUST"
    MUST_NOT = "MUST NOT"
    SHOULD = "SHOULD"
    SHOULD_NOT = "SHOULD NOT"
    MAY = "MAY"
    PROSE = "PROSE"

    @property
    def weight(self) -> str:
        """How a breach counts: "must" (PROSE included), "should" or "may"."""
        return _WEIGHTS[self]


_WEIGHTS = {
    Level.MUST: "must",
    Level.MUST_NOT: "must",
    Level.PROSE: "must",
    Level.SHOULD: "should",
    Level.SHOULD_NOT: "should",
    Level.MAY: "may",
}


class Role(Enum):
    """The part that an endpoint plays in a connection."""

    SERVER = "server"
    CLIENT = "client"
    INTERMEDIARY = "intermediary"

    @property
    def masks(self) -> bool:
        """Whether frames sent in this role are masked: a client's are (RFC 6455, 5.1)."""
        return self is Role.CLIENT

    @property
    def other(self) -> Role:
        """The role at the far end; ValueError for an intermediary, which has two."""
        if self is Role.INTERMEDIARY:
            raise ValueError("an intermediary stands between two roles and has no single opposite")
        return Role.CLIENT if self is Role.SERVER else Role.SERVER


class Actor(StrEnum):
    """The party that a requirement binds, in the document's words; `roles` says which targets that makes."""

    SERVER = "server"
    CLIENT = "client"
    ENDPOINT = "endpoint"
    INTERMEDIARY = "intermediary"
    PROXY = "proxy"
    APPLICATION = "application"

    @property
    def roles(self) -> frozenset[Role]:
        """The roles of a target that this party may stand for."""
        return _ROLES[self]


_BOTH_ENDS = frozenset({Role.SERVER, Role.CLIENT})
_ROLES = {
    Actor.SERVER: frozenset({Role.SERVER}),
    Actor.CLIENT: frozenset({Role.CLIENT}),
    Actor.ENDPOINT: _BOTH_ENDS,
    Actor.INTERMEDIARY: frozenset({Role.INTERMEDIARY}),
    Actor.PROXY: frozenset({Role.INTERMEDIARY}),
    Actor.APPLICATION: _BOTH_ENDS,
}


class Observable(StrEnum):
    """How a breach can be seen: on the wire alone, with the target's application moved or read, or not."""

    WIRE = "wire"
    NEEDS_DRIVER = "needs-driver"
    NOT_OBSERVABLE = "not-observable"


@dataclass(frozen=True, slots=True)
class Document:
    """A standard: id ("RFC6455"), title, and the address of its text."""

    id: str
    title: str
    url: str

    @property
    def number(self) -> str | None:
        """The digits of an RFC's id; None for any other document."""
        match = re.fullmatch(r"RFC([1-9]\d*)", self.id)
        return match[1] if match else None

    @property
    def name(self) -> str:
        """What a citation calls it: "RFC 6455", or the title of what is not an RFC."""
        return f"RFC {self.number}" if self.number else self.title

    @property
    def prefix(self) -> str:
        """What ids of its requirements start with: "6455", or the id in lower case."""
        return self.number or self.id.lower()

    def section_url(self, section: str) -> str:
        """Where to read a section; documents other than RFCs number no anchors, so theirs is the top."""
        if self.number is None:
            return self.url
        return f"{self.url}#{'section' if section[:1].isdigit() else 'appendix'}-{section}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One normative statement: where it stands, whom it binds, and how a test may decide it.

    `text` is a paraphrase; `how` is the stimulus and the rule of the verdict; `locator` is a few words that
    find the sentence in its section ("" where the document has no fixed text). `keyword_elsewhere` marks the
    rare locator whose paragraph lacks the keyword of `level`. `refs` are supporting sections ("9110-7.8"),
    `same_as` ids of entries with the same duty, `errata` RFC Editor report numbers, `autobahn` legacy cases.
    """

    id: str
    document: Document
    section: str
    level: Level
    actor: Actor
    observable: Observable
    category: str
    text: str
    how: str
    locator: str
    roles: frozenset[Role]
    errata: tuple[str, ...]
    refs: tuple[str, ...]
    same_as: tuple[str, ...]
    autobahn: tuple[str, ...]
    keyword_elsewhere: bool

    @property
    def url(self) -> str:
        """A link to the section that states it."""
        return self.document.section_url(self.section)

    @property
    def citation(self) -> str:
        """Document, section and level: "RFC 6455 5.1 MUST"."""
        return f"{self.document.name} {self.section} {self.level.value}"
