"""wsconform replay: rerun the failures of a journal with the same seed, and show which are fixed."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import trio

from ..catalogue.case import Item, Monitor
from ..catalogue.selection import matches
from ..console.printer import finding_lines, rerun_command
from ..console.style import Out, Style
from ..evidence.result import Result
from ..journal.gate import FailOn, Policy, rule
from ..journal.journal import Journal, JournalWriter, TargetResults
from ..journal.renderers import writable_folder
from ..journal.tally import Group, group_findings
from ..prepare import config, values
from ..prepare.catalogue import catalogue
from ..prepare.config import Configuration, Settings
from ..prepare.journal_file import JournalFile
from ..prepare.journals import command_line, journal_at, target_in
from ..prepare.registry import registry
from ..prepare.run import header, run_options
from ..prepare.targets import ChosenTarget, choose
from ..problem import Exit, Problem
from ..registry.requirement import Role
from ..run.execution import Execution, Plan
from ..run.start import REFERENCE
from ..run.target import TargetError, Url
from .options import Value, display_options, pace_options, target_options
from .output import output

#: At most so many findings are shown in full without -v.
_MOST = 10


@click.command("replay", short_help="rerun the failures of a recorded run")
@click.argument("journal", metavar="JOURNAL", type=Value(values.PATH, "FILE"))
@click.argument("cases", nargs=-1, metavar="[CASE]...")
@click.option("--target", metavar="NAME", help="Only this target of the journal. Default: all.")
@click.option(
    "--url", metavar="URL", help="The target's address now. Default: that of the configuration, or of the journal."
)
@target_options
@pace_options
@click.option(
    "--retries",
    type=Value(values.Count(0), "N"),
    help="Retry a case that did not pass up to N more times. Default: 0.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["must", "should"]),
    help="Rerun failures at this level or above. Default: must.",
)
@click.option(
    "-o", "--out", type=Value(values.PATH, "DIR"), help="Folder for the new journal. Default: wsconform-out/replay."
)
@click.option("--whole", is_flag=True, default=None, help="Keep all octets in the journal.")
@click.option("-v", "--verbose", is_flag=True, help="Print every result with its transcript.")
@display_options
@click.pass_obj
def command(  # noqa: PLR0917  # click passes the arguments
    words: list[str],
    /,
    journal: Path,
    cases: tuple[str, ...],
    target: str | None,
    url: str | None,
    verbose: bool,
    **flags: object,
) -> int:
    """Rerun the failures in JOURNAL, or only the CASEs in it, against the same targets.

    The seed is that of the journal, so the octets are the same. Known failures (expected.toml) are rerun, too. Exits
    with code 0 if all are fixed, with code 1 if any still fails.
    """
    configuration = config.load()
    settings = config.settle(flags, os.environ, configuration)
    if flags.get("out") is None:
        settings = replace(settings, out=settings.out / "replay")
    read = journal_at(journal)
    settings = replace(settings, seed=read.header.seed, profile=read.header.profile)
    replay = Replay(words, journal, read, settings, configuration)
    return replay.run(cases, target, url, flags, verbose=verbose)


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """The reruns against one target: `before` are results in the journal, `items` the cases and monitors to run."""

    chosen: ChosenTarget
    before: tuple[Result, ...]
    items: tuple[Item, ...]


class Replay:
    """One call of the command."""

    def __init__(
        self, words: list[str], path: Path, journal: Journal, settings: Settings, configuration: Configuration
    ) -> None:
        self.words, self.path, self.journal = words, path, journal
        self.settings, self.configuration = settings, configuration
        self.registry, self.catalogue = registry(), catalogue(aliases=False)
        self.policy = Policy(FailOn.SHOULD if settings.fail_on == "should" else FailOn.MUST)
        self.removed = list[str]()

    def run(
        self,
        cases: Sequence[str],
        target: str | None,
        url: str | None,
        flags: Mapping[str, object],
        *,
        verbose: bool,
    ) -> int:
        """Rerun the cases, print the change of each, and return the exit code."""
        out, style = output(self.settings)
        plans = self._plans(cases, target, url, flags)
        for case in self.removed:
            out.line(style.text(f"Left out, because this catalogue does not have it: {case}"))
        if not plans:
            out.line(style.text(f"Nothing failed in {self.path}."))
            return Exit.HELD
        execution = self._execute(plans)
        ruling = rule(execution.outcomes, (), self.policy, interrupted=execution.interrupted)
        fixed, failing = self._print(plans, execution, out, style, verbose=verbose)
        for outcome in execution.outcomes:
            if outcome.problem:
                Out(sys.stderr).line(style.text(outcome.problem))
        exit, last = ruling.exit, ruling.sentences[-1]
        if exit in (Exit.HELD, Exit.BROKEN):
            exit, last = (Exit.BROKEN if failing else Exit.HELD), _sentence(fixed, failing)
        out.line(style.text(f"journal {self.settings.out / 'journal.jsonl'}"))
        out.line(style.paint(style.text(last), "red" if exit else "green"))
        return exit

    # --- the plan

    def _plans(
        self, cases: Sequence[str], target: str | None, url: str | None, flags: Mapping[str, object]
    ) -> list[ReplayPlan]:
        columns = [target_in(self.journal, self.path, target)] if target else list(self.journal.targets)
        failed = [(column, before) for column in columns if (before := self._before(column, cases))]
        if cases and not failed:
            raise Problem(f"{self.path}: no case there matches {' or '.join(map(repr, cases))}")
        clients = [column.target.name for column, _ in failed if column.target.role is not Role.SERVER]
        if clients:
            raise Problem(
                f"{clients[0]}: is a client; rerun its cases with `wsconform serve -c CASE`, or name a server"
                " with --target"
            )
        if url and len(failed) > 1:
            raise Problem(f"--url is for one target, and {len(failed)} have failures; name one with --target")
        plans = list[ReplayPlan]()
        for column, before in failed:
            if items := self._items(before):
                plans.append(ReplayPlan(self._chosen(column, url, flags), before, items))
        return plans

    def _before(self, column: TargetResults, cases: Sequence[str]) -> tuple[Result, ...]:
        if cases:
            return tuple(each for each in column.results if any(matches(case, each.case) for case in cases))
        plain = [replace(each, expected=None, flaky_expected=False) for each in column.results]
        return tuple(each for each in plain if self.policy.breaks(each))

    def _items(self, before: Sequence[Result]) -> tuple[Item, ...]:
        """Return the cases to run for the results `before`; for a monitor also the case during which it failed."""
        known = {item.id: item for item in self.catalogue}
        found: dict[str, Item] = {}
        for result in before:
            item = known.get(result.case)
            if item is None:
                self.removed.append(result.case)
                continue
            found[item.id] = item
            seen_in = result.finding.case if result.finding else None
            if isinstance(item, Monitor) and seen_in in known:
                found[seen_in] = known[seen_in]
        return tuple(found.values())

    def _chosen(self, column: TargetResults, url: str | None, flags: Mapping[str, object]) -> ChosenTarget:
        """Return the target as it is configured now, or at its address in the journal; `url` overrides the address."""
        name = column.target.name
        known = name in self.configuration.targets or (name == REFERENCE and url is None)
        (chosen,) = choose([name if known else url or column.target.address], flags, self.configuration)
        try:
            # Both journals need the same name, so that `diff` can compare them, even if the address has changed.
            target = replace(chosen.target, name=name)
            if url is not None:
                target = replace(target, url=Url.parse(url), start=() if known else target.start)
        except TargetError as problem:
            raise Problem(f"--url {problem}") from None
        return replace(chosen, target=target)

    # --- the run

    def _execute(self, replay_plans: Sequence[ReplayPlan]) -> Execution:
        folder = writable_folder(self.settings.out, "-o")
        path = folder / "journal.jsonl"
        plans = [
            Plan(
                target=each.chosen.target,
                items=each.items,
                jobs=each.chosen.jobs,
                folder=each.chosen.folder,
                serve=each.chosen.serve,
            )
            for each in replay_plans
        ]
        with contextlib.closing(JournalFile(path)) as file:
            writer = JournalWriter(file)
            items = (item for plan in plans for item in plan.items)
            writer.header(header(command_line(self.words), self.settings, self.catalogue, items, self.registry))
            execution = Execution(plans, self.registry, run_options(self.settings, folder, keep_all=True), writer)
            trio.run(execution.run)
        return execution

    # --- the output

    def _print(
        self, plans: Sequence[ReplayPlan], execution: Execution, out: Out, style: Style, *, verbose: bool
    ) -> tuple[int, int]:
        """Print each case with its change; return how many are fixed, and how many fail."""
        rerun = rerun_command({each.chosen.target.name: each.chosen.words for each in plans})
        fixed = failing = 0
        for each, outcome in zip(plans, execution.outcomes, strict=False):
            now = {result.case: result for result in outcome.results}
            shown: list[Result] = []
            head = " at ".join(dict.fromkeys((outcome.name, str(each.chosen.target.url))))
            out.line(style.paint(style.text(head), "bold"))
            for before in each.before:
                result = now.get(before.case)
                if result is None:
                    continue
                words, fails = self._change(before, result, style)
                failing += fails
                fixed += not fails and self.policy.breaks(before)
                shown += [result] if fails or verbose else []
                out.line(f"  {words}  {style.text(result.case)}")
            groups = [Group((result,)) for result in shown] if verbose else group_findings(shown)[:_MOST]
            for group in groups:
                command = rerun(outcome.name, group.first.case)
                for line in finding_lines(group, self.registry, style, command, whole=verbose):
                    out.line(line)
        return fixed, failing

    def _change(self, before: Result, now: Result, style: Style) -> tuple[str, bool]:
        """Return the change of a case in words with its mark, and whether it fails now."""
        failed, fails = self.policy.breaks(before), self.policy.breaks(now)
        if fails:
            word = "flaky" if now.flaky else "still" if failed else "now"
        else:
            word = "fixed" if failed else "same" if before.mark is now.mark else "now"
        return f"{word:<6} {style.mark(now.mark)}", fails


def _sentence(fixed: int, failing: int) -> str:
    if failing:
        return f"{fixed} fixed, {failing} still failing." if fixed else f"{failing} still failing."
    if fixed == 1:
        return "The failure is fixed."
    return f"All {fixed} failures are fixed." if fixed else "Nothing fails."
