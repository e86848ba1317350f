"""wsconform expected: the list checked, completed and cleaned; and what that leaves of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.command import CASES, Say
from tests.support.journals import header, journal, result, target
from wsconform.evidence.result import Attempt, Reason, Result, Verdict
from wsconform.journal.expected import Expectations, load
from wsconform.journal.expected_edit import Addition, needed, with_added, with_removed
from wsconform.journal.gate import FailOn, Policy
from wsconform.journal.journal import Journal, dumps
from wsconform.registry.requirement import Level

FAMILY = CASES[1]
MEMBERS = [f"{FAMILY}[{name}]" for name in ("text", "empty_binary", "first_fragment", "ping", "close", "pong")]
ALONE = "masking.masking_key_may_repeat"

LIST = """\
# What we know of echo-go.
[echo-go]
# The library answers 1000 to everything.
"masking.masking_key_may_repeat" = "answers 1000"   # since 1.2
"masking.*_starts_*" = { reason = "rewritten in 2.0", issue = "echo-go 42", until = 2099-03-31 }

["*"]
"limits.gone" = "no such case any more"
"""


def violated(*cases: str) -> list[Result]:
    """Return violations of `cases`."""
    return [result(case, verdict=Verdict.FAILED) for case in cases]


def met(*cases: str) -> list[Result]:
    """Return passes of `cases`."""
    return [result(case) for case in cases]


def run(results: Sequence[Result], *, name: str = "echo-go", file: str = "wsconform-out/journal.jsonl") -> None:
    """Write what a run with these results leaves, in the working folder, which is the test's own."""
    made = journal((target(name), results))
    Path(file).parent.mkdir(exist_ok=True)
    Path(file).write_text(dumps(replace(made, header=header(profile="full"))))


def listed(text: str = LIST) -> None:
    """Write the list."""
    Path("expected.toml").write_text(text)


# --- what is needed


def additions(*results: Result, known: Expectations | None = None, fail_on: FailOn = FailOn.MUST) -> list[Addition]:
    """Return what is missing where a target has these results."""
    return needed("echo-go", results, known or Expectations(), Policy(fail_on))


def test_each_failure_needs_an_entry_and_a_family_that_fails_as_a_whole_one() -> None:
    assert additions(*violated("a.b[1]"), *met("a.b[2]"), *violated("a.c")) == [
        Addition("echo-go", "a.b[1]"),
        Addition("echo-go", "a.c"),
    ]
    assert additions(*violated("a.b[1]", "a.b[2]", "a.c[1]")) == [
        Addition("echo-go", "a.b"),
        Addition("echo-go", "a.c[1]"),
    ]


def test_what_breaks_no_gate_needs_none() -> None:
    departed = result("a.d", verdict=Verdict.FAILED, level=Level.SHOULD)
    broke = result("a.e", verdict=Verdict.ERROR)
    limit = result("a.f", verdict=Verdict.INCONCLUSIVE, reason=Reason.LIMIT)
    assert additions(*met("a.b"), departed, broke, limit) == []
    assert additions(departed, fail_on=FailOn.SHOULD) == [Addition("echo-go", "a.d")]


def test_what_the_journal_expected_is_nothing_to_what_the_list_says(tmp_path: Path) -> None:
    once = result("a.b", verdict=Verdict.FAILED, expected="stood there once")
    assert additions(once) == [Addition("echo-go", "a.b")]
    (tmp_path / "expected.toml").write_text('["*"]\n"a.*" = "known"\n')
    assert additions(*violated("a.b"), known=load(tmp_path / "expected.toml")) == []


def test_attempts_that_disagree_are_named() -> None:
    attempts = (Attempt(Verdict.FAILED, None, 1), Attempt(Verdict.PASSED, None, 1))
    (addition,) = additions(result("a.b", flaky=True, attempts=attempts))
    assert addition == Addition("echo-go", "a.b", (Verdict.FAILED, Verdict.PASSED))


# --- what is written


