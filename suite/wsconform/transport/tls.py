"""Streams over TLS: the result of the handshake, and whether a close_notify came before the end."""

from __future__ import annotations

import contextlib
import ssl

import trio

from .stream import CHUNK, Reset, TlsFacts, TlsFailed, TrioStream, reset_text
from .tcp import dial_tcp

__all__ = ["Tap", "TlsStream", "dial_tls", "tls_context", "wrap_tls"]


class Tap(trio.abc.Stream):
    """A stream between TLS and the stream under it; appends the first `KEPT` received octets to `kept`."""

    KEPT = 4096

    def __init__(self, stream: trio.abc.Stream, kept: bytearray) -> None:
        self._stream, self._kept = stream, kept

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of `data`."""
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until `send_all` might not block."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Return some octets, none at the end."""
        octets = await self._stream.receive_some(max_bytes or CHUNK)
        room = self.KEPT - len(self._kept)
        if room > 0:
            self._kept += octets[:room]
        return octets

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()


class TlsStream(TrioStream):
    """A Stream over TLS over another stream; records whether a close_notify came before the end."""

    def __init__(self, under: TrioStream, wrapped: trio.abc.Stream, facts: TlsFacts) -> None:
        super().__init__(wrapped)
        self._under, self._facts = under, facts
        self.tls = facts

    async def receive(self) -> bytes:
        try:
            octets = bytes(await self._stream.receive_some(CHUNK))
        except trio.BrokenResourceError as problem:
            # If we sent our close_notify first, the target's is reported as an error, too.
            if isinstance(problem.__cause__, ssl.SSLEOFError | ssl.SSLZeroReturnError):
                self._facts.closed = isinstance(problem.__cause__, ssl.SSLZeroReturnError)
                return b""
            raise Reset(reset_text(problem)) from None
        if not octets:
            self._facts.closed = True
        return octets

    async def send_eof(self) -> None:
        """Send the closure alert, then FIN, and stay able to read; trio's own stream has no method for it."""
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
        # Sends the closure alert (RFC 9112 section 9.8) and does not wait for the target's. The alert cannot be sent
        # if our direction has ended, or the stream was reset.
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError), trio.move_on_after(1):
            await self._stream.aclose()
        await self._under.aclose()


def tls_context(*, cacert: str | None = None, insecure: bool = False) -> ssl.SSLContext:
    """Return a client's context: it verifies against the system's CAs and `cacert`, or not at all if `insecure`."""
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
    """Carry out a client's TLS handshake on `under`; raises TlsFailed, whose text begins with `where`."""
    facts = TlsFacts(server_name=server_name)
    wrapped = trio.SSLStream(Tap(under.inner, facts.octets), context, server_hostname=server_name)
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
            f"{where}: the certificate does not verify: {cause.verify_message}; name its CA's file with --cacert,"
            " or use --insecure",
            "certificate",
        )
    reason = str(getattr(cause, "reason", None) or "")
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE") or not reason:
        return TlsFailed(f"{where}: does not speak TLS; use ws:// for a target without TLS", reason)
    return TlsFailed(f"{where}: the TLS handshake failed: {reason.replace('_', ' ').lower()}", reason)
