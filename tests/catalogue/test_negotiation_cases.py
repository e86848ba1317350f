"""Tools of the cases about negotiation: the probe of windows, texts to compress, clients that close with 1010."""

from __future__ import annotations

import zlib

import pytest

from tests.support.proof import run_cases
from wsconform.cases.deflate.distances import probe, similar
from wsconform.cases.deflate.our_offers import compressible_text
from wsconform.catalogue.case import Item
from wsconform.catalogue.load import load_catalogue
from wsconform.evidence.result import Verdict
from wsconform.fixtures.reference import ReferenceClient, ReferenceServer
from wsconform.fixtures.reference.negotiation import Negotiation
from wsconform.fixtures.reference.pipe import Gone
from wsconform.wire.blocks import read_message
from wsconform.wire.deflate import Deflater
from wsconform.wire.fields import Fields


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
        assert len(compressible_text(size)) == size


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


FAMILIES = (
    "permessage_deflate_listed_twice_fails_the_connection",
    "compression_that_was_not_offered_fails_the_connection",
)
CASES = tuple(entry for entry in load_catalogue() if entry.family in [f"deflate.refusals.{name}" for name in FAMILIES])


def test_closing_with_1010_counts_as_failing_the_connection() -> None:
    assert {result.verdict for result in run_cases(CASES, Regretful).values()} == {Verdict.PASSED}


def test_closing_with_another_code_does_not() -> None:
    assert {result.verdict for result in run_cases(CASES, Waiting).values()} == {Verdict.FAILED}


class UndefinedParameter(Negotiation):
    """Adds an undefined parameter to the permessage-deflate that it accepts."""

    def answer(self, fields: Fields) -> bytes | None:
        """Return the answer with the parameter `level`."""
        answer = super().answer(fields)
        return answer and answer + b"; level=9"


class AnswersWithAnUndefinedParameter(ReferenceServer):
    """Sends an answer that `expect_legal_parameters` must not accept."""

    negotiation_class = UndefinedParameter


class AcceptsEveryAnswer(ReferenceClient):
    """Does not check Sec-WebSocket-Extensions: it must not satisfy `expect_answer_rejected`."""

    def check_extensions(self, fields: Fields) -> None:
        """Check nothing."""


def members(family: str) -> tuple[Item, ...]:
    """Return the members of `family` in the catalogue."""
    return tuple(entry for entry in load_catalogue() if entry.family == family)


LEGAL = members("deflate.answers.answer_has_only_legal_parameters")
INVALID = members("deflate.refusals.invalid_client_max_window_bits_fails_the_connection")


def test_an_answer_with_legal_parameters_passes() -> None:
    assert {result.verdict for result in run_cases(LEGAL, ReferenceServer).values()} == {Verdict.PASSED}


def test_an_undefined_parameter_in_an_answer_fails() -> None:
    results = run_cases(LEGAL, AnswersWithAnUndefinedParameter)
    findings = [result.finding for result in results.values() if result.verdict is Verdict.FAILED and result.finding]
    assert len(findings) == len(LEGAL)
    assert all("level" in finding.observed for finding in findings)
    assert {finding.expected for finding in findings} == {"a legal permessage-deflate, or none"}


def test_a_client_that_rejects_invalid_parameters_passes() -> None:
    assert {result.verdict for result in run_cases(INVALID, ReferenceClient).values()} == {Verdict.PASSED}


def test_a_client_that_accepts_invalid_parameters_fails() -> None:
    assert {result.verdict for result in run_cases(INVALID, AcceptsEveryAnswer).values()} == {Verdict.FAILED}
