"""Options that several commands share: each has one name and one meaning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from ..prepare import values
from .completion import complete_cases

__all__ = [
    "DURATION",
    "Value",
    "attempt_options",
    "autobahn_option",
    "budget_option",
    "display_options",
    "gate_options",
    "jobs_option",
    "output_options",
    "pace_options",
    "report_options",
    "sampling_options",
    "selectors",
    "target_options",
]

F = TypeVar("F", bound=Callable[..., Any])


class Value(click.ParamType[object]):
    """The type of an option whose value is written as in the configuration file."""

    def __init__(self, kind: values.Kind, name: str) -> None:
        """Parse with `kind`; `name` is the placeholder in the help."""
        self.kind, self.name = kind, name

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        """Return the parsed `value`; raises click.UsageError, which names the option, if it is invalid."""
        if not isinstance(value, str):
            return value
        try:
            return self.kind.text(value)
        except ValueError as problem:
            flag = param.opts[0] if param else self.name
            raise click.UsageError(f"{flag}: {problem}", ctx) from None


DURATION = Value(values.DURATION, "DURATION")


def _apply(function: F, options: Sequence[Callable[[F], F]]) -> F:
    for option in reversed(options):
        function = option(function)
    return function


def selectors(function: F) -> F:
    """Add the options that select cases: patterns, sections, levels, a profile."""
    return _apply(
        function,
        [
            click.option(
                "-c",
                "--case",
                multiple=True,
                metavar="PATTERN",
                shell_complete=complete_cases,
                help="Run only cases matching this glob, such as 'closing.*'. Brackets are literal.",
            ),
            click.option(
                "-x",
                "--exclude",
                multiple=True,
                metavar="PATTERN",
                shell_complete=complete_cases,
                help="Leave out cases matching this glob.",
            ),
            click.option(
                "--section",
                multiple=True,
                metavar="SECTION",
                help='Only cases that cite this section, such as "RFC6455:5.5" or "5.5".',
            ),
            click.option(
                "--level",
                multiple=True,
                type=click.Choice(["must", "should", "may"]),
                help="Only requirements of this level; must includes rules stated without a keyword.",
            ),
            click.option(
                "--profile",
                type=click.Choice(["quick", "standard", "full"]),
                help="How many parameter variations to run: quick (none), standard (a sample), full (all)."
                " Default: standard.",
            ),
        ],
    )


def target_options(function: F) -> F:
    """Add the options for reaching a target; they override its table in the configuration."""
    return _apply(
        function,
        [
            click.option("--role", type=click.Choice(["server"]), help="The role of the target. Default: server."),
            click.option(
                "--app",
                type=click.Choice(["echo", "none"]),
                help="Whether the target echoes messages. Default: find out.",
            ),
            click.option(
                "-H",
                "--header",
                multiple=True,
                metavar="FIELD",
                type=Value(values.FIELDS, "FIELD"),
                help="Add the header field 'Name: value' to every request.",
            ),
            click.option("--subprotocol", metavar="NAME", help="Subprotocol to offer."),
            click.option(
                "--cacert",
                metavar="FILE",
                type=Value(values.PATH, "FILE"),
                help="Certificate authorities to trust, in PEM form.",
            ),
            click.option("--insecure", is_flag=True, default=None, help="Accept any certificate."),
            click.option(
                "--start",
                metavar="COMMAND",
                type=Value(values.COMMAND, "COMMAND"),
                help="Start the target with this command, and stop it at the end.",
            ),
            click.option(
                "--ready-within",
                type=DURATION,
                help="How long a started target may take to listen. Default: 10s.",
            ),
        ],
    )


def jobs_option(help: str) -> Callable[[F], F]:
    """Return the decorator that adds `--jobs` with this `help`."""
    return click.option("-j", "--jobs", type=Value(values.Count(1), "N"), help=help)


def pace_options(function: F) -> F:
    """Add the options that limit waiting."""
    return _apply(
        function,
        [
            click.option("--patience", type=DURATION, help="Longest silence to wait for. Default: 5s."),
            click.option(
                "--debugger",
                is_flag=True,
                default=None,
                help="Wait without limit, one case at a time: for a target in a debugger.",
            ),
        ],
    )


def budget_option(help: str) -> Callable[[F], F]:
    """Return the decorator that adds `--budget` with this `help`."""
    return click.option("--budget", type=DURATION, help=help)


def attempt_options(function: F) -> F:
    """Add the options for further attempts, and for an early end after failures."""
    return _apply(
        function,
        [
            click.option(
                "--retries",
                type=Value(values.Count(0), "N"),
                help="Retry a case that did not pass up to N more times. Default: 0.",
            ),
            click.option("--max-failures", type=Value(values.Count(1), "N"), help="Stop after N failures."),
        ],
    )


def sampling_options(function: F) -> F:
    """Add the options that choose a part of the cases and the seed."""
    return _apply(
        function,
        [
            click.option(
                "--shard",
                type=Value(values.SHARD, "N/M"),
                help="Run part N of M, divided by a hash of the case's id.",
            ),
            click.option(
                "--seed",
                type=Value(values.Count(0), "N"),
                help="Seed for masking keys and handshake keys. Default: 6455.",
            ),
        ],
    )


def gate_options(default: str) -> Callable[[F], F]:
    """Return the decorator that adds the options for the gate; `default` is the default of `--fail-on`."""

    def add(function: F) -> F:
        return _apply(
            function,
            [
                click.option(
                    "--fail-on",
                    type=click.Choice(["must", "should", "never"]),
                    help=f"Exit with code 1 on failures at this level or above. Default: {default}.",
                ),
                click.option(
                    "--expected",
                    type=Value(values.PATH, "FILE"),
                    help="List of known failures. Default: expected.toml beside the configuration, if it exists.",
                ),
                click.option(
                    "--allow",
                    multiple=True,
                    type=click.Choice(["stale", "flaky", "inconclusive"]),
                    help="Do not fail for this reason (repeatable).",
                ),
            ],
        )

    return add


def report_options(default: str, kinds: str = "") -> Callable[[F], F]:
    """Return the decorator that adds the options for files; `default` is the folder, `kinds` the default reports."""

    def add(function: F) -> F:
        return _apply(
            function,
            [
                click.option(
                    "-o",
                    "--out",
                    type=Value(values.PATH, "DIR"),
                    help=f"Folder for journal and reports. Default: {default}.",
                ),
                click.option(
                    "-r",
                    "--report",
                    "reports",
                    multiple=True,
                    metavar="KIND[=PATH]",
                    help="Also write a report: autobahn, badge, html, json, junit or md (repeatable)."
                    + (f" Default: {kinds}." if kinds else ""),
                ),
                click.option(
                    "--whole",
                    is_flag=True,
                    default=None,
                    help="Keep all octets in the journal, not only the first and last of long messages.",
                ),
            ],
        )

    return add


def output_options(function: F) -> F:
    """Add the options for the printed output of a run."""
    return _apply(
        function,
        [
            click.option("--json", "json_", is_flag=True, help="Print the journal on stdout, other text on stderr."),
            click.option("-q", "--quiet", is_flag=True, help="Print only the verdict."),
            click.option("-v", "--verbose", is_flag=True, help="Print every result with its transcript."),
        ],
    )


def autobahn_option(function: F) -> F:
    """Add the option that names a configuration of Autobahn|Testsuite."""
    return click.option(
        "--autobahn-spec",
        metavar="FILE",
        type=Value(values.PATH, "FILE"),
        help="Take targets and cases from a configuration of Autobahn|Testsuite, and write its index.json.",
    )(function)


def display_options(function: F) -> F:
    """Add the options for colours and characters."""
    return _apply(
        function,
        [
            click.option("--color", type=click.Choice(["auto", "always", "never"]), help="Default: auto."),
            click.option("--ascii", is_flag=True, default=None, help="Print only ASCII characters."),
        ],
    )
