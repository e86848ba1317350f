"""The JSON of one case in the older suite's form: all of its 39 keys, filled from a result and its transcript.

Where our journals have less: `started` is the run's, `expected` has no lists of events (`expectation` says in words
what was asked for), octet statistics count frames in place of reads and writes, `trafficStats` is null, heads and
frames of more than 256 octets are cut. The wire log has no entries for waits and guards: our cases do not wait for
clocks.
"""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from wsconform.autobahn.ids import INFORMATIONAL, OK, behavior
from wsconform.escape import html
from wsconform.evidence.result import Direction, Octets, Result, TranscriptEntry
from wsconform.registry.requirement import Role
from wsconform.wire.frame import CONTINUATION, PING, PONG, RSV1

from .closing import Closing, judge
from .closings import Asked, asked
from .connection import Seen, SeenFrame, pick

__all__ = ["Told", "record", "tell"]

_CUT_FROM, _CUT_TO = 60, 64


@dataclass(frozen=True)
class Told:
    """One older case at one target: the result that stands for it, and what is said of it."""

    id: str
    number: int
    result: Result
    seen: Seen
    asked: Asked
    behavior: str
    closing: Closing

    @property
    def is_volume(self) -> bool:
        """Whether the older suite measures this case, and logs nothing of it but handshakes: groups 9, 12, 13."""
        return self.id.split(".")[0] in ("9", "12", "13")

    @property
    def milliseconds(self) -> int:
        """From the end of the opening handshake to the end of what was seen."""
        return self.seen.milliseconds

    @property
    def code(self) -> int | None:
        """The status code of the target's Close."""
        return self.seen.their_close.body.code if self.seen.their_close else None


def tell(id: str, number: int, result: Result) -> Told:
    """Return what is said of `result` as the older suite's case `id`, its `number`-th."""
    seen, wanted, word = pick(result), asked(id), behavior(result)
    if word == OK and not wanted.judged:
        word = INFORMATIONAL
    return Told(id, number, result, seen, wanted, word, judge(seen, wanted, word))


def record(told: Told, agent: str, started: str) -> dict[str, object]:
    """Return the 39 keys; `agent` is the target's name, `started` the run's start, ISO 8601 with milliseconds."""
    result, seen, closing = told.result, told.seen, told.closing
    ours, theirs = seen.our_close, seen.their_close
    timed_out = ours is not None and theirs is None and seen.end is None
    left_open = seen.role is Role.SERVER and ours is not None and theirs is not None and seen.end is None
    return {
        "agent": agent,
        "behavior": told.behavior,
        "behaviorClose": closing.word,
        "case": told.number,
        "closedByMe": seen.closed_first is Direction.OURS,
        "createStats": True,
        "createWirelog": True,
        "description": html(" ".join(filter(None, (result.title, result.extra.get("why", ""), f"[{result.case}]")))),
        "droppedByMe": seen.dropped_by_us,
        "duration": told.milliseconds,
        "expectation": html(result.finding.expected if result.finding else result.title),
        "expected": {},
        "expectedClose": told.asked.record(),
        "failedByMe": False,
        "httpRequest": _head(seen.request),
        "httpResponse": _head(seen.response),
        "id": told.id,
        "isServer": seen.role is Role.CLIENT,
        "localCloseCode": ours.body.code if ours else None,
        "localCloseReason": _reason(ours),
        "received": [] if told.is_volume else [_event(*event) for event in _events(seen)],
        "remoteCloseCode": told.code,
        "remoteCloseReason": _reason(theirs),
        "reportCompressionRatio": False,
        "reportTime": told.is_volume,
        "result": _said(result),
        "resultClose": closing.why,
        "rxFrameStats": _frame_stats(seen, ours=False),
        "rxOctetStats": _octet_stats(seen, Direction.TARGET),
        "started": started,
        "trafficStats": None,
        "txFrameStats": _frame_stats(seen, ours=True),
        "txOctetStats": _octet_stats(seen, Direction.OURS),
        "wasClean": seen.clean,
        "wasCloseHandshakeTimeout": timed_out,
        "wasNotCleanReason": _unclean(seen),
        "wasOpenHandshakeTimeout": seen.response is None and seen.end is None,
        "wasServerConnectionDropTimeout": left_open,
        "wirelog": list(_wirelog(told)),
    }


