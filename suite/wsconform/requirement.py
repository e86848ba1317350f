"""What the standards ask of a target: documents, requirements, and the registry that holds them.

The registry is read from TOML files, one a document, in the folder `requirements/` of each package that is
named by an entry point of group `wsconform.cases`. TOML is for people to edit and slow to parse, so what was
read (and found good) is kept as JSON in the user's cache folder, under a digest of the files' contents.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

__all__ = [
    "Actor",
    "Document",
    "Level",
    "Observable",
    "Registry",
    "RegistryError",
    "Requirement",
    "Role",
    "UnknownRequirement",
    "load_registry",
]

ENTRY_POINT_GROUP = "wsconform.cases"
# fmt: off
CATEGORIES = frozenset((
    "handshake", "http", "framing", "masking", "fragmentation", "control", "utf8", "close", "extension",
    "deflate", "tls", "tcp", "origin", "subprotocol", "h2", "h3", "limits", "security",
))
# fmt: on


class RegistryError(Exception):
    """A requirement file that cannot be used; the text is one line: file, entry, key, what is wrong."""


class UnknownRequirement(ValueError, KeyError):
    """A requirement id that the registry does not hold; the text names the closest ids there are.

    It is a KeyError as well, which is what `in` and `get` of a Mapping rely on.
    """

    def __init__(self, id: str, known: Iterable[str] = ()) -> None:
        import difflib

        super().__init__(id)
        self.id = id
        self.suggestions = tuple(difflib.get_close_matches(id, known, n=3, cutoff=0.75))

    def __str__(self) -> str:
        hint = f"; did you mean {' or '.join(self.suggestions)}?" if self.suggestions else ""
        return f"no requirement has the id {self.id!r}{hint}"


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


@dataclass(frozen=True, slots=True)
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


class Registry(Mapping[str, Requirement]):
    """Every known requirement by id; iterates over ids, file by file in name order, in each file's order."""

    def __init__(self, requirements: Iterable[Requirement]) -> None:
        """Take the requirements in the order given; of two with one id the later counts."""
        self._entries = MappingProxyType({requirement.id: requirement for requirement in requirements})

    @classmethod
    def load(cls, folders: Iterable[Traversable], *, cache: Path | None = None) -> Registry:
        """Read every *.toml in these folders; `cache` names a folder where the parsed form may be kept.

        RegistryError if a file cannot be read or breaks a rule. A cache that is missing, broken or not
        writable is done without.
        """
        sources = [source for folder in folders for source in _sources(folder)]
        names = [where for where, _ in sources]
        key = _digest(octets for _, octets in sources)
        store = cache / f"registry-{_digest(name.encode() for name in names)}.json" if cache else None
        if store and (parsed := _recall(store, key)) is not None:
            # Checked like the rest: whoever can write the cache gets no further than the author of a file.
            with contextlib.suppress(RegistryError, ValueError):
                return cls._from_files(zip(names, parsed, strict=True))
        parsed = [_parse(where, octets) for where, octets in sources]
        registry = cls._from_files(zip(names, parsed, strict=True))
        if store:
            _keep(store, key, parsed)
        return registry

    @classmethod
    def _from_files(cls, files: Iterable[tuple[str, object]]) -> Registry:
        found: dict[str, tuple[str, Requirement]] = {}
        for where, parsed in files:
            for requirement in _requirements(where, parsed):
                if requirement.id in found:
                    first = found[requirement.id][0]
                    raise RegistryError(f"{where}: {requirement.id}: id: already used in {first}")
                found[requirement.id] = (where, requirement)
        return cls(requirement for _, requirement in found.values())

    @property
    def documents(self) -> tuple[Document, ...]:
        """The documents with at least one requirement, in order."""
        return tuple(dict.fromkeys(requirement.document for requirement in self.values()))

    def __getitem__(self, id: str) -> Requirement:
        """The requirement with this id; UnknownRequirement if there is none."""
        try:
            return self._entries[id]
        except KeyError:
            raise UnknownRequirement(id, self._entries) from None

    def __contains__(self, id: object) -> bool:
        return id in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"<Registry of {len(self)} requirements from {len(self.documents)} documents>"


@functools.cache
def load_registry() -> Registry:
    """The registry of all installed catalogues, read once a process. Raises RegistryError."""
    from importlib.metadata import entry_points
    from importlib.resources import files

    points = sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name)
    folders = []
    for package in dict.fromkeys(point.module for point in points):
        try:
            folders.append(files(package) / "requirements")
        except ImportError as error:
            raise RegistryError(f"{package}: named by an entry point, but cannot be imported: {error}") from error
    return Registry.load([folder for folder in folders if folder.is_dir()], cache=_cache_folder())


_Choice = TypeVar("_Choice")


