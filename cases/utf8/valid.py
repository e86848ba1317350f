"""Valid text: every character is accepted and passed on unchanged (RFC 3629, RFC 6455 section 5.6)."""

from __future__ import annotations

from wsconform import BINARY, CLOSE, TEXT, Connection, Frame, Need, case, each

BOUNDARIES = {
    f"U+{point:04X}": chr(point)
    for point in (
        # The first and last code point of each length, of the gap for surrogates, and of each range of a second octet.
        *(0x0, 0x1, 0x7F, 0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xCFFF, 0xD000, 0xD7FF, 0xE000, 0xFFFD, 0xFFFF),
        *(0x10000, 0x3FFFF, 0x40000, 0xFFFFF, 0x100000, 0x10FFFF),
    )
}

#: The last two code points of each plane.
NONCHARACTERS = {
    f"U+{point:04X}": chr(point) for plane in range(17) for point in (plane << 16 | 0xFFFE, plane << 16 | 0xFFFF)
}
CONTROLS = {
    f"U+{point:04X}": chr(point)
    for point in (
        0x0,
        0x1,
        0x8,
        0x9,
        0xA,
        0xD,
        0x1B,
        0x7F,
        0x80,
        0x85,
        0x9F,
        0xAD,
        0x200B,
        0x2028,
        0x202E,
        0xFDD0,
        0xFDEF,
    )
} | {f"U+{point:04X}": chr(point) for point in range(0xFFF9, 0xFFFE)}

TEXTS = {
    "ascii": "hello$world",
    "two_octets": "hello¢world",
    "three_octets": "hello€world",
    "four_octets": "hello𤭢world",
    # U+1F79 has three octets; the other letters have two.
    "one_greek_letter": "κ",
    "two_greek_letters": "κ\u1f79",
    "three_greek_letters": "κ\u1f79σ",
    "four_greek_letters": "κ\u1f79σμ",
    "five_greek_letters": "κ\u1f79σμε",
    "latin": "Hello-µ@ßöäüàá-UTF-8!!",
    "combining": "e\u0301a\u0308",
    "right_to_left": "שלום עליכם",
    "every_length": "a¢€𤭢𤭢€¢a",
    "json": '{"key": ["värde", "\\u00e5", null]}',
    "line_ends": "a\r\nb\nc\rd",
}

MARKED = {"alone": "\ufeff", "first": "\ufeffa", "twice": "\ufeff\ufeffa"}


def _is_stripped(text: str, payload: bytes) -> bool:
    return payload == text.encode().removeprefix(b"\xef\xbb\xbf")


async def _expect_text_with_or_without_mark(ws: Connection, text: str) -> bool:
    """Expect the echo of `text`, with or without its leading U+FEFF; return whether the mark is missing."""
    deadline = ws.session.deadline()
    while (received := await ws.next(deadline)) is not None:
        if received.opcode == TEXT and (received.payload == text.encode() or _is_stripped(text, received.payload)):
            return received.payload != text.encode()
        if received.opcode in (TEXT, BINARY, CLOSE) and not ws.is_chatter(received):
            ws.session.fail("the echo of a text that begins with U+FEFF", str(received), received.entry)
    return ws.session.fail("the echo of a text that begins with U+FEFF", "no echo")


@case("3629-3-1", needs=Need.ECHO)
@each(text=BOUNDARIES)
async def character_at_a_boundary_is_valid(ws: Connection, text: str) -> None:
    """The first and the last character of each length, and of each range, are valid.

    A decoder that is off by one at the end of a range refuses or changes them.
    """
    await ws.echo(Frame.text(text), Frame.text(f"<{text}>"))


@case("6455-5.6-5", needs=Need.ECHO)
@each(text=NONCHARACTERS)
async def noncharacter_is_valid(ws: Connection, text: str) -> None:
    """A noncharacter is valid and is passed on.

    Unicode recommends not to interchange noncharacters, but UTF-8 does not exclude them.
    """
    await ws.echo(Frame.text(text))


@case("6455-5.6-5", needs=Need.ECHO)
@each(text=CONTROLS)
async def control_character_is_valid(ws: Connection, text: str) -> None:
    """Control and format characters, NUL included, are valid and passed on.

    If a target ends strings at NUL, converts line ends or removes characters, the echo differs.
    """
    await ws.echo(Frame.text(text), Frame.text(f"a{text}b"))


@case("3629-3-1", needs=Need.ECHO)
@each(text=TEXTS)
async def text_is_passed_unchanged(ws: Connection, text: str) -> None:
    """A text is passed on unchanged, neither normalised nor escaped.

    The characters have one to four octets and come from several scripts.
    """
    await ws.echo(Frame.text(text))


@case("3629-6-1", "6455-5.6-5", needs=Need.ECHO, hint="keep a leading U+FEFF: it is part of the message")
@each(text=MARKED)
async def leading_byte_order_mark_is_kept(ws: Connection, text: str) -> None:
    """U+FEFF at the start of a text is part of the text and is kept.

    Decoders that look for a byte order mark remove it: a departure. To fail the connection is a failure.
    """
    await ws.send(Frame.text(text))
    stripped = await _expect_text_with_or_without_mark(ws, text)
    ws.depart_if(stripped, "the leading U+FEFF was stripped")


@case("3629-6-1", needs=Need.ECHO)
async def byte_order_mark_inside_a_text_is_a_character(ws: Connection) -> None:
    """U+FEFF inside a text is passed on like any other character."""
    await ws.echo(Frame.text("a\ufeff"), Frame.text("a\ufeffb"))
