"""Opcodes: a reserved one fails the connection, wherever it occurs (RFC 6455 sections 5.2, 11.8)."""

from __future__ import annotations

from collections.abc import Sequence

from wsconform import Connection, Frame, Profile, case, each

UNKNOWN = (*range(0x3, 0x8), *range(0xB, 0x10))

#: Frames with a reserved opcode, with a payload and without.
BAD = {f"0x{opcode:X}": Frame(opcode, b"Hello, world!") for opcode in (0x3, 0x6, 0x7, 0xB, 0xE, 0xF)} | {
    f"0x{opcode:X}": Frame(opcode) for opcode in (0x5, 0xD)
}

_HINT = "refuse opcodes 3-7 and 11-15 as soon as the header is read"


@case("6455-5.2-6", "6455-5.5-1", "6455-11.8-1", "6455-10.7-1", "6455-10.7-2", hint=_HINT)
@each(opcode=UNKNOWN, payload={"empty": b"", "text": b"reserved opcode payload"})
async def unknown_opcode_fails_the_connection(ws: Connection, opcode: int, payload: bytes) -> None:
    """A frame with a reserved opcode is neither ignored nor delivered.

    Nothing else about the frame is wrong. A target that ignores the frame answers the Ping behind it;
    a target that treats it as data delivers the payload.
    """
    await ws.send(Frame(opcode, payload))
    await ws.expect_connection_failed()


@case(
    *("6455-5.2-6", "6455-11.8-1"),
    profile=lambda frame, pieces: Profile.STANDARD if pieces == (1,) else Profile.QUICK,
    hint=_HINT,
)
@each(frame=BAD, pieces={"one_segment": None, "octet_by_octet": (1,), "header_alone": (2,)})
async def unknown_opcode_behind_a_message_fails_the_connection(
    ws: Connection, frame: Frame, pieces: Sequence[int] | None
) -> None:
    """A reserved opcode is also an error after a valid message, in the same segment or not.

    The echo of that message may still come. Frames behind the error must have no effect.
    """
    await ws.send(Frame.text("Hello, world!"), frame, Frame.ping(), Frame.text("late"), pieces=pieces)
    await ws.expect_connection_failed(may_echo=(b"Hello, world!",))


@case("6455-5.2-7", hint=_HINT)
@each(opcode=UNKNOWN)
async def unknown_opcode_without_fin_fails_the_connection(ws: Connection, opcode: int) -> None:
    """A reserved opcode is also an error on the first fragment of a message.

    A target that checks opcodes only when a message is complete waits for the rest,
    and answers the Ping in between.
    """
    await ws.send(Frame(opcode, b"A", fin=False))
    await ws.expect_connection_failed()


@case("6455-5.2-7", hint=_HINT)
@each(opcode=UNKNOWN)
async def unknown_opcode_inside_a_message_fails_the_connection(ws: Connection, opcode: int) -> None:
    """A reserved opcode is also an error between the fragments of a message.

    A target that ignores the frame delivers "AC". A target that treats every frame inside a message
    as a continuation delivers "AB" or "ABC".
    """
    await ws.send(Frame.text("A", fin=False), Frame(opcode, b"B"), Frame.continuation("C"))
    await ws.expect_connection_failed()
