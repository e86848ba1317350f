"""Compressed messages among plain messages and control frames (RFC 7692 section 6)."""

from __future__ import annotations

from collections.abc import Sequence

from wsconform import BROWSER_OFFER, PING, PONG, Connection, Frame, Need, case, each

from .messages import AGAIN, HELLO, compressed, fragments, require_takeover

#: Messages without RSV1; the payloads of some are valid DEFLATE.
PLAIN = {
    "text": (Frame.text("Hello"),),
    "empty_text": (Frame.text(""),),
    "half_a_compressed_message": (Frame.binary(HELLO[:3]),),
    "octets_of_a_compressed_message": (Frame.binary(HELLO),),
    "octets_of_an_empty_compressed_message": (Frame.binary(b"\x00"),),
    "four_octets_that_end_a_flush": (Frame.binary(b"\x00\x00\xff\xff"),),
    "fragments": fragments(b"Hel", b"", b"lo", rsv=0),
    "65536_octets": (Frame.binary(bytes(range(256)) * 256),),
}

CONTROL = {
    "ping": (Frame.ping(b"ping"),),
    "empty_ping": (Frame.ping(),),
    "pong": (Frame.pong(b"pong"),),
    "long_ping": (Frame.ping(b"x" * 125),),
    "ping_of_compressed_octets": (Frame.ping(HELLO),),
    "ping_pong_ping": (Frame.ping(b"1"), Frame.pong(b"2"), Frame.ping(b"3")),
}

_IN_PROGRESS = "keep the state of the message in progress (its RSV1 too) while you handle a control frame"
_UNTOUCHED = "add only the contents of compressed messages to the window"


def _joined(frames: Sequence[Frame]) -> Frame:
    """Return the message of `frames` in one frame."""
    return Frame(frames[0].opcode, b"".join(frame.payload for frame in frames))


def _pings(frames: Sequence[Frame]) -> list[bytes]:
    return [frame.payload for frame in frames if frame.opcode == PING]


async def _expect_last_pong(ws: Connection, pings: Sequence[bytes]) -> None:
    """Expect the Pong to the last of `pings`, unless it has arrived already; section 5.5.3 requires no other Pong."""
    arrived = [frame.payload for _, frame in ws.conversation.frames if frame.opcode == PONG]
    if pings and pings[-1] not in arrived:
        await ws.expect_pong(pings[-1])


@case("7692-6-2", "7692-6.1-2", needs=Need.ECHO, offer=BROWSER_OFFER)
@each(frames=PLAIN)
async def plain_message_is_delivered_unchanged(ws: Connection, frames: Sequence[Frame]) -> None:
    """A message without RSV1 is plain, also when compression is agreed, and its payload is delivered unchanged.

    Some of the payloads are valid DEFLATE, so a target that inflates any payload it can inflate fails. The target may
    compress its echo; an echo without RSV1 is read as plain.
    """
    await ws.send(*frames)
    await ws.expect_echo(_joined(frames))


@case("7692-6-3", offer=BROWSER_OFFER)
@each(data={"empty": b"", "text": b"Hello", "compressed_octets": HELLO, "125_octets": HELLO * 17 + b"123456"})
async def ping_is_answered_with_its_own_octets(ws: Connection, data: bytes) -> None:
    """A Ping and its Pong are plain also when compression is agreed and after a compressed message.

    The data of one Ping is valid DEFLATE; a target that inflates it, or compresses its Pong, returns other octets.
    """
    await ws.send(compressed(HELLO), Frame.ping(data))
    await ws.expect_pong(data)


@case("7692-6-3", offer=BROWSER_OFFER)
@each(data={"empty": b"", "compressed_octets": HELLO})
async def unsolicited_pong_is_ignored(ws: Connection, data: bytes) -> None:
    """An unsolicited Pong has no effect, even if its data is valid DEFLATE.

    A target that passes the data to its inflater delivers a message, or fails the connection.
    """
    await ws.send(Frame.pong(data))
    await ws.expect_no_reaction("a Pong")


@case("7692-6-3", offer=BROWSER_OFFER)
@each(reason={"none": b"", "text": b"going away", "text_that_compresses": b"bye " * 30})
async def close_is_answered(ws: Connection, reason: bytes) -> None:
    """A Close after a compressed message is plain, and so is the Close in reply.

    If the target compresses its Close, or inflates ours, the status code is wrong or missing.
    """
    await ws.send(compressed(HELLO), Frame.close(1000, reason))
    closure = await ws.expect_close_reply()
    ws.expect(closure.status_code in (None, 1000), "no code, or 1000", str(closure.close), closure.entry)


@case("7692-6.2-1", "6455-5.4-10", needs=Need.ECHO, offer=BROWSER_OFFER, hint=_IN_PROGRESS)
@each(frames=CONTROL, place=(1, 2))
async def control_frame_inside_a_compressed_message_changes_nothing(
    ws: Connection, frames: Sequence[Frame], place: int
) -> None:
    """Control frames between the fragments of a compressed message do not affect it.

    A target that keeps RSV1 in the state of its frame parser loses it with the control frame. It then delivers the
    compressed octets, or rejects them as invalid UTF-8.
    """
    message = fragments(HELLO[:2], HELLO[2:5], HELLO[5:])
    await ws.send(*message[:place], *frames, *message[place:])
    await ws.expect_echo(Frame.text("Hello"))
    await _expect_last_pong(ws, _pings(frames))


@case("6455-5.4-10", "7692-6.2-1", needs=Need.ECHO, offer=BROWSER_OFFER, hint=_IN_PROGRESS)
async def control_frame_inside_a_plain_message_between_compressed_ones_changes_nothing(ws: Connection) -> None:
    """A plain message with a Ping between its fragments stays plain, also between two compressed messages."""
    message = fragments(b"pla", b"in", rsv=0)
    await ws.send(compressed(HELLO), message[0], Frame.ping(b"ping"), message[1], compressed(HELLO))
    await ws.expect_echo(Frame.text("Hello"), Frame.text("plain"), Frame.text("Hello"))


@case("7692-7.2.2-8", needs=Need.ECHO, offer=BROWSER_OFFER, hint=_UNTOUCHED)
@each(
    plain={
        "text": (Frame.text("World"),),
        "empty": (Frame.text(""),),
        "fragments": fragments(b"Wo", b"rld", rsv=0),
        "40000_octets": (Frame.text("World" * 8000),),
    }
)
async def plain_message_leaves_the_window_untouched(ws: Connection, plain: Sequence[Frame]) -> None:
    """A plain message between two compressed ones is not added to the window.

    The second compressed message refers five octets back: to "Hello", not to "World".
    """
    require_takeover(ws)
    await ws.send(compressed(HELLO), *plain, compressed(AGAIN))
    await ws.expect_echo(Frame.text("Hello"), _joined(plain), Frame.text("Hello"))


@case("7692-7.2.2-9", needs=Need.ECHO, offer=BROWSER_OFFER, hint=_UNTOUCHED)
@each(frames={"ping_and_pong": (Frame.ping(b"p" * 125), Frame.pong(b"q" * 125)), "empty_ping": (Frame.ping(),)})
async def control_frames_leave_the_window_untouched(ws: Connection, frames: Sequence[Frame]) -> None:
    """Control frames between two compressed messages are not added to the window.

    The second message refers five octets back: to "Hello", not to the data of a Ping.
    """
    require_takeover(ws)
    await ws.send(compressed(HELLO), *frames, compressed(AGAIN))
    await ws.expect_echo(Frame.text("Hello"), Frame.text("Hello"))
    await _expect_last_pong(ws, _pings(frames))
