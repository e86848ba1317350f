"""The proof's own code: differences from the snapshot, samples, and the report for one case."""

from __future__ import annotations

import dataclasses

import pytest

from tests.support import proof, proof_case
from tests.support.proof import (
    differences,
    is_compared_in_full,
    plan_of,
    proof_seed,
    run_cases,
    sample,
    shard,
    unfounded_kills,
)
from tests.support.proof_case import Failures, Subject, main, report, selected
from tests.support.proof_snapshot import merged, to_run
from wsconform.catalogue.case import Case, Monitor
from wsconform.fixtures.mutants import Mutant, load_mutants
from wsconform.fixtures.mutants.framing.opcodes import ChecksOpcodesOnlyWithFin
from wsconform.fixtures.mutants.snapshot import Snapshot
from wsconform.fixtures.reference import ReferenceServer
from wsconform.fixtures.variants import Variant, in_role
from wsconform.registry.requirement import Role

FAMILY = "framing.opcodes.unknown_opcode_without_fin_fails_the_connection"
MEMBERS = tuple(f"{FAMILY}[0x{opcode:X}]" for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15))
OTHER = "framing.opcodes.unknown_opcode_fails_the_connection"


@pytest.fixture
def mutant() -> Mutant:
    """A mutant that fails the members of FAMILY, and passes OTHER."""
    return Mutant(in_role(ChecksOpcodesOnlyWithFin, ReferenceServer), (FAMILY,))


def snapshot_of(mutant: Mutant, **families: frozenset[str] | None) -> Snapshot:
    return Snapshot({mutant.name: families})


class TestDifferences:
    def test_says_which_side_is_wrong(self, mutant: Mutant) -> None:
        cases = [entry for entry in plan_of(mutant) if entry.id in (MEMBERS[0], f"{OTHER}[0x3-text]")]
        results = run_cases(cases, mutant.endpoint)
        assert differences(results, {MEMBERS[0]}) == {}
        wrong = differences(results, {f"{OTHER}[0x3-text]"})
        assert set(wrong) == {MEMBERS[0], f"{OTHER}[0x3-text]"}
        assert wrong[f"{OTHER}[0x3-text]"] == "claimed but passed (kills.toml lists it, the verdict is PASSED)"
        assert wrong[MEMBERS[0]].startswith(
            "failed but not claimed (kills.toml does not list it, the verdict is FAILED: "
        )


class TestKills:
    def test_accepts_patterns_whose_cases_all_fail(self, mutant: Mutant) -> None:
        assert unfounded_kills(mutant, snapshot_of(mutant, **{FAMILY: None})) == []

    def test_names_a_case_that_a_pattern_matches_and_that_passes(self, mutant: Mutant) -> None:
        failing = frozenset({"0x3", "0x4"})
        assert unfounded_kills(mutant, snapshot_of(mutant, **{FAMILY: failing})) == [
            f'{mutant.name}: kills "{FAMILY}", but passes {MEMBERS[2]} and 7 more; narrow the pattern'
        ]

    def test_needs_at_least_one_failure(self, mutant: Mutant) -> None:
        idle = dataclasses.replace(mutant, kills=())
        assert unfounded_kills(idle, snapshot_of(mutant, **{FAMILY: None})) == [
            f"{mutant.name}: no pattern of `kills` matches a case or monitor that it fails"
        ]


