"""Frames, legal or not: encoding and decoding are inverse, and the pieces of the input make no difference."""

from __future__ import annotations

import itertools
import tracemalloc
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.octets import encode_all
from wsconform.wire.frame import (
    RSV1,
    RSV3,
    TEXT,
    Frame,
    FrameReader,
    LengthForm,
    apply_mask,
    frames_alike,
    opcode_name,
    read_header,
)

KEY = bytes.fromhex("37fa213d")
keys = st.none() | st.binary(min_size=4, max_size=4)
opcodes, rsvs = st.integers(0, 15), st.integers(0, 7)


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    """Return any frame with a correct length, in any form that can hold it."""
    payload = draw(st.binary(max_size=130) | st.sampled_from((b"\x7f" * 125, b"\x7f" * 126, b"\xfe" * 0x10000)))
    longer = [form for form in LengthForm if form.value > LengthForm.minimal(len(payload)).value]
    form = draw(st.sampled_from([None, *longer]))
    return Frame(draw(opcodes), payload, fin=draw(st.booleans()), rsv=draw(rsvs), key=draw(keys), form=form)


def cut(octets: bytes, sizes: list[int]) -> list[bytes]:
    """Return `octets` in pieces of `sizes`; the rest is the last piece."""
    pieces, start = [], 0
    for size in sizes:
        pieces.append(octets[start : start + size])
        start += size
    return [*pieces, octets[start:]]


class TestExamplesOfSection57:
    """RFC 6455 section 5.7, all seven of them."""

    @pytest.mark.parametrize(
        ("octets", "frame"),
        [
            ("81 05 48 65 6c 6c 6f", Frame.text("Hello")),
            ("81 85 37 fa 21 3d 7f 9f 4d 51 58", Frame.text("Hello").masked(KEY)),
            ("01 03 48 65 6c", Frame.text("Hel", fin=False)),
            ("80 02 6c 6f", Frame.continuation("lo")),
            ("89 05 48 65 6c 6c 6f", Frame.ping(b"Hello")),
            ("8a 85 37 fa 21 3d 7f 9f 4d 51 58", Frame.pong(b"Hello").masked(KEY)),
            ("82 7e 01 00" + "7f" * 256, Frame.binary(b"\x7f" * 256)),
            ("82 7f 00 00 00 00 00 01 00 00" + "7f" * 65536, Frame.binary(b"\x7f" * 65536)),
        ],
        ids=["text", "masked_text", "first_fragment", "second_fragment", "ping", "masked_pong", "256", "64KiB"],
    )
    def test_example(self, octets: str, frame: Frame) -> None:
        assert frame.encode() == bytes.fromhex(octets)
        assert FrameReader().receive(bytes.fromhex(octets)) == [frame]


