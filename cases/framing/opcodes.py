"""Opcodes: those without a meaning fail the connection, wherever they stand (RFC 6455 sections 5.2, 11.8)."""

from __future__ import annotations

from collections.abc import Sequence

from wsconform import Connection, Frame, Profile, case, each

UNKNOWN = (*range(0x3, 0x8), *range(0xB, 0x10))

#: With a payload and without; as the second of two frames in a row.
BAD = {f"0x{opcode:X}": Frame(opcode, b"Hello, world!") for opcode in (0x3, 0x6, 0x7, 0xB, 0xE, 0xF)} | {
    f"0x{opcode:X}": Frame(opcode) for opcode in (0x5, 0xD)
}

_HINT = "refuse opcodes 3-7 and 11-15 as soon as the header is read"


@case("6455-5.2-6", "6455-5.5-1", "6455-11.8-1", "6455-10.7-1", "6455-10.7-2", hint=_HINT)
@each(opcode=UNKNOWN, payload={"empty": b"", "text": b"reserved opcode payload"})
async def unknown_opcode_fails_the_connection(ws: Connection, opcode: int, payload: bytes) -> None:
    """An opcode without a meaning is neither skipped nor guessed at.

    Nothing else about the frame is wrong. A target that skips it answers the Ping behind it,
    one that guesses delivers the payload.
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
    """An opcode without a meaning is an error also where a good message went before, in the same segment or not.

    The echo of that message may still come; nothing that was sent behind the error may have an effect.
    """
    await ws.send(Frame.text("Hello, world!"), frame, Frame.ping(), Frame.text("late"), pieces=pieces)
    await ws.expect_connection_failed(may_echo=(b"Hello, world!",))


@case("6455-5.2-7", hint=_HINT)
@each(opcode=UNKNOWN)
async def unknown_opcode_without_fin_fails_the_connection(ws: Connection, opcode: int) -> None:
    """An opcode without a meaning is no more welcome as the first fragment of a message.

    A target that looks at opcodes only when a message is complete waits for the rest,
    and answers the Ping in between.
    """
    await ws.send(Frame(opcode, b"A", fin=False))
    await ws.expect_connection_failed()


@case("6455-5.2-7", hint=_HINT)
@each(opcode=UNKNOWN)
async def unknown_opcode_inside_a_message_fails_the_connection(ws: Connection, opcode: int) -> None:
    """An opcode without a meaning does not pass between the fragments of a message.

    A target that skips it delivers "AC", one that takes every frame inside a message for a continuation "AB" or "ABC".
    """
    await ws.send(Frame.text("A", fin=False), Frame(opcode, b"B"), Frame.continuation("C"))
    await ws.expect_connection_failed()
