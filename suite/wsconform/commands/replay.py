"""wsconform replay: what failed in a journal put again, with the same seed: fixed, or still failing."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..prepare import values
from .options import DURATION, Value, display_options, target_options

if TYPE_CHECKING:
    from ..catalogue.case import Item
    from ..console.style import Out, Style
    from ..evidence.result import Result
    from ..journal.gate import Policy
    from ..journal.journal import Journal, TargetResults
    from ..prepare.config import Configuration, Settings
    from ..prepare.targets import Chosen
    from ..run.execution import Execution

#: Findings that are told in full.
_MOST = 10


@click.command("replay", short_help="run again what failed in a journal")
@click.argument("journal", metavar="JOURNAL", type=Value(values.PATH, "FILE"))
@click.argument("cases", nargs=-1, metavar="[CASE]...")
@click.option("--target", metavar="NAME", help="One of the journal's targets. Default: all of them.")
@click.option("--url", metavar="URL", help="Where the target is now. Default: its configuration, or the journal.")
@target_options
@click.option("--patience", type=DURATION, help="Longest silence that is waited for. Default: 5s.")
@click.option("--debugger", is_flag=True, default=None, help="Endless patience, one case at a time.")
@click.option("--retries", type=Value(values.Count(0), "N"), help="More attempts at what is not a pass. Default: 0.")
@click.option("--fail-on", type=click.Choice(["must", "should"]), help="What counts as failed. Default: must.")
@click.option(
    "-o", "--out", type=Value(values.PATH, "DIR"), help="Folder of the journal. Default: wsconform-out/replay."
)
@click.option("--whole", is_flag=True, default=None, help="Keep all octets in the journal.")
@click.option("-v", "--verbose", is_flag=True, help="Every result with its ladder.")
@display_options
@click.pass_obj
def command(  # noqa: PLR0917  # click hands over what was asked for
    words: list[str],
    /,
    journal: Path,
    cases: tuple[str, ...],
    target: str | None,
    url: str | None,
    verbose: bool,
    **flags: object,
) -> int:
    """Put again what failed in JOURNAL, or the CASEs of it that are named, to the targets that are there.

    The seed is the journal's, so octets are the same as then. Known failures (expected.toml) are put, too.
    Ends in 0 if all is fixed, in 1 if something still fails.
    """
    from ..prepare import config
    from ..prepare.journals import journal_at

    configuration = config.load()
    settings = config.settle(flags, os.environ, configuration)
    if flags.get("out") is None:
        settings = replace(settings, out=settings.out / "replay")
    read = journal_at(journal)
    settings = replace(settings, seed=read.header.seed, profile=read.header.profile)
    again = Replay(words, journal, read, settings, configuration)
    return again.run(cases, target, url, flags, verbose=verbose)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is put again to one target: `before` are its results in the journal, `entries` what has to be put."""

    chosen: Chosen
    before: tuple[Result, ...]
    entries: tuple[Item, ...]


