"""TCP streams."""

from __future__ import annotations

import array
import contextlib
import errno
import itertools
import os
import socket
import struct
import sys
import time
from collections.abc import Iterable

import trio

from .stream import GONE, Reset, TrioStream, Unreachable

#: After so many writes others have their turn.
_WRITES_IN_A_TURN = 16


#: After a piece, how long (seconds) the next one is held back, so that a listening process sees them apart.
GAP = 0.0001


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
                raise Reset("RST" if number in GONE else errno.errorcode.get(number, str(problem))) from None
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
