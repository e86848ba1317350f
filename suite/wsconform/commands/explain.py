"""wsconform explain: a case in words, and its results in a journal."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from ..catalogue.case import Case, Item, Profile, binding
from ..catalogue.selection import matches
from ..console.printer import finding_lines, rerun_command
from ..console.style import Style
from ..journal.tally import Group
from ..prepare import config, values
from ..prepare.catalogue import catalogue
from ..prepare.journals import journal_at, target_in
from ..prepare.registry import registry
from ..problem import Problem, meant
from ..registry.registry import Registry
from ..registry.requirement import Requirement, Role
from .completion import complete_cases
from .options import Value, display_options
from .output import output

_READINGS = "docs/readings"


@click.command("explain", short_help="explain a case, and show its recorded results")
@click.argument("case", metavar="CASE", shell_complete=complete_cases)
@click.option(
    "--in", "journal", metavar="JOURNAL", type=Value(values.PATH, "FILE"), help="Also show the results in this journal."
)
@click.option("--target", metavar="NAME", help="The target in the journal. Default: the only one.")
@display_options
def command(case: str, journal: Path | None, target: str | None, **flags: object) -> None:
    """Explain CASE: its requirements, the roles that it tests, its reason, and the command that runs it alone."""
    if target and not journal:
        raise click.UsageError("--target names a target of a journal; name the journal with --in")
    out, style = output(config.settle(flags, os.environ, config.load()))
    requirements = registry()
    items = _family(case, catalogue())
    lines = family_lines(items, requirements, style)
    if journal is not None:
        lines += _results([item.id for item in items], journal, target, requirements, style)
    for line in lines:
        out.line(line)


def _family(pattern: str, items: Sequence[Item]) -> list[Item]:
    """Return the members of the one family that `pattern`, an id or an alias, matches; raises Problem."""
    found = [e for e in items if matches(pattern, e.id) or any(matches(pattern, alias) for alias in e.aliases)]
    families = list(dict.fromkeys(item.family for item in found))
    if not found:
        known = list(dict.fromkeys(item.family for item in items))
        near = meant(pattern.partition("[")[0], known, otherwise="; see `wsconform list cases`")
        raise Problem(f'no case matches "{pattern}"{near}')
    if len(families) > 1:
        raise Problem(f'"{pattern}" matches {len(families)} families of cases: {_few(families, 3)}; name one')
    return found


def family_lines(items: Sequence[Item], registry: Registry, style: Style) -> list[str]:
    """Return lines that explain the cases or monitors `items`, which are members of one family."""
    first = items[0]
    lines = [style.paint(style.text(first.id if len(items) == 1 else first.family), "bold")]
    lines += style.wrapped(first.title, 4)
    if first.why:
        lines += ["", *style.wrapped(first.why, 4)]
    if len(items) > 1:
        members = [item.id[len(item.family) :] for item in items]
        lines += ["", *_labelled("members", f"{len(members)}: {_few(members, 24)}", style)]
    deciding = _deciding(first, registry)
    for requirement in deciding:
        lines += ["", *_requirement(requirement, style)]
    others = [registry[id] for id in first.requirements if registry[id] not in deciding]
    if others:
        lines.append("")
    for number, requirement in enumerate(others):
        cited = f"{requirement.citation} ({requirement.id}): {requirement.text}"
        lines += _labelled("" if number else "also cites", cited, style)
    lines += ["", *_facts(first, style)]
    if aliases := list(dict.fromkeys(alias for item in items for alias in item.aliases)):
        lines += _labelled("aliases", _few(aliases, 8), style)
    if first.hint:
        lines += _labelled("hint", first.hint, style)
    pattern = first.id if len(items) == 1 else first.family
    return [*lines, f"    run alone  {style.text(_run_alone(first, pattern))}"]


def _facts(item: Item, style: Style) -> list[str]:
    if not isinstance(item, Case):
        return _labelled("kind", "a monitor: it watches every connection of a run", style)
    lines = list[str]()
    if item.needs:
        lines += _labelled("needs", ", ".join(sorted(need.value for need in item.needs)), style)
    if item.offer:
        lines += _labelled("offers", item.offer, style)
    alone = ", run while no other case runs" if item.alone else ""
    lines += _labelled("profile", f"{item.profile.name.lower()}{alone}", style)
    if item.reading:
        lines += _labelled("reading", f"{_READINGS}/{item.reading.removesuffix('.md')}.md", style)
    return lines


def _run_alone(item: Item, pattern: str) -> str:
    full = ["--profile", "full"] if isinstance(item, Case) and item.profile is Profile.FULL else []
    return shlex.join(["wsconform", "run", "TARGET", *full, "-c", pattern, "-v"])


def _few(words: Sequence[str], most: int) -> str:
    return ", ".join(words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")


def _labelled(label: str, text: str, style: Style) -> list[str]:
    return style.wrapped(text, 15, first=f"    {label:<11}")


def _deciding(item: Item, registry: Registry) -> list[Requirement]:
    """Return the requirements that decide the case, one for each role that it tests."""
    found = (binding(item, role, registry) for role in Role)
    return list(dict.fromkeys(requirement for requirement in found if requirement is not None))


def _requirement(requirement: Requirement, style: Style) -> list[str]:
    roles = ", ".join(sorted(role.value for role in requirement.roles))
    return [
        *_labelled("requires", f"{requirement.citation} ({requirement.id})", style),
        *_labelled("", requirement.text, style),
        f"{' ' * 15}{style.text(requirement.url)}",
        *_labelled("binds", roles, style),
        *_labelled("decided by", requirement.how, style),
    ]


def _results(ids: Sequence[str], path: Path, name: str | None, registry: Registry, style: Style) -> list[str]:
    """Return lines about the results of the cases `ids` in the journal at `path`; raises Problem without results."""
    column = target_in(journal_at(path), path, name)
    results = [result for result in column.results if result.case in ids]
    if not results:
        raise Problem(f"{path}: {column.target.name}: {ids[0]}: has no result there; run it with -c first")
    rerun = rerun_command({})
    lines = list[str]()
    for result in results:
        command = rerun(column.target.name, result.case)
        lines += ["", *finding_lines(Group((result,)), registry, style, command, whole=True)]
    return lines
