"""wsconform run: test servers; write a journal and reports; exit with the gate's code."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
import trio

from ..catalogue.aliases import ask_for_aliases
from ..catalogue.case import Item, Profile
from ..catalogue.load import catalogue_version
from ..console.printer import Printer, PrinterOptions, rerun_command
from ..console.progress import Bars
from ..console.style import Out, Style, is_terminal
from ..journal.expected import Expectations
from ..journal.gate import Policy, rule
from ..journal.journal import JournalWriter, read
from ..journal.renderers import make, wanted, writable_folder
from ..prepare import config
from ..prepare.catalogue import catalogue, selected, selection
from ..prepare.config import Configuration, Settings
from ..prepare.journal_file import JournalFile, StdoutCopy
from ..prepare.journals import command_line
from ..prepare.registry import registry
from ..prepare.run import expectations, expected_path, header, policy, run_options, stale_entries
from ..prepare.targets import ChosenTarget, choose, clients_left_out
from ..problem import Exit, Problem
from ..registry.registry import Registry
from ..run.execution import Execution, Plan
from ..run.reference_process import apart
from .completion import complete_targets
from .options import (
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
    target_options,
)
from .output import output, report_to_github

if TYPE_CHECKING:
    from ..prepare.autobahn import AutobahnRun


@click.command("run", short_help="test servers, and write a journal and reports")
@click.argument("targets", nargs=-1, metavar="[TARGET]...", shell_complete=complete_targets)
@selectors
@target_options
@jobs_option("Connections at once. Default: 8.")
@pace_options
@budget_option("End the run after this time.")
@attempt_options
@sampling_options
@gate_options("must")
@report_options("wsconform-out")
@output_options
@autobahn_option
@display_options
@click.pass_obj
def command(
    words: list[str], /, targets: tuple[str, ...], json_: bool, quiet: bool, verbose: bool, **flags: object
) -> int:
    """Run the cases against each TARGET: the name of a server in the configuration, or a ws or wss address.

    Without a TARGET, all configured servers are tested; without a configuration, the embedded reference endpoint.
    With --autobahn-spec, the servers and cases of a fuzzingclient.json of Autobahn|Testsuite.
    """
    # The catalogue and its results live until the end, so a collection before the run would only take time.
    gc.disable()
    configuration = config.load()
    settings = config.settle(flags, os.environ, configuration)
    autobahn = None
    if flags.get("autobahn_spec") is not None:
        # With the server that it imports, this module takes a third of the time to start, and few runs need it.
        from ..prepare.autobahn import autobahn_settings, load_autobahn  # noqa: PLC0415

        settings = autobahn_settings(settings, flags)
        autobahn = load_autobahn(flags["autobahn_spec"], servers=True)
    run = Run(words, configuration, settings, flags, autobahn)
    return run.run(targets, json=json_, verbosity=Verbosity(quiet, verbose))


@dataclass(frozen=True, slots=True)
class Verbosity:
    """How much is printed: only the verdict if `quiet`, every result with its transcript if `verbose`."""

    quiet: bool = False
    verbose: bool = False


class Run:
    """One call of the command."""

    def __init__(
        self,
        words: list[str],
        configuration: Configuration,
        settings: Settings,
        flags: dict[str, object],
        autobahn: AutobahnRun | None = None,
    ) -> None:
        self.words, self.configuration, self.settings, self.flags = words, configuration, settings, flags
        self.autobahn = autobahn
        self.policy: Policy = policy(settings)

    @functools.cached_property
    def registry(self) -> Registry:
        """The requirements."""
        return registry()

    @functools.cached_property
    def catalogue(self) -> tuple[Item, ...]:
        """All cases and monitors. Aliases are read only if a selector or a list of known failures may use them."""
        used = ask_for_aliases((*self.settings.case, *self.settings.exclude)) or self._expected is not None
        return catalogue(aliases=used)

    @functools.cached_property
    def _expected(self) -> Path | None:
        return expected_path(self.settings, self.configuration)

    def run(self, names: Sequence[str], *, json: bool, verbosity: Verbosity) -> int:
        """Run the cases, write journal and reports, print the verdict, and return the exit code."""
        settings, autobahn = self.settings, self.autobahn
        chosen = (
            autobahn.targets(self.flags) if autobahn and not names else choose(names, self.flags, self.configuration)
        )
        documents = wanted(settings.reports)
        plans = self._plans(chosen)
        known = expectations(self._expected, self.catalogue)
        out, style = output(settings, sys.stderr if json else None)
        if not any(plan.items for plan in plans):
            raise Problem(self._nothing_selected(plans), Exit.NOTHING)
        folder = writable_folder(settings.out, "-o")
        if autobahn is not None:
            documents.append(autobahn.report())
            autobahn.print_ignored(Out(sys.stderr), style)
        path = folder / "journal.jsonl"
        printer = self._printer(chosen, out, style, verbosity)
        if not verbosity.quiet:
            self._print_choice(names, chosen, out, style)
        with contextlib.closing(JournalFile(path)) as file:
            writer = JournalWriter(file, *([StdoutCopy(Out(sys.stdout))] if json else []))
            execution = self._execute(plans, known, writer, printer, folder, keep_all=verbosity.verbose)
        reports = make(documents, [read(path)], folder) if documents else []
        ruling = rule(
            execution.outcomes,
            execution.stale,
            self.policy,
            interrupted=execution.interrupted,
            expected=known.name,
        )
        report_to_github(execution.outcomes, self.policy, self.registry, self.configuration.path, journal=path, out=out)
        written = [f"journal {path}", *map(str, reports)]
        printer.summary(execution.outcomes, ruling, written, execution.seconds)
        return ruling.exit

    def _plans(self, chosen: Sequence[ChosenTarget]) -> list[Plan]:
        return [self._plan(each) for each in chosen]

    def _plan(self, chosen: ChosenTarget) -> Plan:
        target, wanted = chosen.target, selection(self.settings)
        if self.autobahn:
            items = self.autobahn.selected(target.name, wanted, self.catalogue, target.role, self.registry)
            target = self.autobahn.with_selection(target)
        else:
            items = selected(wanted, self.catalogue, target.role, self.registry)
        # The option counts over the target's own value; without both, the run has a default for all targets.
        jobs = self.flags.get("jobs")
        return Plan(
            target=target,
            items=items,
            jobs=jobs if isinstance(jobs, int) else chosen.jobs,
            folder=chosen.folder,
            serve=chosen.serve,
        )

    def _nothing_selected(self, plans: Sequence[Plan]) -> str:
        if self.autobahn and not self.settings.case:
            path = self.autobahn.spec.path
            return f"nothing is selected: {path}: its patterns match no id; see docs/from-autobahn.md"
        full = replace(selection(self.settings), profile=Profile.FULL)
        if any(selected(full, self.catalogue, plan.target.role, self.registry) for plan in plans):
            return f"nothing is selected in profile {self.settings.profile}; the cases belong to --profile full"
        return "nothing is selected: no case matches all selectors; see `wsconform list cases`"

    def _print_choice(self, names: Sequence[str], chosen: Sequence[ChosenTarget], out: Out, style: Style) -> None:
        """Print which targets were chosen or left out, unless the command line names all."""
        if chosen[0].serve and not names:
            out.line("No target is named and there is no configuration: this is the embedded reference endpoint.")
        left_out = clients_left_out(names, self.configuration) if self.autobahn is None else ""
        if left_out:
            out.line(style.text(left_out))

    def _printer(self, chosen: Sequence[ChosenTarget], out: Out, style: Style, verbosity: Verbosity) -> Printer:
        extra = [] if self.settings.profile == "standard" else ["--profile", self.settings.profile]
        options = PrinterOptions(
            catalogue=catalogue_version(self.catalogue),
            seed=self.settings.seed,
            rerun=rerun_command({each.target.name: (*each.words, *extra) for each in chosen}),
            errors=Out(sys.stderr),
            journal=self.settings.out / "journal.jsonl",
            quiet=verbosity.quiet,
            verbose=verbosity.verbose,
        )
        shows = is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb" and verbosity == Verbosity()
        bars = Bars(sys.stderr, style) if shows else None
        return Printer(out, style, self.registry, self.policy, options, bars=bars)

    def _execute(
        self,
        plans: Sequence[Plan],
        known: Expectations,
        writer: JournalWriter,
        printer: Printer,
        folder: Path,
        *,
        keep_all: bool,
    ) -> Execution:
        items = (item for plan in plans for item in plan.items)
        writer.header(header(command_line(self.words), self.settings, self.catalogue, items, self.registry))
        ran = {plan.target.name: plan.target.role for plan in plans}
        with contextlib.ExitStack() as stack:
            execution = Execution(
                [stack.enter_context(apart(plan)) for plan in plans],
                self.registry,
                run_options(self.settings, folder, keep_all=keep_all, farewell=self.autobahn is not None),
                writer,
                expectations=known,
                listener=printer,
                stale=lambda: stale_entries(
                    known, self.catalogue, self.registry, self.settings, self.configuration, ran=ran
                ),
                policy=self.policy,
            )
            gc.freeze()
            gc.enable()
            trio.run(execution.run)
        return execution
