"""The documents and their requirements as values."""

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
    """How strongly a requirement binds (RFC 2119); PROSE is the id of a rule that is stated without a keyword."""

    MUST = "MUST"
    MUST_NOT = "MUST NOT"
    SHOULD = "SHOULD"
    SHOULD_NOT = "SHOULD NOT"
    MAY = "MAY"
    PROSE = "PROSE"

    @property
    def weight(self) -> str:
        """How a violation counts: "must" (PROSE included), "should" or "may"."""
        return _WEIGHTS[self]

    @property
    def words(self) -> str:
        """The level in text for users: the keyword, or "rule" for a rule stated without one."""
        return "rule" if self is Level.PROSE else self.value


_WEIGHTS = {
    Level.MUST: "must",
    Level.MUST_NOT: "must",
    Level.PROSE: "must",
    Level.SHOULD: "should",
    Level.SHOULD_NOT: "should",
    Level.MAY: "may",
}


class Role(Enum):
    """The role of an endpoint in a connection."""

    SERVER = "server"
    CLIENT = "client"
    INTERMEDIARY = "intermediary"

    @property
    def masks(self) -> bool:
        """Whether frames sent in this role have to be masked, as those of a client have (RFC 6455 section 5.1)."""
        return self is Role.CLIENT

    @property
    def other(self) -> Role:
        """The role at the far end; raises ValueError for an intermediary, which has two far ends."""
        if self is Role.INTERMEDIARY:
            raise ValueError("an intermediary stands between two roles and has no single opposite")
        return Role.CLIENT if self is Role.SERVER else Role.SERVER


class Actor(StrEnum):
    """The party that a requirement binds, in the words of the document."""

    SERVER = "server"
    CLIENT = "client"
    ENDPOINT = "endpoint"
    INTERMEDIARY = "intermediary"
    PROXY = "proxy"
    APPLICATION = "application"

    @property
    def roles(self) -> frozenset[Role]:
        """The roles of targets that this party includes."""
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
    """How a violation can be observed: on the wire, with control over the target's application, or not at all."""

    WIRE = "wire"
    NEEDS_DRIVER = "needs-driver"
    NOT_OBSERVABLE = "not-observable"


@dataclass(frozen=True, slots=True)
class Document:
    """A standard: its id, such as "RFC6455", its title, and the address of its text."""

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
        """The name in citations: "RFC 6455", or the title of a document that is not an RFC."""
        return f"RFC {self.number}" if self.number else self.title

    @property
    def prefix(self) -> str:
        """The first part of its requirements' ids: "6455", or the document's id in lower case."""
        return self.number or self.id.lower()

    def section_url(self, section: str) -> str:
        """Return the address of a section; of a document that is not an RFC, the address of the document."""
        if self.number is None:
            return self.url
        return f"{self.url}#{'section' if section[:1].isdigit() else 'appendix'}-{section}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One normative statement: its document and section, the party that it binds, and how a case decides it.

    `text` is a paraphrase, `how` the stimulus and the rule for the verdict. `locator` is a few words that occur once in
    the section, in the sentence ("" if the document has no fixed text). `keyword_elsewhere` is True if the paragraph
    of that sentence lacks the keyword of `level`, which is rare. `refs` are supporting sections ("9110-7.8"),
    `same_as` ids of entries with the same duty, `errata` report numbers of the RFC Editor, `autobahn` ids of cases of
    Autobahn|Testsuite.
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
        """A link to the section."""
        return self.document.section_url(self.section)

    @property
    def citation(self) -> str:
        """Document, section and level: "RFC 6455 5.1 MUST"."""
        return f"{self.document.name} {self.section} {self.level.words}"
