"""Recipes of a user's own, for tests of comparisons: wsconform's reference as a server and as a client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from wsconform.fixtures.targets import recipes

RECIPE = """
name = "{name}"
language = "Python"
role = "{role}"
engine = "reference"
program = "recipe.toml"
version = ["{{python}}", "-c", "print('reference 1.0')"]
argv = {argv}
"""
_MODULE = ("{python}", "-m", "wsconform.fixtures.reference")
_RECIPES = (
    ("by-hand", "server", (*_MODULE, "server", "--port", "{port}")),
    ("by-hand-client", "client", (*_MODULE, "driver", "{url}", "--agent", "{agent}")),
    ("nowhere", "server", ("no-such-program", "{port}")),
)


def write_recipe(folder: Path, name: str, role: str, argv: tuple[str, ...], more: str = "") -> None:
    """Write the recipe `name` into `folder`; `more` are further lines of its table."""
    path = folder / name.replace("-", "_") / "recipe.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(RECIPE.format(name=name, role=role, argv=json.dumps(argv)) + more)


@pytest.fixture
def own_recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Provide the recipes by-hand, by-hand-client, and nowhere, which cannot be started; yield their folder."""
    folder = tmp_path / "recipes"
    monkeypatch.setenv("WSCONFORM_TARGETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("WSCONFORM_TARGETS_RECIPES", str(folder))
    for name, role, words in _RECIPES:
        write_recipe(folder, name, role, words)
    recipes.cache_clear()
    yield folder
    recipes.cache_clear()
