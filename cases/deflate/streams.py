"""Invalid DEFLATE streams: the target fails the connection and delivers nothing (RFC 7692 section 7.2.2, RFC 1951)."""

from __future__ import annotations

from collections.abc import Callable

from wsconform import BINARY, BROWSER_OFFER, RSV1, BlockWriter, Code, Connection, Frame, Match, Provocation, case, each

from .messages import HELLO, compressed, expect_message_rejected, fragments

Maker = Callable[[], bytes]

#: Truncated streams.
CUT: dict[str, Maker] = {
    "in_a_symbol": lambda: HELLO[:4],
    "behind_the_header": lambda: HELLO[:1],
    "before_the_end_of_the_block": lambda: BlockWriter().fixed(b"Hello, world", end=False).octets(),
    "in_a_stored_block": lambda: BlockWriter().stored(b"Hello", length=50).octets(),
    "in_the_length_of_a_stored_block": lambda: b"\x00\x05",
    "in_the_codes_of_a_dynamic_block": lambda: BlockWriter().dynamic(b"Hello, world").octets()[:6],
    "in_the_symbols_of_a_dynamic_block": lambda: BlockWriter().dynamic(b"Hello, world" * 4, end=False).octets(),
}

#: Octets in other formats: none of these streams consists of valid blocks.
NOISE: dict[str, Maker] = {
    "ff": lambda: b"\xff" * 20,
    "plain_text": lambda: b"Hello, world",
    "plain_text_behind_a_block": lambda: BlockWriter().fixed(b"Hello").stored().octets() + b"Hello, world",
    "zlib_header": lambda: bytes.fromhex("789cf248cdc9c9070000"),
    "gzip_header": lambda: bytes.fromhex("1f8b0800000000000003") + HELLO,
}

NLEN: dict[str, Maker] = {
    "zero": lambda: bytes.fromhex("000500000041"),
    "equal_to_len": lambda: BlockWriter().stored(b"Hello", complement=5).message(),
    "one_bit_off": lambda: BlockWriter().stored(b"Hello", complement=0xFFFB).message(),
    "of_an_empty_block": lambda: b"\x00\x00\x00\x00\x00",
    "of_a_second_block": lambda: BlockWriter().fixed(b"Hello").stored(b"Hello", complement=5).message(),
}

RESERVED: dict[str, Maker] = {
    "first_block": lambda: b"\x06",
    "final_block": lambda: b"\x07",
    "second_block": lambda: BlockWriter().fixed(b"Hello").header(3).align().message(),
}

#: Messages with a distance that is too far by one octet or more, behind so many octets of earlier messages.
FAR: dict[str, Callable[[int], bytes]] = {
    "4_behind_1": lambda earlier: BlockWriter().fixed(b"a", Match(3, earlier + 4)).message(),
    "1_behind_nothing": lambda earlier: BlockWriter().fixed(Match(3, earlier + 1)).message(),
    "32768_behind_nothing": lambda earlier: BlockWriter().fixed(Match(258, 32768)).message(),
    "32768_behind_32767": lambda earlier: (
        BlockWriter().stored(b"x" * (32767 - earlier)).fixed(Match(3, 32768)).message()
    ),
    "6_behind_5_in_a_dynamic_block": lambda earlier: BlockWriter().dynamic(b"Hello", Match(3, earlier + 6)).message(),
}

CODES: dict[str, Maker] = {
    "length_code_286": lambda: BlockWriter().fixed(b"Hello", Code(286, 0)).message(),
    "length_code_287": lambda: BlockWriter().fixed(b"Hello", Code(287, 0)).message(),
    "distance_code_30": lambda: BlockWriter().fixed(b"Hello", Code(257, 30)).message(),
    "distance_code_31": lambda: BlockWriter().fixed(b"Hello", Code(257, 31)).message(),
    "distance_code_30_of_a_dynamic_block": lambda: (
        BlockWriter()
        .dynamic(b"Hello", Code(257, 30), lengths=([8] * 252 + [7] * 2 + [8] * 4, [0] * 29 + [1, 1]))
        .message()
    ),
}

