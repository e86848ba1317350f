"""Where a run's journal goes: its file, and a copy on stdout."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from ..console.style import Out
from ..problem import Problem

__all__ = ["Copy", "JournalFile"]


class JournalFile:
    """The journal as a file: what cannot be written to it is a Problem that names it, wherever in a run it happens."""

    def __init__(self, path: Path) -> None:
        """Open the file at `path` anew; raises Problem."""
        self._path = path
        with self._told():
            self._file = path.open("w", encoding="utf-8", newline="\n")

    def write(self, text: str) -> int:
        """Write `text`; raises Problem."""
        with self._told():
            return self._file.write(text)

    def flush(self) -> None:
        """Hand what was written to the system; raises Problem."""
        with self._told():
            self._file.flush()

    def close(self) -> None:
        """Close the file; every record was flushed, and what was refused has been told."""
        with contextlib.suppress(OSError):
            self._file.close()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            text = f"{self._path}: cannot be written: {problem.strerror}; name another folder with -o"
            raise Problem(text) from None


class Copy:
    """The journal's copy on stdout; a reader who went away ends the copy, not the run."""

    def __init__(self, out: Out) -> None:
        self._out = out

    def write(self, text: str) -> int:
        self._out.write(text)
        return len(text)

    def flush(self) -> None:
        """Every line is flushed as it is written."""
