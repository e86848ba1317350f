"""What is no DEFLATE: it is not delivered, and the connection is failed (RFC 7692 section 7.2.2, RFC 1951)."""

from __future__ import annotations

from collections.abc import Callable

from wsconform import BINARY, BROWSER_OFFER, RSV1, BlockWriter, Code, Connection, Frame, Match, Provocation, case, each

from .made import HELLO, compressed, expect_message_refused, fragments

Maker = Callable[[], bytes]

#: Streams whose octets end too soon.
CUT: dict[str, Maker] = {
    "in_a_symbol": lambda: HELLO[:4],
    "behind_the_header": lambda: HELLO[:1],
    "before_the_end_of_the_block": lambda: BlockWriter().fixed(b"Hello, world", end=False).octets(),
    "in_a_stored_block": lambda: BlockWriter().stored(b"Hello", length=50).octets(),
    "in_the_length_of_a_stored_block": lambda: b"\x00\x05",
    "in_the_codes_of_a_dynamic_block": lambda: BlockWriter().dynamic(b"Hello, world").octets()[:6],
    "in_the_symbols_of_a_dynamic_block": lambda: BlockWriter().dynamic(b"Hello, world" * 4, end=False).octets(),
}

#: Streams of random look: none of them begins with a block that could be.
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

