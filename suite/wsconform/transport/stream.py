"""Byte streams to a target: the interface, and streams over memory; octets leave in the pieces that a case asks for."""

from __future__ import annotations

import contextlib
import errno
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import trio

#: Most octets that one `receive` returns.
CHUNK = 1 << 16

#: The errors of a write to a stream that the other end has reset.
GONE = (errno.ECONNRESET, errno.EPIPE)


class Reset(Exception):
    """The other end reset the stream (RST), or our direction has ended; the text is the reason."""


class Unreachable(Exception):
    """No stream could be opened; the text is the address and the reason, in one line."""


class TlsFailed(Unreachable):
    """TCP was open, but the TLS handshake failed; `alert` is the reason that the TLS library gives."""

    def __init__(self, message: str, alert: str = "") -> None:
        super().__init__(message)
        self.alert = alert


@dataclass(slots=True)
class TlsFacts:
    """The TLS layer of a stream: `octets` are the first that were received, before decryption.

    `closed` is whether a close_notify came before the end of the stream, None while the stream is open.
    """

    version: str = ""
    server_name: str = ""
    closed: bool | None = None
    octets: bytearray = field(default_factory=bytearray)


class Stream(Protocol):
    """A byte stream in both directions."""

    tls: TlsFacts | None

    async def send(self, octets: bytes) -> None:
        """Send all of `octets`; raises Reset."""

    async def send_each(self, pieces: Iterable[bytes]) -> None:
        """Send each of `pieces` in a write of its own, without a wait between them; raises Reset."""

    async def receive(self) -> bytes:
        """Return the next octets, or b"" at the end of the stream (FIN); raises Reset."""

    async def send_eof(self) -> None:
        """End our direction (FIN); the other direction stays open."""

    async def barrier(self) -> None:
        """Wait until all sent octets have left, so that the next ones are in a segment of their own."""

    async def abort(self) -> None:
        """Reset the stream (RST)."""

    async def aclose(self) -> None:
        """Close the stream at once, without waiting for the other end."""


class Dialer(Protocol):
    """Opens streams to one target."""

    async def __call__(self, *, tls: bool = True, server_name: str | None = None, verify: bool = True) -> Stream:
        """Return a new stream; raises Unreachable, or TlsFailed if the TLS handshake fails.

        For a target with TLS: `tls=False` opens cleartext TCP to its port, `server_name` replaces the name in SNI,
        and `verify=False` accepts any certificate.
        """
        ...


async def send_pieces(stream: Stream, octets: bytes, pieces: Sequence[int]) -> None:
    """Send `octets` in segments of the sizes in `pieces` (octets; the last size is repeated)."""
    start, sizes = 0, list(pieces)
    while start < len(octets):
        size = sizes.pop(0) if len(sizes) > 1 else sizes[0]
        await stream.send(octets[start : start + size])
        await stream.barrier()
        start += size


class TrioStream:
    """A Stream over any stream of trio, such as a memory stream."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self.tls: TlsFacts | None = None

    @property
    def inner(self) -> trio.abc.Stream:
        """The trio stream itself."""
        return self._stream

    async def send(self, octets: bytes) -> None:
        try:
            await self._stream.send_all(octets)
        except trio.BrokenResourceError as problem:
            raise Reset(reset_text(problem)) from None
        except trio.ClosedResourceError:
            raise Reset("our direction has ended") from None

    async def send_each(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            await self.send(piece)

    async def receive(self) -> bytes:
        try:
            return bytes(await self._stream.receive_some(CHUNK))
        except trio.BrokenResourceError as problem:
            raise Reset(reset_text(problem)) from None
        except trio.ClosedResourceError:
            raise Reset("we closed the stream") from None

    async def send_eof(self) -> None:
        with contextlib.suppress(trio.BrokenResourceError):
            if isinstance(self._stream, trio.abc.HalfCloseableStream):
                await self._stream.send_eof()
            else:
                await self._stream.aclose()

    async def barrier(self) -> None:
        # A reader in the same process wakes in the next round of the scheduler, and reads in that round before or
        # after this task; after a second round it has certainly read. The third round is for a layer in between (TLS).
        for _ in range(3):
            await trio.lowlevel.checkpoint()

    async def abort(self) -> None:
        await trio.aclose_forcefully(self._stream)

    async def aclose(self) -> None:
        await trio.aclose_forcefully(self._stream)


def reset_text(problem: BaseException) -> str:
    """Return the text of a Reset for an error of trio: "RST", or the name of another error of the socket or of TLS."""
    cause = problem.__cause__
    if isinstance(cause, OSError) and cause.errno:
        return "RST" if cause.errno in GONE else errno.errorcode[cause.errno]
    if isinstance(cause, ssl.SSLError):
        return f"TLS: {cause.reason or cause}"
    return "RST"
