"""Options that several commands share: the same words everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from .. import values
from .completion import complete_cases

__all__ = ["Value", "display_options", "older_option", "selectors", "target_options"]

F = TypeVar("F", bound=Callable[..., Any])


class Value(click.ParamType[object]):
    """A value of one of the configuration's kinds, after a flag."""

    def __init__(self, kind: values.Kind, name: str) -> None:
        """Read with `kind`; `name` stands in the help."""
        self.kind, self.name = kind, name

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        """Return what `value` stands for; a usage error if it stands for nothing."""
        if not isinstance(value, str):
            return value
        try:
            return self.kind.text(value)
        except ValueError as problem:
            flag = param.opts[0] if param else self.name
            raise click.UsageError(f"{flag}: {problem}", ctx) from None


DURATION = Value(values.DURATION, "DURATION")


def _apply(function: F, options: list[Callable[[F], F]]) -> F:
    for option in reversed(options):
        function = option(function)
    return function


def selectors(function: F) -> F:
    """Add what says which cases: patterns, sections, levels, a profile."""
    return _apply(
        function,
        [
            click.option(
                "-c",
                "--case",
                multiple=True,
                metavar="PATTERN",
                shell_complete=complete_cases,
                help="Cases to put; * and ? are wild, brackets are not.",
            ),
            click.option(
                "-x",
                "--exclude",
                multiple=True,
                metavar="PATTERN",
                shell_complete=complete_cases,
                help="Cases to leave out.",
            ),
            click.option("--section", multiple=True, metavar="SECTION", help='Such as "RFC6455:5.5", or "5.5".'),
            click.option("--level", multiple=True, type=click.Choice(["must", "should", "may"])),
            click.option(
                "--profile",
                type=click.Choice(["quick", "standard", "full"]),
                help="Sweeps: none, a fixed sample, all. Default: standard.",
            ),
        ],
    )


def target_options(function: F) -> F:
    """Add what says how to reach a target, over what its configuration says."""
    return _apply(
        function,
        [
            click.option("--role", type=click.Choice(["server"]), help="What the target is. Default: server."),
            click.option("--app", type=click.Choice(["echo", "none"]), help="What its application does."),
            click.option(
                "-H",
                "--header",
                multiple=True,
                metavar="FIELD",
                type=Value(values.FIELDS, "FIELD"),
                help="'Name: value', for every request.",
            ),
            click.option("--subprotocol", metavar="NAME", help="Subprotocol to ask for."),
            click.option("--cacert", metavar="FILE", type=Value(values.PATH, "FILE"), help="Authorities, in PEM form."),
            click.option("--insecure", is_flag=True, default=None, help="Take any certificate."),
            click.option(
                "--start",
                metavar="COMMAND",
                type=Value(values.COMMAND, "COMMAND"),
                help="Start the target with this, and end it.",
            ),
            click.option(
                "--ready-within", type=DURATION, help="How long a started target has until it listens. Default: 10s."
            ),
        ],
    )


def older_option(function: F) -> F:
    """Add what names a configuration of the older suite."""
    return click.option(
        "--autobahn-spec",
        metavar="FILE",
        type=Value(values.PATH, "FILE"),
        help="A configuration of the Autobahn|Testsuite: its cases, its targets, its index.json.",
    )(function)


def display_options(function: F) -> F:
    """Add what says how output looks."""
    return _apply(
        function,
        [
            click.option("--color", type=click.Choice(["auto", "always", "never"]), help="Default: auto."),
            click.option("--ascii", is_flag=True, default=None, help="ASCII marks and nothing else."),
        ],
    )
