"""The parts of a session with cases: settings, catalogue, known failures, and a plan for each target."""

from __future__ import annotations

import functools
import os
import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..catalogue.case import Case, Item, Profile, binding
from ..console.style import Style
from ..journal.expected import Expectations
from ..journal.gate import Policy
from ..journal.journal import Header
from ..journal.renderers import Wanted, wanted, writable_folder
from ..prepare import catalogue as prepare_catalogue
from ..prepare import run as prepare_run
from ..prepare.config import Configuration, Settings
from ..prepare.registry import registry
from ..problem import Problem
from ..registry.registry import Registry
from ..registry.requirement import Requirement
from ..run.execution import Plan
from ..run.options import RunOptions
from ..run.target import Target
from . import options
from .targets import SessionTarget, session_targets

__all__ = ["Prepared", "is_worker"]

#: The reports of a session whose configuration names none.
_DEFAULT_REPORTS = ("html",)


def is_worker(config: pytest.Config) -> bool:
    """Return whether this process is a worker of pytest-xdist."""
    return hasattr(config, "workerinput")


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The facts and choices that all cases of a session share."""

    config: pytest.Config
    configuration: Configuration
    settings: Settings
    targets: tuple[SessionTarget, ...]
    registry: Registry
    catalogue: tuple[Item, ...]
    expectations: Expectations
    policy: Policy
    style: Style
    documents: tuple[Wanted, ...]

    @classmethod
    def of(cls, config: pytest.Config) -> Prepared:
        """Return the facts and choices from options, environment and configuration; raises Problem."""
        found = options.configuration(config)
        settings = options.settings(config, found)
        catalogue = prepare_catalogue.catalogue()
        # A worker passes its journal to the controller, which writes the reports.
        reports = config.getoption("ws_out") is not None and not is_worker(config)
        return cls(
            config=config,
            configuration=found,
            settings=settings,
            targets=tuple(session_targets(config)),
            registry=registry(),
            catalogue=catalogue,
            expectations=prepare_run.expectations(prepare_run.expected_path(settings, found), catalogue),
            policy=prepare_run.policy(settings),
            # pytest replaces sys.stdout while it captures; the encoding of the original stream counts.
            style=Style.of(sys.__stdout__ or sys.stdout, os.environ, color="never", ascii=settings.ascii),
            documents=tuple(_documents(settings)) if reports else (),
        )

    @property
    def folder(self) -> Path | None:
        """The folder of journal and reports; None if none are written."""
        return self.settings.out if self.config.getoption("ws_out") is not None else None

    @property
    def links(self) -> bool:
        """Whether the HTML report is written as a site, so that its pages can be linked."""
        words = self.settings.reports or _DEFAULT_REPORTS
        return self.folder is not None and "html" in words

    @functools.cached_property
    def selected(self) -> dict[str, tuple[Item, ...]]:
        """The selected cases by target; raises Problem if no case is selected."""
        selection = prepare_catalogue.selection(self.settings)
        found = {
            chosen.name: prepare_catalogue.selected(selection, self.catalogue, chosen.target.role, self.registry)
            for chosen in self.targets
        }
        if not any(found.values()):
            raise Problem("nothing is selected: no case matches all selectors; see `wsconform list cases`")
        return found

    def requirement(self, entry: Item, target: Target) -> Requirement:
        """Return the requirement that decides `entry`, which is selected for `target`."""
        requirement = binding(entry, target.role, self.registry)
        assert requirement is not None
        return requirement

    def plan(self, chosen: SessionTarget, cases: Iterable[str]) -> Plan:
        """Return the plan to run `cases`, in the catalogue's order, against `chosen`, whose address must be known."""
        ids = set(cases)
        from_option = self.config.getoption("ws_jobs")
        return Plan(
            target=chosen.target,
            items=tuple(entry for entry in self.selected[chosen.name] if entry.id in ids),
            jobs=self.settings.jobs if from_option else chosen.jobs,
            folder=chosen.folder,
            serve=chosen.serve,
        )

    def run_options(self) -> RunOptions:
        """Return the options of a run."""
        return prepare_run.run_options(self.settings, self.folder)

    def header(self, plans: Sequence[Plan]) -> Header:
        """Return the first record of the journal."""
        command = shlex.join(["pytest", *map(str, self.config.invocation_params.args)])
        entries = (entry for plan in plans for entry in plan.items)
        return prepare_run.header(command, self.settings, self.catalogue, entries, self.registry)

    def rerun(self, chosen: SessionTarget, entry: Item) -> str:
        """Return the pytest command that reruns `entry` against `chosen`."""
        words = ["pytest", "--pyargs", f"{entry.function.__module__}::{chosen.node}::{entry.id}"]
        if self.config.getoption("ws_target"):
            words += ["--ws-target", chosen.name]
        if isinstance(entry, Case) and entry.profile > Profile.STANDARD:
            words += ["--ws-profile", "full"]
        for flag in ("config", "fail_on", "expected"):
            if value := self.config.getoption(f"ws_{flag}"):
                words += [f"--ws-{flag.replace('_', '-')}", str(value)]
        return shlex.join(words)


def _documents(settings: Settings) -> list[Wanted]:
    documents = wanted(settings.reports or _DEFAULT_REPORTS)
    writable_folder(settings.out, "--ws-out")
    return documents
