"""JUnit XML, the JSON summary and Markdown, read back."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as etree
from dataclasses import replace
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import junitparser
import pytest

from tests.support import journals
from wsconform.evidence.result import Attempt, Direction, Finding, Mark, Reason, Result, Verdict
from wsconform.journal.journal import Footer, Journal, dumps, parse
from wsconform.registry.registry import Registry
from wsconform.registry.requirement import Level
from wsconform.reports import junit, markdown, summary
from wsconform.reports.columns import gather

SCHEMA = json.loads(files("wsconform").joinpath("schemas/summary.json").read_text(encoding="utf-8"))
JOURNALS = {"plausible": journals.plausible, "hostile": journals.hostile, "empty": journals.journal}
any_journal = pytest.mark.parametrize("make_journal", JOURNALS.values(), ids=JOURNALS)


def outcome(result: Result, **gate: object) -> tuple[str, str, str]:
    """Return tag, message and text of the JUnit element for `result`; `gate` sets fields of the journal's header."""
    journal = journals.journal((journals.target(), [result]))
    journal = replace(journal, header=replace(journal.header, **gate))  # type: ignore[arg-type]
    document = etree.fromstring(junit.dumps(gather([journal])))
    (case,) = document.iter("testcase")
    elements = [child for child in case if child.tag != "properties"]
    assert len(elements) <= 1
    return (elements[0].tag, elements[0].get("message", ""), elements[0].text or "") if elements else ("passed", "", "")


@pytest.mark.parametrize(
    ("verdict", "reason", "expected", "tag"),
    [
        (Verdict.PASSED, None, None, "passed"),
        (Verdict.FAILED, None, None, "failure"),
        (Verdict.FAILED, None, "known", "skipped"),
        (Verdict.DEPARTED, None, None, "system-out"),
        (Verdict.INFORMATIONAL, None, None, "system-out"),
        (Verdict.INCONCLUSIVE, Reason.LOST, None, "failure"),
        (Verdict.INCONCLUSIVE, Reason.ARRANGING, "known", "skipped"),
        (Verdict.INCONCLUSIVE, Reason.LIMIT, None, "skipped"),
        (Verdict.SKIPPED, Reason.NEEDS_ECHO, None, "skipped"),
        (Verdict.ERROR, None, None, "error"),
        (Verdict.ERROR, None, "known", "error"),
    ],
)
def test_junit_outcomes(verdict: Verdict, reason: Reason | None, expected: str | None, tag: str) -> None:
    found, message, text = outcome(journals.result(verdict=verdict, reason=reason, expected=expected))
    assert found == tag
    if tag not in ("passed", "system-out"):
        assert message.strip()
    if tag != "passed":
        assert text.strip()


FLAKY = journals.result(flaky=True, attempts=(Attempt(Verdict.FAILED, None, 1),))


@pytest.mark.parametrize(
    ("result", "gate", "tag"),
    [
        (journals.result(verdict=Verdict.FAILED, level=Level.SHOULD), {}, "system-out"),
        (journals.result(verdict=Verdict.FAILED, level=Level.SHOULD), {"fail_on": "should"}, "failure"),
        (journals.result(verdict=Verdict.DEPARTED), {"fail_on": "should"}, "failure"),
        (journals.result(verdict=Verdict.FAILED), {"fail_on": "never"}, "failure"),
        (journals.result(verdict=Verdict.INCONCLUSIVE, reason=Reason.LOST), {"allow": ("inconclusive",)}, "skipped"),
        (FLAKY, {}, "failure"),
        (FLAKY, {"allow": ("flaky",)}, "passed"),
        (replace(FLAKY, flaky_expected=True), {}, "passed"),
        (replace(FLAKY, verdict=Verdict.FAILED, expected="known"), {}, "failure"),
        (replace(FLAKY, verdict=Verdict.FAILED, expected="known", flaky_expected=True), {}, "skipped"),
    ],
)
def test_junit_applies_the_gate_of_the_run(result: Result, gate: dict[str, object], tag: str) -> None:
    assert outcome(result, **gate)[0] == tag


def test_junit_lists_the_attempts_of_a_flaky_case() -> None:
    _, message, text = outcome(FLAKY)
    assert message == "flaky: failed, then passed"
    assert "attempts     failed, then passed" in text


@pytest.mark.parametrize(
    ("gate", "failures", "skipped"),
    [({}, 2, 0), ({"allow": ("stale",)}, 0, 2), ({"fail_on": "never"}, 0, 2)],
)
def test_junit_has_a_suite_of_stale_expectations(gate: dict[str, object], failures: int, skipped: int) -> None:
    lines = ('expected.toml: *: "a.b": passes now', 'expected.toml: *: "a.<c>": matches no case')
    column = (journals.target(), [journals.result()])
    journal = replace(journals.journal(column), footer=Footer(why="done", stale=lines))
    journal = replace(journal, header=replace(journal.header, **gate))  # type: ignore[arg-type]
    suites = list(junitparser.JUnitXml.fromstring(junit.dumps(gather([journal])).encode()))
    assert [suite.name for suite in suites] == ["node-ws", "expected.toml"]
    assert (suites[1].tests, suites[1].failures, suites[1].skipped) == (2, failures, skipped)
    assert [case.name for case in suites[1]] == list(lines)


def test_junit_failure_has_the_finding_and_the_rerun_command() -> None:
    finding = Finding("the connection to be failed", "our payload came back", 2)
    _, message, text = outcome(journals.result(verdict=Verdict.FAILED, finding=finding, hint="look at the MASK bit"))
    assert message == "violation: expected the connection to be failed; observed our payload came back"
    for words in ("RFC 6455 5.1 MUST", finding.expected, finding.observed, "look at the MASK bit", "Close 2 1002"):
        assert words in text
    assert "rerun        wsconform run node-ws -c framing.masking.unmasked_frame_is_refused -v" in text


