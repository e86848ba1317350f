"""Other names of cases: the ids that an older suite gave to what ours do as well, in a table beside the cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

__all__ = ["AUTOBAHN", "CASES", "ask_for_aliases", "autobahn_cases", "load_aliases"]

#: The entry points that name packages of cases.
CASES = "wsconform.cases"

#: What the ids of the Autobahn|Testsuite begin with as aliases: "autobahn:7.1.5".
AUTOBAHN = "autobahn:"

_TABLE = "autobahn.toml"


def ask_for_aliases(patterns: Iterable[str]) -> bool:
    """Return whether one of `patterns` is about aliases: they have a colon, and ids of cases have none."""
    return any(":" in pattern for pattern in patterns)


def load_aliases(package: str) -> Mapping[str, tuple[str, ...]]:
    """Return the aliases by case id that a table beside the cases of `package` gives; none where it has no table.

    A row has an older id and the id of a case, or a list of them. Raises ValueError for any other.
    """
    found = dict[str, list[str]]()
    for older, ids in _rows(package):
        for id in ids:
            found.setdefault(id, []).append(f"{AUTOBAHN}{older}")
    return {id: tuple(older) for id, older in found.items()}


def autobahn_cases() -> Mapping[str, tuple[str, ...]]:
    """Return the ids of our cases by older id ("7.1.5"), the first being the one that stands for it alone.

    Tables of all packages that entry points of group `CASES` name are read. Raises ValueError as `load_aliases` does.
    """
    from importlib.metadata import entry_points

    packages = [point.value for point in sorted(entry_points(group=CASES))]
    return {older: ids for package in packages for older, ids in _rows(package)}


def _rows(package: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    import tomllib
    from importlib.resources import files

    table = files(package) / _TABLE
    if not table.is_file():
        return
    for older, ids in tomllib.loads(table.read_text(encoding="utf-8")).items():
        named = tuple(ids) if isinstance(ids, list) else (ids,)
        if not all(isinstance(id, str) for id in named):
            raise ValueError(f"{package}/{_TABLE}: {older!r} has to be the id of a case, or a list of ids")
        yield older, named
