"""wsconform list: the cases, requirements, targets or profiles that exist."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

import click

from ..catalogue.case import Case, Item, binding
from ..catalogue.load import families_citing
from ..console.style import Out, Style
from ..prepare import config
from ..prepare.catalogue import catalogue, selected, selection
from ..prepare.config import Configuration, Settings
from ..prepare.registry import registry
from ..registry.registry import Registry
from ..registry.requirement import Role
from ..run.start import REFERENCE
from .options import display_options, selectors
from .output import output

#: A line of the list, and the same as a JSON object.
Row = tuple[str, Mapping[str, object]]

_PROFILES = {
    "quick": "no parameter variations",
    "standard": "a fixed sample of the variations (the default)",
    "full": "all variations",
}


@click.command("list", short_help="list cases, requirements, targets or profiles")
@click.argument("what", type=click.Choice(["cases", "requirements", "targets", "profiles"]))
@selectors
@click.option(
    "--role",
    type=click.Choice(["server", "client"]),
    help="Those for targets of this role. Default: server; for requirements: any.",
)
@click.option("--json", "json_", is_flag=True, help="Print a JSON array.")
@display_options
def command(what: str, role: str | None, json_: bool, **flags: object) -> None:
    """List cases (of all profiles unless --profile is given), requirements, targets or profiles.

    The selectors of `run` narrow cases and requirements.
    """
    configuration = config.load()
    if what == "cases":
        flags["profile"] = flags["profile"] or "full"
    settings = config.settle(flags, os.environ, configuration)
    out, style = output(settings)
    match what:
        case "targets":
            if selector := _selector(flags):
                raise click.UsageError(f"{selector} selects cases, not targets; leave it out")
            rows = _targets(configuration)
        case "profiles":
            rows = _profiles(settings, Role(role or "server"))
        case "requirements":
            by_case = bool(settings.case or settings.exclude)
            rows = _requirements(settings, Role(role) if role else None, by_case=by_case)
        case _:
            rows = _cases(settings, Role(role or "server"))
    _write(rows, json_, out, style)


def _selector(flags: Mapping[str, object]) -> str:
    names = ("case", "exclude", "section", "level", "profile")
    return next((f"--{name}" for name in names if flags.get(name)), "")


def _write(rows: Sequence[Row], as_json: bool, out: Out, style: Style) -> None:
    if as_json:
        out.line(json.dumps([row for _, row in rows], indent=2, ensure_ascii=True))
        return
    for line, _ in rows:
        out.line(style.text(line))


def _selected(settings: Settings, role: Role, registry: Registry) -> tuple[Item, ...]:
    return selected(selection(settings), catalogue(), role, registry)


def _cases(settings: Settings, role: Role) -> list[Row]:
    requirements = registry()
    rows = list[Row]()
    for item in _selected(settings, role, requirements):
        requirement = binding(item, role, requirements)
        assert requirement is not None
        row: dict[str, object] = {
            "id": item.id,
            "kind": "case" if isinstance(item, Case) else "monitor",
            "title": item.title,
            "level": requirement.level.value,
            "requirement": requirement.id,
            "citation": requirement.citation,
            "url": requirement.url,
            "cites": list(item.requirements),
            "aliases": list(item.aliases),
        }
        if isinstance(item, Case):
            row |= {"profile": item.profile.name.lower(), "needs": sorted(need.value for need in item.needs)}
        rows.append((f"{item.id}  {requirement.citation}", row))
    return rows


def _requirements(settings: Settings, role: Role | None, *, by_case: bool) -> list[Row]:
    requirements = registry()
    items = catalogue()
    wanted = selection(replace(settings, section=(), level=(), profile="full"))
    chosen = selected(wanted, items, role or Role.SERVER, requirements) if by_case else items
    cited = families_citing(chosen)
    rows = list[Row]()
    for requirement in requirements.values():
        if (role and role not in requirement.roles) or (by_case and requirement.id not in cited):
            continue
        if settings.level and requirement.level.weight not in settings.level:
            continue
        if settings.section and not any(
            _in_section(each, requirement.document.id, requirement.section) for each in settings.section
        ):
            continue
        families = cited.get(requirement.id, [])
        many = f"{len(families)} {'family' if len(families) == 1 else 'families'}" if families else "no case"
        line = f"{requirement.id}  {requirement.citation}  {requirement.observable.value}  {many}  {requirement.text}"
        row = {
            "id": requirement.id,
            "document": requirement.document.id,
            "section": requirement.section,
            "level": requirement.level.value,
            "roles": sorted(each.value for each in requirement.roles),
            "observable": requirement.observable.value,
            "text": requirement.text,
            "url": requirement.url,
            "families": families,
        }
        rows.append((line, row))
    return rows


def _in_section(wanted: str, document: str, section: str) -> bool:
    name, _, number = wanted.rpartition(":")
    if name and name.upper().replace(" ", "") != document.upper():
        return False
    return section == number or section.startswith(f"{number}.")


def _targets(configuration: Configuration) -> list[Row]:
    rows = list[Row]()
    for table in configuration.targets.values():
        started = "  started by wsconform" if table.start else ""
        row = {
            "name": table.name,
            "role": table.role,
            "url": table.url,
            "app": table.app,
            "start": list(table.start),
            "info": dict(table.info),
            "where": table.where,
        }
        rows.append((f"{table.name}  {table.role}  {table.url or '-'}{started}", row))
    if REFERENCE not in configuration.targets:
        row = {"name": REFERENCE, "role": "server", "url": None, "app": "echo", "start": [], "info": {}, "where": None}
        rows.append((f"{REFERENCE}  server  embedded", row))
    return rows


def _profiles(settings: Settings, role: Role) -> list[Row]:
    requirements = registry()
    rows = list[Row]()
    for name, holds in _PROFILES.items():
        count = len(_selected(replace(settings, profile=name), role, requirements))
        rows.append((f"{name:<10}{count:>6} cases  {holds}", {"name": name, "cases": count, "holds": holds}))
    return rows
