"""wsconform merge: join the journals of shards and of several targets into one."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from ..console.style import Out
from ..journal.journal import dumps
from ..journal.merge import Source, merge
from ..prepare import config, values
from ..prepare.journals import command_line, journal_at
from ..problem import Problem
from ..words import counted
from .options import Value, display_options
from .output import output


@click.command("merge", short_help="join several journals into one")
@click.argument("journals", nargs=-1, required=True, metavar="JOURNAL...", type=Value(values.PATH, "FILE"))
@click.option(
    "-o",
    "--out",
    default="merged.jsonl",
    type=Value(values.PATH, "FILE"),
    help="The journal to write; in a folder, journal.jsonl. Default: merged.jsonl.",
)
@click.option(
    "--mixed", is_flag=True, help="Also join journals of different catalogues, and targets of one name that differ."
)
@display_options
@click.pass_obj
def command(words: list[str], /, journals: Sequence[Path], out: Path, mixed: bool, **flags: object) -> None:
    """Join JOURNALs of the shards of one target, or of targets that were tested in several runs.

    If two JOURNALs have a result for the same case, the later argument counts, and a warning is printed.
    """
    settings = config.settle(flags, os.environ, config.load())
    sources = [Source(str(path), journal_at(path)) for path in journals]
    merged = merge(sources, command_line(words), mixed=mixed)
    path = out / "journal.jsonl" if out.is_dir() else out
    _write(path, dumps(merged.journal))
    text_out, style = output(settings)
    for remark in merged.remarks:
        Out(sys.stderr).line(style.text(remark))
    cases = sum(len(each.results) for each in merged.journal.targets)
    names = len(merged.journal.targets)
    text_out.line(
        style.text(
            f"{path}: {counted(names, 'target')}, {counted(cases, 'result')} of {counted(len(sources), 'journal')}"
        )
    )


def _write(path: Path, text: str) -> None:
    """Replace the file at `path` in one step, so that it is complete at any time even if it is also an argument."""
    beside = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8", newline="\n")
        os.replace(beside, path)
    except OSError as problem:
        raise Problem(f"-o {path}: cannot be written: {problem.strerror}; name another file") from None
