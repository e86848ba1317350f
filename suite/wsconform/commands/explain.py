"""wsconform explain: one case told to a person, and with a journal what became of it there."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..prepare import values
from .completion import complete_cases
from .options import Value, display_options

if TYPE_CHECKING:
    from ..catalogue.case import Item
    from ..console.style import Style
    from ..registry.registry import Registry
    from ..registry.requirement import Requirement

_READINGS = "docs/readings"


@click.command("explain", short_help="tell one case to a person")
@click.argument("case", metavar="CASE", shell_complete=complete_cases)
@click.option(
    "--in", "journal", metavar="JOURNAL", type=Value(values.PATH, "FILE"), help="Show what became of it there."
)
@click.option("--target", metavar="NAME", help="The journal's target. Default: the only one.")
@display_options
def command(case: str, journal: Path | None, target: str | None, **flags: object) -> None:
    """Tell CASE: what it cites and why it matters, whom it binds, what it does, and how to run it alone."""
    from ..prepare import config
    from ..prepare.catalogue import catalogue, registry
    from .output import output

    if target and not journal:
        raise click.UsageError("--target names a target of a journal; name the journal with --in")
    out, style = output(config.settle(flags, os.environ, config.load()))
    requirements = registry()
    entries = _found(case, catalogue())
    lines = told(entries, requirements, style)
    if journal is not None:
        lines += _became([entry.id for entry in entries], journal, target, requirements, style)
    for line in lines:
        out.line(line)


def _found(pattern: str, entries: Sequence[Item]) -> list[Item]:
    """The members of the one family that `pattern`, an id or an old name, takes."""
    from ..catalogue.selection import matches
    from ..problem import Problem, meant

    found = [e for e in entries if matches(pattern, e.id) or any(matches(pattern, alias) for alias in e.aliases)]
    families = list(dict.fromkeys(entry.family for entry in found))
    if not found:
        known = list(dict.fromkeys(entry.family for entry in entries))
        near = meant(pattern.partition("[")[0], known, otherwise="; see `wsconform list cases`")
        raise Problem(f'no case matches "{pattern}"{near}')
    if len(families) > 1:
        few = ", ".join(families[:3]) + (f" and {len(families) - 3} more" if len(families) > 3 else "")
        raise Problem(f'"{pattern}" takes {len(families)} families of cases: {few}; name one')
    return found


def told(entries: Sequence[Item], registry: Registry, style: Style) -> list[str]:
    """Return the lines that tell the members of one family."""
    from ..catalogue.case import Case

    first = entries[0]
    lines = [style.paint(style.text(first.id if len(entries) == 1 else first.family), "bold")]
    lines += style.wrapped(first.title, 4)
    if first.why:
        lines += ["", *style.wrapped(first.why, 4)]
    if len(entries) > 1:
        members = [entry.id[len(entry.family) :] for entry in entries]
        lines += ["", *_labelled("members", f"{len(members)}: {_few(members, 24)}", style)]
    deciding = _deciding(first, registry)
    for needed in deciding:
        lines += ["", *_requirement(needed, style)]
    others = [registry[id] for id in first.requirements if registry[id] not in deciding]
    if others:
        lines.append("")
    for number, needed in enumerate(others):
        cited = f"{needed.citation} ({needed.id}): {needed.text}"
        lines += _labelled("" if number else "cites too", cited, style)
    lines.append("")
    if isinstance(first, Case):
        if first.needs:
            lines += _labelled("needs", ", ".join(sorted(need.value for need in first.needs)), style)
        if first.offer:
            lines += _labelled("offers", first.offer, style)
        lines += _labelled("profile", f"{first.profile.name.lower()}{', put alone' if first.alone else ''}", style)
        if first.reading:
            lines += _labelled("reading", f"{_READINGS}/{first.reading.removesuffix('.md')}.md", style)
    else:
        lines += _labelled("kind", "a monitor: it watches every conversation of a run", style)
    if aliases := list(dict.fromkeys(alias for entry in entries for alias in entry.aliases)):
        lines += _labelled("old names", _few(aliases, 8), style)
    if first.hint:
        lines += _labelled("hint", first.hint, style)
    wanted = first.id if len(entries) == 1 else first.family
    return [*lines, f"    alone      {style.text(_alone(first, wanted))}"]


def _alone(entry: Item, wanted: str) -> str:
    from ..catalogue.case import Case, Profile

    full = ["--profile", "full"] if isinstance(entry, Case) and entry.profile is Profile.FULL else []
    return shlex.join(["wsconform", "run", "TARGET", *full, "-c", wanted, "-v"])


def _few(words: Sequence[str], most: int) -> str:
    return ", ".join(words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")


def _labelled(label: str, text: str, style: Style) -> list[str]:
    return style.wrapped(text, 15, first=f"    {label:<11}")


def _deciding(entry: Item, registry: Registry) -> list[Requirement]:
    """The requirements that decide the case, one for each role that it binds."""
    from ..catalogue.case import binding
    from ..registry.requirement import Role

    found = (binding(entry, role, registry) for role in Role)
    return list(dict.fromkeys(needed for needed in found if needed is not None))


def _requirement(needed: Requirement, style: Style) -> list[str]:
    roles = ", ".join(sorted(role.value for role in needed.roles))
    return [
        *_labelled("asks", f"{needed.citation} ({needed.id})", style),
        *_labelled("", needed.text, style),
        f"{' ' * 15}{style.text(needed.url)}",
        *_labelled("binds", roles, style),
        *_labelled("decided by", needed.how, style),
    ]


def _became(ids: Sequence[str], path: Path, name: str | None, registry: Registry, style: Style) -> list[str]:
    from ..console.printer import again_command, finding_lines
    from ..journal.tally import Group
    from ..prepare.journals import journal_at, target_in
    from ..problem import Problem

    chosen = target_in(journal_at(path), path, name)
    results = [result for result in chosen.results if result.case in ids]
    if not results:
        raise Problem(f"{path}: {chosen.target.name}: {ids[0]}: has no result there; run it with -c first")
    again = again_command({})
    lines = list[str]()
    for result in results:
        command = again(chosen.target.name, result.case)
        lines += ["", *finding_lines(Group((result,)), registry, style, command, whole=True)]
    return lines
