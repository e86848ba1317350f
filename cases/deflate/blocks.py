"""Blocks of every type, final or not, also blocks that zlib never writes: all are inflated (RFC 7692 section 7.2)."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

from wsconform import BROWSER_OFFER, TAIL, BlockWriter, Connection, Frame, Match, Need, Profile, Received, case, each

from .messages import AGAIN, HELLO, compressed, fragments, require_takeover, require_window

_HELLO = Frame.text("Hello")

#: The payloads of sections 7.2.3.1, .3, .4 and .5. Those of 7.2.3.2 and 7.2.3.6 have cases of their own.
EXAMPLES = {
    "one_block": HELLO,
    "no_compression": bytes.fromhex("000500faff48656c6c6f00"),
    "final_block": bytes.fromhex("f348cdc9c9070000"),
    "two_blocks": bytes.fromhex("f24805000000ffffcac9c90700"),
}


def _written(*kinds: str, final: Sequence[int] = ()) -> bytes:
    """Return one message with "Hello" in a block of each of `kinds`; the blocks numbered in `final` have BFINAL."""
    writer = BlockWriter()
    for number, kind in enumerate(kinds):
        match kind:
            case "stored":
                writer.stored(b"Hello", final=number in final)
            case "fixed":
                writer.fixed(b"Hello", final=number in final)
            case "dynamic":
                writer.dynamic(b"Hello", final=number in final)
            case _:
                writer.stored(final=number in final)
    return writer.message()


KINDS = ("stored", "fixed", "dynamic")
TYPES = {
    "stored": KINDS[:1],
    "fixed": KINDS[1:2],
    "dynamic": KINDS[2:],
    "all_three": KINDS,
    "all_three_backwards": KINDS[::-1],
    "stored_twice": KINDS[:1] * 2,
    "dynamic_twice": KINDS[2:] * 2,
    "empty_stored_between": ("fixed", "empty", "dynamic"),
    "empty_stored_first": ("empty", "fixed"),
    "three_empty_stored_first": ("empty", "empty", "empty", "dynamic"),
    "empty_stored_last": ("fixed", "empty", "empty"),
    "a_hundred_blocks": KINDS * 33 + ("fixed",),
}

#: The numbers of the blocks with BFINAL among three.
FINAL = {"first": (0,), "second": (1,), "last": (2,), "first_and_second": (0, 1), "all": (0, 1, 2)}

#: Payloads that an empty message may be compressed to.
EMPTY = {
    "empty_stored_block": b"\x00",
    "empty_fixed_block": b"\x02\x00",
    "empty_final_fixed_block": b"\x03\x00\x00",
    "empty_final_stored_block": BlockWriter().stored(final=True).message(),
    "empty_dynamic_block": BlockWriter().dynamic().message(),
    "two_empty_stored_blocks": BlockWriter().stored().message(),
}

_FINAL = "after a final block, go on with the octets that follow: BFINAL ends neither the message nor the connection"


def _sync_flush(payload: bytes) -> bytes:
    return _zlib(payload, zlib.Z_SYNC_FLUSH)


def _full_flush(payload: bytes) -> bytes:
    return _zlib(payload, zlib.Z_FULL_FLUSH)


def _zlib(payload: bytes, flush: int) -> bytes:
    # With a window of 512 octets zlib refers back 250 octets at most (512 less 262), which every agreed window permits.
    deflater = zlib.compressobj(wbits=-9)
    return (deflater.compress(payload) + deflater.flush(flush)).removesuffix(TAIL)


def _stored_blocks(payload: bytes) -> bytes:
    writer = BlockWriter()
    for at in range(0, len(payload), 65535):
        writer.stored(payload[at : at + 65535])
    return writer.message()


def _huffman_only(payload: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-9, strategy=zlib.Z_HUFFMAN_ONLY)
    return (deflater.compress(payload) + deflater.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)


def _final_blocks(payload: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-9)
    return deflater.compress(payload) + deflater.flush(zlib.Z_FINISH) + b"\x00"


MAKERS: dict[str, Callable[[bytes], bytes]] = {
    "sync_flush": _sync_flush,
    "full_flush": _full_flush,
    "stored_blocks": _stored_blocks,
    "huffman_only": _huffman_only,
}

#: Dynamic blocks that each lack something that most dynamic blocks have, or have it in an extreme form.
DYNAMIC: dict[str, Callable[[], BlockWriter]] = {
    "no_distance_code": lambda: BlockWriter().dynamic(b"Hello"),
    "one_distance_code": lambda: BlockWriter().dynamic(b"Hello", Match(10, 5)),
    "two_distance_codes": lambda: BlockWriter().dynamic(b"Hello", Match(5, 5), Match(3, 2)),
    "code_lengths_repeated_over_the_border": lambda: BlockWriter().dynamic(
        b"ab", Match(3, 1), Match(3, 2), lengths=([0] * 97 + [2, 2] + [0] * 157 + [2, 2], [2, 2, 2, 2])
    ),
    "zeros_repeated_over_the_border": lambda: BlockWriter().dynamic(
        b"ab", Match(3, 1), Match(3, 5), lengths=([0] * 97 + [2, 2] + [0] * 157 + [2, 2] + [0] * 9, [1, 0, 0, 0, 1])
    ),
    "no_repeated_code_lengths": lambda: BlockWriter().dynamic(b"Hello", Match(10, 5), repeat=False),
    "codes_of_15_bits": lambda: BlockWriter().dynamic(
        bytes(range(15)), lengths=([*range(1, 15), 15, *[0] * 241, 15], [0])
    ),
    "all_codes_used": lambda: BlockWriter().dynamic(
        bytes(range(128)), Match(3, 1), lengths=([8] * 226 + [9] * 60, [4, 4, *[5] * 28])
    ),
}

#: Matches at the limits of the format: (length, distance), after as many octets as the distance.
MATCHES = {
    "length_3_distance_1": (3, 1),
    "length_258_distance_1": (258, 1),
    "length_257_distance_2": (257, 2),
    "length_4_distance_3": (4, 3),
    "length_10_distance_4": (10, 4),
    "length_11_distance_5": (11, 5),
    "length_258_distance_256": (258, 256),
    "length_3_distance_257": (3, 257),
    "length_258_distance_1024": (258, 1024),
    "length_3_distance_16385": (3, 16385),
    "length_258_distance_24577": (258, 24577),
    "length_3_distance_32767": (3, 32767),
    "length_3_distance_32768": (3, 32768),
    "length_258_distance_32768": (258, 32768),
}


@case("7692-7.2.3-1", needs=Need.ECHO, offer=BROWSER_OFFER)
@each(octets=EXAMPLES, cut={"in_one_frame": (), "in_two_fragments": (3,), "with_an_empty_last_fragment": (-1,)})
async def rfc_example_inflates_to_hello(ws: Connection, octets: bytes, cut: Sequence[int]) -> None:
    """The examples of section 7.2.3 inflate to "Hello", fragmented or not (erratum 8099 corrects the third header).

    They have one block or two, compressed or not, final or not.
    """
    await ws.send(*fragments(*_cut(octets, cut)))
    await ws.expect_echo(_HELLO)


def _cut(octets: bytes, cut: Sequence[int]) -> list[bytes]:
    if not cut:
        return [octets]
    end = cut[0] % (len(octets) + 1)
    return [octets[:end], octets[end:]]


@case("7692-7.2.3-1", needs=Need.ECHO, offer=BROWSER_OFFER)
async def rfc_example_with_a_reference_inflates_to_hello(ws: Connection) -> None:
    """The example of section 7.2.3.2 refers to the first message, and inflates to "Hello" after it."""
    require_takeover(ws)
    await ws.send(compressed(HELLO), compressed(AGAIN))
    await ws.expect_echo(_HELLO, _HELLO)


@case("7692-7.2.3-1", needs=Need.ECHO, offer=BROWSER_OFFER)
async def rfc_example_in_two_fragments_inflates_to_hello(ws: Connection) -> None:
    """The example of section 7.2.3.6 has its last octet in a final fragment of its own: 80 01 00."""
    await ws.send(*fragments(HELLO[:-1], b"\x00"))
    await ws.expect_echo(_HELLO)


@case("7692-7.2.2-1", "7692-7.2.1-4", "7692-7.2.1-3", needs=Need.ECHO, offer=BROWSER_OFFER)
@each(kinds=TYPES)
async def blocks_of_any_type_and_number_are_inflated(ws: Connection, kinds: Sequence[str]) -> None:
    """A message may have any number of blocks of any type, including empty ones.

    The blocks are written by hand: a target that supports only the output of one compressor fails with stored blocks.
    """
    await ws.send(compressed(_written(*kinds)))
    await ws.expect_echo(Frame.text("Hello" * sum(kind in KINDS for kind in kinds)))


@case("7692-7.2.2-1", "7692-7.2.1-5", needs=Need.ECHO, offer=BROWSER_OFFER, hint=_FINAL)
@each(kind=KINDS)
async def final_block_is_inflated(ws: Connection, kind: str) -> None:
    """A message may end with a block whose BFINAL is 1 and an empty block.

    The next message, which refers to no other, is delivered too: an inflater that stops for good at BFINAL loses it.
    """
    await ws.send(compressed(_written(kind, final=(0,))), compressed(HELLO))
    await ws.expect_echo(_HELLO, _HELLO)


@case("7692-7.2.1-6", needs=Need.ECHO, offer=BROWSER_OFFER, hint=_FINAL)
@each(kind=KINDS, final=FINAL)
async def blocks_after_a_final_block_are_inflated(ws: Connection, kind: str, final: Sequence[int]) -> None:
    """A block with BFINAL may be followed by other blocks in the same message, from the next octet on.

    An inflater that stops at the first final block, as zlib's does, delivers only a part of the message.
    """
    await ws.send(compressed(_written(kind, kind, kind, final=final)))
    await ws.expect_echo(Frame.text("HelloHelloHello"))


@case("7692-7.2.1-6", needs=Need.ECHO, offer=BROWSER_OFFER, hint=_FINAL)
async def block_after_a_final_block_may_refer_to_it(ws: Connection) -> None:
    """Inside a message the window continues after a final block: a later match may refer to earlier octets.

    An inflater that starts with an empty window there cannot resolve the match.
    """
    await ws.send(compressed(BlockWriter().fixed(b"Hello", final=True).fixed(Match(5, 5)).message()))
    await ws.expect_echo(Frame.text("HelloHello"))


@case("7692-7.2.1-7", needs=Need.ECHO, offer=BROWSER_OFFER, hint=_FINAL, reading="window-behind-a-final-block")
@each(octets={"fixed": EXAMPLES["final_block"], "stored": _written("stored", final=(0,))})
async def window_is_kept_after_a_final_block(ws: Connection, octets: bytes) -> None:
    """With context takeover, a message may refer to an earlier one that has a final block.

    A target that creates a new inflater, with an empty window, at every final block fails.
    """
    require_takeover(ws)
    await ws.send(compressed(octets), compressed(AGAIN))
    await ws.expect_echo(_HELLO, _HELLO)


@case("7692-7.2.1-19", needs=Need.ECHO, offer=BROWSER_OFFER, hint="an empty message compresses to the octet 00")
@each(octets=EMPTY)
async def empty_message_is_delivered(ws: Connection, octets: bytes) -> None:
    """An empty message is compressed to one octet, 00, or to other blocks without content.

    It is delivered as an empty text, and the compressed message after it is delivered correctly.
    """
    await ws.send(compressed(octets), compressed(HELLO))
    await ws.expect_echo(Frame.text(""), _HELLO)


@case(
    *("7692-7.2.2-1", "7692-5-15"),
    needs=Need.ECHO,
    offer=BROWSER_OFFER,
    profile=lambda maker, length: Profile.QUICK if length <= 65535 else Profile.STANDARD,
)
@each(maker=MAKERS, length=(1, 125, 65535, 65536, 1 << 20))
async def message_of_any_length_is_inflated(ws: Connection, maker: Callable[[bytes], bytes], length: int) -> None:
    """The output of a compressor is inflated, up to a mebibyte: the target appends 00 00 ff ff to each message.

    The makers differ in how they flush and in the blocks that they choose. If the target rejects the message with
    1009, the case is inconclusive.
    """
    message = Frame.text((b"%d bottles of beer on the wall, " * 7 % (99, 98, 97, 96, 95, 94, 93) * 6000)[:length])
    await ws.send(compressed(maker(message.payload)))
    await ws.expect_echo(message)


@case("7692-7.2.2-2", offer=BROWSER_OFFER)
async def trailing_flush_octets_are_harmless(ws: Connection) -> None:
    """If a sender does not remove 00 00 ff ff, its message has one more empty block; the RFC does not address this.

    Whether the target delivers "Hello" or rejects the message is noted, since the sender is at fault.
    """
    await ws.send(compressed(HELLO + TAIL))
    delivered = await _delivered_before_marker(ws)
    wrong = next((received for received in delivered if received.payload != b"Hello"), None)
    ws.expect(wrong is None, '"Hello", or nothing', str(wrong), wrong.entry if wrong else None)
    ws.choose("delivers it" if delivered else "delivers nothing")


async def _delivered_before_marker(ws: Connection) -> list[Received]:
    """Send a plain text; return the messages that come before its echo or the end of the connection."""
    seen, marker = list[Received](), b"behind"
    await ws.send(Frame.text(marker))
    deadline = ws.session.deadline()
    while (received := await ws.next(deadline)) is not None and received.payload != marker:
        if received.opcode < 0x8 and not ws.is_chatter(received):
            seen.append(received)
    return seen


@case("1951-3.2.7-1", needs=Need.ECHO, offer=BROWSER_OFFER)
@each(writer=DYNAMIC)
async def dynamic_block_of_any_shape_is_inflated(ws: Connection, writer: Callable[[], BlockWriter]) -> None:
    """A dynamic block may have one distance code or none, and code lengths of 15 bits.

    Its code lengths may also be repeated across the border between literal and distance codes. Compressors write few
    of these blocks, but the format allows all of them.
    """
    octets = writer().message()
    await ws.send(compressed(octets))
    await ws.expect_echo(Frame.text(zlib.decompressobj(wbits=-15).decompress(octets + TAIL)))


@case("1951-3.2.5-1", needs=Need.ECHO, offer="permessage-deflate")
@each(match=MATCHES)
async def match_of_any_length_and_distance_is_inflated(ws: Connection, match: tuple[int, int]) -> None:
    """Matches have 3 to 258 octets, and lie 1 to 32768 octets back.

    zlib never refers back farther than 32506 octets, so a target tested with zlib alone may have a smaller window.
    """
    length, distance = match
    require_window(ws, distance)
    before = (ws.random_octets(16384).hex().encode() * 2)[:distance]
    writer = BlockWriter().stored(before).fixed(Match(length, distance))
    await ws.send(compressed(writer.message()))
    await ws.expect_echo(Frame.text(before + (before * 258)[:length]))
