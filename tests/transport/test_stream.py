"""Byte streams over real loopback sockets, with the real clock: TCP over IPv4 and IPv6, TLS, every kind of end."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path

import pytest
import trio
import trio.testing
import trustme

from wsconform.run.target import Target, Url
from wsconform.transport.stream import Reset, Stream, TlsFacts, TlsFailed, TrioStream, Unreachable, send_pieces
from wsconform.transport.tcp import TcpStream, dial_tcp
from wsconform.transport.tls import TlsStream, dial_tls, tls_context

AUTHORITY = trustme.CA()
Handler = Callable[[trio.SocketStream], Awaitable[None]]


@contextlib.asynccontextmanager
async def served(handler: Handler, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """Serve `handler` on a port of `host` and yield the port; cancel the handlers at the end."""

    async def handle(stream: trio.SocketStream) -> None:
        async with stream:
            await handler(stream)

    (listener,) = await trio.open_tcp_listeners(0, host=host)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, handle, [listener])
        with trio.fail_after(20):
            yield int(listener.socket.getsockname()[1])
        nursery.cancel_scope.cancel()


def server_context(name: str = "localhost", authority: trustme.CA = AUTHORITY) -> ssl.SSLContext:
    """Return a server's context with a certificate for `name`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


def over_tls(
    handler: Callable[[trio.SSLStream[trio.SocketStream]], Awaitable[None]], context: ssl.SSLContext
) -> Handler:
    """Return a handler that speaks TLS, and returns if the client rejects the handshake."""

    async def handle(stream: trio.SocketStream) -> None:
        secured = trio.SSLStream(stream, context, server_side=True)
        try:
            await secured.do_handshake()
        except (trio.BrokenResourceError, ssl.SSLError):
            return
        await handler(secured)

    return handle


def trusting() -> ssl.SSLContext:
    """Return a client's context that trusts our CA."""
    context = tls_context()
    AUTHORITY.configure_trust(context)
    return context


async def echo(stream: trio.abc.Stream) -> None:
    """Send back all received octets."""
    while octets := await stream.receive_some():
        await stream.send_all(octets)


async def hold(stream: trio.abc.Stream) -> None:
    """Do nothing, forever."""
    await trio.sleep_forever()


async def read_all(stream: Stream) -> bytes:
    """Return all octets up to the end of the stream."""
    octets = b""
    while piece := await stream.receive():
        octets += piece
    return octets


def has_ipv6() -> bool:
    """Return whether this machine has an IPv6 loopback address."""
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


