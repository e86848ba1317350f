"""What changed between two runs: each case in the one place where a reader looks for it."""

from __future__ import annotations

import pytest

from tests.support.journals import journal, result, target
from wsconform.evidence.result import Reason, Result, Verdict
from wsconform.journal.compare import Change, Changes, at_should, compare, paired
from wsconform.registry.requirement import Level

MET = result("a.b")
VIOLATED = result("a.b", verdict=Verdict.FAILED)
DEPARTED = result("a.b", verdict=Verdict.FAILED, level=Level.SHOULD)
NOTED = result("a.b", verdict=Verdict.INFORMATIONAL)
UNREACHED = result("a.b", verdict=Verdict.INCONCLUSIVE, reason=Reason.ARRANGING)
SKIPPED = result("a.b", verdict=Verdict.SKIPPED, reason=Reason.NEEDS_ECHO)
BROKE = result("a.b", verdict=Verdict.ERROR)


def changes(before: Result | None, after: Result | None) -> Changes:
    """Return what changed at one target with at most one case."""
    earlier, later = ([each] if each else [] for each in (before, after))
    return compare({"one": earlier}, {"one": later})


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        (MET, VIOLATED, "newly_violated"),
        (SKIPPED, VIOLATED, "newly_violated"),
        (UNREACHED, VIOLATED, "newly_violated"),
        (DEPARTED, VIOLATED, "newly_violated"),
        (VIOLATED, MET, "fixed"),
        (VIOLATED, DEPARTED, "fixed"),
        (VIOLATED, NOTED, "fixed"),
        (VIOLATED, UNREACHED, "undecided"),
        (VIOLATED, BROKE, "undecided"),
        (MET, SKIPPED, "undecided"),
        (MET, DEPARTED, "other"),
        (UNREACHED, MET, "other"),
        (UNREACHED, SKIPPED, "other"),
        (None, VIOLATED, "new"),
        (None, MET, "new"),
        (VIOLATED, None, "gone"),
    ],
)
def test_every_change_has_one_place(before: Result | None, after: Result | None, place: str) -> None:
    found = changes(before, after)
    assert getattr(found, place) == (Change("one", before, after),)
    assert (found.count, found.same) == (1, 0)
    assert getattr(found, place)[0].case == "a.b"


@pytest.mark.parametrize("each", [MET, VIOLATED, DEPARTED, NOTED, UNREACHED, SKIPPED, BROKE])
def test_what_has_its_mark_still_is_only_counted(each: Result) -> None:
    assert changes(each, each) == Changes(same=1)


def test_what_counts_as_violated_is_the_callers_choice() -> None:
    assert changes(MET, DEPARTED).breaking == ()
    found = compare({"one": [MET]}, {"one": [DEPARTED]}, at_should)
    assert found.breaking == found.newly_violated == (Change("one", MET, DEPARTED),)


def test_what_is_expected_breaks_nothing() -> None:
    expected = result("a.b", verdict=Verdict.FAILED, expected="known")
    found = changes(MET, expected)
    assert found.newly_violated
    assert found.breaking == ()


def test_targets_are_paired_by_name_and_the_others_named() -> None:
    before = journal((target("one"), [MET]), (target("two"), [MET]))
    after = journal((target("two"), [VIOLATED]), (target("three"), [VIOLATED]))
    found = compare(*paired(before, after))
    assert [each.target for each in found.newly_violated] == ["two"]
    assert (found.targets_new, found.targets_gone) == (("three",), ("one",))
    assert found.count == 1


def test_two_targets_alone_are_compared_whatever_they_are_called() -> None:
    before, after = journal((target("ws://a:1/"), [MET])), journal((target("ws://a:2/"), [VIOLATED]))
    (change,) = compare(*paired(before, after)).newly_violated
    assert change.target == "ws://a:2/"


def test_the_later_runs_order_is_kept() -> None:
    cases = ["b.b", "a.a", "c.c"]
    before = [result(case) for case in sorted(cases)]
    after = [result(case, verdict=Verdict.FAILED) for case in cases]
    found = compare({"one": before}, {"one": after})
    assert [each.case for each in found.newly_violated] == cases
