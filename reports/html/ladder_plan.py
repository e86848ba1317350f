"""Which ladders a family's page draws: enough to see every kind of conduct, few enough to read.

A page is for people; the journal has everything. Of members that no one failed, the first few have a ladder each;
of equal findings only the first is drawn, and the others lead to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from wsconform.evidence.result import Mark

from .views import Place, Plan

if TYPE_CHECKING:
    from .views import BehaviourView, CaseView

#: How many members that nobody failed have a ladder.
FEW = 3
#: How many ladders one case has at most.
MOST = 6
#: What the ladders of a page may weigh together, in characters of markup, roughly.
BUDGET = 360_000
_NUMBER = re.compile(r"0x[0-9A-Fa-f]+|\d+(?:\.\d+)?")

_Key = tuple[Mark, str]


def plans(views: Sequence[CaseView]) -> list[Plan]:
    """Return what to draw of each of a family's cases."""
    alone = len(views) == 1
    places: dict[_Key, Place] = {}
    settled, room, found = 0, BUDGET, list[Plan]()
    for view in views:
        wanted: list[BehaviourView] = []
        if view.settled:
            settled += 1
            wanted = list(view.behaviours[: 1 if settled <= FEW or alone else 0])
        else:
            wanted = _wanted(view, places)
        drawn = []
        for each in wanted:
            # The first ladder of a page is drawn whatever it weighs.
            if each.weight <= room or room == BUDGET:
                room -= each.weight
                drawn.append(each.letter)
                places.setdefault(_key(each), Place(view.case, view.parameters, each.letter))
        others = {
            each.letter: places[_key(each)]
            for each in view.behaviours
            if each.letter not in drawn and not _met(each) and _key(each) in places
        }
        # In the order of the page, which is that of the letters.
        letters = tuple(each.letter for each in view.behaviours if each.letter in drawn)
        found.append(Plan(letters, others))
    return found


def _wanted(view: CaseView, places: dict[_Key, Place]) -> list[BehaviourView]:
    """Return the behaviours of `view` that are worth a ladder, the worthiest first; none if all are drawn already."""
    new: dict[_Key, BehaviourView] = {}
    again: list[BehaviourView] = []
    for each in view.behaviours:
        if not _met(each) and _key(each) not in places:
            if _key(each) in new:
                again.append(each)
            else:
                new[_key(each)] = each
    if not new:
        return []
    # One that met the case stands beside those that did not, the others after them.
    met = [each for each in view.behaviours if _met(each)]
    ranked = [*list(new.values())[:1], *met[:1], *list(new.values())[1:], *met[1:2], *again]
    return ranked[:MOST]


def _met(view: BehaviourView) -> bool:
    return view.mark in (Mark.PASSED, Mark.SKIPPED)


def _key(view: BehaviourView) -> _Key:
    """What makes two ladders tell the same: the mark, and what was seen, whatever the numbers in it."""
    finding = view.result.finding
    return view.mark, _NUMBER.sub("#", finding.observed if finding else view.label)
