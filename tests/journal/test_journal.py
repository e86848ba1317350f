"""Journals: what is written is read back, a crash loses the last line at most, and errors name file and line."""

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
from wsconform.evidence.result import Attempt, Direction, Finding, Octets, Reason, Result, TranscriptEntry, Verdict
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

# What JSON and Unicode make hard: lone surrogates, NUL, line separators.
text = st.text(st.sampled_from('aé\ud800\0\n\x85\u2028"\\'), max_size=6)
octets = st.binary(max_size=300).map(Octets.of)
entries = st.lists(
    st.builds(
        TranscriptEntry, st.integers(0, 10**9), st.sampled_from(Direction), text, text, octets, st.integers(1, 3)
    ),
    max_size=3,
).map(tuple)
findings = st.none() | st.builds(Finding, text, text, st.none() | st.integers(0, 300))
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

    def test_a_later_result_of_a_case_takes_the_place_of_the_earlier(self) -> None:
        first, later = journals.result("x.one"), journals.result("x.one", micros=77)
        assert parse(lines(first, later)).targets[0].results == (later,)


class TestWriter:
    def test_every_record_is_one_ascii_line_in_each_stream_at_once(self) -> None:
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

    def test_wherever_it_is_cut_the_whole_lines_before_are_read(self) -> None:
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
        assert str(caught.value) == "x.jsonl: line 2: not JSON; the file is no journal, or damaged"


class TestLaterVersions:
    def test_fields_that_a_later_version_added_are_passed_over(self) -> None:
        records = [json.loads(line) for line in lines(journals.result())]
        later = [json.dumps(record | {"added": [1]}) for record in records]
        assert parse(later) == journal(journals.result())

    def test_records_of_a_new_kind_are_passed_over(self) -> None:
        assert parse([*lines(), '{"record": "weather"}']) == journal()

    def test_another_major_version_is_an_error(self) -> None:
        (first, *rest) = lines()
        with pytest.raises(JournalError) as caught:
            parse([first.replace(f'"format":"{FORMAT}"', '"format":"2.0"'), *rest], "x.jsonl")
        assert str(caught.value) == f"x.jsonl: journal format 2.0; this version reads {FORMAT}"

    def test_another_minor_version_is_read(self) -> None:
        (first, *rest) = lines()
        read = parse([first.replace(f'"format":"{FORMAT}"', '"format":"1.7"'), *rest])
        assert read.header.format == "1.7"


class TestErrors:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", "x: there is no header record; name a journal.jsonl that a run wrote"),
            ("nonsense", "x: line 1: not JSON; the file is no journal, or damaged"),
            ("[1]", "x: line 1: no record; the file is no journal, or damaged"),
            ('{"case": 1}', "x: line 1: no record; the file is no journal, or damaged"),
            ('{"record": "header"}', "x: line 1: no record of format 1.0: KeyError('format')"),
            ('{"record": "target", "name": "a"}', "x: line 1: no record of format 1.0: KeyError('role')"),
            ('{"record": "result", "target": "a"}', "x: line 1: no record of format 1.0: KeyError('"),
            ('{"record": "footer"}', "x: line 1: no record of format 1.0: TypeError("),
        ],
    )
    def test_words(self, text: str, words: str) -> None:
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
