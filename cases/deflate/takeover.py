"""Context takeover: messages of ours that refer to earlier ones, and such that stand alone (section 7.1.1)."""

from __future__ import annotations

from wsconform import (
    BINARY,
    BROWSER_OFFER,
    DEFLATE,
    BlockItem,
    BlockWriter,
    Connection,
    Deflater,
    Frame,
    Incoming,
    Match,
    Need,
    Profile,
    Reason,
    Unreached,
    case,
    each,
)

from .made import AGAIN, HELLO, compressed, open_with, require_takeover, require_window

#: Octets of a message that are its own, and octets that it repeats of an earlier one.
_OWN, _REPEATED = 120, 120
_MESSAGES = 200

_HINT = "keep one inflater for the connection, and its window, unless no_context_takeover was agreed for the sender"


def _referring(ws: Connection, back: int) -> tuple[list[Frame], list[Frame]]:
    """Return messages that each refer to the one `back` messages before, by hand, and what they inflate to.

    Until there is one, they stand alone. A message has 240 octets, so that a hundred of them are 24000.
    """
    sent, meant = list[Frame](), list[Frame]()
    for number in range(_MESSAGES):
        own = ws.random_octets(_OWN)
        repeated = meant[number - back].payload[:_REPEATED] if number >= back else b""
        items: list[BlockItem] = [own]
        if repeated:
            # What lies between the end of the own octets and the start of the earlier message.
            behind = sum(len(message.payload) for message in meant[number - back :]) + _OWN
            items.append(Match(_REPEATED, behind))
        sent.append(compressed(BlockWriter().fixed(*items).message(), BINARY))
        meant.append(Frame.binary(own + repeated))
    return sent, meant


def _similar(count: int = 5) -> list[Frame]:
    """Return texts of a kilobyte that differ in a few octets, so that takeover pays."""
    return [Frame.text(b"message %d of those that look alike; " % number * 28) for number in range(count)]


def _alone(messages: list[Frame]) -> list[Frame]:
    """Return `messages` compressed so that each stands alone."""
    deflater = Deflater(9, takeover=False)
    return [compressed(deflater.compress(message.payload)) for message in messages]


@case(
    *("7692-7.2.2-4", "7692-7.2.2-6", "7692-7.1.1.1-6", "7692-7.1.1.2-4", "7692-7.2.1-15"),
    needs=Need.ECHO,
    offer=BROWSER_OFFER,
    hint=_HINT,
)
async def message_refers_to_the_one_before(ws: Connection) -> None:
    """The two messages of section 7.2.3.2, of which the second refers to the first, are "Hello" and "Hello".

    An inflater that starts anew with each message finds nothing five octets back.
    """
    require_takeover(ws)
    await ws.send(compressed(HELLO), compressed(AGAIN))
    await ws.expect_echo(Frame.text("Hello"), Frame.text("Hello"))


@case(
    *("7692-7.2.2-4", "7692-7.2.2-6", "7692-7.1.1.1-6", "7692-7.1.1.2-4"),
    needs=Need.ECHO,
    offer=DEFLATE,
    allow=10,
    profile=lambda back: Profile.QUICK if back == 1 else Profile.STANDARD,
    hint=_HINT,
)
@each(back=(1, 2, 10, 100))
async def message_refers_to_one_long_before(ws: Connection, back: int) -> None:
    """Two hundred messages each refer to the one so many messages before, as far as 24000 octets back.

    A target that keeps the window of one message, or less than was agreed, delivers other octets or fails.
    """
    require_takeover(ws)
    require_window(ws, (_OWN + _REPEATED) * back + _OWN)
    sent, meant = _referring(ws, back)
    await ws.send(*sent)
    await ws.expect_echo(*meant)


@case("7692-7.2.2-4", "7692-7.2.2-6", "7692-7.1.1.1-6", "7692-7.1.1.2-4", needs=Need.ECHO, offer=BROWSER_OFFER)
@each(opcode={"text": 1, "binary": 2})
async def similar_messages_are_delivered(ws: Connection, opcode: int) -> None:
    """Messages that look alike, compressed as zlib does it with takeover, are delivered each as it was.

    The later ones are next to nothing on the wire.
    """
    messages = [Frame(opcode, message.payload) for message in _similar(20)]
    await ws.send_compressed(*messages)
    await ws.expect_echo(*messages)


@case("7692-7.2.2-4", "7692-7.2.2-6", needs=Need.ECHO, offer=BROWSER_OFFER, hint=_HINT)
async def message_that_stands_alone_is_delivered_among_others(ws: Connection) -> None:
    """Takeover may be used and need not: messages that stand alone come between those that do not.

    A target that starts a new window where a message does not refer back loses the next one.
    """
    require_takeover(ws)
    alone = _alone(_similar(1))[0]
    await ws.send(compressed(HELLO), compressed(AGAIN), alone, compressed(HELLO), compressed(AGAIN))
    hello = Frame.text("Hello")
    await ws.expect_echo(hello, hello, *_similar(1), hello, hello)


@case("7692-7.2.2-6", "7692-7.2.1-13", needs=Need.ECHO, offer=f"{DEFLATE}; client_no_context_takeover", hint=_HINT)
async def offer_to_do_without_takeover_binds_nobody(ws: Connection) -> None:
    """client_no_context_takeover in the offer is a hint: where the answer has it not, the client may take over.

    A server that starts a new window with each message, as the client might have done, finds nothing to refer to.
    """
    require_takeover(ws)
    await ws.send(compressed(HELLO), compressed(AGAIN))
    await ws.expect_echo(Frame.text("Hello"), Frame.text("Hello"))


@case("7692-5-7", "7692-7.2.2-7", needs=Need.ECHO, offer=f"{DEFLATE}; client_no_context_takeover")
async def messages_without_takeover_are_delivered(ws: Connection) -> None:
    """Where the answer has client_no_context_takeover, the server may forget the window; we use none.

    Five messages that look alike, each compressed for itself.
    """
    _require_no_takeover(ws)
    messages = _similar()
    await ws.send(*_alone(messages))
    await ws.expect_echo(*messages)


def _require_no_takeover(ws: Connection) -> None:
    agreed = ws.conversation.deflate
    if agreed is None or agreed.get("client_no_context_takeover") is None:
        raise Unreached(Reason.NOT_OFFERED, "the target did not agree to client_no_context_takeover")


@case("7692-5-15", "7692-7.2.2-5", needs=Need.ECHO)
async def messages_of_a_server_without_takeover_are_delivered(incoming: Incoming) -> None:
    """Where the answer has server_no_context_takeover, the client may forget the window; we use none.

    Five messages that look alike, each compressed for itself.
    """
    with incoming.arranging("server_no_context_takeover in our answer"):
        ws = await open_with(incoming, "server_no_context_takeover")
    messages = _similar()
    await ws.send(*_alone(messages))
    await ws.expect_echo(*messages)
