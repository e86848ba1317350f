"""The collectors of a session: ids are `wsconform::TARGET::CASE`, whichever path or module of cases is named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ..catalogue.case import Case, Item
from .items import CaseItem, CaseRunner
from .roots import Root, root_of, roots
from .targets import SessionTarget

__all__ = ["Cases", "TargetNode", "collector"]

#: The id of all collectors above the targets.
NAME = "wsconform"


def collector(path: Path, parent: pytest.Collector, conformance: CaseRunner) -> pytest.Collector | None:
    """Return the collector for the folder or module at `path`; None if it does not belong to cases."""
    if (root := root_of(path)) is not None:
        if path.is_dir() or path.suffix == ".py":
            return Cases.at(path, parent, conformance, root)
        return None
    if any(path in root.above for root in roots()):
        return Above.from_parent(parent, name=NAME, path=path, nodeid=NAME, conformance=conformance)
    return None


class _CaseCollector(pytest.Collector):
    def __init__(self, *, conformance: CaseRunner, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.conformance = conformance

    def _requested_paths(self) -> Iterator[Path]:
        """Yield the paths in this folder that the arguments of pytest name, and those above such paths."""
        for path in sorted(self.path.iterdir()):
            if self.session.isinitpath(path, with_parents=True):
                yield path


class Above(_CaseCollector):
    """A package above a package of cases."""

    def collect(self) -> Iterator[pytest.Collector]:
        """Yield the collectors that lead to the cases."""
        for path in self._requested_paths():
            if (found := collector(path, self, self.conformance)) is not None:
                yield found


class Cases(_CaseCollector):
    """A package or a module of cases: if an argument names it, its children are targets, else paths below it."""

    def __init__(self, *, root: Root, **kwargs: Any) -> None:
        """Collect below `root`. Use `at` to create one."""
        super().__init__(**kwargs)
        self.root = root

    @classmethod
    def at(cls, path: Path, parent: pytest.Collector, conformance: CaseRunner, root: Root) -> Cases:
        """Return the collector for the folder or module at `path`, in `root`."""
        created: Cases = cls.from_parent(parent, name=NAME, path=path, nodeid=NAME, conformance=conformance, root=root)
        return created

    def collect(self) -> Iterator[pytest.Collector]:
        """Yield the targets, or the packages and modules that lead to the named ones."""
        if not self.session.isinitpath(self.path):
            yield from (Cases.at(path, self, self.conformance, self.root) for path in self._requested_paths())
            return
        module, prepared = self.root.module(self.path), self.conformance.prepared
        for chosen in prepared.targets:
            entries = [entry for entry in prepared.selected[chosen.name] if _is_in(entry, module)]
            if entries:
                nodeid = f"{NAME}::{chosen.node}"
                yield TargetNode.from_parent(
                    self, name=chosen.node, nodeid=nodeid, chosen=chosen, entries=entries, conformance=self.conformance
                )


class TargetNode(_CaseCollector):
    """A target with its cases, in the order of their results."""

    def __init__(self, *, chosen: SessionTarget, entries: Sequence[Item], **kwargs: Any) -> None:
        """Collect `entries` for the target `chosen`."""
        super().__init__(**kwargs)
        self.chosen, self.entries = chosen, entries

    def collect(self) -> Iterator[CaseItem]:
        """Yield an item for each case: first those that run side by side, then those that run alone, monitors last."""
        for entry in sorted(self.entries, key=_order):
            # pytest parses brackets in an id that it makes itself, and `--lf` does not find such an item again.
            nodeid = f"{self.nodeid}::{entry.id}"
            yield CaseItem.from_parent(
                self, name=entry.id, nodeid=nodeid, entry=entry, chosen=self.chosen, conformance=self.conformance
            )


def _is_in(entry: Item, module: str) -> bool:
    home = entry.function.__module__
    return home == module or home.startswith(f"{module}.")


def _order(entry: Item) -> int:
    return (1 if entry.alone else 0) if isinstance(entry, Case) else 2
