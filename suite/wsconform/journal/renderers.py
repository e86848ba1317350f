"""Documents made of journals: the kinds that entry points of group `wsconform.reports` name, asked for with `-r`."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..problem import Exit, Problem, meant

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from .journal import Journal

__all__ = ["Wanted", "make", "wanted", "writable_folder"]

ENTRY_POINTS = "wsconform.reports"

#: Called with the journals, the folder for what has no path, and the path if there is one.
Render = Callable[..., Path]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A document to be made: its kind, and where it goes if that was said."""

    kind: str
    path: Path | None
    point: EntryPoint


def wanted(words: Sequence[str]) -> list[Wanted]:
    """Read `KIND` or `KIND=PATH`, each of `words`; raises Problem for a kind that there is not, or a path in vain."""
    if not words:
        return []
    from importlib.metadata import entry_points

    points: Mapping[str, EntryPoint] = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    return [_one(word, points) for word in words]


def _one(word: str, points: Mapping[str, EntryPoint]) -> Wanted:
    kind, equals, place = word.partition("=")
    if kind not in points:
        raise Problem(f"-r {word}: there is no report of this kind{meant(kind, sorted(points), listed=True)}")
    if equals and not place:
        raise Problem(f"-r {word}: there is no path behind the equals sign; write -r {kind} or -r {kind}=PATH")
    path = Path(place).expanduser() if place else None
    if path is not None:
        _check_folder(path.parent, f"-r {word}")
    return Wanted(kind, path, points[kind])


def writable_folder(folder: Path, flag: str) -> Path:
    """Make `folder` where it is not there yet; raises Problem, which names `flag`, where nothing can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise Problem(f"{flag} {folder}: cannot be made: {problem.strerror}; name another folder") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Problem(f"{flag} {folder}: nothing can be written there; name another folder")
    return folder


def _check_folder(folder: Path, flag: str) -> None:
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise Problem(f"{flag}: nothing can be written to {folder}; name another path")


def make(
    documents: Sequence[Wanted], journals: Sequence[Journal], folder: Path, against: Sequence[Journal] = ()
) -> list[Path]:
    """Make every document, in `folder` unless it has a path of its own; return where they are. Raises Problem.

    Earlier journals `against` go to renderers with a parameter of that name; others tell of `journals` alone.
    """
    return [_make(document, journals, folder, against) for document in documents]


def _make(document: Wanted, journals: Sequence[Journal], folder: Path, against: Sequence[Journal]) -> Path:
    try:
        render: Render = document.point.load()
    except (ImportError, AttributeError) as problem:
        raise Problem(f"-r {document.kind}: its renderer cannot be loaded: {problem}", Exit.SUITE) from None
    try:
        if against and "against" in inspect.signature(render).parameters:
            return render(journals, folder, document.path, against=against)
        return render(journals, folder, document.path)
    except IsADirectoryError:
        raise Problem(f"-r {document.kind}={document.path}: that is a folder; name a file in it") from None
    except OSError as problem:
        where = problem.filename or document.path or folder
        raise Problem(f"-r {document.kind}: {where}: cannot be written: {problem.strerror}") from None
