"""Journals: round trips, journals cut off by a crash, other versions of the format, and error messages."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import journals
from tests.support.command import Say
from wsconform.evidence.result import (
    Attempt,
    Direction,
    EntryKind,
    Finding,
    Octets,
    Reason,
    Result,
    ResultKind,
    TranscriptEntry,
    Verdict,
)
from wsconform.journal.journal import (
    FORMAT,
    Footer,
    Header,
    Journal,
    JournalError,
    JournalWriter,
    TargetRecord,
    TargetResults,
    dumps,
    parse,
    read,
)
from wsconform.registry.requirement import Level, Role

HEADER = Header(
    catalogue="abc",
    documents=("RFC6455",),
    command="wsconform run",
    seed=6455,
    profile="standard",
    platform="linux",
    start="2027-01-12T00:00:00Z",
)
TARGET = TargetRecord(
    name="a", role=Role.SERVER, address="ws://a/", info={"language": "Go"}, offers=("x",), echo=True, round_trip=0.25
)

# Characters that are hard for JSON and Unicode: lone surrogates, NUL, line separators.
text = st.text(st.sampled_from('aé\ud800\0\n\x85\u2028"\\'), max_size=6)
octets = st.binary(max_size=300).map(Octets.of)
entries = st.lists(
    st.builds(
        TranscriptEntry,
        micros=st.integers(0, 10**9),
        direction=st.sampled_from(Direction),
        kind=st.sampled_from(EntryKind),
        summary=text,
        octets=octets,
        connection=st.integers(1, 3),
    ),
    max_size=3,
).map(tuple)
findings = st.none() | st.builds(Finding, text, text, st.none() | st.integers(0, 300), st.none() | text)
results = st.builds(
    Result,
    case=st.just("a.b"),
    title=text,
    role=st.sampled_from(Role),
    requirement=text,
    level=st.sampled_from(Level),
    verdict=st.sampled_from(Verdict),
    finding=findings,
    reason=st.none() | st.sampled_from(Reason),
    notes=st.lists(st.tuples(text, text), max_size=2).map(tuple),
    cites=st.lists(text, max_size=2).map(tuple),
    micros=st.integers(0, 10**9),
    transcript=entries,
    attempts=st.lists(st.builds(Attempt, st.sampled_from(Verdict), findings, st.just(5), entries), max_size=2).map(
        tuple
    ),
    flaky=st.booleans(),
    expected=st.none() | text,
    hint=text,
    reading=text,
    extra=st.dictionaries(text, text, max_size=2),
    flaky_expected=st.booleans(),
    kind=st.sampled_from(ResultKind),
)


def journal(*found: Result) -> Journal:
    """Return a journal of one target with the results `found`."""
    return Journal(
        HEADER,
        (TargetResults(TARGET, found),),
        Footer(why="done", end="later", seconds=1.5, counts={"a": {"passed": 1}}),
    )


def lines(*found: Result) -> list[str]:
    """Return the lines of `journal`."""
    return dumps(journal(*found)).splitlines()


class TestRoundTrip:
    @given(results)
    def test_any_result(self, result: Result) -> None:
        assert parse(dumps(journal(result)).splitlines()) == journal(result)

    def test_a_file(self, tmp_path: Path) -> None:
        path = tmp_path / "journal.jsonl"
        path.write_text(dumps(journal(journals.result())), encoding="utf-8")
        assert read(path) == journal(journals.result())

    def test_targets_keep_their_order_and_results(self) -> None:
        second = replace(TARGET, name="b")
        both = Journal(
            HEADER,
            (
                TargetResults(TARGET, (journals.result("x.one"), journals.result("x.two"))),
                TargetResults(second, (journals.result("x.one"),)),
            ),
        )
        assert parse(dumps(both).splitlines()) == both

    def test_a_later_result_of_a_case_replaces_the_earlier_one(self) -> None:
        first, later = journals.result("x.one"), journals.result("x.one", micros=77)
        assert parse(lines(first, later)).targets[0].results == (later,)


class TestWriter:
    def test_every_record_is_flushed_to_each_stream_as_one_ascii_line(self) -> None:
        first, second = io.StringIO(), io.StringIO()
        writer = JournalWriter(first, second)
        records: tuple[Callable[[], None], ...] = (
            partial(writer.header, HEADER),
            partial(writer.target, TARGET),
            partial(writer.result, "a", journals.result(title="é\n\u2028")),
            partial(writer.footer, Footer(why="done")),
        )
        for count, write in enumerate(records, 1):
            write()
            assert first.getvalue().isascii()
            assert len(first.getvalue().splitlines()) == count
            assert first.getvalue() == second.getvalue()

    def test_the_kinds_of_records(self) -> None:
        records = [json.loads(line) for line in lines(journals.result())]
        assert [record["record"] for record in records] == ["header", "target", "result", "footer"]
        assert records[0]["format"] == FORMAT
        assert records[2]["mark"] == "passed"
        assert records[2]["verdict"] == "passed"


class TestCutOff:
    def test_without_a_footer_the_run_was_cut_off(self) -> None:
        cut = parse(lines(journals.result())[:-1])
        assert cut.footer is None
        assert cut.targets == journal(journals.result()).targets

    def test_a_journal_cut_anywhere_is_read_up_to_the_last_whole_line(self) -> None:
        text = dumps(journal(journals.result("x.one"), journals.result("x.two")))
        first, *_ = text.splitlines()
        for end in range(len(first), len(text)):
            whole = text[:end].count("\n") + (end == len(text) or text[end] == "\n")
            kept = parse(text[:end].splitlines())
            assert sum(len(each.results) for each in kept.targets) == min(max(whole - 2, 0), 2)

    def test_damage_in_the_middle_is_an_error(self) -> None:
        damaged = lines(journals.result())
        damaged[1] = damaged[1][:-5]
        with pytest.raises(JournalError) as caught:
            parse(damaged, "x.jsonl")
        assert str(caught.value) == "x.jsonl: line 2: not JSON; the file is not a journal, or is damaged"


class TestLaterVersions:
    def test_unknown_fields_are_ignored(self) -> None:
        records = [json.loads(line) for line in lines(journals.result())]
        later = [json.dumps(record | {"added": [1]}) for record in records]
        assert parse(later) == journal(journals.result())

    def test_records_of_an_unknown_kind_are_ignored(self) -> None:
        assert parse([*lines(), '{"record": "weather"}']) == journal()

    @pytest.mark.parametrize("other", ["1.0", "3.0"])
    def test_another_major_version_is_an_error_that_names_both_formats(self, other: str) -> None:
        (first, *rest) = lines()
        with pytest.raises(JournalError) as caught:
            parse([first.replace(f'"format":"{FORMAT}"', f'"format":"{other}"'), *rest], "x.jsonl")
        assert str(caught.value) == (
            f"x.jsonl: has journal format {other}, and this version reads {FORMAT}; run the tests again,"
            " or use the version of wsconform that wrote the journal"
        )

    def test_the_command_line_refuses_an_older_format_with_one_line(self, say: Say, tmp_path: Path) -> None:
        text = dumps(journal(journals.result())).replace(f'"format":"{FORMAT}"', '"format":"1.0"')
        (tmp_path / "old.jsonl").write_text(text, encoding="utf-8")
        code, out, err = say("report", "old.jsonl", "-r", "json")
        assert (code, out) == (2, "")
        assert err.startswith(f"old.jsonl: has journal format 1.0, and this version reads {FORMAT}; ")
        assert len(err.splitlines()) == 1

    def test_another_minor_version_is_read(self) -> None:
        (first, *rest) = lines()
        read = parse([first.replace(f'"format":"{FORMAT}"', '"format":"2.7"'), *rest])
        assert read.header.format == "2.7"


class TestErrors:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", "x: has no header record; name a journal.jsonl that a run wrote"),
            ("nonsense", "x: line 1: not JSON; the file is not a journal, or is damaged"),
            ("[1]", "x: line 1: not a record; the file is not a journal, or is damaged"),
            ('{"case": 1}', "x: line 1: not a record; the file is not a journal, or is damaged"),
            ('{"record": "header"}', "x: line 1: not a record of format 2.0: KeyError('format')"),
            ('{"record": "target", "name": "a"}', "x: line 1: not a record of format 2.0: KeyError('role')"),
            ('{"record": "result", "target": "a"}', "x: line 1: not a record of format 2.0: KeyError('"),
            ('{"record": "footer"}', "x: line 1: not a record of format 2.0: TypeError("),
        ],
    )
    def test_the_error_names_the_line(self, text: str, words: str) -> None:
        with pytest.raises(JournalError) as caught:
            parse(text.splitlines(), "x")
        assert str(caught.value).startswith(words)

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(JournalError, match=r"none\.jsonl: cannot be read: .*; name a journal\.jsonl that a run"):
            read(tmp_path / "none.jsonl")

    def test_a_file_that_is_no_text(self, tmp_path: Path) -> None:
        (tmp_path / "journal.jsonl").write_bytes(b"\xff\xfe")
        with pytest.raises(JournalError, match=r"journal\.jsonl: cannot be read: "):
            read(tmp_path / "journal.jsonl")
