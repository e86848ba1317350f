"""The suite's port: whatever a client begins with gets one sound answer and one clear line, and the next is served."""

from __future__ import annotations

import ssl

import pytest
import trio
import trio.testing

from tests.support.hostile_clients import CLIENT_HELLO, HOSTILE, Seen, read_on
from tests.support.memory_server import ECHO, Hall, in_hall, talk
from tests.support.proof import tls_contexts
from wsconform.evidence.result import Verdict
from wsconform.problem import Problem
from wsconform.serving.listener import HEAD_WITHIN, Listener, attend
from wsconform.transport.listen import open_listeners
from wsconform.transport.stream import TrioStream

#: What each hostile client is answered with, and the line that is told: "" for none of either.
ANSWERS = {
    "garbage": (b"HTTP/1.1 400 Bad Request", "sends what is no HTTP"),
    "letters": (b"HTTP/1.1 400 Bad Request", "sends what is no HTTP"),
    "tls": (b"\x15\x03\x01\x00\x02\x02\x46", "speaks TLS, and this port does not; use ws://"),
    "http2": (b"HTTP/1.1 505 HTTP Version Not Supported", "speaks HTTP/2"),
    "silence": (b"HTTP/1.1 408 Request Timeout", "no whole request within 10 s, 0 octets came"),
    "half_a_request": (b"HTTP/1.1 408 Request Timeout", "no whole request within 10 s"),
    "half_a_request_and_fin": (b"", "octets into a request"),
    "fin_at_once": (b"", ""),
    "gone_at_once": (b"", ""),
    "endless_head": (b"HTTP/1.1 431 Request Header Fields Too Large", "a head of more than"),
    "dripping_head": (b"HTTP/1.1 408 Request Timeout", "no whole request within 10 s"),
    "plain_get": (b"HTTP/1.1 404 Not Found", "nothing here without a WebSocket upgrade"),
    "post": (b"HTTP/1.1 405 Method Not Allowed", "GET and HEAD"),
    "no_key": (b"HTTP/1.1 400 Bad Request", "no Sec-WebSocket-Key"),
    "hostile_names": (b"HTTP/1.1 404 Not Found", "there is no case 77"),
    "control_that_never_closes": (b"HTTP/1.1 101 Switching Protocols", ""),
    "control_flooded": (b"HTTP/1.1 101 Switching Protocols", ""),
    "case_never_answered": (b"HTTP/1.1 101 Switching Protocols", ""),
    "case_left_at_once": (b"", ""),
    "case_with_a_huge_frame": (b"HTTP/1.1 101 Switching Protocols", ""),
    "case_in_garbage": (b"HTTP/1.1 101 Switching Protocols", ""),
}

#: What those that got as far as a case are judged.
JUDGED = {name for name in HOSTILE if name.startswith("case_")}


def test_every_hostile_client_is_spoken_of() -> None:
    assert set(ANSWERS) == set(HOSTILE)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_client_gets_a_sound_answer_and_the_next_one_is_served(name: str) -> None:
    seen: list[Seen] = []

    async def body(hall: Hall) -> None:
        # Long enough for every limit on the way, and short enough to show that nothing waits for ever.
        with trio.fail_after(60):
            seen.append(await HOSTILE[name](hall.enter))
        assert (await hall.ask("/getCaseCount")).messages == ["1"]
        await hall.run("case=1", "good")

    book = in_hall(body)
    answer, line = ANSWERS[name]
    assert seen[0].octets.startswith(answer)
    assert bool(seen[0].octets) is bool(answer)
    assert [line in told for told in book.lines] == ([True] if line else [])
    assert all(told.isprintable() for told in (*book.lines, *book.details))
    assert book.verdicts("good") == {ECHO.id: Verdict.PASSED}
    bad = book.verdicts("bad")
    assert set(bad) == ({ECHO.id} if name in JUDGED else set())
    assert set(bad.values()) <= {Verdict.FAILED, Verdict.INCONCLUSIVE}


def test_a_client_that_waits_with_its_request_is_told_when_its_time_is_over() -> None:
    async def body(hall: Hall) -> None:
        start = trio.current_time()
        await HOSTILE["silence"](hall.enter)
        assert trio.current_time() - start == pytest.approx(HEAD_WITHIN, abs=1.5)

    in_hall(body)


