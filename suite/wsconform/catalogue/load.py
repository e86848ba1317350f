"""Loading the catalogue: cases and monitors of the packages named by entry points, in the order of their modules."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import itertools
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from .. import __version__
from ..registry.registry import case_packages
from .aliases import load_aliases
from .case import Case, Item, Monitor, Profile, Subject


def _told(function: Callable[..., Any]) -> tuple[str, str]:
    lines = (inspect.getdoc(function) or function.__name__.replace("_", " ")).splitlines()
    return lines[0], " ".join(line.strip() for line in lines[1:] if line.strip())


def _cases_of(function: Callable[..., Any], prefix: str) -> Iterator[Case]:
    requirements, options = function.__wsconform_case__  # type: ignore[attr-defined]
    families = getattr(function, "__wsconform_each__", {})
    title, why = _told(function)
    first = next(iter(inspect.signature(function).parameters.values())).annotation
    subject = Subject(first if isinstance(first, str) else first.__name__)
    name = f"{prefix}.{function.__name__}"
    for combination in itertools.product(*families.values()):
        label = "-".join(key for key, _ in combination)
        parameters = dict(zip(families, (value for _, value in combination), strict=True))
        own = {key: value(**parameters) if callable(value) else value for key, value in options.items()}
        if own["heavy"]:
            own["profile"] = max(own["profile"], Profile.STANDARD)
        yield Case(
            id=f"{name}[{label}]" if combination else name,
            function=function,
            requirements=requirements,
            title=title,
            why=why,
            subject=subject,
            parameters=parameters,
            **own,
        )


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def collect(package: str) -> Iterator[Item]:
    """Return the cases and monitors of every module below `package`, in the order in which they are written."""
    root = importlib.import_module(package)
    names = [info.name for info in pkgutil.walk_packages(root.__path__, f"{package}.")]
    for name in sorted(names):
        module = importlib.import_module(name)
        prefix = name.removeprefix(f"{package}.")
        for function in vars(module).values():
            if getattr(function, "__module__", None) != name:
                continue
            if hasattr(function, "__wsconform_case__"):
                yield from _cases_of(function, prefix)
            elif hasattr(function, "__wsconform_monitor__"):
                requirements, options = function.__wsconform_monitor__
                title, why = _told(function)
                yield Monitor(
                    id=f"{prefix}.{_snake(function.__name__)}",
                    function=function,
                    requirements=requirements,
                    title=title,
                    why=why,
                    **options,
                )


def load_catalogue(*, aliases: bool = True) -> tuple[Item, ...]:
    """Return all cases and monitors of the packages that entry points of group `wsconform.cases` name.

    The names that tables beside them give are left unread unless `aliases`. Raises ValueError where two
    have one id, or a table names a case that is none.
    """
    packages = case_packages()
    entries = [entry for package in packages for entry in collect(package)]
    ids = [entry.id for entry in entries]
    if len(set(ids)) != len(ids):
        twice = next(id for id in ids if ids.count(id) > 1)
        raise ValueError(f"the catalogue has two cases called {twice}")
    return with_aliases(entries, packages) if aliases else tuple(entries)


def with_aliases(entries: Iterable[Item], packages: Iterable[str]) -> tuple[Item, ...]:
    """Return `entries` with the aliases that the tables of `packages` give them.

    Raises ValueError where a table names a case that is none of them.
    """
    older = {id: names for package in packages for id, names in load_aliases(package).items()}
    found = tuple(
        replace(entry, aliases=(*entry.aliases, *older.pop(entry.id))) if entry.id in older else entry
        for entry in entries
    )
    if older:
        id, names = next(iter(older.items()))
        raise ValueError(f"{names[0]} is said to be {id}, and there is no such case")
    return found


def catalogue_version(entries: Iterable[Item]) -> str:
    """Return a digest of the suite's version and of all ids and citations, which tells catalogues apart in journals."""
    text = "\n".join((__version__, *(f"{entry.id} {' '.join(entry.requirements)}" for entry in entries)))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def families_citing(entries: Iterable[Item]) -> dict[str, list[str]]:
    """Return the families of `entries` that cite each requirement, by the requirement's id."""
    cited: dict[str, dict[str, None]] = {}
    for entry in entries:
        for id in entry.requirements:
            cited.setdefault(id, {})[entry.family] = None
    return {id: list(families) for id, families in cited.items()}
