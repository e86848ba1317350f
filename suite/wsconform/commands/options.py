"""Options that several commands share: the same words everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ..prepare import values
from .completion import complete_cases

__all__ = [
    "Value",
    "attempt_options",
    "display_options",
    "older_option",
    "pace_options",
    "run_options",
    "selectors",
    "target_options",
]

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


def pace_options(function: F) -> F:
    """Add what says how long is waited."""
    return _apply(
        function,
        [
            click.option("--patience", type=DURATION, help="Longest silence that is waited for. Default: 5s."),
            click.option("--debugger", is_flag=True, default=None, help="Endless patience, one case at a time."),
        ],
    )


def attempt_options(function: F) -> F:
    """Add what says how often a case is put, and when no more are."""
    return _apply(
        function,
        [
            click.option(
                "--retries",
                type=Value(values.Count(0), "N"),
                help="More attempts at what is not a pass. Default: 0.",
            ),
            click.option(
                "--max-failures", type=Value(values.Count(1), "N"), help="Put no more cases after so many failures."
            ),
        ],
    )


def run_options(function: F) -> F:
    """Add what `run` and `serve` take alike: a part of the cases, what breaks the gate, what is written and told."""
    return _apply(
        function,
        [
            click.option("--shard", type=Value(values.SHARD, "N/M"), help="One part of M, by a hash of the case's id."),
            click.option("--seed", type=Value(values.Count(0), "N"), help="Seed of keys and masks. Default: 6455."),
            click.option(
                "--fail-on", type=click.Choice(["must", "should", "never"]), help="What breaks the gate. Default: must."
            ),
            click.option(
                "--expected", type=Value(values.PATH, "FILE"), help="Known failures. Default: expected.toml if there."
            ),
            click.option(
                "--allow",
                multiple=True,
                type=click.Choice(["stale", "flaky", "inconclusive"]),
                help="What else does not break the gate.",
            ),
            click.option(
                "-o",
                "--out",
                type=Value(values.PATH, "DIR"),
                help="Folder of journal and reports. Default: wsconform-out.",
            ),
            click.option(
                "-r",
                "--report",
                "reports",
                multiple=True,
                metavar="KIND[=PATH]",
                help="Also write autobahn, badge, html, json, junit, md.",
            ),
            click.option("--json", "json_", is_flag=True, help="The journal on stdout, prose on stderr."),
            click.option("-q", "--quiet", is_flag=True, help="The verdict alone."),
            click.option("-v", "--verbose", is_flag=True, help="Every result with its ladder."),
            click.option("--whole", is_flag=True, default=None, help="Keep all octets in the journal."),
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
