"""Watched in every conversation: the target's Close frames, their codes, and whether one was sent before failing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from wsconform import CLOSE, CloseBody, Conversation, Provocation, Sample, Verdict, is_sendable, monitor

_PROTOCOL_KINDS = (Provocation.PROTOCOL, Provocation.MASKING, Provocation.LENGTH)

#: Codes that tell an error for what it is (section 7.4.1), and those that come near enough to be noted only.
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
    """A Close frame of the target is empty, or begins with a status code from 1000 to 4999 that may be sent.

    Looked at in every Close of the run, whatever provoked it; a code that came back as it was received, from the ranges
    that the RFC leaves open, is a departure.
    """
    for entry, frame in conversation.frames:
        if frame.opcode != CLOSE:
            continue
        body = CloseBody(frame.payload)
        if body.is_malformed or len(frame.payload) > 125:
            yield Sample(f"a Close body of {len(frame.payload)} octets", Verdict.FAILED, entry)
        else:
            yield _judged(conversation, body.code, entry)


@monitor("6455-5.5.1-21", hint="remember that a Close was sent, and send no second one")
def at_most_one_close_is_sent(conversation: Conversation) -> Iterator[Sample]:
    """The target sends one Close on a connection, or none.

    Looked at wherever it sent one: a second hides behind replies to errors as well as in the closing handshake.
    """
    closes = conversation.closes()
    if closes:
        yield Sample("one Close")
    if len(closes) > 1:
        yield Sample(f"{len(closes)} Close frames", Verdict.FAILED, closes[1][0])


@monitor("6455-5.5.1-10", hint="drop what is queued when the Close goes out")
def no_data_frame_follows_the_close(conversation: Conversation) -> Iterator[Sample]:
    """Behind its Close the target sends no data frame, on no connection of the run.

    An echo that is late, or an application that was not told, shows as a frame of opcode 0, 1 or 2.
    """
    closes = conversation.closes()
    if not closes:
        return
    first = closes[0][0]
    late = next(((entry, frame) for entry, frame in conversation.frames if entry > first and frame.opcode < 0x3), None)
    yield Sample(f"{late[1]} behind Close", Verdict.FAILED, late[0]) if late else Sample("nothing behind Close")


@monitor("6455-7.4.1-7", hint="1005 is for the API; a Close without a code has an empty body")
def code_1005_is_never_sent(conversation: Conversation) -> Iterator[Sample]:
    """1005 says that there was no code; no Close says it.

    The occasion is the reply to an empty Close, where a target that passes its API's value on sends it.
    """
    return _never(conversation, lambda code: code == 1005)


@monitor("6455-7.4.1-8", hint="1006 is for the API; it is what no Close frame was sent for")
def code_1006_is_never_sent(conversation: Conversation) -> Iterator[Sample]:
    """1006 says that the connection ended without a Close; no Close says it.

    The occasion is an abnormal end, and a Close with 1006 that the target might send back.
    """
    return _never(conversation, lambda code: code == 1006)


@monitor("6455-7.4.1-9", hint="1015 is for the API; a failed TLS handshake leaves nothing to send a Close on")
def code_1015_is_never_sent(conversation: Conversation) -> Iterator[Sample]:
    """1015 says that TLS failed; no Close says it.

    The occasion is a Close with 1015 that the target might send back.
    """
    return _never(conversation, lambda code: code == 1015)


@monitor("6455-7.4.1-6", hint="1004 is reserved: do not send it")
def code_1004_is_not_sent(conversation: Conversation) -> Iterator[Sample]:
    """1004 is reserved and never the target's own choice; to send a received one back is a departure.

    Looked at in every Close of the run.
    """
    return _never(conversation, lambda code: code == 1004, echo=Verdict.DEPARTED)


@monitor("6455-7.4.1-16", hint="a server refuses an extension in its handshake; 1010 is the client's to send")
def server_does_not_send_1010(conversation: Conversation) -> Iterator[Sample]:
    """1010 is a client's complaint about the handshake's extensions; a server has no use for it.

    A 1010 that comes back in reply to ours is an echo, which section 5.5.1 calls typical, and no complaint.
    """
    return _never(conversation, lambda code: code == 1010, echo=Verdict.PASSED)


@monitor("6455-7.4.2-1", hint="codes below 1000 are not used: neither choose one nor echo one")
def code_below_1000_is_not_sent(conversation: Conversation) -> Iterator[Sample]:
    """Codes from 0 to 999 are not used, not even as an echo.

    A code that was written with its octets swapped, or a byte count in its place, shows here.
    """
    return _never(conversation, lambda code: code < 1000)


@monitor("6455-7.4.2-2", hint="of 1000 to 2999 send only codes that the registry of section 11.7 has")
def unassigned_code_is_not_sent(conversation: Conversation) -> Iterator[Sample]:
    """Codes from 1016 to 2999 are reserved for specifications; the target chooses none.

    To send a received one back is a departure.
    """
    return _never(conversation, lambda code: 1016 <= code <= 2999, echo=Verdict.DEPARTED)


@monitor("6455-7.4.2-6", hint="the highest code is 4999")
def code_above_4999_is_not_sent(conversation: Conversation) -> Iterator[Sample]:
    """Codes of 5000 and more belong to no range; the target chooses none.

    To send a received one back is told as it is, no more: the RFC leaves its reception open.
    """
    return _never(conversation, lambda code: code > 4999, echo=Verdict.PASSED)


@monitor("6455-7.1.7-5", "6455-10.7-3", "6455-7.1.7-6", hint="send a Close with a code before ending TCP over an error")
def close_is_sent_before_failing(conversation: Conversation) -> Iterator[Sample]:
    """Before it closes TCP over an error the target says why in a Close frame.

    Counted over all errors of protocol and UTF-8 that ended a connection. Errors of masking and length are left
    out, where the target may doubt that anybody can read it: the Close may be omitted then (7.1.7).
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
    """The code of an error's Close matches the error.

    Counted over all errors; another code that may be sent is told, and 1000 or 1001, which deny the error, depart.
    """
    return _error_codes(conversation, tuple(_EXACT))


