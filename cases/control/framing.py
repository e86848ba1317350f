"""The form of a control frame: a single frame of at most 125 octets (RFC 6455 section 5.5)."""

from __future__ import annotations

from collections.abc import Sequence

from wsconform import CLOSE, PING, PONG, Closure, Connection, Frame, LengthForm, case, each

_FIN_HINT = "refuse a control frame whose FIN bit is clear as soon as its header is read"
_LENGTH_HINT = "refuse a control frame of more than 125 octets as soon as its header is read"

FRAGMENTED: dict[str, Sequence[Frame]] = {
    "ping_and_continuation": (Frame.ping(b"fragment1", fin=False), Frame.continuation("fragment2")),
    "ping": (Frame.ping(b"a", fin=False),),
    "empty_ping": (Frame.ping(fin=False),),
    "pong": (Frame.pong(b"a", fin=False),),
    "empty_pong": (Frame.pong(fin=False),),
    "pong_and_continuation": (Frame.pong(b"fragment1", fin=False), Frame.continuation("fragment2")),
    "ping_in_two_pings": (Frame.ping(b"a", fin=False), Frame.ping(b"b")),
}

FRAGMENTED_CLOSES: dict[str, Sequence[Frame]] = {
    "close": (Frame.close(1000, fin=False),),
    "empty_close": (Frame.close(fin=False),),
    "close_and_continuation": (Frame.close(1000, fin=False), Frame.continuation("bye")),
}

TOO_LONG = {
    "ping_126": Frame.ping(b"\xfe" * 126),
    "ping_127": Frame.ping(b"p" * 127),
    "ping_65535": Frame.ping(b"p" * 65535),
    "ping_65536": Frame.ping(b"p" * 65536),
    "pong_126": Frame.pong(b"p" * 126),
    "pong_65536": Frame.pong(b"p" * 65536),
}

TOO_LONG_CLOSES = {
    "close_126": Frame.close(1000, b"*" * 124),
    "close_127": Frame.close(1000, b"r" * 125),
    "close_65536": Frame.close(1000, b"r" * 65534),
}

PADDED = {
    "ping_16_bits": Frame(PING, b"Hello", form=LengthForm.MEDIUM),
    "ping_64_bits": Frame(PING, b"Hello", form=LengthForm.LONG),
    "empty_ping_16_bits": Frame(PING, b"", form=LengthForm.MEDIUM),
    "ping_125_16_bits": Frame(PING, b"p" * 125, form=LengthForm.MEDIUM),
}


@case("6455-5.4-7", "6455-5.5-6", hint=_FIN_HINT)
@each(frames=FRAGMENTED)
async def fragmented_ping_or_pong_fails_the_connection(ws: Connection, frames: Sequence[Frame]) -> None:
    """A Ping or Pong with FIN clear is an error, with or without a continuation.

    A target that ignores FIN answers the frame. A target that reassembles control frames waits for the rest.
    Both answer the Ping behind it.
    """
    await ws.send(*frames)
    await ws.expect_connection_failed()


@case("6455-5.4-7", "6455-5.5-6", hint=_FIN_HINT)
@each(control={"ping": Frame.ping(b"a", fin=False), "pong": Frame.pong(b"a", fin=False)})
async def fragmented_control_frame_inside_a_message_fails_the_connection(ws: Connection, control: Frame) -> None:
    """A control frame with FIN clear is also an error between the fragments of a message.

    FIN is clear on the fragment before it, so a target that keeps one FIN flag for data and control frames
    does not notice the error and delivers the message.
    """
    await ws.send(Frame.text("Hel", fin=False), control, Frame.continuation("lo"))
    await ws.expect_connection_failed()


@case("6455-5.4-7", "6455-5.5-6", hint=_FIN_HINT)
@each(frames=FRAGMENTED_CLOSES)
async def fragmented_close_ends_the_connection(ws: Connection, frames: Sequence[Frame]) -> None:
    """A Close with FIN clear is an error, and the connection ends.

    The reply may have any code. A target that waits for the rest of the Close keeps the connection open.
    """
    await ws.send(*frames)
    await _expect_end(ws)


@case("6455-5.5-3", hint=_LENGTH_HINT)
@each(frame=TOO_LONG)
async def ping_or_pong_of_more_than_125_octets_fails_the_connection(ws: Connection, frame: Frame) -> None:
    """A Ping or Pong of more than 125 octets is an error.

    All of its payload is sent, and nothing else is wrong: a target that does not check the length answers
    the frame and the Ping behind it.
    """
    await ws.send(frame)
    await ws.expect_connection_failed()


