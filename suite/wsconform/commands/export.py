"""wsconform export: one recorded case as a script, shell lines, a hex dump or a packet capture."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..prepare import values
from .options import Value

if TYPE_CHECKING:
    from ..evidence.result import Result
    from ..journal.journal import TargetResults

#: What a journal's case can be exported as, and the module that does it, by entry points of this group.
ENTRY_POINTS = "wsconform.exports"

_KINDS = ("python", "netcat", "hex", "pcapng")


@click.command("export", short_help="make a script or a capture of a recorded case")
@click.argument("journal", metavar="JOURNAL", type=Value(values.PATH, "FILE"))
@click.argument("case", metavar="CASE")
@click.option(
    "--as",
    "kind",
    default="python",
    metavar="|".join(_KINDS),
    help="python: a script without dependencies, the default; netcat: shell lines; hex: a dump; pcapng: for Wireshark.",
)
@click.option("--target", metavar="NAME", help="The journal's target. Default: the only one.")
@click.option("-o", "--out", type=Value(values.PATH, "FILE"), help="Where it goes. Default: stdout.")
def command(journal: Path, case: str, kind: str, target: str | None, out: Path | None) -> None:
    """Write what was said in CASE, as JOURNAL has it, in a form that other tools take.

    A case with octets too many for a journal has to be run with --whole first.
    """
    from ..prepare.journals import journal_at, target_in
    from ..problem import Problem

    render = _renderer(kind)
    read = journal_at(journal)
    chosen = target_in(read, journal, target)
    result = _result(chosen, journal, case)
    try:
        octets = render(chosen.target, result, read.header.start)
    except ValueError as problem:
        raise Problem(str(problem)) from None
    if out is not None:
        try:
            out.write_bytes(octets)
        except OSError as problem:
            raise Problem(f"-o {out}: cannot be written: {problem.strerror}; name another file") from None
        return
    if kind == "pcapng" and sys.stdout.isatty():
        raise Problem("a capture is nothing for a terminal; name a file with -o")
    sys.stdout.buffer.write(octets)
    sys.stdout.buffer.flush()


def _renderer(kind: str) -> Callable[[Any, Any, str], bytes]:
    from importlib.metadata import entry_points

    from ..problem import Exit, Problem, meant

    points: Mapping[str, Any] = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    if kind not in points:
        raise Problem(f"--as {kind}: there is no export of this kind{meant(kind, sorted(points), listed=True)}")
    try:
        render: Callable[[Any, Any, str], bytes] = points[kind].load()
    except (ImportError, AttributeError) as problem:
        raise Problem(f"--as {kind}: it cannot be loaded: {problem}", Exit.SUITE) from None
    return render


def _result(chosen: TargetResults, path: Path, pattern: str) -> Result:
    """Return the one result that `pattern` means; raises Problem where it means none, or several."""
    from ..catalogue.selection import matches
    from ..problem import Problem, meant

    found = [result for result in chosen.results if result.case == pattern]
    found = found or [result for result in chosen.results if matches(pattern, result.case)]
    where = f"{path}: {chosen.target.name}"
    if not found:
        families = list(dict.fromkeys(result.family for result in chosen.results))
        near = meant(pattern.partition("[")[0], families)
        raise Problem(f'{where}: no case there matches "{pattern}"{near}')
    if len(found) > 1:
        raise Problem(f'{where}: "{pattern}" takes {len(found)} cases: {_few(found)}; name one')
    return found[0]


def _few(results: Sequence[Result]) -> str:
    names = [result.case for result in results[:3]]
    return ", ".join(names) + (f" and {len(results) - 3} more" if len(results) > 3 else "")
