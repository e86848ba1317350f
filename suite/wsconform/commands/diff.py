"""wsconform diff: what changed between two runs, what is newly violated first."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..prepare import values
from .options import Value, display_options

if TYPE_CHECKING:
    from ..console.style import Style
    from ..evidence.result import Result
    from ..journal.compare import Change, Changes, Results
    from ..journal.journal import Journal
    from ..problem import Exit
    from ..registry.registry import Registry

#: How many families of what breaks nothing are shown without -v, and how many other parameters of each.
_MOST, _MOST_PARAMETERS = 10, 4


@click.command("diff", short_help="tell what changed between two runs")
@click.argument("journals", nargs=-1, required=True, metavar="JOURNAL [JOURNAL]", type=Value(values.PATH, "FILE"))
@click.option(
    "--targets", nargs=2, metavar="A B", help="Compare target A with B, in one journal or from the first to the second."
)
@click.option("--fail-on", type=click.Choice(["must", "should", "never"]), help="What breaks the gate. Default: must.")
@click.option("--json", "json_", is_flag=True, help="The changes on stdout as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="Every change, however many.")
@display_options
def command(
    journals: Sequence[Path], targets: tuple[str, str] | None, json_: bool, verbose: bool, **flags: object
) -> int:
    """Compare two JOURNALs, earlier and later, target by target, or two targets of one JOURNAL.

    Ends in 1 if a case is newly violated at the level of --fail-on, and expected.toml did not expect it.
    """
    from ..journal.compare import at_must, at_should, compare
    from ..prepare import config
    from ..prepare.catalogue import registry
    from ..prepare.journals import journal_at
    from .output import output

    if len(journals) > 2 or (len(journals) == 1 and not targets):
        raise click.UsageError("two journals are compared, or two targets of one with --targets A B")
    settings = config.settle(flags, os.environ, config.load())
    read = [journal_at(path) for path in journals]
    before, after = _sides(journals, read, targets)
    changes = compare(before, after, at_should if settings.fail_on == "should" else at_must)
    exit = _exit(changes, settings.fail_on)
    if json_:
        import json

        click.echo(json.dumps(record(journals, read, changes, settings.fail_on, exit), ensure_ascii=True, indent=1))
        return exit
    out, style = output(settings)
    telling = Telling(style, registry(), verbose, several=len([name for name in after if name in before]) > 1)
    for line in (*_heads(journals, read, targets, style), *telling.lines(changes)):
        out.line(line)
    last = style.text(_verdict(changes, settings.fail_on, exit))
    out.line(style.paint(last, "red" if exit else "green"))
    return exit


def _sides(paths: Sequence[Path], read: Sequence[Journal], names: tuple[str, str] | None) -> tuple[Results, Results]:
    """What is compared with what; raises Problem where there is nothing to compare."""
    from ..journal.compare import paired
    from ..prepare.journals import target_in
    from ..problem import Exit, Problem

    if names:
        first, second = (target_in(read[n], paths[n], name) for n, name in ((0, names[0]), (-1, names[1])))
        before: Results = {second.target.name: first.results}
        after: Results = {second.target.name: second.results}
    else:
        before, after = paired(*read)
        if not set(before) & set(after):
            sides = ["; ".join(", ".join(sorted(side)[:3]) or "none" for side in (before, after))]
            raise Problem(
                f"{paths[0]} and {paths[1]} have no target in common ({sides[0]}); name two with --targets A B"
            )
    cases = [{result.case for name in before if name in after for result in side[name]} for side in (before, after)]
    if not cases[0] & cases[1]:
        raise Problem("there is no case that both sides have a result for; name other journals", Exit.NOTHING)
    return before, after


def _exit(changes: Changes, fail_on: str) -> Exit:
    from ..problem import Exit

    return Exit.BROKEN if changes.breaking and fail_on != "never" else Exit.HELD


def _heads(paths: Sequence[Path], read: Sequence[Journal], targets: tuple[str, str] | None, style: Style) -> list[str]:
    """Which journals, by whom, and what makes them hard to compare."""
    words = []
    for n in (0, -1):
        name = f"{targets[n]} in " if targets else ""
        words.append(f"{name}{paths[n]}{f' ({read[n].header.start})' if read[n].header.start else ''}")
    lines = [style.text(f"{label}{word}") for label, word in zip(("from  ", "to    "), words, strict=True)]
    for path, journal in zip(paths, read, strict=True):
        if journal.footer is None:
            lines += style.wrapped(f"{path} has no end: its run crashed, or is still going on", 6, first="note  ")
    versions = [journal.header.catalogue for journal in read]
    if len(set(versions)) > 1:
        told = f"the catalogue went from {versions[0]} to {versions[1]}: a case may ask something else than it did"
        lines += style.wrapped(told, 6, first="note  ")
    return lines


@dataclass(frozen=True, slots=True)
class Telling:
    """Tells changes as lines; `several` says that targets have to be told apart."""

    style: Style
    registry: Registry
    verbose: bool
    several: bool

    def lines(self, changes: Changes) -> list[str]:
        """Return all that changed, gravest first."""
        lines = list[str]()
        lines += self._kind("newly violated", changes.newly_violated, whole=True)
        lines += self._kind("newly met", changes.fixed)
        lines += self._kind("not decided any more", changes.undecided)
        lines += self._kind("changed otherwise", changes.other)
        lines += self._kind("new", self._gravest_first(changes.new))
        lines += self._kind("gone", changes.gone)
        for names, word in ((changes.targets_new, "new"), (changes.targets_gone, "gone")):
            if names:
                target = "target" if len(names) == 1 else "targets"
                lines += self.style.wrapped(", ".join(names), 2, first=f"{len(names)} {target} {word}: ")
        return lines

    def _gravest_first(self, changes: Sequence[Change]) -> list[Change]:
        from ..journal.tally import SEVERITY

        return sorted(changes, key=lambda change: SEVERITY.index(change.result.mark))

    def _kind(self, words: str, changes: Sequence[Change], *, whole: bool = False) -> list[str]:
        if not changes:
            return []
        lines = [self.style.paint(f"{len(changes)} {words}", "bold")]
        groups = _grouped(changes, by_finding=whole)
        shown = groups if whole or self.verbose else groups[:_MOST]
        for group in shown:
            lines += self._one(group, whole=whole)
        left = sum(map(len, groups[len(shown) :]))
        if left:
            lines.append(f"  and {left} more; -v shows them")
        return lines

    def _one(self, group: Sequence[Change], *, whole: bool) -> list[str]:
        style, change = self.style, group[0]
        arrow = "->" if style.ascii else "→"
        indent = len(f"  F {arrow} F  ")
        marks = [style.mark(side.mark) if side else " " for side in (change.before, change.after)]
        told = style.text(f"{change.target}  {change.case}" if self.several else change.case)
        others = style.text(self._others(group[1:]))
        # An id is there to be copied, so it is never broken.
        fits = indent + len(told) + len(others) <= style.width
        lines = [f"  {marks[0]} {arrow} {marks[1]}  {told}{others if fits else ''}"]
        if not fits and others:
            lines += style.wrapped(others.strip(), indent)
        if whole:
            result = change.result
            known = result.requirement in self.registry
            cited = self.registry[result.requirement].citation if known else result.requirement
            lines.append(" " * indent + style.text(cited))
            for label, text in (
                ("expected", result.finding.expected if result.finding else None),
                ("observed", result.finding.observed if result.finding else None),
                ("known", result.expected),
            ):
                if text is not None:
                    lines += style.wrapped(text, 0, first=f"{' ' * indent}{label:<11}")
        return lines

    def _others(self, changes: Sequence[Change]) -> str:
        from ..journal.tally import parameters

        if not changes:
            return ""
        names = [parameters(change.case) or change.case for change in changes]
        shown = names if self.verbose else names[:_MOST_PARAMETERS]
        more = f" and {len(names) - len(shown)} more" if len(shown) < len(names) else ""
        return f" (and {', '.join(shown)}{more})"


def _grouped(changes: Sequence[Change], *, by_finding: bool) -> list[list[Change]]:
    """Changes of one family at one target from the same mark to the same mark, and with the same finding if asked."""
    from ..journal.tally import group_findings

    groups: dict[tuple[object, ...], list[Change]] = {}
    for change in changes:
        marks = [side.mark if side else None for side in (change.before, change.after)]
        groups.setdefault((change.target, change.result.family, *marks), []).append(change)
    if not by_finding:
        return list(groups.values())
    found: list[list[Change]] = []
    for group in groups.values():
        of_case = {change.case: change for change in group}
        found += [[of_case[r.case] for r in each.results] for each in group_findings(c.result for c in group)]
    return found


def _verdict(changes: Changes, fail_on: str, exit: Exit) -> str:
    level = "SHOULD" if fail_on == "should" else "MUST"
    known = len(changes.newly_violated) - len(changes.breaking)
    rest = [
        f"{known} newly violated as expected" if known else "",
        f"{len(changes.fixed)} newly met" if changes.fixed else "",
        f"{len(changes.undecided)} not decided any more" if changes.undecided else "",
        f"{changes.same} as before",
    ]
    if exit:
        first = f"{len(changes.breaking)} newly violated at {level}"
    elif fail_on == "never":
        first = "Nothing breaks the gate (--fail-on never)"
    else:
        first = f"Nothing is newly violated at {level}"
    return "; ".join([first, *filter(None, rest)]) + "."


def record(
    paths: Sequence[Path], read: Sequence[Journal], changes: Changes, fail_on: str, exit: Exit
) -> dict[str, object]:
    """Return the changes as what `--json` prints; its form is versioned as the journal's is."""
    from ..journal.journal import FORMAT

    sides = [
        {"journal": str(paths[n]), "catalogue": read[n].header.catalogue, "start": read[n].header.start}
        for n in (0, -1)
    ]
    kinds = ("newly_violated", "fixed", "undecided", "other", "new", "gone")
    return {
        "record": "diff",
        "format": FORMAT,
        "before": sides[0],
        "after": sides[1],
        "fail_on": fail_on,
        "exit": int(exit),
        "same": changes.same,
        "targets_new": list(changes.targets_new),
        "targets_gone": list(changes.targets_gone),
        **{kind: [_change(change) for change in getattr(changes, kind)] for kind in kinds},
    }


def _change(change: Change) -> dict[str, object]:
    return {
        "target": change.target,
        "case": change.case,
        "requirement": change.result.requirement,
        "level": change.result.level.value,
        "before": _side(change.before),
        "after": _side(change.after),
    }


def _side(result: Result | None) -> dict[str, object] | None:
    if result is None:
        return None
    finding = result.finding
    return {
        "verdict": result.verdict.name.lower(),
        "mark": result.mark.words,
        "reason": result.reason.value if result.reason else None,
        "finding": {"expected": finding.expected, "observed": finding.observed} if finding else None,
        "expected": result.expected,
    }
