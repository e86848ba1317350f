"""Listening sockets, and the name of the peer of an accepted connection."""

from __future__ import annotations

import errno
import socket

import trio

from ..problem import Problem


def peer_name(stream: trio.SocketStream) -> str:
    """Return the address and port of the peer, for messages."""
    try:
        host, port, *_ = stream.socket.getpeername()
    except OSError:
        return "a client that has disconnected"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def open_listeners(host: str, port: int) -> list[trio.SocketListener]:
    """Listen on `host` and `port` (0: any free port); raises Problem, in one line, if that fails."""
    try:
        return await trio.open_tcp_listeners(port, host=host)
    except socket.gaierror:
        raise Problem(
            f"{host}: cannot listen there: no such host; use 127.0.0.1, or 0.0.0.0 for all interfaces"
        ) from None
    except OSError as problem:
        raise Problem(f"{host}:{port}: {_listen_error(problem)}") from None


def _listen_error(problem: OSError) -> str:
    inner = getattr(problem.__cause__, "exceptions", None)
    first = inner[0] if inner else problem
    match first.errno:
        case errno.EADDRINUSE:
            return "the port is in use; end what listens there, or choose another with --port (0: any free port)"
        case errno.EACCES:
            return "no permission to use this port; choose one above 1023 with --port"
        case errno.EADDRNOTAVAIL:
            return "this machine does not have that address; use 127.0.0.1, or 0.0.0.0 for all interfaces"
    return f"cannot listen: {first.strerror or first}"
