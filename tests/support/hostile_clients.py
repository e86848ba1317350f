"""Clients that misbehave, over any stream; the suite's port has to survive each of them."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import trio

from wsconform.wire.frame import Frame

Streams = Callable[[], trio.abc.HalfCloseableStream]

#: The start of a TLS 1.2 ClientHello record.
CLIENT_HELLO: Final = bytes.fromhex("16030100c8010000c40303") + bytes(64)

_KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
_RUN = "GET /runCase?case=1&agent=bad HTTP/1.1\r\nHost: 127.0.0.1:9001\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


@dataclass(frozen=True, slots=True)
class Seen:
    """The octets that the client received, and whether the stream ended."""

    octets: bytes
    ended: bool


def upgrade(target: str = "/runCase?case=1&agent=bad") -> bytes:
    """Return a correct opening handshake for `target`."""
    return f"{_RUN}{_KEY}Sec-WebSocket-Version: 13\r\n\r\n".replace("/runCase?case=1&agent=bad", target).encode()


async def read_on(stream: trio.abc.HalfCloseableStream) -> Seen:
    """Return everything up to the end of the stream."""
    octets = bytearray()
    try:
        while more := await stream.receive_some():
            octets += more
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass
    return Seen(bytes(octets), True)


async def _send_and_read(stream: trio.abc.HalfCloseableStream, octets: bytes) -> Seen:
    with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        await stream.send_all(octets)
    return await read_on(stream)


async def garbage(enter: Streams) -> Seen:
    """Sends octets that are not text."""
    return await _send_and_read(enter(), bytes(range(128, 256)) * 8)


async def letters(enter: Streams) -> Seen:
    """Sends letters without a space, which may still become a method."""
    return await _send_and_read(enter(), b"A" * 4000)


async def tls(enter: Streams) -> Seen:
    """Sends a TLS ClientHello to a port without TLS."""
    return await _send_and_read(enter(), CLIENT_HELLO)


async def http2(enter: Streams) -> Seen:
    """Sends the preface of HTTP/2."""
    return await _send_and_read(enter(), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")


async def silence(enter: Streams) -> Seen:
    """Connects and sends nothing."""
    return await read_on(enter())


async def half_a_request(enter: Streams) -> Seen:
    """Sends half a request, then waits."""
    return await _send_and_read(enter(), _RUN.encode())


async def half_a_request_and_fin(enter: Streams) -> Seen:
    """Sends half a request, then ends its direction of the stream."""
    stream = enter()
    await stream.send_all(_RUN.encode())
    await stream.send_eof()
    return await read_on(stream)


async def fin_at_once(enter: Streams) -> Seen:
    """Ends its direction of the stream at once."""
    stream = enter()
    await stream.send_eof()
    return await read_on(stream)


async def gone_at_once(enter: Streams) -> Seen:
    """Closes the connection at once."""
    stream = enter()
    await trio.aclose_forcefully(stream)
    return Seen(b"", True)


async def endless_head(enter: Streams) -> Seen:
    """Sends header fields forever."""
    stream = enter()
    try:
        await stream.send_all(_RUN.encode())
        while True:
            await stream.send_all(b"X-Filler: " + b"x" * 8000 + b"\r\n")
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass
    return await read_on(stream)


async def dripping_head(enter: Streams) -> Seen:
    """Sends a request with a second between two octets, and reads meanwhile."""
    stream, received = enter(), bytearray()
    with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        for octet in upgrade():
            await stream.send_all(bytes([octet]))
            with trio.move_on_after(1):
                received += await stream.receive_some()
    rest = await read_on(stream)
    return Seen(bytes(received) + rest.octets, rest.ended)


async def plain_get(enter: Streams) -> Seen:
    """Sends an ordinary GET to a control address."""
    return await _send_and_read(enter(), b"GET /runCase?case=1&agent=bad HTTP/1.1\r\nHost: x\r\n\r\n")


async def post(enter: Streams) -> Seen:
    """Sends a POST whose body never comes."""
    return await _send_and_read(enter(), b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")


async def no_key(enter: Streams) -> Seen:
    """Sends a WebSocket request without a key to a control address."""
    return await _send_and_read(enter(), b"GET /getCaseCount HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n")


async def hostile_names(enter: Streams) -> Seen:
    """Asks for an unknown case, with a name that contains terminal escapes, line breaks and bidirectional controls."""
    target = "/runCase?case=77&agent=%1b%5b2J%0d%0a%E2%80%AEevil%00"
    return await _send_and_read(enter(), upgrade(target))


async def control_that_never_closes(enter: Streams) -> Seen:
    """Opens a control dialogue and never answers the Close."""
    return await _send_and_read(enter(), upgrade("/getCaseCount"))


async def control_flooded(enter: Streams) -> Seen:
    """Floods a control dialogue with Pings and does not read the answers."""
    stream = enter()
    ping = Frame.ping(b"x" * 100).masked(b"abcd").encode()
    try:
        await stream.send_all(upgrade("/getCaseStatus?case=1&agent=bad"))
        for _ in range(20_000):
            await stream.send_all(ping)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass
    return await read_on(stream)


async def case_never_answered(enter: Streams) -> Seen:
    """Opens a case and answers no message."""
    return await _send_and_read(enter(), upgrade())


async def case_left_at_once(enter: Streams) -> Seen:
    """Closes the connection directly after the request for a case."""
    stream = enter()
    await stream.send_all(upgrade())
    await trio.aclose_forcefully(stream)
    return Seen(b"", True)


async def case_with_a_huge_frame(enter: Streams) -> Seen:
    """Opens a case and sends a frame that announces 2^63-1 octets."""
    return await _send_and_read(enter(), upgrade() + b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xffabcd" + bytes(5000))


async def case_in_garbage(enter: Streams) -> Seen:
    """Opens a case and sends meaningless octets."""
    return await _send_and_read(enter(), upgrade() + bytes(range(256)) * 40)


Hostile = Callable[[Streams], Awaitable[Seen]]

_ALL: tuple[Hostile, ...] = (
    garbage,
    letters,
    tls,
    http2,
    silence,
    half_a_request,
    half_a_request_and_fin,
    fin_at_once,
    gone_at_once,
    endless_head,
    dripping_head,
    plain_get,
    post,
    no_key,
    hostile_names,
    control_that_never_closes,
    control_flooded,
    case_never_answered,
    case_left_at_once,
    case_with_a_huge_frame,
    case_in_garbage,
)
HOSTILE: Final[Mapping[str, Hostile]] = MappingProxyType({each.__name__: each for each in _ALL})
"""Every hostile client by name; the docstring of each function describes it."""
