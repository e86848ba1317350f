"""RSV1, the bit that says "compressed": on the first frame of a message, and nowhere else (RFC 7692 section 6)."""

from __future__ import annotations

from collections.abc import Sequence

from wsconform import BINARY, BROWSER_OFFER, RSV1, TEXT, Connection, Frame, Need, case, each

from .made import HELLO, compressed, fragments

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

#: Messages with RSV1 on a frame that continues them: the bit of the first frame is right.
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

_HINT = "RSV1 belongs to the first frame of a Text or Binary message; anywhere else it is an error"


@case("7692-6-1", needs=Need.ECHO, offer=BROWSER_OFFER, hint="look at RSV1 of every message's first frame")
@each(opcode=DATA, order={"compressed_first": 1, "plain_first": -1})
async def bit_tells_compressed_messages_from_plain_ones(ws: Connection, opcode: int, order: int) -> None:
    """RSV1 on the first frame says whether a message is compressed: "Hello" comes both ways, and is "Hello" twice.

    A target that takes all messages for compressed, or none, or goes by the first one, shows in one of the orders.
    """
    await ws.send(*(compressed(HELLO, opcode), Frame(opcode, b"Hello"))[::order])
    await ws.expect_echo(Frame(opcode, b"Hello"), Frame(opcode, b"Hello"))


@case("7692-6.2-2", needs=Need.ECHO, offer=BROWSER_OFFER, hint="forget RSV1 when the message is delivered")
@each(parts={"in_one_frame": (HELLO,), "in_fragments": (HELLO[:2], HELLO[2:5], HELLO[5:])})
async def bit_is_forgotten_with_its_message(ws: Connection, parts: tuple[bytes, ...]) -> None:
    """The bit counts for its message: the next one is judged anew, fifty times to and fro.

    The plain messages are no DEFLATE, and the compressed ones no text, so a bit that stays or is lost shows.
    """
    plain = fragments(*(b"plain",) * len(parts), rsv=0)
    await ws.send(*(*fragments(*parts), *plain) * 50)
    await ws.expect_echo(*(Frame.text("Hello"), Frame.text(b"plain" * len(parts))) * 50)


@case("7692-6.1-7", needs=Need.ECHO, offer=BROWSER_OFFER, hint="remember the opcode of the first frame with its RSV1")
@each(opcode=DATA, parts={"in_one_frame": (HELLO,), "in_fragments": (HELLO[:3], HELLO[3:])})
async def type_of_a_compressed_message_is_kept(ws: Connection, opcode: int, parts: tuple[bytes, ...]) -> None:
    """The opcode of the first frame is the type of the message that was compressed.

    What compression makes of a text are octets, and a target that hands them on as such echoes a Binary message.
    """
    await ws.send(*fragments(*parts, opcode=opcode))
    await ws.expect_echo(Frame(opcode, b"Hello"))


@case("7692-6.1-5", offer=BROWSER_OFFER, hint=_HINT)
@each(frame=CONTROL)
async def control_frame_with_the_bit_fails_the_connection(ws: Connection, frame: Frame) -> None:
    """Control frames are not compressed, and RSV1 on a Ping or a Pong is an error also where compression is agreed.

    A target that allows the bit once the extension is there answers the Ping, or the good one behind it.
    """
    await ws.send(frame)
    await ws.expect_connection_failed()


@case("7692-6.1-5", offer=BROWSER_OFFER, hint=_HINT)
@each(
    frame={"ping": Frame.ping(b"Hello", rsv=RSV1), "pong": Frame.pong(b"Hello", rsv=RSV1)},
    message={"compressed": fragments(HELLO[:3], HELLO[3:]), "plain": fragments(b"Hel", b"lo", rsv=0)},
)
async def control_frame_with_the_bit_inside_a_message_fails_the_connection(
    ws: Connection, frame: Frame, message: Sequence[Frame]
) -> None:
    """RSV1 on a control frame between fragments is an error too, in a compressed message as in a plain one.

    A target that allows the bit while a compressed message is in progress delivers that.
    """
    await ws.send(message[0], frame, message[1])
    await ws.expect_connection_failed()


@case("7692-6.1-5", offer=BROWSER_OFFER, hint=_HINT)
@each(frame={"1000": Frame.close(1000, rsv=RSV1), "empty": Frame.close(rsv=RSV1)})
async def close_with_the_bit_is_an_error(ws: Connection, frame: Frame) -> None:
    """A Close with RSV1 is answered as an error, also where compression is agreed.

    The connection ends either way, so only the status code tells: 1000 in reply, or an empty Close, says that
    the target saw nothing wrong.
    """
    await ws.send(frame)
    closure = await ws.expect_connection_failed(probe=False)
    fine = closure.close is not None and closure.status_code in (None, 1000)
    ws.depart_if(fine, f"replied {closure.close}, as to a Close without RSV1")


@case("7692-6.1-6", offer=BROWSER_OFFER, hint=_HINT)
@each(frames=MARKED)
async def continuation_with_the_bit_fails_the_connection(ws: Connection, frames: Sequence[Frame]) -> None:
    """RSV1 on a frame that continues a message is an error, whether that is compressed or not.

    A target that looks at the bit where it inflates delivers something: the right text, half of it, or octets.
    """
    await ws.send(*frames)
    await ws.expect_connection_failed()
