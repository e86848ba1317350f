"""Listening sockets, and who is at the other end of an accepted one."""

from __future__ import annotations

import errno
import socket

import trio

from ..problem import Problem


def peer_name(stream: trio.SocketStream) -> str:
    try:
        host, port, *_ = stream.socket.getpeername()
    except OSError:
        return "a client that is gone"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def open_listeners(host: str, port: int) -> list[trio.SocketListener]:
    """Listen on `host` and `port` (0: any free one); raises Problem in one line where that cannot be."""
    try:
        return await trio.open_tcp_listeners(port, host=host)
    except socket.gaierror:
        raise Problem(f"{host}: no such host to listen on; use 127.0.0.1, or 0.0.0.0 for all interfaces") from None
    except OSError as problem:
        raise Problem(f"{host}:{port}: {_listen_words(problem)}") from None


def _listen_words(problem: OSError) -> str:
    inner = getattr(problem.__cause__, "exceptions", None)
    first = inner[0] if inner else problem
    match first.errno:
        case errno.EADDRINUSE:
            return "the port is in use; end what listens there, or choose another with --port (0: any free one)"
        case errno.EACCES:
            return "this port needs more rights; choose one above 1023 with --port"
        case errno.EADDRNOTAVAIL:
            return "this machine has no such address; use 127.0.0.1, or 0.0.0.0 for all interfaces"
    return f"cannot listen: {first.strerror or first}"