class TestTls:
    def _hall(self, hall: Hall) -> trio.abc.HalfCloseableStream:
        ours, theirs = trio.testing.memory_stream_pair()
        hall.nursery.start_soon(attend, TrioStream(ours), "127.0.0.1:1", tls_contexts()[0], hall.server)
        return theirs

    def test_a_client_that_trusts_us_is_served(self) -> None:
        async def body(hall: Hall) -> None:
            stream = trio.SSLStream(self._hall(hall), tls_contexts()[1], server_hostname="localhost")
            answer = await talk(stream, "/runCase?case=1&agent=toy", echo=True)  # type: ignore[arg-type]
            assert answer.status == 101

        book = in_hall(body)
        assert book.verdicts("toy") == {ECHO.id: Verdict.PASSED}

    def test_cleartext_to_a_tls_port_is_told_in_words_that_it_can_read(self) -> None:
        async def body(hall: Hall) -> None:
            stream = self._hall(hall)
            await stream.send_all(b"GET /getCaseCount HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n")
            seen = await read_on(stream)
            assert b"HTTP/1.1 400 Bad Request" in seen.octets
            assert b"wss://" in seen.octets

        (line,) = in_hall(body).lines
        assert line == "127.0.0.1:1: speaks HTTP without TLS; use wss:// in the client's address"

    def test_a_client_that_does_not_trust_us_is_told_apart(self) -> None:
        async def body(hall: Hall) -> None:
            stream, incoming, outgoing = self._hall(hall), ssl.MemoryBIO(), ssl.MemoryBIO()
            client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
            with pytest.raises(ssl.SSLWantReadError):
                client.do_handshake()
            await stream.send_all(outgoing.read())
            await trio.testing.wait_all_tasks_blocked()
            incoming.write(await stream.receive_some())
            with pytest.raises(ssl.SSLCertVerificationError):
                client.do_handshake()
            # The alert that says why, which trio's own stream would keep to itself.
            await stream.send_all(outgoing.read())
            await read_on(stream)

        (line,) = in_hall(body).lines
        assert "does not trust our certificate" in line
        assert "give it the CA's file" in line

    def test_a_connection_that_is_opened_in_advance_and_not_used_is_nothing_to_speak_of(self) -> None:
        async def body(hall: Hall) -> None:
            await self._hall(hall).send_eof()
            await trio.testing.wait_all_tasks_blocked()

        book = in_hall(body)
        assert book.lines == []
        assert book.details == ["127.0.0.1:1: the client ended the connection in the TLS handshake"]

    def test_a_handshake_that_stops_half_way_ends_in_time(self) -> None:
        async def body(hall: Hall) -> None:
            stream = self._hall(hall)
            await stream.send_all(CLIENT_HELLO)
            with trio.fail_after(HEAD_WITHIN + 2):
                await read_on(stream)

        (line,) = in_hall(body).lines
        assert line == "127.0.0.1:1: the TLS handshake was not finished in time"


async def test_a_port_in_use_is_told_in_one_line() -> None:
    (taken,) = await open_listeners("127.0.0.1", 0)
    async with taken:
        port = taken.socket.getsockname()[1]
        with pytest.raises(Problem, match=rf"^127\.0\.0\.1:{port}: the port is in use; .* --port"):
            await open_listeners("127.0.0.1", port)


@pytest.mark.parametrize(("host", "words"), [("no.such.invalid", "no such host"), ("192.0.2.1", "no such address")])
async def test_an_address_that_is_not_ours_is_told_in_one_line(host: str, words: str) -> None:
    with pytest.raises(Problem, match=words):
        await open_listeners(host, 0)


def test_what_breaks_inside_is_told_and_the_others_are_served() -> None:
    async def body(hall: Hall) -> None:
        listeners = await open_listeners("127.0.0.1", 0)
        port = listeners[0].socket.getsockname()[1]
        broken, hall.server.agent = hall.server.agent, None  # type: ignore[method-assign,assignment]
        hall.nursery.start_soon(Listener(hall.server, listeners, None).serve)
        first = await trio.open_tcp_stream("127.0.0.1", port)
        await talk(first, "/runCase?case=1&agent=toy")
        hall.server.agent = broken  # type: ignore[method-assign]
        second = await trio.open_tcp_stream("127.0.0.1", port)
        assert (await talk(second, "/getCaseCount")).messages == ["1"]

    (line,) = in_hall(body, real=True).lines
    assert "the suite broke: TypeError" in line