@monitor("6455-7.4.1-4", hint="close with 1002 over a protocol error")
def protocol_error_is_1002(conversation: Conversation) -> Iterator[Sample]:
    """1002 is the code for errors of framing, masking, fragmentation and control frames.

    Counted over all of them; another code that may be sent is told, and 1000 or 1001, which deny the error, depart.
    """
    return _error_codes(conversation, _PROTOCOL_KINDS)


@monitor("6455-7.4.1-11", hint="close with 1007 over text that is not UTF-8")
def inconsistent_data_is_1007(conversation: Conversation) -> Iterator[Sample]:
    """1007 is the code for text that is not UTF-8.

    Counted over all such errors; 1002, 1003 and others are told, and 1000 or 1001, which deny the error, depart.
    """
    return _error_codes(conversation, (Provocation.UTF8,))


def _judged(conversation: Conversation, code: int | None, entry: int) -> Sample:
    if code is None:
        return Sample("no code")
    if is_sendable(code):
        return Sample(str(code))
    # A code from the open ranges that came back as it was sent is our code, not the target's (reading
    # `close-codes-without-a-meaning`); those of 0 to 999 and the three banned ones have no such excuse.
    open_range = code == 1004 or 1016 <= code <= 2999 or code > 4999
    verdict = Verdict.DEPARTED if open_range and code in _sent_codes(conversation) else Verdict.FAILED
    return Sample(f"{code}, sent back" if verdict is Verdict.DEPARTED else str(code), verdict, entry)


def _never(
    conversation: Conversation, banned: Callable[[int], bool], *, echo: Verdict = Verdict.FAILED
) -> Iterator[Sample]:
    for entry, body in conversation.closes():
        if body.code is None or not banned(body.code):
            yield Sample()
            continue
        returned = body.code in _sent_codes(conversation)
        yield Sample(
            f"{body.code}, sent back" if returned else str(body.code), echo if returned else Verdict.FAILED, entry
        )


def _sent_codes(conversation: Conversation) -> set[int | None]:
    return {CloseBody(frame.payload).code for frame in conversation.sent if frame.opcode == CLOSE}


def _error_codes(conversation: Conversation, kinds: tuple[Provocation, ...]) -> Iterator[Sample]:
    closure, kind = conversation.closure, conversation.provoked
    if kind not in kinds or closure is None or closure.close is None or closure.status_code is None:
        return
    code = closure.status_code
    exact = "exact" if code == _EXACT[kind] else "other"
    verdict = Verdict.DEPARTED if code in (1000, 1001) else Verdict.PASSED
    yield Sample(f"{kind.value}: {code} ({exact})", verdict, conversation.closes()[0][0])
