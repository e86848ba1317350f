"""No user error ends in a traceback: every command reports invalid files, names and arguments in one line."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.command import CASE, Say
from tests.support.journals import hostile, journal, result, target
from wsconform.cli import COMMANDS
from wsconform.evidence.result import Result, Verdict
from wsconform.journal.journal import dumps

GOOD = dumps(journal((target(), [result(CASE)])))

#: Invalid journals, by their fault.
JOURNALS: dict[str, bytes] = {
    "empty": b"",
    "text": b"milk, bread\n",
    "binary": bytes(range(256)),
    "another encoding": GOOD.encode("utf-16"),
    "json of another kind": b"[1, 2]\n",
    "null": b"null\n",
    "a number": b"3\n",
    "no header": GOOD.split("\n", 1)[1].encode(),
    "a header alone that says nothing": b'{"record": "header"}\n',
    "a later format": GOOD.replace('"format":"2.0"', '"format":"9.0"').encode(),
    "an older format": GOOD.replace('"format":"2.0"', '"format":"1.0"').encode(),
    "a result of no target": GOOD.replace('"target":"node-ws"', '"target":"gone"').encode(),
    "a verdict that there is not": GOOD.replace('"verdict":"passed"', '"verdict":"splendid"').encode(),
    "octets that are not a journal": GOOD.replace('"474554', '"zz4554').encode(),
    "damaged in the middle": GOOD.replace('"record":"target"', '"record":"tar').encode(),
    "nested without end": b"[" * 200_000 + b"\n" + GOOD.encode(),
    "a record that is unknown": b'{"record": "poem"}\n',
}
#: Commands that read a journal; JOURNAL stands for its name.
READERS = {
    "report": ("report", "JOURNAL", "-r", "json"),
    "replay": ("replay", "JOURNAL"),
    "diff": ("diff", "JOURNAL", "JOURNAL"),
    "merge": ("merge", "JOURNAL"),
    "export": ("export", "JOURNAL", CASE),
    "explain": ("explain", CASE, "--in", "JOURNAL"),
    "expected check": ("expected", "check", "JOURNAL"),
    "expected update": ("expected", "update", "JOURNAL"),
    "expected prune": ("expected", "prune", "JOURNAL"),
}


def error_of(say: Say, *words: str) -> str:
    """Run a command that must fail; return its only line on stderr."""
    code, out, err = say(*words)
    assert code == 2, (code, out, err)
    assert out == ""
    (line,) = err.splitlines()
    assert "Traceback" not in line
    assert "wsconform failed" not in line
    return line


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", JOURNALS)
def test_a_file_that_is_not_a_journal(reader: str, kind: str, say: Say) -> None:
    Path("bad.jsonl").write_bytes(JOURNALS[kind])
    words = [word.replace("JOURNAL", "bad.jsonl") for word in READERS[reader]]
    assert error_of(say, *words).startswith("bad.jsonl: ")


@pytest.mark.parametrize("reader", READERS)
def test_a_journal_that_cannot_be_read(reader: str, say: Say) -> None:
    Path("folder").mkdir()
    for name in ("gone.jsonl", "folder", "gone/journal.jsonl", "x" * 300, os.devnull):
        words = [word.replace("JOURNAL", name) for word in READERS[reader]]
        assert error_of(say, *words).startswith(name)


@pytest.mark.parametrize("name", COMMANDS)
def test_an_unknown_option(name: str, say: Say) -> None:
    line = error_of(say, name, "--no-such-option")
    assert line.startswith(f"wsconform {name}: --no-such-option: there is no such option")
    assert line.endswith(f"see `wsconform {name} --help`")


#: Words that no command can do anything with.
WORDS = {
    "run: no header": ("run", "-H", "x"),
    "run: a duration without unit": ("run", "--budget", "5"),
    "run: no time": ("run", "--budget", "0s"),
    "run: no number": ("run", "--max-failures", "many"),
    "run: too few": ("run", "--max-failures", "0"),
    "run: fewer than none": ("run", "--retries", "-1"),
    "run: no shard": ("run", "--shard", "5/4"),
    "run: a shard of nothing": ("run", "--shard", "0/0"),
    "run: no level": ("run", "--fail-on", "may"),
    "run: nothing to allow": ("run", "--allow", "everything"),
    "run: a pattern of nothing": ("run", "-c", ""),
    "run: an address without host": ("run", "ws://"),
    "run: an invalid port": ("run", "ws://127.0.0.1:99999/"),
    "run: a user in the address": ("run", "ws://u:p@127.0.0.1/"),
    "run: an authority that is not a file": ("run", "wss://127.0.0.1:1/", "--cacert", ""),
    "probe: no address": ("probe", "nonsense"),
    "serve: no address": ("serve", "--url", "http://x/"),
    "list: nothing to list": ("list", "poems"),
    "explain: no case": ("explain", "no.such.case"),
    "diff: one journal": ("diff", "good.jsonl"),
    "diff: no target": ("diff", "good.jsonl", "--targets", "x", "y"),
    "merge: nothing": ("merge",),
    "merge: into a folder that is a file": ("merge", "good.jsonl", "-o", "good.jsonl/x"),
    "export: no case": ("export", "good.jsonl"),
    "export: no kind": ("export", "good.jsonl", CASE, "--as", "poem"),
    "replay: a case that is not there": ("replay", "good.jsonl", "no.such.case"),
    "expected: no command": ("expected", "praise"),
    "schema: none": ("schema", "poem"),
    "report: no kind": ("report", "good.jsonl", "-r", "poem"),
}


@pytest.mark.parametrize("kind", WORDS)
def test_invalid_arguments(kind: str, say: Say) -> None:
    Path("good.jsonl").write_text(GOOD)
    error_of(say, *WORDS[kind])


#: Commands that print text from a journal, and their possible exit codes.
PRINTING = {
    "diff": ("diff", "a.jsonl", "b.jsonl", "-v"),
    "merge": ("merge", "a.jsonl", "b.jsonl", "--mixed"),
    "expected update": ("expected", "update", "a.jsonl"),
    "expected check": ("expected", "check", "a.jsonl"),
    "expected prune": ("expected", "prune", "a.jsonl"),
    "replay": ("replay", "a.jsonl"),
    "export": ("export", "a.jsonl", "no.such.case", "--target", "x"),
}


@pytest.mark.parametrize("printing", PRINTING)
def test_text_of_a_hostile_journal_is_escaped_for_the_terminal(printing: str, say: Say) -> None:
    Path("a.jsonl").write_text(dumps(hostile()))
    other = [replace(each, results=tuple(swapped(one) for one in each.results)) for each in hostile().targets]
    Path("b.jsonl").write_text(dumps(replace(hostile(), targets=tuple(other))))
    code, out, err = say(*PRINTING[printing])
    assert code in (0, 1, 2), err
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", out + err)


def swapped(one: Result) -> Result:
    """Return a result that is another than it was."""
    return replace(one, verdict=Verdict.FAILED if one.verdict is Verdict.PASSED else Verdict.PASSED)


#: Invalid files other than journals: name, content, and a command that reads the file.
FILES = {
    "configuration: no TOML": ("wsconform.toml", b"= 3", ("list", "targets")),
    "configuration: another encoding": ("wsconform.toml", "profile = 'quick'".encode("utf-16"), ("list", "targets")),
    "configuration: nested without end": ("wsconform.toml", b"x = " + b"[" * 200_000, ("list", "targets")),
    "configuration: a table for a value": ("wsconform.toml", b"[fail-on]\nx = 1", ("run",)),
    "configuration: a value for a table": ("wsconform.toml", b"targets = 3", ("run",)),
    "list: no TOML": ("expected.toml", b"= 3", ("expected", "check")),
    "list: another encoding": ("expected.toml", b"\xff\xfe", ("run",)),
    "list: nested without end": ("expected.toml", b"x = " + b"[" * 200_000, ("expected", "prune")),
    "list: a number for a reason": ("expected.toml", b'["*"]\nx = 3', ("run",)),
    "list: a table in a table": ("expected.toml", b'["*".x.y]\nz = 1', ("expected", "check")),
    "list: update of what is none": ("expected.toml", b"= 3", ("expected", "update", "good.jsonl")),
}


@pytest.mark.parametrize("kind", FILES)
def test_invalid_files(kind: str, say: Say) -> None:
    name, octets, words = FILES[kind]
    Path("good.jsonl").write_text(GOOD)
    Path(name).write_bytes(octets)
    assert name in error_of(say, *words)
