"""What a run is made of besides its targets, the same for the command line and for pytest."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..catalogue.case import Item, Profile
from ..catalogue.load import catalogue_version
from ..catalogue.selection import Selection
from ..endpoint.session import Limits
from ..journal.expected import Expectations, load
from ..journal.journal import Header
from ..registry.registry import Registry
from ..registry.requirement import Role
from ..run.options import RunOptions
from .config import Configuration, Settings
from .journals import now, platform

__all__ = ["expectations", "expected_path", "header", "run_options", "stale", "whole"]


def run_options(
    settings: Settings, folder: Path | None, *, keep_all: bool = False, farewell: bool = False
) -> RunOptions:
    """Return the options of a run under `settings`; `folder` is for the output of started programs."""
    usual = Limits()
    patience = math.inf if settings.debugger else settings.patience
    return RunOptions(
        limits=Limits(patience=patience, prompt=min(usual.prompt, patience)),
        jobs=1 if settings.debugger else settings.jobs or RunOptions().jobs,
        confirm=not settings.debugger,
        budget=settings.budget,
        retries=settings.retries,
        max_failures=settings.max_failures,
        seed=settings.seed,
        whole=settings.whole,
        farewell=farewell,
        out=folder,
        keep_all=keep_all,
    )


def expected_path(settings: Settings, configuration: Configuration) -> Path | None:
    """Return the file of known failures: the one that was named, or expected.toml beside the configuration, if any."""
    if settings.expected is not None:
        return settings.expected
    beside = configuration.path.parent if configuration.path else Path.cwd()
    path = beside / "expected.toml"
    return path if path.is_file() else None


def expectations(path: Path | None, catalogue: Sequence[Item]) -> Expectations:
    """Read the known failures at `path`, whose patterns may use old names that `catalogue` has; raises Problem."""
    if path is None:
        return Expectations()
    found = load(path)
    found.use_aliases(catalogue)
    return found


def header(
    command: str, settings: Settings, catalogue: Sequence[Item], put: Iterable[Item], registry: Registry
) -> Header:
    """Return a journal's first record; `command` is what was called, with no secret in it, `put` what is run."""
    cited = {id for entry in put for id in entry.requirements}
    documents = tuple(dict.fromkeys(each.document.id for each in registry.values() if each.id in cited))
    version = catalogue_version(catalogue)
    return Header(
        catalogue=version,
        documents=documents,
        command=command,
        seed=settings.seed,
        profile=settings.profile,
        platform=platform(),
        start=now(),
        fail_on=settings.fail_on,
        allow=settings.allow,
    )


def stale(
    expectations: Expectations,
    catalogue: Sequence[Item],
    registry: Registry,
    settings: Settings,
    configuration: Configuration,
    *,
    ran: Mapping[str, Role],
) -> list[str]:
    """Return a line for each entry of `expectations` that holds no more; `ran` are targets, and what they are.

    Of a run that selectors or a shard made smaller, no entry is said to pass whose cases it did not all put.
    """
    if not expectations.entries:
        return []
    return expectations.stale(
        catalogue,
        ran=ran,
        known=configuration.targets,
        today=datetime.date.today(),
        whole=whole(catalogue, registry, settings.profile, configuration, ran=ran),
    )


def whole(
    catalogue: Sequence[Item],
    registry: Registry,
    profile: str,
    configuration: Configuration,
    *,
    ran: Mapping[str, Role],
) -> dict[str, list[str]]:
    """Return the ids that a run without selectors puts, by target: those that `ran`, and configured ones like them."""
    selection = Selection(profile=Profile[profile.upper()])
    by_role = {role: [entry.id for entry in selection.select(catalogue, role, registry)] for role in set(ran.values())}
    configured = {name: Role(table.role) for name, table in configuration.targets.items()}
    return {name: by_role[role] for name, role in {**configured, **ran}.items() if role in by_role}
