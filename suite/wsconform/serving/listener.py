"""The suite's port: accepts connections, reads their request, and answers octets that are not an HTTP request."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Awaitable, Callable

import trio

from ..endpoint.accepted import ClientRequest, farewell
from ..escape import terminal
from ..transport.listen import peer_name
from ..transport.stream import Reset, Stream, TlsFacts, TrioStream
from ..transport.tcp import TcpStream
from ..transport.tls import Tap, TlsStream
from ..wire.fields import is_token
from ..wire.http1 import head_end, parse_head
from . import answers
from .server import CaseServer, ServeOutput

#: Seconds in which the head of a request has to be complete, and most octets that it may have.
HEAD_WITHIN, HEAD_MOST = 10.0, 1 << 20

#: Most connections at once; further ones wait in the queue of the operating system.
MOST_CONNECTIONS = 512

#: A fatal alert "protocol_version" (RFC 8446 section 6): the answer to a TLS client at a port without TLS.
_ALERT = b"\x15\x03\x01\x00\x02\x02\x46"

_HTTP2 = b"PRI * HTTP/2.0\r\n"

Attend = Callable[[ClientRequest], Awaitable[None]]


class InvalidRequest(Exception):
    """A connection did not begin with an HTTP/1.1 request: the reason, and the octets to answer with.

    `usual`: well-behaved clients do this, too. Browsers open connections in advance and close them unused.
    """

    def __init__(self, text: str, answer: bytes, *, usual: bool = False) -> None:
        super().__init__(text)
        self.text, self.answer, self.usual = text, answer, usual


def _error(status: int, reason: str, text: str) -> bytes:
    return answers.answer(status, reason, f"{text}\n".encode()).encode()


async def read_request(stream: Stream, deadline: float) -> bytes:
    """Return the first octets of `stream`, at least a whole head; b"" if the stream ends before the first octet.

    Raises InvalidRequest as soon as the octets cannot become a request, or at `deadline`.
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
            text = f"incomplete request after {HEAD_WITHIN:g} s, {len(octets)} octets received"
            raise InvalidRequest(text, _error(408, "Request Timeout", text))
        if not more:
            return b"" if not octets else _cut_off(octets)
        octets += more
        _refuse_nonsense(bytes(octets[:64]))
        if len(octets) > HEAD_MOST and head_end(octets) < 0:
            text = f"a head of more than {HEAD_MOST} octets"
            raise InvalidRequest(text, _error(431, "Request Header Fields Too Large", text))
    return bytes(octets)


def _cut_off(octets: bytearray) -> bytes:
    raise InvalidRequest(f"the connection ended {len(octets)} octets into a request", b"")


def _refuse_nonsense(start: bytes) -> None:
    if start[:2] == b"\x16\x03":
        text = "speaks TLS, but this port does not; use ws:// in the client's address, or serve with --tls"
        raise InvalidRequest(text, _ALERT)
    if start.startswith(_HTTP2):
        text = "speaks HTTP/2 without an upgrade; this port is for HTTP/1.1"
        raise InvalidRequest(text, _error(505, "HTTP Version Not Supported", text))
    method, space, _ = start.partition(b" ")
    # Empty lines may come before a request (RFC 9112 section 2.2).
    method = method.lstrip(b"\r\n")
    if (method and not is_token(method)) or (not space and len(method) > 32):
        text = f"sent something other than HTTP: {start[:24]!r}"
        raise InvalidRequest(text, _error(400, "Bad Request", "this is not an HTTP request"))


class Listener:
    """Accepts connections on one address and passes their requests to `server`."""

    def __init__(
        self, server: CaseServer, listeners: list[trio.SocketListener], context: ssl.SSLContext | None
    ) -> None:
        self._server, self._listeners, self._context = server, listeners, context
        self._output: ServeOutput = server.output
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
                    # Probably out of file descriptors; they become free as cases end.
                    self._output.say(f"could not accept a connection: {problem.strerror}")
                    await trio.sleep(0.1)
                    continue
                nursery.start_soon(self._connection, stream, token)

    async def _connection(self, raw: trio.SocketStream, token: object) -> None:
        peer = peer_name(raw)
        try:
            await attend(TcpStream(raw), peer, self._context, self._server)
        except Exception as error:
            # An error in wsconform itself; the other connections continue.
            self._output.say(f"{peer}: wsconform failed: {type(error).__name__}: {terminal(str(error))}")
        finally:
            self._room.release_on_behalf_of(token)
            await trio.aclose_forcefully(raw)


async def attend(raw: TrioStream, peer: str, context: ssl.SSLContext | None, server: CaseServer) -> None:
    """Handle one accepted connection to its end: TLS if there is a `context`, then one request."""
    deadline = trio.current_time() + HEAD_WITHIN
    stream: Stream = raw
    try:
        if context is not None:
            stream = await _accept_tls(raw, context, deadline)
        octets = await read_request(stream, deadline)
    except InvalidRequest as problem:
        show = server.output.detail if problem.usual else server.output.say
        show(f"{peer}: {terminal(problem.text)}")
        if not problem.usual:
            server.note_activity()
        with contextlib.suppress(Reset):
            await stream.send(problem.answer)
        await farewell(stream)
        return
    if not octets:
        server.output.detail(f"{peer}: connected and sent nothing")
        await farewell(stream)
        return
    await server.attend(ClientRequest(stream, parse_head(octets[: head_end(octets)]), octets, peer))


async def _accept_tls(raw: TrioStream, context: ssl.SSLContext, deadline: float) -> TlsStream:
    facts, first = TlsFacts(), bytearray()
    wrapped = trio.SSLStream(Tap(raw.inner, first), context, server_side=True)
    text, client_left = "the TLS handshake was not finished in time", False
    with trio.move_on_at(deadline):
        try:
            await wrapped.do_handshake()
        except (trio.BrokenResourceError, ssl.SSLError) as problem:
            text = _tls_error(problem, bytes(first))
            client_left = not is_http(first) and isinstance(problem.__cause__, ssl.SSLEOFError)
        else:
            facts.version = str(wrapped.version())
            return TlsStream(raw, wrapped, facts)
    plain = _error(400, "Bad Request", "this port speaks TLS: use wss:// or https://") if is_http(first) else b""
    raise InvalidRequest(text, plain, usual=client_left)


def is_http(octets: bytes | bytearray) -> bool:
    """Return whether `octets` begin like an HTTP request without TLS."""
    method, space, _ = bytes(octets[:32]).partition(b" ")
    return bool(space) and method.isalpha() and method.isupper()


def _tls_error(problem: BaseException, first: bytes) -> str:
    if is_http(first):
        return "speaks HTTP without TLS; use wss:// in the client's address"
    cause = problem.__cause__ if isinstance(problem, trio.BrokenResourceError) else problem
    if isinstance(cause, ssl.SSLEOFError):
        return "the client ended the connection in the TLS handshake"
    reason = str(getattr(cause, "reason", None) or cause or problem).replace("_", " ").lower()
    if "unknown ca" in reason or "certificate" in reason:
        return f"the client does not trust our certificate ({reason}); give it the CA's file"
    return f"the TLS handshake failed: {reason}"
