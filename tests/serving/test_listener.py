"""The suite's port: every first octets of a client get a correct answer and a clear line; the next client is served."""

from __future__ import annotations

import ssl

import pytest
import trio
import trio.testing

from tests.support.hostile_clients import CLIENT_HELLO, HOSTILE, Seen, read_on
from tests.support.memory_server import ECHO, MemoryServer, run_with_server, talk
from tests.support.proof import tls_contexts
from wsconform.evidence.result import Verdict
from wsconform.problem import Problem
from wsconform.serving.listener import HEAD_WITHIN, Listener, attend
from wsconform.transport.listen import open_listeners
from wsconform.transport.stream import TrioStream

#: The answer to each hostile client, and the line for the user; "" for none.
ANSWERS = {
    "garbage": (b"HTTP/1.1 400 Bad Request", "sent something other than HTTP"),
    "letters": (b"HTTP/1.1 400 Bad Request", "sent something other than HTTP"),
    "tls": (b"\x15\x03\x01\x00\x02\x02\x46", "speaks TLS, but this port does not; use ws://"),
    "http2": (b"HTTP/1.1 505 HTTP Version Not Supported", "speaks HTTP/2"),
    "silence": (b"HTTP/1.1 408 Request Timeout", "incomplete request after 10 s, 0 octets received"),
    "half_a_request": (b"HTTP/1.1 408 Request Timeout", "incomplete request after 10 s"),
    "half_a_request_and_fin": (b"", "octets into a request"),
    "fin_at_once": (b"", ""),
    "gone_at_once": (b"", ""),
    "endless_head": (b"HTTP/1.1 431 Request Header Fields Too Large", "a head of more than"),
    "dripping_head": (b"HTTP/1.1 408 Request Timeout", "incomplete request after 10 s"),
    "plain_get": (b"HTTP/1.1 404 Not Found", "not found without a WebSocket upgrade"),
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

#: The clients that get to a case.
GET_A_CASE = {name for name in HOSTILE if name.startswith("case_")}


def test_every_hostile_client_has_an_expected_answer() -> None:
    assert set(ANSWERS) == set(HOSTILE)


@pytest.mark.parametrize("name", HOSTILE)
def test_answers_a_hostile_client_and_serves_the_next_one(name: str) -> None:
    seen: list[Seen] = []

    async def body(suite: MemoryServer) -> None:
        # Longer than every limit, and short enough to show that nothing waits forever.
        with trio.fail_after(60):
            seen.append(await HOSTILE[name](suite.enter))
        assert (await suite.ask("/getCaseCount")).messages == ["1"]
        await suite.run("case=1", "good")

    log = run_with_server(body)
    answer, line = ANSWERS[name]
    assert seen[0].octets.startswith(answer)
    assert bool(seen[0].octets) is bool(answer)
    assert [line in shown for shown in log.lines] == ([True] if line else [])
    assert all(shown.isprintable() for shown in (*log.lines, *log.details))
    assert log.verdicts("good") == {ECHO.id: Verdict.PASSED}
    bad = log.verdicts("bad")
    assert set(bad) == ({ECHO.id} if name in GET_A_CASE else set())
    assert set(bad.values()) <= {Verdict.FAILED, Verdict.INCONCLUSIVE}


def test_ends_a_silent_connection_in_time() -> None:
    async def body(suite: MemoryServer) -> None:
        start = trio.current_time()
        await HOSTILE["silence"](suite.enter)
        assert trio.current_time() - start == pytest.approx(HEAD_WITHIN, abs=1.5)

    run_with_server(body)


class TestTls:
    def _connect(self, suite: MemoryServer) -> trio.abc.HalfCloseableStream:
        ours, theirs = trio.testing.memory_stream_pair()
        suite.nursery.start_soon(attend, TrioStream(ours), "127.0.0.1:1", tls_contexts()[0], suite.server)
        return theirs

    def test_serves_a_client_that_trusts_our_ca(self) -> None:
        async def body(suite: MemoryServer) -> None:
            stream = trio.SSLStream(self._connect(suite), tls_contexts()[1], server_hostname="localhost")
            answer = await talk(stream, "/runCase?case=1&agent=toy", echo=True)  # type: ignore[arg-type]
            assert answer.status == 101

        log = run_with_server(body)
        assert log.verdicts("toy") == {ECHO.id: Verdict.PASSED}

    def test_answers_cleartext_at_a_tls_port_in_cleartext(self) -> None:
        async def body(suite: MemoryServer) -> None:
            stream = self._connect(suite)
            await stream.send_all(b"GET /getCaseCount HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n")
            seen = await read_on(stream)
            assert b"HTTP/1.1 400 Bad Request" in seen.octets
            assert b"wss://" in seen.octets

        (line,) = run_with_server(body).lines
        assert line == "127.0.0.1:1: speaks HTTP without TLS; use wss:// in the client's address"

    def test_reports_a_client_that_does_not_trust_our_certificate(self) -> None:
        async def body(suite: MemoryServer) -> None:
            stream, incoming, outgoing = self._connect(suite), ssl.MemoryBIO(), ssl.MemoryBIO()
            client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
            with pytest.raises(ssl.SSLWantReadError):
                client.do_handshake()
            await stream.send_all(outgoing.read())
            await trio.testing.wait_all_tasks_blocked()
            incoming.write(await stream.receive_some())
            with pytest.raises(ssl.SSLCertVerificationError):
                client.do_handshake()
            # The alert with the reason, which trio's own stream would not send.
            await stream.send_all(outgoing.read())
            await read_on(stream)

        (line,) = run_with_server(body).lines
        assert "does not trust our certificate" in line
        assert "give it the CA's file" in line

    def test_shows_an_unused_connection_only_as_a_detail(self) -> None:
        async def body(suite: MemoryServer) -> None:
            await self._connect(suite).send_eof()
            await trio.testing.wait_all_tasks_blocked()

        log = run_with_server(body)
        assert log.lines == []
        assert log.details == ["127.0.0.1:1: the client ended the connection in the TLS handshake"]

    def test_ends_an_incomplete_tls_handshake_in_time(self) -> None:
        async def body(suite: MemoryServer) -> None:
            stream = self._connect(suite)
            await stream.send_all(CLIENT_HELLO)
            with trio.fail_after(HEAD_WITHIN + 2):
                await read_on(stream)

        (line,) = run_with_server(body).lines
        assert line == "127.0.0.1:1: the TLS handshake was not finished in time"


async def test_reports_a_port_in_use_in_one_line() -> None:
    (listener,) = await open_listeners("127.0.0.1", 0)
    async with listener:
        port = listener.socket.getsockname()[1]
        with pytest.raises(Problem, match=rf"^127\.0\.0\.1:{port}: the port is in use; .* --port"):
            await open_listeners("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "words"), [("no.such.invalid", "no such host"), ("192.0.2.1", "does not have that address")]
)
async def test_reports_an_address_of_another_machine(host: str, words: str) -> None:
    with pytest.raises(Problem, match=words):
        await open_listeners(host, 0)


def test_reports_an_internal_error_and_serves_other_clients() -> None:
    async def body(suite: MemoryServer) -> None:
        listeners = await open_listeners("127.0.0.1", 0)
        port = listeners[0].socket.getsockname()[1]
        broken, suite.server.agent = suite.server.agent, None  # type: ignore[method-assign,assignment]
        suite.nursery.start_soon(Listener(suite.server, listeners, None).serve)
        first = await trio.open_tcp_stream("127.0.0.1", port)
        await talk(first, "/runCase?case=1&agent=toy")
        suite.server.agent = broken  # type: ignore[method-assign]
        second = await trio.open_tcp_stream("127.0.0.1", port)
        assert (await talk(second, "/getCaseCount")).messages == ["1"]

    (line,) = run_with_server(body, real=True).lines
    assert "wsconform failed: TypeError" in line
