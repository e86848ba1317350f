"""Every case is proven: the reference passes it, and some mutant that names it fails it."""

from __future__ import annotations

import functools

import pytest

from tests.proof import failed, put
from wsconform.catalogue import Case, Entry, binding, load_catalogue, matches
from wsconform.fixtures.mutants import Mutant, load_mutants
from wsconform.fixtures.reference import ReferenceServer
from wsconform.requirement import Role, load_registry

MUTANTS = {mutant.name: mutant for mutant in load_mutants()}


@functools.cache
def catalogue() -> tuple[Entry, ...]:
    """Return the entries for servers."""
    registry = load_registry()
    return tuple(entry for entry in load_catalogue() if binding(entry, Role.SERVER, registry))


@pytest.mark.parametrize("tls", [False, True])
def test_the_reference_passes_every_case(tls: bool) -> None:
    results = put(catalogue(), ReferenceServer, heavy=not tls, tls=tls)
    assert {id: str(results[id].finding) for id in failed(results)} == {}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_fails_exactly_what_it_claims(name: str) -> None:
    mutant = MUTANTS[name]
    results = put(catalogue(), mutant.server, heavy=mutant.heavy, tls=mutant.tls)
    claimed = {id for id in results if any(matches(pattern, id) for pattern in mutant.fails)}
    found = failed(results)
    told = {id: str(results[id].finding) for id in found ^ claimed}
    assert told == {}, f"failed but not claimed, or claimed but not failed: {sorted(told)}"
    idle = [pattern for pattern in mutant.fails if not any(matches(pattern, id) for id in results)]
    assert idle == [], "patterns that match nothing"
    assert found, "a mutant that fails nothing proves nothing"


def test_no_case_is_without_a_mutant() -> None:
    unproven = [entry.id for entry in catalogue() if not any(claims(mutant, entry) for mutant in MUTANTS.values())]
    assert unproven == []


def claims(mutant: Mutant, entry: Entry) -> bool:
    heavy = isinstance(entry, Case) and entry.heavy
    return (mutant.heavy or not heavy) and any(matches(pattern, entry.id) for pattern in mutant.fails)


def test_there_are_enough_mutants_and_each_has_a_docstring() -> None:
    assert len(MUTANTS) >= 120
    assert all(mutant.server.__doc__ for mutant in MUTANTS.values())
    assert all(mutant.server.__doc__ != ReferenceServer.__doc__ for mutant in MUTANTS.values())
