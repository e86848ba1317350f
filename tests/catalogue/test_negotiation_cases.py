"""What the cases about negotiation rest on: the probe of windows, texts to compress, clients that say why they go."""

from __future__ import annotations

import zlib

import pytest

from tests.support.proof import run_cases
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
    """The messages that show a compressor's window."""

    @pytest.mark.parametrize("bits", range(9, 16))
    def test_the_right_window_is_kept(self, bits: int) -> None:
        distance, reach = used(bits)
        assert 0 < reach <= distance <= 1 << bits

    @pytest.mark.parametrize("bits", range(9, 15))
    def test_a_window_of_one_bit_more_shows(self, bits: int) -> None:
        assert used(bits + 1)[0] > 1 << bits

    def test_it_is_text_of_the_sizes_that_are_wanted(self) -> None:
        assert [len(message) for message in probe()] == [1 << 16, 6000, 6000, 6000]
        assert all(message.isascii() for message in probe())

    def test_it_is_worth_compressing(self) -> None:
        assert all(len(zlib.compress(message)) < len(message) for message in probe())


class TestTexts:
    """What else is compressed."""

    def test_similar_messages_have_their_length_and_differ(self) -> None:
        messages = similar(5)
        assert {len(message) for message in messages} == {1000}
        assert len(set(messages)) == 5

    @pytest.mark.parametrize("size", [1, 1000, 1 << 18])
    def test_words_have_their_length(self, size: int) -> None:
        assert len(words(size)) == size


class Regretful(ReferenceClient):
    """Opens the connection to close it with 1010, and waits for the server's part of it."""

    async def abandon(self) -> None:
        """Carry the closing handshake out."""
        await self.send_close(1010)
        try:
            while True:
                await self.pipe.more()
        except Gone:
            await self.pipe.end()


class Waiting(Regretful):
    """Closes with another code, and waits."""

    async def send_close(self, code: int | None, reason: str = "") -> None:
        """Say that all is well."""
        await super().send_close(1000)


FAMILIES = ("deflate_twice_fails_the_connection", "other_compression_fails_the_connection")
CASES = tuple(entry for entry in load_catalogue() if entry.family in [f"deflate.refusals.{name}" for name in FAMILIES])


def test_a_client_that_closes_with_1010_has_failed_the_connection() -> None:
    assert {result.verdict for result in run_cases(CASES, Regretful).values()} == {Verdict.PASSED}


def test_a_client_that_stays_with_another_code_has_not() -> None:
    assert {result.verdict for result in run_cases(CASES, Waiting).values()} == {Verdict.FAILED}
