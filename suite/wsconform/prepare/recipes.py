"""Recipes: real implementations that can be installed and started here, from entry points `wsconform.targets`."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import Protocol

from ..problem import Exit, Problem, meant
from ..registry.requirement import Role
from ..serving.browsers import BROWSERS

__all__ = ["ENTRY_POINTS", "Recipe", "choose_recipes", "load_recipes"]

ENTRY_POINTS = "wsconform.targets"


class Recipe(Protocol):
    """A real implementation that can be installed and started.

    `engine` names the code that does the framing: two implementations with the same engine behave alike. `echo` is
    whether the program echoes messages. `requires` are the packages to install, each after its manager
    ("pip websockets"). `ready_within` is how long a started server may take to listen, in seconds.
    """

    @property
    def name(self) -> str: ...

    @property
    def role(self) -> Role: ...

    @property
    def language(self) -> str: ...

    @property
    def engine(self) -> str: ...

    @property
    def echo(self) -> bool: ...

    @property
    def requires(self) -> tuple[str, ...]: ...

    @property
    def ready_within(self) -> float: ...

    def is_installed(self) -> bool:
        """Return whether `install` has nothing to do."""

    def install(self) -> str:
        """Install the implementation unless it is installed, and return its versions; raises Problem."""

    def start_command(self, port: int) -> tuple[str, ...]:
        """Return the command that starts the program: a server listens on `port`, a client gets `{url}`, `{agent}`."""


def load_recipes() -> tuple[Recipe, ...]:
    """Return the recipes of all entry points; raises Problem without any recipe, or if two have the same name."""
    found = dict[str, Recipe]()
    for point in entry_points(group=ENTRY_POINTS):
        try:
            provide: Callable[[], Sequence[Recipe]] = point.load()
        except (ImportError, AttributeError) as problem:
            raise Problem(f"{ENTRY_POINTS}: {point.value}: cannot be loaded: {problem}", Exit.SUITE) from None
        for recipe in provide():
            if recipe.name in found:
                raise Problem(f"{ENTRY_POINTS}: {point.value}: there is a recipe {recipe.name} already; rename one")
            found[recipe.name] = recipe
    if not found:
        raise Problem("no package provides recipes; install wsconform with its fixtures")
    return tuple(found.values())


def choose_recipes(recipes: Sequence[Recipe], names: Sequence[str]) -> tuple[list[Recipe], list[str]]:
    """Return the recipes and the browsers called `names`, each once; without names, all that echo or are installed.

    Browsers have no recipe: wsconform starts them itself. Raises Problem for an unknown name.
    """
    if not names:
        installed = [name for name, browser in BROWSERS.items() if any(map(shutil.which, browser.commands))]
        return [recipe for recipe in recipes if recipe.echo], installed
    by_name = {recipe.name: recipe for recipe in recipes}
    names = list(dict.fromkeys(names))
    for name in names:
        if name not in by_name and name not in BROWSERS:
            near = meant(name, (*by_name, *BROWSERS), otherwise="; see `wsconform compare --list`")
            raise Problem(f"{name}: there is no recipe of this name{near}")
    return [by_name[name] for name in names if name in by_name], [name for name in names if name in BROWSERS]