#: Dynamic blocks with over-subscribed codes, then with incomplete or wrongly encoded ones.
OVER_SUBSCRIBED: dict[str, Maker] = {
    "literal_codes": lambda: BlockWriter().dynamic(lengths=([1, 1, 1, *[0] * 253, 1], [0])).message(),
    "distance_codes": lambda: BlockWriter().dynamic(lengths=([0] * 256 + [1], [1, 1, 1])).message(),
    "code_length_codes": lambda: (
        BlockWriter().header(2).code_length_symbols([(0, 0, 0)], (257, 1), [1] * 3 + [0] * 16).message()
    ),
}
INCOMPLETE: dict[str, Maker] = {
    "literal_codes": lambda: BlockWriter().dynamic(lengths=([0] * 256 + [2], [0])).message(),
    "distance_codes": lambda: BlockWriter().dynamic(lengths=([0] * 256 + [1], [2, 2])).message(),
    "no_code_for_the_end": lambda: BlockWriter().dynamic(end=False, lengths=([1, 1, *[0] * 255], [0])).message(),
    "repetition_of_nothing": lambda: BlockWriter().header(2).code_length_symbols([(16, 2, 0)], (257, 1)).message(),
    "more_code_lengths_than_codes": lambda: (
        BlockWriter().header(2).code_length_symbols([(18, 7, 127)] * 2, (257, 1)).message()
    ),
    "287_literal_codes": lambda: BlockWriter().dynamic(lengths=([0] * 256 + [1] + [0] * 30, [0])).message(),
}

_HINT = "fail the connection on every error of the inflater, and deliver nothing of the message"


@case("7692-7.2.2-3", "1951-3.2.3-1", offer=BROWSER_OFFER, hint=_HINT)
@each(make=RESERVED)
async def reserved_block_type_fails_the_connection(ws: Connection, make: Maker) -> None:
    """A block of type 11 is an error, in the first block and in later ones.

    A target that delivers the octets inflated before the error delivers a part of the message.
    """
    await expect_message_rejected(ws, compressed(make()))


@case("7692-7.2.2-3", "1951-3.2.4-1", offer=BROWSER_OFFER, hint=_HINT)
@each(make=NLEN)
async def stored_block_with_a_wrong_complement_fails_the_connection(ws: Connection, make: Maker) -> None:
    """A stored block is invalid unless NLEN is the one's complement of LEN."""
    await expect_message_rejected(ws, compressed(make()))


@case("7692-7.2.2-3", "1951-3.2.3-2", offer=BROWSER_OFFER, hint=_HINT)
@each(make=FAR)
async def distance_before_the_start_fails_the_connection(ws: Connection, make: Callable[[int], bytes]) -> None:
    """A match must not refer to octets before the first octet of the first message.

    A target that resolves such a match delivers zeros, or leaks the contents of its memory.
    """
    await expect_message_rejected(ws, compressed(make(ws.window_octets)))


@case("7692-7.2.2-3", "1951-3.2.3-2", offer=BROWSER_OFFER, hint=_HINT)
async def distance_before_the_first_message_fails_the_connection(ws: Connection) -> None:
    """A match in the second message must not refer beyond the first: here it refers six octets back after "Hello"."""
    again = BlockWriter().fixed(Match(3, ws.window_octets + 6)).message()
    await ws.send(compressed(HELLO))
    await expect_message_rejected(ws, compressed(again), may_echo=(b"Hello",))


@case("7692-7.2.2-3", "1951-3.2.5-1", offer=BROWSER_OFFER, hint=_HINT)
@each(make=CODES)
async def invalid_code_fails_the_connection(ws: Connection, make: Maker) -> None:
    """Length codes 286 and 287 and distance codes 30 and 31 can be written in fixed blocks, but are invalid."""
    await expect_message_rejected(ws, compressed(make()))


@case("7692-7.2.2-3", "1951-3.2.7-1", offer=BROWSER_OFFER, hint=_HINT)
@each(make=OVER_SUBSCRIBED)
async def over_subscribed_codes_fail_the_connection(ws: Connection, make: Maker) -> None:
    """A dynamic block is invalid if its code lengths assign more codes than fit: it cannot be decoded."""
    await expect_message_rejected(ws, compressed(make()))


