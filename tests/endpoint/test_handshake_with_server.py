"""The opening handshake with a server: each `expect_*` passing and failing, and answers of any form."""

from __future__ import annotations

import pytest
import trio

from tests.support.scripted import Body, FarEnd, Script, echo, run_case
from wsconform import Frame, Opening, Provocation, open_connection
from wsconform.endpoint.handshake_with_server import Answer
from wsconform.endpoint.session import Limits
from wsconform.evidence.result import Reason, Verdict
from wsconform.evidence.transcript import Ending
from wsconform.run.judge import Attempted
from wsconform.wire.http1 import Response, parse_head


def answering(*octets: bytes, fin: bool = True) -> Script:
    """Return a script that answers any request with `octets`, one write each, then ends the stream if `fin`."""

    async def script(end: FarEnd) -> None:
        assert await end.head() is not None
        for piece in octets:
            await end.send(piece)
        if fin:
            await end.fin()
        while await end.stream.receive_some():
            pass

    return script


def run_opening_case(script: Script, body: Body, **options: object) -> Attempted:
    """Run a case about the opening handshake."""
    return run_case(script, body, subject=Opening, **options)  # type: ignore[arg-type]


def answer_to(script: Script, **options: object) -> tuple[Answer, Attempted]:
    """Return the answer to the base request."""
    found: list[Answer] = []

    async def body(opening: Opening) -> None:
        answer, _ = await opening.exchange()
        found.append(answer)

    attempted = run_opening_case(script, body, **options)
    assert attempted.verdict is Verdict.PASSED, attempted.finding
    return found[0], attempted


def outcome(attempted: Attempted) -> tuple[Verdict, str, str]:
    """Return verdict, expected and observed."""
    assert attempted.finding is not None
    return attempted.verdict, attempted.finding.expected, attempted.finding.observed


async def expects_accepted(opening: Opening) -> None:
    ws = await opening.expect_accepted()
    await ws.echo(Frame.text("Hello"))


async def expects_refused(opening: Opening) -> None:
    await opening.expect_refused(opening.request.without("Upgrade"), best=(400, 426))


async def expects_either(opening: Opening) -> None:
    await opening.expect_accepted_or_refused(opening.request)


BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno"


