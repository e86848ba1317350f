"""Context takeover: messages of ours that refer to earlier ones, and self-contained ones (RFC 7692 section 7.1.1)."""

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

from .messages import AGAIN, HELLO, compressed, open_with, require_takeover, require_window

#: Octets of a message that are new, and octets that repeat an earlier message.
_NEW, _REPEATED = 120, 120
_MESSAGES = 200

_HINT = "keep one inflater and its window for the connection, unless the sender agreed to no_context_takeover"


def _referring(ws: Connection, back: int) -> tuple[list[Frame], list[Frame]]:
    """Return compressed messages that each refer to the one `back` messages before, and the messages they inflate to.

    The first `back` of them refer to none and have 120 octets; each later one has 240.
    """
    sent, inflated = list[Frame](), list[Frame]()
    for number in range(_MESSAGES):
        new = ws.random_octets(_NEW)
        repeated = inflated[number - back].payload[:_REPEATED] if number >= back else b""
        items: list[BlockItem] = [new]
        if repeated:
            # From the end of the new octets back to the start of the earlier message.
            distance = sum(len(message.payload) for message in inflated[number - back :]) + _NEW
            items.append(Match(_REPEATED, distance))
        sent.append(compressed(BlockWriter().fixed(*items).message(), BINARY))
        inflated.append(Frame.binary(new + repeated))
    return sent, inflated


def _similar(count: int = 5) -> list[Frame]:
    """Return texts of a kilobyte that differ in a few octets, so that takeover saves most of each."""
    return [Frame.text(b"message %d of those that look alike; " % number * 28) for number in range(count)]


def _self_contained(messages: list[Frame]) -> list[Frame]:
    """Return `messages` compressed so that none refers to another."""
    deflater = Deflater(9, takeover=False)
    return [compressed(deflater.compress(message.payload)) for message in messages]


@case(
    *("7692-7.2.2-4", "7692-7.2.2-6", "7692-7.1.1.1-6", "7692-7.1.1.2-4", "7692-7.2.1-15"),
    needs=Need.ECHO,
    offer=BROWSER_OFFER,
    hint=_HINT,
)
async def message_may_refer_to_the_previous_one(ws: Connection) -> None:
    """The two messages of section 7.2.3.2 both inflate to "Hello"; the second refers to the first.

    An inflater that starts with an empty window for each message cannot resolve the reference.
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
async def message_may_refer_to_a_much_earlier_one(ws: Connection, back: int) -> None:
    """Each of two hundred messages refers to the one `back` messages before, up to 24000 octets back.

    A target that keeps only the window of one message, or a smaller one than agreed, delivers other octets or fails.
    """
    require_takeover(ws)
    require_window(ws, (_NEW + _REPEATED) * back + _NEW)
    sent, inflated = _referring(ws, back)
    await ws.send(*sent)
    await ws.expect_echo(*inflated)


@case("7692-7.2.2-4", "7692-7.2.2-6", "7692-7.1.1.1-6", "7692-7.1.1.2-4", needs=Need.ECHO, offer=BROWSER_OFFER)
@each(opcode={"text": 1, "binary": 2})
async def similar_messages_are_delivered(ws: Connection, opcode: int) -> None:
    """Similar messages, compressed by zlib with context takeover, are all delivered correctly.

    The later ones consist of little more than references to the first.
    """
    messages = [Frame(opcode, message.payload) for message in _similar(20)]
    await ws.send_compressed(*messages)
    await ws.expect_echo(*messages)


@case("7692-7.2.2-4", "7692-7.2.2-6", needs=Need.ECHO, offer=BROWSER_OFFER, hint=_HINT)
async def self_contained_message_is_delivered_among_others(ws: Connection) -> None:
    """A sender need not use takeover for every message: a self-contained one comes between messages that refer back.

    A target that empties its window when a message does not refer back cannot inflate the next one.
    """
    require_takeover(ws)
    alone = _self_contained(_similar(1))[0]
    await ws.send(compressed(HELLO), compressed(AGAIN), alone, compressed(HELLO), compressed(AGAIN))
    hello = Frame.text("Hello")
    await ws.expect_echo(hello, hello, *_similar(1), hello, hello)


@case("7692-7.2.2-6", "7692-7.2.1-13", needs=Need.ECHO, offer=f"{DEFLATE}; client_no_context_takeover", hint=_HINT)
async def client_no_context_takeover_in_the_offer_alone_does_not_bind(ws: Connection) -> None:
    """client_no_context_takeover in the offer is a hint: if the answer lacks it, the client may use takeover.

    A server that starts with an empty window for each message cannot resolve the client's references.
    """
    require_takeover(ws)
    await ws.send(compressed(HELLO), compressed(AGAIN))
    await ws.expect_echo(Frame.text("Hello"), Frame.text("Hello"))


@case("7692-5-7", "7692-7.2.2-7", needs=Need.ECHO, offer=f"{DEFLATE}; client_no_context_takeover")
async def messages_without_takeover_are_delivered(ws: Connection) -> None:
    """If the answer has client_no_context_takeover, the server may discard its window after each message.

    We send five similar messages, each compressed without reference to the others.
    """
    _require_no_takeover(ws)
    messages = _similar()
    await ws.send(*_self_contained(messages))
    await ws.expect_echo(*messages)


def _require_no_takeover(ws: Connection) -> None:
    agreed = ws.conversation.deflate
    if agreed is None or agreed.get("client_no_context_takeover") is None:
        raise Unreached(Reason.NOT_OFFERED, "the target did not agree to client_no_context_takeover")


@case("7692-5-15", "7692-7.2.2-5", needs=Need.ECHO)
async def messages_of_a_server_without_takeover_are_delivered(incoming: Incoming) -> None:
    """If the answer has server_no_context_takeover, the client may discard its window after each message.

    We send five similar messages, each compressed without reference to the others.
    """
    with incoming.arranging("server_no_context_takeover in our answer"):
        ws = await open_with(incoming, "server_no_context_takeover")
    messages = _similar()
    await ws.send(*_self_contained(messages))
    await ws.expect_echo(*messages)
