"""`behaviorClose`: what the older suite would say of the end of a connection, by what our transcript shows of it.

The first rule that applies decides, in the older suite's order with two differences: codes in reply to a Close that had
nothing wrong are not compared, and a peer that leaves TCP open gets one word.

| What is seen | `behaviorClose` |
| --- | --- |
| no opening handshake | FAILED |
| `behavior` is UNIMPLEMENTED: nothing was put | OK |
| `behavior` is INFORMATIONAL, or the older suite only writes the end down | INFORMATIONAL |
| the case ended before anything of a closing | OK if it passed, else FAILED |
| the wrong side closed first | FAILED |
| no Close in reply to ours, where one is asked for | UNCLEAN |
| after an error: a code other than the one for it; in reply to a good Close: one that must not be sent | WRONG CODE |
| ... but a reply that the case judged itself, and found right, is so | OK |
| a server that leaves TCP open after the Close frames | FAILED BY CLIENT |
| anything else | OK |
"""

from __future__ import annotations

from dataclasses import dataclass

from wsconform.autobahn.ids import FAILED, INFORMATIONAL, NON_STRICT, OK, UNIMPLEMENTED
from wsconform.evidence.result import Direction
from wsconform.registry.requirement import Role
from wsconform.wire.close import is_sendable

from .closings import Asked
from .connection import Seen

__all__ = ["Closing", "judge"]

UNCLEAN, WRONG_CODE, FAILED_BY_CLIENT = "UNCLEAN", "WRONG CODE", "FAILED BY CLIENT"


@dataclass(frozen=True, slots=True)
class Closing:
    """The word, and a sentence that says why."""

    word: str
    why: str


def judge(seen: Seen, asked: Asked, behavior: str) -> Closing:
    """Return what becomes of a connection that `asked` says how to end, in a case whose word is `behavior`."""
    if behavior == UNIMPLEMENTED:
        return Closing(OK, "The case was not put, so there was nothing to close.")
    if not seen.opened:
        return Closing(FAILED, "The opening handshake was not completed.")
    if behavior == INFORMATIONAL or not asked.judged:
        return Closing(INFORMATIONAL, "How the connection ended was written down only.")
    if seen.our_close is None and seen.their_close is None and seen.end is None:
        if asked.by_tester and behavior in (OK, NON_STRICT):
            return Closing(OK, "The case ended before the closing handshake, which it does not look at.")
        return Closing(FAILED, "The connection was not closed by the target.")
    if asked.by_tester != (seen.closed_first is Direction.OURS):
        side = "suite" if asked.by_tester else "target"
        return Closing(FAILED, f"The {side} was to close first, and did not.")
    if asked.clean and seen.their_close is None:
        return Closing(UNCLEAN, "The target did not answer the Close with one of its own.")
    code = seen.their_close.body.code if seen.their_close else None
    # What may answer a bad Close is what such a case is about.
    judged = asked.bad_close and behavior == OK
    if code is not None and not judged and not _fits(code, asked):
        return Closing(WRONG_CODE, f"The target closed with {code}.")
    if seen.role is Role.SERVER and seen.end is None:
        return Closing(FAILED_BY_CLIENT, "The server left TCP open behind the closing handshake.")
    return Closing(OK, "The connection was closed in good order.")


def _fits(code: int, asked: Asked) -> bool:
    # RFC 6455 section 5.5.1: a reply typically echoes the code that it got; no rule asks for that.
    in_reply = asked.by_tester and not asked.bad_close
    return code in asked.codes or (in_reply and is_sendable(code))
