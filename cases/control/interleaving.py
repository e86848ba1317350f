"""Control frames between the fragments of a message: seen at once, and no part of it (RFC 6455 sections 5.4, 6.2)."""

from __future__ import annotations

from collections.abc import Sequence

from wsconform import BINARY, CLOSE, PONG, TEXT, Connection, Frame, Need, case, each

#: A message in four fragments, to be interrupted behind any of them.
_PARTS = (Frame.text("He", fin=False), Frame.continuation("l", fin=False), Frame.continuation("", fin=False))
_LAST = Frame.continuation("lo")
_WHOLE = Frame.text("Hello")

POINTS = {
    "before": 0,
    "behind_the_first": 1,
    "behind_the_second": 2,
    "behind_an_empty_one": 3,
    "behind_the_message": 4,
}

_HINT = "handle control frames where they come, without touching the message in progress"


@case("6455-5.4-10", "6455-5.4-5", needs=Need.ECHO, hint=_HINT)
@each(opcode={"text": TEXT, "binary": BINARY}, pieces={"one_segment": None, "octet_by_octet": (1,)})
async def control_frames_do_not_disturb_a_message(ws: Connection, opcode: int, pieces: Sequence[int] | None) -> None:
    """A Ping and a Pong may come between the fragments of a message, which arrives whole.

    Their data would show in the message, or its fragments in the Pong, if one buffer served for both.
    """
    first, last = Frame(opcode, b"Hel", fin=False), Frame.continuation("lo")
    await ws.send(first, Frame.ping(b"a"), Frame.pong(b"b"), last, pieces=pieces)
    await _expect_pongs_and_message(ws, (b"a",), Frame(opcode, b"Hello"))


@case("6455-5.4-10", "6455-5.4-5", needs=Need.ECHO, hint=_HINT)
@each(pieces={"one_segment": None, "frame_by_frame": (15, 18, 15), "octet_by_octet": (1,)})
async def ping_between_two_fragments_does_not_disturb(ws: Connection, pieces: Sequence[int] | None) -> None:
    """A Ping between the two fragments of a message is answered, and the message arrives whole."""
    await ws.send(
        Frame.text("fragment1", fin=False), Frame.ping(b"ping payload"), Frame.continuation("fragment2"), pieces=pieces
    )
    await _expect_pongs_and_message(ws, (b"ping payload",), Frame.text("fragment1fragment2"))


@case("6455-5.4-10", "6455-5.4-5", hint=_HINT)
@each(size=(2, 125))
async def many_control_frames_between_fragments_give_no_offence(ws: Connection, size: int) -> None:
    """However many control frames stand between two fragments, the connection goes on.

    Twenty Pings and Pongs in a row are less than any limit against floods, and more than a queue of one
    holds; the last Ping has to be answered, and the message afterwards too.
    """
    pings = [Frame.ping(b"%02d" % n + b"p" * (size - 2)) for n in range(20)]
    await ws.send(Frame.text("Hel", fin=False), *pings, *([Frame.pong(b"x" * size)] * 20))
    await ws.expect_pong(pings[-1].payload)
    await ws.send(Frame.continuation("lo"))
    await _expect_message_if_echoed(ws)


@case("6455-5.4-10", hint="look for control frames after every frame, not after every message")
@each(opcode={"text": TEXT, "binary": BINARY}, data=(b"ping", b""))
async def ping_between_fragments_is_answered_before_the_message_ends(ws: Connection, opcode: int, data: bytes) -> None:
    """A Pong comes while the message is still incomplete.

    The next fragment goes only when the Pong is there, three times over: a target that collects the message
    first never gets the rest. It may still have kept the Ping, so the message is ended then: late Pongs depart
    from the rule, and none fails it.
    """
    late = 0
    late += await _pong_is_late(ws, Frame(opcode, b"one", fin=False), b"1" + data)
    late += await _pong_is_late(ws, Frame.continuation(b"two", fin=False), b"2" + data)
    late += await _pong_is_late(ws, Frame.continuation(b"three", fin=False), b"3" + data)
    await ws.send(Frame.continuation(b"four"))
    await _expect_late_pong(ws, late, b"3" + data)
    ws.depart_if(late > 0, "Pongs only when the message had ended")