class TestTcp:
    @pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
    async def test_sends_and_receives_octets(self, host: str) -> None:
        if host == "::1" and not has_ipv6():
            pytest.skip("NOT TESTED: this machine has no IPv6 loopback address")
        async with served(echo, host) as port:
            stream = await dial_tcp(host, port)
            await stream.send(b"Hello")
            await stream.send_eof()
            assert await read_all(stream) == b"Hello"
            assert stream.tls is None
            await stream.aclose()

    async def test_nagles_algorithm_is_off(self) -> None:
        async with served(hold) as port:
            stream = await dial_tcp("127.0.0.1", port)
            assert stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            await stream.aclose()

    async def test_the_other_direction_stays_open_after_our_fin(self) -> None:
        async def late(stream: trio.SocketStream) -> None:
            while await stream.receive_some():
                pass
            await stream.send_all(b"late")

        async with served(late) as port:
            stream = await dial_tcp("127.0.0.1", port)
            await stream.send(b"x")
            await stream.send_eof()
            assert await read_all(stream) == b"late"
            await stream.aclose()

    async def test_distinguishes_an_rst_from_a_fin(self) -> None:
        async def breaks(stream: trio.SocketStream) -> None:
            await stream.receive_some()
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        async with served(breaks) as port:
            stream = await dial_tcp("127.0.0.1", port)
            await stream.send(b"x")
            with pytest.raises(Reset, match=r"^RST$"):
                await read_all(stream)
            await stream.aclose()

    async def test_writing_to_a_closed_peer_raises_reset(self) -> None:
        async with served(_gone) as port:
            stream = await dial_tcp("127.0.0.1", port)
            with pytest.raises(Reset, match=r"^RST$"):
                await send_pieces(stream, bytes(1 << 24), (1 << 16,))
            await stream.aclose()

    async def test_abort_sends_an_rst(self) -> None:
        ends: list[str] = []
        over = trio.Event()

        async def sees(stream: trio.SocketStream) -> None:
            try:
                while await stream.receive_some():
                    await stream.send_all(b"ready")
                ends.append("FIN")
            except trio.BrokenResourceError:
                ends.append("RST")
            over.set()

        async with served(sees) as port:
            stream = await dial_tcp("127.0.0.1", port)
            await stream.send(b"x")
            assert await stream.receive() == b"ready"
            await stream.abort()
            await over.wait()
        assert ends == ["RST"]

    async def test_close_sends_a_fin(self) -> None:
        ends: list[bytes] = []
        over = trio.Event()

        async def sees(stream: trio.SocketStream) -> None:
            ends.append(bytes(await stream.receive_some()))
            over.set()

        async with served(sees) as port:
            stream = await dial_tcp("127.0.0.1", port)
            await stream.aclose()
            await over.wait()
        assert ends == [b""]

    async def test_reports_that_nothing_listens(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
            with pytest.raises(Unreachable) as caught:
                await dial_tcp("127.0.0.1", port)
        assert str(caught.value) == (
            f"127.0.0.1:{port}: nothing listens there; start the target first, or name another port"
        )

    @pytest.mark.parametrize("host", ["a" * 70, "a..b"])
    async def test_rejects_an_invalid_host_name(self, host: str) -> None:
        with pytest.raises(Unreachable) as caught:
            await dial_tcp(host, 1)
        assert str(caught.value) == f'{host}: no such host; check the name, or use an address such as "127.0.0.1"'

    async def test_reports_an_unknown_host_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def unknown(host: str, port: int) -> trio.SocketStream:
            raise socket.gaierror(socket.EAI_NONAME, "not known")

        monkeypatch.setattr(trio, "open_tcp_stream", unknown)
        with pytest.raises(Unreachable, match=r"^nobody: no such host; check the name"):
            await dial_tcp("nobody", 1)


async def _gone(stream: trio.SocketStream) -> None:
    """Close at once, so that the octets sent next are answered with RST."""


class Recording:
    """A stream that accepts everything and records its calls."""

    tls: TlsFacts | None = None

    def __init__(self) -> None:
        self.calls: list[bytes | str] = []

    async def send(self, octets: bytes) -> None:
        self.calls.append(octets)

    async def receive(self) -> bytes:
        return b""

    async def send_eof(self) -> None:
        self.calls.append("eof")

    async def send_each(self, pieces: Iterable[bytes]) -> None:
        raise NotImplementedError

    async def barrier(self) -> None:
        self.calls.append("barrier")

    async def abort(self) -> None:
        self.calls.append("abort")

    async def aclose(self) -> None:
        self.calls.append("close")


class TestPieces:
    @pytest.mark.parametrize(
        ("pieces", "sent"),
        [
            ((1,), [b"H", b"e", b"l", b"l", b"o"]),
            ((2, 3), [b"He", b"llo"]),
            ((1, 2), [b"H", b"el", b"lo"]),
            ((9,), [b"Hello"]),
            ((4, 1, 1), [b"Hell", b"o"]),
        ],
    )
    async def test_sends_pieces_of_the_sizes_with_a_barrier_after_each(
        self, pieces: tuple[int, ...], sent: list[bytes]
    ) -> None:
        stream = Recording()
        await send_pieces(stream, b"Hello", pieces)
        assert stream.calls == [each for piece in sent for each in (piece, "barrier")]

    async def test_sends_nothing_for_no_octets(self) -> None:
        stream = Recording()
        await send_pieces(stream, b"", (1,))
        assert stream.calls == []

    async def test_pieces_arrive_separately(self) -> None:
        """The receiver signals each piece that it has read, so the test also passes on a slow machine."""
        reads: list[bytes] = []
        signal = trio.Semaphore(0)

        async def reader(stream: trio.SocketStream) -> None:
            while octets := await stream.receive_some():
                reads.append(bytes(octets))
                signal.release()

        class Signalled(TcpStream):
            async def barrier(self) -> None:
                await super().barrier()
                await signal.acquire()

        async with served(reader) as port:
            stream = Signalled(await trio.open_tcp_stream("127.0.0.1", port))
            await send_pieces(stream, b"Hello, world", (5, 2, 3))
            await stream.aclose()
        assert reads == [b"Hello", b", ", b"wor", b"ld"]

    async def test_a_barrier_does_not_wait_for_a_peer_that_does_not_read(self) -> None:
        async with served(hold) as port:
            stream = await dial_tcp("127.0.0.1", port)
            await send_pieces(stream, bytes(200), (100,))
            await stream.aclose()


class TestMemory:
    async def test_all_methods_over_memory(self) -> None:
        ours, theirs = trio.testing.memory_stream_pair()
        stream = TrioStream(ours)
        assert stream.inner is ours
        await stream.send(b"Hello")
        assert await theirs.receive_some() == b"Hello"
        await stream.barrier()
        await stream.send_eof()
        assert await theirs.receive_some() == b""
        await trio.aclose_forcefully(theirs)
        assert await stream.receive() == b""
        await stream.abort()

    async def test_writing_to_a_closed_memory_stream_raises_reset(self) -> None:
        ours, theirs = trio.testing.memory_stream_pair()
        await trio.aclose_forcefully(theirs)
        with pytest.raises(Reset, match=r"^RST$"):
            await TrioStream(ours).send(b"x")


class TestTls:
    async def test_accepts_a_certificate_that_verifies(self) -> None:
        async with served(over_tls(echo, server_context())) as port:
            stream = await dial_tls("127.0.0.1", port, trusting(), "localhost")
            await stream.send(b"Hello")
            assert await stream.receive() == b"Hello"
            assert stream.tls is not None
            assert (stream.tls.version, stream.tls.server_name, stream.tls.closed) == ("TLSv1.3", "localhost", None)
            assert stream.tls.octets.startswith(b"\x16\x03")
            await stream.aclose()

    async def test_rejects_a_certificate_for_another_name(self) -> None:
        async with served(over_tls(echo, server_context("elsewhere"))) as port:
            with pytest.raises(TlsFailed) as caught:
                await dial_tls("127.0.0.1", port, trusting(), "localhost")
        start = f"127.0.0.1:{port}: the certificate does not verify: Hostname mismatch"
        assert str(caught.value).startswith(start)
        assert str(caught.value).endswith("; name its CA's file with --cacert, or use --insecure")
        assert caught.value.alert == "certificate"

    async def test_rejects_a_certificate_of_an_unknown_ca(self) -> None:
        async with served(over_tls(echo, server_context(authority=trustme.CA()))) as port:
            with pytest.raises(TlsFailed, match=r"does not verify: (unable to get|self.signed).*; name its CA's file"):
                await dial_tls("127.0.0.1", port, trusting(), "localhost")

    async def test_insecure_accepts_any_certificate(self) -> None:
        async with served(over_tls(echo, server_context("elsewhere", trustme.CA()))) as port:
            stream = await dial_tls("127.0.0.1", port, tls_context(insecure=True))
            await stream.send(b"Hello")
            assert await stream.receive() == b"Hello"
            await stream.aclose()

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak TLS; use ws:// for a target without TLS"),
            (b"SSH-2.0-x\r\n", "does not speak TLS; use ws:// for a target without TLS"),
            (b"\x15\x03\x03\x00\x02\x02\x46", "the TLS handshake failed: tlsv1 alert protocol version"),
            (b"", "the TLS handshake failed: unexpected eof while reading"),
        ],
        ids=["http", "ssh", "alert", "fin"],
    )
    async def test_reports_a_server_that_does_not_speak_tls(self, answer: bytes, words: str) -> None:
        async def other(stream: trio.SocketStream) -> None:
            await stream.receive_some()
            await stream.send_all(answer)

        async with served(other) as port:
            with pytest.raises(TlsFailed) as caught:
                await dial_tls("127.0.0.1", port, trusting(), "localhost")
        assert str(caught.value) == f"127.0.0.1:{port}: {words}"

    async def test_records_a_close_notify(self) -> None:
        async def polite(stream: trio.SSLStream[trio.SocketStream]) -> None:
            await stream.send_all(b"bye")
            await stream.unwrap()

        async with served(over_tls(polite, server_context())) as port:
            stream = await dial_tls("127.0.0.1", port, trusting(), "localhost")
            assert await read_all(stream) == b"bye"
            assert stream.tls is not None
            assert stream.tls.closed is True
            await stream.aclose()

    async def test_records_a_missing_close_notify(self) -> None:
        async def rude(stream: trio.SSLStream[trio.SocketStream]) -> None:
            await stream.send_all(b"bye")
            await stream.transport_stream.send_eof()
            await hold(stream)

        async with served(over_tls(rude, server_context())) as port:
            stream = await dial_tls("127.0.0.1", port, trusting(), "localhost")
            assert await read_all(stream) == b"bye"
            assert stream.tls is not None
            assert stream.tls.closed is False
            await stream.aclose()

    async def test_close_sends_close_notify(self) -> None:
        ends: list[bytes] = []
        over = trio.Event()

        async def sees(stream: trio.SSLStream[trio.SocketStream]) -> None:
            # Without an alert of ours this would raise BrokenResourceError.
            ends.append(bytes(await stream.receive_some()))
            over.set()

        async with served(over_tls(sees, server_context())) as port:
            stream = await dial_tls("127.0.0.1", port, trusting(), "localhost")
            await stream.aclose()
            await over.wait()
        assert ends == [b""]

    async def test_close_after_abort_raises_nothing(self) -> None:
        ends: list[str] = []
        over = trio.Event()

        async def sees(stream: trio.SSLStream[trio.SocketStream]) -> None:
            try:
                while await stream.receive_some():
                    await stream.send_all(b"ready")
                ends.append("close_notify")
            except trio.BrokenResourceError as problem:
                ends.append(type(problem.__cause__).__name__)
            over.set()

        async with served(over_tls(sees, server_context())) as port:
            stream = await dial_tls("127.0.0.1", port, trusting(), "localhost")
            await stream.send(b"x")
            assert await stream.receive() == b"ready"
            await stream.abort()
            await stream.aclose()
            await over.wait()
        assert ends == ["ConnectionResetError"]

    async def test_close_after_our_fin_raises_nothing(self) -> None:
        async with served(over_tls(_until_fin, server_context())) as port:
            stream = await dial_tls("127.0.0.1", port, trusting(), "localhost")
            await stream.send_eof()
            assert await read_all(stream) == b""
            await stream.aclose()


