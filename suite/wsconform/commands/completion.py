"""wsconform completion: what makes a shell complete our commands, options, cases and targets."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["command", "complete_cases", "complete_recipes", "complete_targets"]

_SHELLS = ("bash", "zsh", "fish")


@click.command("completion", short_help="print what makes a shell complete our words")
@click.argument("shell", type=click.Choice(_SHELLS))
def command(shell: str) -> None:
    """Print the script that makes SHELL complete commands, options, cases and targets.

    For this session: eval "$(wsconform completion bash)". For all: put its output where the shell
    looks for completions.
    """
    from click.shell_completion import get_completion_class

    from ..cli import wsconform
    from ..console.style import Out

    kind = get_completion_class(shell)
    assert kind is not None  # one of _SHELLS, all of which click knows
    Out(sys.stdout).write(kind(wsconform, {}, "wsconform", "_WSCONFORM_COMPLETE").source())


def complete_cases(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the families of cases that begin with `incomplete`, each with its title; members once `[` is there."""
    from ..catalogue.load import load_catalogue

    entries = load_catalogue(aliases=":" in incomplete)
    if ":" in incomplete:
        return _items((alias, entry.title) for entry in entries for alias in entry.aliases)
    if "[" in incomplete:
        return _items((entry.id, entry.title) for entry in entries if entry.id.startswith(incomplete))
    return _items((entry.family, entry.title) for entry in entries if entry.family.startswith(incomplete))


def complete_targets(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the configured targets that begin with `incomplete`; none where the configuration cannot be read."""
    from ..prepare import config
    from ..problem import Problem

    try:
        tables = config.load().targets
    except Problem:
        return []
    return _items((name, table.url or table.role) for name, table in tables.items() if name.startswith(incomplete))


def complete_recipes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the implementations with a recipe whose names begin with `incomplete`; [] if recipes cannot be read."""
    from ..prepare.recipes import load_recipes
    from ..problem import Problem

    try:
        recipes = load_recipes()
    except Problem:
        return []
    return _items(
        (each.name, f"{each.role.value}, {each.engine}") for each in recipes if each.name.startswith(incomplete)
    )


def _items(pairs: Iterable[tuple[str, str]]) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(value, help=told) for value, told in dict(pairs).items()]