@case("6455-5.4-10", needs=Need.ECHO, hint=_HINT)
@each(opcode={"text": TEXT, "binary": BINARY})
async def message_with_a_ping_in_every_gap_is_complete(ws: Connection, opcode: int) -> None:
    """A message is delivered whole, with a Ping in every gap between its fragments, and the last is answered.

    The Pings' data differ from each other and from the fragments, so whatever is mixed up shows. To answer the
    most recent Ping alone is allowed (5.5.3).
    """
    await ws.send(
        Frame(opcode, b"one ", fin=False),
        Frame.ping(b"p1"),
        Frame.continuation(b"two ", fin=False),
        Frame.ping(b"p2"),
        Frame.continuation(b"three ", fin=False),
        Frame.ping(b"p3"),
        Frame.continuation(b"four"),
    )
    await _expect_pongs_and_message(ws, (b"p3",), Frame(opcode, b"one two three four"))


@case("6455-6.2-2", "6455-5.5.2-2", hint=_HINT)
@each(point=POINTS)
async def ping_is_handled_at_every_point(ws: Connection, point: int) -> None:
    """A Ping is answered at every point of a fragmented message, and so is one around it.

    Nothing follows the Ping until its Pong is there.
    """
    message = (*_PARTS, _LAST)
    await ws.send(*message[:point], Frame.ping(b"here"))
    await ws.expect_pong(b"here")
    await ws.send(*message[point:])
    await _expect_message_if_echoed(ws)


@case("6455-6.2-2", hint=_HINT)
@each(point=POINTS)
async def pong_is_handled_at_every_point(ws: Connection, point: int) -> None:
    """A Pong is read over at every point of a fragmented message, and around it.

    Its data are text like the fragments: a target that appends them, or ends the message there, cannot go on with
    the rest.
    """
    message = (*_PARTS, _LAST)
    await ws.send(*message[:point], Frame.pong(b"here"), *message[point:])
    await _expect_message_if_echoed(ws)


@case("6455-6.2-2", "6455-5.5.1-11", hint=_HINT, reading="close-inside-a-message")
@each(point=POINTS)
async def close_is_handled_at_every_point(ws: Connection, point: int) -> None:
    """A Close is answered at every point of a fragmented message, and around it.

    The rest of the message is not sent, so a target that waits for it never answers.
    """
    message = (*_PARTS, _LAST)
    await ws.send(*message[:point], Frame.close(1000))
    closure = await ws.expect_close_reply()
    ws.note("reply", closure)


async def _expect_message_if_echoed(ws: Connection) -> None:
    """Expect the echo of "Hello", or, of a target that does not echo, that the connection still works."""
    if not ws.session.facts.echo:
        await ws.expect_alive()
        return
    # The echo may have come before the Pong or behind it; another message behind both draws the line.
    marker = Frame.text(b"behind it " + ws.random_octets(4).hex().encode())
    await ws.send(marker)
    deadline = ws.session.deadline()
    while (received := await ws.next(deadline)) is not None and received.payload != marker.payload:
        wrong = received.opcode in (TEXT, BINARY) and received.payload != _WHOLE.payload and not ws.is_chatter(received)
        ws.expect(not wrong and received.opcode != CLOSE, 'the echo of "Hello"', str(received), received.entry)
    ws.expect(received is not None, "the echo of what was sent behind it", "nothing")
    said = b"".join(frame.payload for _, frame in ws.conversation.frames if not frame.is_control)
    ws.expect(_WHOLE.payload in said, 'the echo of "Hello"', "the next message's echo alone")


async def _pong_is_late(ws: Connection, fragment: Frame, data: bytes) -> int:
    """Send `fragment` and a Ping; return 0 if its Pong comes promptly, else 1."""
    await ws.send(fragment, Frame.ping(data))
    deadline = ws.session.deadline(ws.session.limits.prompt)
    while (received := await ws.next(deadline)) is not None:
        if (received.opcode, received.payload) == (PONG, data):
            return 0
        ws.expect(received.opcode != CLOSE, "a Pong", str(received), received.entry)
    ws.expect(ws.ended is None, "a Pong", "the end of the connection")
    return 1


async def _expect_late_pong(ws: Connection, late: int, data: bytes) -> None:
    if late:
        await ws.expect_pong(data)


async def _expect_pongs_and_message(ws: Connection, pongs: Sequence[bytes], message: Frame) -> None:
    """Expect the last of `pongs` and the echo of `message`, in whichever order the target has them."""
    missing, deadline = {(PONG, data) for data in pongs} | {(message.opcode, message.payload)}, ws.session.deadline()
    wanted = f"Pongs {list(pongs)} and the message {message.payload!r}"
    while missing and (received := await ws.next(deadline)) is not None:
        missing.discard((received.opcode, received.payload))
        wrong = received.opcode in (TEXT, BINARY) and received.payload != message.payload
        wrong = wrong and not ws.is_chatter(received)
        ws.expect(not wrong and received.opcode != CLOSE, wanted, str(received), received.entry)
    ws.expect(not missing, wanted, f"{len(missing)} of them missing")
