"""Settings and fixtures for all tests.

Hypothesis has no deadline, because the machine may be slow, and uses the same examples in every run, so that a failure
belongs to the change under test; `WSCONFORM_EXPLORE=1` generates new examples. Tests do not depend on the CI system or
the terminal in which they run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.command import SURROUNDINGS, Say
from wsconform.cli import main

settings.register_profile(
    "patient",
    deadline=None,
    derandomize="WSCONFORM_EXPLORE" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def nowhere() -> Iterator[None]:
    """Remove the variables of CI systems and terminals from the environment; a test sets those that it needs."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(SURROUNDINGS)]:
            patch.delenv(name)
        yield


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run the command in this process, in an empty folder; return exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("WSCONFORM_")]:
        monkeypatch.delenv(name)

    def run(*words: str) -> tuple[int, str, str]:
        code = main(words)
        captured = capsys.readouterr()
        return int(code), captured.out, captured.err

    return run
