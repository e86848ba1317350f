"""Loading of the catalogue: the cases and monitors of all packages that entry points name."""

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
from ..endpoint.session import CaseSubject
from ..registry.registry import case_packages
from .aliases import load_aliases
from .case import Case, Item, Monitor, Profile


def _title_and_why(function: Callable[..., Any]) -> tuple[str, str]:
    """Return the first line of the docstring, and the rest of it as one line."""
    lines = (inspect.getdoc(function) or function.__name__.replace("_", " ")).splitlines()
    return lines[0], " ".join(line.strip() for line in lines[1:] if line.strip())


def _subject_of(function: Callable[..., Any]) -> type[CaseSubject]:
    """Return the class that annotates the first parameter of a case; raises ValueError if it provides no subject."""
    first = next(iter(inspect.signature(function).parameters.values()), None)
    annotation = first.annotation if first else None
    subject = function.__globals__.get(annotation) if isinstance(annotation, str) else annotation
    if not (isinstance(subject, type) and issubclass(subject, CaseSubject)):
        where = f"{function.__module__}.{function.__name__}"
        raise ValueError(
            f"{where}: the first parameter is not a subject; annotate it as Connection, Opening or Incoming"
        )
    return subject


def _cases_of(function: Callable[..., Any], prefix: str) -> Iterator[Case]:
    requirements, options = function.__wsconform_case__  # type: ignore[attr-defined]
    families = getattr(function, "__wsconform_each__", {})
    title, why = _title_and_why(function)
    subject = _subject_of(function)
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
    """Return the cases and monitors of every module below `package`, by module name and order in the module."""
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
                title, why = _title_and_why(function)
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

    Without `aliases`, the tables of aliases are not read. Raises ValueError if two entries have the same id, or if a
    table names an unknown case.
    """
    packages = case_packages()
    entries = [entry for package in packages for entry in collect(package)]
    ids = [entry.id for entry in entries]
    if len(set(ids)) != len(ids):
        twice = next(id for id in ids if ids.count(id) > 1)
        raise ValueError(f"the catalogue has two cases called {twice}")
    return with_aliases(entries, packages) if aliases else tuple(entries)


def with_aliases(entries: Iterable[Item], packages: Iterable[str]) -> tuple[Item, ...]:
    """Return `entries` with their aliases from the tables of `packages`.

    Raises ValueError if a table names a case that is not among `entries`.
    """
    aliases = {id: names for package in packages for id, names in load_aliases(package).items()}
    found = tuple(
        replace(entry, aliases=(*entry.aliases, *aliases.pop(entry.id))) if entry.id in aliases else entry
        for entry in entries
    )
    if aliases:
        id, names = next(iter(aliases.items()))
        raise ValueError(f"the alias {names[0]} refers to {id}, which does not exist")
    return found


def catalogue_version(entries: Iterable[Item]) -> str:
    """Return a digest of wsconform's version and of all ids and citations; journals identify the catalogue by it."""
    text = "\n".join((__version__, *(f"{entry.id} {' '.join(entry.requirements)}" for entry in entries)))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def families_citing(entries: Iterable[Item]) -> dict[str, list[str]]:
    """Return the families of `entries` that cite each requirement, by the id of the requirement."""
    cited: dict[str, dict[str, None]] = {}
    for entry in entries:
        for id in entry.requirements:
            cited.setdefault(id, {})[entry.family] = None
    return {id: list(families) for id, families in cited.items()}
