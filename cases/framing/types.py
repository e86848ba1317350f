"""Messages and their types: text stays text, binary stays binary (RFC 6455 sections 5.2, 5.6, 6.1, 6.2)."""

from __future__ import annotations

from wsconform import BINARY, TEXT, Connection, Frame, Need, case, each

DATA = {"text": TEXT, "binary": BINARY}

OPAQUE = {
    "all_octets": bytes(range(256)),
    "zeros": bytes(16),
    "invalid_utf8": b"\xc3\x28\xa0\xa1\xe2\x28\xa1",
    "surrogate": b"\xed\xa0\x80",
    "utf16_bytes": "Hello".encode("utf-16"),
    "line_ends": b"\r\n\n\r\0\r",
}


@case("6455-5.4-13", "6455-5.2-1", needs=Need.ECHO)
@each(opcode=DATA)
async def first_frame_may_be_the_last(ws: Connection, opcode: int) -> None:
    """One frame with FIN set is a whole message and is delivered without waiting for another frame.

    Nothing is sent behind it until its echo has come.
    """
    await ws.echo(Frame(opcode, b"Hello"))


@case("6455-5.2-19", needs=Need.ECHO)
@each(opcode=DATA, rest={"empty": b"", "more": b" world"})
async def message_is_complete_only_with_its_final_fragment(ws: Connection, opcode: int, rest: bytes) -> None:
    """A message is delivered only after its frame with FIN has arrived.

    A Pong between the fragments proves that the target has read the first one. A target that delivers
    fragments has then sent a message already.
    """
    await ws.send(Frame(opcode, b"Hello", fin=False))
    early = [received for received in await ws.settle() if received.opcode in (TEXT, BINARY)]
    delivered = [str(received) for received in early if not ws.is_chatter(received)]
    ws.expect(not delivered, "no message before its last fragment", ", ".join(delivered))
    await ws.send(Frame.continuation(rest))
    await ws.expect_echo(Frame(opcode, b"Hello" + rest))
    await ws.expect_no_reaction("a message that has been echoed")


@case("6455-5.6-3", needs=Need.ECHO)
@each(payload=OPAQUE)
async def binary_payload_is_passed_unchanged(ws: Connection, payload: bytes) -> None:
    """The payload of a binary message is passed on unchanged, whether it is text or not.

    Each payload is one that some conversion (to text, of line ends, at a zero octet) would change or refuse.
    """
    await ws.echo(Frame.binary(payload))


@case("6455-5.6-4", "6455-6.1-4", needs=Need.ECHO)
@each(payload={"Hello": b"Hello", "empty": b"", "not_ascii": "Grüße".encode()})
async def text_and_binary_are_kept_apart(ws: Connection, payload: bytes) -> None:
    """The same octets come back as text if they were sent as text, and as binary if they were sent as binary.

    Both are sent on one connection, so a target that uses one type for all messages fails at the second.
    """
    await ws.echo(Frame.text(payload), Frame.binary(payload), Frame.text(payload))


@case("6455-6.2-3", needs=Need.ECHO)
@each(opcode=DATA)
async def type_of_a_message_is_that_of_its_first_frame(ws: Connection, opcode: int) -> None:
    """The opcode of the first fragment is the type of the message.

    A continuation frame has opcode 0, so a target that takes the type from the last frame finds none.
    A target that keeps the type of an earlier message fails because the message before and the message
    behind have the other type.
    """
    other = Frame(TEXT + BINARY - opcode, b"between")
    await ws.echo(other)
    await ws.send(Frame(opcode, b"Hel", fin=False), Frame.continuation(b"lo"), other)
    await ws.expect_echo(Frame(opcode, b"Hello"), other)
