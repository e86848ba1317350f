"""The style of output: marks, colours, width, and the characters that the encoding of a stream can express."""

from __future__ import annotations

import contextlib
import os
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from .. import escape
from ..evidence.result import Mark

__all__ = ["Out", "Style"]

_CODES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "magenta": "35",
    "cyan": "36",
}
_MARK_COLORS = {
    Mark.PASSED: "green",
    Mark.VIOLATION: "red",
    Mark.DEPARTURE: "yellow",
    Mark.INFORMATIONAL: "cyan",
    Mark.INCONCLUSIVE: "magenta",
    Mark.SKIPPED: "dim",
    Mark.ERROR: "red",
}
_NARROWEST, _WIDEST = 60, 120


@dataclass(frozen=True, slots=True)
class Style:
    """The style for a stream: whether ANSI colours are used, whether only ASCII, and the width of lines in columns."""

    color: bool = False
    ascii: bool = False
    width: int = 80

    @classmethod
    def of(cls, stream: TextIO, environment: Mapping[str, str], *, color: str = "auto", ascii: bool = False) -> Style:
        """Return the style for `stream`; `color` (auto, always or never) overrides the environment."""
        encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "").replace("_", "")
        return cls(
            _wants_color(stream, environment, color),
            ascii or encoding not in ("utf8", "utf8sig", "cp65001"),
            _width(stream, environment),
        )

    @property
    def separator(self) -> str:
        """The separator between parts of a line."""
        return " - " if self.ascii else " · "

    def mark(self, mark: Mark) -> str:
        """Return `mark` in its colour."""
        return self.paint(mark.ascii if self.ascii else mark.symbol, _MARK_COLORS[mark])

    def paint(self, text: str, *names: str) -> str:
        """Return `text`, which is already escaped, in colour. No meaning may depend on the colour."""
        if not self.color or not text:
            return text
        return f"\x1b[{';'.join(_CODES[name] for name in names)}m{text}\x1b[0m"

    def text(self, text: str) -> str:
        """Return the untrusted `text` escaped for the terminal."""
        return escape.terminal(text, ascii=self.ascii)

    def cut(self, text: str, width: int) -> str:
        """Return `text`, which is already escaped, cut to at most `width` columns."""
        if len(text) <= width:
            return text
        dots = "..." if self.ascii else "…"
        return text[: max(0, width - len(dots))] + dots

    def wrapped(self, text: str, indent: int, *, first: str = "") -> list[str]:
        """Return the untrusted `text` escaped and wrapped into lines, indented by `indent` columns.

        The first line begins with `first`, which is already escaped; the others are aligned with its text.
        """
        rest = " " * max(indent, len(first))
        lines = textwrap.wrap(
            self.text(text),
            self.width,
            initial_indent=first or rest,
            subsequent_indent=rest,
            break_on_hyphens=False,
        )
        return lines or [first.rstrip()]


def _wants_color(stream: TextIO, environment: Mapping[str, str], color: str) -> bool:
    if color != "auto":
        return color == "always"
    if environment.get("NO_COLOR"):
        return False
    if (forced := environment.get("FORCE_COLOR")) is not None:
        return forced not in ("", "0", "false")
    return environment.get("TERM") != "dumb" and is_terminal(stream)


def is_terminal(stream: TextIO) -> bool:
    """Return whether `stream` is a terminal."""
    with contextlib.suppress(ValueError, AttributeError):
        return stream.isatty()
    return False


def _width(stream: TextIO, environment: Mapping[str, str]) -> int:
    columns = environment.get("COLUMNS", "")
    if columns.isdecimal() and int(columns):
        return min(max(int(columns), _NARROWEST), _WIDEST)
    if not is_terminal(stream):
        return 80
    try:
        columns_there = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return 80
    return min(max(columns_there, _NARROWEST), _WIDEST)


class Out:
    """A stream for lines. If its reader goes away, later lines are dropped without an error."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._gone = False

    def line(self, text: str = "") -> None:
        """Write a line."""
        self.write(text + "\n")

    def write(self, text: str) -> None:
        """Write `text` unchanged."""
        if self._gone:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except BrokenPipeError:
            self._gone = True
            # The interpreter flushes the stream once more at its end and would report the error.
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
