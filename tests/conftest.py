"""What holds for every test: Hypothesis takes its time, and draws the same examples in every run; `say` is at hand.

Whether the tests themselves run in CI or on a narrow terminal is the concern of none of them.

The machine may be slow or shared, and a change is not to blame for an example that another run did not draw;
`WSCONFORM_EXPLORE=1` draws new ones.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.command import SURROUNDINGS, Say

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
    """Take from the environment what says where the tests run; a test that is about it sets what it needs."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(SURROUNDINGS)]:
            patch.delenv(name)
        yield


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run the command in this process, in an empty folder; return exit code, stdout and stderr."""
    from wsconform.cli import main  # noqa: PLC0415

    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("WSCONFORM_")]:
        monkeypatch.delenv(name)

    def said(*words: str) -> tuple[int, str, str]:
        code = main(words)
        told = capsys.readouterr()
        return int(code), told.out, told.err

    return said
