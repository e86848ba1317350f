"""Checks of the target's reply to a Close (RFC 6455 sections 5.5.1, 7.4)."""

from __future__ import annotations

from collections.abc import Collection

from wsconform import FORBIDDEN_CODES, Closure, Connection, Received, is_sendable

#: Codes that report an error: wrong in reply to a valid Close (reading `close-reply-codes`).
ACCUSING = frozenset({1002, 1007})

#: Codes that report no error: wrong in reply to an invalid Close.
CONTENT = frozenset({1000, 1001})


def expect_fair_reply(ws: Connection, closure: Closure, sent: int | None) -> None:
    """Expect that the reply to a valid Close with code `sent` (None: empty) does not report an error.

    Any code that may be sent passes, and so does an empty Close. 1002 and 1007 fail, unless `sent` is the same code,
    and so does a code that must not be sent. A code other than `sent` and 1000 is noted.
    """
    code = closure.status_code
    expected = "a Close that does not report an error"
    ws.expect(code not in ACCUSING or code == sent, expected, f"Close {closure.close}", closure.entry)
    ws.expect(code is None or code == sent or is_sendable(code), expected, f"Close {closure.close}", closure.entry)
    if code not in (None, sent, 1000):
        ws.note("another code in reply", code)


def expect_code_not_returned(ws: Connection, closure: Closure, sent: int) -> None:
    """Expect that the forbidden code `sent` is not returned, and no other code that must not be sent.

    1002 or no Close passes. A reply that reports no error (1000, 1001 or empty) is a departure.
    """
    code = closure.status_code
    returned = code == sent or code in FORBIDDEN_CODES
    ws.expect(not returned, f"{sent} not to be sent back", f"Close {closure.close}", closure.entry)
    ws.depart_if(reports_no_error(closure), f"Close {closure.close} in reply, as if {sent} were a status code")


def reports_no_error(closure: Closure) -> bool:
    """Return whether the Close in `closure` reports no error: 1000, 1001 or an empty body."""
    return closure.close is not None and closure.status_code in (None, *CONTENT)


def expect_undelivered(ws: Connection, payloads: Collection[bytes], expected: str, *, since: int) -> None:
    """Expect that no data frame of the target after entry `since` has one of `payloads`; ignore unsolicited messages.

    `expected` is the text of the finding.
    """
    for entry, frame in ws.frames_since(since):
        data = frame.opcode < 0x8 and frame.payload in payloads
        wrong = data and not ws.is_chatter(Received(frame.opcode, frame.payload, entry))
        ws.expect(not wrong, expected, f"a delivery: {frame}", entry)


def close_count(ws: Connection) -> int:
    """Return how many Close frames the target has sent."""
    return len(ws.conversation.closes())
