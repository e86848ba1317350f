"""Monitors of the target's Close frames: their bodies, their codes, and whether one is sent before failing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from wsconform import CLOSE, CloseBody, Conversation, Provocation, Sample, Verdict, is_sendable, monitor

_PROTOCOL_KINDS = (Provocation.PROTOCOL, Provocation.MASKING, Provocation.LENGTH)

#: The code that names each kind of error exactly (section 7.4.1). Other codes that may be sent are recorded.
_EXACT = {
    Provocation.PROTOCOL: 1002,
    Provocation.MASKING: 1002,
    Provocation.LENGTH: 1002,
    Provocation.UTF8: 1007,
    Provocation.LIMIT: 1009,
}


@monitor(
    "6455-5.5.1-2",
    "6455-11.7-1",
    hint="a Close body is empty, or two octets of a code from 1000 to 4999 that may be sent, then text",
)
def close_body_is_well_formed(conversation: Conversation) -> Iterator[Sample]:
    """A Close frame is empty, or begins with a status code from 1000 to 4999 that may be sent.

    Every Close of the run is examined, whatever provoked it. A code from the ranges that the RFC leaves open departs if
    the target returns it as it received it.
    """
    for entry, frame in conversation.frames:
        if frame.opcode != CLOSE:
            continue
        body = CloseBody(frame.payload)
        if body.is_malformed or len(frame.payload) > 125:
            yield Sample(f"a Close body of {len(frame.payload)} octets", Verdict.FAILED, entry)
        else:
            yield _judge_code(conversation, body.code, entry)


@monitor("6455-5.5.1-21", hint="remember that you sent a Close, and send no second one")
def at_most_one_close_is_sent(conversation: Conversation) -> Iterator[Sample]:
    """The target sends at most one Close on a connection.

    Every connection with a Close is examined, because a second Close can follow replies to errors as well as a closing
    handshake.
    """
    closes = conversation.closes()
    if closes:
        yield Sample("one Close")
    if len(closes) > 1:
        yield Sample(f"{len(closes)} Close frames", Verdict.FAILED, closes[1][0])


@monitor("6455-5.5.1-10", hint="drop queued data frames when you send the Close")
def no_data_frame_follows_the_close(conversation: Conversation) -> Iterator[Sample]:
    """The target sends no data frame after its Close.

    A late echo, or an application that does not know of the Close, shows as a frame with opcode 0, 1 or 2.
    """
    closes = conversation.closes()
    if not closes:
        return
    first = closes[0][0]
    late = next(((entry, frame) for entry, frame in conversation.frames if entry > first and frame.opcode < 0x3), None)
    yield Sample(f"{late[1]} after Close", Verdict.FAILED, late[0]) if late else Sample("nothing after Close")


@monitor("6455-7.4.1-7", hint="use 1005 only in the API; send a Close without a code with an empty body")
def code_1005_is_never_sent(conversation: Conversation) -> Iterator[Sample]:
    """1005 is the API's code for a Close without a code, and is never sent in a Close.

    A target that passes its API's value on sends it in reply to an empty Close.
    """
    return _never(conversation, lambda code: code == 1005)


@monitor("6455-7.4.1-8", hint="use 1006 only in the API, for a connection that ended without a Close")
def code_1006_is_never_sent(conversation: Conversation) -> Iterator[Sample]:
    """1006 is the API's code for a connection that ended without a Close, and is never sent in a Close.

    A target may send it at an abnormal end, or in reply to our Close with 1006.
    """
    return _never(conversation, lambda code: code == 1006)


@monitor("6455-7.4.1-9", hint="use 1015 only in the API; after a failed TLS handshake no Close can be sent")
def code_1015_is_never_sent(conversation: Conversation) -> Iterator[Sample]:
    """1015 is the API's code for a failed TLS handshake, and is never sent in a Close.

    A target may send it in reply to our Close with 1015.
    """
    return _never(conversation, lambda code: code == 1015)


@monitor("6455-7.4.1-6", hint="1004 is reserved: do not send it")
def code_1004_is_not_sent(conversation: Conversation) -> Iterator[Sample]:
    """1004 is reserved, and the target does not choose it; returning a received 1004 departs.

    Every Close of the run is examined.
    """
    return _never(conversation, lambda code: code == 1004, echo=Verdict.DEPARTED)


@monitor("6455-7.4.1-16", hint="refuse an extension in the handshake; only a client sends 1010")
def server_does_not_send_1010(conversation: Conversation) -> Iterator[Sample]:
    """A server does not send 1010, which is a client's complaint about the extensions in the handshake.

    A 1010 in reply to our 1010 is an echo, which section 5.5.1 calls typical, and is accepted.
    """
    return _never(conversation, lambda code: code == 1010, echo=Verdict.PASSED)


@monitor("6455-7.4.2-1", hint="do not use codes below 1000, not even as an echo")
def code_below_1000_is_not_sent(conversation: Conversation) -> Iterator[Sample]:
    """Codes from 0 to 999 are not used, not even as an echo.

    A target that swaps the octets of a code, or sends a byte count in its place, sends such a code.
    """
    return _never(conversation, lambda code: code < 1000)


@monitor("6455-7.4.2-2", hint="from 1000 to 2999 send only codes in the registry of section 11.7")
def unassigned_code_is_not_sent(conversation: Conversation) -> Iterator[Sample]:
    """The target does not choose a code from 1016 to 2999, which are reserved for specifications.

    Returning a received code departs.
    """
    return _never(conversation, lambda code: 1016 <= code <= 2999, echo=Verdict.DEPARTED)


@monitor("6455-7.4.2-6", hint="the highest code is 4999")
def code_above_4999_is_not_sent(conversation: Conversation) -> Iterator[Sample]:
    """The target does not choose a code of 5000 or more, because such a code belongs to no range.

    Returning a received code is only recorded, because the RFC leaves the reception of such codes open.
    """
    return _never(conversation, lambda code: code > 4999, echo=Verdict.PASSED)


@monitor(
    "6455-7.1.7-5",
    "6455-10.7-3",
    "6455-7.1.7-6",
    hint="send a Close with a code before you end TCP because of an error",
)
def close_is_sent_before_failing(conversation: Conversation) -> Iterator[Sample]:
    """Before the target closes TCP because of an error, it sends a Close frame.

    Counted over all protocol and UTF-8 errors that ended a connection. Errors of masking and length are left out,
    because the target may then doubt that the peer can read its frames, and may omit the Close (section 7.1.7).
    """
    closure, kind = conversation.closure, conversation.provoked
    counted = kind in (Provocation.PROTOCOL, Provocation.UTF8)
    if not counted or closure is None or closure.ending is None or conversation.broken_by_us:
        return
    if closure.close is None:
        yield Sample(f"{closure.ending.value} alone", Verdict.DEPARTED, closure.end_entry)
    else:
        yield Sample(f"Close, then {closure.ending.value}")


@monitor("6455-7.1.7-9", hint="1002 for protocol errors, 1007 for bad text, 1009 for too much; never 1000 for an error")
def status_code_names_the_error(conversation: Conversation) -> Iterator[Sample]:
    """The code of the Close that answers an error matches the error.

    Counted over all errors. Another code that may be sent is recorded; 1000 and 1001, which deny the error, depart.
    """
    return _error_codes(conversation, tuple(_EXACT))


@monitor("6455-7.4.1-4", hint="close with 1002 after a protocol error")
def protocol_error_is_1002(conversation: Conversation) -> Iterator[Sample]:
    """1002 is the code for errors of framing, masking, fragmentation and control frames.

    Counted over all such errors. Another code that may be sent is recorded; 1000 and 1001, which deny the error,
    depart.
    """
    return _error_codes(conversation, _PROTOCOL_KINDS)


@monitor("6455-7.4.1-11", hint="close with 1007 after text that is not UTF-8")
def inconsistent_data_is_1007(conversation: Conversation) -> Iterator[Sample]:
    """1007 is the code for text that is not UTF-8.

    Counted over all such errors. 1002, 1003 and others are recorded; 1000 and 1001, which deny the error, depart.
    """
    return _error_codes(conversation, (Provocation.UTF8,))


def _judge_code(conversation: Conversation, code: int | None, entry: int) -> Sample:
    if code is None:
        return Sample("no code")
    if is_sendable(code):
        return Sample(str(code))
    # A code from the open ranges that the target returns as we sent it is our choice, not the target's (reading
    # `close-codes-without-a-meaning`). Codes from 0 to 999 and 1005, 1006 and 1015 are violations even as an echo.
    open_range = code == 1004 or 1016 <= code <= 2999 or code > 4999
    verdict = Verdict.DEPARTED if open_range and code in _sent_codes(conversation) else Verdict.FAILED
    return Sample(f"{code}, sent back" if verdict is Verdict.DEPARTED else str(code), verdict, entry)


def _never(
    conversation: Conversation, banned: Callable[[int], bool], *, echo: Verdict = Verdict.FAILED
) -> Iterator[Sample]:
    """Judge every Close: a `banned` code fails, or has the verdict `echo` if we sent this code before."""
    for entry, body in conversation.closes():
        if body.code is None or not banned(body.code):
            yield Sample()
            continue
        returned = body.code in _sent_codes(conversation)
        yield Sample(
            f"{body.code}, sent back" if returned else str(body.code), echo if returned else Verdict.FAILED, entry
        )


def _sent_codes(conversation: Conversation) -> set[int | None]:
    """Return the status codes that we sent."""
    return {CloseBody(frame.payload).code for frame in conversation.sent if frame.opcode == CLOSE}


def _error_codes(conversation: Conversation, kinds: tuple[Provocation, ...]) -> Iterator[Sample]:
    closure, kind = conversation.closure, conversation.provoked
    if kind not in kinds or closure is None or closure.close is None or closure.status_code is None:
        return
    code = closure.status_code
    exact = "exact" if code == _EXACT[kind] else "other"
    verdict = Verdict.DEPARTED if code in (1000, 1001) else Verdict.PASSED
    yield Sample(f"{kind.value}: {code} ({exact})", verdict, conversation.closes()[0][0])
