"""The folders of cases, and whether the arguments of pytest name any: the test that keeps the plugin idle."""

from __future__ import annotations

import functools
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..registry.registry import case_packages

__all__ = ["Root", "names_cases", "root_of", "roots"]


@dataclass(frozen=True, slots=True)
class Root:
    """A package of cases and its folder; `above` are the folders of the packages that contain it."""

    package: str
    folder: Path
    above: tuple[Path, ...]

    def module(self, path: Path) -> str:
        """Return the name of the module or package at `path`, which is in the folder."""
        parts = [part.removesuffix(".py") for part in path.relative_to(self.folder).parts]
        return ".".join((self.package, *(part for part in parts if part != "__init__")))


@functools.cache
def roots() -> tuple[Root, ...]:
    """Return the packages named by entry points of group `wsconform.cases`, without importing them."""
    found = list[Root]()
    for package in case_packages():
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.origin:
            continue
        folder, above = Path(spec.origin).parent, list[Path]()
        # In a checkout, the folder of a package may be outside of the folder of its parent package.
        for name, place in zip(reversed(package.split(".")[:-1]), folder.parents, strict=False):
            if place.name != name:
                break
            above.append(place)
        found.append(Root(package, folder, tuple(above)))
    return tuple(found)


def root_of(path: Path) -> Root | None:
    """Return the package of cases that contains `path`, or None."""
    return next((root for root in roots() if path.is_relative_to(root.folder)), None)


def names_cases(config: pytest.Config) -> bool:
    """Return whether any argument of pytest names cases."""
    return any(_is_cases(str(arg), config) for arg in config.args)


def _is_cases(arg: str, config: pytest.Config) -> bool:
    base = arg.partition("[")[0].split("::")[0]
    if config.option.pyargs and any(base == each.package or base.startswith(f"{each.package}.") for each in roots()):
        return True
    return root_of(Path(os.path.abspath(config.invocation_params.dir / base))) is not None
