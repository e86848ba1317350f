"""Every hostile server misbehaves as documented, over a raw socket or a memory stream."""

from __future__ import annotations

import errno
import inspect
import signal
import socket
import struct
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import pytest
import trio
import trio.testing

from wsconform.fixtures.hostile import HOSTILE, Visit, attend, openings, serve, sessions
from wsconform.fixtures.hostile import __main__ as command

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n"
)
# The answer to that key, from RFC 6455 section 1.3.
ACCEPT = b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
PING, CLOSE = 0x9, 0x8
# Seconds after which a test that hangs fails; the others take much less.
LIMIT = 20.0


class Client:
    """The client: sends octets or masked frames, reads octets or unmasked frames."""

    def __init__(self, stream: trio.abc.HalfCloseableStream) -> None:
        self.stream = stream
        self._octets = bytearray()

    async def exactly(self, count: int) -> bytes:
        while len(self._octets) < count:
            received = await self.stream.receive_some(64 << 10)
            assert received, f"the stream ended after {bytes(self._octets)!r}"
            self._octets += received
        octets = bytes(self._octets[:count])
        del self._octets[:count]
        return octets

    async def head(self) -> bytes:
        """Return the octets up to the first empty line, included."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += await self.exactly(1)
        return head

    async def rest(self) -> bytes:
        """Return all octets up to the end of the stream."""
        while received := await self.stream.receive_some(64 << 10):
            self._octets += received
        return bytes(self._octets)

    async def open(self, extra: bytes = b"") -> bytes:
        await self.stream.send_all(REQUEST % extra)
        head = await self.head()
        assert head.startswith(b"HTTP/1.1 101 ")
        assert ACCEPT in head
        return head

    async def send(self, opcode: int, payload: bytes = b"", *, first: int | None = None) -> None:
        assert len(payload) < 126
        head = bytes([0x80 | opcode if first is None else first, 0x80 | len(payload)])
        key = b"\x01\x02\x03\x04"
        masked = bytes(octet ^ key[place % 4] for place, octet in enumerate(payload))
        await self.stream.send_all(head + key + masked)

    async def frame(self) -> tuple[int, bytes]:
        """Return the first octet of the next frame, and its payload."""
        first, length = await self.exactly(2)
        if length == 126:
            (length,) = struct.unpack(">H", await self.exactly(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", await self.exactly(8))
        return first, await self.exactly(length)

    async def expect_echo(self, text: bytes = b"hello") -> None:
        await self.send(0x1, text)
        assert await self.frame() == (0x81, text)


@asynccontextmanager
async def served(name: str, *, lifetime: int = 20) -> AsyncIterator[Callable[[], Awaitable[Client]]]:
    """Serve a behaviour on loopback; yield a function that connects to it. Fails after `LIMIT` seconds."""
    with trio.fail_after(LIMIT):
        async with trio.open_nursery() as nursery:
            port: int = await nursery.start(partial(serve, name, lifetime=lifetime))

            async with AsyncExitStack() as streams:

                async def connect() -> Client:
                    stream = await trio.open_tcp_stream("127.0.0.1", port)
                    return Client(await streams.enter_async_context(stream))

                yield connect
            nursery.cancel_scope.cancel()


DECENT = ("thousand_headers", "hostile_server_field", "compressed_bomb", "dies_midway")


@pytest.mark.parametrize("name", DECENT)
async def test_decent_echo_until_it_is_closed(name: str) -> None:
    async with served(name) as connect:
        client = await connect()
        await client.open()
        await client.expect_echo()
        await client.send(PING, b"mark")
        assert await client.frame() == (0x8A, b"mark")
        await client.send(0x2, b"\x00\xff")
        assert await client.frame() == (0x82, b"\x00\xff")
        await client.send(0, b"hel", first=0x01)
        await client.send(0, b"lo", first=0x80)
        assert await client.frame() == (0x81, b"hello")
        await client.send(CLOSE, b"\x0b\xb8bye")
        assert await client.frame() == (0x88, b"\x0b\xb8")
        assert await client.rest() == b""


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        pytest.param(b"\x81\x00", 1002, id="not masked"),
        pytest.param(b"\xc1\x80" + bytes(4), 1002, id="RSV1"),
        pytest.param(b"\x83\x80" + bytes(4), 1002, id="an undefined opcode"),
        pytest.param(b"\x09\x80" + bytes(4), 1002, id="a Ping in fragments"),
        pytest.param(b"\x89\xfe\x00\x7e" + bytes(4), 1002, id="a Ping of 126 octets"),
        pytest.param(b"\x80\x80" + bytes(4), 1002, id="a continuation without a first frame"),
        pytest.param(b"\x81\x81" + bytes(4) + b"\xff", 1007, id="invalid UTF-8"),
        pytest.param(b"\x82\xff\x80" + bytes(7), 1002, id="the top bit of a length"),
        pytest.param(b"\x82\xff\x00\x00\x00\x00\x04\x00\x00\x01", 1009, id="an octet above 64 MiB"),
        pytest.param(b"\x88\x81" + bytes(4) + b"\x03", 1002, id="half a status code"),
        pytest.param(b"\x88\x82" + bytes(4) + b"\x03\xed", 1002, id="1005"),
    ],
)
async def test_decent_part_rejects_invalid_frames(octets: bytes, code: int) -> None:
    async with served("dies_midway") as connect:
        client = await connect()
        await client.open()
        await client.stream.send_all(octets)
        assert await client.frame() == (0x88, code.to_bytes(2))


# -- up to the opening handshake ------------------------------------------------------------------------


async def test_endless_response_never_ends_its_head() -> None:
    async with served("endless_response") as connect:
        client = await connect()
        await client.stream.send_all(REQUEST % b"")
        start = await client.exactly(1 << 20)
        assert start.startswith(b"HTTP/1.1 101 Switching Protocols\r\nX-Endless: aaa")
        assert start.count(b"\n") == 1


async def test_silent_accept_sends_nothing_before_our_fin() -> None:
    async with served("silent_accept") as connect:
        client = await connect()
        await client.stream.send_all(REQUEST % b"")
        await client.stream.send_eof()
        assert await client.rest() == b""


async def test_immediate_reset_sends_an_rst() -> None:
    async with served("immediate_reset") as connect:
        client = await connect()
        with pytest.raises(trio.BrokenResourceError) as caught:
            await client.rest()
        assert isinstance(caught.value.__cause__, OSError)
        assert caught.value.__cause__.errno == errno.ECONNRESET


async def test_half_open_ends_its_own_direction_and_continues_to_read() -> None:
    async with served("half_open") as connect:
        client = await connect()
        assert await client.rest() == b""
        # A server that had closed its socket would answer these octets with a reset.
        for _ in range(8):
            await client.stream.send_all(bytes(1 << 20))


async def test_other_protocol_sends_first_and_rejects_every_line() -> None:
    async with served("other_protocol") as connect:
        client = await connect()
        assert await client.exactly(4) == b"220 "
        await client.stream.send_all(REQUEST % b"X-More: 1\r\nX-More: 2\r\nX-More: 3\r\n")
        received = await client.rest()
        assert received.count(b"500 5.5.2") == 10
        assert received.endswith(b"421 4.7.0 too many errors\r\n")


@pytest.mark.parametrize(("first", "alert"), [(b"G", 70), (b"\x16", 40)])
async def test_tls_expected_answers_with_a_fatal_alert(first: bytes, alert: int) -> None:
    async with served("tls_expected") as connect:
        client = await connect()
        await client.stream.send_all(first)
        assert await client.rest() == bytes([0x15, 3, 1, 0, 2, 2, alert])


@pytest.mark.parametrize(("name", "status"), [("plain_http_200", b"200"), ("plain_http_404", b"404")])
async def test_plain_http_answers_every_request_with_a_page(name: str, status: bytes) -> None:
    async with served(name) as connect:
        client = await connect()
        for _ in range(2):
            await client.stream.send_all(REQUEST % b"")
            head = await client.head()
            assert head.startswith(b"HTTP/1.1 " + status)
            length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
            assert (await client.exactly(length)).endswith(b"</h1>\n")
        await client.stream.send_eof()
        assert await client.rest() == b""


async def test_thousand_headers_sends_a_thousand_more_fields() -> None:
    async with served("thousand_headers") as connect:
        head = await (await connect()).open()
        lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
        assert len([line for line in lines if line.startswith(b"X-Padding-")]) == 1000
        assert len(lines) == 1004


async def test_hostile_server_field_is_one_line_with_every_attack() -> None:
    async with served("hostile_server_field") as connect:
        head = await (await connect()).open()
        (field,) = (line for line in head.split(b"\r\n") if line.startswith(b"Server: "))
        assert field.removeprefix(b"Server: ") == openings.HOSTILE_VALUE
    value = openings.HOSTILE_VALUE
    assert not {0x00, 0x0A, 0x0D} & set(value)
    with pytest.raises(UnicodeDecodeError):
        value.decode()
    for attack in (
        b"\x1b[",
        b"<script>",
        b"]]>",
        b"\x9b",
        b"\xc2\x9b",
        "\u202e".encode(),
        b"\x07",
        b"|",
        b"`",
    ):
        assert attack in value


# -- on an open connection ------------------------------------------------------------------------------


async def test_huge_length_announces_2_to_the_63_minus_1_and_sends() -> None:
    async with served("huge_length") as connect:
        client = await connect()
        await client.open()
        assert await client.exactly(2) == b"\x82\x7f"
        assert int.from_bytes(await client.exactly(8)) == 2**63 - 1
        assert not any(await client.exactly(1 << 20))


async def test_endless_after_close_answers_the_close_and_continues() -> None:
    async with served("endless_after_close") as connect:
        client = await connect()
        await client.open()
        await client.expect_echo()
        await client.send(CLOSE, b"\x03\xe8")
        assert await client.frame() == (0x88, b"\x03\xe8")
        for _ in range(1000):
            assert await client.frame() == (0x81, b"and another thing")


async def test_endless_pings_have_different_payloads() -> None:
    async with served("endless_pings") as connect:
        client = await connect()
        await client.open()
        for number in range(1000):
            assert await client.frame() == (0x89, number.to_bytes(8))
            await client.send(0xA, number.to_bytes(8))


async def test_echo_then_garbage_sends_one_echo_and_then_garbage() -> None:
    async with served("echo_then_garbage") as connect:
        client = await connect()
        await client.open()
        await client.expect_echo()
        garbage = await client.exactly(len(sessions.GARBAGE))
        assert garbage == sessions.GARBAGE
        assert garbage[0] & 0x70, "its first octet has an RSV bit"
        await client.stream.send_eof()
        assert await client.rest() == b""


async def test_never_closes_answers_pings_after_close_and_after_errors() -> None:
    async with served("never_closes") as connect:
        client = await connect()
        await client.open()
        await client.expect_echo()
        await client.send(CLOSE, b"\x03\xe8")
        await client.send(0, b"???", first=0xF3)
        await client.stream.send_all(b"\x81\x01x")  # not masked
        await client.send(PING, b"still here")
        assert await client.frame() == (0x81, b"x")
        assert await client.frame() == (0x8A, b"still here")


async def test_never_closes_keeps_its_direction_open_after_ours_has_ended(
    autojump_clock: trio.testing.MockClock,
) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(attend, HOSTILE["never_closes"], theirs, Visit(1, 20, lambda: None))
        client = Client(ours)
        await client.open()
        await ours.send_eof()
        with trio.move_on_after(3600) as hour:
            await client.rest()
        assert hour.cancelled_caught
        nursery.cancel_scope.cancel()


async def test_slow_drip_sends_each_octet_alone_after_a_pause(autojump_clock: trio.testing.MockClock) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(attend, HOSTILE["slow_drip"], theirs, Visit(1, 20, lambda: None))
        client = Client(ours)
        began = trio.current_time()
        head = await client.open()
        assert trio.current_time() - began == pytest.approx((len(head) - 1) * sessions.DRIP)
        await client.send(0x1, b"hello")
        pieces = [await ours.receive_some(100) for _ in range(7)]
        assert pieces == [bytes([octet]) for octet in b"\x81\x05hello"]
        await client.send(CLOSE)
        assert await client.frame() == (0x88, b"")


async def test_dies_midway_ends_all_connections_after_its_lifetime() -> None:
    async with served("dies_midway", lifetime=3) as connect:
        clients = [await connect() for _ in range(3)]
        for client in clients:
            await client.open()
            await client.expect_echo()
        one_too_many = await connect()
        assert await one_too_many.rest() == b""
        assert [await client.rest() for client in clients] == [b"", b"", b""]
        with pytest.raises(OSError, match=r"all attempts to connect|[Rr]efused"):
            await connect()


async def test_compressed_bomb_is_small_on_the_wire_and_a_gibibyte_inflated() -> None:
    async with served("compressed_bomb") as connect:
        client = await connect()
        head = await client.open(b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n")
        assert b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n" in head
        first, payload = await client.frame()
        assert first == 0xC2
        assert len(payload) < 2 << 20
        assert inflated_size(payload) == 1 << 30
        assert await client.frame() == (0x88, b"\x03\xe8")


def inflated_size(payload: bytes) -> int:
    """Return the inflated size of a message; inflates in pieces, so that the test does not need its memory."""
    inflate, size, left = zlib.decompressobj(-15), 0, payload + b"\x00\x00\xff\xff"
    while left:
        size += len(inflate.decompress(left, 16 << 20))
        left = inflate.unconsumed_tail
    return size


# -- the registry and the command line ------------------------------------------------------------------


def test_every_behaviour_has_a_docstring() -> None:
    assert len(HOSTILE) == 20
    for name, handler in HOSTILE.items():
        assert handler.__name__ == name
        assert (inspect.getdoc(handler) or "").endswith(".")


async def test_serve_raises_key_error_for_an_unknown_name() -> None:
    with pytest.raises(KeyError):
        await serve("gentle")


def test_help_lists_every_behaviour(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--help"])
    listed = capsys.readouterr().out.partition("behaviours:\n")[2]
    assert [line.split()[0] for line in listed.splitlines()] == list(HOSTILE)


def test_reports_a_port_in_use_as_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as octets:
        port = octets.getsockname()[1]
        assert command.main(["plain_http_200", "--port", str(port)]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith(f"port {port} of 127.0.0.1 cannot be used: ")
    assert errors.count("\n") == 1


def test_program_prints_its_address_and_ends_on_sigterm() -> None:
    module = "wsconform.fixtures.hostile"
    with subprocess.Popen([sys.executable, "-m", module, "silent_accept"], stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        line = program.stdout.readline().decode()
        assert line.startswith("listening ws://127.0.0.1:")
        port = int(line.rstrip("/\n").rpartition(":")[2])
        socket.create_connection(("127.0.0.1", port)).close()
        program.send_signal(signal.SIGTERM)
        assert program.wait(LIMIT) == 0
