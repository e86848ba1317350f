"""Counting and grouping of results."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support import journals
from wsconform.evidence.result import Finding, Mark, Reason, Result, Verdict
from wsconform.journal import tally
from wsconform.registry.requirement import Level

FAILED = Verdict.FAILED


def failed(case: str, observed: str, **fields: object) -> Result:
    finding = Finding("the connection to be failed", observed)
    return journals.result(case, verdict=FAILED, finding=finding, **fields)


def test_counts_name_every_mark() -> None:
    found = tally.counts([journals.result(), failed("a.b", "x")])
    assert list(found) == list(Mark)
    assert (found[Mark.PASSED], found[Mark.VIOLATION], found[Mark.INFORMATIONAL]) == (1, 1, 0)


@pytest.mark.parametrize(
    ("verdict", "passed", "ran"),
    [
        (Verdict.PASSED, 1, 1),
        (Verdict.FAILED, 0, 1),
        (Verdict.DEPARTED, 1, 1),
        (Verdict.INFORMATIONAL, 1, 1),
        (Verdict.INCONCLUSIVE, 0, 0),
        (Verdict.SKIPPED, 0, 0),
        (Verdict.ERROR, 0, 0),
    ],
)
def test_which_verdicts_count_as_run_and_as_passed(verdict: Verdict, passed: int, ran: int) -> None:
    assert tally.passed_of_run([journals.result(verdict=verdict)], "must") == (passed, ran)
    assert tally.has_run(journals.result(verdict=verdict)) is bool(ran)


def test_rules_without_a_keyword_count_as_must() -> None:
    results = [journals.result(level=level) for level in Level]
    weights = ("must", "should", "may")
    assert [tally.passed_of_run(results, weight)[1] for weight in weights] == [3, 2, 1]


def test_headline() -> None:
    results = [
        journals.result(),
        failed("a.b", "x"),
        journals.result(level=Level.SHOULD),
        journals.result(verdict=Verdict.INCONCLUSIVE, reason=Reason.LOST),
        journals.result(verdict=Verdict.ERROR),
    ]
    assert tally.headline(results) == "MUST 1 of 2 · SHOULD 1 of 1 · 1 inconclusive · 1 error"
    assert tally.headline(results[:1], separator=", ") == "MUST 1 of 1"
    assert tally.headline([]) == "no case ran"


def test_headline_of_results_at_may_alone() -> None:
    informational = journals.result(level=Level.MAY, verdict=Verdict.INFORMATIONAL)
    assert (
        tally.headline([informational, informational, journals.result(level=Level.MAY)]) == "1 passed · 2 informational"
    )


def test_the_worst_mark_of_several_results() -> None:
    assert tally.worst([journals.result(), failed("a.b", "x")]) is Mark.VIOLATION
    assert tally.worst([journals.result(verdict=Verdict.SKIPPED), journals.result()]) is Mark.PASSED
    assert tally.worst([]) is None
    assert set(tally.SEVERITY) == set(Mark)


def test_areas_with_most_violations_come_first() -> None:
    results = [journals.result("a.x"), failed("c.x", "x"), journals.result("b.x"), failed("c.y", "x")]
    assert list(tally.by_area(results)) == ["c", "a", "b"]


def test_families_keep_their_order() -> None:
    results = [journals.result(case) for case in ("b.x[1]", "a.x", "b.x[2]")]
    assert {family: len(group) for family, group in tally.by_family(results).items()} == {"b.x": 2, "a.x": 1}


def test_findings_that_differ_only_in_times_and_parameters_are_grouped() -> None:
    results = [
        failed("f.x[0x3]", "a frame of opcode 0x3 after 0.4 ms"),
        failed("f.x[0xB]", "a frame of opcode 0xb after 1.2 ms"),
        failed("f.x[0xC]", "nothing for 5 s"),
        failed("g.x[0x3]", "a frame of opcode 0x3 after 0.4 ms"),
    ]
    groups = tally.group_findings(results)
    assert [len(group.results) for group in groups] == [2, 1, 1]
    assert groups[0].first is results[0]
    assert groups[0].others == ("[0xB]",)


@pytest.mark.parametrize(
    "fields",
    [{"level": Level.SHOULD}, {"expected": "known"}, {"verdict": Verdict.INCONCLUSIVE}],
    ids=["level", "expectation", "verdict"],
)
def test_findings_of_different_level_expectation_or_verdict_are_not_grouped(fields: dict[str, object]) -> None:
    one, other = failed("f.x[1]", "the end"), failed("f.x[2]", "the end")
    other = replace(other, **fields)  # type: ignore[arg-type]
    assert len(tally.group_findings([one, other])) == 2


def test_findings_are_grouped_although_a_parameter_is_a_word_in_them() -> None:
    words = "a Pong to the Ping sent after the error"
    (group,) = tally.group_findings([failed(f"f.x[{name}]", words) for name in ("first_fragment", "ping", "pong")])
    assert group.others == ("[ping]", "[pong]")


def test_findings_that_differ_in_other_numbers_are_not_grouped() -> None:
    results = [failed("f.x[1]", "Close 1002"), failed("f.x[2]", "Close 1006")]
    assert len(tally.group_findings(results)) == 2


def test_mark_counts_in_words() -> None:
    found = tally.counts([journals.result(), journals.result(), failed("a.b", "x")])
    assert tally.mark_counts(tally.counts([failed("a.b", "x"), failed("a.c", "x")])) == "2 violations"
    assert tally.mark_counts(found) == "1 violation, 2 passed"
