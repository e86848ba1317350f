"""Reading of requirement files: TOML, one file for each document. Every entry is checked."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources.abc import Traversable
from typing import TypeVar

from .requirement import CATEGORIES, Actor, Document, Level, Observable, Requirement

__all__ = ["RegistryError", "parse_file", "read_folder", "requirements_of"]


class RegistryError(Exception):
    """A requirement file is unusable; the text is one line: file, entry, key, error."""


def read_folder(folder: Traversable) -> list[tuple[str, bytes]]:
    """Return the path and the octets of each TOML file in `folder`, sorted by name; raises RegistryError."""
    try:
        files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda f: f.name)
        return [(str(file), file.read_bytes()) for file in files]
    except OSError as error:
        raise RegistryError(f"{error.filename or folder}: cannot be read: {error.strerror}") from None


def parse_file(where: str, octets: bytes) -> object:
    """Return the TOML document in `octets`; raises RegistryError, whose text begins with `where`."""
    try:
        return tomllib.loads(octets.decode())
    except ValueError as error:  # neither UTF-8 nor TOML
        raise RegistryError(f"{where}: not TOML: {error}") from None


_Choice = TypeVar("_Choice")


class _Table:
    """One table of a file. Its methods return values of one type each, and raise RegistryError for other values."""

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
            raise self.error(key, "must be a string that is not empty")
        return value

    def optional_text(self, key: str) -> str:
        return self.text(key) if key in self._table else ""

    def choice(self, key: str, choices: Mapping[str, _Choice]) -> _Choice:
        value = self.text(key)
        try:
            return choices[value]
        except KeyError:
            raise self.error(key, f"{value!r} is not one of {', '.join(choices)}") from None

    def table(self, key: str, name: str, keys: frozenset[str]) -> _Table:
        if key not in self._table:
            raise self.error(key, "missing")
        return _Table(self._where, name, self._table[key], keys)

    def tables(self, key: str, keys: frozenset[str]) -> Iterator[_Table]:
        values = self._table.get(key)
        if not isinstance(values, list) or not values:
            raise self.error(key, f"must be a list of tables; write [[{key}]] above each")
        for place, value in enumerate(values, 1):
            id = value.get("id") if isinstance(value, dict) else None
            yield _Table(self._where, id if isinstance(id, str) else f"{key} {place}", value, keys)

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._table.get(key, ())
        if not isinstance(values, (list, tuple)) or not all(isinstance(v, str) and v for v in values):
            raise self.error(key, "must be a list of strings")
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


def requirements_of(where: str, parsed: object) -> Iterator[Requirement]:
    """Yield the requirements in `parsed`, the content of the file `where`; raises RegistryError at the first error."""
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