class TestEncodeAndDecode:
    @given(frames())
    def test_decoding_returns_the_encoded_frame(self, frame: Frame) -> None:
        assert FrameReader().receive(frame.encode()) == [frame]

    @given(st.binary(max_size=40))
    def test_encoding_returns_the_decoded_octets(self, octets: bytes) -> None:
        reader = FrameReader()
        assert encode_all(reader.receive(octets)) + reader.residue == octets

    @given(st.lists(frames(), max_size=4), st.lists(st.integers(0, 40), max_size=20))
    def test_the_pieces_of_the_input_make_no_difference(self, sent: list[Frame], sizes: list[int]) -> None:
        reader = FrameReader()
        read = [frame for piece in cut(encode_all(sent), sizes) for frame in reader.receive(piece)]
        assert read == sent
        assert (reader.residue, reader.header) == (b"", None)

    @given(st.binary(max_size=60), st.lists(st.integers(0, 9), max_size=20))
    def test_the_pieces_of_junk_make_no_difference(self, octets: bytes, sizes: list[int]) -> None:
        whole, piecewise = FrameReader(), FrameReader()
        read = [frame for piece in cut(octets, sizes) for frame in piecewise.receive(piece)]
        assert read == whole.receive(octets)
        assert (piecewise.residue, piecewise.header) == (whole.residue, whole.header)

    def test_one_octet_at_a_time(self) -> None:
        sent = [Frame.text("Hello").masked(KEY), Frame.ping(), Frame.binary(b"\0" * 300)]
        reader = FrameReader()
        assert [frame for octet in encode_all(sent) for frame in reader.receive(bytes([octet]))] == sent

    @given(st.binary(max_size=80), st.binary(min_size=4, max_size=4))
    def test_masking_is_its_own_inverse_and_xors_each_octet(self, payload: bytes, key: bytes) -> None:
        masked = apply_mask(payload, key)
        assert apply_mask(masked, key) == payload
        assert masked == bytes(octet ^ key[index % 4] for index, octet in enumerate(payload))

    @pytest.mark.parametrize("length", [(1 << 18) - 1, 1 << 18, (1 << 18) + 3, (1 << 19) + 5])
    def test_long_payloads_are_masked_with_the_repeated_key(self, length: int) -> None:
        payload = bytes(range(251)) * (length // 251 + 1)
        masked = apply_mask(payload[:length], KEY)
        assert masked == bytes(octet ^ key for octet, key in zip(payload[:length], itertools.cycle(KEY), strict=False))

    @given(st.integers(1, 300), st.integers(1, 5), st.booleans(), st.randoms(use_true_random=False))
    def test_frames_encoded_together_equal_frames_encoded_one_by_one(
        self, size: int, count: int, masked: bool, dice: Random
    ) -> None:
        payloads, keys = dice.randbytes(size * count), dice.randbytes(4 * count)
        cut = [payloads[at : at + size] for at in range(0, len(payloads), size)]
        keyed = [keys[at : at + 4] if masked else None for at in range(0, len(keys), 4)]
        one_by_one = [Frame(TEXT, piece, fin=False, key=key) for piece, key in zip(cut, keyed, strict=True)]
        header = one_by_one[0].header()[: -4 if masked else None]
        assert frames_alike(header, payloads, size, keys if masked else None) == encode_all(one_by_one)


class TestHeader:
    @given(opcodes, st.booleans(), rsvs, keys, st.integers(0, 2**64 - 1))
    def test_any_announced_length_is_read(
        self, opcode: int, fin: bool, rsv: int, key: bytes | None, length: int
    ) -> None:
        octets = Frame(opcode, b"", fin=fin, rsv=rsv, key=key, announced=length).header()
        header = read_header(octets)
        assert header is not None
        assert (header.opcode, header.fin, header.rsv, header.key) == (opcode, fin, rsv, key)
        assert (header.length, header.size, header.form) == (length, len(octets), LengthForm.minimal(length))

    @given(st.binary(max_size=13), keys, st.sampled_from(LengthForm))
    def test_a_partial_header_is_incomplete(self, before: bytes, key: bytes | None, form: LengthForm) -> None:
        octets = Frame(TEXT, key=key, form=form).header()
        assert [read_header(before + octets[:end], len(before)) for end in range(len(octets))] == [None] * len(octets)
        assert read_header(before + octets, len(before)) is not None

    @pytest.mark.parametrize(
        ("length", "form"),
        [
            (0, LengthForm.SHORT),
            (125, LengthForm.SHORT),
            (126, LengthForm.MEDIUM),
            (0xFFFF, LengthForm.MEDIUM),
            (0x10000, LengthForm.LONG),
            (2**63, LengthForm.LONG),
        ],
    )
    def test_the_shortest_form(self, length: int, form: LengthForm) -> None:
        assert LengthForm.minimal(length) is form

    def test_a_padded_length_is_not_minimal(self) -> None:
        octets = bytes.fromhex("81 7e 00 05") + b"Hello"
        (frame,) = FrameReader().receive(octets)
        assert frame.form is LengthForm.MEDIUM
        assert not frame.is_minimal
        assert Frame.text("Hello").is_minimal
        assert Frame(TEXT, b"Hello", form=LengthForm.SHORT).is_minimal

    def test_a_length_of_two_to_the_63_is_written_and_read(self) -> None:
        octets = Frame(TEXT, b"x", announced=1 << 63).encode()
        assert octets == bytes.fromhex("81 7f 80 00 00 00 00 00 00 00") + b"x"
        reader = FrameReader()
        assert reader.receive(octets) == []
        assert reader.header is not None
        assert reader.header.length == 1 << 63
        assert reader.residue == octets


class TestReader:
    def test_memory_depends_on_received_octets_not_on_the_announced_length(self) -> None:
        octets = Frame(TEXT, b"x" * 1000, announced=(1 << 64) - 1).encode()
        tracemalloc.start()
        try:
            reader = FrameReader()
            assert reader.receive(octets) == []
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert reader.pending == len(octets)
        assert peak < 100_000

    def test_the_header_of_an_incomplete_frame(self) -> None:
        reader = FrameReader()
        assert reader.header is None
        reader.receive(Frame.ping().encode() + Frame.text("Hello").encode()[:-1])
        assert reader.header is not None
        assert (reader.header.opcode, reader.header.length, reader.pending) == (TEXT, 5, 6)
        assert reader.receive(b"o") == [Frame.text("Hello")]
        assert reader.header is None


class TestWords:
    @pytest.mark.parametrize(
        ("frame", "words"),
        [
            (Frame.text("Hello"), "Text 5"),
            (Frame.text("Hello", fin=False).masked(KEY), "Text FIN=0 masked 5"),
            (Frame(0x3, b"x", rsv=RSV1 | RSV3), "0x3 RSV1 RSV3 1"),
            (Frame.close(1000, "bye"), "Close 5"),
            (Frame.binary(b""), "Binary 0"),
            (Frame(TEXT, b"Hello", form=LengthForm.LONG), "Text 5 in 64 bits"),
            (Frame(TEXT, announced=1 << 63), "Text 9223372036854775808"),
        ],
    )
    def test_text_of_a_frame(self, frame: Frame, words: str) -> None:
        assert str(frame) == words

    def test_names_of_opcodes(self) -> None:
        names = [opcode_name(opcode) for opcode in (0, 1, 2, 3, 8, 9, 10, 15)]
        assert names == ["Continuation", "Text", "Binary", "0x3", "Close", "Ping", "Pong", "0xF"]

    @given(opcodes)
    def test_control_frames_have_the_top_bit_of_the_opcode(self, opcode: int) -> None:
        assert Frame(opcode).is_control == bool(opcode & 0x8)

    def test_constructors(self) -> None:
        assert Frame.close() == Frame(0x8)
        assert Frame.close(1002, b"\xff").payload == b"\x03\xea\xff"
        assert Frame.text("é").payload == b"\xc3\xa9"
        assert Frame.text(b"\xff").payload == b"\xff"
        assert Frame.pong(b"x", fin=False, rsv=2) == Frame(0xA, b"x", fin=False, rsv=2)
