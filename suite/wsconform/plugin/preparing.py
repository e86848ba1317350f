"""What a session of cases needs before it begins: settings, catalogue, known failures, and a plan for each target."""

from __future__ import annotations

import functools
import os
import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..catalogue.case import Case, Item, Profile, binding
from ..console.style import Style
from ..journal.expected import Expectations
from ..journal.gate import Allow, FailOn, Policy
from ..prepare import catalogue as shared
from ..prepare import run as running
from ..problem import Problem
from ..registry.registry import Registry
from ..registry.requirement import Requirement
from ..run.execution import Plan
from . import options
from .aims import Aim, aims

if TYPE_CHECKING:
    from ..journal.journal import Header
    from ..journal.renderers import Wanted
    from ..prepare.config import Configuration, Settings
    from ..run.options import RunOptions
    from ..run.target import Target

__all__ = ["Prepared", "is_worker"]

#: The reports of a session whose configuration names none.
_USUAL = ("html",)


def is_worker(config: pytest.Config) -> bool:
    """Return whether this is a worker of pytest-xdist."""
    return hasattr(config, "workerinput")


@dataclass(frozen=True)
class Prepared:
    """Everything that is the same for all cases of a session; raises Problem where it is made."""

    config: pytest.Config
    configuration: Configuration
    settings: Settings
    aims: tuple[Aim, ...]
    registry: Registry
    catalogue: tuple[Item, ...]
    expectations: Expectations
    policy: Policy
    style: Style
    documents: tuple[Wanted, ...]

    @classmethod
    def of(cls, config: pytest.Config) -> Prepared:
        """Read what the options, the environment and the configuration say; raises Problem."""
        found = options.configuration(config)
        settings = options.settings(config, found)
        targets = tuple(aims(config))
        registry, catalogue = shared.registry(), shared.catalogue()
        # A worker hands its journal to its controller, and has a folder only for what targets print.
        reports = config.getoption("ws_out") is not None and not is_worker(config)
        return cls(
            config,
            found,
            settings,
            targets,
            registry,
            catalogue,
            running.expectations(running.expected_path(settings, found), catalogue),
            Policy(FailOn(settings.fail_on), frozenset(map(Allow, settings.allow))),
            # What pytest captures has no encoding worth asking; the process's own stream has.
            Style.of(sys.__stdout__ or sys.stdout, os.environ, color="never", ascii=settings.ascii),
            tuple(_documents(settings)) if reports else (),
        )

    @property
    def folder(self) -> Path | None:
        """The folder of journal and reports; None if nothing is to be written."""
        return self.settings.out if self.config.getoption("ws_out") is not None else None

    @property
    def links(self) -> bool:
        """Whether the HTML report is among what is written, as a site, so that its pages can be linked to."""
        words = self.settings.reports or _USUAL
        return self.folder is not None and "html" in words

    @functools.cached_property
    def selected(self) -> dict[str, tuple[Item, ...]]:
        """The cases that the selectors take, by target; raises Problem where there are none at all."""
        wanted = shared.selection(self.settings)
        found = {aim.name: shared.selected(wanted, self.catalogue, aim.target.role, self.registry) for aim in self.aims}
        if not any(found.values()):
            raise Problem("nothing is selected: no case is taken by all selectors together; see `wsconform list cases`")
        return found

    def needed(self, entry: Item, target: Target) -> Requirement:
        """Return the requirement that decides `entry`, one of those selected for `target`."""
        needed = binding(entry, target.role, self.registry)
        assert needed is not None
        return needed

    def plan(self, aim: Aim, cases: Iterable[str]) -> Plan:
        """Return what is put to `aim`, whose address is known: `cases` in the catalogue's order."""
        chosen = set(cases)
        entries = tuple(entry for entry in self.selected[aim.name] if entry.id in chosen)
        given = self.config.getoption("ws_jobs")
        jobs = self.settings.jobs if given else aim.jobs
        return Plan(target=aim.target, items=entries, jobs=jobs, folder=aim.folder, serve=aim.serve)

    def run_options(self) -> RunOptions:
        """Return the options of a run."""
        return running.run_options(self.settings, self.folder)

    def header(self, plans: Sequence[Plan]) -> Header:
        """Return the journal's first record."""
        command = shlex.join(["pytest", *map(str, self.config.invocation_params.args)])
        put = (entry for plan in plans for entry in plan.items)
        return running.header(command, self.settings, self.catalogue, put, self.registry)

    def again(self, aim: Aim, entry: Item) -> str:
        """Return the command that puts `entry` to `aim` again, as pytest takes it."""
        words = ["pytest", "--pyargs", f"{entry.function.__module__}::{aim.node}::{entry.id}"]
        if self.config.getoption("ws_target"):
            words += ["--ws-target", aim.name]
        if isinstance(entry, Case) and entry.profile > Profile.STANDARD:
            words += ["--ws-profile", "full"]
        for flag in ("config", "fail_on", "expected"):
            if value := self.config.getoption(f"ws_{flag}"):
                words += [f"--ws-{flag.replace('_', '-')}", str(value)]
        return shlex.join(words)


def _documents(settings: Settings) -> list[Wanted]:
    from ..journal.renderers import wanted, writable_folder

    documents = wanted(settings.reports or _USUAL)
    writable_folder(settings.out, "--ws-out")
    return documents
