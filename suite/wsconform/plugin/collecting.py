"""The tree of a session: `wsconform::TARGET::CASE`, whatever path or module of cases was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ..catalogue.case import Case, Item
from .aims import Aim
from .items import CaseItem, Running
from .roots import Root, root_of, roots

__all__ = ["Cases", "TargetNode", "collector"]

#: The id of everything that stands above targets.
NAME = "wsconform"


def collector(path: Path, parent: pytest.Collector, conformance: Running) -> pytest.Collector | None:
    """Return the collector of the folder or module at `path`; None where it is none of ours."""
    if (root := root_of(path)) is not None:
        if path.is_dir() or path.suffix == ".py":
            return Cases.at(path, parent, conformance, root)
        return None
    if any(path in root.above for root in roots()):
        return Above.from_parent(parent, name=NAME, path=path, nodeid=NAME, conformance=conformance)
    return None


class _Ours(pytest.Collector):
    def __init__(self, *, conformance: Running, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.conformance = conformance

    def _asked(self) -> Iterator[Path]:
        """What lies here and is asked for, or leads to what is."""
        for path in sorted(self.path.iterdir()):
            if self.session.isinitpath(path, with_parents=True):
                yield path


class Above(_Ours):
    """A package above cases that were asked for."""

    def collect(self) -> Iterator[pytest.Collector]:
        """Return what leads to the cases."""
        for path in self._asked():
            if (found := collector(path, self, self.conformance)) is not None:
                yield found


class Cases(_Ours):
    """A package or a module of cases: its targets if it is asked for, or what leads to what is."""

    def __init__(self, *, root: Root, **kwargs: Any) -> None:
        """Collect what lies in `root`; made by `at`."""
        super().__init__(**kwargs)
        self.root = root

    @classmethod
    def at(cls, path: Path, parent: pytest.Collector, conformance: Running, root: Root) -> Cases:
        """Return the collector of the folder or module at `path`, in `root`."""
        made: Cases = cls.from_parent(parent, name=NAME, path=path, nodeid=NAME, conformance=conformance, root=root)
        return made

    def collect(self) -> Iterator[pytest.Collector]:
        """Return the targets, or the packages and modules on the way to what was asked for."""
        if not self.session.isinitpath(self.path):
            yield from (Cases.at(path, self, self.conformance, self.root) for path in self._asked())
            return
        module, prepared = self.root.module(self.path), self.conformance.prepared
        for aim in prepared.aims:
            entries = [entry for entry in prepared.selected[aim.name] if _is_in(entry, module)]
            if entries:
                nodeid = f"{NAME}::{aim.node}"
                yield TargetNode.from_parent(
                    self, name=aim.node, nodeid=nodeid, aim=aim, entries=entries, conformance=self.conformance
                )


class TargetNode(_Ours):
    """A target with its cases, in the order in which their results come."""

    def __init__(self, *, aim: Aim, entries: Sequence[Item], **kwargs: Any) -> None:
        """Collect `entries` for `aim`."""
        super().__init__(**kwargs)
        self.aim, self.entries = aim, entries

    def collect(self) -> Iterator[CaseItem]:
        """Return an item a case: those that run beside others, those that run alone, and the monitors last."""
        for entry in sorted(self.entries, key=_turn):
            # Without an id of its own the item would get one whose brackets pytest does not find again.
            nodeid = f"{self.nodeid}::{entry.id}"
            yield CaseItem.from_parent(
                self, name=entry.id, nodeid=nodeid, entry=entry, aim=self.aim, conformance=self.conformance
            )


def _is_in(entry: Item, module: str) -> bool:
    home = entry.function.__module__
    return home == module or home.startswith(f"{module}.")


def _turn(entry: Item) -> int:
    return (1 if entry.alone else 0) if isinstance(entry, Case) else 2
