"""Eccentrics, which keep every rule in unusual ways, produce no failure in any case.

With `WSCONFORM_PROOF=whole` (`make proof`) the whole catalogue runs against every eccentric. Without it a part of every
family runs: all members if the eccentric departs from one of them, else one, which is always the same for an eccentric
and a family.
"""

from __future__ import annotations

import os
import re
import zlib

import pytest

from tests.support.proof import accused, catalogue, families, run_cases, shard
from wsconform.catalogue.case import Item
from wsconform.catalogue.selection import matches
from wsconform.fixtures.eccentrics import Eccentric, load_eccentrics
from wsconform.fixtures.reference import ReferenceClient, ReferenceServer
from wsconform.registry.requirement import Role

ECCENTRICS = {eccentric.name: eccentric for eccentric in load_eccentrics()}


def sample(eccentric: Eccentric) -> tuple[Item, ...]:
    """Return one member of each family, and all members if `eccentric` departs from one."""
    chosen: list[Item] = []
    for family, members in families(catalogue(eccentric.role)).items():
        whole = any(matches(pattern, entry.id) for pattern in eccentric.departs for entry in members)
        number = zlib.crc32(f"{eccentric.name} {family}".encode()) % len(members)
        chosen += members if whole else [members[number]]
    return tuple(chosen)


@pytest.mark.parametrize("name", shard(ECCENTRICS))
def test_an_eccentric_departs_as_declared_and_is_not_accused(name: str) -> None:
    eccentric = ECCENTRICS[name]
    whole = os.environ.get("WSCONFORM_PROOF") == "whole"
    results = run_cases(catalogue(eccentric.role) if whole else sample(eccentric), eccentric.endpoint)
    assert accused(results, eccentric) == {}


def test_each_names_the_section_that_permits_what_it_does() -> None:
    descriptions = [eccentric.endpoint.__doc__ or "" for eccentric in ECCENTRICS.values()]
    assert [text for text in descriptions if not re.search(r"\bsections? \d", text)] == []
    assert not {ReferenceServer.__doc__, ReferenceClient.__doc__} & set(descriptions)


def test_there_are_many_of_each_role() -> None:
    count = {role: sum(each.role is role for each in ECCENTRICS.values()) for role in (Role.SERVER, Role.CLIENT)}
    assert count[Role.SERVER] >= 50
    assert count[Role.CLIENT] >= 40
