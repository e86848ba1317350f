"""Changes between two runs: each case is in exactly one list."""

from __future__ import annotations

import pytest

from tests.support.journals import journal, result, target
from wsconform.evidence.result import Reason, Result, Verdict
from wsconform.journal.compare import Change, Changes, at_should, compare, paired
from wsconform.registry.requirement import Level

PASSED = result("a.b")
VIOLATED = result("a.b", verdict=Verdict.FAILED)
DEPARTED = result("a.b", verdict=Verdict.FAILED, level=Level.SHOULD)
INFORMATIONAL = result("a.b", verdict=Verdict.INFORMATIONAL)
INCONCLUSIVE = result("a.b", verdict=Verdict.INCONCLUSIVE, reason=Reason.ARRANGING)
SKIPPED = result("a.b", verdict=Verdict.SKIPPED, reason=Reason.NEEDS_ECHO)
ERROR = result("a.b", verdict=Verdict.ERROR)


def changes(before: Result | None, after: Result | None) -> Changes:
    """Return the changes at one target with at most one case."""
    earlier, later = ([each] if each else [] for each in (before, after))
    return compare({"one": earlier}, {"one": later})


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        (PASSED, VIOLATED, "newly_violated"),
        (SKIPPED, VIOLATED, "newly_violated"),
        (INCONCLUSIVE, VIOLATED, "newly_violated"),
        (DEPARTED, VIOLATED, "newly_violated"),
        (VIOLATED, PASSED, "fixed"),
        (VIOLATED, DEPARTED, "fixed"),
        (VIOLATED, INFORMATIONAL, "fixed"),
        (VIOLATED, INCONCLUSIVE, "undecided"),
        (VIOLATED, ERROR, "undecided"),
        (PASSED, SKIPPED, "undecided"),
        (PASSED, DEPARTED, "other"),
        (INCONCLUSIVE, PASSED, "other"),
        (INCONCLUSIVE, SKIPPED, "other"),
        (None, VIOLATED, "new"),
        (None, PASSED, "new"),
        (VIOLATED, None, "gone"),
    ],
)
def test_every_change_is_in_one_list(before: Result | None, after: Result | None, name: str) -> None:
    found = changes(before, after)
    assert getattr(found, name) == (Change("one", before, after),)
    assert (found.count, found.same) == (1, 0)
    assert getattr(found, name)[0].case == "a.b"


@pytest.mark.parametrize("each", [PASSED, VIOLATED, DEPARTED, INFORMATIONAL, INCONCLUSIVE, SKIPPED, ERROR])
def test_an_unchanged_mark_is_only_counted(each: Result) -> None:
    assert changes(each, each) == Changes(same=1)


def test_the_caller_decides_which_results_count_as_violated() -> None:
    assert changes(PASSED, DEPARTED).breaking == ()
    found = compare({"one": [PASSED]}, {"one": [DEPARTED]}, at_should)
    assert found.breaking == found.newly_violated == (Change("one", PASSED, DEPARTED),)


def test_an_expected_violation_does_not_break_the_gate() -> None:
    expected = result("a.b", verdict=Verdict.FAILED, expected="known")
    found = changes(PASSED, expected)
    assert found.newly_violated
    assert found.breaking == ()


def test_targets_are_paired_by_name_and_unpaired_ones_are_listed() -> None:
    before = journal((target("one"), [PASSED]), (target("two"), [PASSED]))
    after = journal((target("two"), [VIOLATED]), (target("three"), [VIOLATED]))
    found = compare(*paired(before, after))
    assert [each.target for each in found.newly_violated] == ["two"]
    assert (found.targets_new, found.targets_gone) == (("three",), ("one",))
    assert found.count == 1


def test_two_single_targets_are_compared_despite_different_names() -> None:
    before, after = journal((target("ws://a:1/"), [PASSED])), journal((target("ws://a:2/"), [VIOLATED]))
    (change,) = compare(*paired(before, after)).newly_violated
    assert change.target == "ws://a:2/"


def test_changes_have_the_order_of_the_later_run() -> None:
    cases = ["b.b", "a.a", "c.c"]
    before = [result(case) for case in sorted(cases)]
    after = [result(case, verdict=Verdict.FAILED) for case in cases]
    found = compare({"one": before}, {"one": after})
    assert [each.case for each in found.newly_violated] == cases
