"""What is served: the selected cases in the order and under the numbers that clients see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..catalogue import Case, Entry, Monitor, Subject
from ..requirement import Registry
from .routes import Refusal, Which

#: How the ids of the older suite stand among the aliases of our cases.
_OLDER = "autobahn:"


@dataclass(frozen=True, slots=True)
class Plan:
    """The cases for clients, in order, and the monitors that watch every connection.

    Cases that may make a handshake fail come last, because many a driver ends at an exception; within both kinds those
    that have to run alone come last.
    """

    cases: tuple[Case, ...]
    monitors: tuple[Monitor, ...]
    registry: Registry

    @classmethod
    def of(cls, entries: Iterable[Entry], registry: Registry) -> Plan:
        """Return the plan for `entries`, a selection for clients."""
        chosen = tuple(entries)
        cases = [entry for entry in chosen if isinstance(entry, Case)]
        cases.sort(key=lambda case: (case.subject is Subject.INCOMING, case.alone))
        return cls(tuple(cases), tuple(entry for entry in chosen if isinstance(entry, Monitor)), registry)

    def find(self, which: Which, numbered: Sequence[Case]) -> Case:
        """Return the case that `which` means, its number being a place in `numbered`; raises Refusal for none."""
        if which.number is not None:
            if not 1 <= which.number <= len(numbered):
                raise Refusal(404, "Not Found", f"there is no case {which.number}; /getCaseCount says {len(numbered)}")
            return numbered[which.number - 1]
        for case in self.cases:
            if which.id == case.id or f"{_OLDER}{which.id}" in case.aliases or which.id in case.aliases:
                return case
        raise Refusal(404, "Not Found", f'there is no case "{(which.id or "")[:80]}" in what is served')
