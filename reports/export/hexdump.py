"""A hex dump: the octets of each entry with their offsets, below the summary of the entry."""

from __future__ import annotations

from collections.abc import Iterator

from wsconform.escape import shown
from wsconform.evidence.result import Direction, Result, TranscriptEntry
from wsconform.journal.journal import TargetRecord

_ARROWS = {Direction.OURS: ">", Direction.TARGET: "<", Direction.EVENT: "#"}
_ROW = 16


def render(target: TargetRecord, result: Result, _: str = "") -> bytes:
    """Return the dump as ASCII text. Octets that the journal cut are counted in a comment."""
    lines = [
        f"# {shown(result.case)}",
        f"# {shown(target.name)}, a {target.role.value}, {shown(target.address)}; {result.mark.words}",
        "# > sent by wsconform, < sent by the target; offsets count the octets of one end on one connection",
    ]
    at: dict[tuple[int, Direction], int] = {}
    for entry in result.transcript:
        which = (entry.connection, entry.direction)
        lines += ["", _head(entry)]
        lines += _rows(entry, at.get(which, 0))
        at[which] = at.get(which, 0) + entry.octets.length
    return ("\n".join(lines) + "\n").encode("ascii", "backslashreplace")


def _head(entry: TranscriptEntry) -> str:
    whose = {Direction.OURS: "ours: ", Direction.TARGET: "target: ", Direction.EVENT: ""}[entry.direction]
    connection = f" (connection {entry.connection})" if entry.connection != 1 else ""
    return f"# {entry.micros / 1000:.1f} ms  {whose}{shown(entry.summary)}{connection}"


def _rows(entry: TranscriptEntry, offset: int) -> Iterator[str]:
    octets = entry.octets
    arrow = _ARROWS[entry.direction]
    yield from _dump(octets.head, offset, arrow)
    if octets.sha256 is not None:
        gap = octets.length - len(octets.head) - len(octets.tail)
        digest = f", SHA-256 of all {octets.sha256}" if octets.sha256 else ""
        yield f"# {gap} octets are not in the journal{digest}; a run with --whole keeps them"
        yield from _dump(octets.tail, offset + octets.length - len(octets.tail), arrow)


def _dump(octets: bytes, offset: int, arrow: str) -> Iterator[str]:
    for at in range(0, len(octets), _ROW):
        row = octets[at : at + _ROW]
        halves = "  ".join(half.hex(" ") for half in (row[:8], row[8:]) if half)
        text = "".join(chr(octet) if 0x20 <= octet < 0x7F else "." for octet in row)
        yield f"{arrow} {offset + at:08x}  {halves:<48}  |{text}|"
