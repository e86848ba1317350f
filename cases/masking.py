"""Masking: who masks, and what it costs to get it the wrong way round (RFC 6455 sections 5.1, 5.3)."""

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

_CHECK = "look at the MASK bit of every frame before reading its payload"


@case("6455-5.1-3", "6455-5.1-6", "6455-5.1-4", "6455-5.1-7", "6455-10.7-1", "6455-10.7-2", hint=_CHECK)
@each(frame=UNMASKED)
async def wrongly_masked_frame_fails_the_connection(ws: Connection, frame: Frame) -> None:
    """A frame masked against the rule of its direction is refused, not repaired.

    Nothing else about the frame is wrong, so a target that ignores the MASK bit
    answers it and gives itself away.
    """
    await ws.send(frame, masked=not ws.role.masks)
    closure = await ws.expect_connection_failed(Provocation.MASKING)
    # Section 5.1 lets the target say 1002 here; it does not ask for it.
    ws.note("status code", closure.status_code)


@case("6455-5.1-3", "6455-5.1-6", hint=_CHECK)
async def wrongly_masked_continuation_fails_the_connection(ws: Connection) -> None:
    """The rule holds for each frame of a message, not for the first one only.

    A target that remembers how the message began delivers it.
    """
    await ws.send(Frame.text("A", fin=False))
    await ws.send(Frame.continuation("A"), masked=not ws.role.masks)
    await ws.expect_connection_failed(Provocation.MASKING)


@case("6455-5.1-3", "6455-5.1-6", hint=_CHECK)
async def wrongly_masked_frame_behind_a_good_one_fails_the_connection(ws: Connection) -> None:
    """The rule holds for each message, not for the first one of a connection only.

    The echo of the good message may still come; one of the other may not.
    """
    await ws.send(Frame.text("good"))
    await ws.send(Frame.text("bad"), masked=not ws.role.masks)
    await ws.expect_connection_failed(Provocation.MASKING, may_echo=(b"good",))


@case("6455-5.3-2", needs=Need.ECHO)
@each(length=(*range(10), *range(125, 132), 255, 256, 65535, 65536, 65537))
async def payload_of_any_length_is_unmasked(ws: Connection, length: int) -> None:
    """Octet i of a payload is combined with octet i mod 4 of the key, to the last one.

    Targets unmask in words and do the rest by hand: the lengths leave 0 to 3 octets over, in
    each form of the header, and no two octets of a key are alike.
    """
    key = bytes.fromhex("37fa213d") if ws.role.masks else None
    message = Frame.binary(ws.random_octets(length))
    await ws.send(message, key=key)
    await ws.expect_echo(message)


@case("6455-5.3-2", needs=Need.ECHO)
async def key_begins_anew_with_every_frame(ws: Connection) -> None:
    """A frame's first octet is combined with the first octet of its own key, also inside a message.

    Fragments of 1, 2, 3 and 5 octets leave the key at another place each time, for a target that goes on from there.
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
    """A masking key may have any value, zero among them.

    A target that takes a zero key for no key, or looks for patterns in masked octets, alters the message or refuses it.
    """
    message = Frame.text("Hello, Hello")
    await ws.send(message, key=key)
    await ws.expect_echo(message)


@case("6455-5.3-3", needs=Need.ECHO)
async def same_key_may_come_again(ws: Connection) -> None:
    """A key that was used before is as good as any: what is unpredictable may repeat.

    That a client has to choose afresh does not entitle a server to check it.
    """
    messages = [Frame.text("first"), Frame.binary(b"second"), Frame.text("third")]
    await ws.send(*messages, key=bytes.fromhex("37fa213d"))
    await ws.expect_echo(*messages)


@case("6455-6.2-7", needs=Need.ECHO)
@each(key=("37fa213d", "80000001", "01020304"))
async def masking_is_removed_from_what_is_delivered(ws: Connection, key: str) -> None:
    """What the application gets is the unmasked payload.

    Masked with these keys the text is other octets throughout, and not even UTF-8 with two of them.
    """
    message = Frame.text("masking hides nothing")
    await ws.send(message, key=bytes.fromhex(key))
    await ws.expect_echo(message)
