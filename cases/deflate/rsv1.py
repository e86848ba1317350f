"""RSV1, the bit that marks a compressed message: on its first frame, and nowhere else (RFC 7692 section 6)."""

from __future__ import annotations

from collections.abc import Sequence

from wsconform import BINARY, BROWSER_OFFER, RSV1, TEXT, Connection, Frame, Need, case, each

from .messages import HELLO, compressed, fragments

DATA = {"text": TEXT, "binary": BINARY}

CONTROL = {
    "empty_ping": Frame.ping(rsv=RSV1),
    "empty_pong": Frame.pong(rsv=RSV1),
    "ping": Frame.ping(b"Hello", rsv=RSV1),
    "pong": Frame.pong(b"Hello", rsv=RSV1),
    "compressed_ping": Frame.ping(HELLO, rsv=RSV1),
    "compressed_pong": Frame.pong(HELLO, rsv=RSV1),
    "long_ping": Frame.ping(b"x" * 125, rsv=RSV1),
}

#: Messages with RSV1 on a continuation frame; the RSV1 of the first frame is correct.
MARKED = {
    "last_of_a_compressed_message": (*fragments(HELLO[:3], HELLO[3:])[:1], Frame.continuation(HELLO[3:], rsv=RSV1)),
    "last_of_a_plain_message": (Frame.text("Hel", fin=False), Frame.continuation("lo", rsv=RSV1)),
    "middle_of_a_compressed_message": (
        *fragments(HELLO[:3], b"")[:1],
        Frame.continuation(HELLO[3:5], fin=False, rsv=RSV1),
        Frame.continuation(HELLO[5:]),
    ),
    "middle_of_a_plain_message": (
        Frame.text("Hel", fin=False),
        Frame.continuation("l", fin=False, rsv=RSV1),
        Frame.continuation("o"),
    ),
    "empty_last_of_a_compressed_message": (*fragments(HELLO, b"")[:1], Frame.continuation(b"", rsv=RSV1)),
    "empty_last_of_a_plain_message": (Frame.text("Hello", fin=False), Frame.continuation("", rsv=RSV1)),
    "compressed_rest_of_a_plain_message": (Frame.text("", fin=False), Frame.continuation(HELLO, rsv=RSV1)),
    "every_frame": (
        Frame.binary(HELLO[:2], fin=False, rsv=RSV1),
        Frame.continuation(HELLO[2:4], fin=False, rsv=RSV1),
        Frame.continuation(HELLO[4:], rsv=RSV1),
    ),
}

_HINT = "accept RSV1 only on the first frame of a Text or Binary message; fail the connection anywhere else"


@case("7692-6-1", needs=Need.ECHO, offer=BROWSER_OFFER, hint="check RSV1 on the first frame of every message")
@each(opcode=DATA, order={"compressed_first": 1, "plain_first": -1})
async def rsv1_distinguishes_compressed_messages_from_plain_ones(ws: Connection, opcode: int, order: int) -> None:
    """RSV1 on the first frame marks a compressed message: "Hello" is sent compressed and plain, and echoed twice.

    A target that treats all messages like the first, or all as compressed or plain, fails in one of the orders.
    """
    await ws.send(*(compressed(HELLO, opcode), Frame(opcode, b"Hello"))[::order])
    await ws.expect_echo(Frame(opcode, b"Hello"), Frame(opcode, b"Hello"))


@case("7692-6.2-2", needs=Need.ECHO, offer=BROWSER_OFFER, hint="forget RSV1 when the message is delivered")
@each(parts={"in_one_frame": (HELLO,), "in_fragments": (HELLO[:2], HELLO[2:5], HELLO[5:])})
async def rsv1_applies_to_its_message_only(ws: Connection, parts: tuple[bytes, ...]) -> None:
    """RSV1 applies to its own message only: compressed and plain messages alternate, fifty times.

    The plain payloads are not valid DEFLATE, and the compressed ones are not valid text, so a target that keeps or
    loses the bit fails.
    """
    plain = fragments(*(b"plain",) * len(parts), rsv=0)
    await ws.send(*(*fragments(*parts), *plain) * 50)
    await ws.expect_echo(*(Frame.text("Hello"), Frame.text(b"plain" * len(parts))) * 50)


@case("7692-6.1-7", needs=Need.ECHO, offer=BROWSER_OFFER, hint="remember the opcode of the first frame with its RSV1")
@each(opcode=DATA, parts={"in_one_frame": (HELLO,), "in_fragments": (HELLO[:3], HELLO[3:])})
async def type_of_a_compressed_message_is_kept(ws: Connection, opcode: int, parts: tuple[bytes, ...]) -> None:
    """The opcode of the first frame is the type of the message, also when it is compressed.

    A target that forgets the opcode when it inflates echoes every message as Binary.
    """
    await ws.send(*fragments(*parts, opcode=opcode))
    await ws.expect_echo(Frame(opcode, b"Hello"))


@case("7692-6.1-5", offer=BROWSER_OFFER, hint=_HINT)
@each(frame=CONTROL)
async def control_frame_with_rsv1_fails_the_connection(ws: Connection, frame: Frame) -> None:
    """RSV1 on a Ping or a Pong is an error, also when compression is agreed: control frames are never compressed.

    A target that permits the bit on every frame once compression is agreed answers the Ping, or the valid one after it.
    """
    await ws.send(frame)
    await ws.expect_connection_failed()


@case("7692-6.1-5", offer=BROWSER_OFFER, hint=_HINT)
@each(
    frame={"ping": Frame.ping(b"Hello", rsv=RSV1), "pong": Frame.pong(b"Hello", rsv=RSV1)},
    message={"compressed": fragments(HELLO[:3], HELLO[3:]), "plain": fragments(b"Hel", b"lo", rsv=0)},
)
async def control_frame_with_rsv1_inside_a_message_fails_the_connection(
    ws: Connection, frame: Frame, message: Sequence[Frame]
) -> None:
    """RSV1 on a control frame between fragments is an error, in a compressed message as in a plain one.

    A target that permits the bit while a compressed message is in progress delivers the message.
    """
    await ws.send(message[0], frame, message[1])
    await ws.expect_connection_failed()


@case("7692-6.1-5", offer=BROWSER_OFFER, hint=_HINT)
@each(frame={"1000": Frame.close(1000, rsv=RSV1), "empty": Frame.close(rsv=RSV1)})
async def close_with_rsv1_is_an_error(ws: Connection, frame: Frame) -> None:
    """A Close with RSV1 is an error, also when compression is agreed.

    The connection ends either way, so only the status code shows the difference: 1000, or an empty Close, in reply
    means that the target saw no error.
    """
    await ws.send(frame)
    closure = await ws.expect_connection_failed(probe=False)
    fine = closure.close is not None and closure.status_code in (None, 1000)
    ws.depart_if(fine, f"replied {closure.close}, as to a Close without RSV1")


@case("7692-6.1-6", offer=BROWSER_OFFER, hint=_HINT)
@each(frames=MARKED)
async def continuation_with_rsv1_fails_the_connection(ws: Connection, frames: Sequence[Frame]) -> None:
    """RSV1 on a continuation frame is an error, whether the message is compressed or not.

    A target that does not check the bit there delivers the text, a part of it, or compressed octets.
    """
    await ws.send(*frames)
    await ws.expect_connection_failed()