def test_entries_are_added_at_the_end_of_their_table_and_nothing_else_changes() -> None:
    wavering = Addition("echo-go", "a.c[0x3]", (Verdict.FAILED, Verdict.PASSED))
    text = with_added(LIST, [Addition("echo-go", "a.b"), wavering, Addition("ws://127.0.0.1:9001/", "a.b")])
    entries = '"a.b" = "TODO"\n"a.c[0x3]" = {reason = "TODO", verdict = ["failed", "passed"]}\n'
    before, after = LIST.split("\n\n")
    assert text == f'{before}\n{entries}\n{after}\n["ws://127.0.0.1:9001/"]\n"a.b" = "TODO"\n'


def test_a_list_begins_with_its_first_entry() -> None:
    assert with_added("", [Addition("*", "a.b")]) == '["*"]\n"a.b" = "TODO"\n'


@pytest.mark.parametrize("text", ['"echo-go" = { "a.x" = "y" }\n', 'echo-go."a.x" = "y"\n', '[echo-go]\r\n"a.x" = "y"'])
def test_however_a_list_is_written_it_takes_entries(text: str, tmp_path: Path) -> None:
    (tmp_path / "expected.toml").write_text(with_added(text, [Addition("echo-go", "a.b")]))
    found = load(tmp_path / "expected.toml").entries
    assert [(entry.target, entry.pattern, entry.reason) for entry in found] == [
        ("echo-go", "a.x", "y"),
        ("echo-go", "a.b", "TODO"),
    ]


def test_entries_are_taken_out_and_comments_stay() -> None:
    text = with_removed(LIST, [("echo-go", "masking.masking_key_may_repeat"), ("*", "limits.gone")])
    lines = LIST.splitlines()
    assert text.splitlines() == [*lines[:3], lines[4], ""]


# --- check


def test_a_list_that_holds(say: Say) -> None:
    listed('[echo-go]\n"masking.masking_key_may_repeat" = "answers 1000"\n')
    assert say("expected", "check") == (
        0,
        "without a journal: whether entries pass is not looked at\nexpected.toml: 1 entry, none to mend.\n",
        "",
    )


def test_no_list_at_all(say: Say) -> None:
    for name in ("check", "prune"):
        code, out, _ = say("expected", name)
        assert code == 0
        assert out.startswith("There is no expected.toml, so ")


def test_everything_that_holds_no_more_is_told_at_once(say: Say, tmp_path: Path) -> None:
    (tmp_path / "wsconform.toml").write_text('[targets.echo-go]\nurl = "ws://127.0.0.1:9/"\n')
    listed(
        LIST.replace("2099-03-31", "2020-03-31")
        + '[echo-og]\n"masking.*" = "x"\n[echo-go."masking.payload_of_any_length_is_unmasked[0]"]\nreason = "TODO"\n'
    )
    run(met(ALONE))
    code, out, _ = say("expected", "check")
    assert code == 1
    assert out.splitlines() == [
        "by wsconform-out/journal.jsonl",
        'expected.toml: echo-go: "masking.masking_key_may_repeat": passes now; remove the entry'
        " with `wsconform expected prune`",
        'expected.toml: echo-go: "masking.*_starts_*": past its date 2020-03-31; fix the target, or move the date',
        'expected.toml: echo-go: "masking.payload_of_any_length_is_unmasked[0]": the reason is TODO; write why this'
        " failure is accepted",
        'expected.toml: *: "limits.gone": matches no case; correct the pattern, or remove the entry'
        " with `wsconform expected prune`",
        'expected.toml: echo-og: "masking.*": no target has this name; did you mean "echo-go"?',
        "expected.toml: 5 entries, 5 to mend.",
    ]


def test_a_run_that_put_a_part_makes_no_entry_pass(say: Say) -> None:
    listed(f'[echo-go]\n"{FAMILY}" = "takes any mask"\n')
    run(met(*MEMBERS[:3]))
    assert say("expected", "check")[0] == 0
    run(met(*MEMBERS[3:]), file="b.jsonl")
    assert say("expected", "check", "wsconform-out", "b.jsonl")[0] == 1


# --- update


