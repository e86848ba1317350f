"""Payload lengths: the three forms, their octet order and their limits (RFC 6455 section 5.2)."""

from __future__ import annotations

from dataclasses import replace

from wsconform import BINARY, CLOSE, PONG, TEXT, Connection, Frame, LengthForm, Need, Provocation, case, each

DATA = {"text": TEXT, "binary": BINARY}

#: 37 octets: no power of two is a multiple of 37, so a payload that is cut or shifted differs from the original.
_PATTERN = b"0123456789abcdefghijklmnopqrstuvwxyz-"

TOP_BIT_SET = {
    "2^63+5_text": Frame(TEXT, b"Hello", announced=1 << 63 | 5),
    "2^63+5_binary": Frame(BINARY, b"Hello", announced=1 << 63 | 5),
    "2^63_binary": Frame(BINARY, b"", announced=1 << 63),
    "2^64-1_text": Frame(TEXT, b"", announced=(1 << 64) - 1),
    "2^64-1_binary": Frame(BINARY, b"", announced=(1 << 64) - 1),
    "2^63+5_first_fragment": Frame(TEXT, b"Hello", fin=False, announced=1 << 63 | 5),
}

#: One octet, repeated up to the limits of each form of a length.
_RUNS = {"text": Frame.text(b"*"), "binary": Frame.binary(b"\xfe")}
RUNS = {
    f"{kind}_{length}": replace(one, payload=one.payload * length)
    for kind, one in _RUNS.items()
    for length in (125, 126, 127, 128, 65535, 65536)
}

PADDED = {
    "0_in_16_bits": Frame(TEXT, b"", form=LengthForm.MEDIUM),
    "5_in_16_bits": Frame(TEXT, b"Hello", form=LengthForm.MEDIUM),
    "125_in_16_bits": Frame(BINARY, bytes(range(125)), form=LengthForm.MEDIUM),
    "5_in_64_bits": Frame(BINARY, b"Hello", form=LengthForm.LONG),
    "126_in_64_bits": Frame(BINARY, bytes(range(126)), form=LengthForm.LONG),
    "65535_in_64_bits": Frame(BINARY, b"\xfe" * 65535, form=LengthForm.LONG),
}