#: Codes of dynamic blocks that no stream can have.
SETS: dict[str, Maker] = {
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

_HINT = "treat every error of the inflater as an error of the message: fail the connection, and deliver nothing"


@case("7692-7.2.2-3", "1951-3.2.3-1", offer=BROWSER_OFFER, hint=_HINT)
@each(make=RESERVED)
async def reserved_block_type_fails_the_connection(ws: Connection, make: Maker) -> None:
    """A block of type 11 is an error, in the first block and in later ones.

    A target that takes what was inflated so far delivers a part of the message.
    """
    await expect_message_refused(ws, compressed(make()))


@case("7692-7.2.2-3", "1951-3.2.4-1", offer=BROWSER_OFFER, hint=_HINT)
@each(make=NLEN)
async def stored_block_with_a_wrong_complement_fails_the_connection(ws: Connection, make: Maker) -> None:
    """NLEN is the complement of LEN: where it is not, the octets are no stored block."""
    await expect_message_refused(ws, compressed(make()))


@case("7692-7.2.2-3", "1951-3.2.3-2", offer=BROWSER_OFFER, hint=_HINT)
@each(make=FAR)
async def distance_before_the_start_fails_the_connection(ws: Connection, make: Callable[[int], bytes]) -> None:
    """A match cannot refer to what was before the first octet of the first message.

    A target that delivers zeros there, or what memory holds, gives away what is not the sender's.
    """
    await expect_message_refused(ws, compressed(make(ws.window_octets)))


@case("7692-7.2.2-3", "1951-3.2.3-2", offer=BROWSER_OFFER, hint=_HINT)
async def distance_before_the_first_message_fails_the_connection(ws: Connection) -> None:
    """The second message cannot refer to what was before the first: six octets back behind "Hello"."""
    again = BlockWriter().fixed(Match(3, ws.window_octets + 6)).message()
    await ws.send(compressed(HELLO))
    await expect_message_refused(ws, compressed(again), may_echo=(b"Hello",))


@case("7692-7.2.2-3", "1951-3.2.5-1", offer=BROWSER_OFFER, hint=_HINT)
@each(make=CODES)
async def invalid_code_fails_the_connection(ws: Connection, make: Maker) -> None:
    """Length codes 286 and 287 and distance codes 30 and 31 have bits in fixed blocks, and no meaning."""
    await expect_message_refused(ws, compressed(make()))


@case("7692-7.2.2-3", "1951-3.2.7-1", offer=BROWSER_OFFER, hint=_HINT)
@each(make=SETS)
async def over_subscribed_codes_fail_the_connection(ws: Connection, make: Maker) -> None:
    """A set of codes with more codes than its lengths have room for cannot be decoded."""
    await expect_message_refused(ws, compressed(make()))


@case("7692-7.2.2-3", offer=BROWSER_OFFER, hint=_HINT)
@each(make=INCOMPLETE)
async def impossible_dynamic_block_fails_the_connection(ws: Connection, make: Maker) -> None:
    """A dynamic block whose codes are incomplete, or wrongly said, is an error."""
    await expect_message_refused(ws, compressed(make()))


@case(
    "7692-7.2.2-3", offer=BROWSER_OFFER, hint=f"{_HINT}; ask whether it stands between blocks", reading="cut-messages"
)
@each(make=CUT)
async def message_that_ends_inside_a_block_fails_the_connection(ws: Connection, make: Maker) -> None:
    """A message whose data end in the middle of a symbol, or of a block, cannot be what its sender meant.

    zlib does not complain: it asks for more. A target that delivers what has come so far delivers too little, and
    reads the next message as the rest of this one.
    """
    await expect_message_refused(ws, compressed(make()))


@case("7692-7.2.2-3", offer=BROWSER_OFFER, hint=_HINT)
@each(make=NOISE)
async def octets_that_are_no_deflate_fail_the_connection(ws: Connection, make: Maker) -> None:
    """Plain text under RSV1, the formats of zlib and gzip, and noise are no DEFLATE."""
    await expect_message_refused(ws, compressed(make(), BINARY))


@case("7692-7.2.2-3", offer=BROWSER_OFFER, hint=_HINT)
@each(place=(0, 1, 2))
async def error_in_any_fragment_fails_the_connection(ws: Connection, place: int) -> None:
    """An error in the compressed data counts in whichever fragment it stands: the first, a middle one, the last."""
    parts = [bytes.fromhex("f24805000000ffff"), bytes.fromhex("ca01000000ffff"), HELLO]
    parts[place] = b"\x06" + parts[place]
    await expect_message_refused(ws, *fragments(*parts, opcode=BINARY))


@case("7692-7.2.2-3", offer=BROWSER_OFFER, hint=_HINT)
async def error_behind_good_messages_fails_the_connection(ws: Connection) -> None:
    """An error counts behind good messages too; their echoes may still come."""
    await ws.send(compressed(HELLO), compressed(HELLO))
    await expect_message_refused(ws, compressed(b"\x06"), may_echo=(b"Hello", b"Hello"))


@case("7692-7.2.1-20", offer=BROWSER_OFFER)
@each(frames={"one_frame": [Frame.text(b"", rsv=RSV1)], "fragments": fragments(b"", b"", b"")})
async def compressed_message_of_no_octets_derails_nothing(ws: Connection, frames: list[Frame]) -> None:
    """A compressed message has an octet at least; one of none is our error, and what becomes of it is written down.

    To fail the connection and to deliver an empty message are both right. What fails is to stay open and to
    deliver the good message behind it as something else.
    """
    ws.conversation.provoked = Provocation.COMPRESSION
    await ws.send(*frames, compressed(HELLO), Frame.text("behind"))
    await _choose_by_what_follows(ws)


async def _choose_by_what_follows(ws: Connection) -> None:
    deadline, empty = ws.session.deadline(), "nothing"
    while (received := await ws.next(deadline)) is not None and received.opcode != 0x8:
        if received.payload == b"behind":
            ws.expect(False, '"Hello", or a failed connection', "no delivery of the message behind", received.entry)
        if received.payload == b"Hello":
            ws.choose(f"delivers {empty}, and goes on")
            return
        if received.opcode < 0x8 and not ws.is_chatter(received):
            ws.expect(not received.payload, '"Hello", or a failed connection', str(received), received.entry)
            empty = "an empty message"
    if received is None and ws.ended is None and ws.session.facts.echo:
        ws.session.fail('"Hello", or a failed connection', "neither")
    ws.choose("fails the connection" if received or ws.ended else "delivers nothing that shows")
