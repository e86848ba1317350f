"""Text in compressed messages: it must be valid UTF-8 once inflated (RFC 6455 section 8.1, RFC 7692 section 6.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wsconform import BINARY, BROWSER_OFFER, BlockWriter, Connection, Frame, Need, Provocation, case, each

from .messages import AGAIN, HELLO, compressed, fragments, require_takeover

#: One example of each class of invalid UTF-8, and one truncated character.
INVALID = {
    "overlong": b"\xc0\xaf",
    "surrogate": b"\xed\xa0\x80",
    "too_large": b"\xf4\x90\x80\x80",
    "stray": b"\x80",
    "lonely_lead": b"\xc3\x28",
    "impossible": b"\xff",
    "cut": "世".encode()[:2],
}

TEXTS = {
    "ascii": "Hello, world",
    "two_octets": "Grüße aus Köln",
    "three_octets": "世界, こんにちは",
    "four_octets": "🌍🌎🌏",
    "last_code_point": "\U0010ffff",
    "byte_order_mark": "\ufeffHello",
    "noncharacters": "\ufffe\uffff\ufdd0",
    "zero": "a\0b",
    "all_lengths": "aé世🌍" * 50,
}


def _alone(octets: bytes) -> list[Frame]:
    return [compressed(BlockWriter().fixed(octets).message())]


def _at_the_end(octets: bytes) -> list[Frame]:
    return [compressed(BlockWriter().fixed(b"Hello " * 100 + octets).message())]


def _over_blocks(octets: bytes) -> list[Frame]:
    return [compressed(BlockWriter().fixed(b"Hello" + octets[:1]).stored().dynamic(octets[1:]).message())]


def _in_fragments(octets: bytes) -> list[Frame]:
    message = BlockWriter().fixed(b"Hello" + octets).message()
    return fragments(*(message[at : at + 1] for at in range(len(message))))


SHAPES: dict[str, Callable[[bytes], list[Frame]]] = {
    "alone": _alone,
    "at_the_end": _at_the_end,
    "over_blocks": _over_blocks,
    "in_fragments": _in_fragments,
}

_HINT = "validate text after inflating it, with the same checks as plain text"


async def _expect_text_rejected(ws: Connection, frames: Sequence[Frame], *, may_echo: tuple[bytes, ...] = ()) -> None:
    """Send `frames` and a plain text; expect the target to deliver neither and to fail the connection."""
    await ws.send(*frames, Frame.text("behind"))
    closure = await ws.expect_connection_failed(Provocation.UTF8, probe=False, may_echo=may_echo)
    ws.note("status code", closure.status_code)


@case("6455-8.1-1", "7692-6.1-7", offer=BROWSER_OFFER, hint=_HINT)
@each(octets=INVALID, shape=SHAPES)
async def invalid_compressed_text_fails_the_connection(
    ws: Connection, octets: bytes, shape: Callable[[bytes], list[Frame]]
) -> None:
    """A compressed text that is not valid UTF-8, or ends inside a character, is rejected like a plain one.

    A target that validates text frame by frame, before it inflates, may not validate compressed text at all.
    """
    await _expect_text_rejected(ws, shape(octets))


@case("6455-8.1-1", "7692-6.1-7", offer=BROWSER_OFFER, hint=_HINT)
async def invalid_compressed_text_after_valid_messages_fails_the_connection(ws: Connection) -> None:
    """Text is validated in every compressed message, also in one that refers to a binary message.

    The octet FF is valid in the binary message; the text after it is a reference to it, and invalid.
    """
    require_takeover(ws)
    binary = compressed(BlockWriter().fixed(b"\xff\xff\xff\xff\xff").message(), BINARY)
    await _expect_text_rejected(ws, [binary, compressed(AGAIN)], may_echo=(b"\xff" * 5,))


@case("6455-5.6-3", "7692-6.1-7", needs=Need.ECHO, offer=BROWSER_OFFER)
async def compressed_binary_may_hold_any_octets(ws: Connection) -> None:
    """A compressed binary message may contain any octets: it is not validated as text."""
    message = Frame.binary(bytes(range(256)))
    await ws.send(compressed(BlockWriter().fixed(message.payload).message(), BINARY))
    await ws.expect_echo(message)


@case("7692-6.2-1", "7692-6.1-7", needs=Need.ECHO, offer=BROWSER_OFFER, hint=_HINT)
@each(text=TEXTS, cut={"in_one_frame": False, "octet_by_octet": True})
async def compressed_text_is_delivered(ws: Connection, text: str, cut: bool) -> None:
    """Valid text is delivered, wherever its compressed form was cut: the text is validated after inflating.

    The octets on the wire are not valid UTF-8, and the fragments cut characters.
    """
    message = BlockWriter().dynamic(text.encode()).message()
    parts = [message[at : at + 1] for at in range(len(message))] if cut else [message]
    await ws.send(*fragments(*parts), compressed(HELLO))
    await ws.expect_echo(Frame.text(text), Frame.text("Hello"))
