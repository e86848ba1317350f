"""Byte streams to a target: TCP and memory; octets leave in the pieces that a case asks for."""

from __future__ import annotations

import contextlib
import errno
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import trio

#: Most octets that one `receive` returns.
CHUNK = 1 << 16


#: What a write says to a stream that the other end broke off.
GONE = (errno.ECONNRESET, errno.EPIPE)


class Reset(Exception):
    """The other end broke the stream off (RST), or it was no longer there to write to; the text says which."""


class Unreachable(Exception):
    """No stream could be opened; the text says what and where in one line."""


class TlsFailed(Unreachable):
    """TCP was there, the TLS handshake failed; `alert` is the reason that the TLS library gives."""

    def __init__(self, message: str, alert: str = "") -> None:
        super().__init__(message)
        self.alert = alert


@dataclass(slots=True)
class TlsFacts:
    """What is known of the TLS under a stream; `closed` tells whether a close_notify came before the end."""

    version: str = ""
    server_name: str = ""
    closed: bool | None = None
    octets: bytearray = field(default_factory=bytearray)


class Stream(Protocol):
    """A byte stream in both directions, and nothing more."""

    tls: TlsFacts | None

    async def send(self, octets: bytes) -> None:
        """Send all of `octets`; raises Reset."""

    async def send_each(self, pieces: Iterable[bytes]) -> None:
        """Send `pieces`, each in a write of its own, without waiting until it has left; raises Reset."""

    async def receive(self) -> bytes:
        """Return the next octets, b"" at the end of the stream (FIN); raises Reset."""

    async def send_eof(self) -> None:
        """End our direction (FIN); the other goes on."""

    async def barrier(self) -> None:
        """Wait until what was sent has left, so that what is sent next makes a segment of its own."""

    async def abort(self) -> None:
        """Break the stream off (RST)."""

    async def aclose(self) -> None:
        """Close the stream at once, without waiting for the other end."""


Dialer = Callable[..., Awaitable[Stream]]


async def send_pieces(stream: Stream, octets: bytes, pieces: Sequence[int]) -> None:
    """Send `octets` in `pieces` (sizes in octets, the last one repeated), each as a segment of its own."""
    start, sizes = 0, list(pieces)
    while start < len(octets):
        size = sizes.pop(0) if len(sizes) > 1 else sizes[0]
        await stream.send(octets[start : start + size])
        await stream.barrier()
        start += size


class TrioStream:
    """A Stream over any trio stream: memory in tests."""

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
            raise Reset(reset_words(problem)) from None
        except trio.ClosedResourceError:
            raise Reset("our direction has ended") from None

    async def send_each(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            await self.send(piece)

    async def receive(self) -> bytes:
        try:
            return bytes(await self._stream.receive_some(CHUNK))
        except trio.BrokenResourceError as problem:
            raise Reset(reset_words(problem)) from None
        except trio.ClosedResourceError:
            raise Reset("broken off by us") from None

    async def send_eof(self) -> None:
        with contextlib.suppress(trio.BrokenResourceError):
            if isinstance(self._stream, trio.abc.HalfCloseableStream):
                await self._stream.send_eof()
            else:
                await self._stream.aclose()

    async def barrier(self) -> None:
        # A reader in the same process wakes in the next round and reads in it, before or after us; with one round
        # more it has certainly read. A third is for a layer in between.
        for _ in range(3):
            await trio.lowlevel.checkpoint()

    async def abort(self) -> None:
        await trio.aclose_forcefully(self._stream)

    async def aclose(self) -> None:
        await trio.aclose_forcefully(self._stream)


def reset_words(problem: BaseException) -> str:
    cause = problem.__cause__
    if isinstance(cause, OSError) and cause.errno:
        return "RST" if cause.errno in GONE else errno.errorcode[cause.errno]
    if isinstance(cause, ssl.SSLError):
        return f"TLS: {cause.reason or cause}"
    return "RST"
