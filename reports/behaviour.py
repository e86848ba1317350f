"""Behaviours: transcripts without payloads, keys, lengths and times, so that equal behaviour compares equal.

A behaviour is the order of steps on each connection: who acted, and the kind of act (opcode, FIN, RSV bits and masking
of a frame; status code of a Close or a response; who ended TCP and how).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from wsconform.evidence.result import Direction, TranscriptEntry
from wsconform.wire.close import CloseBody
from wsconform.wire.frame import CLOSE, RSV1, RSV2, RSV3, Header, LengthForm, apply_mask, opcode_name, read_header


@dataclass(frozen=True, slots=True)
class Act:
    """One act on a connection, or several equal acts in a row (`repeated`)."""

    connection: int
    direction: Direction
    action: str
    repeated: bool = False


Behaviour = tuple[Act, ...]

_NUMBER = re.compile(r"0x[0-9A-Fa-f]+|\d+(?:\.\d+)?")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_STATUS = re.compile(r"HTTP/\S+ (\d{3})\b")


def behaviour(transcript: Iterable[TranscriptEntry]) -> Behaviour:
    """Return the normal form of `transcript`: equal steps in a row become one step that is marked as repeated."""
    steps: list[Act] = []
    for entry in transcript:
        step = Act(entry.connection, entry.direction, token(entry))
        if steps and replace(steps[-1], repeated=False) == step:
            steps[-1] = replace(step, repeated=True)
        else:
            steps.append(step)
    return tuple(steps)


def token(entry: TranscriptEntry) -> str:
    """Return the kind of act that `entry` records, from its octets if they show it, else from its summary."""
    octets = entry.octets.head
    if entry.kind == "frame" and (header := read_header(octets)):
        return _frame(header, octets)
    if entry.kind == "response" and (found := _STATUS.match(octets.decode("latin-1") or entry.summary)):
        return f"response {found[1]}"
    if entry.kind in ("request", "octets"):
        return entry.kind
    return _NUMBER.sub("#", _QUOTED.sub("…", entry.summary))


def _frame(header: Header, octets: bytes) -> str:
    name = opcode_name(header.opcode)
    words = [f"opcode {name}" if name.startswith("0x") else name]
    if header.opcode == CLOSE:
        body = octets[header.size : header.size + min(header.length, 2)]
        read = CloseBody(apply_mask(body, header.key) if header.key else body)
        words.append(str(read.code) if read.code is not None else str(read))
    words += [] if header.fin else ["FIN=0"]
    words += [f"RSV{n}" for n, bit in ((1, RSV1), (2, RSV2), (3, RSV3)) if header.rsv & bit]
    words += [] if header.key is None else ["masked"]
    words += [] if header.form is LengthForm.minimal(header.length) else ["padded length"]
    return " ".join(words)


def label(steps: Behaviour, others: Sequence[Behaviour] = (), *, ours: bool = False) -> str:
    """Return one line that describes the target's acts on the open connection: "Close 1002, then FIN".

    The steps at the start that `steps` shares with all of `others` are left out, unless nothing would remain. With
    `ours` our own acts are included, which distinguishes targets that did the same things at different times.
    """
    shared = min((_common(steps, other) for other in others), default=0)
    theirs = [step for step in steps if step.direction is Direction.TARGET]
    described = [step for step in steps[shared:] if ours or step.direction is Direction.TARGET] or theirs
    opened = [step for step in described if step.action != "response 101"]
    words = [_word(step) for step in (opened or described)]
    if not words:
        return "nothing" if steps else "no transcript"
    most = 6 if ours else 4
    if len(words) > most:
        words = [*words[: most - 2], "…", words[-1]]
    return ", then ".join(words).replace("then …, then ", "…, then ")


def _word(step: Act) -> str:
    whose = "our " if step.direction is Direction.OURS else ""
    action = step.action.removesuffix(" masked") if whose else step.action
    return f"{whose}{action}{' repeatedly' if step.repeated else ''}"


def _common(one: Behaviour, other: Behaviour) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count
