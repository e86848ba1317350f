"""Incremental UTF-8 against Python's own strict decoder.

Utf8Reader.error is the offset of the first octet with which no valid text can begin. In Python's `UnicodeDecodeError`,
`start` is the start of the invalid sequence and `end` the end of its valid part. So the error is at `end`, or at
`start` if the lead octet itself is invalid.
"""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsconform.wire.utf8 import Utf8Reader, is_utf8

#: Octets at the edges of every range in RFC 3629 section 4.
EDGES = bytes.fromhex("00 41 7f 80 8f 90 9f a0 bf c0 c1 c2 df e0 e1 ec ed ee ef f0 f1 f3 f4 f5 ff")
junk = st.lists(st.sampled_from(EDGES), max_size=12).map(bytes) | st.binary(max_size=12)
texts = st.text(max_size=8).map(str.encode)


def first_error(octets: bytes) -> int | None:
    """Return the expected offset of the error, computed from the error of Python's decoder."""
    try:
        octets.decode()
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            return None
        # "invalid start byte" is an error at `start`, "invalid continuation byte" one after the valid part.
        return error.start if error.reason == "invalid start byte" else error.end
    return None


def decodes(octets: bytes) -> bool:
    """Return whether Python's strict decoder accepts `octets`."""
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


class TestAgainstPython:
    @given(texts)
    def test_every_encoded_text_is_valid(self, octets: bytes) -> None:
        assert is_utf8(octets)

    @given(junk | st.tuples(texts, junk, texts).map(b"".join))
    def test_the_same_octets_are_valid(self, octets: bytes) -> None:
        assert is_utf8(octets) == decodes(octets)

    @given(junk | st.tuples(texts, junk, texts).map(b"".join))
    def test_the_offset_of_the_first_error(self, octets: bytes) -> None:
        reader = Utf8Reader()
        alive = reader.receive(octets)
        assert reader.error == first_error(octets)
        assert alive == (reader.error is None)

    def test_all_sequences_of_edges_up_to_three(self) -> None:
        for length in (1, 2, 3):
            for octets in map(bytes, itertools.product(EDGES, repeat=length)):
                reader = Utf8Reader()
                reader.receive(octets)
                assert (reader.error, reader.is_complete) == (first_error(octets), decodes(octets)), octets.hex()


class TestErrors:
    @given(junk)
    def test_the_octets_before_the_error_can_become_valid(self, octets: bytes) -> None:
        reader = Utf8Reader()
        reader.receive(octets)
        end = len(octets) if reader.error is None else reader.error
        tails = (b"", b"\x80", b"\xa0", b"\x80\x80", b"\xa0\x80", b"\x90\x80", b"\x80\x80\x80", b"\x90\x80\x80")
        assert any(decodes(octets[:end] + tail) for tail in tails)

    @given(junk | texts, st.lists(st.integers(0, 4), max_size=8))
    def test_the_pieces_of_the_input_make_no_difference(self, octets: bytes, sizes: list[int]) -> None:
        whole, piecewise, start = Utf8Reader(), Utf8Reader(), 0
        whole.receive(octets)
        for size in (*sizes, len(octets)):
            piecewise.receive(octets[start : start + size])
            start += size
        assert (piecewise.error, piecewise.is_complete) == (whole.error, whole.is_complete)

    @pytest.mark.parametrize(
        ("octets", "error"),
        [
            ("80", 0),  # a continuation octet without a lead octet
            ("c0 af", 0),  # an overlong "/"
            ("41 e0 80 af", 2),  # overlong in three
            ("ed a0 80", 1),  # a surrogate
            ("f4 90 80 80", 1),  # past U+10FFFF
            ("f5", 0),
            ("ce ba e1 bd b9 cf 83 ce bc ce b5 f4 90", 12),
            ("e2 82 41", 2),  # interrupted by a new character
        ],
    )
    def test_an_error_is_detected_at_its_octet(self, octets: str, error: int) -> None:
        reader = Utf8Reader()
        alive = [reader.receive(bytes([octet])) for octet in bytes.fromhex(octets)]
        assert reader.error == error
        assert alive == [index < error for index in range(len(alive))]

    def test_an_unfinished_sequence_is_incomplete_but_not_an_error(self) -> None:
        reader = Utf8Reader()
        assert reader.receive(b"\xf0\x90\x80")
        assert not reader.is_complete
        assert reader.receive(b"\x80")
        assert reader.is_complete

    def test_nothing_is_valid_after_an_error(self) -> None:
        reader = Utf8Reader()
        assert not reader.receive(b"\xff")
        assert not reader.receive(b"A")
        assert (reader.error, reader.is_complete) == (0, False)

    def test_an_empty_text_is_valid(self) -> None:
        assert is_utf8(b"")
