"""wsconform compare: test many real implementations, and write one report about all of them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from ..console.style import Out, Style
from ..journal.renderers import Wanted, wanted
from ..prepare import config
from ..prepare.catalogue import catalogue, selected, selection
from ..prepare.compare import Comparison, Row, row_table, worst_exit
from ..prepare.config import Settings
from ..prepare.recipes import Recipe, choose_recipes, load_recipes
from ..prepare.registry import registry
from ..prepare.run import expectations
from ..problem import Exit, Problem
from ..registry.requirement import Role
from .completion import complete_recipes
from .options import (
    attempt_options,
    budget_option,
    display_options,
    gate_options,
    jobs_option,
    pace_options,
    report_options,
    sampling_options,
    selectors,
)
from .output import output

FOLDER = "comparison"
REPORTS = ("html", "md")


@click.command("compare", short_help="test many real implementations and report on all")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_recipes)
@click.option("--list", "list_", is_flag=True, help="Print the implementations that have a recipe, and exit.")
@selectors
@jobs_option("Connections at once. Default: 8, and 6 for a browser.")
@pace_options
@budget_option("End the run against each implementation after this time.")
@attempt_options
@sampling_options
@gate_options("never")
@report_options(FOLDER, " and ".join(REPORTS))
@click.option("-q", "--quiet", is_flag=True, help="Print only the verdict.")
@display_options
def command(names: tuple[str, ...], list_: bool, quiet: bool, **flags: object) -> int:
    """Install, start and test the implementations called NAME, one after another, and report on all together.

    Without a NAME, all that echo messages, and the browsers that are installed. Journals of earlier comparisons in the
    same folder are part of the report. Servers alone get --retries and --max-failures.
    """
    settings = _settings(flags)
    out, style = output(settings)
    recipes = load_recipes()
    chosen, browsers = choose_recipes(recipes, names)
    if list_:
        for line in recipe_table(chosen if names else recipes):
            out.line(style.text(line))
        return Exit.HELD
    documents = wanted(settings.reports)
    _check_selection(settings, {*(recipe.role for recipe in chosen), *([Role.CLIENT] if browsers else [])})
    comparison = Comparison(settings.out, settings)
    rows = _test_all(comparison, chosen, browsers, None if quiet else Out(sys.stderr), style)
    if not quiet:
        for line in row_table(rows):
            out.line(style.text(line))
    paths = _report(comparison, documents, style)
    if not quiet:
        for path in paths:
            out.line(style.text(f"report {path}"))
    code = worst_exit(rows)
    out.line(style.paint(style.text(verdict(rows, settings.fail_on)), "red" if code else "green"))
    return code


def _settings(flags: dict[str, object]) -> Settings:
    """Return the settings of the comparison, which has its own defaults for folder, reports and gate."""
    configuration = config.load()
    defaults = {"out": Path(FOLDER), "fail-on": "never", "reports": REPORTS}
    return config.settle(flags, os.environ, replace(configuration, settings={**defaults, **configuration.settings}))


def _check_selection(settings: Settings, roles: set[Role]) -> None:
    """Raise Problem for a selector or a list of known failures that every run would reject, or if no case is left."""
    items = catalogue()
    if settings.expected is not None:
        expectations(settings.expected, items)
    if not any(selected(selection(settings), items, role, registry()) for role in roles):
        raise Problem("nothing is selected: no case matches all selectors; see `wsconform list cases`", Exit.NOTHING)


def _test_all(
    comparison: Comparison, recipes: Sequence[Recipe], browsers: Sequence[str], errors: Out | None, style: Style
) -> list[Row]:
    rows = list[Row]()
    with _terminated_like_interrupted():
        for row in comparison.run(recipes, browsers):
            rows.append(row)
            if errors is not None:
                errors.line(style.text(f"{row.name}: {row.problem or f'tested in {row.seconds:.0f} s'}"))
    return rows


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """End on SIGTERM as on SIGINT, so that the run of a target ends with its target and with its journal's footer."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _report(comparison: Comparison, documents: Sequence[Wanted], style: Style) -> list[Path]:
    paths = comparison.report(documents)
    for line in comparison.unreadable:
        Out(sys.stderr).line(style.text(f"left out of the report: {line}"))
    return paths


def recipe_table(recipes: Sequence[Recipe]) -> list[str]:
    """Return `recipes` as lines of text in columns."""
    rows = [("NAME", "ROLE", "LANGUAGE", "ENGINE", "ECHO", "INSTALLED", "REQUIRES")]
    for recipe in recipes:
        echo, installed = ("yes" if answer else "no" for answer in (recipe.echo, recipe.is_installed()))
        requires = ", ".join(recipe.requires)
        rows.append((recipe.name, recipe.role.value, recipe.language, recipe.engine, echo, installed, requires))
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def verdict(rows: Sequence[Row], fail_on: str) -> str:
    """Return the sentence that ends a comparison: how many implementations were tested, and which failed."""
    tested = [row for row in rows if row.exit in (Exit.HELD, Exit.BROKEN)]
    untested = [row.name for row in rows if row not in tested]
    text = f"Tested {len(tested)} of {len(rows)} implementations"
    text += f"; not tested: {_few(untested)}." if untested else "."
    broken = [row.name for row in rows if row.exit is Exit.BROKEN]
    return f"FAILED (--fail-on {fail_on}): {_few(broken)}. {text}" if broken else text


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
