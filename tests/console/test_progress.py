"""Progress bars on a terminal: their counts, and their removal."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import CASES, TakesAnyMask, environment, serving, wsconform
from tests.support.journals import result
from wsconform.console.progress import Bars
from wsconform.console.style import Style
from wsconform.evidence.result import Verdict

FAILED = result(case="a.b", verdict=Verdict.FAILED)
SHOWN, HIDDEN = "\x1b[?25h", "\x1b[?25l"


def drawn(style: Style, name: str = "echo-go") -> str:
    """Return the terminal output of bars for a pass and a failure out of three cases."""
    stream = io.StringIO()
    bars = Bars(stream, style)
    bars.begin(name, 3)
    bars.count(name, result())
    bars.count(name, FAILED)
    bars.count("another", FAILED)
    bars.clear()
    bars.clear()
    return stream.getvalue()


def test_a_bar_shows_the_progress_and_the_findings() -> None:
    text = drawn(Style(color=True))
    assert "echo-go" in text
    assert "2 of 3" in text
    assert "1 ✗" in text
    assert "\x1b[31m" in text


def test_bars_are_removed_and_the_cursor_is_shown_again() -> None:
    text = drawn(Style())
    assert text.index(HIDDEN) < text.rindex(SHOWN)
    assert text.endswith("\x1b[2K")


def test_bars_in_ascii() -> None:
    text = drawn(Style(ascii=True))
    assert text.isascii()
    assert "1 F" in text


@pytest.mark.parametrize("name", ["\x1b[2Jred", "[red]x[/red]", "a\nb", "\u202ereversed", "x" * 200])
def test_a_hostile_target_name_is_escaped(name: str) -> None:
    text = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", drawn(Style(), name))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert all(len(line) <= 81 for line in re.split(r"[\r\n]", text))
    if name.startswith("["):
        assert name in text


def on_a_terminal(*words: str, folder: Path, **env: str) -> tuple[int, str]:
    """Run the command with a terminal as its stderr; return exit code and terminal output."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "wsconform", *words],
        cwd=folder,
        env=environment(TERM="xterm", **env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        got = b""
        # At the other end's close a terminal gives an error instead of an end.
        while chunk := _read(ours):
            got += chunk
    os.close(ours)
    return process.returncode, got.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


def test_bars_are_drawn_only_on_a_terminal(tmp_path: Path) -> None:
    with serving(TakesAnyMask) as port:
        address = f"ws://127.0.0.1:{port}/"
        code, text = on_a_terminal("run", address, *CASES, folder=tmp_path)
        assert code == 1
        assert "6 of 6" in text
        assert "5 ✗" in text
        assert text.rindex(SHOWN) > text.rindex(HIDDEN)
        assert on_a_terminal("run", address, *CASES, "-q", folder=tmp_path) == (1, "")
        assert wsconform("run", address, *CASES, folder=tmp_path).err == ""


def test_the_cursor_is_shown_again_if_the_target_is_missing(tmp_path: Path) -> None:
    code, text = on_a_terminal("run", "ws://127.0.0.1:1/", *CASES, folder=tmp_path)
    assert code == 3
    assert HIDDEN not in text or text.rindex(SHOWN) > text.rindex(HIDDEN)
