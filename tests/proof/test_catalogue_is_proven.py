"""Every case is proven: the reference passes it, and at least one mutant fails it.

With `WSCONFORM_PROOF=whole` (`make proof`) the whole catalogue runs against every mutant, and its failures are compared
with the snapshot. Without it a sample runs (`tests.support.proof.sample`). A part of the sample follows from the
commit; `WSCONFORM_PROOF_SEED` repeats the sample of another commit.
"""

from __future__ import annotations

import os

import pytest

from tests.support.proof import (
    REFERENCES,
    affordable,
    catalogue,
    differences,
    failed,
    plan,
    plan_of,
    proof_seed,
    run_cases,
    sample,
    shard,
    unfounded_kills,
)
from wsconform.catalogue.case import Item, Monitor
from wsconform.catalogue.selection import matches
from wsconform.fixtures.mutants import load_mutants
from wsconform.fixtures.mutants.snapshot import SNAPSHOT, parse_snapshot
from wsconform.fixtures.reference import ReferenceClient, ReferenceServer
from wsconform.registry.requirement import Role

MUTANTS = {mutant.name: mutant for mutant in load_mutants()}
CLAIMS = parse_snapshot(SNAPSHOT.read_text(encoding="utf-8"))

#: Whether the whole catalogue runs against every mutant, which takes about 27 minutes on 2 cores, or a sample.
WHOLE = os.environ.get("WSCONFORM_PROOF") == "whole"
SEED = "" if WHOLE else proof_seed()


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("role", REFERENCES)
def test_the_reference_passes_every_case(role: Role, tls: bool) -> None:
    results = run_cases(affordable(catalogue(role)), REFERENCES[role], heavy=not tls, tls=tls)
    assert {id: str(results[id].finding) for id in failed(results)} == {}


@pytest.mark.parametrize("name", shard(MUTANTS))
def test_a_mutant_fails_exactly_what_the_snapshot_lists(name: str) -> None:
    if name not in CLAIMS:
        pytest.fail(f"{name}: kills.toml has no entry for it; run `make proof-snapshot`", pytrace=False)
    mutant = MUTANTS[name]
    entries = plan_of(mutant) if WHOLE else sample(mutant, CLAIMS, SEED)
    results = run_cases(entries, mutant.endpoint, heavy=mutant.heavy, tls=mutant.tls)
    claimed = CLAIMS.claimed(name, results)
    if not WHOLE:
        # Whether a monitor sees its occasion depends on the cases that run, so a sample may pass a claimed monitor.
        claimed -= {entry.id for entry in entries if isinstance(entry, Monitor)} - failed(results)
    wrong = differences(results, claimed)
    if wrong:
        pytest.fail(explained(name, wrong), pytrace=False)
    assert failed(results) or not WHOLE, "a mutant that fails nothing proves nothing"


def explained(name: str, wrong: dict[str, str]) -> str:
    """Return the message for a mutant whose failures differ from the snapshot."""
    lines = [f"{name}: the failures differ from kills.toml:", *(f"  {id}: {wrong[id]}" for id in sorted(wrong))]
    lines.append("If the new results are right, run `make proof-snapshot` and review the diff; else mend the case.")
    if SEED:
        lines.append(f"To repeat this sample, set WSCONFORM_PROOF_SEED={SEED}.")
    return "\n".join(lines)


def test_the_snapshot_names_only_mutants_and_cases_that_exist() -> None:
    ids = {name: [entry.id for entry in plan_of(mutant)] for name, mutant in MUTANTS.items()}
    assert CLAIMS.stale(ids) == [], "run `make proof-snapshot`"


def test_a_mutant_fails_what_it_was_written_for() -> None:
    wrong = [line for mutant in MUTANTS.values() if mutant.name in CLAIMS for line in unfounded_kills(mutant, CLAIMS)]
    assert wrong == []


def test_every_pattern_of_a_mutant_matches_something() -> None:
    """A pattern may concern one role only if a flaw makes a mutant of each, but not neither."""
    matched: dict[tuple[str, str], bool] = {}
    for mutant in MUTANTS.values():
        for pattern in mutant.kills:
            key = (mutant.name.rpartition("-")[0], pattern)
            matched[key] = matched.get(key, False) or any(matches(pattern, entry.id) for entry in plan_of(mutant))
    assert [key for key, any_role in matched.items() if not any_role] == []


@pytest.mark.parametrize("role", REFERENCES)
def test_no_case_is_without_a_mutant(role: Role) -> None:
    proven: set[str] = set()
    for mutant in MUTANTS.values():
        if mutant.role is role:
            proven |= CLAIMS.claimed(mutant.name, (entry.id for entry in plan_of(mutant)))
    entries: tuple[Item, ...] = plan(role, True, False) + plan(role, False, True)
    assert {entry.id for entry in entries} - proven == set()


@pytest.mark.parametrize(("role", "least"), [(Role.SERVER, 120), (Role.CLIENT, 90)])
def test_there_are_enough_mutants(role: Role, least: int) -> None:
    assert sum(mutant.role is role for mutant in MUTANTS.values()) >= least


def test_each_mutant_describes_its_flaw() -> None:
    descriptions = [mutant.endpoint.__doc__ or "" for mutant in MUTANTS.values()]
    assert all(descriptions)
    assert not {ReferenceServer.__doc__, ReferenceClient.__doc__} & set(descriptions)
