"""What is served: the selected cases in the order and under the numbers that clients see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..autobahn.ids import SELECTED, Selected
from ..catalogue.aliases import AUTOBAHN
from ..catalogue.case import Case, Item, Monitor, Subject
from ..registry.registry import Registry
from .routes import Refusal, Which


@dataclass(frozen=True, slots=True)
class Numbering:
    """Cases under the ids and in the order of a configuration of the older suite.

    `selected` returns what it selects for an agent; that leaves out some of `cases`, and the numbers stay as they are.
    """

    cases: tuple[tuple[str, Case], ...]
    selected: Callable[[str], Selected]

    def without(self, agent: str) -> frozenset[str]:
        """Return the ids that are not put to `agent`."""
        ids = [id for id, _ in self.cases]
        return frozenset(ids) - frozenset(self.selected(agent).of(ids))


@dataclass(frozen=True, slots=True)
class Plan:
    """The cases for clients, in order, and the monitors that watch every connection.

    Cases that may make a handshake fail come last, because many a driver ends at an exception; within both kinds those
    that have to run alone come last. A `numbering` has the order to itself, and may name a case more than once.
    """

    cases: tuple[Case, ...]
    monitors: tuple[Monitor, ...]
    registry: Registry
    numbering: Numbering | None = None

    @classmethod
    def of(cls, entries: Iterable[Item], registry: Registry, numbering: Numbering | None = None) -> Plan:
        """Return the plan for `entries`, a selection for clients."""
        chosen = tuple(entries)
        monitors = tuple(entry for entry in chosen if isinstance(entry, Monitor))
        if numbering is not None:
            named = {case.id: case for _, case in numbering.cases}
            return cls(tuple(named.values()), monitors, registry, numbering)
        cases = [entry for entry in chosen if isinstance(entry, Case)]
        cases.sort(key=lambda case: (case.subject is Subject.INCOMING, case.alone))
        return cls(tuple(cases), monitors, registry)

    @property
    def numbered(self) -> tuple[Case, ...]:
        """The case of each number, from 1 on."""
        return tuple(case for _, case in self.numbering.cases) if self.numbering else self.cases

    def find(self, which: Which, numbered: Sequence[Case]) -> Case:
        """Return the case that `which` means, its number being a place in `numbered`; raises Refusal for none."""
        if which.number is not None:
            if not 1 <= which.number <= len(numbered):
                raise Refusal(404, "Not Found", f"there is no case {which.number}; /getCaseCount says {len(numbered)}")
            return numbered[which.number - 1]
        for id, case in self.numbering.cases if self.numbering else ():
            if which.id == id:
                return case
        for case in self.cases:
            if which.id == case.id or f"{AUTOBAHN}{which.id}" in case.aliases or which.id in case.aliases:
                return case
        raise Refusal(404, "Not Found", f'there is no case "{(which.id or "")[:80]}" in what is served')

    def name(self, which: Which, case: Case, numbered: Sequence[Case]) -> str:
        """Return the id that a client is told of `case`, which `which` means: an older one where those count."""
        if self.numbering is None:
            return case.id
        ids = [id for id, named in self.numbering.cases if named.id == case.id]
        if which.number is not None and tuple(numbered) == self.numbered:
            return self.numbering.cases[which.number - 1][0]
        return which.id if which.id in ids else ids[0]

    def left_out(self, agent: str) -> tuple[Case, ...]:
        """Return the cases that are put to `agent` under none of their ids."""
        if self.numbering is None:
            return ()
        without = self.numbering.without(agent)
        kept = {case.id for id, case in self.numbering.cases if id not in without}
        return tuple(case for case in self.cases if case.id not in kept)

    def is_left_out(self, agent: str, name: str) -> bool:
        """Return whether the id `name` is one that is not put to `agent`."""
        return self.numbering is not None and name in self.numbering.without(agent)

    def info(self, agent: str) -> Mapping[str, str]:
        """Return what the record of `agent` says of the selection, for reports under older ids."""
        return {SELECTED: str(self.numbering.selected(agent))} if self.numbering else {}
