"""The JSON of one case in Autobahn's format: all of its 39 keys, filled from a result and its transcript.

Our journals hold less than Autobahn records: `started` is the start of the run, `expected` has no lists of events
(`expectation` describes the requirement in words), octet statistics count frames instead of reads and writes,
`trafficStats` is null, and heads and frames of more than 256 octets are cut. The wire log has no entries for waits and
timeouts, because our cases do not wait for clocks.
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
from .closings import ExpectedClose, expected_close
from .connection import ObservedConnection, ObservedFrame, deciding_connection

__all__ = ["AutobahnCase", "evaluate", "record"]

_CUT_FROM, _CUT_TO = 60, 64


@dataclass(frozen=True, kw_only=True)
class AutobahnCase:
    """One Autobahn case at one target: the result that corresponds to it, and Autobahn's words for the result."""

    id: str
    number: int
    result: Result
    observed: ObservedConnection
    expected: ExpectedClose
    behavior: str
    closing: Closing

    @property
    def is_volume(self) -> bool:
        """Whether Autobahn measures this case and logs only its handshakes: groups 9, 12 and 13."""
        return self.id.split(".")[0] in ("9", "12", "13")

    @property
    def milliseconds(self) -> int:
        """The time from the end of the opening handshake to the last entry."""
        return self.observed.milliseconds

    @property
    def code(self) -> int | None:
        """The status code of the target's Close."""
        return self.observed.their_close.body.code if self.observed.their_close else None


def evaluate(id: str, number: int, result: Result) -> AutobahnCase:
    """Return `result` as Autobahn's case `id`, which is its `number`-th case."""
    observed, expected, word = deciding_connection(result), expected_close(id), behavior(result)
    if word == OK and not expected.judged:
        word = INFORMATIONAL
    return AutobahnCase(
        id=id,
        number=number,
        result=result,
        observed=observed,
        expected=expected,
        behavior=word,
        closing=judge(observed, expected, word),
    )


def record(case: AutobahnCase, agent: str, started: str) -> dict[str, object]:
    """Return the 39 keys; `agent` is the target's name, `started` the run's start, ISO 8601 with milliseconds."""
    result, observed, closing = case.result, case.observed, case.closing
    ours, theirs = observed.our_close, observed.their_close
    timed_out = ours is not None and theirs is None and observed.end is None
    left_open = observed.role is Role.SERVER and ours is not None and theirs is not None and observed.end is None
    return {
        "agent": agent,
        "behavior": case.behavior,
        "behaviorClose": closing.word,
        "case": case.number,
        "closedByMe": observed.closed_first is Direction.OURS,
        "createStats": True,
        "createWirelog": True,
        "description": html(" ".join(filter(None, (result.title, result.extra.get("why", ""), f"[{result.case}]")))),
        "droppedByMe": observed.dropped_by_us,
        "duration": case.milliseconds,
        "expectation": html(result.finding.expected if result.finding else result.title),
        "expected": {},
        "expectedClose": case.expected.record(),
        "failedByMe": False,
        "httpRequest": _head(observed.request),
        "httpResponse": _head(observed.response),
        "id": case.id,
        "isServer": observed.role is Role.CLIENT,
        "localCloseCode": ours.body.code if ours else None,
        "localCloseReason": _reason(ours),
        "received": [] if case.is_volume else [_event(*event) for event in _events(observed)],
        "remoteCloseCode": case.code,
        "remoteCloseReason": _reason(theirs),
        "reportCompressionRatio": False,
        "reportTime": case.is_volume,
        "result": _result_text(result),
        "resultClose": closing.why,
        "rxFrameStats": _frame_stats(observed, ours=False),
        "rxOctetStats": _octet_stats(observed, Direction.TARGET),
        "started": started,
        "trafficStats": None,
        "txFrameStats": _frame_stats(observed, ours=True),
        "txOctetStats": _octet_stats(observed, Direction.OURS),
        "wasClean": observed.clean,
        "wasCloseHandshakeTimeout": timed_out,
        "wasNotCleanReason": _unclean(observed),
        "wasOpenHandshakeTimeout": observed.response is None and observed.end is None,
        "wasServerConnectionDropTimeout": left_open,
        "wirelog": list(_wirelog(case)),
    }