def test_junit_shows_the_end_of_a_long_transcript() -> None:
    entries = tuple(journals.happened(n, f"event {n}", Direction.EVENT) for n in range(100))
    _, _, text = outcome(journals.result(verdict=Verdict.FAILED, transcript=entries))
    assert "60 earlier entries" in text
    assert "event 59" not in text
    assert "event 60" in text
    assert "event 99" in text


@any_journal
def test_another_parser_reads_junit(make_journal: Any, tmp_path: Path) -> None:
    journal: Journal = make_journal()
    path = junit.render([journal], tmp_path, None)
    assert path == tmp_path / "junit.xml"
    suites = list(junitparser.JUnitXml.fromfile(str(path)))
    assert [suite.tests for suite in suites] == [len(each.results) for each in journal.targets]
    for suite, column in zip(suites, journal.targets, strict=True):
        cases = list(suite)
        assert len(cases) == len(column.results)
        assert suite.failures == sum(isinstance(o, junitparser.Failure) for case in cases for o in case.result)
        assert suite.errors == sum(isinstance(o, junitparser.Error) for case in cases for o in case.result)
        assert suite.skipped == sum(isinstance(o, junitparser.Skipped) for case in cases for o in case.result)
    for case in etree.parse(path).iter("testcase"):
        names = {each.get("name") for each in case.iter("property")}
        assert {"level", "requirement", "verdict"} <= names


@any_journal
def test_summary_keeps_its_schema(make_journal: Any, tmp_path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    path = summary.render([make_journal()], tmp_path, None)
    assert path == tmp_path / "summary.json"
    jsonschema.validate(json.loads(path.read_text(encoding="utf-8")), SCHEMA)


def test_summary_counts_marks_and_lists_all_but_passes() -> None:
    journal = journals.plausible(3, 40, faults=3)
    elements: Any = summary.summarize(gather([journal]))
    for column, each in zip(elements["targets"], journal.targets, strict=True):
        marks = [result.mark for result in each.results]
        assert column["counts"] == {mark.words: marks.count(mark) for mark in Mark}
        assert len(column["results"]) == len(marks) - marks.count(Mark.PASSED)
    assert elements["targets"][1]["results"]


def test_every_output_depends_on_the_stored_journal_alone() -> None:
    journal = journals.plausible(2, 40)
    stored = parse(dumps(journal).splitlines())
    for render in (junit.dumps, markdown.dumps, summary.summarize):
        assert render(gather([journal])) == render(gather([stored]))


def test_markdown_lists_violations_with_their_findings() -> None:
    finding = Finding("a Pong", "nothing for 5 s")
    results = [
        journals.result(f"control.ping.is_answered[{size}]", verdict=Verdict.FAILED, finding=finding)
        for size in (0, 125)
    ]
    text = markdown.dumps(gather([journals.journal((journals.target(), [*results, journals.result()]))]))
    assert "| node-ws | 1 / 3 |  | 2 |" in text
    assert "(and <code>\\[125\\]</code>)" in text
    assert "- expected: a Pong\n- observed: nothing for 5 s" in text
    assert "[RFC 6455 5.1 MUST](https://www.rfc-editor.org/rfc/rfc6455#section-5.1)" in text


def test_markdown_that_is_cut_counts_the_missing_blocks() -> None:
    gathered = gather([journals.plausible(8, 120, faults=4)])
    whole = markdown.dumps(gathered)
    most = len(whole.encode()) // 2
    cut = markdown.dumps(gathered, most=most)
    assert len(cut.encode()) <= most
    left_out = int(re.findall(r"(\d+) blocks are left out", cut)[0])
    assert left_out > 3
    assert "left out" not in whole
    assert markdown.MOST == 900 * 1024


def test_markdown_of_hostile_text_has_no_html_of_its_own() -> None:
    text = markdown.dumps(gather([journals.hostile()]))
    assert set(re.findall(r"<[^>]*>?", text)) == {"<code>", "</code>"}
    assert set(re.findall(r"(?<!\\)\]\(([^)]*)\)", text)) == {"https://www.rfc-editor.org/rfc/rfc6455#section-5.1"}
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)


def test_reports_mark_a_run_that_was_cut_off() -> None:
    gathered = gather([journals.journal((journals.target(), [journals.result()]), why=None)])
    assert "The run was cut off" in markdown.dumps(gathered)
    assert 'name="incomplete"' in junit.dumps(gathered)


def test_targets_of_one_name_are_numbered() -> None:
    column = (journals.target(), [journals.result()])
    journal = journals.journal(column)
    gathered = gather([journal, journal, journals.journal((journals.target("node-ws (2)"), []))])
    assert [column.name for column in gathered.columns] == ["node-ws", "node-ws (2)", "node-ws (2) (2)"]


def test_an_unknown_requirement_is_cited_by_its_id() -> None:
    failed = journals.result(verdict=Verdict.FAILED)
    gathered = gather([journals.journal((journals.target(), [failed]))], Registry(()))
    assert gathered.citation("6455-5.1-3", failed.level) == "6455-5.1-3 MUST"
    assert "6455-5.1-3 MUST" in junit.dumps(gathered)
    assert "· 6455-5.1-3 MUST\n" in markdown.dumps(gathered)


def test_every_report_is_found_by_entry_point() -> None:
    points = {point.name: point.value for point in entry_points(group="wsconform.reports")}
    assert {"html", "junit", "json", "md"} <= points.keys()