@case("7692-7.2.2-3", offer=BROWSER_OFFER, hint=_HINT)
@each(make=INCOMPLETE)
async def impossible_dynamic_block_fails_the_connection(ws: Connection, make: Maker) -> None:
    """A dynamic block is invalid if its codes are incomplete or wrongly encoded."""
    await expect_message_rejected(ws, compressed(make()))


@case(
    "7692-7.2.2-3",
    offer=BROWSER_OFFER,
    hint=f"{_HINT}; check that the message ends between blocks",
    reading="cut-messages",
)
@each(make=CUT)
async def message_that_ends_inside_a_block_fails_the_connection(ws: Connection, make: Maker) -> None:
    """A message whose data ends in the middle of a symbol or of a block is truncated, and so invalid.

    zlib reports no error but waits for more octets. A target that ignores this delivers a part of the message, and
    reads the next message as the rest of it.
    """
    await expect_message_rejected(ws, compressed(make()))


@case("7692-7.2.2-3", offer=BROWSER_OFFER, hint=_HINT)
@each(make=NOISE)
async def octets_that_are_not_deflate_fail_the_connection(ws: Connection, make: Maker) -> None:
    """Plain text with RSV1, the zlib and gzip formats, and noise are not valid DEFLATE."""
    await expect_message_rejected(ws, compressed(make(), BINARY))


@case("7692-7.2.2-3", offer=BROWSER_OFFER, hint=_HINT)
@each(place=(0, 1, 2))
async def error_in_any_fragment_fails_the_connection(ws: Connection, place: int) -> None:
    """An error in the compressed data fails the connection in any fragment: the first, the middle or the last one."""
    parts = [bytes.fromhex("f24805000000ffff"), bytes.fromhex("ca01000000ffff"), HELLO]
    parts[place] = b"\x06" + parts[place]
    await expect_message_rejected(ws, *fragments(*parts, opcode=BINARY))


@case("7692-7.2.2-3", offer=BROWSER_OFFER, hint=_HINT)
async def error_after_valid_messages_fails_the_connection(ws: Connection) -> None:
    """An error fails the connection also after valid messages, whose echoes may still arrive."""
    await ws.send(compressed(HELLO), compressed(HELLO))
    await expect_message_rejected(ws, compressed(b"\x06"), may_echo=(b"Hello", b"Hello"))


@case("7692-7.2.1-20", offer=BROWSER_OFFER)
@each(frames={"one_frame": [Frame.text(b"", rsv=RSV1)], "fragments": fragments(b"", b"", b"")})
async def compressed_message_without_octets_does_not_corrupt_the_next(ws: Connection, frames: list[Frame]) -> None:
    """A compressed message has at least one octet; ours has none, which is our error, and the reaction is noted.

    The target may fail the connection or deliver an empty message. It fails the case if it keeps the connection open
    and does not deliver the valid message after it correctly.
    """
    ws.conversation.provoked = Provocation.COMPRESSION
    await ws.send(*frames, compressed(HELLO), Frame.text("behind"))
    await _note_reaction(ws)


async def _note_reaction(ws: Connection) -> None:
    """Expect "Hello", or the end of the connection, and note which came; fail the case on any other message."""
    deadline, empty = ws.session.deadline(), "nothing"
    while (received := await ws.next(deadline)) is not None and received.opcode != 0x8:
        if received.payload == b"behind":
            ws.expect(False, '"Hello", or a failed connection', "delivery of the message after it only", received.entry)
        if received.payload == b"Hello":
            ws.choose(f"delivers {empty}, and goes on")
            return
        if received.opcode < 0x8 and not ws.is_chatter(received):
            ws.expect(not received.payload, '"Hello", or a failed connection', str(received), received.entry)
            empty = "an empty message"
    if received is None and ws.ended is None and ws.session.facts.echo:
        ws.session.fail('"Hello", or a failed connection', "neither")
    ws.choose("fails the connection" if received or ws.ended else "delivers nothing that we can see")