def _said(result: Result) -> str:
    if result.finding is None:
        return "Met."
    attempts = " Attempts disagreed; this is the last." if result.flaky else ""
    return f"Expected {result.finding.expected}; observed {result.finding.observed}.{attempts}"


def _unclean(seen: Seen) -> str | None:
    if seen.clean:
        return None
    if not seen.opened:
        return "the opening handshake was not completed"
    if seen.their_close is None:
        return "the target ended TCP without a Close" if seen.end else "the target sent no Close"
    return "the server left TCP open" if seen.our_close else "the suite sent no Close"


def _head(entry: TranscriptEntry | None) -> str:
    if entry is None:
        return "?"
    octets = entry.octets
    gap = f" ... {octets.length - len(octets.head) - len(octets.tail)} octets left out ... " if octets.tail else ""
    return octets.head.decode("latin-1") + gap + octets.tail.decode("latin-1")


def _reason(close: SeenFrame | None) -> str | None:
    return (close.body.reason.decode("utf-8", "replace") or None) if close else None


# --- what came


def _events(seen: Seen) -> Iterator[tuple[str, bytes, int, bool]]:
    """Return what came whole: "message", "ping" or "pong", its first octets, its length, whether it is binary."""
    parts, length, first = b"", 0, None
    for frame in seen.frames:
        header = frame.header
        if frame.ours or frame.is_close:
            continue
        if header.opcode in (PING, PONG):
            yield ("ping" if header.opcode == PING else "pong"), frame.payload, header.length, False
            continue
        if header.opcode > 2:
            continue
        if header.opcode != CONTINUATION or first is None:
            parts, length, first = b"", 0, header
        if length == len(parts):
            parts += frame.payload
        length += header.length
        if header.fin:
            # Of a compressed message the transcript has only the compressed octets.
            if not first.rsv & RSV1:
                yield "message", parts, length, first.opcode == 2
            first = None


def _event(kind: str, octets: bytes, length: int, binary: bool) -> list[object]:
    text = _text(octets, length)
    return [kind, text, binary] if kind == "message" else [kind, text]


def _text(octets: bytes, length: int) -> str:
    """Return octets as the older suite shows them: as text if they are UTF-8, else in hexadecimal; cut where long."""
    cut = length > _CUT_FROM
    shown = octets[:_CUT_TO] if cut else octets
    try:
        # A cut may go through a character, which makes the text no worse.
        text = codecs.getincrementaldecoder("utf-8")().decode(shown, final=not cut)
    except UnicodeDecodeError:
        text = f"0x{shown.hex()}"
    return f"{text} ..." if cut else text


# --- statistics


def _frame_stats(seen: Seen, *, ours: bool) -> dict[int, int]:
    found = Counter(frame.header.opcode for frame in seen.frames if frame.ours is ours)
    return dict(found)


def _octet_stats(seen: Seen, side: Direction) -> dict[int, int]:
    found = Counter(entry.octets.length for entry in seen.entries if entry.direction is side and entry.octets.length)
    return dict(found)


# --- the log


def _wirelog(told: Told) -> Iterator[list[object]]:
    for entry, frame in told.seen.steps():
        if told.is_volume and frame is not None and not frame.is_close:
            continue
        if not entry.octets.length or entry.direction is Direction.EVENT:
            continue
        ours = entry.direction is Direction.OURS
        raw = [entry.octets.length, _hex(entry.octets)]
        if not ours:
            yield ["RO", raw]
        if frame is not None:
            yield _logged(frame)
        if ours:
            yield ["TO", raw, False]


def _logged(frame: SeenFrame) -> list[object]:
    header = frame.header
    said = [header.length, _text(frame.payload, header.length)]
    key = header.key.hex() if header.key is not None else None
    if frame.ours:
        return ["TF", said, header.opcode, header.fin, header.rsv, key, None, None, False]
    return ["RF", said, header.opcode, header.fin, header.rsv, header.key is not None, key]


def _hex(octets: Octets) -> str:
    shown = octets.head[:_CUT_TO].hex()
    return f"{shown} ..." if octets.length > _CUT_TO else shown