class Replay:
    """One call of the command."""

    def __init__(
        self, words: list[str], path: Path, journal: Journal, settings: Settings, configuration: Configuration
    ) -> None:
        from ..journal import gate
        from ..prepare.catalogue import catalogue, registry

        self.words, self.path, self.journal = words, path, journal
        self.settings, self.configuration = settings, configuration
        self.registry, self.catalogue = registry(), catalogue(aliases=False)
        fail_on = gate.FailOn.SHOULD if settings.fail_on == "should" else gate.FailOn.MUST
        self.policy: Policy = gate.Policy(fail_on)
        self.gone = list[str]()

    def run(
        self,
        cases: Sequence[str],
        target: str | None,
        url: str | None,
        flags: Mapping[str, object],
        *,
        verbose: bool,
    ) -> int:
        """Put the cases again, tell what became of each, and return the exit code."""
        from ..console.style import Out
        from ..journal import gate
        from ..problem import Exit
        from .output import output

        out, style = output(self.settings)
        asked = self._asked(cases, target, url, flags)
        for case in self.gone:
            out.line(style.text(f"Left out, for this catalogue has no such case: {case}"))
        if not asked:
            out.line(style.text(f"Nothing failed in {self.path}."))
            return Exit.HELD
        execution = self._execute(asked)
        ruling = gate.rule(execution.outcomes, (), self.policy, interrupted=execution.interrupted)
        fixed, failing = self._tell(asked, execution, (out, style), verbose=verbose)
        for outcome in execution.outcomes:
            if outcome.problem:
                Out(sys.stderr).line(style.text(outcome.problem))
        exit, last = ruling.exit, ruling.sentences[-1]
        if exit in (Exit.HELD, Exit.BROKEN):
            exit, last = (Exit.BROKEN if failing else Exit.HELD), _summed(fixed, failing)
        out.line(style.text(f"journal {self.settings.out / 'journal.jsonl'}"))
        out.line(style.paint(style.text(last), "red" if exit else "green"))
        return exit

    # --- what is put again

    def _asked(
        self, cases: Sequence[str], target: str | None, url: str | None, flags: Mapping[str, object]
    ) -> list[Asked]:
        from ..prepare.journals import target_in
        from ..problem import Problem
        from ..registry.requirement import Role

        columns = [target_in(self.journal, self.path, target)] if target else list(self.journal.targets)
        wanted = [(column, before) for column in columns if (before := self._before(column, cases))]
        if cases and not wanted:
            raise Problem(f"{self.path}: no case there matches {' or '.join(map(repr, cases))}")
        clients = [column.target.name for column, _ in wanted if column.target.role is not Role.SERVER]
        if clients:
            raise Problem(
                f"{clients[0]}: it is a client; put its cases again with `wsconform serve -c CASE`, or name a server"
                " with --target"
            )
        if url and len(wanted) > 1:
            raise Problem(f"--url is for one target, and {len(wanted)} have failures; name one with --target")
        found = list[Asked]()
        for column, before in wanted:
            if entries := self._entries(before):
                found.append(Asked(self._chosen(column, url, flags), before, entries))
        return found

    def _before(self, column: TargetResults, cases: Sequence[str]) -> tuple[Result, ...]:
        from ..catalogue.selection import matches

        if cases:
            return tuple(each for each in column.results if any(matches(case, each.case) for case in cases))
        plain = [replace(each, expected=None, flaky_expected=False) for each in column.results]
        return tuple(each for each in plain if self.policy.breaks(each))

    def _entries(self, before: Sequence[Result]) -> tuple[Item, ...]:
        """The cases to put; with a monitor the case in whose conversation it saw something."""
        from ..catalogue.case import Monitor

        known = {entry.id: entry for entry in self.catalogue}
        found: dict[str, Item] = {}
        for result in before:
            entry = known.get(result.case)
            if entry is None:
                self.gone.append(result.case)
                continue
            found[entry.id] = entry
            seen_in = result.finding.case if result.finding else None
            if isinstance(entry, Monitor) and seen_in in known:
                found[seen_in] = known[seen_in]
        return tuple(found.values())

    def _chosen(self, column: TargetResults, url: str | None, flags: Mapping[str, object]) -> Chosen:
        """The target as it is now: as it is configured, or where it was; in any case where --url says."""
        from ..prepare.targets import choose
        from ..problem import Problem
        from ..run.start import REFERENCE
        from ..run.target import TargetError, Url

        name = column.target.name
        known = name in self.configuration.targets or (name == REFERENCE and url is None)
        (chosen,) = choose([name if known else url or column.target.address], flags, self.configuration)
        try:
            # Whatever its address, the journals of then and now have to name it alike.
            target = replace(chosen.target, name=name)
            if url is not None:
                target = replace(target, url=Url.parse(url), start=() if known else target.start)
        except TargetError as problem:
            raise Problem(f"--url {problem}") from None
        return replace(chosen, target=target)

    # --- putting

    def _execute(self, asked: Sequence[Asked]) -> Execution:
        import trio

        from ..journal.journal import JournalWriter
        from ..journal.renderers import writable_folder
        from ..prepare.journal_file import JournalFile
        from ..prepare.journals import command_word
        from ..prepare.run import header, run_options
        from ..run.execution import Execution, Plan

        folder = writable_folder(self.settings.out, "-o")
        path = folder / "journal.jsonl"
        plans = [
            Plan(
                target=each.chosen.target,
                items=each.entries,
                jobs=each.chosen.jobs,
                folder=each.chosen.folder,
                serve=each.chosen.serve,
            )
            for each in asked
        ]
        with contextlib.closing(JournalFile(path)) as file:
            writer = JournalWriter(file)
            put = (entry for plan in plans for entry in plan.items)
            writer.header(header(command_word(self.words), self.settings, self.catalogue, put, self.registry))
            execution = Execution(plans, self.registry, run_options(self.settings, folder, keep_all=True), writer)
            trio.run(execution.run)
        return execution

    # --- telling

    def _tell(
        self, asked: Sequence[Asked], execution: Execution, to: tuple[Out, Style], *, verbose: bool
    ) -> tuple[int, int]:
        """Tell of each case what became of it; return how many are fixed, and how many fail."""
        from ..console.printer import again_command, finding_lines
        from ..journal.tally import Group, group_findings

        out, style = to
        again = again_command({each.chosen.target.name: each.chosen.words for each in asked})
        fixed = failing = 0
        for each, outcome in zip(asked, execution.outcomes, strict=False):
            now = {result.case: result for result in outcome.results}
            told: list[Result] = []
            where = " at ".join(dict.fromkeys((outcome.name, str(each.chosen.target.url))))
            out.line(style.paint(style.text(where), "bold"))
            for before in each.before:
                result = now.get(before.case)
                if result is None:
                    continue
                words, fails = self._became(before, result, style)
                failing += fails
                fixed += not fails and self.policy.breaks(before)
                told += [result] if fails or verbose else []
                out.line(f"  {words}  {style.text(result.case)}")
            groups = [Group((result,)) for result in told] if verbose else group_findings(told)[:_MOST]
            for group in groups:
                command = again(outcome.name, group.first.case)
                for line in finding_lines(group, self.registry, style, command, whole=verbose):
                    out.line(line)
        return fixed, failing

    def _became(self, before: Result, now: Result, style: Style) -> tuple[str, bool]:
        """What to say of a case, and whether it fails."""
        failed, fails = self.policy.breaks(before), self.policy.breaks(now)
        if fails:
            word = "wavers" if now.flaky else "still" if failed else "now"
        else:
            word = "fixed" if failed else "as was" if before.mark is now.mark else "now"
        return f"{word:<6} {style.mark(now.mark)}", fails


def _summed(fixed: int, failing: int) -> str:
    if failing:
        return f"{fixed} fixed, {failing} still failing." if fixed else f"{failing} still failing."
    if fixed == 1:
        return "It is fixed."
    return f"All {fixed} are fixed." if fixed else "Nothing fails."