class TestAnswers:
    def test_reads_a_response_with_its_body(self) -> None:
        answer, attempted = answer_to(answering(BAD_REQUEST, fin=False))
        assert (answer.status, answer.body, answer.accepted, str(answer)) == (400, b"no", False, "400 Bad Request")
        assert answer.field("content-length") == b"2"
        assert not attempted.waited_out

    def test_keeps_interim_responses_separately(self) -> None:
        answer, _ = answer_to(answering(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\n\r\n" + BAD_REQUEST))
        assert ([head.status for head in answer.interim], answer.status) == ([100, 103], 400)

    def test_reads_a_chunked_body(self) -> None:
        head = b"HTTP/1.1 400 x\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer, attempted = answer_to(answering(head, b"2\r\nn", b"o\r\n", b"0\r\n\r\n", fin=False))
        assert answer.body == b"2\r\nno\r\n0\r\n\r\n"
        assert not attempted.waited_out

    def test_reads_a_body_up_to_the_end_of_the_stream(self) -> None:
        answer, _ = answer_to(answering(b"HTTP/1.1 400 x\r\n\r\nsome", b" more"))
        assert (answer.body, answer.ending) == (b"some more", Ending.FIN)

    @pytest.mark.parametrize("size", [b"-6", b"zz"])
    def test_reads_invalid_chunks_up_to_the_end_of_the_stream(self, size: bytes) -> None:
        head = b"HTTP/1.1 400 x\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer, _ = answer_to(answering(head + size + b"\r\nno\r\n0\r\n\r\n"))
        assert (answer.status, answer.ending) == (400, Ending.FIN)

    def test_waits_for_a_body_no_longer_than_the_patience(self) -> None:
        answer, attempted = answer_to(answering(b"HTTP/1.1 400 x\r\nContent-Length: 9\r\n\r\nno", fin=False))
        assert (answer.status, answer.body) == (400, b"no")
        assert attempted.waited_out
        assert attempted.micros == 5_000_000

    def test_reads_a_response_with_a_length_of_thousands_of_digits(self) -> None:
        answer, _ = answer_to(answering(b"HTTP/1.1 400 x\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nno"))
        assert (answer.status, answer.body) == (400, b"no")

    def test_the_answer_to_head_has_no_body(self) -> None:
        async def body(opening: Opening) -> None:
            answer, wire = await opening.exchange(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (answer.status, answer.body, wire.leftover) == (400, b"", b"")

        head = b"HTTP/1.1 400 x\r\nContent-Length: 9\r\n\r\n"
        assert not run_opening_case(answering(head, fin=False), body).waited_out

    def test_keeps_octets_before_the_response_separately(self) -> None:
        answer, attempted = answer_to(answering(b"\r\nnoise " + BAD_REQUEST))
        assert answer.status == 400
        assert attempted.conversations[0].before_head == b"\r\nnoise "
        assert "8 octets before the response" in [entry.summary for entry in attempted.transcript]

    @pytest.mark.parametrize(
        ("octets", "fin", "words"),
        [
            (b"", True, "no response, then the end of the connection (FIN)"),
            (b"SSH-2.0-x\r\n", True, "octets that are not a response, then the end of the connection (FIN)"),
            (b"SSH-2.0-x\r\n", False, "octets that are not a response"),
            (b"", False, "no response"),
            (b"HTTP/1.1 abc Odd\r\n\r\n", True, "abc Odd"),
            (b"HTTP/1.1\r\n\r\n", True, "a response without a status code"),
        ],
    )
    def test_text_of_an_answer_without_a_valid_response(self, octets: bytes, fin: bool, words: str) -> None:
        answer, attempted = answer_to(answering(*([octets] if octets else []), fin=fin))
        assert (str(answer), answer.status) == (words, 0)
        assert attempted.waited_out is not fin

    def test_text_of_an_end_by_rst(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.head()
            await end.rst()

        answer, _ = answer_to(script)
        assert str(answer) == "no response, then the end of the connection (RST)"

    def test_gives_up_a_head_without_end(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.head()
            await end.send(b"HTTP/1.1 101 x\r\n")
            while True:
                await end.send(b"X: " + bytes([0x61]) * 65_000 + b"\r\n")

        answer, attempted = answer_to(script)
        assert str(answer) == "octets that are not a response"
        assert not attempted.waited_out

    @pytest.mark.parametrize("cut", [1, 17, 40])
    def test_reads_a_head_in_pieces(self, cut: int) -> None:
        answer, _ = answer_to(answering(BAD_REQUEST[:cut], BAD_REQUEST[cut:]))
        assert (answer.status, answer.body) == (400, b"no")

    def test_transcript_shows_request_and_response(self) -> None:
        _, attempted = answer_to(answering(BAD_REQUEST))
        first, second, *_ = attempted.transcript
        assert (first.kind, first.summary) == ("request", "GET / HTTP/1.1")
        assert first.octets.head.startswith(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        assert (second.kind, second.summary) == ("response", "HTTP/1.1 400 Bad Request")


class TestExpectAccepted:
    WANTED = "101 with the right Sec-WebSocket-Accept"

    def test_passes(self) -> None:
        assert run_opening_case(echo, expects_accepted).verdict is Verdict.PASSED

    @pytest.mark.parametrize(
        ("octets", "observed"),
        [
            (BAD_REQUEST, "400 Bad Request"),
            (b"HTTP/1.1 101 x\r\n\r\n", "101 with Sec-WebSocket-Accept: (missing)"),
            (b"HTTP/1.1 101 x\r\nSec-WebSocket-Accept: x\xe9\r\n\r\n", "101 with Sec-WebSocket-Accept: xé"),
            (b"", "no response, then the end of the connection (FIN)"),
        ],
    )
    def test_fails(self, octets: bytes, observed: str) -> None:
        attempted = run_opening_case(answering(octets), expects_accepted)
        assert outcome(attempted) == (Verdict.FAILED, self.WANTED, observed)

    def test_finding_refers_to_the_response(self) -> None:
        attempted = run_opening_case(answering(BAD_REQUEST), expects_accepted)
        assert attempted.finding is not None
        assert attempted.finding.entry == 1

    def test_checks_the_accept_value_for_the_key_that_was_sent(self) -> None:
        async def body(opening: Opening) -> None:
            other = opening.fresh_request()
            assert other.fields.get("Sec-WebSocket-Key") != opening.key
            await opening.expect_accepted(other)

        assert run_opening_case(echo, body).verdict is Verdict.PASSED

    def test_sends_a_frame_directly_after_the_request(self) -> None:
        async def body(opening: Opening) -> None:
            hello = Frame.text("Hello").masked(b"abcd")
            ws = await opening.expect_accepted(tail=hello.encode())
            await ws.expect_echo(Frame.text("Hello"))

        assert run_opening_case(echo, body).verdict is Verdict.PASSED

    def test_sends_a_request_in_pieces_on_an_open_connection(self) -> None:
        async def body(opening: Opening) -> None:
            wire = await opening.dial()
            await opening.expect_accepted(wire=wire, pieces=(1, 7))

        attempted = run_opening_case(echo, body)
        assert attempted.verdict is Verdict.PASSED
        assert len(attempted.conversations) == 1


class TestExpectRefused:
    WANTED = "the handshake to be refused"

    def test_passes_with_the_best_status(self) -> None:
        attempted = run_opening_case(answering(BAD_REQUEST), expects_refused)
        assert (attempted.verdict, attempted.notes) == (Verdict.PASSED, ())
        assert attempted.conversations[0].provoked is Provocation.HANDSHAKE

    @pytest.mark.parametrize(
        ("octets", "note"),
        [
            (b"HTTP/1.1 500 Oops\r\n\r\n", "500 Oops"),
            (b"", "no response, then the end of the connection (FIN)"),
        ],
    )
    def test_passes_with_a_note_for_another_status(self, octets: bytes, note: str) -> None:
        attempted = run_opening_case(answering(octets), expects_refused)
        assert (attempted.verdict, attempted.notes) == (Verdict.PASSED, (("refused with", note),))

    def test_fails_for_a_101(self) -> None:
        assert outcome(run_opening_case(echo, expects_refused)) == (
            Verdict.FAILED,
            self.WANTED,
            "101 Switching Protocols",
        )

    def test_fails_for_silence(self) -> None:
        assert outcome(run_opening_case(answering(fin=False), expects_refused)) == (
            Verdict.FAILED,
            self.WANTED,
            "no reaction",
        )

    def test_fails_for_octets_that_are_not_a_response(self) -> None:
        attempted = run_opening_case(answering(b"SSH-2.0-x\r\n", fin=False), expects_refused)
        assert outcome(attempted) == (Verdict.FAILED, self.WANTED, "octets that are not a response")


class TestExpectEither:
    @pytest.mark.parametrize(
        ("script", "note"),
        [(echo, "101 Switching Protocols"), (answering(BAD_REQUEST), "400 Bad Request")],
        ids=["accepted", "refused"],
    )
    def test_passes_with_a_note(self, script: Script, note: str) -> None:
        assert run_opening_case(script, expects_either).notes == (("answered with", note),)

    def test_fails_for_silence(self) -> None:
        attempted = run_opening_case(answering(fin=False), expects_either)
        assert outcome(attempted) == (Verdict.FAILED, "an answer to the handshake", "no reaction")


class TestExpectEnd:
    def test_returns_how_the_stream_ends(self) -> None:
        async def body(opening: Opening) -> None:
            _, wire = await opening.exchange()
            opening.note("end", await wire.expect_end())

        assert run_opening_case(answering(BAD_REQUEST), body).notes == (("end", "Ending.FIN"),)
        assert run_opening_case(answering(BAD_REQUEST, fin=False), body).notes == (("end", "None"),)


class TestOpenConnection:
    async def nothing(self, ws: object) -> None:
        """A case that does nothing more."""

    def test_a_refusal_makes_the_case_inconclusive(self) -> None:
        attempted = run_case(answering(BAD_REQUEST), self.nothing)
        assert (attempted.verdict, attempted.reason) == (Verdict.INCONCLUSIVE, Reason.ARRANGING)
        assert outcome(attempted)[1:] == ("to reach the requirement", "the opening handshake: 400 Bad Request")

    def test_skips_the_case_if_the_offer_is_not_accepted(self) -> None:
        attempted = run_case(echo, self.nothing, offer="permessage-deflate")
        assert (attempted.verdict, attempted.reason) == (Verdict.SKIPPED, Reason.NOT_OFFERED)
        assert outcome(attempted)[2] == "the target did not accept permessage-deflate"

    @pytest.mark.parametrize("extensions", ["", ";;", "permessage-deflate; =", "x\xe9"])
    def test_a_malformed_answer_accepts_no_offer(self, extensions: str) -> None:
        async def script(end: FarEnd) -> None:
            await end.open(("Sec-WebSocket-Extensions", extensions))

        assert run_case(script, self.nothing, offer="permessage-deflate").reason is Reason.NOT_OFFERED

    def test_accepts_any_101(self) -> None:
        assert run_case(answering(Response().encode()), self.nothing).verdict is Verdict.PASSED

    def test_a_second_connection_of_a_case_has_the_next_number(self) -> None:
        async def body(opening: Opening) -> None:
            first = await open_connection(opening.session)
            second = await open_connection(opening.session)
            assert (first.number, second.number) == (1, 2)
            await second.echo(Frame.text("two"))

        attempted = run_opening_case(echo, body)
        assert attempted.verdict is Verdict.PASSED, attempted.finding
        assert {entry.connection for entry in attempted.transcript} == {1, 2}


class TestUnusualAnswers:
    def test_the_text_of_an_answer_is_latin_1(self) -> None:
        assert str(Answer(head=parse_head(b"HTTP/1.1 200 \xe9\r\n\r\n"))) == "200 é"
        assert Answer().field("x") is None

    def test_stops_reading_at_the_limit_of_octets(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.head()
            with trio.move_on_after(60):
                while True:
                    await end.send(bytes(65_536))

        attempted = run_opening_case(script, expects_accepted, limits=Limits(octets=100_000))
        assert (attempted.verdict, attempted.reason) == (Verdict.INCONCLUSIVE, Reason.ARRANGING)
        assert outcome(attempted)[2] == "the target sent more than 100000 octets; reading stopped there"
