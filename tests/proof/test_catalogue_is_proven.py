"""Every case is proven: the reference passes it, and some mutant that names it fails it.

`WSCONFORM_PROOF=whole` (`make proof`) puts the whole catalogue to every mutant. Without it each mutant gets all members
of the families that it claims, one member of every other family in the areas where it claims anything, for a flaw most
often shows near by, and one member of a part of the families elsewhere. Which part, and whether the first or the last
member, follows from the names of mutant and family: always the same for one mutant, and among all of them every family
has its turn.

Of the families that put a thousand compressed messages only the shortest are put: what is longer, or in fragments, is
proven with a few messages, by other families that have the same members.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable

import pytest

from tests.support.proof import catalogue, failed, families, put
from wsconform.catalogue.case import Case, Item, Monitor
from wsconform.catalogue.selection import matches
from wsconform.fixtures.mutants import Mutant, load_mutants
from wsconform.fixtures.reference import ReferenceClient, ReferenceServer
from wsconform.fixtures.variants import Endpoint
from wsconform.registry.requirement import Role

MUTANTS = {mutant.name: mutant for mutant in load_mutants()}


#: Whether every mutant is put the whole catalogue (minutes), and not a sample of what it does not claim.
WHOLE = os.environ.get("WSCONFORM_PROOF") == "whole"

#: Families that take hours, and what of them is put all the same.
THOUSANDS = ("deflate.volume.thousand_*", "deflate.volume.agreed_parameters_are_respected_for_a_thousand_messages*")
AFFORDABLE = ("*-16]", "*-256]")

#: One in so many of the families in areas where a mutant claims nothing is put to it, if not the whole catalogue.
ELSEWHERE = 4

REFERENCES: dict[Role, Endpoint] = {Role.SERVER: ReferenceServer, Role.CLIENT: ReferenceClient}


def affordable(entries: Iterable[Item]) -> tuple[Item, ...]:
    """Return those of `entries` that can be put here."""
    return tuple(
        entry
        for entry in entries
        if not any(matches(family, entry.id) for family in THOUSANDS)
        or any(matches(member, entry.id) for member in AFFORDABLE)
    )


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("role", REFERENCES)
def test_the_reference_passes_every_case(role: Role, tls: bool) -> None:
    results = put(affordable(catalogue(role)), REFERENCES[role], heavy=not tls, tls=tls)
    assert {id: str(results[id].finding) for id in failed(results)} == {}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_fails_exactly_what_it_claims(name: str) -> None:
    mutant = MUTANTS[name]
    plan = affordable(catalogue(mutant.role) if WHOLE else sample(mutant))
    results = put(plan, mutant.endpoint, heavy=mutant.heavy, tls=mutant.tls)
    claimed = {id for id in results if any(matches(pattern, id) for pattern in mutant.fails)}
    if not WHOLE:
        # Whether a monitor finds its occasion depends on which cases run: here a claim may stay open, a breach not.
        claimed -= {entry.id for entry in plan if isinstance(entry, Monitor)} - failed(results)
    found = failed(results)
    told = {id: str(results[id].finding) for id in found ^ claimed}
    assert told == {}, f"failed but not claimed, or claimed but not failed: {sorted(told)}"
    assert found or not WHOLE, "a mutant that fails nothing proves nothing"


def sample(mutant: Mutant) -> tuple[Item, ...]:
    """Return what can tell in little time: whole families where the mutant claims anything, and some of the others.

    Monitors are put all: they cost nothing, since they judge what the others show.
    """
    areas = {area(pattern) for pattern in mutant.fails}
    chosen: list[Item] = []
    for family, members in families(mutant.role).items():
        lot = zlib.crc32(f"{mutant.name} {family}".encode())
        if isinstance(members[0], Monitor) or any(
            matches(pattern, entry.id) for pattern in mutant.fails for entry in members
        ):
            chosen += members
        elif not members[0].heavy and (area(family) in areas or lot % ELSEWHERE == 0):
            chosen.append(members[0 if lot // ELSEWHERE % 2 else -1])
    return tuple(chosen)


def area(id: str) -> str:
    """Return the first part of an id or a pattern, which says what the case is about."""
    return id.partition(".")[0]


def test_every_pattern_of_a_mutant_matches_something() -> None:
    """A pattern may concern one role alone where a flaw makes a mutant of each, but never neither."""
    ids = [entry.id for role in REFERENCES for entry in catalogue(role)]
    idle = {
        f"{mutant.name}: {pattern}"
        for mutant in MUTANTS.values()
        for pattern in mutant.fails
        if not any(matches(pattern, id) for id in ids)
    }
    assert idle == set()


@pytest.mark.parametrize("role", REFERENCES)
def test_no_case_is_without_a_mutant(role: Role) -> None:
    # By area and weight, or thousands of ids would meet thousands of patterns.
    patterns: dict[tuple[str, bool], set[str]] = {}
    for mutant in MUTANTS.values():
        for pattern in mutant.fails if mutant.role is role else ():
            for heavy in {False, mutant.heavy}:
                patterns.setdefault((area(pattern), heavy), set()).add(pattern)

    def is_claimed(entry: Item) -> bool:
        heavy = isinstance(entry, Case) and entry.heavy
        return any(matches(pattern, entry.id) for pattern in patterns.get((area(entry.id), heavy), ()))

    assert [entry.id for entry in catalogue(role) if not is_claimed(entry)] == []


@pytest.mark.parametrize(("role", "least"), [(Role.SERVER, 120), (Role.CLIENT, 90)])
def test_there_are_enough_mutants(role: Role, least: int) -> None:
    assert sum(mutant.role is role for mutant in MUTANTS.values()) >= least


def test_each_mutant_says_what_its_flaw_is() -> None:
    said = [mutant.endpoint.__doc__ or "" for mutant in MUTANTS.values()]
    assert all(said)
    assert not {ReferenceServer.__doc__, ReferenceClient.__doc__} & set(said)
