"""GitHub Actions: job summary and annotations, from the real command and from outcomes made up."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.command import CASE, CASES, TakesAnyMask, serving, wsconform
from tests.support.journals import result
from wsconform.console.github import MOST, annotate, line_of, summarize
from wsconform.evidence.result import Finding, Verdict
from wsconform.journal.gate import FailOn, Policy, TargetOutcome
from wsconform.problem import Problem
from wsconform.registry.registry import load_registry


def environment(folder: Path) -> dict[str, str]:
    return {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(folder / "step.md")}


def violated(number: int) -> TargetOutcome:
    """A target with so many distinct findings."""
    outcome = TargetOutcome(name="echo")
    for each in range(number):
        outcome.record(
            replace(
                result(case=f"area.case_{each}", verdict=Verdict.FAILED),
                finding=Finding("no frame", f"a frame of kind {'abcdefghijklmnopqrstuvwxyz'[each]}"),
            )
        )
    return outcome


def test_a_step_gets_its_summary_and_an_annotation_at_the_targets_line(tmp_path: Path) -> None:
    (tmp_path / "step.md").write_text("what an earlier command said\n", encoding="utf-8")
    with serving(TakesAnyMask) as port:
        table = f'profile = "quick"\n\n[targets.echo-go]\nurl = "ws://127.0.0.1:{port}/"\n'
        (tmp_path / "wsconform.toml").write_text(table, encoding="utf-8")
        done = wsconform("run", *CASES, folder=tmp_path, env=environment(tmp_path))
    assert done.code == 1
    line, *others = [line for line in done.out.splitlines() if line.startswith("::")]
    assert len(others) == 2
    head, text = re.fullmatch(r"::error file=wsconform.toml,line=3,title=([^:]*)::(.*)", line).groups()  # type: ignore[union-attr]
    assert head.startswith("echo-go%3A violation%3A A frame masked against")
    assert text.startswith(f"{CASE} (RFC 6455 5.1 MUST)%0A")
    assert "%0Aexpected the connection to be failed; observed " in text
    summary = (tmp_path / "step.md").read_text(encoding="utf-8")
    assert summary.startswith("what an earlier command said\n## WebSocket conformance\n")
    assert "| echo-go |" in summary


def test_elsewhere_nothing_is_said(tmp_path: Path) -> None:
    with serving(TakesAnyMask) as port:
        done = wsconform("run", f"ws://127.0.0.1:{port}/", *CASES, folder=tmp_path)
    assert done.code == 1
    assert "::error" not in done.out


def test_a_target_that_is_not_there_is_annotated(tmp_path: Path) -> None:
    done = wsconform("run", "ws://127.0.0.1:1/", *CASES, folder=tmp_path, env=environment(tmp_path))
    assert done.code == 3
    assert "::error title=ws%3A//127.0.0.1%3A1/%3A not tested::" in done.out


def test_ten_annotations_are_the_most_and_the_last_counts_the_rest() -> None:
    registry = load_registry()
    assert len(annotate([violated(MOST)], Policy(), registry, None)) == MOST
    lines = annotate([violated(MOST + 5)], Policy(), registry, None)
    assert len(lines) == MOST
    assert lines[-1] == "::error::and 6 findings more: see the job summary and the reports"
    assert annotate([violated(3)], Policy(FailOn.NEVER), registry, None) == []


def test_a_targets_text_cannot_leave_its_annotation() -> None:
    outcome = TargetOutcome(name="a,b:c%\n::error::d")
    finding = Finding("x", "y\r\n::stop-commands::z\x1b[2J")
    outcome.record(replace(result(case="area.case", verdict=Verdict.FAILED), finding=finding))
    (line,) = annotate([outcome], Policy(), load_registry(), None)
    assert line.isprintable()
    assert line.startswith("::error title=a%2Cb%3Ac%25\\n%3A%3Aerror%3A%3Ad%3A violation%3A ")
    assert "y\\r\\n::stop-commands::z\\x1b[2J" in line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# head\n[targets.a]\n[targets.b]\n", 3),
        ('[targets."b"]\n', 1),
        ('x = 1\n[tool.wsconform]\n[tool.wsconform.targets.b] # mine\nurl = "ws://h/"\n', 3),
        ('[targets]\nb = { url = "ws://h/" }\n', 1),
        ("[[\n[targets.b]\n", 2),
        ("", 1),
    ],
)
def test_the_line_of_a_target_is_found(text: str, line: int, tmp_path: Path) -> None:
    path = tmp_path / "wsconform.toml"
    path.write_text(text, encoding="utf-8")
    assert line_of("b", path) == line
    assert line_of("b", tmp_path / "none.toml") == 1


def test_a_summary_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    assert summarize([], tmp_path, {}) is None
    with pytest.raises(Problem, match=r"GITHUB_STEP_SUMMARY: .* cannot be written: Is a directory"):
        summarize([], tmp_path, {"GITHUB_STEP_SUMMARY": str(tmp_path)})
