"""Chooses the ladders that a family's page draws: every kind of behaviour, but few enough to read.

The journal holds all transcripts. Of the cases that no target failed, the first few have a ladder each. Of equal
findings only the first is drawn, and the others link to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from wsconform.evidence.result import Mark

from .views import BehaviourView, CaseView, LadderPlace, LadderPlan

#: The number of cases without a failure that have a ladder.
FEW = 3
#: The most ladders of one case.
MOST = 6
#: The approximate size of all ladders of a page, in characters of markup.
BUDGET = 360_000
_NUMBER = re.compile(r"0x[0-9A-Fa-f]+|\d+(?:\.\d+)?")

_Key = tuple[Mark, str]


def plans(views: Sequence[CaseView]) -> list[LadderPlan]:
    """Return the plan for each of a family's cases, in their order."""
    alone = len(views) == 1
    places: dict[_Key, LadderPlace] = {}
    settled, room, found = 0, BUDGET, list[LadderPlan]()
    for view in views:
        wanted: list[BehaviourView] = []
        if view.settled:
            settled += 1
            wanted = list(view.behaviours[: 1 if settled <= FEW or alone else 0])
        else:
            wanted = _wanted(view, places)
        drawn = []
        for each in wanted:
            # The first ladder of a page is drawn whatever its size.
            if each.weight <= room or room == BUDGET:
                room -= each.weight
                drawn.append(each.letter)
                places.setdefault(_key(each), LadderPlace(view.case, view.parameters, each.letter))
        others = {
            each.letter: places[_key(each)]
            for each in view.behaviours
            if each.letter not in drawn and not _is_good(each) and _key(each) in places
        }
        # In the order of the letters, which is the order of the page.
        letters = tuple(each.letter for each in view.behaviours if each.letter in drawn)
        found.append(LadderPlan(letters, others))
    return found


def _wanted(view: CaseView, places: dict[_Key, LadderPlace]) -> list[BehaviourView]:
    """Return the behaviours of `view` to draw, the most useful first; [] if equal ladders are drawn already."""
    new: dict[_Key, BehaviourView] = {}
    repeated: list[BehaviourView] = []
    for each in view.behaviours:
        if not _is_good(each) and _key(each) not in places:
            if _key(each) in new:
                repeated.append(each)
            else:
                new[_key(each)] = each
    if not new:
        return []
    # A behaviour that passed comes second, so that it stands beside the first that did not.
    good = [each for each in view.behaviours if _is_good(each)]
    ranked = [*list(new.values())[:1], *good[:1], *list(new.values())[1:], *good[1:2], *repeated]
    return ranked[:MOST]


def _is_good(view: BehaviourView) -> bool:
    return view.mark in (Mark.PASSED, Mark.SKIPPED)


def _key(view: BehaviourView) -> _Key:
    """Two ladders with the same key show the same: their marks and observations are equal but for numbers."""
    finding = view.result.finding
    return view.mark, _NUMBER.sub("#", finding.observed if finding else view.label)