class TestSample:
    def test_holds_monitors_failing_families_and_one_member_of_others_in_the_area(
        self, mutant: Mutant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(proof, "is_compared_in_full", lambda family, seed: False)
        chosen = sample(mutant, snapshot_of(mutant, **{FAMILY: None}), "seed")
        ids = {entry.id for entry in chosen}
        assert set(MEMBERS) <= ids
        assert sum(entry.family == OTHER for entry in chosen) == 1
        assert {entry.id for entry in plan_of(mutant) if isinstance(entry, Monitor)} <= ids
        assert {entry.id.partition(".")[0] for entry in chosen if isinstance(entry, Case)} == {"framing"}

    def test_holds_every_member_of_a_family_whose_turn_it_is(
        self, mutant: Mutant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        turn = "masking.payload_of_any_length_is_unmasked"
        monkeypatch.setattr(proof, "is_compared_in_full", lambda family, seed: family == turn)
        chosen = sample(mutant, snapshot_of(mutant, **{FAMILY: None}), "seed")
        members = [entry.id for entry in plan_of(mutant) if entry.family == turn]
        assert len(members) > 1
        assert [entry.id for entry in chosen if entry.family == turn] == members

    def test_every_family_has_its_turn(self) -> None:
        families = {entry.family for mutant in load_mutants() for entry in plan_of(mutant)}
        seeds = [f"commit {number}" for number in range(40 * proof.TURNS)]
        assert all(any(is_compared_in_full(family, seed) for seed in seeds) for family in families)

    def test_the_environment_gives_the_seed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WSCONFORM_PROOF_SEED", "a commit")
        assert proof_seed() == "a commit"

    def test_outside_a_repository_the_seed_is_a_constant(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("WSCONFORM_PROOF_SEED", raising=False)
        monkeypatch.setenv("PATH", "")
        assert proof_seed() == "wsconform"


class TestOneCase:
    def test_lists_the_mutants_that_fail(self, mutant: Mutant) -> None:
        lines, proven = report(members(), [Failures(Subject(mutant), dict.fromkeys(MEMBERS[:2], "failed"))])
        assert proven
        assert lines == [
            f"{FAMILY} against servers: cases: 10, mutants that fail: 1",
            f"  {mutant.name}: failed (2 of 10): Checks the opcode only when a message is complete.",
        ]

    def test_says_that_no_mutant_fails(self, mutant: Mutant) -> None:
        lines, proven = report(members(), [Failures(Subject(mutant), {})])
        assert not proven
        assert lines[-1] == "  no mutant fails it: write a mutant for it"

    def test_an_accusation_of_another_endpoint_is_wrong(self, mutant: Mutant) -> None:
        reference = Subject(Variant(ReferenceServer))
        failures = [
            Failures(Subject(mutant), {MEMBERS[0]: "failed"}),
            Failures(reference, {MEMBERS[1]: "failed: nothing for 5 s"}),
        ]
        lines, proven = report(members(), failures)
        assert not proven
        assert lines[1] == f"  WRONG: {reference.variant.name}: {MEMBERS[1]}: failed: nothing for 5 s"

    def test_the_command_runs_a_case(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        few = tuple(each for each in proof_case.subjects() if "opcodes" in each.variant.name or not each.is_mutant)[:24]
        monkeypatch.setattr(proof_case, "subjects", lambda: few)
        monkeypatch.setattr(proof_case, "in_parallel", lambda function, arguments, chunk: map(function, arguments))
        assert main([MEMBERS[0]]) == 0
        out = capsys.readouterr().out
        assert "framing.opcodes.ChecksOpcodesOnlyWithFin-client: failed: Checks the opcode only when" in out
        assert out.splitlines()[-1].startswith("Proven against 24 endpoints in ")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["framing.none*"], 'proof: no case matches "framing.none*"; see `wsconform list cases`'),
            (
                ["monitors.*"],
                'proof: "monitors.*" matches only monitors, or cases that take hours; run `make proof` for monitors',
            ),
            ([], "usage: python -m tests.support.proof_case PATTERN"),
        ],
    )
    def test_a_bad_pattern_is_an_error_of_one_line(
        self, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(arguments) == 2
        assert capsys.readouterr().err == message + "\n"


def members() -> dict[Role, tuple[Case, ...]]:
    """Return the members of FAMILY for servers."""
    return {Role.SERVER: selected(FAMILY)[Role.SERVER]}


class TestSnapshotOfSomeCases:
    """`make proof-snapshot CASE=...`: which items run, and what becomes of the others."""

    def test_a_known_mutant_runs_the_matching_cases_alone(self, mutant: Mutant) -> None:
        ran = to_run(plan_of(mutant), f"{FAMILY}*", known=True)
        assert [item.id for item in ran] == list(MEMBERS)

    def test_a_new_mutant_runs_everything(self, mutant: Mutant) -> None:
        plan = plan_of(mutant)
        assert to_run(plan, f"{FAMILY}*", known=False) == to_run(plan, None, known=True) == tuple(plan)

    def test_monitors_need_a_whole_run(self, mutant: Mutant) -> None:
        assert not any(isinstance(item, Monitor) for item in to_run(plan_of(mutant), "*", known=True))

    def test_failures_of_the_cases_that_ran_replace_earlier_ones(self, mutant: Mutant) -> None:
        ran = to_run(plan_of(mutant), f"{FAMILY}*", known=True)
        assert merged({MEMBERS[0], MEMBERS[1], OTHER}, ran, {MEMBERS[1], MEMBERS[2]}) == {
            MEMBERS[1],
            MEMBERS[2],
            OTHER,
        }


class TestShard:
    """A whole proof in parts, for slow machines."""

    def test_the_shards_together_are_the_whole(self, monkeypatch: pytest.MonkeyPatch) -> None:
        names = [f"mutant {number}" for number in range(11)]
        found: list[str] = []
        for number in range(1, 5):
            monkeypatch.setenv("WSCONFORM_PROOF_SHARD", f"{number}/4")
            found += shard(names)
        assert sorted(found) == sorted(names)

    def test_without_the_variable_everything_runs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("WSCONFORM_PROOF_SHARD", raising=False)
        assert shard(["a", "b"]) == ["a", "b"]

    @pytest.mark.parametrize("text", ["0/4", "5/4", "2", "a/b", ""])
    def test_anything_else_is_an_error(self, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        monkeypatch.setenv("WSCONFORM_PROOF_SHARD", text)
        with pytest.raises(ValueError, match=r"is not a part such as 2/4$"):
            shard(["a"])
