"""The action and the example workflow, read and executed as a workflow runner does."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.support.command import CASES, TakesAnyMask, environment, serving

ROOT = Path(__file__).parents[2]
ACTION: Any = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: Any = {step.get("id", "upload"): step for step in ACTION["runs"]["steps"]}


def filled(text: str, known: dict[str, str]) -> str:
    return re.sub(r"\$\{\{ *([\w.-]+) *\}\}", lambda found: known[found[1]], text)


def run(folder: Path, **inputs: str) -> tuple[int, str, dict[str, str]]:
    """Run the action's step `run` in `folder`; return its exit code, its printed output, and its outputs."""
    temp = folder / "runner"
    (temp / "wsconform/bin").mkdir(parents=True)
    program = temp / "wsconform/bin/wsconform"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m wsconform "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    known = {f"inputs.{name}": inputs.get(name, each["default"]) for name, each in ACTION["inputs"].items()}
    known["runner.temp"] = str(temp)
    step = STEPS["run"]
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder / filled(step["working-directory"], known),
        env={
            **environment(),
            **{name: filled(value, known) for name, value in step["env"].items()},
            "RUNNER_TEMP": str(temp),
            "GITHUB_OUTPUT": str(temp / "output"),
            "GITHUB_ACTIONS": "true",
            "GITHUB_STEP_SUMMARY": str(temp / "summary"),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = (temp / "output").read_text(encoding="utf-8").splitlines()
    return done.returncode, done.stdout + done.stderr, dict(line.split("=", 1) for line in lines)


def test_the_step_succeeds_for_a_conforming_server(tmp_path: Path) -> None:
    with serving() as port:
        code, out, outputs = run(tmp_path, targets=f"ws://127.0.0.1:{port}/", arguments=" ".join(CASES))
    assert (code, outputs) == (0, {"exit-code": "0"}), out
    left = {path.name for path in (tmp_path / "runner/wsconform-out").iterdir()}
    assert left >= {"journal.jsonl", "report", "junit.xml"}


def test_a_violation_fails_the_step_with_an_annotation(tmp_path: Path) -> None:
    with serving(TakesAnyMask) as port:
        code, out, outputs = run(tmp_path, targets=f"ws://127.0.0.1:{port}/", arguments=" ".join(CASES))
    assert (code, outputs) == (1, {"exit-code": "1"})
    assert "::error title=" in out
    assert "A frame masked against the rule of its direction" in (tmp_path / "runner/summary").read_text(
        encoding="utf-8"
    )
    assert (tmp_path / "runner/wsconform-out/journal.jsonl").is_file()


def test_the_shell_passes_configured_targets_and_patterns_unchanged(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below/masking.would-match").touch()
    with serving() as port:
        table = f'[targets.echo]\nurl = "ws://127.0.0.1:{port}/"\n'
        (tmp_path / "below/wsconform.toml").write_text(table, encoding="utf-8")
        code, out, _ = run(tmp_path, arguments="-c masking.* -x limits.*", reports="", **{"working-directory": "below"})
    assert code == 0, out
    assert "masking" in out


def test_a_wrong_option_is_reported_by_the_command(tmp_path: Path) -> None:
    code, out, outputs = run(tmp_path, arguments="--profil quick")
    assert (code, outputs) == (2, {"exit-code": "2"})
    assert "--profil: there is no such option" in out


def test_journal_and_reports_are_always_uploaded() -> None:
    assert STEPS["upload"]["if"].startswith("always()")
    assert STEPS["run"]["env"]["OUT"] == STEPS["upload"]["with"]["path"]
    assert list(STEPS) == ["python", "install", "run", "upload"]


@pytest.mark.parametrize("step", ["install", "run"])
def test_scripts_contain_no_expanded_input(step: str) -> None:
    assert "${{" not in STEPS[step]["run"]


def test_the_example_workflow_uses_existing_inputs() -> None:
    workflow: Any = yaml.safe_load((ROOT / "docs/examples/workflow.yml").read_text(encoding="utf-8"))
    uses = [step for job in workflow["jobs"].values() for step in job["steps"] if "wsconform" in step.get("uses", "")]
    assert len(uses) == 2
    assert {name for step in uses for name in step["with"]} <= set(ACTION["inputs"])


def test_scripts_use_only_variables_of_the_step_and_the_runner() -> None:
    script = STEPS["run"]["run"] + STEPS["install"]["run"]
    used = set(re.findall(r"\$([A-Z_]+)", script))
    own = {*STEPS["run"]["env"], *STEPS["install"]["env"]}
    assert used - own == {"RUNNER_TEMP", "GITHUB_OUTPUT"}
    assert os.path.isabs(sys.executable)
