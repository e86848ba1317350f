"""wsconform report: the changes with --against, and existing folders."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from tests.support import journals
from tests.support.command import Say
from wsconform.evidence.result import Verdict
from wsconform.journal.journal import dumps


def saved(path: Path, verdict: Verdict, start: str) -> str:
    created = journals.journal((journals.target(), [journals.result("a.x", verdict=verdict)]))
    created = replace(created, header=replace(created.header, start=f"{start}T09:30:00Z"))
    path.write_text(dumps(created), encoding="utf-8")
    return str(path)


def test_against_an_earlier_journal_there_is_a_page_of_changes(say: Say, tmp_path: Path) -> None:
    now = saved(tmp_path / "now.jsonl", Verdict.FAILED, "2027-01-12")
    before = saved(tmp_path / "before.jsonl", Verdict.PASSED, "2027-01-05")
    code, out, _ = say(
        "report", now, "--against", before, "-r", f"html={tmp_path}/site", "-r", f"json={tmp_path}/s.json"
    )
    assert (code, out.splitlines()) == (0, [f"{tmp_path}/site/index.html", f"{tmp_path}/s.json"])
    assert "Newly violated" in (tmp_path / "site" / "changes.html").read_text(encoding="utf-8")
    # The folder is there already, and may be named again.
    assert say("report", now, "-r", f"html={tmp_path}/site")[0] == 0


def test_a_missing_earlier_journal_is_reported_in_one_line(say: Say, tmp_path: Path) -> None:
    now = saved(tmp_path / "now.jsonl", Verdict.FAILED, "2027-01-12")
    code, _, err = say("report", now, "--against", "gone.jsonl", "-r", "html")
    assert code == 2
    assert "gone.jsonl: cannot be read" in err
    assert len(err.splitlines()) == 1


def test_a_folder_instead_of_a_file_is_reported_in_one_line(say: Say, tmp_path: Path) -> None:
    now = saved(tmp_path / "now.jsonl", Verdict.FAILED, "2027-01-12")
    code, _, err = say("report", now, "-r", f"junit={tmp_path}")
    assert (code, err) == (2, f"-r junit={tmp_path}: is a folder; name a file in it\n")


def test_a_badge_is_written_to_the_named_file(say: Say, tmp_path: Path) -> None:
    now = saved(tmp_path / "now.jsonl", Verdict.FAILED, "2027-01-12")
    code, out, _ = say("report", now, "-r", f"badge={tmp_path}/ws.json")
    assert (code, out) == (0, f"{tmp_path}/ws.json\n")
    assert json.loads((tmp_path / "ws.json").read_bytes())["message"] == "MUST 0/1"
