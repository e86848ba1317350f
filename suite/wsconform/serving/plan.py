"""The plan for clients: the selected cases, in the order and with the numbers that clients see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..autobahn.ids import SELECTED, Selected
from ..catalogue.aliases import AUTOBAHN
from ..catalogue.case import Case, Item, Monitor
from ..endpoint.handshake_with_client import Incoming
from ..registry.registry import Registry
from .routes import CaseReference, RequestRefused


@dataclass(frozen=True, slots=True)
class Numbering:
    """The cases with the ids, and in the order, of an Autobahn configuration.

    `selected` returns the selection for an agent; cases that are not in it keep their numbers.
    """

    cases: tuple[tuple[str, Case], ...]
    selected: Callable[[str], Selected]

    def without(self, agent: str) -> frozenset[str]:
        """Return the ids that do not run against `agent`."""
        ids = [id for id, _ in self.cases]
        return frozenset(ids) - frozenset(self.selected(agent).of(ids))


@dataclass(frozen=True, slots=True)
class ServePlan:
    """The cases for clients, in order, and the monitors of every connection.

    Cases that may make a handshake fail come last, because many clients stop at an exception; within both kinds, cases
    that have to run alone come last. A `numbering` determines the order alone, and may contain a case more than once.
    """

    cases: tuple[Case, ...]
    monitors: tuple[Monitor, ...]
    registry: Registry
    numbering: Numbering | None = None

    @classmethod
    def of(cls, entries: Iterable[Item], registry: Registry, numbering: Numbering | None = None) -> ServePlan:
        """Return the plan for `entries`, a selection for clients."""
        chosen = tuple(entries)
        monitors = tuple(entry for entry in chosen if isinstance(entry, Monitor))
        if numbering is not None:
            named = {case.id: case for _, case in numbering.cases}
            return cls(tuple(named.values()), monitors, registry, numbering)
        cases = [entry for entry in chosen if isinstance(entry, Case)]
        cases.sort(key=lambda case: (case.subject is Incoming, case.alone))
        return cls(tuple(cases), monitors, registry)

    @property
    def numbered(self) -> tuple[Case, ...]:
        """The case of each number, from 1 on."""
        return tuple(case for _, case in self.numbering.cases) if self.numbering else self.cases

    def find(self, which: CaseReference, numbered: Sequence[Case]) -> Case:
        """Return the case of the reference `which`; a number counts in `numbered`. Raises RequestRefused if none."""
        if which.number is not None:
            if not 1 <= which.number <= len(numbered):
                text = f"there is no case {which.number}; /getCaseCount returns {len(numbered)}"
                raise RequestRefused(404, "Not Found", text)
            return numbered[which.number - 1]
        for id, case in self.numbering.cases if self.numbering else ():
            if which.id == id:
                return case
        for case in self.cases:
            if which.id == case.id or f"{AUTOBAHN}{which.id}" in case.aliases or which.id in case.aliases:
                return case
        raise RequestRefused(404, "Not Found", f'there is no case "{(which.id or "")[:80]}" in the plan')

    def name(self, which: CaseReference, case: Case, numbered: Sequence[Case]) -> str:
        """Return the id reported to clients for `case`: its Autobahn id if there is a `numbering`, else ours.

        If the case has several Autobahn ids, it is the one of the reference `which`.
        """
        if self.numbering is None:
            return case.id
        ids = [id for id, named in self.numbering.cases if named.id == case.id]
        if which.number is not None and tuple(numbered) == self.numbered:
            return self.numbering.cases[which.number - 1][0]
        return which.id if which.id in ids else ids[0]

    def left_out(self, agent: str) -> tuple[Case, ...]:
        """Return the cases that do not run against `agent` under any of their ids."""
        if self.numbering is None:
            return ()
        without = self.numbering.without(agent)
        kept = {case.id for id, case in self.numbering.cases if id not in without}
        return tuple(case for case in self.cases if case.id not in kept)

    def is_left_out(self, agent: str, name: str) -> bool:
        """Return whether the case with the Autobahn id `name` does not run against `agent`."""
        return self.numbering is not None and name in self.numbering.without(agent)

    def info(self, agent: str) -> Mapping[str, str]:
        """Return the selection for the record of `agent`, for reports with Autobahn ids."""
        return {SELECTED: str(self.numbering.selected(agent))} if self.numbering else {}
