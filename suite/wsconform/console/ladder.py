"""A transcript as a ladder: an arrow for each entry, to or from the target, with time and octets."""

from __future__ import annotations

from collections.abc import Sequence

from ..evidence.result import Direction, Mark, TranscriptEntry
from .style import Style

__all__ = ["ladder"]

_INDENT = " " * 8
_LANE = 32
#: How many entries are shown before and after the one that decided the case, unless all are shown.
_BEFORE, _AFTER = 6, 2
_OPENING = ("request", "response")


def ladder(
    transcript: Sequence[TranscriptEntry], decided: int | None, mark: Mark, style: Style, *, whole: bool = False
) -> list[str]:
    """Return the lines of a ladder, with `mark` at the entry that decided the case (its index, or None).

    Unless `whole`, only the entries around that one are shown (without one, the last entries), and a successful
    opening handshake is left out, because it is the same in every case.
    """
    if not transcript:
        return []
    first, last = (0, len(transcript)) if whole else _window(transcript, decided)
    lines = list[str]()
    if first and not _is_opening(transcript[:first]):
        lines.append(_left_out(first, "before", style))
    connection = transcript[first].connection
    several = any(entry.connection != 1 for entry in transcript)
    if several:
        lines.append(f"{_INDENT}connection {connection}")
    for number in range(first, last):
        entry = transcript[number]
        if entry.connection != connection:
            connection = entry.connection
            lines.append(f"{_INDENT}connection {connection}")
        lines.append(_line(entry, mark if number == decided else None, style))
    if last < len(transcript):
        lines.append(_left_out(len(transcript) - last, "after", style))
    return lines


def _window(transcript: Sequence[TranscriptEntry], decided: int | None) -> tuple[int, int]:
    centre = len(transcript) - 1 if decided is None else min(decided, len(transcript) - 1)
    first, last = max(0, centre - _BEFORE), min(len(transcript), centre + _AFTER + 1)
    opening = 0
    while opening < len(transcript) and transcript[opening].kind in _OPENING:
        opening += 1
    if opening <= centre:
        first = max(first, opening)
    return first, last


def _is_opening(entries: Sequence[TranscriptEntry]) -> bool:
    return all(entry.kind in _OPENING for entry in entries)


def _left_out(count: int, where: str, style: Style) -> str:
    return style.paint(f"{_INDENT}({count} {'entry' if count == 1 else 'entries'} {where})", "dim")


def _line(entry: TranscriptEntry, mark: Mark | None, style: Style) -> str:
    lane = _rung(entry, style)
    time = _time(entry.micros)
    head = f"{_INDENT}{lane} {time}"
    room = style.width - len(head) - (5 if mark else 2)
    octets = _hex(entry, room)
    tail = f"  {style.mark(mark)}" if mark else ""
    if mark is not None:
        octets = octets.ljust(room)
    elif not octets:
        return head.rstrip()
    return f"{head}  {style.paint(octets, 'dim')}{tail}"


def _rung(entry: TranscriptEntry, style: Style) -> str:
    words = style.text(entry.summary)
    if entry.direction is Direction.EVENT:
        return f"|{style.cut(f'({words})', _LANE + 1).center(_LANE + 1)}|"
    words = style.cut(words, _LANE - 7)
    shaft = "-" * (_LANE - 4 - len(words))
    return f"| {words} {shaft}> |" if entry.direction is Direction.OURS else f"| <{shaft} {words} |"


def _time(micros: int) -> str:
    milliseconds = micros / 1000
    return f"{milliseconds:5.1f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:5.1f} s "


def _hex(entry: TranscriptEntry, room: int) -> str:
    """Return as many octets in hexadecimal as fit into `room` columns, with ".." at the end if there are more."""
    octets, length = entry.octets.head, entry.octets.length
    fits = (room + 1) // 3
    if length <= fits:
        return octets.hex(" ")
    return octets[: max(0, fits - 1)].hex(" ") + " .." if fits > 1 else ""
