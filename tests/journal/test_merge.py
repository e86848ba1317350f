"""Merging of journals: shards, refusals, remarks; and the command `merge`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import Say
from tests.support.journals import header, journal, result, target
from wsconform.evidence.result import Reason, Result, ResultKind, Verdict
from wsconform.journal.journal import Footer, Journal, TargetRecord, TargetResults, dumps, read
from wsconform.journal.merge import Source, merge
from wsconform.problem import Problem
from wsconform.registry.requirement import Role

PASSED = result("a.b")
VIOLATED = result("a.b", verdict=Verdict.FAILED)
NO_TIME = result("a.b", verdict=Verdict.SKIPPED, reason=Reason.BUDGET)


def of(*results: Result, **fields: object) -> Journal:
    """Return a journal of one target with these results."""
    return journal((target("one", **fields), results))


def merged(*journals: Journal, mixed: bool = False) -> tuple[Journal, tuple[str, ...]]:
    """Return the merger of the journals, named a, b and so on, and the remarks about it."""
    merged_journal = merge(
        [Source(chr(97 + n), each) for n, each in enumerate(journals)], "wsconform merge", mixed=mixed
    )
    return merged_journal.journal, merged_journal.remarks


def test_shards_of_a_target_are_joined() -> None:
    merged_journal, remarks = merged(of(result("a.a")), of(result("a.b")), of(VIOLATED, result("a.c")))
    (one,) = merged_journal.targets
    assert [each.case for each in one.results] == ["a.a", "a.b", "a.c"]
    assert one.results[1].verdict is Verdict.FAILED
    assert remarks == ("1 case of one in b and in c: the result in c counts",)
    assert merged_journal.footer == Footer(
        why="done", end="2027-01-12T09:30:11Z", seconds=33.6, counts={"one": {"passed": 2, "violation": 1}}
    )
    assert merged_journal.header.command == "wsconform merge"


def test_different_targets_are_kept_side_by_side() -> None:
    merged_journal, remarks = merged(of(PASSED), journal((target("two"), [PASSED]), (target("one"), [result("a.c")])))
    assert [(each.target.name, len(each.results)) for each in merged_journal.targets] == [("one", 2), ("two", 1)]
    assert remarks == ()


@pytest.mark.parametrize(("first", "second"), [(NO_TIME, VIOLATED), (VIOLATED, NO_TIME)])
def test_a_case_skipped_for_lack_of_time_replaces_no_result(first: Result, second: Result) -> None:
    merged_journal, remarks = merged(of(first), of(second))
    assert merged_journal.targets[0].results == (VIOLATED,)
    assert remarks == ()


def test_the_gravest_of_a_monitors_results_counts() -> None:
    seen = [
        result("monitors.rsv", kind=ResultKind.MONITOR, verdict=verdict, reason=reason)
        for verdict, reason in (
            (Verdict.SKIPPED, Reason.NOT_OFFERED),
            (Verdict.PASSED, None),
            (Verdict.FAILED, None),
            (Verdict.PASSED, None),
        )
    ]
    merged_journal, remarks = merged(*map(of, seen))
    assert merged_journal.targets[0].results == (seen[2],)
    assert remarks == ()
    assert merged(of(seen[0]), of(seen[1]))[0].targets[0].results == (seen[1],)


def test_two_catalogues_are_refused_unless_mixed() -> None:
    other = Journal(header(catalogue="1.5"), of(PASSED).targets, Footer(why="done"))
    with pytest.raises(Problem) as caught:
        merged(of(PASSED), other)
    versions = "1.4 in a, 1.5 in b"
    message = f"the journals are of 2 versions of the catalogue: {versions}; run again, or use --mixed"
    assert caught.value.text == message
    merged_journal, remarks = merged(of(PASSED), other, mixed=True)
    assert merged_journal.header.catalogue == "1.4"
    assert remarks[0] == f"mixed catalogues: {versions}; the journal names the first"


@pytest.mark.parametrize(
    ("fields", "difference"),
    [
        ({"role": Role.CLIENT}, "one is a server in a and a client in b"),
        ({"info": {"version": "2.0"}}, "one is version 8.18.0 in a and version 2.0 in b"),
        ({"transport": "tls"}, "one is reached over tcp in a and reached over tls in b"),
        ({"http": "2"}, "one is reached over HTTP/1.1 in a and reached over HTTP/2 in b"),
    ],
)
def test_two_targets_of_one_name_are_refused_unless_mixed(fields: dict[str, object], difference: str) -> None:
    with pytest.raises(Problem) as caught:
        merged(of(PASSED), of(PASSED, **fields))
    assert caught.value.text == f"{difference}; give the targets different names, or use --mixed"
    _, remarks = merged(of(PASSED), of(PASSED, **fields), mixed=True)
    assert remarks[0] == f"mixed targets: {difference}; the journal describes the first"


def test_an_address_may_change_from_shard_to_shard() -> None:
    merged_journal, _ = merged(of(PASSED), of(result("a.c"), address="ws://other:2/"))
    assert merged_journal.targets[0].target.address == target().address


@pytest.mark.parametrize("turned", [False, True])
def test_the_reason_why_one_shard_could_not_test_a_target_is_kept(turned: bool) -> None:
    untested = TargetResults(
        TargetRecord(name="one", role=Role.SERVER, address="ws://a/", untested="nothing listens"), ()
    )
    lost = Journal(header(), (untested,), Footer(why="target-lost"))
    merged_journal, remarks = merged(*((lost, of(PASSED)) if turned else (of(PASSED), lost)))
    record = merged_journal.targets[0].target
    assert record.offers == target().offers
    assert record.untested == "nothing listens"
    assert merged_journal.footer is not None
    assert merged_journal.footer.why == "target-lost"
    assert remarks == ()


def test_a_journal_without_a_footer_counts_as_interrupted() -> None:
    merged_journal, remarks = merged(of(PASSED), journal((target("two"), [PASSED]), why=None))
    assert merged_journal.footer is not None
    assert merged_journal.footer.why == "interrupted"
    assert remarks == ("b: has no footer, so its run crashed or is still going on; it counts as interrupted",)


@pytest.mark.parametrize("why", ["budget", "target-lost", "interrupted"])
def test_the_gravest_end_counts(why: str) -> None:
    merged_journal, _ = merged(of(PASSED), journal((target("two"), [PASSED]), why=why), of(result("a.c")))
    assert merged_journal.footer is not None
    assert merged_journal.footer.why == why


def test_different_profiles_and_seeds_are_reported() -> None:
    other = Journal(header(profile="quick", seed=3), of(result("a.c")).targets, Footer(why="done"))
    merged_journal, remarks = merged(of(PASSED), other)
    assert (merged_journal.header.profile, merged_journal.header.seed) == ("quick", header().seed)
    assert remarks == (
        "profiles standard, quick: the merged journal has quick",
        f"seeds {header().seed}, 3: the merged journal has {header().seed}; to replay, use the original journals",
    )


def test_the_options_and_findings_of_the_gate_are_kept() -> None:
    options = {"fail_on": "should", "allow": ("stale", "flaky")}
    one = Journal(header(**options), of(PASSED).targets, Footer(why="done", stale=("x", "y")))
    other = Journal(
        header(fail_on="should", allow=("flaky",)), of(result("a.c")).targets, Footer(why="done", stale=("y",))
    )
    merged_journal, _ = merged(one, other)
    assert (merged_journal.header.fail_on, merged_journal.header.allow) == ("should", ("flaky",))
    assert merged_journal.footer is not None
    assert merged_journal.footer.stale == ("x", "y")
    assert merged(one, of(result("a.c")))[0].header.fail_on == "must"


# --- the command


def test_the_command_writes_one_journal(say: Say, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "journal.jsonl").write_text(dumps(of(PASSED)))
    (tmp_path / "b.jsonl").write_text(dumps(of(VIOLATED))[:-30])
    code, out, err = say("merge", "run", "b.jsonl")
    assert (code, out) == (0, "merged.jsonl: 1 target, 1 result of 2 journals\n")
    assert err.splitlines() == [
        "b.jsonl: has no footer, so its run crashed or is still going on; it counts as interrupted",
        "1 case of one in run and in b.jsonl: the result in b.jsonl counts",
    ]
    merged_journal = read(tmp_path / "merged.jsonl")
    assert merged_journal.targets[0].results[0].verdict is Verdict.FAILED
    assert merged_journal.header.command == "wsconform merge run b.jsonl"


def test_a_journal_may_be_merged_into_itself(say: Say, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(dumps(of(PASSED)))
    (tmp_path / "b.jsonl").write_text(dumps(of(result("a.c"))))
    assert say("merge", "a.jsonl", "b.jsonl", "-o", "a.jsonl")[0] == 0
    assert len(read(tmp_path / "a.jsonl").targets[0].results) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "b.jsonl"]


def test_the_merged_journal_is_written_into_a_folder(say: Say, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(dumps(of(PASSED)))
    (tmp_path / "all").mkdir()
    code, out, _ = say("merge", "a.jsonl", "-o", "all")
    assert (code, out) == (0, "all/journal.jsonl: 1 target, 1 result of 1 journal\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("a.jsonl", "gone.jsonl"), "gone.jsonl: cannot be read: "),
        (("a.jsonl", "notes.txt"), "notes.txt: line 1: not JSON; the file is not a journal, or is damaged"),
        (("a.jsonl", "-o", "notes.txt/x"), "-o notes.txt/x: cannot be written: File exists; name another file"),
        ((), "wsconform merge: missing argument 'JOURNAL...'; see `wsconform merge --help`"),
    ],
)
def test_an_error_is_one_line(words: tuple[str, ...], message: str, say: Say, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(dumps(of(PASSED)))
    (tmp_path / "notes.txt").write_text("milk, bread\n")
    code, out, err = say("merge", *words)
    assert (code, out) == (2, "")
    assert err.startswith(message)
    assert len(err.splitlines()) == 1
