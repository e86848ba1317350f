"""A recorded case for tests of exports: its transcript, and the octets of one side."""

from __future__ import annotations

from collections.abc import Sequence

from tests.support import journals
from tests.support.journals import came, happened, opened, sent
from wsconform.evidence.result import Direction, Result, TranscriptEntry, Verdict
from wsconform.wire.frame import Frame

LARGE = bytes(range(256)) * 300
CASE = "framing.opcodes.unknown"
TALK = (
    *opened(),
    sent(1000, Frame(3, b"Hello")),
    sent(1010, Frame.ping(b"'%\\n")),
    came(1400, Frame(3, b"Hello")),
    happened(1500, "nothing for 5 s"),
    sent(5_000_000, Frame.close(1000)),
    came(5_000_300, Frame.close(1000)),
    happened(5_000_400, "our FIN"),
    happened(5_000_900, "FIN", Direction.TARGET),
)


def result(*transcript: TranscriptEntry, **fields: object) -> Result:
    """Return a violation with this transcript."""
    return journals.result(CASE, verdict=Verdict.FAILED, transcript=transcript or TALK, **fields)


def octets_of(entries: Sequence[TranscriptEntry], direction: Direction, connection: int = 1) -> bytes:
    """Return the octets that one side of a connection sent."""
    return b"".join(e.octets.head for e in entries if e.direction is direction and e.connection == connection)
