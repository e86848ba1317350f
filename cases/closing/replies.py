"""What a Close in reply says about the Close it answers (RFC 6455 sections 5.5.1, 7.4)."""

from __future__ import annotations

from collections.abc import Collection

from wsconform import FORBIDDEN_CODES, Closure, Connection, Received, is_sendable

#: Codes that claim an error; in reply to a Close without one they accuse falsely (reading `close-reply-codes`).
ACCUSING = frozenset({1002, 1007})

#: What an error may not be answered with: these say that all is well.
CONTENT = frozenset({1000, 1001})


def expect_fair_reply(ws: Connection, closure: Closure, sent: int | None) -> None:
    """Expect that the reply to a correct Close with code `sent` (None: empty) takes it for one.

    Any code that may be on the wire passes, and so does none; what fails is an accusation, 1002 or 1007, that is
    no echo, or a code that must not be sent. What is neither echo nor 1000 nor empty is noted.
    """
    code = closure.status_code
    expected = "a Close that finds no fault with ours"
    ws.expect(code not in ACCUSING or code == sent, expected, f"Close {closure.close}", closure.entry)
    ws.expect(code is None or code == sent or is_sendable(code), expected, f"Close {closure.close}", closure.entry)
    if code not in (None, sent, 1000):
        ws.note("code of its own", code)


def expect_code_not_returned(ws: Connection, closure: Closure, sent: int) -> None:
    """Expect that a code `sent` that has no place on the wire does not come back, nor another banned from it.

    1002 or no Close at all is the strict answer; to find no fault is a departure; the rest is noted.
    """
    code = closure.status_code
    returned = code == sent or code in FORBIDDEN_CODES
    ws.expect(not returned, f"{sent} not to be sent back", f"Close {closure.close}", closure.entry)
    ws.depart_if(finds_no_fault(closure), f"Close {closure.close} in reply, as if {sent} were a status code")


def finds_no_fault(closure: Closure) -> bool:
    """Return whether the Close in `closure` says that all is well: 1000, 1001 or an empty body."""
    return closure.close is not None and closure.status_code in (None, *CONTENT)


def expect_undelivered(ws: Connection, payloads: Collection[bytes], expected: str) -> None:
    """Expect no data frame of the target to carry one of `payloads`, but for what its application says unasked."""
    for entry, frame in ws.conversation.frames:
        data = frame.opcode < 0x8 and frame.payload in payloads
        wrong = data and not ws.is_chatter(Received(frame.opcode, frame.payload, entry))
        ws.expect(not wrong, expected, f"a delivery: {frame}", entry)


def close_count(ws: Connection) -> int:
    """Return how many Close frames the target has sent."""
    return len(ws.conversation.closes())
