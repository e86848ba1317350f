"""Where cases lie on disk, and whether the arguments of pytest ask for any: all that has to be known to stay idle."""

from __future__ import annotations

import functools
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..registry.registry import case_packages

__all__ = ["Root", "is_asked", "root_of", "roots"]


@dataclass(frozen=True, slots=True)
class Root:
    """A package of cases and its folder; `above` are the folders of the packages that it is in."""

    package: str
    folder: Path
    above: tuple[Path, ...]

    def module(self, path: Path) -> str:
        """Return the name of the module or package at `path`, which lies in the folder."""
        parts = [part.removesuffix(".py") for part in path.relative_to(self.folder).parts]
        return ".".join((self.package, *(part for part in parts if part != "__init__")))


@functools.cache
def roots() -> tuple[Root, ...]:
    """Return the packages that entry points of group `wsconform.cases` name; none of them is imported."""
    found = list[Root]()
    for package in case_packages():
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.origin:
            continue
        folder, above = Path(spec.origin).parent, list[Path]()
        # In a checkout, a package's folder need not lie in the folder of the package that it is in.
        for name, place in zip(reversed(package.split(".")[:-1]), folder.parents, strict=False):
            if place.name != name:
                break
            above.append(place)
        found.append(Root(package, folder, tuple(above)))
    return tuple(found)


def root_of(path: Path) -> Root | None:
    """Return the package of cases that `path` lies in; None if it lies in none."""
    return next((root for root in roots() if path.is_relative_to(root.folder)), None)


def is_asked(config: pytest.Config) -> bool:
    """Return whether an argument of pytest names cases."""
    return any(_is_cases(str(arg), config) for arg in config.args)


def _is_cases(arg: str, config: pytest.Config) -> bool:
    base = arg.partition("[")[0].split("::")[0]
    if config.option.pyargs and any(base == each.package or base.startswith(f"{each.package}.") for each in roots()):
        return True
    return root_of(Path(os.path.abspath(config.invocation_params.dir / base))) is not None
