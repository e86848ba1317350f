"""`behaviorClose`: Autobahn's word for the end of a connection, derived from our transcript.

The first rule that applies decides. The order is Autobahn's, with two differences: status codes in reply to a valid
Close are not compared, and there is one word for a peer that leaves TCP open.

| Observation | `behaviorClose` |
| --- | --- |
| no opening handshake | FAILED |
| `behavior` is UNIMPLEMENTED: the case did not run | OK |
| `behavior` is INFORMATIONAL, or Autobahn only records the end | INFORMATIONAL |
| the case ended before the closing began | OK if it passed, else FAILED |
| the wrong side closed first | FAILED |
| no Close in reply to ours, if one is required | UNCLEAN |
| after an error: not the code for that error; in reply to a valid Close: a code that must not be sent | WRONG CODE |
| ... unless the case itself judged the reply and passed | OK |
| a server that leaves TCP open after the Close frames | FAILED BY CLIENT |
| anything else | OK |
"""

from __future__ import annotations

from dataclasses import dataclass

from wsconform.autobahn.ids import FAILED, INFORMATIONAL, NON_STRICT, OK, UNIMPLEMENTED
from wsconform.evidence.result import Direction
from wsconform.registry.requirement import Role
from wsconform.wire.close import is_sendable

from .closings import ExpectedClose
from .connection import ObservedConnection

__all__ = ["Closing", "judge"]

UNCLEAN, WRONG_CODE, FAILED_BY_CLIENT = "UNCLEAN", "WRONG CODE", "FAILED BY CLIENT"


@dataclass(frozen=True, slots=True)
class Closing:
    """The word, and a sentence with the reason."""

    word: str
    why: str


def judge(observed: ObservedConnection, expected: ExpectedClose, behavior: str) -> Closing:
    """Return the word for the end of a connection, given the end that Autobahn expects and the word of the case."""
    if behavior == UNIMPLEMENTED:
        return Closing(OK, "The case did not run, so there was no connection to close.")
    if not observed.opened:
        return Closing(FAILED, "The opening handshake was not completed.")
    if behavior == INFORMATIONAL or not expected.judged:
        return Closing(INFORMATIONAL, "The end of the connection was recorded, not judged.")
    if observed.our_close is None and observed.their_close is None and observed.end is None:
        if expected.by_tester and behavior in (OK, NON_STRICT):
            return Closing(OK, "The case ended before the closing handshake, which it does not test.")
        return Closing(FAILED, "The connection was not closed by the target.")
    if expected.by_tester != (observed.closed_first is Direction.OURS):
        side = "wsconform" if expected.by_tester else "The target"
        return Closing(FAILED, f"{side} did not close first.")
    if expected.clean and observed.their_close is None:
        return Closing(UNCLEAN, "The target did not answer the Close with one of its own.")
    code = observed.their_close.body.code if observed.their_close else None
    # A case that sends an invalid Close judges the reply itself.
    judged = expected.bad_close and behavior == OK
    if code is not None and not judged and not _fits(code, expected):
        return Closing(WRONG_CODE, f"The target closed with {code}.")
    if observed.role is Role.SERVER and observed.end is None:
        return Closing(FAILED_BY_CLIENT, "The server left TCP open after the closing handshake.")
    return Closing(OK, "The connection was closed cleanly.")


def _fits(code: int, expected: ExpectedClose) -> bool:
    # RFC 6455 section 5.5.1: a reply "typically echoes" the received code, which is not a requirement.
    in_reply = expected.by_tester and not expected.bad_close
    return code in expected.codes or (in_reply and is_sendable(code))
