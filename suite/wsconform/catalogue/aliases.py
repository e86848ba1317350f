"""Aliases of cases: the ids of Autobahn|Testsuite's cases that they cover, read from a table beside the cases."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files

from ..registry.registry import case_packages

__all__ = ["AUTOBAHN", "ask_for_aliases", "autobahn_cases", "load_aliases"]

#: The prefix of aliases that are ids of Autobahn|Testsuite, such as "autobahn:7.1.5".
AUTOBAHN = "autobahn:"

_TABLE = "autobahn.toml"


def ask_for_aliases(patterns: Iterable[str]) -> bool:
    """Return whether one of `patterns` can match an alias: it has a colon, which no id of a case has."""
    return any(":" in pattern for pattern in patterns)


def load_aliases(package: str) -> Mapping[str, tuple[str, ...]]:
    """Return aliases by case id, from the table beside the cases of `package`; an empty mapping if it has no table.

    A row maps an id of Autobahn to the id of a case, or to a list of ids. Raises ValueError for any other row.
    """
    found = dict[str, list[str]]()
    for autobahn_id, ids in _rows(package):
        for id in ids:
            found.setdefault(id, []).append(f"{AUTOBAHN}{autobahn_id}")
    return {id: tuple(aliases) for id, aliases in found.items()}


def autobahn_cases() -> Mapping[str, tuple[str, ...]]:
    """Return the ids of our cases by id of Autobahn ("7.1.5"); the first of them replaces it if only one may run.

    The tables of all packages of cases are read. Raises ValueError as `load_aliases` does.
    """
    return {autobahn_id: ids for package in case_packages() for autobahn_id, ids in _rows(package)}


def _rows(package: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    table = files(package) / _TABLE
    if not table.is_file():
        return
    for autobahn_id, ids in tomllib.loads(table.read_text(encoding="utf-8")).items():
        named = tuple(ids) if isinstance(ids, list) else (ids,)
        if not all(isinstance(id, str) for id in named):
            raise ValueError(f"{package}/{_TABLE}: {autobahn_id!r} has to be the id of a case, or a list of ids")
        yield autobahn_id, named
