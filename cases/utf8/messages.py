"""The scope of the check: whole text messages, compressed or not, and no other payloads (RFC 6455 section 8.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wsconform import BROWSER_OFFER, PING, PONG, RSV1, Connection, Frame, Need, case, each

from .refusal import expect_text_refused

CHARACTERS = {"U+00E9": "é", "U+20AC": "€", "U+1F600": "😀"}
TEXTS = {"latin": "Hello-µ@ßöäüàá-UTF-8!!", "greek": "κ\u1f79σμε", "every_length": "a¢€𤭢𤭢€¢a"}

#: A character, and after how many of its octets the fragment ends.
CUTS = {
    f"{name}_after_{cut}": (character.encode(), cut)
    for name, character in CHARACTERS.items()
    for cut in range(1, len(character.encode()))
}

#: Two fragments that are not UTF-8 together. Alone, most of them could be the start or the end of a valid text.
INVALID_TOGETHER = {
    "lead_then_ascii": (b"\xc3", b"\x28"),
    "nothing_behind_a_lead": (b"\xe2\x82", b""),
    "last_octet_missing": (b"\xf0\x9f", b"\x98"),
    "one_octet_too_many": (b"\xe2\x82", b"\xac\x80"),
    "overlong_cut": (b"\xe0", b"\x9f\xbf"),
    "surrogate_cut": (b"\xed", b"\xa0\x80"),
    "too_large_cut": (b"\xf4", b"\x90\x80\x80"),
    "two_leads": (b"\xe2", b"\xe2\x82\xac"),
}

#: Octets that no text can contain, for binary messages and control frames.
NOT_TEXT = {"C3_28": b"\xc3\x28", "surrogate": b"\xed\xa0\x80", "octet_FF": b"\xff"}

#: Valid text, then octets that no text can contain, then valid text again: 11, 4 and 6 octets.
_GOOD, _BAD, _REST = "κ\u1f79σμε".encode(), b"\xf4\x90\x80\x80", b"edited"

#: After how many octets a compressed message is cut.
COMPRESSED_CUTS = (1, 2, 3, 5)


def _octets_of(text: str) -> list[Frame]:
    """Return the frames of `text` in fragments of one octet."""
    octets = text.encode()
    return [Frame(0 if at else 1, octets[at : at + 1], fin=at == len(octets) - 1) for at in range(len(octets))]


@case("6455-5.6-2", needs=Need.ECHO)
@each(character=CHARACTERS)
async def character_may_be_cut_into_octets(ws: Connection, character: str) -> None:
    """A fragment of a text may end inside a character, because the text is checked as a whole.

    Every octet is a fragment of its own, and none of the fragments is UTF-8 by itself.
    """
    await ws.send(*_octets_of(character))
    await ws.expect_echo(Frame.text(character))


@case("6455-5.6-2", needs=Need.ECHO)
@each(text=TEXTS)
async def text_may_be_cut_into_octets(ws: Connection, text: str) -> None:
    """A text may come in fragments of one octet, with an empty fragment at the end."""
    *frames, last = _octets_of(text)
    await ws.send(*frames, replace(last, fin=False), Frame.continuation(""))
    await ws.expect_echo(Frame.text(text))


@case("6455-5.6-2", needs=Need.ECHO)
async def text_may_be_cut_between_characters(ws: Connection) -> None:
    """A text may come in two fragments that are both valid UTF-8."""
    await ws.send(Frame.text("Hello-µ@ßöä", fin=False), Frame.continuation("üàá-UTF-8!!"))
    await ws.expect_echo(Frame.text("Hello-µ@ßöäüàá-UTF-8!!"))


@case("6455-5.6-2", needs=Need.ECHO)
@each(cut=CUTS)
async def character_may_be_cut_anywhere(ws: Connection, cut: tuple[bytes, int]) -> None:
    """A character may be cut after any of its octets, with a Ping between the two fragments.

    A target must keep the state of its decoder from one fragment to the next, even if a Ping comes between them.
    """
    octets, at = cut
    await ws.send(
        Frame.text(b"<" + octets[:at], fin=False), Frame.ping(b"inside"), Frame.continuation(octets[at:] + b">")
    )
    await ws.expect_echo(Frame.text(b"<" + octets + b">"))


@case("6455-8.1-2", "6455-8.1-1", reading="when-text-is-checked")
@each(fragments=INVALID_TOGETHER)
async def reassembled_text_is_checked(ws: Connection, fragments: tuple[bytes, bytes]) -> None:
    """The reassembled message must be UTF-8, so fragments that are invalid together fail the connection.

    A target that checks each fragment, and ignores an incomplete character at its ends, delivers the message.
    """
    first, last = fragments
    await expect_text_refused(ws, Frame.text(first, fin=False), Frame.continuation(last))


@case("6455-8.1-3", "6455-8.1-1", reading="when-text-is-checked")
@each(
    fragments={
        "whole_character": (_GOOD, _BAD, _REST),
        "inside_a_character": (_GOOD + _BAD[:1], _BAD[1:2], _BAD[2:] + _REST),
    }
)
async def invalid_octets_may_be_found_at_the_end(ws: Connection, fragments: tuple[bytes, bytes, bytes]) -> None:
    """Invalid octets fail the connection when they arrive, or at the latest when the message ends.

    A Ping behind the fragment with these octets shows which of the two the target does. Both are right.
    """
    first, second, last = fragments
    await ws.send(Frame.text(first, fin=False), Frame.continuation(second, fin=False))
    ws.note("fails before the message ends", await ws.is_ending())
    await expect_text_refused(ws, Frame.continuation(last))


@case("6455-8.1-3", "6455-8.1-1", reading="when-text-is-checked")
@each(pieces={"whole_character": (6 + 11, 4, 6), "inside_a_character": (6 + 12, 1, 8), "octet_by_octet": (1,)})
async def invalid_octets_in_a_segmented_frame_fail_the_connection(ws: Connection, pieces: Sequence[int]) -> None:
    """A frame that comes in several segments is checked like any other, as it arrives or when it is complete.

    The segments end before the invalid octets, or inside them.
    """
    text = Frame.text(_GOOD + _BAD + _REST, fin=False)
    await expect_text_refused(ws, text, Frame.continuation(""), pieces=pieces)


@case("6455-8.1-5", "6455-8.1-1", hint="fail the connection instead of inserting replacement characters")
@each(octets={"H_C3_28_lo": b"H\xc3\x28lo", "rest_at_the_end": b"Hello\xe2\x82", "octet_ff": b"\xffHello"})
async def invalid_text_is_not_repaired(ws: Connection, octets: bytes) -> None:
    """Invalid text is not delivered, with replacement characters, without the octets, or as it is.

    Many decoders insert replacement characters by default. Any echo fails the case.
    """
    await expect_text_refused(ws, Frame.text(octets))


@case("6455-8.1-6", "7692-6.1-8", offer=BROWSER_OFFER, reading="when-text-is-checked")
@each(octets={"C3_28": b"\xc3\x28", "surrogate": b"\xed\xa0\x80", "truncated": b"Hello\xe2\x82"})
async def inflated_text_is_checked(ws: Connection, octets: bytes) -> None:
    """A compressed text is checked after it has been inflated.

    A target that checks only the compressed octets, or that does not check compressed messages, delivers the text.
    """
    await expect_text_refused(ws, Frame.text(ws.compress(octets), rsv=RSV1))


@case("6455-8.1-6", "7692-6.1-8", offer=BROWSER_OFFER, needs=Need.ECHO)
async def compressed_octets_need_not_be_text(ws: Connection) -> None:
    """The compressed octets of a text are not checked for UTF-8."""
    await ws.send(Frame.text(ws.compress("Hello, 世界"), rsv=RSV1))
    await ws.expect_echo(Frame.text("Hello, 世界"))


@case("7692-6.1-8", "6455-8.1-6", offer=BROWSER_OFFER, needs=Need.ECHO)
@each(cut=COMPRESSED_CUTS)
async def compressed_text_may_be_cut_inside_a_symbol(ws: Connection, cut: int) -> None:
    """A compressed text may be cut anywhere, even inside a DEFLATE symbol.

    Neither fragment is UTF-8, or inflates to UTF-8, by itself.
    """
    octets = ws.compress("Hello, 世界")
    await ws.send(Frame.text(octets[:cut], fin=False, rsv=RSV1), Frame.continuation(octets[cut:]))
    await ws.expect_echo(Frame.text("Hello, 世界"))


@case("6455-8.1-7", needs=Need.ECHO)
@each(octets=NOT_TEXT)
async def binary_message_is_not_checked(ws: Connection, octets: bytes) -> None:
    """A binary message may contain any octets, in one frame or in fragments."""
    await ws.send(Frame.binary(octets), Frame.binary(octets, fin=False), Frame.continuation(octets))
    await ws.expect_echo(Frame.binary(octets), Frame.binary(octets * 2))


@case("6455-8.1-7")
@each(octets=NOT_TEXT, opcode={"ping": PING, "pong": PONG})
async def control_frame_is_not_checked(ws: Connection, octets: bytes, opcode: int) -> None:
    """A Ping or Pong may contain any octets: only text messages and Close reasons must be UTF-8.

    An echo afterwards shows that the connection still works.
    """
    await ws.send(Frame(opcode, octets))
    await ws.expect_alive()


@case("6455-8.1-7", needs=Need.ECHO)
async def binary_message_behind_a_text_is_not_checked(ws: Connection) -> None:
    """A binary message between two texts is not checked.

    A target that passes binary messages to the decoder of its texts refuses them, or joins their octets to a character.
    """
    messages = [Frame.text("€"), Frame.binary(b"\xe2\x82"), Frame.text("€"), Frame.binary(b"\xac")]
    await ws.echo(*messages)
