"""wsconform completion: a script that makes a shell complete commands, options, cases and targets."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem, get_completion_class

from ..console.style import Out
from ..problem import Problem

__all__ = ["command", "complete_cases", "complete_recipes", "complete_targets"]

# Every command imports this module for its options, so the functions below import heavy modules only when a shell
# calls them.

_SHELLS = ("bash", "zsh", "fish")


@click.command("completion", short_help="print a script that adds completion to a shell")
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the script that makes SHELL complete commands, options, cases and targets.

    For the current session: eval "$(wsconform completion bash)". For all sessions: write the output to a file in
    the folder in which the shell looks for completions.
    """
    kind = get_completion_class(shell)
    assert kind is not None  # click knows all of _SHELLS
    Out(sys.stdout).write(kind(context.find_root().command, {}, "wsconform", "_WSCONFORM_COMPLETE").source())


def complete_cases(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the families of cases whose ids begin with `incomplete`, with their titles.

    Return members of a family if `incomplete` contains "[", and aliases if it contains ":".
    """
    from ..catalogue.load import load_catalogue  # noqa: PLC0415

    items = load_catalogue(aliases=":" in incomplete)
    if ":" in incomplete:
        return _completions((alias, item.title) for item in items for alias in item.aliases)
    if "[" in incomplete:
        return _completions((item.id, item.title) for item in items if item.id.startswith(incomplete))
    return _completions((item.family, item.title) for item in items if item.family.startswith(incomplete))


def complete_targets(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the configured targets whose names begin with `incomplete`; [] if the configuration cannot be read."""
    from ..prepare import config  # noqa: PLC0415

    try:
        tables = config.load().targets
    except Problem:
        return []
    named = [(name, table) for name, table in tables.items() if name.startswith(incomplete)]
    return _completions((name, table.url or table.role) for name, table in named)


def complete_recipes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the implementations with a recipe whose names begin with `incomplete`; [] if recipes cannot be read."""
    from ..prepare.recipes import load_recipes  # noqa: PLC0415

    try:
        recipes = load_recipes()
    except Problem:
        return []
    named = [recipe for recipe in recipes if recipe.name.startswith(incomplete)]
    return _completions((recipe.name, f"{recipe.role.value}, {recipe.engine}") for recipe in named)


def _completions(pairs: Iterable[tuple[str, str]]) -> list[CompletionItem]:
    return [CompletionItem(value, help=text) for value, text in dict(pairs).items()]
