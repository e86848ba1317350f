"""wsconform run: the catalogue put to targets, a journal, documents, and an exit code for the gate."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..prepare import values
from .completion import complete_targets
from .options import (
    DURATION,
    Value,
    attempt_options,
    display_options,
    older_option,
    pace_options,
    run_options,
    selectors,
    target_options,
)

if TYPE_CHECKING:
    from ..catalogue.case import Item
    from ..console.printer import Printer
    from ..console.style import Out, Style
    from ..journal.expected import Expectations
    from ..journal.gate import Policy
    from ..journal.journal import JournalWriter
    from ..prepare.autobahn import Older
    from ..prepare.config import Configuration, Settings
    from ..prepare.targets import Chosen
    from ..registry.registry import Registry
    from ..run.execution import Execution, Plan


@click.command("run", short_help="put the catalogue to targets")
@click.argument("targets", nargs=-1, metavar="[TARGET]...", shell_complete=complete_targets)
@selectors
@target_options
@click.option("-j", "--jobs", type=Value(values.Count(1), "N"), help="Connections at once. Default: 8.")
@pace_options
@click.option("--budget", type=DURATION, help="End the run after this long.")
@attempt_options
@run_options
@older_option
@display_options
@click.pass_obj
def command(
    words: list[str], /, targets: tuple[str, ...], json_: bool, quiet: bool, verbose: bool, **flags: object
) -> int:
    """Put the catalogue to TARGETs: names from the configuration, or ws and wss addresses.

    Without a TARGET, all that are configured; without a configuration, the embedded reference endpoint.
    With --autobahn-spec, the servers and cases of a fuzzingclient.json of the older suite, and its index.json.
    """
    import gc

    from ..prepare import config

    # What is loaded stays to the end: looking through it for garbage would only cost a quick start.
    gc.disable()
    configuration = config.load()
    settings = config.settle(flags, os.environ, configuration)
    if flags.get("autobahn_spec") is not None:
        from ..prepare.autobahn import settle

        settings = settle(settings, flags)
    return Run(words, configuration, settings, flags).run(targets, json=json_, manner=Manner(quiet, verbose))


@dataclass(frozen=True, slots=True)
class Manner:
    """How much is told: the verdict alone if `quiet`, every ladder if `verbose`."""

    quiet: bool = False
    verbose: bool = False


class Run:
    """One call of the command."""

    def __init__(
        self, words: list[str], configuration: Configuration, settings: Settings, flags: dict[str, object]
    ) -> None:
        self.words, self.configuration, self.settings, self.flags = words, configuration, settings, flags

    @functools.cached_property
    def older(self) -> Older | None:
        """The older suite's configuration, if one is named."""
        if self.flags.get("autobahn_spec") is None:
            return None
        from ..prepare.autobahn import load

        return load(self.flags["autobahn_spec"], servers=True)

    @functools.cached_property
    def registry(self) -> Registry:
        """The requirements."""
        from ..prepare.catalogue import registry

        return registry()

    @functools.cached_property
    def policy(self) -> Policy:
        """What breaks the gate."""
        from ..journal import gate

        return gate.Policy(gate.FailOn(self.settings.fail_on), frozenset(map(gate.Allow, self.settings.allow)))

    @functools.cached_property
    def catalogue(self) -> tuple[Item, ...]:
        """All cases and monitors; their older names are read only for somebody who may use them."""
        from ..catalogue.aliases import ask_for_aliases
        from ..prepare.catalogue import catalogue

        used = ask_for_aliases((*self.settings.case, *self.settings.exclude)) or self._expected is not None
        return catalogue(aliases=used)

    @functools.cached_property
    def _expected(self) -> Path | None:
        from ..prepare.run import expected_path

        return expected_path(self.settings, self.configuration)

    def run(self, names: Sequence[str], *, json: bool, manner: Manner) -> int:
        """Run, write the artefacts, tell the verdict, and return the exit code."""
        from ..console.style import Out
        from ..journal import gate
        from ..journal.journal import JournalWriter, read
        from ..journal.renderers import make, wanted, writable_folder
        from ..prepare.journal_file import Copy, JournalFile
        from ..prepare.targets import choose, left_out
        from ..problem import Exit, Problem
        from .output import output, tell_github

        settings, older = self.settings, self.older
        chosen = older.targets(self.flags) if older and not names else choose(names, self.flags, self.configuration)
        documents = wanted(settings.reports)
        plans = self._plans(chosen)
        expectations = self._expectations()
        prose, style = output(settings, sys.stderr if json else None)
        policy = self.policy
        if not any(plan.items for plan in plans):
            raise Problem(self._nothing_selected(plans), Exit.NOTHING)
        folder = writable_folder(settings.out, "-o")
        if older is not None:
            documents.append(older.document())
            older.tell(Out(sys.stderr), style)
        path = folder / "journal.jsonl"
        teller = self._teller(chosen, (prose, style), policy, manner)
        if chosen[0].serve and not names and not manner.quiet:
            prose.line("No target is named and there is no configuration: this is the embedded reference endpoint.")
        passed_over = left_out(names, self.configuration) if older is None else ""
        if passed_over and not manner.quiet:
            prose.line(style.text(passed_over))
        with contextlib.closing(JournalFile(path)) as file:
            copies = (Copy(Out(sys.stdout)),) if json else ()
            writer = JournalWriter(file, *copies)
            execution = self._execute(
                plans, expectations, writer, teller, folder, keep_all=manner.verbose, farewell=older is not None
            )
        artefacts = make(documents, [read(path)], folder) if documents else []
        ruling = gate.rule(
            execution.outcomes,
            execution.stale,
            policy,
            interrupted=execution.interrupted,
            expected=expectations.name,
        )
        told = [f"journal {path}", *(str(each) for each in artefacts)]
        tell_github(
            execution.outcomes, policy, self.registry, self.configuration.path, left=(path, folder), prose=prose
        )
        teller.summary(execution.outcomes, ruling, told, execution.seconds)
        return ruling.exit

    def _plans(self, chosen: Sequence[Chosen]) -> list[Plan]:
        from ..prepare.catalogue import selected, selection
        from ..run.execution import Plan

        wanted = selection(self.settings)
        if older := self.older:
            return [
                Plan(
                    target=older.informed(each.target),
                    items=older.entries(each.target.name, wanted, self.catalogue, each.target.role, self.registry),
                    jobs=self._jobs(each),
                    folder=each.folder,
                    serve=each.serve,
                )
                for each in chosen
            ]
        return [
            Plan(
                target=each.target,
                items=selected(wanted, self.catalogue, each.target.role, self.registry),
                jobs=self._jobs(each),
                folder=each.folder,
                serve=each.serve,
            )
            for each in chosen
        ]

    def _jobs(self, chosen: Chosen) -> int | None:
        """What a flag says, then the target's own; the rest is a default for all."""
        given = self.flags.get("jobs")
        return given if isinstance(given, int) else chosen.jobs

    def _nothing_selected(self, plans: Sequence[Plan]) -> str:
        from ..catalogue.case import Profile
        from ..prepare.catalogue import selected, selection

        if self.older and not self.settings.case:
            return f"nothing is selected: {self.older.spec.path}: its patterns take no id; see docs/from-autobahn.md"
        full = replace(selection(self.settings), profile=Profile.FULL)
        if any(selected(full, self.catalogue, plan.target.role, self.registry) for plan in plans):
            return f"nothing is selected in profile {self.settings.profile}; the cases belong to --profile full"
        return "nothing is selected: no case is taken by all selectors together; see `wsconform list cases`"

    def _expectations(self) -> Expectations:
        from ..prepare.run import expectations

        return expectations(self._expected, self.catalogue)

    def _stale(self, expectations: Expectations, plans: Sequence[Plan]) -> list[str]:
        from ..prepare.run import stale

        ran = {plan.target.name: plan.target.role for plan in plans}
        return stale(expectations, self.catalogue, self.registry, self.settings, self.configuration, ran=ran)

    def _teller(self, chosen: Sequence[Chosen], to: tuple[Out, Style], policy: Policy, manner: Manner) -> Printer:
        from ..catalogue.load import catalogue_version
        from ..console.printer import Printer, PrinterOptions, again_command
        from ..console.progress import Bars
        from ..console.style import Out, is_terminal

        extra = [] if self.settings.profile == "standard" else ["--profile", self.settings.profile]
        telling = PrinterOptions(
            catalogue_version(self.catalogue),
            self.settings.seed,
            again_command({each.target.name: (*each.words, *extra) for each in chosen}),
            Out(sys.stderr),
            manner.quiet,
            manner.verbose,
        )
        shows = is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb" and manner == Manner()
        return Printer(*to, self.registry, policy, telling, bars=Bars(sys.stderr, to[1]) if shows else None)

    def _execute(
        self,
        plans: Sequence[Plan],
        expectations: Expectations,
        writer: JournalWriter,
        teller: Printer,
        folder: Path,
        *,
        keep_all: bool,
        farewell: bool,
    ) -> Execution:
        import gc

        import trio

        from ..prepare.journals import command_word
        from ..prepare.run import header, run_options
        from ..run.execution import Execution
        from ..run.reference_process import apart

        put = (entry for plan in plans for entry in plan.items)
        writer.header(header(command_word(self.words), self.settings, self.catalogue, put, self.registry))
        options = run_options(self.settings, folder, keep_all=keep_all, farewell=farewell)
        with contextlib.ExitStack() as stack:
            execution = Execution(
                [stack.enter_context(apart(plan)) for plan in plans],
                self.registry,
                options,
                writer,
                expectations=expectations,
                listener=teller,
                stale=lambda: self._stale(expectations, plans),
                policy=self.policy,
            )
            gc.freeze()
            gc.enable()
            trio.run(execution.run)
        return execution