class _Table:
    """One table of a file: hands out values of the kind asked for, or a RegistryError that says where."""

    def __init__(self, where: str, name: str, table: object, keys: frozenset[str]) -> None:
        self._where, self._name = where, name
        if not isinstance(table, dict):
            raise RegistryError(f"{where}: {name}: must be a table")
        self._table: Mapping[str, object] = table
        if unknown := table.keys() - keys:
            raise self.error(min(unknown), "unknown key")

    def error(self, key: str, problem: str) -> RegistryError:
        return RegistryError(f"{self._where}: {self._name}: {key}: {problem}")

    def text(self, key: str) -> str:
        value = self._table.get(key)
        if value is None:
            raise self.error(key, "missing")
        if not isinstance(value, str) or not value.strip():
            raise self.error(key, "must be a text, and not an empty one")
        return value

    def optional_text(self, key: str) -> str:
        return self.text(key) if key in self._table else ""

    def choice(self, key: str, choices: Mapping[str, _Choice]) -> _Choice:
        value = self.text(key)
        try:
            return choices[value]
        except KeyError:
            raise self.error(key, f"{value!r} is none of {', '.join(choices)}") from None

    def table(self, key: str, name: str, keys: frozenset[str]) -> _Table:
        if key not in self._table:
            raise self.error(key, "missing")
        return _Table(self._where, name, self._table[key], keys)

    def tables(self, key: str, keys: frozenset[str]) -> Iterator[_Table]:
        values = self._table.get(key)
        if not isinstance(values, list) or not values:
            raise self.error(key, f"must be one [[{key}]] or more")
        for place, value in enumerate(values, 1):
            id = value.get("id") if isinstance(value, dict) else None
            yield _Table(self._where, id if isinstance(id, str) else f"{key} {place}", value, keys)

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._table.get(key, ())
        if not isinstance(values, (list, tuple)) or not all(isinstance(v, str) and v for v in values):
            raise self.error(key, "must be a list of texts")
        return tuple(values)

    def flag(self, key: str) -> bool:
        value = self._table.get(key, False)
        if not isinstance(value, bool):
            raise self.error(key, "must be true or false")
        return value


_FILE_KEYS = frozenset({"document", "requirement"})
_DOCUMENT_KEYS = frozenset({"id", "title", "url"})
_NEEDED_KEYS = frozenset({"id", "section", "level", "actor", "observable", "category", "requirement", "how"})
_OTHER_KEYS = frozenset({"locator", "errata", "refs", "same_as", "autobahn", "keyword_elsewhere"})
_ENTRY_KEYS = _NEEDED_KEYS | _OTHER_KEYS
_LEVELS = {level.value: level for level in Level}
_ACTORS = {actor.value: actor for actor in Actor}
_OBSERVABLES = {observable.value: observable for observable in Observable}
_CATEGORIES = {category: category for category in sorted(CATEGORIES)}


def _requirements(where: str, parsed: object) -> Iterator[Requirement]:
    """The entries of one file, each checked; RegistryError at the first that breaks a rule."""
    whole = _Table(where, "file", parsed, _FILE_KEYS)
    head = whole.table("document", "[document]", _DOCUMENT_KEYS)
    document = Document(head.text("id"), head.text("title"), head.text("url"))
    for entry in whole.tables("requirement", _ENTRY_KEYS):
        yield _requirement(document, entry)


def _requirement(document: Document, entry: _Table) -> Requirement:
    id, section, actor = entry.text("id"), entry.text("section"), entry.choice("actor", _ACTORS)
    stem, _, number = id.rpartition("-")
    if stem != f"{document.prefix}-{section}" or not number.isdecimal() or number.startswith("0"):
        raise entry.error("id", f"must be {document.prefix}-{section}-N, with N from 1, in section {section}")
    return Requirement(
        id=id,
        document=document,
        section=section,
        level=entry.choice("level", _LEVELS),
        actor=actor,
        observable=entry.choice("observable", _OBSERVABLES),
        category=entry.choice("category", _CATEGORIES),
        text=entry.text("requirement"),
        how=entry.text("how"),
        locator=entry.optional_text("locator"),
        roles=actor.roles,
        errata=entry.texts("errata"),
        refs=entry.texts("refs"),
        same_as=entry.texts("same_as"),
        autobahn=entry.texts("autobahn"),
        keyword_elsewhere=entry.flag("keyword_elsewhere"),
    )


def _sources(folder: Traversable) -> list[tuple[str, bytes]]:
    """The folder's TOML files by name: where each stands, and its octets."""
    try:
        files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda f: f.name)
        return [(str(file), file.read_bytes()) for file in files]
    except OSError as error:
        raise RegistryError(f"{error.filename or folder}: cannot be read: {error.strerror}") from None


def _parse(where: str, octets: bytes) -> object:
    import tomllib

    try:
        return tomllib.loads(octets.decode())
    except ValueError as error:  # what is not UTF-8, and what is not TOML
        raise RegistryError(f"{where}: not TOML: {error}") from None


# The cache: one file a set of folders, named by where they are, valid for the contents it was made from.


def _cache_folder() -> Path | None:
    """Where this user's caches live (XDG Base Directory), or None if the user has no home."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wsconform"
    except RuntimeError:
        return None


def _digest(parts: Iterable[bytes]) -> str:
    from hashlib import blake2b

    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.hexdigest()


def _recall(store: Path, key: str) -> list[object] | None:
    """What was kept for just these contents; None for anything else, a broken file too."""
    try:
        kept = json.loads(store.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(kept, dict) or kept.get("key") != key or not isinstance(kept.get("files"), list):
        return None
    return list(kept["files"])


def _keep(store: Path, key: str, parsed: list[object]) -> None:
    """Write the cache in one step, so that no other process ever reads half a file."""
    draft = store.with_name(f"{store.name}.{os.getpid()}")
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps({"key": key, "files": parsed}), encoding="utf-8")
        draft.replace(store)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
