"""Answers of ours to a client, derived from its offers of permessage-deflate (RFC 7692 sections 5 and 7.1)."""

from __future__ import annotations

from wsconform import CLOSE, DEFLATE, PONG, Connection, Extension, Frame, Incoming, Reason, Response, Unreached

EXTENSIONS = "Sec-WebSocket-Extensions"


def response_with(incoming: Incoming, *lines: str) -> Response:
    """Return a correct 101 with one Sec-WebSocket-Extensions field line for each of `lines`."""
    return incoming.response.replacing(EXTENSIONS, *lines)


def acceptance_with(incoming: Incoming, parameters: str = "") -> str:
    """Return a field value that accepts the client's offer, with `parameters` added.

    `parameters` replace those of the same name that the client requested. Raise Unreached if the client does not offer
    permessage-deflate.
    """
    names = {parameter.partition("=")[0].strip() for parameter in parameters.split(";")}
    granted = incoming.accepted_deflate().parameters
    answer = Extension(DEFLATE, tuple(parameter for parameter in granted if parameter[0] not in names))
    return f"{answer}; {parameters}".removesuffix("; ")


def deflate_offers(incoming: Incoming) -> tuple[Extension, ...]:
    """Return the client's offers of permessage-deflate, in order; raise Unreached if it offers none."""
    offers = tuple(offer for offer in incoming.offers if offer.name == DEFLATE)
    if not offers:
        raise Unreached(Reason.NOT_OFFERED, "the client does not offer permessage-deflate")
    return offers


def require_no_offer(incoming: Incoming) -> None:
    """Raise Unreached if the client offers permessage-deflate."""
    if any(DEFLATE.encode() in value for value in incoming.request.fields.get_all(EXTENSIONS)):
        raise Unreached(Reason.NOT_OFFERED, "the client offers permessage-deflate")


def require_offered(incoming: Incoming, name: str, *, offered: bool) -> None:
    """Raise Unreached unless every offer has the parameter `name` (if `offered`), or no offer has it."""
    present = [offer.get(name) is not None for offer in deflate_offers(incoming)]
    if any(has is not offered for has in present):
        verb = "does not ask for" if offered else "offers"
        raise Unreached(Reason.NOT_OFFERED, f"the client {verb} {name}")


async def expect_answer_rejected(incoming: Incoming, parameters: str) -> None:
    """Accept the client's offer with the invalid `parameters` added; expect the client to fail the connection.

    Raise Unreached if the client does not offer permessage-deflate.
    """
    answer = acceptance_with(incoming, parameters)
    await incoming.expect_failed(response_with(incoming, answer))


async def is_opened(incoming: Incoming, response: Response) -> tuple[Connection, bool]:
    """Send `response` and a Ping; return our end, and True if the client answers, False if it fails the connection.

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
