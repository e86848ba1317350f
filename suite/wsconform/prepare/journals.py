"""Reading journals named on the command line, and the header of a new one."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..problem import Problem

if TYPE_CHECKING:
    from ..journal.journal import Journal, TargetResults


def journal_at(path: Path) -> Journal:
    """Return the journal at `path`, a file or the folder that a run wrote it into; raises Problem."""
    from ..journal.journal import JournalError, read

    try:
        return read(path / "journal.jsonl" if path.is_dir() else path)
    except JournalError as problem:
        raise Problem(str(problem)) from None
    except OSError as problem:
        raise Problem(f"{path}: cannot be read: {problem.strerror}; name a journal.jsonl that a run wrote") from None


def target_in(journal: Journal, path: Path, name: str | None) -> TargetResults:
    """Return the target called `name` of the journal at `path`, or the only one without a name; raises Problem."""
    from ..problem import meant

    names = [each.target.name for each in journal.targets]
    if not names:
        raise Problem(f"{path}: no target was tested in this run; name another journal")
    if name is None and len(names) > 1:
        few = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        raise Problem(f"{path}: has {len(names)} targets; name one with --target: {few}")
    if name is not None and name not in names:
        raise Problem(f"{path}: has no target {name}{meant(name, names, listed=True)}")
    return journal.targets[0 if name is None else names.index(name)]


def command_word(words: object) -> str:
    """Return the command line as the journal keeps it."""
    from ..journal.redact import masked_command

    return masked_command(["wsconform", *(words if isinstance(words, list) else [])])


def platform() -> str:
    """Return the system and the interpreter that the suite runs on."""
    system = os.uname()
    version = ".".join(map(str, sys.version_info[:3]))
    return f"{system.sysname} {system.machine}, {sys.implementation.name} {version}"


def now() -> str:
    """Return the time, to the second, in UTC."""
    import time

    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
