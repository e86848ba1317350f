"""The HTML report: a site of pages, or the same pages in a single file; complete without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wsconform.journal.journal import Journal

from ..columns import gather

__all__ = ["render"]


def render(journals: Sequence[Journal], folder: Path, path: Path | None, *, against: Sequence[Journal] = ()) -> Path:
    """Write the report and return the file that a person should open. Raises OSError.

    `path` may name a file ending in .html, which then holds everything, or a folder for a site; without it
    the site is in `report` under `folder`. With earlier journals `against` there is a page of what changed since.
    """
    # The entry point is loaded with every run; the templates, which take time, only for a report.
    from .write import write_single, write_site  # noqa: PLC0415

    gathered = gather(journals, against=against)
    if path is not None and path.suffix.lower() in (".html", ".htm"):
        return write_single(gathered, path)
    return write_site(gathered, path or folder / "report")
