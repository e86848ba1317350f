"""Compressed messages made by hand, and what may be asked of them: shared by the cases about compressed data."""

from __future__ import annotations

from dataclasses import replace

from wsconform import RSV1, TEXT, Closure, Connection, Frame, Incoming, Provocation, Reason, Unreached

#: "Hello" as RFC 7692 compresses it in section 7.2.3.1, and once more with a reference to the first (7.2.3.2).
HELLO = bytes.fromhex("f248cdc9c90700")
AGAIN = bytes.fromhex("f200110000")


def compressed(octets: bytes, opcode: int = TEXT) -> Frame:
    """Return a message in one frame whose payload data `octets` are compressed already."""
    return Frame(opcode, octets, rsv=RSV1)


def fragments(*payloads: bytes, opcode: int = TEXT, rsv: int = RSV1) -> list[Frame]:
    """Return a message of the fragments `payloads`, which are its compressed data, cut; `rsv` is for the first."""
    last = len(payloads) - 1
    return [
        Frame(0 if number else opcode, payload, fin=number == last, rsv=0 if number else rsv)
        for number, payload in enumerate(payloads)
    ]


def our_window(ws: Connection) -> int:
    """Return how far back our messages may refer, in octets, by what was agreed."""
    agreed = ws.conversation.deflate
    value = agreed.get(f"{ws.role.value}_max_window_bits") if agreed else None
    # A target may have answered anything; whether it was right to is for the cases about negotiation.
    return 1 << next((bits for bits in range(8, 16) if str(bits) == value), 15)


def takes_over(ws: Connection) -> bool:
    """Return whether our messages may refer to earlier ones, by what was agreed."""
    agreed = ws.conversation.deflate
    return agreed is not None and agreed.get(f"{ws.role.value}_no_context_takeover") is None


def require_takeover(ws: Connection) -> None:
    """Go on where our messages may refer to earlier ones; Unreached where the target agreed to no such thing."""
    if not takes_over(ws):
        raise Unreached(Reason.NOT_OFFERED, "the target wants each of our messages to stand alone")


def require_window(ws: Connection, octets: int) -> None:
    """Go on where our messages may refer as far back as `octets`; Unreached where a smaller window was agreed."""
    if our_window(ws) < octets:
        raise Unreached(Reason.NOT_OFFERED, f"the target wants a window of {our_window(ws)} octets")


async def open_with(incoming: Incoming, name: str, value: str | None = None) -> Connection:
    """Accept the client's offer with the parameter `name` of ours in it; return the open connection."""
    answer = incoming.accepted_deflate()
    others = tuple(parameter for parameter in answer.parameters if parameter[0] != name)
    given = replace(answer, parameters=(*others, (name, value)))
    return await incoming.expect_open(incoming.response.with_field("Sec-WebSocket-Extensions", str(given)))


async def expect_message_refused(ws: Connection, *frames: Frame, may_echo: tuple[bytes, ...] = ()) -> Closure:
    """Send `frames`, which hold a message that cannot be inflated, and a plain text behind; expect a failed connection.

    Neither may be delivered, and of what was sent before only `may_echo`. The text proves, without waiting, that the
    message was passed over: it takes the same way through the target, as a Ping need not.
    """
    await ws.send(*frames, Frame.text("behind"))
    closure = await ws.expect_connection_failed(Provocation.COMPRESSION, probe=False, may_echo=may_echo)
    ws.note("status code", closure.status_code)
    return closure
