"""Nobody is accused falsely: the catalogue is put to endpoints that keep every rule in unusual ways.

`WSCONFORM_PROOF=whole` (`make proof`) puts all of it. Without it each gets all families, of each that it departs from
all members and of any other one: which follows from the names of eccentric and family.
"""

from __future__ import annotations

import os
import zlib

import pytest

from tests.support.proof import catalogue, families, put
from wsconform.catalogue.case import Item
from wsconform.catalogue.selection import matches
from wsconform.evidence.result import Reason, Result, Verdict
from wsconform.fixtures.eccentrics import Eccentric, load_eccentrics
from wsconform.fixtures.reference import ReferenceClient, ReferenceServer
from wsconform.registry.requirement import Role

ECCENTRICS = {eccentric.name: eccentric for eccentric in load_eccentrics()}


def sample(eccentric: Eccentric) -> tuple[Item, ...]:
    """Return one member of each family, and all where `eccentric` departs."""
    chosen: list[Item] = []
    for family, members in families(eccentric.role).items():
        whole = any(matches(pattern, entry.id) for pattern in eccentric.departs for entry in members)
        lot = zlib.crc32(f"{eccentric.name} {family}".encode()) % len(members)
        chosen += members if whole else [members[lot]]
    return tuple(chosen)


def accuses(result: Result, *, limits: bool) -> bool:
    """Return whether `result` breaks the gate, an end at a limit aside where there are `limits`."""
    if result.verdict is Verdict.INCONCLUSIVE:
        return not (limits and result.reason is Reason.LIMIT)
    return result.verdict is Verdict.ERROR or (result.verdict is Verdict.FAILED and result.level.weight == "must")


@pytest.mark.parametrize("name", ECCENTRICS)
def test_an_eccentric_departs_where_it_says_and_is_accused_of_nothing(name: str) -> None:
    eccentric = ECCENTRICS[name]
    whole = os.environ.get("WSCONFORM_PROOF") == "whole"
    results = put(catalogue(eccentric.role) if whole else sample(eccentric), eccentric.endpoint)
    accused = {id: str(each.finding) for id, each in results.items() if accuses(each, limits=eccentric.limits)}
    assert accused == {}
    departed = {id for id, each in results.items() if each.verdict in (Verdict.FAILED, Verdict.DEPARTED)}
    expected = {id for id in results if any(matches(pattern, id) for pattern in eccentric.departs)}
    assert {id: str(results[id].finding) for id in departed ^ expected} == {}


def test_each_says_what_it_does_and_where_that_is_permitted() -> None:
    said = [eccentric.endpoint.__doc__ or "" for eccentric in ECCENTRICS.values()]
    assert all("(" in text for text in said)
    assert not {ReferenceServer.__doc__, ReferenceClient.__doc__} & set(said)


def test_there_are_many_of_each_role() -> None:
    count = {role: sum(each.role is role for each in ECCENTRICS.values()) for role in (Role.SERVER, Role.CLIENT)}
    assert count[Role.SERVER] >= 50
    assert count[Role.CLIENT] >= 40
