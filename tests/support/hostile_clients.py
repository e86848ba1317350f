"""Clients that misbehave, each by its name, over any stream: what the suite's port has to survive."""

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
    """What the client saw: every octet that came, and whether the end of the stream did."""

    octets: bytes
    ended: bool


def upgrade(target: str = "/runCase?case=1&agent=bad") -> bytes:
    """Return a sound opening handshake for `target`."""
    return f"{_RUN}{_KEY}Sec-WebSocket-Version: 13\r\n\r\n".replace("/runCase?case=1&agent=bad", target).encode()


async def read_on(stream: trio.abc.HalfCloseableStream) -> Seen:
    """Read to the end of the stream."""
    octets = bytearray()
    try:
        while more := await stream.receive_some():
            octets += more
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass
    return Seen(bytes(octets), True)


async def _say(stream: trio.abc.HalfCloseableStream, octets: bytes) -> Seen:
    with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        await stream.send_all(octets)
    return await read_on(stream)


async def garbage(enter: Streams) -> Seen:
    """Octets that are no text, and no end to them."""
    return await _say(enter(), bytes(range(128, 256)) * 8)


async def letters(enter: Streams) -> Seen:
    """A word without an end, which might yet become a method."""
    return await _say(enter(), b"A" * 4000)


async def tls(enter: Streams) -> Seen:
    """TLS, to a port without it."""
    return await _say(enter(), CLIENT_HELLO)


async def http2(enter: Streams) -> Seen:
    """The preface of HTTP/2."""
    return await _say(enter(), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")


async def silence(enter: Streams) -> Seen:
    """A connection, and not one octet."""
    return await read_on(enter())


async def half_a_request(enter: Streams) -> Seen:
    """A request that stops in the middle, and waits."""
    return await _say(enter(), _RUN.encode())


async def half_a_request_and_fin(enter: Streams) -> Seen:
    """A request that stops in the middle, and the end of the stream."""
    stream = enter()
    await stream.send_all(_RUN.encode())
    await stream.send_eof()
    return await read_on(stream)


async def fin_at_once(enter: Streams) -> Seen:
    """The end of the stream, and nothing else."""
    stream = enter()
    await stream.send_eof()
    return await read_on(stream)


async def gone_at_once(enter: Streams) -> Seen:
    """A connection that is broken off as soon as it stands."""
    stream = enter()
    await trio.aclose_forcefully(stream)
    return Seen(b"", True)


async def endless_head(enter: Streams) -> Seen:
    """Header fields without end."""
    stream = enter()
    try:
        await stream.send_all(_RUN.encode())
        while True:
            await stream.send_all(b"X-Filler: " + b"x" * 8000 + b"\r\n")
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass
    return await read_on(stream)


async def dripping_head(enter: Streams) -> Seen:
    """A request whose octets come a second apart, from somebody who listens meanwhile."""
    stream, heard = enter(), bytearray()
    with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        for octet in upgrade():
            await stream.send_all(bytes([octet]))
            with trio.move_on_after(1):
                heard += await stream.receive_some()
    rest = await read_on(stream)
    return Seen(bytes(heard) + rest.octets, rest.ended)


async def plain_get(enter: Streams) -> Seen:
    """An ordinary request for what a WebSocket is wanted for."""
    return await _say(enter(), b"GET /runCase?case=1&agent=bad HTTP/1.1\r\nHost: x\r\n\r\n")


async def post(enter: Streams) -> Seen:
    """A POST with a body that never comes."""
    return await _say(enter(), b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")


async def no_key(enter: Streams) -> Seen:
    """A control address asked for without a key."""
    return await _say(enter(), b"GET /getCaseCount HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n")


async def hostile_names(enter: Streams) -> Seen:
    """A name that would move the cursor, colour the terminal and hide what follows, for a case that there is not."""
    target = "/runCase?case=77&agent=%1b%5b2J%0d%0a%E2%80%AEevil%00"
    return await _say(enter(), upgrade(target))


async def control_that_never_closes(enter: Streams) -> Seen:
    """A control dialogue whose Close is never answered."""
    return await _say(enter(), upgrade("/getCaseCount"))


async def control_flooded(enter: Streams) -> Seen:
    """A control dialogue flooded with Pings, whose answers are not read."""
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
    """A case whose messages get no answer."""
    return await _say(enter(), upgrade())


async def case_left_at_once(enter: Streams) -> Seen:
    """A case that is broken off behind the request."""
    stream = enter()
    await stream.send_all(upgrade())
    await trio.aclose_forcefully(stream)
    return Seen(b"", True)


async def case_with_a_huge_frame(enter: Streams) -> Seen:
    """A case whose first frame announces more octets than there are."""
    return await _say(enter(), upgrade() + b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xffabcd" + bytes(5000))


async def case_in_garbage(enter: Streams) -> Seen:
    """A case in which everything that comes back is noise."""
    return await _say(enter(), upgrade() + bytes(range(256)) * 40)


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
"""Every hostile client by name; a function's docstring says what it does."""
