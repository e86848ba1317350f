"""Streams over TLS: what the handshake came to, and whether a close_notify came before the end."""

from __future__ import annotations

import contextlib
import ssl

import trio

from .stream import CHUNK, Reset, TlsFacts, TlsFailed, TrioStream, reset_words
from .tcp import dial_tcp

__all__ = ["TlsStream", "dial_tls", "tls_context", "wrap_tls"]


class _Tap(trio.abc.Stream):
    """Passes octets between TLS and what is under it, and keeps the first of those that came."""

    KEPT = 4096

    def __init__(self, stream: trio.abc.Stream, facts: TlsFacts) -> None:
        self._stream, self._facts = stream, facts

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        octets = await self._stream.receive_some(max_bytes)
        room = self.KEPT - len(self._facts.octets)
        if room > 0:
            self._facts.octets += octets[:room]
        return octets

    async def aclose(self) -> None:
        await self._stream.aclose()


class TlsStream(TrioStream):
    """A Stream over TLS over another stream; notices whether a close_notify came before the end."""

    def __init__(self, under: TrioStream, wrapped: trio.abc.Stream, facts: TlsFacts) -> None:
        super().__init__(wrapped)
        self._under, self._facts = under, facts
        self.tls = facts

    async def receive(self) -> bytes:
        try:
            octets = bytes(await self._stream.receive_some(CHUNK))
        except trio.BrokenResourceError as problem:
            # The other alert of the two, where ours went first, comes as an error too.
            if isinstance(problem.__cause__, ssl.SSLEOFError | ssl.SSLZeroReturnError):
                self._facts.closed = isinstance(problem.__cause__, ssl.SSLZeroReturnError)
                return b""
            raise Reset(reset_words(problem)) from None
        if not octets:
            self._facts.closed = True
        return octets

    async def send_eof(self) -> None:
        """Send the closure alert, then FIN, and go on reading: what trio's own stream has no name for."""
        if isinstance(self._stream, trio.SSLStream):
            with contextlib.suppress(ssl.SSLError):
                self._stream._ssl_object.unwrap()
            with contextlib.suppress(Reset):
                await self._under.send(self._stream._outgoing.read())
        await self._under.send_eof()

    async def barrier(self) -> None:
        await self._under.barrier()

    async def abort(self) -> None:
        await self._under.abort()

    async def aclose(self) -> None:
        # Sends the closure alert (RFC 9112 section 9.8) and does not wait for the target's.
        # There is no saying anything where our direction has ended, or the stream is broken off.
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError), trio.move_on_after(1):
            await self._stream.aclose()
        await self._under.aclose()


def tls_context(*, cacert: str | None = None, insecure: bool = False) -> ssl.SSLContext:
    """Return a client's context: verifies against the system's authorities and `cacert`, or nothing if `insecure`."""
    context = ssl.create_default_context()
    if cacert:
        context.load_verify_locations(cacert)
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


async def dial_tls(host: str, port: int, context: ssl.SSLContext, server_name: str | None = None) -> TlsStream:
    """Open TLS to `host` and `port`, with SNI `server_name` (`host` by default); raises Unreachable, TlsFailed."""
    return await wrap_tls(await dial_tcp(host, port), context, server_name or host, f"{host}:{port}")


async def wrap_tls(under: TrioStream, context: ssl.SSLContext, server_name: str, where: str) -> TlsStream:
    """Carry out a client's TLS handshake on `under`; raises TlsFailed, whose text names `where`."""
    facts = TlsFacts(server_name=server_name)
    wrapped = trio.SSLStream(_Tap(under.inner, facts), context, server_hostname=server_name)
    try:
        await wrapped.do_handshake()
    except (trio.BrokenResourceError, ssl.SSLError) as problem:
        await under.aclose()
        raise _tls_failure(where, problem) from None
    except BaseException:
        await under.aclose()
        raise
    facts.version = str(wrapped.version())
    return TlsStream(under, wrapped, facts)


def _tls_failure(where: str, problem: BaseException) -> TlsFailed:
    cause = problem.__cause__ if isinstance(problem, trio.BrokenResourceError) else problem
    if isinstance(cause, ssl.SSLCertVerificationError):
        return TlsFailed(
            f"{where}: the certificate does not verify: {cause.verify_message}; name its authority with --cacert,"
            " or use --insecure",
            "certificate",
        )
    reason = str(getattr(cause, "reason", None) or "")
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE") or not reason:
        return TlsFailed(f"{where}: does not speak TLS; use ws:// for a target without TLS", reason)
    return TlsFailed(f"{where}: the TLS handshake failed: {reason.replace('_', ' ').lower()}", reason)
