"""wsconform serve: test clients, which come by themselves, are started, or are a browser."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import click
import trio

from ..catalogue.case import Case, Item
from ..catalogue.load import catalogue_version
from ..console.printer import Printer, PrinterOptions
from ..console.progress import Bars
from ..console.style import Out, Style, is_terminal
from ..journal.expected import Expectations
from ..journal.gate import rule
from ..journal.journal import JournalWriter, read
from ..journal.renderers import make, wanted, writable_folder
from ..prepare import config, values
from ..prepare.autobahn import AutobahnRun, autobahn_settings, load_autobahn
from ..prepare.catalogue import catalogue, selected, selection
from ..prepare.config import Configuration, Settings
from ..prepare.journal_file import JournalFile, StdoutCopy
from ..prepare.journals import command_line
from ..prepare.registry import registry
from ..prepare.run import expectations, expected_path, header, policy, stale_entries
from ..prepare.serve import ADDRESS, JOBS, ServeFlags, serve_options
from ..problem import Exit, Problem
from ..registry.requirement import Role
from ..serving.plan import Numbering
from ..serving.serve import Serving
from .options import (
    DURATION,
    Value,
    attempt_options,
    autobahn_option,
    budget_option,
    display_options,
    gate_options,
    jobs_option,
    output_options,
    pace_options,
    report_options,
    sampling_options,
    selectors,
)
from .output import output, report_to_github


@click.command("serve", short_help="test clients, which connect to wsconform as their server")
@click.argument("client", nargs=-1, type=click.UNPROCESSED, metavar="[-- CLIENT...]")
@selectors
@click.option("--url", metavar="URL", help=f"The address that clients get. Default: {ADDRESS}.")
@click.option(
    "--port",
    type=Value(values.Count(0), "PORT"),
    help="Port to listen on; 0 takes any free one. Default: the port of the URL.",
)
@click.option("--listen", metavar="HOST", help="Interface to listen on; 0.0.0.0 for all. Default: the host of the URL.")
@click.option("--tls", is_flag=True, help="Use TLS with a certificate made for this run; its authority is -o/ca.pem.")
@click.option("--cert", type=Value(values.PATH, "FILE"), help="Use TLS with this certificate chain (PEM).")
@click.option("--key", type=Value(values.PATH, "FILE"), help="The private key of --cert (PEM).")
@click.option("--driver", is_flag=True, help="CLIENT is started once and loops over all cases; {url} has no path.")
@click.option("--browser", type=click.Choice(["chromium", "firefox"]), help="Start this browser on wsconform's page.")
@click.option("--target", metavar="NAME", help="Start this client of the configuration.")
@click.option("--agent", metavar="NAME", help="Name of the started client in the results.")
@click.option("--app", type=click.Choice(["echo", "none"]), help="Whether clients echo messages. Default: echo.")
@click.option(
    "--until-idle", type=DURATION, help="End, or stop the driver, when no client was connected for this time."
)
@click.option("--connect-within", type=DURATION, help="How long a started client may take to connect. Default: 10s.")
@jobs_option(f"Clients, or connections of a browser, at once. Default: {JOBS}.")
@pace_options
@attempt_options
@budget_option("End after this time.")
@sampling_options
@gate_options("must")
@report_options("wsconform-out")
@output_options
@autobahn_option
@display_options
@click.pass_obj
def command(
    words: list[str], /, client: tuple[str, ...], json_: bool, quiet: bool, verbose: bool, **flags: object
) -> int:
    """Test WebSocket clients: wsconform is the server, and each connection runs one case.

    Without CLIENT, clients come by themselves: a program that uses the control addresses of Autobahn|Testsuite
    (/getCaseCount, /runCase, ...), or a browser that opens wsconform's page. CLIENT is a command that contains {url}
    and is started once for each case; {case}, {number}, {agent} and {cacert} are filled in, too. With
    --autobahn-spec, the address and cases of a fuzzingserver.json of Autobahn|Testsuite, under its case numbers.
    """
    configuration = config.load()
    settings = config.settle(flags, os.environ, configuration)
    serve_flags = ServeFlags.of(client, flags)
    autobahn = load_autobahn(flags.get("autobahn_spec"), servers=False)
    if autobahn is not None:
        settings, serve_flags = autobahn_settings(settings, flags), autobahn.with_address(serve_flags)
    serve = Serve(words, configuration, settings, serve_flags, autobahn)
    return serve.run(json=json_, quiet=quiet, verbose=verbose)


class Serve:
    """One call of the command."""

    def __init__(
        self,
        words: list[str],
        configuration: Configuration,
        settings: Settings,
        flags: ServeFlags,
        autobahn: AutobahnRun | None = None,
    ) -> None:
        self.words, self.configuration, self.settings, self.flags = words, configuration, settings, flags
        self.autobahn = autobahn
        self.policy = policy(settings)
        self.registry, self.catalogue = registry(), catalogue()

    def run(self, *, json: bool, quiet: bool, verbose: bool) -> int:
        """Serve until the end, write journal and reports, print the verdict, and return the exit code."""
        settings = self.settings
        numbering = self._numbering()
        items = self._items() if numbering is None else tuple({case.id: case for _, case in numbering.cases}.values())
        documents = wanted(settings.reports)
        known = expectations(expected_path(settings, self.configuration), self.catalogue)
        out, style = output(settings, sys.stderr if json else None)
        folder = writable_folder(settings.out, "-o")
        path = folder / "journal.jsonl"
        setting = serve_options(
            self.flags,
            settings,
            self.configuration,
            folder,
            keep_all=verbose,
            farewell=self.autobahn is not None,
        )
        if self.autobahn is not None:
            documents.append(self.autobahn.report())
            self.autobahn.print_ignored(Out(sys.stderr), style)
        printer = self._printer(out, style, quiet=quiet, verbose=verbose)

        async def update_reports() -> None:
            if documents:
                await trio.to_thread.run_sync(lambda: make(documents, [read(path)], folder))

        with contextlib.closing(JournalFile(path)) as file:
            writer = JournalWriter(file, *([StdoutCopy(Out(sys.stdout))] if json else []))
            writer.header(header(command_line(self.words), settings, self.catalogue, items, self.registry))
            serving = Serving(
                items,
                self.registry,
                setting,
                writer,
                Lines(out, style, Out(sys.stderr), verbose=verbose),
                expectations=known,
                policy=self.policy,
                listener=printer,
                update=update_reports,
                numbering=numbering,
                stale=lambda ran: self._stale(known, ran),
            )
            trio.run(serving.run)
        reports = make(documents, [read(path)], folder) if documents else []
        if not serving.outcomes:
            out.line(f"No client ran a case at {style.text(str(serving.url))}; journal {style.text(str(path))}")
            return Exit.INTERRUPTED if serving.interrupted else Exit.NOTHING
        ruling = rule(
            serving.outcomes,
            serving.stale,
            self.policy,
            interrupted=serving.interrupted,
            expected=known.name,
        )
        report_to_github(serving.outcomes, self.policy, self.registry, self.configuration.path, journal=path, out=out)
        printer.summary(serving.outcomes, ruling, [f"journal {path}", *map(str, reports)], serving.seconds)
        return ruling.exit

    def _items(self) -> tuple[Item, ...]:
        items = selected(selection(self.settings), self.catalogue, Role.CLIENT, self.registry)
        if not any(isinstance(item, Case) for item in items):
            raise Problem(
                "nothing is selected: no case for clients matches all selectors;"
                " see `wsconform list cases --role client`",
                Exit.NOTHING,
            )
        return items

    def _numbering(self) -> Numbering | None:
        if self.autobahn is None:
            return None
        numbering = self.autobahn.numbering(selection(self.settings), self.catalogue, self.registry)
        if not numbering.cases:
            path = self.autobahn.spec.path
            raise Problem(
                f"nothing is selected: {path}: its patterns match no id; see docs/from-autobahn.md", Exit.NOTHING
            )
        return numbering

    def _stale(self, known: Expectations, ran: Sequence[str]) -> list[str]:
        clients = dict.fromkeys(ran, Role.CLIENT)
        return stale_entries(known, self.catalogue, self.registry, self.settings, self.configuration, ran=clients)

    def _printer(self, out: Out, style: Style, *, quiet: bool, verbose: bool) -> Printer:
        options = PrinterOptions(
            catalogue=catalogue_version(self.catalogue),
            seed=self.settings.seed,
            rerun=self._rerun(),
            errors=Out(sys.stderr),
            journal=self.settings.out / "journal.jsonl",
            quiet=quiet,
            verbose=verbose,
        )
        shows = is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb" and not quiet and not verbose
        bars = Bars(sys.stderr, style) if shows else None
        return Printer(out, style, self.registry, self.policy, options, bars=bars)

    def _rerun(self) -> _Rerun:
        flags, words = self.flags, ["wsconform", "serve"]
        for flag, value in (
            ("--url", flags.url),
            ("--port", flags.port),
            ("--cert", flags.cert),
            ("--key", flags.key),
            ("--browser", flags.browser),
            ("--target", flags.target),
            ("--agent", flags.agent),
            ("--app", flags.app),
        ):
            if value is not None:
                words += [flag, str(value)]
        words += [flag for flag, value in (("--tls", flags.tls), ("--driver", flags.driver)) if value]
        if self.settings.profile != "standard":
            words += ["--profile", self.settings.profile]
        return _Rerun(tuple(words), ("--", *flags.client) if flags.client else ())


@dataclass(frozen=True, slots=True)
class _Rerun:
    """Makes the command that reruns a case: `words` come before the case, `client` after it."""

    words: tuple[str, ...]
    client: tuple[str, ...]

    def __call__(self, target: str, case: str) -> str:
        return shlex.join([*self.words, "-c", case, "-v", *self.client])


class Lines:
    """Prints the progress of serving: problems on `errors`, all else on `out`."""

    def __init__(self, out: Out, style: Style, errors: Out, *, verbose: bool) -> None:
        self._out, self._style, self._errors, self._verbose = out, style, errors, verbose

    def ready(self, line: str) -> None:
        """Print that clients may connect. Programs that start wsconform wait for this line, so it is always printed."""
        self._out.line(self._style.text(line))

    def say(self, line: str) -> None:
        """Print a problem, or a fact that the user must know."""
        self._errors.line(self._style.text(line))

    def detail(self, line: str) -> None:
        """Print a detail, if `verbose`."""
        if self._verbose:
            self._out.line(self._style.text(line))
