"""What several of these modules answer a client with, made from what it offers (RFC 7692 sections 5 and 7.1)."""

from __future__ import annotations

from wsconform import CLOSE, DEFLATE, PONG, Connection, Extension, Frame, Incoming, Reason, Response, Unreached

EXTENSIONS = "Sec-WebSocket-Extensions"


def replying(incoming: Incoming, *lines: str) -> Response:
    """Return a correct 101 whose Sec-WebSocket-Extensions is `lines`, a field line each."""
    return incoming.response.replacing(EXTENSIONS, *lines)


def accepting(incoming: Incoming, parameters: str = "") -> str:
    """Return an answer to the client's offer: what it asks for, and `parameters` in the place of those so named.

    Unreached where the client does not offer permessage-deflate.
    """
    names = {parameter.partition("=")[0].strip() for parameter in parameters.split(";")}
    granted = incoming.accepted_deflate().parameters
    answer = Extension(DEFLATE, tuple(each for each in granted if each[0] not in names))
    return f"{answer}; {parameters}".removesuffix("; ")


def deflate_offers(incoming: Incoming) -> tuple[Extension, ...]:
    """Return the client's offers of permessage-deflate, in order; Unreached where there is none."""
    offers = tuple(offer for offer in incoming.offers if offer.name == DEFLATE)
    if not offers:
        raise Unreached(Reason.NOT_OFFERED, "the client does not offer permessage-deflate")
    return offers


def require_no_offer(incoming: Incoming) -> None:
    """Go on where the client does not offer permessage-deflate; else Unreached."""
    if any(DEFLATE.encode() in value for value in incoming.request.fields.get_all(EXTENSIONS)):
        raise Unreached(Reason.NOT_OFFERED, "the client offers permessage-deflate")


def require_offered(incoming: Incoming, name: str, *, offered: bool) -> None:
    """Go on where every offer has the parameter `name`, or none has it if not `offered`; else Unreached."""
    with_it = [offer.get(name) is not None for offer in deflate_offers(incoming)]
    if any(has is not offered for has in with_it):
        what = "does not ask for" if offered else "offers"
        raise Unreached(Reason.NOT_OFFERED, f"the client {what} {name}")


async def is_opened(incoming: Incoming, response: Response) -> tuple[Connection, bool]:
    """Send `response`, and a Ping behind it; return our end, and whether the client goes on or fails the connection.

    Silence fails the case.
    """
    ws, data = await incoming.answer(response), b"open?"
    incoming.conversation.opened = True
    await ws.send(Frame.ping(data))
    deadline = ws.session.deadline()
    while (received := await ws.next(deadline)) is not None and received.opcode != CLOSE:
        if received.opcode == PONG and received.payload == data:
            return ws, True
    incoming.expect(received is not None or ws.ended is not None, "a Pong, or the end of the connection", "silence")
    return ws, False
