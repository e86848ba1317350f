"""The parts of a run besides its targets, the same for the command line and for pytest."""

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
from ..journal.gate import Allow, FailOn, Policy
from ..journal.journal import Header
from ..registry.registry import Registry
from ..registry.requirement import Role
from ..run.options import RunOptions
from .config import Configuration, Settings
from .journals import now, platform

__all__ = [
    "expectations",
    "expected_path",
    "full_selection",
    "header",
    "limits",
    "policy",
    "run_options",
    "stale_entries",
]


def run_options(
    settings: Settings, folder: Path | None, *, keep_all: bool = False, farewell: bool = False
) -> RunOptions:
    """Return the options of a run under `settings`.

    The output of started targets goes to `folder`. With `keep_all`, transcripts of passed cases are kept too; with
    `farewell`, every connection ends with a closing handshake.
    """
    return RunOptions(
        limits=limits(settings),
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


def limits(settings: Settings) -> Limits:
    """Return how long to wait under `settings`, in seconds: without limit if the target is in a debugger."""
    patience = math.inf if settings.debugger else settings.patience
    return Limits(patience=patience, prompt=min(Limits().prompt, patience))


def policy(settings: Settings) -> Policy:
    """Return the policy of the gate under `settings`."""
    return Policy(FailOn(settings.fail_on), frozenset(map(Allow, settings.allow)))


def expected_path(settings: Settings, configuration: Configuration) -> Path | None:
    """Return the list of known failures: the file in `settings`, or expected.toml beside the configuration.

    Return None if there is neither.
    """
    if settings.expected is not None:
        return settings.expected
    beside = configuration.path.parent if configuration.path else Path.cwd()
    path = beside / "expected.toml"
    return path if path.is_file() else None


def expectations(path: Path | None, catalogue: Sequence[Item]) -> Expectations:
    """Read the known failures at `path`, whose patterns may be aliases in `catalogue`; raises Problem."""
    if path is None:
        return Expectations()
    found = load(path)
    found.use_aliases(catalogue)
    return found


def header(
    command: str, settings: Settings, catalogue: Sequence[Item], items: Iterable[Item], registry: Registry
) -> Header:
    """Return the first record of a journal; `command` is the command line with secrets masked, `items` are run."""
    cited = {id for item in items for id in item.requirements}
    documents = tuple(dict.fromkeys(each.document.id for each in registry.values() if each.id in cited))
    return Header(
        catalogue=catalogue_version(catalogue),
        documents=documents,
        command=command,
        seed=settings.seed,
        profile=settings.profile,
        platform=platform(),
        start=now(),
        fail_on=settings.fail_on,
        allow=settings.allow,
    )


def stale_entries(
    expectations: Expectations,
    catalogue: Sequence[Item],
    registry: Registry,
    settings: Settings,
    configuration: Configuration,
    *,
    ran: Mapping[str, Role],
) -> list[str]:
    """Return a line for each entry of `expectations` that no longer holds; `ran` are the tested targets.

    If selectors or a shard left out cases of an entry, the entry is not reported as passing.
    """
    if not expectations.entries:
        return []
    return expectations.stale(
        catalogue,
        ran=ran,
        known=configuration.targets,
        today=datetime.date.today(),
        whole=full_selection(catalogue, registry, settings.profile, configuration, ran=ran),
    )


def full_selection(
    catalogue: Sequence[Item],
    registry: Registry,
    profile: str,
    configuration: Configuration,
    *,
    ran: Mapping[str, Role],
) -> dict[str, list[str]]:
    """Return the ids of all cases in `profile` for each target: those in `ran`, and configured ones of their roles."""
    selection = Selection(profile=Profile[profile.upper()])
    by_role = {role: [item.id for item in selection.select(catalogue, role, registry)] for role in set(ran.values())}
    configured = {name: Role(table.role) for name, table in configuration.targets.items()}
    return {name: by_role[role] for name, role in {**configured, **ran}.items() if role in by_role}