def test_what_is_missing_is_added_and_breaks_the_gate_until_somebody_says_why(say: Say) -> None:
    listed()
    run([*violated(ALONE, *MEMBERS), *violated("masking.payload_of_any_length_is_unmasked[0]")])
    code, out, err = say("expected", "update")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "by wsconform-out/journal.jsonl",
        f'  echo-go: "{FAMILY}"',
        '  echo-go: "masking.payload_of_any_length_is_unmasked[0]"',
        "expected.toml: 2 entries added; say in each why it is expected: TODO is no reason.",
    ]
    assert Path("expected.toml").read_text().startswith(LIST.split("\n\n", maxsplit=1)[0])
    assert say("expected", "update")[1].splitlines()[1:] == ["expected.toml: nothing to add."]
    code, out, _ = say("expected", "check")
    assert code == 1
    assert out.count("the reason is TODO") == 2


def test_a_dry_run_changes_nothing(say: Say) -> None:
    run([*violated(*MEMBERS)])
    code, out, _ = say("expected", "update", "--dry-run")
    assert (code, out.splitlines()[-1]) == (0, "expected.toml: 1 entry to add.")
    assert not Path("expected.toml").exists()
    listed()
    assert say("expected", "prune", "--dry-run")[1].splitlines()[-1] == "expected.toml: 1 entry to take out."
    assert Path("expected.toml").read_text() == LIST


def test_a_name_that_is_no_text_leaves_the_list_as_it_is(say: Say) -> None:
    listed()
    run(violated(ALONE), name="a\ud800")
    code, _, err = say("expected", "update")
    assert (code, err) == (
        2,
        "expected.toml: a target's name in the journal is no text; add its entries by hand\n",
    )
    assert Path("expected.toml").read_text() == LIST


def test_another_list_may_be_meant(say: Say) -> None:
    run(violated(ALONE))
    assert say("expected", "update", "--expected", "known.toml")[0] == 0
    assert load(Path("known.toml")).entries[0].pattern == ALONE
    assert not Path("expected.toml").exists()


def test_departures_are_added_where_they_break_the_gate(say: Say) -> None:
    run([result(ALONE, verdict=Verdict.FAILED, level=Level.SHOULD)])
    assert say("expected", "update")[1].splitlines()[-1] == "expected.toml: nothing to add."
    assert say("expected", "update", "--fail-on", "should")[1].splitlines()[1] == f'  echo-go: "{ALONE}"'


# --- prune


def test_what_matches_nothing_or_passes_is_taken_out(say: Say) -> None:
    listed(LIST.replace("2099-03-31", "2020-03-31"))
    run(met(ALONE))
    code, out, _ = say("expected", "prune")
    assert code == 0
    assert out.splitlines() == [
        "by wsconform-out/journal.jsonl",
        f'  echo-go: "{ALONE}": passes',
        '  *: "limits.gone": matches no case',
        "expected.toml: 2 entries taken out.",
    ]
    (left,) = load(Path("expected.toml")).entries
    assert left.pattern == "masking.*_starts_*", "what is past its date is for a person to decide"
    assert say("expected", "prune")[1].splitlines()[-1] == "expected.toml: nothing to take out."


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("update",),
            "wsconform-out/journal.jsonl: there is no journal to learn from; name one, or run the cases first",
        ),
        (("check", "gone.jsonl"), "gone.jsonl: cannot be read: "),
        (("check", "--expected", "gone.toml"), "gone.toml: cannot be read: No such file or directory; name another"),
        (("prune", "--expected", "bad.toml"), "bad.toml: not TOML: "),
        (("update", "a.jsonl", "--expected", "no/such/folder.toml"), "no/such/folder.toml: cannot be written: No such"),
        (("chek",), "wsconform expected: no such command 'chek'"),
        (("check", "--fail-on", "must"), "wsconform expected check: --fail-on: there is no such option"),
    ],
)
def test_what_cannot_be_done_is_said(words: tuple[str, ...], told: str, say: Say) -> None:
    Path("bad.toml").write_text("= 3\n")
    made: Journal = journal((target(), violated(ALONE)))
    Path("a.jsonl").write_text(dumps(made))
    code, out, err = say("expected", *words)
    assert code == 2
    assert err.startswith(told)
    assert len(err.splitlines()) == 1
    assert "Traceback" not in out
