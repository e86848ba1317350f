"""Compressed messages built by hand, and checks of the compression that was agreed: for cases about compressed data."""

from __future__ import annotations

from dataclasses import replace

from wsconform import RSV1, TEXT, Closure, Connection, Frame, Incoming, Provocation, Reason, Unreached

#: "Hello" as compressed in section 7.2.3.1 of RFC 7692, and again with a reference to the first (7.2.3.2).
HELLO = bytes.fromhex("f248cdc9c90700")
AGAIN = bytes.fromhex("f200110000")


def compressed(octets: bytes, opcode: int = TEXT) -> Frame:
    """Return a one-frame message with RSV1 whose payload data `octets` are already compressed."""
    return Frame(opcode, octets, rsv=RSV1)


def fragments(*payloads: bytes, opcode: int = TEXT, rsv: int = RSV1) -> list[Frame]:
    """Return the frames of one message, one for each of `payloads`: its compressed data, cut. The first has `rsv`."""
    last = len(payloads) - 1
    return [
        Frame(0 if number else opcode, payload, fin=number == last, rsv=0 if number else rsv)
        for number, payload in enumerate(payloads)
    ]


def our_window(ws: Connection) -> int:
    """Return how far back our messages may refer under the agreed parameters, in octets."""
    agreed = ws.conversation.deflate
    value = agreed.get(f"{ws.role.value}_max_window_bits") if agreed else None
    # The value may be invalid; the cases about negotiation judge that, so 15 bits are assumed here.
    return 1 << next((bits for bits in range(8, 16) if str(bits) == value), 15)


def takes_over(ws: Connection) -> bool:
    """Return whether our messages may refer to earlier ones under the agreed parameters."""
    agreed = ws.conversation.deflate
    return agreed is not None and agreed.get(f"{ws.role.value}_no_context_takeover") is None


def require_takeover(ws: Connection) -> None:
    """Raise Unreached if our messages may not refer to earlier ones."""
    if not takes_over(ws):
        raise Unreached(Reason.NOT_OFFERED, "the target does not let our messages refer to earlier ones")


def require_window(ws: Connection, octets: int) -> None:
    """Raise Unreached if our messages may not refer back as far as `octets`."""
    if our_window(ws) < octets:
        raise Unreached(Reason.NOT_OFFERED, f"the target limits our window to {our_window(ws)} octets")


async def open_with(incoming: Incoming, name: str, value: str | None = None) -> Connection:
    """Accept the client's offer with our parameter `name`; return the open connection."""
    answer = incoming.accepted_deflate()
    others = tuple(parameter for parameter in answer.parameters if parameter[0] != name)
    given = replace(answer, parameters=(*others, (name, value)))
    return await incoming.expect_open(incoming.response.with_field("Sec-WebSocket-Extensions", str(given)))


async def expect_message_rejected(ws: Connection, *frames: Frame, may_echo: tuple[bytes, ...] = ()) -> Closure:
    """Send `frames`, a message that cannot be inflated, and a plain text; expect the target to fail the connection.

    Neither message may be delivered; of the messages sent before, only the payloads in `may_echo` may come back. If the
    plain text is echoed, the target has ignored the bad message. A text shows this without a wait because it takes the
    same path through the target as the message; a Ping may overtake it.
    """
    await ws.send(*frames, Frame.text("behind"))
    closure = await ws.expect_connection_failed(Provocation.COMPRESSION, probe=False, may_echo=may_echo)
    ws.note("status code", closure.status_code)
    return closure
