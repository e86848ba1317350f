"""Reserved bits: zero unless an extension says what they mean (RFC 6455 sections 5.2, 11.9)."""

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

_HINT = "check all three RSV bits of every frame against what the negotiated extensions use"


@case("6455-5.2-3", "6455-10.7-1", "6455-10.7-2", hint=_HINT)
@each(frame=DATA, rsv=PATTERNS)
async def reserved_bit_of_a_message_fails_the_connection(ws: Connection, frame: Frame, rsv: int) -> None:
    """A reserved bit that nothing was negotiated for is an error, not a detail.

    A target that masks the bits off delivers the message; one that drops such a frame answers the Ping behind it.
    """
    await ws.send(replace(frame, rsv=rsv))
    await ws.expect_connection_failed()


@case("6455-5.2-3", hint=_HINT)
@each(rsv=PATTERNS)
async def reserved_bit_of_a_first_fragment_fails_the_connection(ws: Connection, rsv: int) -> None:
    """A reserved bit on the first fragment of a message fails the connection, whatever would follow.

    The rest of the message is sent too, for a target that looks at the bits of whole messages only.
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
    """A reserved bit is an error also where a good message went before, in the same segment or not.

    The echo of that message may still come; nothing that was sent behind the error may have an effect.
    """
    message = Frame.text("Hello, world!")
    await ws.send(message, replace(message, rsv=rsv), Frame.ping(), Frame.text("late"), pieces=pieces)
    await ws.expect_connection_failed(may_echo=(message.payload,))


@case("6455-5.2-4", hint=_HINT)
@each(frame=CONTROL, rsv=PATTERNS)
async def reserved_bit_of_a_control_frame_fails_the_connection(ws: Connection, frame: Frame, rsv: int) -> None:
    """A reserved bit on a Ping or Pong fails the connection as on any other frame.

    Control frames often take a shorter way through a target, past the check of the bits.
    """
    await ws.send(replace(frame, rsv=rsv))
    await ws.expect_connection_failed()


@case("6455-5.2-4", hint=_HINT)
@each(frame=CLOSES)
async def reserved_bit_of_a_close_frame_is_an_error(ws: Connection, frame: Frame) -> None:
    """A Close with a reserved bit is answered as an error, not as a good Close.

    The connection ends either way, so only the status code tells: 1000 in reply, or an empty Close,
    says that the target saw nothing wrong.
    """
    await ws.send(frame)
    closure = await ws.expect_connection_failed(probe=False)
    fine = closure.close is not None and closure.status_code in (None, 1000)
    ws.depart_if(fine, f"replied {closure.close}, as to a Close without a reserved bit")


@case("6455-5.2-5", hint=_HINT)
@each(rsv=PATTERNS, place={"middle": (1, 0), "last": (0, 1)})
async def reserved_bit_of_a_continuation_fails_the_connection(ws: Connection, rsv: int, place: tuple[int, int]) -> None:
    """A reserved bit on a continuation frame fails the connection, on the last one and before.

    A target that checks the frame that begins a message only delivers the whole.
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
async def unassigned_bit_fails_the_connection_beside_compression(ws: Connection, frame: Frame) -> None:
    """Compression gives RSV1 a meaning, and RSV1 alone.

    A target that stops checking the bits once an extension is there delivers the message,
    compressed or not as RSV1 says.
    """
    await ws.send(frame)
    await ws.expect_connection_failed()
