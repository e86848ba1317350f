"""The HTML report: a site of pages, or the same pages in a single file. It is complete without scripts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wsconform.journal.journal import Journal

from ..columns import gather
from .write import write_single, write_site

__all__ = ["render"]


def render(journals: Sequence[Journal], folder: Path, path: Path | None, *, against: Sequence[Journal] = ()) -> Path:
    """Write the report and return the file to open. Raises OSError.

    A `path` that ends in .html or .htm becomes a single file with all pages; any other `path` becomes the folder of a
    site. Without a `path` the site is `report` in `folder`. With earlier journals `against` the report has a page with
    the changes since then.
    """
    gathered = gather(journals, against=against)
    if path is not None and path.suffix.lower() in (".html", ".htm"):
        return write_single(gathered, path)
    return write_site(gathered, path or folder / "report")
