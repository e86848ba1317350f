"""TCP streams."""

from __future__ import annotations

import array
import contextlib
import errno
import fcntl
import itertools
import os
import socket
import struct
import sys
import time
from collections.abc import Iterable

import trio

from .stream import GONE, Reset, TrioStream, Unreachable

#: Number of writes after which other tasks get a turn.
_WRITES_IN_A_TURN = 16

#: Seconds between a piece and the next one, so that the receiving process reads them separately.
GAP = 0.0001


class TcpStream(TrioStream):
    """A Stream over TCP, with Nagle's algorithm off."""

    def __init__(self, stream: trio.SocketStream) -> None:
        super().__init__(stream)
        self.socket = stream.socket
        with contextlib.suppress(OSError):
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def send_each(self, pieces: Iterable[bytes]) -> None:
        """Write each piece directly to the socket: with trio's `send_all`, 100,000 small writes take much longer."""
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
        """Wait until everything has left, and for `GAP` seconds, in which the peer's process can read it."""
        until = time.perf_counter() + GAP
        give_up = until + 50 * GAP
        while (now := time.perf_counter()) < until or (_unsent(self.socket) and now < give_up):
            await trio.lowlevel.checkpoint()

    async def abort(self) -> None:
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await trio.aclose_forcefully(self._stream)


# The ioctl for the number of octets that have not left yet (Linux). Octets that have left and are not acknowledged do
# not count: acknowledgements are delayed on purpose, by up to 40 ms each, and do not show segments.
_SIOCOUTQNSD = 0x894B


def _unsent(sock: trio.socket.SocketType) -> bool:
    if sys.platform != "linux":
        return False
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
        raise Unreachable(f"{host}:{port}: {_connect_error(problem)}") from None


async def _open_tcp(host: str, port: int) -> trio.SocketStream:
    family = _family(host)
    if family is None:
        return await trio.open_tcp_stream(host, port)
    # `host` is one address, so there is no need to race several (RFC 8305): this saves a tenth of a case's time.
    stream = trio.socket.socket(family)
    try:
        await stream.connect((host, port))
    except BaseException:
        stream.close()
        raise
    return trio.SocketStream(stream)


def _family(host: str) -> socket.AddressFamily | None:
    """Return the address family of `host`; None for a name, or for an address with a zone."""
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError, ValueError):
            socket.inet_pton(family, host)
            return family
    return None


def _connect_error(problem: OSError) -> str:
    inner = getattr(problem.__cause__, "exceptions", None)
    first = inner[0] if inner else problem.__cause__ if isinstance(problem.__cause__, OSError) else problem
    if isinstance(first, ConnectionRefusedError):
        return "nothing listens there; start the target first, or name another port"
    return f"cannot connect: {getattr(first, 'strerror', None) or first}"
