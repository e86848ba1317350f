"""expected.toml: its syntax, the results that it explains, and the entries that no longer hold."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.journals import result
from wsconform import Connection
from wsconform.catalogue.case import Case, Item
from wsconform.evidence.result import Attempt, Reason, Result, Verdict
from wsconform.journal.expected import Expectations, load
from wsconform.problem import Problem

TODAY = datetime.date(2027, 1, 12)
EXAMPLE = """
[echo-go]
"closing.handshake.reply_repeats_the_status_code" = "answers 1000 to every code"
"fragmentation.interleaved.*" = { reason = "rewritten in 2.0", issue = "echo-go 42", until = 2027-03-31 }
"limits.slow_reader" = { reason = "depends on load", verdict = ["passed", "failed"] }

["*"]
"closing.*" = "known everywhere"
"""


async def _nothing(ws: object) -> None: ...


def entry(id: str, *aliases: str) -> Item:
    """Return a case of the catalogue called `id`."""
    return Case(
        id=id,
        function=_nothing,
        requirements=("6455-5.1-3",),
        title="t",
        why="",
        subject=Connection,
        aliases=aliases,
    )


CATALOGUE = (
    entry("closing.handshake.reply_repeats_the_status_code", "autobahn:7.1.1"),
    entry("closing.tcp.server_closes"),
    entry("fragmentation.interleaved.ping[a]"),
    entry("fragmentation.interleaved.ping[b]"),
    entry("limits.slow_reader"),
)


def loaded(tmp_path: Path, text: str) -> Expectations:
    """Return the expectations in the file with `text`."""
    (tmp_path / "expected.toml").write_text(text)
    expectations = load(tmp_path / "expected.toml")
    expectations.use_aliases(CATALOGUE)
    return expectations


def failed(case: str, verdict: Verdict = Verdict.FAILED) -> Result:
    """Return a result of `case`."""
    return result(case, verdict=verdict)


def stale(
    expectations: Expectations,
    *known: str,
    today: datetime.date = TODAY,
    whole: dict[str, list[str]] | None = None,
) -> list[str]:
    """Return the lines about entries that no longer hold, after echo-go ran."""
    return expectations.stale(CATALOGUE, ran=["echo-go"], known=known, today=today, whole=whole)


def test_a_result_gets_the_reason_of_the_first_entry_that_explains_it(tmp_path: Path) -> None:
    expectations = loaded(tmp_path, EXAMPLE)

    def expected(target: str, case: str, verdict: Verdict = Verdict.FAILED) -> str | None:
        return expectations.mark(target, failed(case, verdict)).expected

    own = "closing.handshake.reply_repeats_the_status_code"
    assert expected("echo-go", own) == "answers 1000 to every code"
    assert expected("other", own) == "known everywhere"
    assert expected("echo-go", "closing.tcp.server_closes", Verdict.DEPARTED) == "known everywhere"
    assert expected("echo-go", "fragmentation.interleaved.ping[a]") == "rewritten in 2.0 (echo-go 42, until 2027-03-31)"
    assert expected("other", "fragmentation.interleaved.ping[a]") is None
    assert expected("echo-go", own, Verdict.PASSED) is None
    assert expected("echo-go", own, Verdict.ERROR) is None, "an error of wsconform cannot be expected"
    assert expected("echo-go", own, Verdict.SKIPPED) is None
    assert expected("echo-go", "limits.slow_reader", Verdict.INCONCLUSIVE) is None, "the entry lists its verdicts"


def test_marking_changes_only_the_reason_of_a_result(tmp_path: Path) -> None:
    given = failed("closing.tcp.server_closes")
    assert loaded(tmp_path, EXAMPLE).mark("echo-go", given) == replace(given, expected="known everywhere")


def test_patterns_may_be_aliases(tmp_path: Path) -> None:
    expectations = loaded(tmp_path, '[echo-go]\n"autobahn:7.*" = "old"\n')
    assert expectations.mark("echo-go", failed("closing.handshake.reply_repeats_the_status_code")).expected == "old"
    assert stale(expectations) == []


def test_an_entry_whose_cases_pass_is_stale(tmp_path: Path) -> None:
    expectations = loaded(tmp_path, EXAMPLE)
    expectations.mark("echo-go", failed("closing.handshake.reply_repeats_the_status_code", Verdict.PASSED))
    expectations.mark("echo-go", failed("closing.tcp.server_closes"))
    expectations.mark("echo-go", failed("fragmentation.interleaved.ping[a]", Verdict.PASSED))
    expectations.mark("echo-go", failed("fragmentation.interleaved.ping[b]"))
    expectations.mark("echo-go", failed("limits.slow_reader", Verdict.PASSED))
    assert stale(expectations) == [
        'expected.toml: echo-go: "closing.handshake.reply_repeats_the_status_code": passes now;'
        " remove the entry with `wsconform expected prune`"
    ]


def test_the_last_result_of_a_repeated_case_counts(tmp_path: Path) -> None:
    expectations = loaded(tmp_path, '[echo-go]\n"limits.*" = "slow"\n')
    expectations.mark("echo-go", failed("limits.slow_reader", Verdict.PASSED))
    expectations.mark("echo-go", failed("limits.slow_reader"))
    assert stale(expectations) == []


WHOLE = [each.id for each in CATALOGUE]


def test_an_entry_passes_only_if_all_of_its_cases_pass(tmp_path: Path) -> None:
    """The passes of one shard do not cover the cases that another shard runs."""
    expectations = loaded(tmp_path, '[echo-go]\n"fragmentation.*" = "x"\n')
    expectations.mark("echo-go", failed("fragmentation.interleaved.ping[a]", Verdict.PASSED))
    assert stale(expectations), "without the cases of a whole run, those that ran suffice"
    assert stale(expectations, whole={"echo-go": WHOLE}) == []
    left = result("fragmentation.interleaved.ping[b]", verdict=Verdict.SKIPPED, reason=Reason.BUDGET)
    expectations.mark("echo-go", left)
    assert stale(expectations, whole={"echo-go": WHOLE}) == []
    expectations.mark("echo-go", replace(left, reason=Reason.NEEDS_ECHO))
    assert stale(expectations, whole={"echo-go": WHOLE}), "a skipped case counts as decided"


def test_an_entry_for_all_targets_passes_only_if_it_passes_at_every_target(tmp_path: Path) -> None:
    expectations = loaded(tmp_path, '["*"]\n"limits.*" = "x"\n')
    expectations.mark("echo-go", failed("limits.slow_reader", Verdict.PASSED))
    assert stale(expectations, "other", whole={"echo-go": WHOLE, "other": WHOLE}) == []
    expectations.mark("other", failed("limits.slow_reader", Verdict.PASSED))
    assert stale(expectations, "other", whole={"echo-go": WHOLE, "other": WHOLE})


def test_the_placeholder_is_reported_as_a_missing_reason(tmp_path: Path) -> None:
    expectations = loaded(tmp_path, '[echo-go]\n"limits.*" = "TODO"\n')
    assert expectations.mark("echo-go", failed("limits.slow_reader")).expected == "TODO"
    line = 'expected.toml: echo-go: "limits.*": the reason is TODO; write why this failure is accepted'
    assert stale(expectations) == [line]


def flaky(last: Verdict, *earlier: Verdict) -> Result:
    """Return a result whose attempts gave different verdicts."""
    attempts = tuple(Attempt(verdict, None, 1) for verdict in earlier)
    return result("limits.slow_reader", verdict=last, flaky=True, attempts=attempts)


def test_flakiness_is_expected_if_an_entry_lists_the_verdicts_of_all_attempts(tmp_path: Path) -> None:
    expectations = loaded(tmp_path, EXAMPLE)
    for last, earlier in ((Verdict.PASSED, Verdict.FAILED), (Verdict.FAILED, Verdict.PASSED)):
        marked = expectations.mark("echo-go", flaky(last, earlier))
        assert marked.flaky_expected
        assert marked.expected == ("depends on load" if last is Verdict.FAILED else None)
    assert not expectations.mark("echo-go", flaky(Verdict.PASSED, Verdict.INCONCLUSIVE)).flaky_expected
    assert not expectations.mark("echo-go", failed("limits.slow_reader")).flaky_expected
    assert stale(expectations) == []


def test_an_entry_without_verdicts_does_not_explain_flakiness(tmp_path: Path) -> None:
    expectations = loaded(tmp_path, '[echo-go]\n"limits.*" = "fails"\n')
    marked = expectations.mark("echo-go", flaky(Verdict.FAILED, Verdict.INCONCLUSIVE))
    assert (marked.expected, marked.flaky_expected) == ("fails", False)
    expectations.mark("echo-go", flaky(Verdict.PASSED, Verdict.FAILED))
    assert stale(expectations) == [], "a case that failed in an earlier attempt does not count as passing"


def test_a_skipped_case_does_not_make_an_entry_stale(tmp_path: Path) -> None:
    expectations = loaded(tmp_path, EXAMPLE)
    expectations.mark("echo-go", result("limits.slow_reader", verdict=Verdict.SKIPPED, reason=Reason.NEEDS_ECHO))
    assert stale(expectations) == []


def test_an_entry_that_matches_no_case_is_stale(tmp_path: Path) -> None:
    expectations = loaded(tmp_path, '[echo-go]\n"closing.gone" = "x"\n[other]\n"closing.gone" = "x"\n')
    line = (
        'expected.toml: echo-go: "closing.gone": matches no case; correct the pattern, or remove the entry with'
        " `wsconform expected prune`"
    )
    assert stale(expectations) == [line]
    assert stale(expectations, "other") == [line]


def test_an_entry_past_its_date_is_stale(tmp_path: Path) -> None:
    expectations = loaded(tmp_path, EXAMPLE)
    last = datetime.date(2027, 3, 31)
    assert stale(expectations, today=last) == []
    assert stale(expectations, today=last + datetime.timedelta(days=1)) == [
        'expected.toml: echo-go: "fragmentation.interleaved.*": past its date 2027-03-31; fix the target, or move'
        " the date"
    ]


def test_a_table_for_an_unknown_target_is_reported_if_the_names_are_known(tmp_path: Path) -> None:
    expectations = loaded(tmp_path, '[echo-og]\n"closing.*" = "x"\n')
    assert stale(expectations) == []
    assert stale(expectations, "echo-go") == [
        'expected.toml: echo-og: "closing.*": no target has this name; did you mean "echo-go"?'
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 3", 'a: must be a table of patterns; write [NAME] or ["*"] above the entries'),
        ('[a]\nx = ""', 'a: "x": the reason is missing; write why this failure is accepted'),
        ("[a]\nx = {}", 'a: "x": the reason is missing; write why this failure is accepted'),
        ("[a]\nx = 3", 'a: "x": must be a reason, or a table such as { reason = "..." }'),
        ('[a]\nx = { reson = "r" }', 'a: "x": reson: unknown key; did you mean "reason"?'),
        ('[a]\nx = { reason = "r", issue = 42 }', 'a: "x": issue: must be a string'),
        (
            '[a]\nx = { reason = "r", until = "2027-03-31" }',
            'a: "x": until: must be a date without quotes, such as 2027-03-31',
        ),
        (
            '[a]\nx = { reason = "r", until = 2027-03-31T00:00:00 }',
            'a: "x": until: must be a date without quotes, such as 2027-03-31',
        ),
        ('[a]\nx = { reason = "r", verdict = [] }', 'a: "x": verdict: must be a list such as ["passed", "failed"]'),
        (
            '[a]\nx = { reason = "r", verdict = "fialed" }',
            'a: "x": verdict: fialed: unknown verdict; did you mean "failed"?',
        ),
    ],
)
def test_an_invalid_file_is_reported_with_the_place_of_the_error(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        loaded(tmp_path, text)
    assert caught.value.text == f"expected.toml: {message}"
    assert caught.value.exit == 2
