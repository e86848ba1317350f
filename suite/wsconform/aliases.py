"""Other names of cases: the ids that an older suite gave to what ours do as well, in a table beside the cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["OLDER", "ask_for_aliases", "load_aliases"]

#: What the ids of the Autobahn|Testsuite begin with as aliases: "autobahn:7.1.5".
OLDER = "autobahn:"

_TABLE = "autobahn.toml"


def ask_for_aliases(patterns: Iterable[str]) -> bool:
    """Return whether one of `patterns` is about aliases: they have a colon, and ids of cases have none."""
    return any(":" in pattern for pattern in patterns)


def load_aliases(package: str) -> Mapping[str, tuple[str, ...]]:
    """Return the aliases by case id that a table beside the cases of `package` gives; none where it has no table.

    A row has an older id and the id of a case, or a list of them. Raises ValueError for any other.
    """
    import tomllib
    from importlib.resources import files

    table = files(package) / _TABLE
    if not table.is_file():
        return {}
    found = dict[str, list[str]]()
    for older, ids in tomllib.loads(table.read_text(encoding="utf-8")).items():
        for id in [ids] if isinstance(ids, str) else ids:
            if not isinstance(id, str):
                raise ValueError(f"{package}/{_TABLE}: {older!r} has to be the id of a case, or a list of ids")
            found.setdefault(id, []).append(f"{OLDER}{older}")
    return {id: tuple(older) for id, older in found.items()}
