"""wsconform export: a recorded case as a script, shell lines, a hex dump or a packet capture."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import click

from ..catalogue.selection import matches
from ..evidence.result import Result
from ..journal.journal import TargetRecord, TargetResults
from ..prepare import values
from ..prepare.journals import journal_at, target_in
from ..problem import Exit, Problem, meant
from .options import Value

#: The group of entry points whose names are the kinds of export.
ENTRY_POINTS = "wsconform.exports"

_KINDS = ("python", "netcat", "hex", "pcapng")

#: Renders a result of a target as octets; the text is the start of the run (RFC 3339). Raises ValueError.
Render = Callable[[TargetRecord, Result, str], bytes]


@click.command("export", short_help="write a recorded case as a script or a capture")
@click.argument("journal", metavar="JOURNAL", type=Value(values.PATH, "FILE"))
@click.argument("case", metavar="CASE")
@click.option(
    "--as",
    "kind",
    default="python",
    metavar="|".join(_KINDS),
    help="python: a script without dependencies; netcat: shell lines; hex: a dump; pcapng: a capture for Wireshark."
    " Default: python.",
)
@click.option("--target", metavar="NAME", help="The target in the journal. Default: the only one.")
@click.option("-o", "--out", type=Value(values.PATH, "FILE"), help="The file to write. Default: stdout.")
def command(journal: Path, case: str, kind: str, target: str | None, out: Path | None) -> None:
    """Write the octets of CASE, as recorded in JOURNAL, in a form for other tools.

    A case with long messages has to be run with --whole first, because a journal keeps only parts of them.
    """
    render = _renderer(kind)
    read = journal_at(journal)
    column = target_in(read, journal, target)
    result = _result(column, journal, case)
    try:
        octets = render(column.target, result, read.header.start)
    except ValueError as problem:
        raise Problem(str(problem)) from None
    if out is not None:
        try:
            out.write_bytes(octets)
        except OSError as problem:
            raise Problem(f"-o {out}: cannot be written: {problem.strerror}; name another file") from None
        return
    if kind == "pcapng" and sys.stdout.isatty():
        raise Problem("--as pcapng: a capture cannot be shown on a terminal; name a file with -o")
    sys.stdout.buffer.write(octets)
    sys.stdout.buffer.flush()


def _renderer(kind: str) -> Render:
    points: Mapping[str, EntryPoint] = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    if kind not in points:
        raise Problem(f"--as {kind}: there is no export of this kind{meant(kind, sorted(points), listed=True)}")
    try:
        render: Render = points[kind].load()
    except (ImportError, AttributeError) as problem:
        raise Problem(f"--as {kind}: cannot be loaded: {problem}", Exit.SUITE) from None
    return render


def _result(column: TargetResults, path: Path, pattern: str) -> Result:
    """Return the only result that `pattern` matches; raises Problem unless it matches exactly one."""
    found = [result for result in column.results if result.case == pattern]
    found = found or [result for result in column.results if matches(pattern, result.case)]
    where = f"{path}: {column.target.name}"
    if not found:
        families = list(dict.fromkeys(result.family for result in column.results))
        near = meant(pattern.partition("[")[0], families)
        raise Problem(f'{where}: no case there matches "{pattern}"{near}')
    if len(found) > 1:
        raise Problem(f'{where}: "{pattern}" matches {len(found)} cases: {_few(found)}; name one')
    return found[0]


def _few(results: Sequence[Result]) -> str:
    names = [result.case for result in results[:3]]
    return ", ".join(names) + (f" and {len(results) - 3} more" if len(results) > 3 else "")
