"""wsconform serve: the suite as the server; clients come by themselves, are started, or are a browser."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from ..prepare import values
from ..prepare.serve import ADDRESS, JOBS, Preparing, ServeFlags
from .options import (
    DURATION,
    Value,
    attempt_options,
    display_options,
    older_option,
    pace_options,
    run_options,
    selectors,
)

if TYPE_CHECKING:
    from ..catalogue.case import Item
    from ..console.printer import Printer
    from ..console.style import Out, Style
    from ..journal.expected import Expectations
    from ..journal.gate import Policy
    from ..prepare.autobahn import Older
    from ..prepare.config import Configuration, Settings
    from ..serving.options import ServeOptions
    from ..serving.plan import Numbering


@click.command("serve", short_help="be the server for clients under test")
@click.argument("client", nargs=-1, type=click.UNPROCESSED, metavar="[-- CLIENT...]")
@selectors
@click.option("--url", metavar="URL", help=f"What clients are told. Default: {ADDRESS}.")
@click.option(
    "--port", type=Value(values.Count(0), "PORT"), help="Port to listen on; 0: any free one. Default: the URL's."
)
@click.option("--listen", metavar="HOST", help="Interface to listen on; 0.0.0.0: all. Default: the URL's host.")
@click.option("--tls", is_flag=True, help="TLS, with a certificate of a throw-away authority (ca.pem in -o).")
@click.option("--cert", type=Value(values.PATH, "FILE"), help="TLS, with this certificate chain (PEM).")
@click.option("--key", type=Value(values.PATH, "FILE"), help="The key of --cert.")
@click.option("--driver", is_flag=True, help="CLIENT runs the loop over all cases itself; {url} is without a path.")
@click.option("--browser", type=click.Choice(["chromium", "firefox"]), help="Start this browser on the suite's page.")
@click.option("--target", metavar="NAME", help="A client of the configuration, its start command and name.")
@click.option("--agent", metavar="NAME", help="Name of a started client in the results.")
@click.option("--app", type=click.Choice(["echo", "none"]), help="What clients do with messages. Default: echo.")
@click.option("--until-idle", type=DURATION, help="End, or end the driver, when nobody was connected for so long.")
@click.option("--connect-within", type=DURATION, help="How long a started client has to connect. Default: 10s.")
@click.option(
    "-j", "--jobs", type=Value(values.Count(1), "N"), help=f"Clients, or connections, at once. Default: {JOBS}."
)
@pace_options
@attempt_options
@click.option("--budget", type=DURATION, help="End after this long.")
@run_options
@older_option
@display_options
@click.pass_obj
def command(
    words: list[str], /, client: tuple[str, ...], json_: bool, quiet: bool, verbose: bool, **flags: object
) -> int:
    """Be the server: each connection of a client is one case.

    Without CLIENT, clients come by themselves, with the control addresses of the older suite (/getCaseCount,
    /runCase, ...), or as a browser that opens the suite's address. CLIENT is a command with {url} in it, started
    once for each case; {case}, {number}, {agent} and {cacert} are filled in, too. With --autobahn-spec, the port and
    cases of a fuzzingserver.json of the older suite, its numbers of cases, and its index.json.
    """
    from ..prepare import config

    configuration = config.load()
    settings = config.settle(flags, os.environ, configuration)
    asked, older = ServeFlags.of(client, flags), None
    if flags.get("autobahn_spec") is not None:
        from ..prepare.autobahn import load, settle

        settings, older = settle(settings, flags), load(flags["autobahn_spec"], servers=False)
        asked = older.asked(asked) if older else asked
    return Serve(words, configuration, settings, asked, older).run(json=json_, quiet=quiet, verbose=verbose)


class Serve:
    """One call of the command."""

    def __init__(
        self,
        words: list[str],
        configuration: Configuration,
        settings: Settings,
        asked: ServeFlags,
        older: Older | None = None,
    ) -> None:
        from ..prepare.catalogue import catalogue, registry

        self.older = older
        self.words, self.configuration, self.settings, self.asked = words, configuration, settings, asked
        self.registry, self.catalogue = registry(), catalogue()

    def run(self, *, json: bool, quiet: bool, verbose: bool) -> int:
        """Serve, write the artefacts, tell the verdict, and return the exit code."""
        import trio

        from ..console.style import Out
        from ..journal import gate
        from ..journal.journal import JournalWriter, read
        from ..journal.renderers import make, wanted, writable_folder
        from ..prepare.journal_file import Copy, JournalFile
        from ..prepare.journals import command_word
        from ..prepare.run import header
        from ..problem import Exit
        from ..serving.serve import Serving
        from .output import output, tell_github

        settings, older = self.settings, self.older
        numbering = self._numbering()
        entries = (
            self._entries() if numbering is None else tuple({case.id: case for _, case in numbering.cases}.values())
        )
        documents = wanted(settings.reports)
        expectations = self._expectations()
        prose, style = output(settings, sys.stderr if json else None)
        policy = gate.Policy(gate.FailOn(settings.fail_on), frozenset(map(gate.Allow, settings.allow)))
        folder = writable_folder(settings.out, "-o")
        path = folder / "journal.jsonl"
        setting = Preparing(self.asked, settings, self.configuration).setting(
            folder, keep_all=verbose, farewell=older is not None
        )
        if older is not None:
            documents.append(older.document())
            older.tell(Out(sys.stderr), style)
        teller = self._teller((prose, style), policy, setting, quiet=quiet, verbose=verbose)

        async def update() -> None:
            if documents:
                await trio.to_thread.run_sync(lambda: make(documents, [read(path)], folder))

        with contextlib.closing(JournalFile(path)) as file:
            copies = (Copy(Out(sys.stdout)),) if json else ()
            writer = JournalWriter(file, *copies)
            writer.header(header(command_word(self.words), settings, self.catalogue, entries, self.registry))
            serving = Serving(
                entries,
                self.registry,
                setting,
                writer,
                Lines(prose, style, Out(sys.stderr), verbose=verbose),
                expectations=expectations,
                policy=policy,
                listener=teller,
                update=update,
                numbering=numbering,
                stale=lambda ran: self._stale(expectations, ran),
            )
            trio.run(serving.run)
        artefacts = make(documents, [read(path)], folder) if documents else []
        if not serving.outcomes:
            prose.line(f"No client ran a case at {style.text(str(serving.url))}; journal {style.text(str(path))}")
            return Exit.INTERRUPTED if serving.interrupted else Exit.NOTHING
        ruling = gate.rule(
            serving.outcomes,
            serving.stale,
            policy,
            interrupted=serving.interrupted,
            expected=expectations.name,
        )
        told = [f"journal {path}", *(str(each) for each in artefacts)]
        tell_github(serving.outcomes, policy, self.registry, self.configuration.path, left=(path, folder), prose=prose)
        teller.summary(serving.outcomes, ruling, told, serving.seconds)
        return ruling.exit

    # --- what is served

    def _entries(self) -> tuple[Item, ...]:
        from ..catalogue.case import Case
        from ..prepare.catalogue import selected, selection
        from ..problem import Exit, Problem
        from ..registry.requirement import Role

        entries = selected(selection(self.settings), self.catalogue, Role.CLIENT, self.registry)
        if not any(isinstance(entry, Case) for entry in entries):
            raise Problem(
                "nothing is selected: no case for clients is taken by all selectors together; see"
                " `wsconform list cases --role client`",
                Exit.NOTHING,
            )
        return entries

    def _numbering(self) -> Numbering | None:
        from ..prepare.catalogue import selection
        from ..problem import Exit, Problem

        if self.older is None:
            return None
        numbering = self.older.numbering(selection(self.settings), self.catalogue, self.registry)
        if not numbering.cases:
            path = self.older.spec.path
            raise Problem(
                f"nothing is selected: {path}: its patterns take no id; see docs/from-autobahn.md", Exit.NOTHING
            )
        return numbering

    # --- around it

    def _expectations(self) -> Expectations:
        from ..prepare.run import expectations, expected_path

        return expectations(expected_path(self.settings, self.configuration), self.catalogue)

    def _stale(self, expectations: Expectations, ran: Sequence[str]) -> list[str]:
        from ..prepare.run import stale
        from ..registry.requirement import Role

        clients = dict.fromkeys(ran, Role.CLIENT)
        return stale(expectations, self.catalogue, self.registry, self.settings, self.configuration, ran=clients)

    def _teller(
        self, to: tuple[Out, Style], policy: Policy, setting: ServeOptions, *, quiet: bool, verbose: bool
    ) -> Printer:
        from ..catalogue.load import catalogue_version
        from ..console.printer import Printer, PrinterOptions
        from ..console.progress import Bars
        from ..console.style import Out, is_terminal

        version = catalogue_version(self.catalogue)
        again = self._again()
        telling = PrinterOptions(version, self.settings.seed, again, Out(sys.stderr), quiet, verbose)
        shows = is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb" and not quiet and not verbose
        return Printer(*to, self.registry, policy, telling, bars=Bars(sys.stderr, to[1]) if shows else None)

    def _again(self) -> _Again:
        asked, words = self.asked, ["wsconform", "serve"]
        for flag, value in (
            ("--url", asked.url),
            ("--port", asked.port),
            ("--cert", asked.cert),
            ("--key", asked.key),
            ("--browser", asked.browser),
            ("--target", asked.target),
            ("--agent", asked.agent),
            ("--app", asked.app),
        ):
            if value is not None:
                words += [flag, str(value)]
        words += [flag for flag, value in (("--tls", asked.tls), ("--driver", asked.driver)) if value]
        if self.settings.profile != "standard":
            words += ["--profile", self.settings.profile]
        return _Again(tuple(words), ("--", *asked.client) if asked.client else ())


@dataclass(frozen=True, slots=True)
class _Again:
    """Makes the command that serves one case again: the words before the case, and the client's."""

    words: tuple[str, ...]
    client: tuple[str, ...]

    def __call__(self, target: str, case: str) -> str:
        import shlex

        return shlex.join([*self.words, "-c", case, "-v", *self.client])


class Lines:
    """Tells how the serving goes: what has to be known on stderr, the rest, if `verbose`, where prose goes."""

    def __init__(self, out: Out, style: Style, errors: Out, *, verbose: bool) -> None:
        self._out, self._style, self._errors, self._verbose = out, style, errors, verbose

    def ready(self, line: str) -> None:
        """Tell that clients may come: part of the older suite's interface, so it is never left out."""
        self._out.line(self._style.text(line))

    def say(self, line: str) -> None:
        """Tell something that has to be known."""
        self._errors.line(self._style.text(line))

    def detail(self, line: str) -> None:
        """Tell something that is of use to who watches."""
        if self._verbose:
            self._out.line(self._style.text(line))
