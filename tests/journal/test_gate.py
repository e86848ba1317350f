"""The gate: the results that break it, the gravest exit code, and the sentences with the reasons."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from tests.support.journals import result
from wsconform.evidence.result import Attempt, Reason, Result, Verdict
from wsconform.journal.gate import Allow, FailOn, Policy, Ruling, TargetOutcome, rule
from wsconform.problem import Exit, gravest
from wsconform.registry.requirement import Level

PASS = result()
VIOLATION = result("a.violation", verdict=Verdict.FAILED)
PROSE = result("a.prose", verdict=Verdict.FAILED, level=Level.PROSE)
DEPARTURE = result("a.should", verdict=Verdict.FAILED, level=Level.SHOULD)
DEPARTED = result("a.departed", verdict=Verdict.DEPARTED)
MAY = result("a.may", verdict=Verdict.FAILED, level=Level.MAY)
INFORMATIONAL = result("a.informational", verdict=Verdict.INFORMATIONAL)
LIMIT = result("a.limit", verdict=Verdict.INCONCLUSIVE, reason=Reason.LIMIT)
ARRANGING = result("a.arranging", verdict=Verdict.INCONCLUSIVE, reason=Reason.ARRANGING)
LOST = result("a.lost", verdict=Verdict.INCONCLUSIVE, reason=Reason.LOST)
SKIPPED = result("a.skipped", verdict=Verdict.SKIPPED, reason=Reason.NEEDS_ECHO)
ERROR = result("a.error", verdict=Verdict.ERROR)
FLAKY = result("a.flaky", flaky=True, attempts=(Attempt(Verdict.FAILED, None, 1),))
KNOWN = result("a.known", verdict=Verdict.FAILED, expected="known")


def outcome(*results: Result, name: str = "echo-go", **fields: str) -> TargetOutcome:
    """Return a target's outcome with these results."""
    outcome_of_target = TargetOutcome(name=name, planned=len(results), **fields)  # type: ignore[arg-type]
    for each in results:
        outcome_of_target.record(each)
    return outcome_of_target


def ruled(*results: Result, policy: Policy | None = None, stale: tuple[str, ...] = (), expected: str = "") -> Ruling:
    """Return the ruling on one target with these results."""
    return rule([outcome(*results)], stale, policy or Policy(), expected=expected)


@pytest.mark.parametrize(
    ("given", "must", "should", "never"),
    [
        (PASS, False, False, False),
        (VIOLATION, True, True, False),
        (PROSE, True, True, False),
        (DEPARTURE, False, True, False),
        (DEPARTED, False, True, False),
        (MAY, False, False, False),
        (INFORMATIONAL, False, False, False),
        (LIMIT, False, False, False),
        (ARRANGING, True, True, False),
        (LOST, True, True, False),
        (SKIPPED, False, False, False),
        (ERROR, True, True, True),
        (FLAKY, True, True, False),
        (KNOWN, False, False, False),
    ],
    ids=lambda value: value.case if isinstance(value, Result) else "",
)
def test_which_results_break_the_gate_at_each_level(given: Result, must: bool, should: bool, never: bool) -> None:
    wanted = {FailOn.MUST: must, FailOn.SHOULD: should, FailOn.NEVER: never}
    assert {level: Policy(level).breaks(given) for level in FailOn} == wanted


def test_allowed_results_do_not_break_the_gate() -> None:
    assert not Policy(allow=frozenset({Allow.FLAKY})).breaks(FLAKY)
    assert not Policy(allow=frozenset({Allow.INCONCLUSIVE})).breaks(ARRANGING)
    assert Policy(allow=frozenset(Allow)).breaks(VIOLATION)
    assert ruled(PASS, stale=("x",), policy=Policy(allow=frozenset({Allow.STALE}))) == Ruling(
        Exit.HELD, ("x (allowed)", "Conforms at MUST.")
    )


def test_an_expected_failure_that_is_flaky_breaks_the_gate() -> None:
    flaky = result("a.b", verdict=Verdict.FAILED, expected="known", flaky=True)
    assert Policy().breaks(flaky)
    assert ruled(flaky).sentences[-1] == "FAILED: 1 flaky case (attempts gave different results)."


def test_expected_flakiness_does_not_break_the_gate() -> None:
    for verdict, expected in ((Verdict.FAILED, "known"), (Verdict.PASSED, None)):
        flaky = result("a.b", verdict=verdict, expected=expected, flaky=True, flaky_expected=True)
        assert not Policy().breaks(flaky)
    assert ruled(flaky) == Ruling(Exit.HELD, ("Conforms at MUST.",))


