"""permessage-deflate: the examples of RFC 7692 section 7.2.3, and comparisons with zlib and `websockets`."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame as ForeignFrame
from websockets.frames import Opcode

from wsconform.wire.bits import BlockWriter, Match
from wsconform.wire.blocks import BlockError, PayloadEnd, Usage, read_message
from wsconform.wire.deflate import TAIL, Deflater, InflateError, Inflater, TooLong

HELLO = bytes.fromhex("f2 48 cd c9 c9 07 00")
payloads = st.binary(max_size=200) | st.text(max_size=40).map(str.encode) | st.integers(0, 5000).map(bytes)


class TestExamplesOfSection723:
    """RFC 7692 sections 7.2.3.1 to 7.2.3.5."""

    @pytest.mark.parametrize(
        ("octets", "payload"),
        [
            (HELLO, b"Hello"),
            (bytes.fromhex("f3 48 cd c9 c9 07 00 00"), b"Hello"),  # one block with BFINAL
            (bytes.fromhex("00 05 00 fa ff 48 65 6c 6c 6f 00"), b"Hello"),  # no compression
            (bytes.fromhex("f2 48 05 00 00 00 ff ff ca c9 c9 07 00"), b"Hello"),  # two blocks
        ],
        ids=["one_block", "bfinal", "stored", "two_blocks"],
    )
    def test_example(self, octets: bytes, payload: bytes) -> None:
        assert Inflater().decompress(octets) == payload

    def test_the_window_is_shared_between_messages(self) -> None:
        inflater = Inflater()
        assert inflater.decompress(HELLO) == b"Hello"
        assert inflater.decompress(bytes.fromhex("f2 00 11 00 00")) == b"Hello"

    def test_the_deflater_compresses_like_the_examples(self) -> None:
        deflater = Deflater()
        assert deflater.compress(b"Hello") == HELLO
        assert deflater.compress(b"Hello") == bytes.fromhex("f2 00 11 00 00")

    def test_without_takeover_messages_do_not_refer_to_each_other(self) -> None:
        deflater = Deflater(takeover=False)
        assert [deflater.compress(b"Hello"), deflater.compress(b"Hello")] == [HELLO, HELLO]

    def test_messages_after_a_final_block_are_inflated(self) -> None:
        inflater = Inflater()
        assert inflater.decompress(bytes.fromhex("f3 48 cd c9 c9 07 00 00")) == b"Hello"
        assert inflater.decompress(HELLO) == b"Hello"


class TestAgainstZlib:
    @given(st.lists(payloads, max_size=4), st.integers(8, 15), st.booleans())
    def test_zlib_inflates_our_messages(self, messages: list[bytes], bits: int, takeover: bool) -> None:
        deflater, foreign = Deflater(bits, takeover=takeover), zlib.decompressobj(wbits=-15)
        for message in messages:
            if not takeover:
                foreign = zlib.decompressobj(wbits=-15)
            assert foreign.decompress(deflater.compress(message) + TAIL) == message

    @given(st.lists(payloads, max_size=4), st.sampled_from((0, 1, 9)), st.booleans())
    def test_messages_of_zlib_are_inflated(self, messages: list[bytes], level: int, takeover: bool) -> None:
        inflater, foreign = Inflater(takeover=takeover), zlib.compressobj(level, wbits=-15)
        for message in messages:
            if not takeover:
                foreign = zlib.compressobj(level, wbits=-15)
            octets = foreign.compress(message) + foreign.flush(zlib.Z_SYNC_FLUSH)
            assert inflater.decompress(octets.removesuffix(TAIL)) == message

    @given(st.binary(max_size=60))
    def test_any_octets_inflate_or_raise_inflate_error(self, octets: bytes) -> None:
        try:
            payload, words = Inflater(limit=1000).decompress(octets), ""
        except InflateError as problem:
            payload, words = b"", str(problem)
        assert len(payload) <= 1000
        reasons = ("not a DEFLATE stream: ", "inflates to more than 1000 octets", "ends inside a block")
        assert not words or words.startswith(reasons)


class TestAgainstWebsockets:
    @given(st.lists(payloads, max_size=4), st.booleans(), st.integers(9, 15))
    def test_websockets_inflates_our_messages(self, messages: list[bytes], takeover: bool, bits: int) -> None:
        deflater = Deflater(bits, takeover=takeover)
        foreign = PerMessageDeflate(not takeover, not takeover, bits, bits)
        for message in messages:
            frame = ForeignFrame(Opcode.BINARY, deflater.compress(message), rsv1=True)
            assert foreign.decode(frame).data == message

    @given(st.lists(payloads, max_size=4), st.booleans(), st.integers(9, 15))
    def test_messages_of_websockets_are_inflated(self, messages: list[bytes], takeover: bool, bits: int) -> None:
        inflater = Inflater(bits, takeover=takeover)
        foreign = PerMessageDeflate(not takeover, not takeover, bits, bits)
        for message in messages:
            frame = foreign.encode(ForeignFrame(Opcode.BINARY, message))
            assert frame.rsv1
            assert inflater.decompress(bytes(frame.data)) == message


class TestLimits:
    def test_a_compression_bomb_is_stopped_at_the_limit(self) -> None:
        bomb = Deflater().compress(bytes(1 << 20))
        assert len(bomb) < 2000
        with pytest.raises(InflateError, match=r"^inflates to more than 1000 octets$"):
            Inflater(limit=1000).decompress(bomb)

    def test_a_message_as_long_as_the_limit_is_inflated(self) -> None:
        assert Inflater(limit=1000).decompress(Deflater().compress(bytes(1000))) == bytes(1000)

    def test_an_invalid_stream_raises(self) -> None:
        with pytest.raises(InflateError, match=r"^not a DEFLATE stream: .*invalid block type"):
            Inflater().decompress(b"\xff\xff")

    def test_a_reference_beyond_the_window_raises(self) -> None:
        far = Deflater(15)
        first, second = bytes(range(256)) * 4, bytes(range(255, -1, -1))
        octets = [far.compress(second), far.compress(first), far.compress(second)]
        narrow = Inflater(9)
        narrow.decompress(octets[0])
        narrow.decompress(octets[1])
        with pytest.raises(InflateError, match="too far back"):
            narrow.decompress(octets[2])


def inflates(octets: bytes) -> bytes | None:
    """Return the inflated message, or None if `octets` are invalid."""
    try:
        return Inflater().decompress(octets)
    except InflateError:
        return None


class TestFinalBlocks:
    """RFC 7692 section 7.2.1: a final block ends neither the message nor the window."""

    def test_blocks_after_a_final_block_are_inflated(self) -> None:
        octets = BlockWriter().fixed(b"Hello", final=True).stored(b", ", final=True).dynamic(b"world").message()
        assert Inflater().decompress(octets) == b"Hello, world"

    def test_the_window_is_kept_for_the_next_message(self) -> None:
        inflater = Inflater()
        assert inflater.decompress(bytes.fromhex("f3 48 cd c9 c9 07 00 00")) == b"Hello"
        assert inflater.decompress(bytes.fromhex("f2 00 11 00 00")) == b"Hello"

    def test_the_window_is_kept_inside_the_message(self) -> None:
        octets = BlockWriter().fixed(b"Hello", final=True).fixed(Match(5, 5), final=True).fixed(Match(3, 10)).message()
        assert Inflater().decompress(octets) == b"HelloHelloHel"

    def test_the_window_keeps_its_full_size(self) -> None:
        inflater = Inflater()
        for _ in range(300):
            inflater.decompress(BlockWriter().stored(bytes(128)).message())
        inflater.decompress(BlockWriter().stored(b"abc", final=True).message())
        inflater.decompress(BlockWriter().stored(bytes(32765)).message())
        assert inflater.decompress(BlockWriter().fixed(Match(3, 32768), final=True).message()) == b"abc"

    def test_without_takeover_the_window_ends_with_the_message(self) -> None:
        inflater = Inflater(takeover=False)
        inflater.decompress(bytes.fromhex("f3 48 cd c9 c9 07 00 00"))
        with pytest.raises(InflateError, match="too far back"):
            inflater.decompress(bytes.fromhex("f2 00 11 00 00"))

    def test_more_than_1000_final_blocks_raise(self) -> None:
        one = BlockWriter().fixed(b"a", final=True).octets()
        assert Inflater().decompress(one * 1000 + b"\x00") == b"a" * 1000
        with pytest.raises(InflateError, match=r"^has more than 1000 final blocks$"):
            Inflater().decompress(one * 1001 + b"\x00")

    def test_a_compression_bomb_after_a_final_block_is_stopped(self) -> None:
        with pytest.raises(TooLong, match=r"^inflates to more than 1000 octets$"):
            Inflater(limit=1000).decompress(b"\x03\x00" + Deflater().compress(bytes(1001)))
        assert Inflater(limit=1000).decompress(b"\x03\x00" + Deflater().compress(bytes(1000))) == bytes(1000)


class TestEnds:
    """The end of a message (section 7.2.1)."""

    @given(st.lists(payloads, min_size=1, max_size=3), st.integers(0, 9))
    def test_a_cut_message_is_detected_like_by_the_block_reader(self, messages: list[bytes], level: int) -> None:
        deflater = Deflater(level=level)
        octets = b"".join(deflater.compress(message) + TAIL for message in messages)[:400]
        for end in range(len(octets)):
            usage = read(octets[:end])
            whole = usage is not None and (usage.end in (PayloadEnd.WHOLE, PayloadEnd.LEFT) or not end)
            if usage and usage.end is PayloadEnd.CUT and usage.payload.endswith(TAIL):
                continue  # A stored block that lacks four octets gets them from the appended tail.
            assert inflates(octets[:end]) == (usage.payload if usage and whole else None)

    @pytest.mark.parametrize(
        "octets",
        ["f2 48 cd c9 c9 07 00 00 00 ff ff", "f3 48 cd c9 c9 07 00"],
        ids=["four_octets_left_in_place", "no_empty_block_behind_a_final_one"],
    )
    def test_two_deviations_are_accepted_and_keep_the_window(self, octets: str) -> None:
        inflater = Inflater()
        assert inflater.decompress(bytes.fromhex(octets)) == b"Hello"
        assert inflater.decompress(bytes.fromhex("f2 00 11 00 00")) == b"Hello"

    def test_no_octets_inflate_to_an_empty_message(self) -> None:
        inflater = Inflater()
        assert [inflater.decompress(b""), inflater.decompress(HELLO)] == [b"", b"Hello"]


def read(octets: bytes) -> Usage | None:
    """Return the usage by the block reader, or None if `octets` are invalid."""
    try:
        return read_message(octets)
    except BlockError:
        return None
