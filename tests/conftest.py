"""What holds for every test: Hypothesis takes its time, and draws the same examples in every run; `say` is at hand.

The machine may be slow or shared, and a change is not to blame for an example that another run did not draw;
`WSCONFORM_EXPLORE=1` draws new ones.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.command import Say

settings.register_profile(
    "patient",
    deadline=None,
    derandomize="WSCONFORM_EXPLORE" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("patient")


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run the command in this process, in an empty folder; return exit code, stdout and stderr."""
    from wsconform.cli import main

    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("WSCONFORM_")] + ["COLUMNS", "FORCE_COLOR", "NO_COLOR"]:
        monkeypatch.delenv(name, raising=False)

    def said(*words: str) -> tuple[int, str, str]:
        code = main(words)
        told = capsys.readouterr()
        return int(code), told.out, told.err

    return said