@case("6455-5.5-3", hint=_LENGTH_HINT)
@each(frame=TOO_LONG_CLOSES)
async def close_of_more_than_125_octets_ends_the_connection(ws: Connection, frame: Frame) -> None:
    """A Close of more than 125 octets is an error, and the connection ends.

    The reply may have any code. A target that ignores the frame, or that stalls over it, keeps the connection open.
    """
    await ws.send(frame)
    await _expect_end(ws)


@case("6455-5.5-4", hint=_LENGTH_HINT)
@each(frame={"ping_126": TOO_LONG["ping_126"], "pong_126": TOO_LONG["pong_126"], "ping_65536": TOO_LONG["ping_65536"]})
async def control_frame_that_is_too_long_may_be_refused_at_its_header(ws: Connection, frame: Frame) -> None:
    """A control frame of more than 125 octets is refused at its header, or at the latest after its payload.

    The header is sent alone first. If the target waits for the payload, this is noted and the payload follows.
    """
    octets = ws.encode(frame)
    size = len(octets) - len(frame.payload)
    await ws.send_octets(octets[:size])
    closure = await ws.read_to_end(_time_to_react(ws))
    by_header = closure.close is not None or closure.ending is not None
    ws.choose("the header is refused" if by_header else "the target waits for the payload")
    await ws.send_octets(octets[size:])
    await _expect_end(ws, closure)


@case("6455-5.5-5", reading="padded-lengths")
@each(frame=PADDED)
async def ping_with_a_padded_length_is_answered_or_refused(ws: Connection, frame: Frame) -> None:
    """A Ping whose length is not in the shortest form is answered with its data, or refused.

    The RFC requires the shortest form of the sender and nothing of the receiver. A Pong with other octets is
    wrong, and so is a target that no longer finds the start of the next frame.
    """
    await ws.send(frame)
    answered = await _pong_or_end(ws, frame.payload)
    ws.choose("accepts lengths that are not minimal" if answered else "refuses lengths that are not minimal")


@case("6455-5.5-5", reading="padded-lengths")
@each(
    frame={
        "pong_16_bits": Frame(PONG, b"Hello", form=LengthForm.MEDIUM),
        "pong_64_bits": Frame(PONG, b"Hello", form=LengthForm.LONG),
    }
)
async def pong_with_a_padded_length_is_ignored_or_refused(ws: Connection, frame: Frame) -> None:
    """A Pong whose length is not in the shortest form is ignored like any other, or refused.

    The Ping behind it shows which, and whether the target found the end of the Pong.
    """
    await ws.send(frame, Frame.ping(b"behind"))
    answered = await _pong_or_end(ws, b"behind")
    ws.choose("accepts lengths that are not minimal" if answered else "refuses lengths that are not minimal")


@case("6455-5.5-5", reading="padded-lengths")
@each(form={"16_bits": LengthForm.MEDIUM, "64_bits": LengthForm.LONG})
async def close_with_a_padded_length_ends_the_connection(ws: Connection, form: LengthForm) -> None:
    """A Close whose length is not in the shortest form ends the connection, whether it is accepted or refused.

    A target that reads the extended length as the start of the body finds another code, or waits for more octets.
    """
    await ws.send(Frame(CLOSE, b"\x03\xe8", form=form))
    closure = await ws.expect_ended()
    refused = closure.close is None or closure.status_code == 1002
    ws.choose("refuses lengths that are not minimal" if refused else "accepts lengths that are not minimal")


def _time_to_react(ws: Connection) -> float:
    # Only a choice that is recorded depends on this time, so it can be shorter than a second.
    return min(ws.session.limits.prompt, max(0.1, 200 * ws.session.facts.round_trip))


async def _expect_end(ws: Connection, earlier: Closure | None = None) -> None:
    closure = earlier if earlier and earlier.ending else await ws.read_to_end()
    ws.note("ended with", closure)
    ws.expect(closure.ending is not None, "the connection to end", str(closure))


async def _pong_or_end(ws: Connection, data: bytes) -> bool:
    """Return True if a Pong with `data` came, False if the target ended the connection instead."""
    # We send no second Ping before the Pong comes: a target may answer the most recent Ping only (5.5.3).
    deadline = ws.session.deadline()
    while (received := await ws.next(deadline)) is not None and received.opcode != CLOSE:
        if received.opcode == PONG:
            ws.expect(received.payload == data, f"a Pong with {data!r}", str(received), received.entry)
            await ws.expect_alive()
            return True
    stalled = received is None and ws.ended is None
    ws.expect(not stalled, "a Pong, or the end of the connection", "neither")
    return False
