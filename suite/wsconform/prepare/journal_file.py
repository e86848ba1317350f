"""The outputs of a run's journal: its file, and a copy on stdout."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from ..console.style import Out
from ..problem import Problem

__all__ = ["JournalFile", "StdoutCopy"]


class JournalFile:
    """The file of a journal; an error at any time becomes a Problem that names the file."""

    def __init__(self, path: Path) -> None:
        """Create or empty the file at `path`; raises Problem."""
        self._path = path
        with self._problems():
            self._file = path.open("w", encoding="utf-8", newline="\n")

    def write(self, text: str) -> int:
        """Write `text`; raises Problem."""
        with self._problems():
            return self._file.write(text)

    def flush(self) -> None:
        """Pass all text written so far to the system; raises Problem."""
        with self._problems():
            self._file.flush()

    def close(self) -> None:
        """Close the file. Errors are ignored: every record was flushed, and a failed flush has raised already."""
        with contextlib.suppress(OSError):
            self._file.close()

    @contextlib.contextmanager
    def _problems(self) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            text = f"{self._path}: cannot be written: {problem.strerror}; name another folder with -o"
            raise Problem(text) from None


class StdoutCopy:
    """A copy of the journal on stdout; if its reader goes away, the copy ends and the run continues."""

    def __init__(self, out: Out) -> None:
        self._out = out

    def write(self, text: str) -> int:
        """Write `text`, unless the reader has gone away."""
        self._out.write(text)
        return len(text)

    def flush(self) -> None:
        """Do nothing: `Out` flushes every line."""
