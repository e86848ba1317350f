"""Reserved bits: zero unless a negotiated extension defines them (RFC 6455 sections 5.2, 11.9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wsconform import BROWSER_OFFER, RSV1, RSV2, RSV3, Connection, Frame, case, each

PATTERNS = {
    "RSV3": RSV3,
    "RSV2": RSV2,
    "RSV2+3": RSV2 | RSV3,
    "RSV1": RSV1,
    "RSV1+3": RSV1 | RSV3,
    "RSV1+2": RSV1 | RSV2,
    "RSV1+2+3": RSV1 | RSV2 | RSV3,
}

#: With RSV1 the payload is "Hello" as section 7.2.3.1 of RFC 7692 compresses it.
UNASSIGNED = {
    name: Frame.text(bytes.fromhex("f248cdc9c90700") if bits & RSV1 else b"Hello", rsv=bits)
    for name, bits in PATTERNS.items()
    if bits != RSV1
}

DATA = {
    "text": Frame.text("Hello, world!"),
    "binary": Frame.binary(b"\0\xff\xfe\xfd\xfc\xfb\0\xff"),
    "binary_text": Frame.binary(b"Hello, world!"),
}
CONTROL = {"ping": Frame.ping(), "ping_with_data": Frame.ping(b"Hello"), "pong": Frame.pong()}

CLOSES = {name: Frame.close(1000, rsv=bits) for name, bits in PATTERNS.items()} | {
    "empty_RSV1+2+3": Frame.close(rsv=RSV1 | RSV2 | RSV3)
}

_HINT = "check all three RSV bits of every frame against those that the negotiated extensions use"


@case("6455-5.2-3", "6455-10.7-1", "6455-10.7-2", hint=_HINT)
@each(frame=DATA, rsv=PATTERNS)
async def reserved_bit_of_a_message_fails_the_connection(ws: Connection, frame: Frame, rsv: int) -> None:
    """A reserved bit that no negotiated extension defines is an error.

    A target that ignores the bits delivers the message. A target that drops the frame answers the Ping behind it.
    """
    await ws.send(replace(frame, rsv=rsv))
    await ws.expect_connection_failed()


@case("6455-5.2-3", hint=_HINT)
@each(rsv=PATTERNS)
async def reserved_bit_of_a_first_fragment_fails_the_connection(ws: Connection, rsv: int) -> None:
    """A reserved bit on the first fragment of a message fails the connection.

    The rest of the message is sent too. A target that does not check the bits of fragments delivers it.
    """
    await ws.send(Frame.text("Hel", fin=False, rsv=rsv), Frame.continuation("lo"))
    await ws.expect_connection_failed()


@case("6455-5.2-3", hint=_HINT)
@each(
    rsv={"RSV3": RSV3, "RSV2": RSV2, "RSV1": RSV1, "RSV2+3": RSV2 | RSV3},
    pieces={"one_segment": None, "octet_by_octet": (1,)},
)
async def reserved_bit_behind_a_message_fails_the_connection(
    ws: Connection, rsv: int, pieces: Sequence[int] | None
) -> None:
    """A reserved bit is also an error after a valid message, in the same segment or not.

    The echo of that message may still come. Frames behind the error must have no effect.
    """
    message = Frame.text("Hello, world!")
    await ws.send(message, replace(message, rsv=rsv), Frame.ping(), Frame.text("late"), pieces=pieces)
    await ws.expect_connection_failed(may_echo=(message.payload,))


@case("6455-5.2-4", hint=_HINT)
@each(frame=CONTROL, rsv=PATTERNS)
async def reserved_bit_of_a_control_frame_fails_the_connection(ws: Connection, frame: Frame, rsv: int) -> None:
    """A reserved bit on a Ping or Pong fails the connection, as on any other frame.

    Many targets handle control frames on a separate code path, which may lack the check of the bits.
    """
    await ws.send(replace(frame, rsv=rsv))
    await ws.expect_connection_failed()


@case("6455-5.2-4", hint=_HINT)
@each(frame=CLOSES)
async def reserved_bit_of_a_close_frame_is_an_error(ws: Connection, frame: Frame) -> None:
    """A Close with a reserved bit is answered as an error, not as a valid Close.

    The connection ends either way, so only the status code shows the difference: a target that
    replies with 1000 or with an empty Close did not notice the error.
    """
    await ws.send(frame)
    closure = await ws.expect_connection_failed(probe=False)
    fine = closure.close is not None and closure.status_code in (None, 1000)
    ws.depart_if(fine, f"Close {closure.close} in reply, as to a Close without a reserved bit")


@case("6455-5.2-5", hint=_HINT)
@each(rsv=PATTERNS, place={"middle": (1, 0), "last": (0, 1)})
async def reserved_bit_of_a_continuation_fails_the_connection(ws: Connection, rsv: int, place: tuple[int, int]) -> None:
    """A reserved bit on a continuation frame fails the connection, on the last frame and on an earlier one.

    A target that checks only the first frame of a message delivers it.
    """
    middle, last = place
    await ws.send(
        Frame.text("Hel", fin=False),
        Frame.continuation("l", fin=False, rsv=rsv * middle),
        Frame.continuation("o", rsv=rsv * last),
    )
    await ws.expect_connection_failed()


@case("6455-11.9-1", offer=BROWSER_OFFER, hint=_HINT)
@each(frame=UNASSIGNED)
async def unassigned_bit_fails_the_connection_when_compression_is_negotiated(ws: Connection, frame: Frame) -> None:
    """Permessage-deflate defines RSV1 only, so RSV2 and RSV3 remain errors.

    A target that stops checking the bits once an extension is negotiated delivers the message,
    which is compressed if RSV1 is set.
    """
    await ws.send(frame)
    await ws.expect_connection_failed()