async def _until_fin(stream: trio.SSLStream[trio.SocketStream]) -> None:
    with contextlib.suppress(trio.BrokenResourceError):
        await stream.receive_some()


class TestDialer:
    def target(self, port: int, tmp_path: Path) -> Target:
        """Return a target on `port` whose CA certificate is in a file."""
        path = tmp_path / "ca.pem"
        AUTHORITY.cert_pem.write_to_path(path)
        return Target(name="it", url=Url.parse(f"wss://127.0.0.1:{port}/"), cacert=str(path))

    async def test_passes_options_to_the_stream(self, tmp_path: Path) -> None:
        async with served(over_tls(echo, server_context())) as port:
            dial = self.target(port, tmp_path).dialer()
            named = await dial(server_name="localhost")
            assert isinstance(named, TlsStream)
            unverified = await dial(verify=False)
            assert isinstance(unverified, TlsStream)
            clear = await dial(tls=False)
            assert isinstance(clear, TcpStream)
            with pytest.raises(TlsFailed, match="the certificate does not verify"):
                await dial()
            for stream in (named, unverified, clear):
                await stream.aclose()

    async def test_dials_a_ws_url_in_cleartext(self) -> None:
        async with served(echo) as port:
            stream = await Target(name="it", url=Url.parse(f"ws://127.0.0.1:{port}/")).dialer()()
            assert isinstance(stream, TcpStream)
            await stream.aclose()
