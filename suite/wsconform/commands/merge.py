"""wsconform merge: journals of shards and of targets made one."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from ..prepare import values
from .options import Value, display_options


@click.command("merge", short_help="make one journal of several")
@click.argument("journals", nargs=-1, required=True, metavar="JOURNAL...", type=Value(values.PATH, "FILE"))
@click.option(
    "-o",
    "--out",
    default="merged.jsonl",
    type=Value(values.PATH, "FILE"),
    help="Where the journal goes; a folder gets journal.jsonl. Default: merged.jsonl.",
)
@click.option("--mixed", is_flag=True, help="Join what different catalogues judged, and targets that differ.")
@display_options
@click.pass_obj
def command(words: list[str], /, journals: Sequence[Path], out: Path, mixed: bool, **flags: object) -> None:
    """Join JOURNALs: the shards of a target, and targets that were tested apart.

    Of two results of one case the one in the JOURNAL named later counts, with a line that says so.
    """
    from ..console.style import Out
    from ..journal.journal import dumps
    from ..journal.merge import Source, merge
    from ..prepare import config
    from ..prepare.journals import command_word, journal_at
    from .output import output

    settings = config.settle(flags, os.environ, config.load())
    sources = [Source(str(path), journal_at(path)) for path in journals]
    merged = merge(sources, command_word(words), mixed=mixed)
    path = out / "journal.jsonl" if out.is_dir() else out
    _write(path, dumps(merged.journal))
    prose, style = output(settings)
    for remark in merged.remarks:
        Out(sys.stderr).line(style.text(remark))
    cases = sum(len(each.results) for each in merged.journal.targets)
    names = len(merged.journal.targets)
    prose.line(
        style.text(
            f"{path}: {names} target{'' if names == 1 else 's'}, {cases} result{'' if cases == 1 else 's'}"
            f" of {len(sources)} journal{'' if len(sources) == 1 else 's'}"
        )
    )


def _write(path: Path, text: str) -> None:
    """Put `text` at `path` in one step, so that a journal which is merged into itself is never half there."""
    from ..problem import Problem

    beside = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8", newline="\n")
        os.replace(beside, path)
    except OSError as problem:
        raise Problem(f"-o {path}: cannot be written: {problem.strerror}; name another file") from None