def _result_text(result: Result) -> str:
    if result.finding is None:
        return "Passed."
    attempts = " Flaky: the attempts disagreed; this is the last." if result.flaky else ""
    return f"Expected {result.finding.expected}; observed {result.finding.observed}.{attempts}"


def _unclean(observed: ObservedConnection) -> str | None:
    if observed.clean:
        return None
    if not observed.opened:
        return "the opening handshake was not completed"
    if observed.their_close is None:
        return "the target ended TCP without a Close" if observed.end else "the target sent no Close"
    return "the server left TCP open" if observed.our_close else "wsconform sent no Close"


def _head(entry: TranscriptEntry | None) -> str:
    if entry is None:
        return "?"
    octets = entry.octets
    gap = f" ... {octets.length - len(octets.head) - len(octets.tail)} octets left out ... " if octets.tail else ""
    return octets.head.decode("latin-1") + gap + octets.tail.decode("latin-1")


def _reason(close: ObservedFrame | None) -> str | None:
    return (close.body.reason.decode("utf-8", "replace") or None) if close else None


# --- received messages


def _events(observed: ObservedConnection) -> Iterator[tuple[str, bytes, int, bool]]:
    """Yield each complete message, Ping and Pong: its kind, its first octets, its length, and whether it is binary."""
    parts, length, first = b"", 0, None
    for frame in observed.frames:
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
            # The transcript holds only the compressed octets of a compressed message.
            if not first.rsv & RSV1:
                yield "message", parts, length, first.opcode == 2
            first = None


def _event(kind: str, octets: bytes, length: int, binary: bool) -> list[object]:
    text = _text(octets, length)
    return [kind, text, binary] if kind == "message" else [kind, text]


def _text(octets: bytes, length: int) -> str:
    """Return octets as Autobahn shows them: as text if they are UTF-8, else in hexadecimal; cut if they are long."""
    cut = length > _CUT_FROM
    shown = octets[:_CUT_TO] if cut else octets
    try:
        # A cut may split a character, which does not make the text invalid.
        text = codecs.getincrementaldecoder("utf-8")().decode(shown, final=not cut)
    except UnicodeDecodeError:
        text = f"0x{shown.hex()}"
    return f"{text} ..." if cut else text


# --- statistics


def _frame_stats(observed: ObservedConnection, *, ours: bool) -> dict[int, int]:
    found = Counter(frame.header.opcode for frame in observed.frames if frame.ours is ours)
    return dict(found)


def _octet_stats(observed: ObservedConnection, side: Direction) -> dict[int, int]:
    found = Counter(
        entry.octets.length for entry in observed.entries if entry.direction is side and entry.octets.length
    )
    return dict(found)


# --- the log


def _wirelog(case: AutobahnCase) -> Iterator[list[object]]:
    for entry, frame in case.observed.steps():
        if case.is_volume and frame is not None and not frame.is_close:
            continue
        if not entry.octets.length or entry.direction is Direction.EVENT:
            continue
        ours = entry.direction is Direction.OURS
        raw = [entry.octets.length, _hex(entry.octets)]
        if not ours:
            yield ["RO", raw]
        if frame is not None:
            yield _log_entry(frame)
        if ours:
            yield ["TO", raw, False]


def _log_entry(frame: ObservedFrame) -> list[object]:
    header = frame.header
    payload = [header.length, _text(frame.payload, header.length)]
    key = header.key.hex() if header.key is not None else None
    if frame.ours:
        return ["TF", payload, header.opcode, header.fin, header.rsv, key, None, None, False]
    return ["RF", payload, header.opcode, header.fin, header.rsv, header.key is not None, key]


def _hex(octets: Octets) -> str:
    shown = octets.head[:_CUT_TO].hex()
    return f"{shown} ..." if octets.length > _CUT_TO else shown
