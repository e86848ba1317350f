"""The suite's port: connections in, whatever they say first, and one answer to each that is no request."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Awaitable, Callable

import trio

from ..endpoint.accepted import Visit, farewell
from ..escape import terminal
from ..transport.listen import peer_name
from ..transport.stream import CHUNK, Reset, Stream, TlsFacts, TrioStream
from ..transport.tcp import TcpStream
from ..transport.tls import TlsStream
from ..wire.fields import is_token
from ..wire.http1 import head_end, parse_head
from . import answers
from .server import Server, Teller

#: Within how long (seconds) a request's head has to be whole, and most octets that it may have.
HEAD_WITHIN, HEAD_MOST = 10.0, 1 << 20

#: Most connections at once; the next ones wait in the queue of the operating system.
MOST_CONNECTIONS = 512

#: A fatal alert "protocol_version" (RFC 8446 section 6): what a TLS client understands of a port without TLS.
_ALERT = b"\x15\x03\x01\x00\x02\x02\x46"

_HTTP2 = b"PRI * HTTP/2.0\r\n"

Attend = Callable[[Visit], Awaitable[None]]


class NoRequest(Exception):
    """What a connection began with is no HTTP/1.1 request: what it is, and the octets to answer with.

    `usual` is what well-behaved clients do, too: browsers open connections in advance and close them unused.
    """

    def __init__(self, text: str, answer: bytes, *, usual: bool = False) -> None:
        super().__init__(text)
        self.text, self.answer, self.usual = text, answer, usual


def _error(status: int, reason: str, text: str) -> bytes:
    return answers.answer(status, reason, f"{text}\n".encode()).encode()


async def read_request(stream: Stream, deadline: float) -> bytes:
    """Return what `stream` begins with, at least a whole head; b"" where nothing came before its end.

    Raises NoRequest as soon as it is clear that no request will come of it.
    """
    octets = bytearray()
    while head_end(octets) < 0:
        more = b""
        with trio.move_on_at(deadline) as scope:
            try:
                more = await stream.receive()
            except Reset:
                return b"" if not octets else _cut_off(octets)
        if scope.cancelled_caught:
            text = f"no whole request within {HEAD_WITHIN:g} s, {len(octets)} octets came"
            raise NoRequest(text, _error(408, "Request Timeout", text))
        if not more:
            return b"" if not octets else _cut_off(octets)
        octets += more
        _refuse_nonsense(bytes(octets[:64]))
        if len(octets) > HEAD_MOST and head_end(octets) < 0:
            text = f"a head of more than {HEAD_MOST} octets"
            raise NoRequest(text, _error(431, "Request Header Fields Too Large", text))
    return bytes(octets)


def _cut_off(octets: bytearray) -> bytes:
    raise NoRequest(f"the connection ended {len(octets)} octets into a request", b"")


def _refuse_nonsense(start: bytes) -> None:
    if start[:2] == b"\x16\x03":
        text = "speaks TLS, and this port does not; use ws:// in the client's address, or serve with --tls"
        raise NoRequest(text, _ALERT)
    if start.startswith(_HTTP2):
        text = "speaks HTTP/2 without an upgrade; this port is for HTTP/1.1"
        raise NoRequest(text, _error(505, "HTTP Version Not Supported", text))
    method, space, _ = start.partition(b" ")
    # Empty lines may come before a request (RFC 9112 section 2.2).
    method = method.lstrip(b"\r\n")
    if (method and not is_token(method)) or (not space and len(method) > 32):
        text = f"sends what is no HTTP: {start[:24]!r}"
        raise NoRequest(text, _error(400, "Bad Request", "this is no HTTP request"))


class Listener:
    """Accepts connections on one address and lets `server` attend to the requests on them."""

    def __init__(self, server: Server, listeners: list[trio.SocketListener], context: ssl.SSLContext | None) -> None:
        self._server, self._listeners, self._context = server, listeners, context
        self._teller: Teller = server.teller
        self._room = trio.CapacityLimiter(MOST_CONNECTIONS)

    async def serve(self) -> None:
        """Accept connections until cancelled."""
        async with trio.open_nursery() as nursery:
            for listener in self._listeners:
                nursery.start_soon(self._accept, listener, nursery)

    async def _accept(self, listener: trio.SocketListener, nursery: trio.Nursery) -> None:
        async with listener:
            while True:
                await self._room.acquire_on_behalf_of(token := object())
                try:
                    stream = await listener.accept()
                except OSError as problem:
                    self._room.release_on_behalf_of(token)
                    # Out of descriptors: those in use will be given back as cases end.
                    self._teller.say(f"could not accept a connection: {problem.strerror}")
                    await trio.sleep(0.1)
                    continue
                nursery.start_soon(self._connection, stream, token)

    async def _connection(self, raw: trio.SocketStream, token: object) -> None:
        peer = peer_name(raw)
        try:
            await attend(TcpStream(raw), peer, self._context, self._server)
        except Exception as error:
            # Whatever breaks here is our own fault; the other connections go on.
            self._teller.say(f"{peer}: the suite broke: {type(error).__name__}: {terminal(str(error))}")
        finally:
            self._room.release_on_behalf_of(token)
            await trio.aclose_forcefully(raw)


async def attend(raw: TrioStream, peer: str, context: ssl.SSLContext | None, server: Server) -> None:
    """Attend to one accepted connection, to its end: TLS if there is a `context`, then one request."""
    deadline = trio.current_time() + HEAD_WITHIN
    stream: Stream = raw
    try:
        if context is not None:
            stream = await _accept_tls(raw, context, deadline)
        octets = await read_request(stream, deadline)
    except NoRequest as problem:
        tell = server.teller.detail if problem.usual else server.teller.say
        tell(f"{peer}: {terminal(problem.text)}")
        if not problem.usual:
            server.stir()
        with contextlib.suppress(Reset):
            await stream.send(problem.answer)
        await farewell(stream)
        return
    if not octets:
        server.teller.detail(f"{peer}: connected and sent nothing")
        await farewell(stream)
        return
    await server.attend(Visit(stream, parse_head(octets[: head_end(octets)]), octets, peer))


async def _accept_tls(raw: TrioStream, context: ssl.SSLContext, deadline: float) -> TlsStream:
    facts = TlsFacts()
    tap = Tap(raw.inner)
    wrapped = trio.SSLStream(tap, context, server_side=True)
    words, left = "the TLS handshake was not finished in time", False
    with trio.move_on_at(deadline):
        try:
            await wrapped.do_handshake()
        except (trio.BrokenResourceError, ssl.SSLError) as problem:
            words = _tls_words(problem, bytes(tap.first))
            left = not is_http(tap.first) and isinstance(problem.__cause__, ssl.SSLEOFError)
        else:
            facts.version = str(wrapped.version())
            return TlsStream(raw, wrapped, facts)
    plain = _error(400, "Bad Request", "this port speaks TLS: use wss:// or https://") if is_http(tap.first) else b""
    raise NoRequest(words, plain, usual=left)


def is_http(octets: bytes | bytearray) -> bool:
    """Return whether `octets` begin as a request without TLS does."""
    method, space, _ = bytes(octets[:32]).partition(b" ")
    return bool(space) and method.isalpha() and method.isupper()


def _tls_words(problem: BaseException, first: bytes) -> str:
    if is_http(first):
        return "speaks HTTP without TLS; use wss:// in the client's address"
    cause = problem.__cause__ if isinstance(problem, trio.BrokenResourceError) else problem
    if isinstance(cause, ssl.SSLEOFError):
        return "the client ended the connection in the TLS handshake"
    reason = str(getattr(cause, "reason", None) or cause or problem).replace("_", " ").lower()
    if "unknown ca" in reason or "certificate" in reason:
        return f"the client does not trust our certificate ({reason}); give it the CA's file"
    return f"the TLS handshake failed: {reason}"


class Tap(trio.abc.Stream):
    """Passes octets to TLS and keeps the first of them, to tell what else was spoken."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self.first = bytearray()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of `data`."""
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until `send_all` might not block."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Return some octets, none at the end."""
        octets = await self._stream.receive_some(max_bytes or CHUNK)
        if len(self.first) < 64:
            self.first += octets[:64]
        return octets

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()
