"""Masking: which end masks its frames, wrongly masked frames, and masking keys (RFC 6455 sections 5.1, 5.3)."""

from __future__ import annotations

from wsconform import Connection, Frame, Need, Provocation, case, each

UNMASKED = {
    "text": Frame.text("Hello"),
    "empty_binary": Frame.binary(b""),
    "first_fragment": Frame.text("A", fin=False),
    "ping": Frame.ping(),
    "pong": Frame.pong(),
    "close": Frame.close(1000),
}

KEYS = {
    "00000000": bytes(4),
    "ffffffff": b"\xff" * 4,
    "00000001": b"\0\0\0\x01",
    "01000000": b"\x01\0\0\0",
    "80808080": b"\x80" * 4,
    "00ff00ff": b"\0\xff\0\xff",
    "37fa213d": bytes.fromhex("37fa213d"),
    # "Hell" masked with itself is four zeros, and "81 85" in a key looks like a header.
    "48656c6c": b"Hell",
    "81858185": b"\x81\x85\x81\x85",
}

_CHECK = "check the MASK bit of every frame before reading its payload"


@case("6455-5.1-3", "6455-5.1-6", "6455-5.1-4", "6455-5.1-7", "6455-10.7-1", "6455-10.7-2", hint=_CHECK)
@each(frame=UNMASKED)
async def wrongly_masked_frame_fails_the_connection(ws: Connection, frame: Frame) -> None:
    """A frame masked against the rule of its direction fails the connection.

    Nothing else about the frame is wrong, so a target that ignores the MASK bit
    answers the frame or the Ping behind it.
    """
    await ws.send(frame, masked=not ws.role.masks)
    closure = await ws.expect_connection_failed(Provocation.MASKING)
    # Section 5.1 allows 1002 here; it does not require it.
    ws.note("status code", closure.status_code)


@case("6455-5.1-3", "6455-5.1-6", hint=_CHECK)
async def wrongly_masked_continuation_fails_the_connection(ws: Connection) -> None:
    """A wrongly masked continuation frame fails the connection, even if the first frame of the message was correct.

    A target that checks only first frames delivers the message.
    """
    await ws.send(Frame.text("A", fin=False))
    await ws.send(Frame.continuation("A"), masked=not ws.role.masks)
    await ws.expect_connection_failed(Provocation.MASKING)


@case("6455-5.1-3", "6455-5.1-6", hint=_CHECK)
async def wrongly_masked_frame_behind_a_good_one_fails_the_connection(ws: Connection) -> None:
    """A wrongly masked frame fails the connection, even if earlier messages were correct.

    The echo of the correct message may still come. The other message must not be delivered.
    """
    await ws.send(Frame.text("good"))
    await ws.send(Frame.text("bad"), masked=not ws.role.masks)
    await ws.expect_connection_failed(Provocation.MASKING, may_echo=(b"good",))


@case("6455-5.3-2", needs=Need.ECHO)
@each(length=(*range(10), *range(125, 132), 255, 256, 65535, 65536, 65537))
async def payload_of_any_length_is_unmasked(ws: Connection, length: int) -> None:
    """Every octet i of a payload is combined with octet i mod 4 of the key.

    Many targets unmask whole words first and the remaining octets separately. The lengths leave 0 to 3 octets
    over, in each form of the header, and the octets of the key all differ.
    """
    key = bytes.fromhex("37fa213d") if ws.role.masks else None
    message = Frame.binary(ws.random_octets(length))
    await ws.send(message, key=key)
    await ws.expect_echo(message)


@case("6455-5.3-2", needs=Need.ECHO)
async def masking_key_starts_over_in_every_frame(ws: Connection) -> None:
    """The first octet of every frame, continuation frames included, is combined with the first octet of its key.

    The fragments have 1, 2, 3 and 5 octets, so a target that continues at the position of the last frame
    unmasks the next one wrongly.
    """
    octets = ws.random_octets(11)
    await ws.send(
        Frame.binary(octets[:1], fin=False),
        Frame.continuation(octets[1:3], fin=False),
        Frame.continuation(octets[3:6], fin=False),
        Frame.continuation(octets[6:]),
    )
    await ws.expect_echo(Frame.binary(octets))


@case("6455-5.3-3", needs=Need.ECHO)
@each(key=KEYS)
async def every_masking_key_is_accepted(ws: Connection, key: bytes) -> None:
    """A masking key may have any value, zero included.

    A target that mistakes a zero key for a missing key, or parses masked octets, changes or refuses the message.
    """
    message = Frame.text("Hello, Hello")
    await ws.send(message, key=key)
    await ws.expect_echo(message)


@case("6455-5.3-3", needs=Need.ECHO)
async def masking_key_may_repeat(ws: Connection) -> None:
    """A masking key that was used before is accepted: a random key may repeat.

    Section 5.3 requires the client to choose a fresh key; it does not ask the server to check this.
    """
    messages = [Frame.text("first"), Frame.binary(b"second"), Frame.text("third")]
    await ws.send(*messages, key=bytes.fromhex("37fa213d"))
    await ws.expect_echo(*messages)


@case("6455-6.2-7", needs=Need.ECHO)
@each(key=("37fa213d", "80000001", "01020304"))
async def delivered_payload_is_unmasked(ws: Connection, key: str) -> None:
    """The application receives the unmasked payload.

    These keys change every octet of the text, and two of them make it invalid UTF-8.
    """
    message = Frame.text("masking hides nothing")
    await ws.send(message, key=bytes.fromhex(key))
    await ws.expect_echo(message)
