"""Journals named on the command line, and the facts about this process in the header of a new journal."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from ..journal.journal import Journal, JournalError, TargetResults, read
from ..journal.redact import masked_command
from ..problem import Problem, meant

__all__ = ["command_line", "journal_at", "now", "platform", "target_in"]


def journal_at(path: Path) -> Journal:
    """Return the journal at `path`, which is a file or the folder of a run; raises Problem."""
    try:
        return read(path / "journal.jsonl" if path.is_dir() else path)
    except JournalError as problem:
        raise Problem(str(problem)) from None
    except OSError as problem:
        raise Problem(f"{path}: cannot be read: {problem.strerror}; name a journal.jsonl that a run wrote") from None


def target_in(journal: Journal, path: Path, name: str | None) -> TargetResults:
    """Return the results of the target called `name` in the journal at `path`; without a name, of its only target.

    Raises Problem if there is no such target, or if there are several and no name.
    """
    names = [each.target.name for each in journal.targets]
    if not names:
        raise Problem(f"{path}: no target was tested in this run; name another journal")
    if name is None and len(names) > 1:
        few = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        raise Problem(f"{path}: has {len(names)} targets; name one with --target: {few}")
    if name is not None and name not in names:
        raise Problem(f"{path}: has no target {name}{meant(name, names, listed=True)}")
    return journal.targets[0 if name is None else names.index(name)]


def command_line(words: object) -> str:
    """Return the command line with the arguments `words` as a journal keeps it: secrets are masked."""
    return masked_command(["wsconform", *(words if isinstance(words, list) else [])])


def platform() -> str:
    """Return the system and the interpreter that wsconform runs on."""
    system = os.uname()
    version = ".".join(map(str, sys.version_info[:3]))
    return f"{system.sysname} {system.machine}, {sys.implementation.name} {version}"


def now() -> str:
    """Return the time in UTC, to the second, as in RFC 3339."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