Situation = Callable[[], tuple[list[TargetOutcome], bool]]
SITUATIONS: dict[Exit, Situation] = {
    Exit.BROKEN: lambda: ([outcome(VIOLATION, name="b")], False),
    Exit.NOTHING: lambda: ([outcome(SKIPPED, name="n")], False),
    Exit.UNTESTABLE: lambda: ([outcome(PASS, name="l", why="target-lost")], False),
    Exit.SUITE: lambda: ([outcome(PASS, ERROR, name="e")], False),
    Exit.INTERRUPTED: lambda: ([outcome(PASS, name="i")], True),
}
ORDER = [Exit.INTERRUPTED, Exit.SUITE, Exit.UNTESTABLE, Exit.BROKEN, Exit.NOTHING]


@pytest.mark.parametrize("codes", [pair for n in (1, 2, 3) for pair in itertools.combinations(ORDER, n)])
def test_the_gravest_exit_code_counts(codes: tuple[Exit, ...]) -> None:
    parts = [SITUATIONS[code]() for code in codes]
    outcomes = [each for part, _ in parts for each in part]
    ruling = rule(outcomes, (), Policy(), interrupted=any(interrupted for _, interrupted in parts))
    assert ruling.exit is min(codes, key=ORDER.index)
    assert gravest(reversed(codes)) is ruling.exit


def test_a_run_without_cases_does_not_hold_the_gate() -> None:
    assert gravest([]) is Exit.HELD
    assert ruled().exit is Exit.NOTHING
    assert ruled(SKIPPED, PASS).exit is Exit.HELD


@pytest.mark.parametrize(
    ("ruling", "sentence"),
    [
        (ruled(PASS), "Conforms at MUST."),
        (ruled(PASS, policy=Policy(FailOn.SHOULD)), "Conforms at SHOULD."),
        (ruled(VIOLATION, policy=Policy(FailOn.NEVER)), "Nothing breaks the gate (--fail-on never)."),
        (ruled(VIOLATION), "Does not conform at MUST: 1 violation."),
        (ruled(VIOLATION, PROSE, KNOWN), "Does not conform at MUST: 2 violations."),
        (
            ruled(VIOLATION, PROSE, KNOWN, expected="expected.toml"),
            "Does not conform at MUST: 2 violations are not in expected.toml.",
        ),
        (ruled(VIOLATION, expected="expected.toml"), "Does not conform at MUST: 1 violation is not in expected.toml."),
        (
            ruled(VIOLATION, DEPARTURE, ARRANGING, FLAKY, policy=Policy(FailOn.SHOULD), stale=("x",)),
            "Does not conform at SHOULD: 1 violation; 1 departure; 1 inconclusive; 1 flaky case;"
            " 1 expectation no longer holds.",
        ),
        (ruled(PASS, stale=("x", "y")), "FAILED: 2 expectations no longer hold."),
        (ruled(SKIPPED), "No case ran against echo-go."),
        (ruled(ERROR), "wsconform failed; this says nothing about the target."),
        (rule([outcome(VIOLATION)], (), Policy(), interrupted=True), "Interrupted. 1 violation."),
        (rule([outcome(why="target-lost", problem="x")], (), Policy()), "echo-go could not be tested."),
        (rule([outcome(LOST, why="target-lost")], (), Policy()), "echo-go was lost. 1 inconclusive."),
    ],
)
def test_the_verdict_is_one_sentence(ruling: Ruling, sentence: str) -> None:
    assert ruling.sentences[-1] == sentence


def test_cases_that_did_not_run_are_not_counted_as_passed() -> None:
    late = result("a.late", verdict=Verdict.SKIPPED, reason=Reason.BUDGET)
    assert ruled(PASS, late) == Ruling(Exit.HELD, ("Conforms at MUST for the cases that ran; 1 case did not run.",))
    stopped = outcome(VIOLATION)
    stopped.planned = 3
    assert rule([stopped], (), Policy()).sentences[-1] == (
        "Does not conform at MUST: 1 violation; 2 cases did not run."
    )


def test_a_later_result_of_a_case_replaces_the_earlier_one() -> None:
    outcome_of_target = outcome(VIOLATION, PASS, result("a.violation"))
    assert [each.case for each in outcome_of_target.results] == ["a.violation", PASS.case]
    assert rule([outcome_of_target], (), Policy()).exit is Exit.HELD
