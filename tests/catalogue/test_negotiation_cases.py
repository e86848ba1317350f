"""Tools of the cases about negotiation: the probe of windows, texts to compress, clients that close with 1010."""

from __future__ import annotations

import zlib

import pytest

from tests.support.proof import put
from wsconform.cases.deflate.distances import probe, similar
from wsconform.cases.deflate.negotiated import words
from wsconform.catalogue.load import load_catalogue
from wsconform.evidence.result import Verdict
from wsconform.fixtures.reference import ReferenceClient
from wsconform.fixtures.reference.pipe import Gone
from wsconform.wire.blocks import read_message
from wsconform.wire.deflate import Deflater


def used(bits: int) -> tuple[int, int]:
    """Return the largest distance and reach that zlib uses for the probe with a window of `bits`."""
    deflater, window = Deflater(bits), b""
    distance = reach = 0
    for message in probe():
        usage = read_message(deflater.compress(message), window)
        window = usage.carried(window)
        distance, reach = max(distance, usage.distance), max(reach, usage.reach)
    return distance, reach


class TestProbe:
    """The messages that reveal the size of a compressor's window."""

    @pytest.mark.parametrize("bits", range(9, 16))
    def test_distances_stay_within_the_negotiated_window(self, bits: int) -> None:
        distance, reach = used(bits)
        assert 0 < reach <= distance <= 1 << bits

    @pytest.mark.parametrize("bits", range(9, 15))
    def test_a_window_that_is_one_bit_larger_is_detected(self, bits: int) -> None:
        assert used(bits + 1)[0] > 1 << bits

    def test_the_messages_are_text_of_the_given_sizes(self) -> None:
        assert [len(message) for message in probe()] == [1 << 16, 6000, 6000, 6000]
        assert all(message.isascii() for message in probe())

    def test_the_messages_compress_well(self) -> None:
        assert all(len(zlib.compress(message)) < len(message) for message in probe())


class TestTexts:
    """Other messages to compress."""

    def test_similar_messages_have_the_given_length_and_differ(self) -> None:
        messages = similar(5)
        assert {len(message) for message in messages} == {1000}
        assert len(set(messages)) == 5

    @pytest.mark.parametrize("size", [1, 1000, 1 << 18])
    def test_words_have_the_given_length(self, size: int) -> None:
        assert len(words(size)) == size


class Regretful(ReferenceClient):
    """A client that opens the connection, closes it with 1010, and completes the closing handshake."""

    async def abandon(self) -> None:
        """Perform the closing handshake."""
        await self.send_close(1010)
        try:
            while True:
                await self.pipe.more()
        except Gone:
            await self.pipe.end()


class Waiting(Regretful):
    """A client that closes with another code, and waits."""

    async def send_close(self, code: int | None, reason: str = "") -> None:
        """Close with 1000."""
        await super().send_close(1000)


FAMILIES = ("deflate_twice_fails_the_connection", "other_compression_fails_the_connection")
CASES = tuple(entry for entry in load_catalogue() if entry.family in [f"deflate.refusals.{name}" for name in FAMILIES])


def test_closing_with_1010_counts_as_failing_the_connection() -> None:
    assert {result.verdict for result in put(CASES, Regretful).values()} == {Verdict.PASSED}


def test_closing_with_another_code_does_not() -> None:
    assert {result.verdict for result in put(CASES, Waiting).values()} == {Verdict.FAILED}
