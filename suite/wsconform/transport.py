"""Byte streams to a target: TCP and memory; octets leave in the pieces that a case asks for."""

from __future__ import annotations

import array
import contextlib
import errno
import itertools
import os
import socket
import ssl
import struct
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import trio

#: Most octets that one `receive` returns.
CHUNK = 1 << 16

#: After so many writes others have their turn.
_WRITES_IN_A_TURN = 16

#: What a write says to a stream that the other end broke off.
_GONE = (errno.ECONNRESET, errno.EPIPE)

#: After a piece, how long (seconds) the next one is held back, so that a listening process sees them apart.
GAP = 0.0001


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


class TcpStream(TrioStream):
    """A Stream over TCP, Nagle's algorithm off."""

    def __init__(self, stream: trio.SocketStream) -> None:
        super().__init__(stream)
        self.socket = stream.socket
        with contextlib.suppress(OSError):
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def send_each(self, pieces: Iterable[bytes]) -> None:
        """Write each piece by itself, straight to the socket: a hundred thousand writes cost little else."""
        if sys.platform == "win32":
            await super().send_each(pieces)
            return
        descriptor, turns = self.socket.fileno(), itertools.cycle(range(_WRITES_IN_A_TURN))
        for piece, turn in zip(pieces, turns, strict=False):
            if not turn:
                await trio.lowlevel.checkpoint()
            written = 0
            try:
                written = os.write(descriptor, piece)
            except BlockingIOError:
                pass
            except OSError as problem:
                number = problem.errno or 0
                raise Reset("RST" if number in _GONE else errno.errorcode.get(number, str(problem))) from None
            if written < len(piece):
                await self.send(piece[written:])

    async def barrier(self) -> None:
        """Wait until everything has left, and a moment longer for the peer's process to read it."""
        until = time.perf_counter() + GAP
        give_up = until + 50 * GAP
        while (now := time.perf_counter()) < until or (_unsent(self.socket) and now < give_up):
            await trio.lowlevel.checkpoint()

    async def abort(self) -> None:
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await trio.aclose_forcefully(self._stream)


def reset_words(problem: BaseException) -> str:
    cause = problem.__cause__
    if isinstance(cause, OSError) and cause.errno:
        return "RST" if cause.errno in _GONE else errno.errorcode[cause.errno]
    if isinstance(cause, ssl.SSLError):
        return f"TLS: {cause.reason or cause}"
    return "RST"


# How many octets have not left yet. What has left and is not acknowledged does not count: acknowledgements are
# delayed on purpose, by up to 40 ms each, and say nothing about segments.
_SIOCOUTQNSD = 0x894B


def _unsent(sock: trio.socket.SocketType) -> bool:
    if sys.platform != "linux":
        return False
    import fcntl

    count = array.array("i", [0])
    with contextlib.suppress(OSError):
        fcntl.ioctl(sock.fileno(), _SIOCOUTQNSD, count)
    return bool(count[0])


async def dial_tcp(host: str, port: int) -> TcpStream:
    """Open TCP to `host` (name, IPv4 or IPv6 address) and `port`; raises Unreachable."""
    try:
        return TcpStream(await _open_tcp(host, port))
    except (socket.gaierror, UnicodeError):
        raise Unreachable(f'{host}: no such host; check the name, or use an address such as "127.0.0.1"') from None
    except OSError as problem:
        raise Unreachable(f"{host}:{port}: {_words(problem)}") from None


async def _open_tcp(host: str, port: int) -> trio.SocketStream:
    family = _family(host)
    if family is None:
        return await trio.open_tcp_stream(host, port)
    # An address leaves no choice to be made between several: a tenth of a case's time less than to race one.
    stream = trio.socket.socket(family)
    try:
        await stream.connect((host, port))
    except BaseException:
        stream.close()
        raise
    return trio.SocketStream(stream)


def _family(host: str) -> socket.AddressFamily | None:
    """Return the family of `host`; None where it is a name, or an address with a zone."""
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError, ValueError):
            socket.inet_pton(family, host)
            return family
    return None


def _words(problem: OSError) -> str:
    inner = getattr(problem.__cause__, "exceptions", None)
    first = inner[0] if inner else problem.__cause__ if isinstance(problem.__cause__, OSError) else problem
    if isinstance(first, ConnectionRefusedError):
        return "nothing listens there; start the target first, or name another port"
    return f"cannot connect: {getattr(first, 'strerror', None) or first}"
