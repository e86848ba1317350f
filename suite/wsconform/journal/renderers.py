"""Reports (`-r KIND`): entry points of the group `wsconform.reports` render journals into files."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from ..problem import Exit, Problem, meant

if TYPE_CHECKING:
    from .journal import Journal

__all__ = ["Wanted", "make", "wanted", "writable_folder"]

#: The group of entry points that name renderers; the name of an entry point is the kind of report.
ENTRY_POINTS = "wsconform.reports"

#: Called with the journals, the default folder, and the path of the report or None. Returns the path written.
Render = Callable[..., Path]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A report to write: its kind, its path if the user named one, and the entry point of its renderer."""

    kind: str
    path: Path | None
    point: EntryPoint


def wanted(words: Sequence[str]) -> list[Wanted]:
    """Parse `words`, each `KIND` or `KIND=PATH`; raises Problem for an unknown kind and for an unusable path."""
    if not words:
        return []
    points: Mapping[str, EntryPoint] = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    return [_one(word, points) for word in words]


def _one(word: str, points: Mapping[str, EntryPoint]) -> Wanted:
    kind, equals, place = word.partition("=")
    if kind not in points:
        raise Problem(f"-r {word}: unknown kind of report{meant(kind, sorted(points), listed=True)}")
    if equals and not place:
        raise Problem(f"-r {word}: the path after the equals sign is missing; write -r {kind} or -r {kind}=PATH")
    path = Path(place).expanduser() if place else None
    if path is not None:
        _check_folder(path.parent, f"-r {word}")
    return Wanted(kind, path, points[kind])


def writable_folder(folder: Path, flag: str) -> Path:
    """Create `folder` unless it exists, and return it; raises Problem, which names `flag`, if it is not writable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise Problem(f"{flag} {folder}: cannot be created: {problem.strerror}; name another folder") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Problem(f"{flag} {folder}: is not writable; name another folder")
    return folder


def _check_folder(folder: Path, flag: str) -> None:
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise Problem(f"{flag}: {folder} is not writable; name another path")


def make(
    documents: Sequence[Wanted], journals: Sequence[Journal], folder: Path, against: Sequence[Journal] = ()
) -> list[Path]:
    """Render `journals` into each of `documents`, in `folder` unless it has its own path, and return the paths.

    Renderers with a parameter `against` get the earlier journals too, to compare with. Raises Problem.
    """
    return [_make(document, journals, folder, against) for document in documents]


def _make(document: Wanted, journals: Sequence[Journal], folder: Path, against: Sequence[Journal]) -> Path:
    try:
        renderer: Render = document.point.load()
    except (ImportError, AttributeError) as problem:
        raise Problem(f"-r {document.kind}: its renderer cannot be loaded: {problem}", Exit.SUITE) from None
    try:
        if against and "against" in inspect.signature(renderer).parameters:
            return renderer(journals, folder, document.path, against=against)
        return renderer(journals, folder, document.path)
    except IsADirectoryError:
        raise Problem(f"-r {document.kind}={document.path}: is a folder; name a file in it") from None
    except OSError as problem:
        where = f"-r {document.kind}: {problem.filename or document.path or folder}"
        raise Problem(f"{where}: cannot be written: {problem.strerror}; name another path") from None
