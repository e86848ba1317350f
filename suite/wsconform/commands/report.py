"""wsconform report: write reports about recorded runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ..journal.renderers import make, wanted, writable_folder
from ..prepare import values
from ..prepare.journals import journal_at
from .options import Value


@click.command("report", short_help="write reports about recorded runs")
@click.argument("journals", nargs=-1, required=True, metavar="JOURNAL...", type=Value(values.PATH, "FILE"))
@click.option(
    "-r",
    "--report",
    "reports",
    multiple=True,
    metavar="KIND[=PATH]",
    help="Write this report: autobahn, badge, html, json, junit or md (repeatable).",
)
@click.option(
    "-o",
    "--out",
    default="wsconform-out",
    type=Value(values.PATH, "DIR"),
    help="Folder for reports without a PATH. Default: wsconform-out.",
)
@click.option(
    "--against",
    multiple=True,
    metavar="JOURNAL",
    type=Value(values.PATH, "FILE"),
    help="Earlier journal (repeatable): html shows the changes since, and keeps the columns of its targets.",
)
def command(journals: Sequence[Path], reports: Sequence[str], out: Path, against: Sequence[Path]) -> None:
    """Write reports about JOURNALs, with their targets side by side, and print the path of each."""
    if not reports:
        raise click.UsageError("no report is named; add -r KIND, such as -r html")
    documents = wanted(reports)
    read, earlier = ([journal_at(path) for path in paths] for paths in (journals, against))
    folder = out if all(document.path for document in documents) else writable_folder(out, "-o")
    for path in make(documents, read, folder, earlier):
        click.echo(str(path))
