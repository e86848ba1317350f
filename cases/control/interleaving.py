"""Control frames between the fragments of a message: handled at once, not part of the message (RFC 6455 5.4, 6.2)."""

from __future__ import annotations

from collections.abc import Sequence

from wsconform import BINARY, CLOSE, PONG, TEXT, Connection, Frame, Need, case, each

#: The first three of the four fragments of a message; a control frame comes behind one of the four.
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

_HINT = "handle a control frame as soon as it arrives, without changing the message in progress"


@case("6455-5.4-10", "6455-5.4-5", needs=Need.ECHO, hint=_HINT)
@each(opcode={"text": TEXT, "binary": BINARY}, pieces={"one_segment": None, "octet_by_octet": (1,)})
async def control_frames_do_not_disturb_a_message(ws: Connection, opcode: int, pieces: Sequence[int] | None) -> None:
    """A Ping and a Pong between the fragments of a message do not change the message.

    If a target uses one buffer for both, the data of the Ping end up in the message, or the fragments in the Pong.
    """
    first, last = Frame(opcode, b"Hel", fin=False), Frame.continuation("lo")
    await ws.send(first, Frame.ping(b"a"), Frame.pong(b"b"), last, pieces=pieces)
    await _expect_pongs_and_message(ws, (b"a",), Frame(opcode, b"Hello"))


@case("6455-5.4-10", "6455-5.4-5", needs=Need.ECHO, hint=_HINT)
@each(pieces={"one_segment": None, "frame_by_frame": (15, 18, 15), "octet_by_octet": (1,)})
async def ping_between_two_fragments_does_not_disturb_a_message(ws: Connection, pieces: Sequence[int] | None) -> None:
    """A Ping between the two fragments of a message is answered, and the whole message is delivered."""
    await ws.send(
        Frame.text("fragment1", fin=False), Frame.ping(b"ping payload"), Frame.continuation("fragment2"), pieces=pieces
    )
    await _expect_pongs_and_message(ws, (b"ping payload",), Frame.text("fragment1fragment2"))


@case("6455-5.4-10", "6455-5.4-5", hint=_HINT)
@each(size=(2, 125))
async def many_control_frames_between_fragments_are_accepted(ws: Connection, size: int) -> None:
    """Twenty Pings and twenty Pongs between two fragments are accepted.

    They are fewer than a limit against floods should allow, and more than a queue for one frame
    holds. The last Ping must be answered, and the message must be delivered afterwards.
    """
    pings = [Frame.ping(b"%02d" % n + b"p" * (size - 2)) for n in range(20)]
    await ws.send(Frame.text("Hel", fin=False), *pings, *([Frame.pong(b"x" * size)] * 20))
    await ws.expect_pong(pings[-1].payload)
    await ws.send(Frame.continuation("lo"))
    await _expect_message_if_echoed(ws)


@case("6455-5.4-10", hint="check for control frames after every frame, not only after every message")
@each(opcode={"text": TEXT, "binary": BINARY}, data=(b"ping", b""))
async def ping_between_fragments_is_answered_before_the_message_ends(ws: Connection, opcode: int, data: bytes) -> None:
    """A Ping between two fragments is answered while the message is still incomplete.

    Three times, the next fragment is sent only after the Pong has come, or should have come. Then the message is
    finished, for a target that keeps Pings until the end of a message: a late Pong is a departure, no Pong a failure.
    """
    late = 0
    late += await _pong_is_late(ws, Frame(opcode, b"one", fin=False), b"1" + data)
    late += await _pong_is_late(ws, Frame.continuation(b"two", fin=False), b"2" + data)
    late += await _pong_is_late(ws, Frame.continuation(b"three", fin=False), b"3" + data)
    await ws.send(Frame.continuation(b"four"))
    await _expect_late_pong(ws, late, b"3" + data)
    ws.depart_if(late > 0, "a Ping was not answered until the message had ended")


@case("6455-5.4-10", needs=Need.ECHO, hint=_HINT)
@each(opcode={"text": TEXT, "binary": BINARY})
async def message_with_a_ping_in_every_gap_is_complete(ws: Connection, opcode: int) -> None:
    """A message with a Ping between every two fragments is delivered whole, and the last Ping is answered.

    The data of the Pings and of the fragments all differ, so mixed-up data are visible. A target may answer
    the most recent Ping only (5.5.3).
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
    """A Ping is answered before, inside and behind a fragmented message.

    Nothing follows the Ping until its Pong has come.
    """
    message = (*_PARTS, _LAST)
    await ws.send(*message[:point], Frame.ping(b"here"))
    await ws.expect_pong(b"here", keep_messages=True)
    await ws.send(*message[point:])
    await _expect_message_if_echoed(ws)


@case("6455-6.2-2", hint=_HINT)
@each(point=POINTS)
async def pong_is_handled_at_every_point(ws: Connection, point: int) -> None:
    """A Pong is ignored before, inside and behind a fragmented message.

    Its data are text like the fragments. A target that appends them to the message, or that ends the message
    there, does not echo the right text.
    """
    message = (*_PARTS, _LAST)
    await ws.send(*message[:point], Frame.pong(b"here"), *message[point:])
    await _expect_message_if_echoed(ws)


@case("6455-6.2-2", "6455-5.5.1-11", hint=_HINT, reading="close-inside-a-message")
@each(point=POINTS)
async def close_is_handled_at_every_point(ws: Connection, point: int) -> None:
    """A Close is answered before, inside and behind a fragmented message.

    The rest of the message is not sent, so a target that waits for it never answers.
    """
    message = (*_PARTS, _LAST)
    await ws.send(*message[:point], Frame.close(1000))
    closure = await ws.expect_close_reply()
    ws.note("reply", closure)


async def _expect_message_if_echoed(ws: Connection) -> None:
    """Expect the echo of "Hello"; if the target does not echo, expect that the connection still works."""
    if not ws.session.facts.echo:
        await ws.expect_alive()
        return
    # The echo of a second message shows that the first has no echo, without a wait.
    marker = Frame.text(b"behind it " + ws.random_octets(4).hex().encode())
    await ws.send(marker)
    deadline, echoed = ws.session.deadline(), False
    while (received := await ws.next(deadline)) is not None and received.payload != marker.payload:
        echoed = echoed or received.payload == _WHOLE.payload
        wrong = received.opcode in (TEXT, BINARY) and received.payload != _WHOLE.payload and not ws.is_chatter(received)
        ws.expect(not wrong and received.opcode != CLOSE, 'the echo of "Hello"', str(received), received.entry)
    ws.expect(received is not None, "the echo of the message behind it", "nothing")
    ws.expect(echoed, 'the echo of "Hello"', "the echo of the next message only")


async def _pong_is_late(ws: Connection, fragment: Frame, data: bytes) -> int:
    """Send `fragment` and a Ping with `data`; return 0 if the Pong comes promptly, else 1."""
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
    """Expect Pongs with the data `pongs` and the echo of `message`, in any order."""
    missing, deadline = {(PONG, data) for data in pongs} | {(message.opcode, message.payload)}, ws.session.deadline()
    wanted = f"Pongs {list(pongs)} and the message {message.payload!r}"
    while missing and (received := await ws.next(deadline)) is not None:
        missing.discard((received.opcode, received.payload))
        wrong = received.opcode in (TEXT, BINARY) and received.payload != message.payload
        wrong = wrong and not ws.is_chatter(received)
        ws.expect(not wrong and received.opcode != CLOSE, wanted, str(received), received.entry)
    ws.expect(not missing, wanted, f"{len(missing)} of them missing")
