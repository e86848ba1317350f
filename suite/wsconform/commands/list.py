"""wsconform list: what there is to put, to cite, to test, and how much of it a profile takes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from .options import display_options, selectors

if TYPE_CHECKING:
    from ..catalogue.case import Item
    from ..console.style import Out, Style
    from ..prepare.config import Configuration, Settings
    from ..registry.registry import Registry
    from ..registry.requirement import Role

#: A line of the list, and the same as JSON.
Row = tuple[str, Mapping[str, object]]


@click.command("list", short_help="list cases, requirements, targets or profiles")
@click.argument("what", type=click.Choice(["cases", "requirements", "targets", "profiles"]))
@selectors
@click.option("--role", type=click.Choice(["server", "client"]), help="Default: server; for requirements: any.")
@click.option("--json", "json_", is_flag=True, help="As one JSON array.")
@display_options
def command(what: str, role: str | None, json_: bool, **flags: object) -> None:
    """List what there is; every selector of `run` narrows cases and requirements. Cases are those of all profiles."""
    from ..prepare import config
    from ..registry.requirement import Role
    from .output import output

    configuration = config.load()
    if what == "cases":
        # A list is of all there is, unless somebody narrows it.
        flags["profile"] = flags["profile"] or "full"
    settings = config.settle(flags, os.environ, configuration)
    out, style = output(settings)
    match what:
        case "targets":
            if selecting := _selecting(flags):
                raise click.UsageError(f"{selecting} selects cases, not targets; leave it out")
            rows = _targets(configuration)
        case "profiles":
            rows = _profiles(settings, Role(role or "server"))
        case "requirements":
            by_case = bool(settings.case or settings.exclude)
            rows = _requirements(settings, Role(role) if role else None, by_case=by_case)
        case _:
            rows = _cases(settings, Role(role or "server"))
    _write(rows, json_, out, style)


def _selecting(flags: Mapping[str, object]) -> str:
    names = ("case", "exclude", "section", "level", "profile")
    return next((f"--{name}" for name in names if flags.get(name)), "")


def _write(rows: Sequence[Row], as_json: bool, out: Out, style: Style) -> None:
    if as_json:
        out.line(json.dumps([row for _, row in rows], indent=2, ensure_ascii=True))
        return
    for line, _ in rows:
        out.line(style.text(line))


def _selected(settings: Settings, role: Role, registry: Registry) -> tuple[Item, ...]:
    from ..prepare.catalogue import catalogue, selected, selection

    return selected(selection(settings), catalogue(), role, registry)


def _cases(settings: Settings, role: Role) -> list[Row]:
    from ..catalogue.case import Case, binding
    from ..prepare.catalogue import registry

    requirements = registry()
    rows = list[Row]()
    for entry in _selected(settings, role, requirements):
        needed = binding(entry, role, requirements)
        assert needed is not None
        told: dict[str, object] = {
            "id": entry.id,
            "kind": "case" if isinstance(entry, Case) else "monitor",
            "title": entry.title,
            "level": needed.level.value,
            "requirement": needed.id,
            "citation": needed.citation,
            "url": needed.url,
            "cites": list(entry.requirements),
            "aliases": list(entry.aliases),
        }
        if isinstance(entry, Case):
            told |= {"profile": entry.profile.name.lower(), "needs": sorted(need.value for need in entry.needs)}
        rows.append((f"{entry.id}  {needed.citation}", told))
    return rows


def _requirements(settings: Settings, role: Role | None, *, by_case: bool) -> list[Row]:
    from dataclasses import replace

    from ..catalogue.load import families_citing
    from ..prepare.catalogue import catalogue, registry, selected, selection
    from ..registry.requirement import Role

    requirements = registry()
    entries = catalogue()
    wanted = selection(replace(settings, section=(), level=(), profile="full"))
    chosen = selected(wanted, entries, role or Role.SERVER, requirements) if by_case else entries
    cited = families_citing(chosen)
    rows = list[Row]()
    for needed in requirements.values():
        if (role and role not in needed.roles) or (by_case and needed.id not in cited):
            continue
        if settings.level and needed.level.weight not in settings.level:
            continue
        if settings.section and not any(
            _in_section(each, needed.document.id, needed.section) for each in settings.section
        ):
            continue
        families = cited.get(needed.id, [])
        many = f"{len(families)} {'family' if len(families) == 1 else 'families'}" if families else "no case"
        line = f"{needed.id}  {needed.citation}  {needed.observable.value}  {many}  {needed.text}"
        rows.append(
            (
                line,
                {
                    "id": needed.id,
                    "document": needed.document.id,
                    "section": needed.section,
                    "level": needed.level.value,
                    "roles": sorted(each.value for each in needed.roles),
                    "observable": needed.observable.value,
                    "text": needed.text,
                    "url": needed.url,
                    "families": families,
                },
            )
        )
    return rows


def _in_section(wanted: str, document: str, section: str) -> bool:
    name, _, number = wanted.rpartition(":")
    if name and name.upper().replace(" ", "") != document.upper():
        return False
    return section == number or section.startswith(f"{number}.")


def _targets(configuration: Configuration) -> list[Row]:
    from ..run.start import REFERENCE

    rows = list[Row]()
    for table in configuration.targets.values():
        started = "  started by wsconform" if table.start else ""
        told = {
            "name": table.name,
            "role": table.role,
            "url": table.url,
            "app": table.app,
            "start": list(table.start),
            "info": dict(table.info),
            "where": table.where,
        }
        rows.append((f"{table.name}  {table.role}  {table.url or '-'}{started}", told))
    if REFERENCE not in configuration.targets:
        told = {"name": REFERENCE, "role": "server", "url": None, "app": "echo", "start": [], "info": {}, "where": None}
        rows.append((f"{REFERENCE}  server  embedded", told))
    return rows


def _profiles(settings: Settings, role: Role) -> list[Row]:
    from dataclasses import replace

    from ..prepare.catalogue import registry

    requirements = registry()
    told = {
        "quick": "no sweeps",
        "standard": "a fixed sample of every sweep (the default)",
        "full": "every sweep whole",
    }
    rows = list[Row]()
    for name, what in told.items():
        count = len(_selected(replace(settings, profile=name), role, requirements))
        rows.append((f"{name:<10}{count:>6} cases  {what}", {"name": name, "cases": count, "holds": what}))
    return rows
