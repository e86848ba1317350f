"""The reader and the writer of DEFLATE blocks, compared with zlib (RFC 1951)."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsconform.wire.bits import BlockItem, BlockWriter, Code, Match, balanced, repeated
from wsconform.wire.blocks import DISTANCES, LENGTHS, TAIL, BlockError, Kind, PayloadEnd, Usage, read_message

LEVELS = st.integers(0, 9)
STRATEGIES = st.sampled_from((zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED))
FLUSHES = st.sampled_from((zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH))
PAYLOADS = st.one_of(
    st.binary(max_size=300),
    st.lists(st.sampled_from((b"abc", b"hello", b"\0", b"x" * 300)), max_size=60).map(b"".join),
    st.integers(0, 70_000).map(bytes),
)


def read(octets: bytes) -> bytes:
    """Return the message to which zlib inflates `octets`."""
    return zlib.decompressobj(wbits=-15).decompress(octets + TAIL)


class TestTables:
    """RFC 1951 section 3.2.5."""

    def test_lengths(self) -> None:
        assert len(LENGTHS) == 29
        assert [LENGTHS[n] for n in (0, 7, 8, 19, 20, 27, 28)] == [
            (0, 3), (0, 10), (1, 11), (3, 59), (4, 67), (5, 227), (0, 258),
        ]  # fmt: skip

    def test_distances(self) -> None:
        assert len(DISTANCES) == 30
        assert [DISTANCES[n] for n in (0, 3, 4, 15, 28, 29)] == [
            (0, 1), (0, 4), (1, 5), (6, 193), (13, 16385), (13, 24577),
        ]  # fmt: skip


class TestReaderAgainstZlib:
    @given(st.lists(st.tuples(PAYLOADS, FLUSHES), max_size=4), LEVELS, STRATEGIES, st.integers(9, 15))
    def test_messages_with_takeover(
        self, messages: list[tuple[bytes, int]], level: int, strategy: int, bits: int
    ) -> None:
        compressor = zlib.compressobj(level, wbits=-bits, strategy=strategy)
        window = b""
        for message, flush in messages:
            octets = compressor.compress(message) + compressor.flush(flush)
            usage = read_message(octets.removesuffix(TAIL), window)
            assert usage.payload == message
            assert usage.end is (PayloadEnd.WHOLE if octets else PayloadEnd.BARE)
            assert usage.distance <= 1 << bits
            assert usage.reach <= len(window)
            assert sum(block.length for block in usage.blocks) == len(message)
            window = usage.carried(window)

    @given(PAYLOADS, LEVELS)
    def test_a_final_block(self, message: bytes, level: int) -> None:
        compressor = zlib.compressobj(level, wbits=-15)
        octets = compressor.compress(message) + compressor.flush()
        usage = read_message(octets + b"\x00")
        assert (usage.payload, usage.end, usage.final) == (message, PayloadEnd.WHOLE, True)
        assert read_message(octets).end is PayloadEnd.BARE

    @given(st.binary(max_size=80), st.binary(max_size=20))
    def test_any_octets_are_read_like_by_zlib(self, octets: bytes, window: bytes) -> None:
        compare(octets, window)

    @given(PAYLOADS.filter(bool), LEVELS, STRATEGIES, st.data())
    def test_broken_streams_are_read_like_by_zlib(
        self, message: bytes, level: int, strategy: int, data: st.DataObject
    ) -> None:
        compressor = zlib.compressobj(level, wbits=-15, strategy=strategy)
        octets = bytearray(compressor.compress(message) + compressor.flush(zlib.Z_SYNC_FLUSH))
        bit = data.draw(st.integers(0, min(8 * len(octets), 800) - 1))
        octets[bit // 8] ^= 1 << bit % 8
        compare(bytes(octets), b"")


def compare(octets: bytes, window: bytes) -> None:
    """Check that our reader and zlib (with a new stream after each final block) agree on errors and payloads."""
    limit = 1 << 17
    try:
        usage: Usage | None = read_message(octets, window, limit=limit)
    except BlockError:
        usage = None
    rest, foreign, right = octets + TAIL, bytearray(window), True
    try:
        while rest and len(foreign) <= limit + len(window):
            stream = zlib.decompressobj(wbits=-15, zdict=bytes(foreign[-32768:]))
            foreign += stream.decompress(rest, limit + 1 - len(foreign) + len(window))
            if not stream.eof:
                break
            rest = stream.unused_data
    except zlib.error:
        right = False
    if len(foreign) - len(window) > limit:
        right = False
    if usage is None:
        assert not right
    elif usage.end is PayloadEnd.CUT:
        assert not right or usage.payload == foreign[len(window) :]
    elif usage.end is PayloadEnd.WHOLE:
        assert right
        assert usage.payload == foreign[len(window) :]
    else:
        # The reader stops at the end of the octets; zlib goes on with the appended tail.
        assert foreign[len(window) :].startswith(usage.payload)


class TestReader:
    @pytest.mark.parametrize(
        ("octets", "end"),
        [
            ("f2 48 cd c9 c9 07 00", PayloadEnd.WHOLE),
            ("f2 48 cd c9 c9 07 00 00 00 ff ff", PayloadEnd.LEFT),
            ("f3 48 cd c9 c9 07 00", PayloadEnd.BARE),
            ("f3 48 cd c9 c9 07 00 00", PayloadEnd.WHOLE),
            ("f2 48 cd c9 c9 07", PayloadEnd.CUT),
            ("f2 48 cd", PayloadEnd.CUT),
            ("00 05 00 fa ff 48 65", PayloadEnd.CUT),
            ("00 04 00 fb ff", PayloadEnd.CUT),
            ("", PayloadEnd.BARE),
            ("00", PayloadEnd.WHOLE),
            ("02 00", PayloadEnd.WHOLE),
            ("03 00", PayloadEnd.BARE),
        ],
    )
    def test_the_end_of_the_payload(self, octets: str, end: PayloadEnd) -> None:
        assert read_message(bytes.fromhex(octets)).end is end

    @pytest.mark.parametrize(
        ("octets", "words"),
        [
            ("06", "block 1 has the reserved type 3"),
            ("00 05 00 00 00 41", "block 1 has LEN 0005 and NLEN 0000"),
            ("00 00 00 ff ff 06", "block 2 has the reserved type 3"),
        ],
    )
    def test_errors_in_blocks(self, octets: str, words: str) -> None:
        with pytest.raises(BlockError, match=f"^{words}$"):
            read_message(bytes.fromhex(octets))

    @pytest.mark.parametrize(
        ("writer", "words"),
        [
            (BlockWriter().fixed(b"a", Match(3, 4)), "block 1 has the distance 4 at octet 1"),
            (BlockWriter().fixed(b"a", Code(286, 0)), "block 1 has the length code 286"),
            (BlockWriter().fixed(b"a", Code(287, 0)), "block 1 has the length code 287"),
            (BlockWriter().fixed(b"a", Code(257, 30)), "block 1 has the distance code 30"),
            (BlockWriter().fixed(b"a", Code(257, 31)), "block 1 has the distance code 31"),
            (
                BlockWriter().dynamic(b"", lengths=([1] * 3 + [0] * 253 + [1], [0])),
                "the literal/length code is over-.*",
            ),
            (BlockWriter().dynamic(b"", lengths=([0] * 256 + [2], [0])), "the literal/length code is incomplete"),
            (BlockWriter().dynamic(b"", lengths=([0] * 256 + [1], [1, 1, 1])), "the distance code is over-subscribed"),
            (BlockWriter().dynamic(b"", lengths=([0] * 256 + [1], [2, 2])), "the distance code is incomplete"),
            (
                BlockWriter().dynamic(b"", end=False, lengths=([1] * 2 + [0] * 255, [0])),
                "block 1 has no code for its.*",
            ),
            (BlockWriter().dynamic(b"", lengths=([0] * 256 + [1], [0] * 31)), "block 1 has 257 .* 31 distance codes"),
            (
                BlockWriter().header(2).code_length_symbols([(16, 2, 0)], (257, 1)),
                "block 1 repeats a code length before there is one",
            ),
            (
                BlockWriter().header(2).code_length_symbols([(18, 7, 127)] * 2, (257, 1)),
                "block 1 has more code lengths than its header announces",
            ),
            (
                BlockWriter().header(2).code_length_symbols([(0, 0, 0)], (257, 1), [1] * 3 + [0] * 16),
                "the code length code is over-subscribed",
            ),
        ],
    )
    def test_errors_in_codes_and_symbols(self, writer: BlockWriter, words: str) -> None:
        with pytest.raises(BlockError, match=f"^{words}$"):
            read_message(writer.message())
        with pytest.raises(zlib.error):
            read(writer.message())

    def test_a_message_longer_than_the_limit_raises(self) -> None:
        bomb = BlockWriter().fixed(b"a", *[Match(258, 1)] * 4).message()
        assert len(read_message(bomb, limit=1033).payload) == 1033
        with pytest.raises(BlockError, match=r"^inflates to more than 1032 octets$"):
            read_message(bomb, limit=1032)
        with pytest.raises(BlockError, match=r"^inflates to more than 4 octets$"):
            read_message(BlockWriter().stored(b"Hello").message(), limit=4)
        with pytest.raises(BlockError, match=r"^inflates to more than 4 octets$"):
            read_message(BlockWriter().fixed(b"Hello").message(), limit=4)

    def test_padding_after_a_final_block(self) -> None:
        blocks = read_message(BlockWriter().fixed(b"ab", final=True, end=False).code(0, 7).align(0x7F).message()).blocks
        assert blocks[0].final
        assert (blocks[0].padding, blocks[0].padding_bits) == (0b111111, 6)

    def test_reach_counts_from_the_start_of_the_message(self) -> None:
        window = b"0123456789"
        usage = read_message(BlockWriter().fixed(b"ab", Match(3, 5), Match(4, 5)).message(), window)
        assert usage.payload == b"ab789ab78"
        assert (usage.distance, usage.reach) == (5, 3)
        assert usage.carried(window) == b"0123456789ab789ab78"

    def test_the_largest_distance(self) -> None:
        window = b"far" + bytes(32765)
        usage = read_message(BlockWriter().fixed(Match(3, 32768)).message(), b"beyond" + window)
        assert (usage.payload, usage.distance, usage.reach) == (b"far", 32768, 32768)
        assert len(usage.carried(window)) == 32768


items = st.lists(
    st.one_of(st.binary(min_size=1, max_size=8), st.builds(Match, st.integers(3, 258), st.integers(1, 4))), max_size=12
).map(lambda some: [b"abcd", *some])


class TestWriter:
    @given(
        st.lists(st.tuples(st.sampled_from(("stored", "fixed", "dynamic", "plain")), items, st.booleans()), max_size=4)
    )
    def test_zlib_inflates_written_blocks(self, blocks: list[tuple[str, list[BlockItem], bool]]) -> None:
        writer, wanted = BlockWriter(), b""
        for kind, some, final in blocks:
            payload = expand(some)
            match kind:
                case "stored":
                    writer.stored(payload, final=final)
                case "fixed":
                    writer.fixed(*some, final=final)
                case _:
                    writer.dynamic(*some, final=final, repeat=kind == "dynamic")
            wanted += payload
        usage = read_message(writer.message())
        assert (usage.payload, usage.end) == (wanted, PayloadEnd.WHOLE)
        assert [block.final for block in usage.blocks] == [*(final for _, _, final in blocks), False]
        if not usage.final:
            assert read(writer.message()) == wanted

    def test_lengths_and_distances_of_every_code(self) -> None:
        window = bytes(range(256)) * 128
        for distance in (1, 4, 5, 8, 9, 257, 1024, 1025, 24576, 24577, 32768):
            for length in (3, 10, 11, 18, 19, 257, 258):
                octets = BlockWriter().stored(window).fixed(Match(length, distance)).message()
                wanted = (window[-distance:] * 258)[:length]
                assert read(octets) == window + wanted
                assert read_message(octets).distance == distance

    def test_dynamic_block_without_a_distance_code(self) -> None:
        octets = BlockWriter().dynamic(b"Hello").message()
        assert read(octets) == b"Hello"
        assert [block.kind for block in read_message(octets).blocks] == [Kind.DYNAMIC, Kind.STORED]

    def test_dynamic_block_with_one_distance_code_has_one_bit_for_it(self) -> None:
        assert balanced([3], 4) == [0, 0, 0, 1]
        assert read(BlockWriter().dynamic(b"abcd", Match(4, 4)).message()) == b"abcdabcd"

    def test_code_lengths_repeat_across_the_two_codes(self) -> None:
        lengths = [*[0] * 254, 2, 2, 2], [2, 0, 0]
        assert repeated([*lengths[0], *lengths[1]])[-3:] == [(16, 2, 0), (0, 0, 0), (0, 0, 0)]

    def test_writing_of_bits_padding_and_codes(self) -> None:
        assert BlockWriter().bits(0b101, 3).bits(0b11111, 5).octets() == b"\xfd"
        assert BlockWriter().bits(1, 1).align(0x7F).octets() == b"\xff"
        assert BlockWriter().code(0b001, 3).octets() == b"\x04"

    def test_examples_of_section_7_2_3(self) -> None:
        hello = BlockWriter().fixed(b"Hello")
        assert hello.message().hex(" ") == "f2 48 cd c9 c9 07 00"
        assert BlockWriter().stored(b"Hello").message().hex(" ") == "00 05 00 fa ff 48 65 6c 6c 6f 00"
        assert BlockWriter().fixed(b"Hello", final=True).message().hex(" ") == "f3 48 cd c9 c9 07 00 00"
        two = BlockWriter().fixed(b"He").stored().fixed(b"llo")
        assert two.message().hex(" ") == "f2 48 05 00 00 00 ff ff ca c9 c9 07 00"
        assert BlockWriter().fixed(b"H", Match(4, 5)).octets().hex(" ")[:8] == "f2 00 11"


def expand(some: list[BlockItem]) -> bytes:
    """Return the octets that the literals and matches in `some` inflate to."""
    payload = b""
    for item in some:
        match item:
            case Match():
                payload += (payload[-item.distance :] * 258)[: item.length]
            case bytes():
                payload += item
    return payload