def _message(opcode: int, length: int) -> Frame:
    return Frame(opcode, (_PATTERN * (length // len(_PATTERN) + 1))[:length])


async def _expect_read_or_refused(ws: Connection, frame: Frame) -> str:
    """Return "reads" or "refuses", as the target reacts to `frame`, which was just sent.

    Fail the case if the target is silent, or answers with another payload.
    """
    deadline = ws.session.deadline()
    while (received := await ws.next(deadline)) is not None and received.opcode != CLOSE:
        if (received.opcode, received.payload) == (frame.opcode, frame.payload):
            return "reads"
        if received.opcode == PONG and not ws.session.facts.echo:
            return "reads"
        if not received.opcode & 0x8 and not ws.is_chatter(received):
            ws.session.fail("the message, or the end of the connection", str(received), received.entry)
    ws.expect(received is not None or ws.ended is not None, "the message, or the end of the connection", "a stall")
    return "refuses"


@case("6455-5.2-9", "6455-5.2-16", needs=Need.ECHO)
@each(opcode=DATA, length=(0, 1, 2, 124, 125))
async def short_length_is_the_payload_length(ws: Connection, opcode: int, length: int) -> None:
    """A length of 0 to 125 is read from the 7 bits of the header.

    A second echo must follow the first. A target that read one octet too many or too few
    would look for the second frame in the wrong place.
    """
    await ws.echo(_message(opcode, length))
    await ws.expect_alive()


@case("6455-5.2-10", "6455-5.2-16", needs=Need.ECHO)
@each(opcode=DATA, length=(126, 127, 128, 255, 256, 257, 32767, 32768, 65534, 65535))
async def sixteen_bit_length_is_the_payload_length(ws: Connection, opcode: int, length: int) -> None:
    """After a 7-bit length of 126, the length is read from the next 16 bits.

    A target that reads the field as a signed number gets a negative length from 32768 on.
    """
    await ws.echo(_message(opcode, length))
    await ws.expect_alive()


@case("6455-5.2-11", "6455-5.2-16", needs=Need.ECHO)
@each(opcode=DATA, length=(65536, 65537, 131072))
async def sixty_four_bit_length_is_the_payload_length(ws: Connection, opcode: int, length: int) -> None:
    """After a 7-bit length of 127, the length is read from the next 64 bits.

    The low 16 bits of 65536 and 131072 are 0, so a target that reads only those finds an empty payload.
    """
    await ws.echo(_message(opcode, length))
    await ws.expect_alive()


@case("6455-5.2-16", "6455-5.2-9", needs=Need.ECHO)
@each(message=RUNS)
async def message_of_one_repeated_octet_keeps_its_length(ws: Connection, message: Frame) -> None:
    """A message of one repeated octet keeps its length, around the limits of each form of a length.

    Every octet is the same, so only the length can be wrong: octets that are missing or added.
    """
    await ws.echo(message)


@case("6455-5.2-11", "6455-5.2-16", needs=Need.ECHO, alone=True, allow=10)
@each(opcode=DATA)
async def message_of_a_mebibyte_is_read(ws: Connection, opcode: int) -> None:
    """A message of 1048576 octets is delivered, unless the target has a lower limit.

    If the target closes with 1009, the case is inconclusive.
    """
    await ws.echo(_message(opcode, 1 << 20))


@case("6455-5.2-12", needs=Need.ECHO, hint="read lengths as big-endian on every machine")
@each(length=(128, 256, 513))
async def sixteen_bit_length_is_in_network_byte_order(ws: Connection, length: int) -> None:
    """A 16-bit length has its most significant octet first.

    In the other order, 128 (00 80) is 32768, 256 (01 00) is 1 and 513 (02 01) is 258:
    the target waits for octets that never come, or reads payload as the next header.
    """
    await ws.echo(_message(BINARY, length))
    await ws.expect_alive()


@case("6455-5.2-12", needs=Need.ECHO, hint="read lengths as big-endian on every machine")
async def sixty_four_bit_length_is_in_network_byte_order(ws: Connection) -> None:
    """A 64-bit length has its most significant octet first.

    66051 is 00 00 00 00 00 01 02 03: its last three octets differ, so any other order gives another length.
    """
    await ws.echo(_message(BINARY, 66051))
    await ws.expect_alive()


@case("6455-5.2-13", hint="check the most significant bit of the 64-bit length before waiting for the payload")
@each(frame=TOP_BIT_SET)
async def length_with_its_top_bit_set_fails_the_connection(ws: Connection, frame: Frame) -> None:
    """A 64-bit length of 2^63 or more is an error.

    A target that drops the bit delivers five octets. A target that believes the length
    waits forever. A target that reads a signed number may do either.
    """
    await ws.send(frame)
    await ws.expect_connection_failed(Provocation.LENGTH)


@case("6455-5.2-15")
@each(frame=PADDED)
async def padded_length_is_read_or_refused(ws: Connection, frame: Frame) -> None:
    """A length in more octets than necessary is read correctly, or refused: the RFC prescribes no reaction.

    Only the sender is required to use the shortest form. If the target stalls or delivers another payload,
    it reads some lengths from the wrong place.
    """
    ws.conversation.provoked = Provocation.LENGTH
    await ws.send(frame, Frame.ping(b"behind it"))
    ws.choose(f"the target {await _expect_read_or_refused(ws, frame)} lengths that are not minimal")


@case("6455-5.2-18", needs=Need.ECHO)
@each(opcode=DATA)
async def empty_message_is_a_message(ws: Connection, opcode: int) -> None:
    """An empty message is delivered like any other.

    It is sent between two other messages, so the order of the echoes shows whether it was dropped.
    """
    await ws.echo(Frame.text("before"), Frame(opcode), Frame.text("after"))
