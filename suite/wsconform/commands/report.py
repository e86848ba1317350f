"""wsconform report: documents made of journals that earlier runs left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ..prepare import values
from .options import Value


@click.command("report", short_help="make documents of journals")
@click.argument("journals", nargs=-1, required=True, metavar="JOURNAL...", type=Value(values.PATH, "FILE"))
@click.option(
    "-r",
    "--report",
    "reports",
    multiple=True,
    metavar="KIND[=PATH]",
    help="autobahn, badge, html, json, junit, md.",
)
@click.option(
    "-o",
    "--out",
    default="wsconform-out",
    type=Value(values.PATH, "DIR"),
    help="Folder for what has no path. Default: wsconform-out.",
)
@click.option(
    "--against",
    multiple=True,
    metavar="JOURNAL",
    type=Value(values.PATH, "FILE"),
    help="Earlier journal (repeatable): html tells what changed since, and keeps the columns of its targets.",
)
def command(journals: Sequence[Path], reports: Sequence[str], out: Path, against: Sequence[Path]) -> None:
    """Make documents of JOURNALs, their targets side by side; print where each is."""
    from ..journal.renderers import make, wanted, writable_folder
    from ..prepare.journals import journal_at

    if not reports:
        raise click.UsageError("there is nothing to make; add -r KIND, such as -r html")
    documents = wanted(reports)
    gathered, earlier = ([journal_at(path) for path in paths] for paths in (journals, against))
    folder = out if all(document.path for document in documents) else writable_folder(out, "-o")
    for path in make(documents, gathered, folder, earlier):
        click.echo(str(path))
