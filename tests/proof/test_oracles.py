"""Foreign implementations as oracles: they read our octets, we read theirs, and each end talks to the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import h11
import pytest
import trio
import trio.testing
import wsproto
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.exceptions import ProtocolError
from websockets.frames import Frame as ForeignFrame
from websockets.frames import Opcode
from websockets.http11 import Request as ForeignRequest
from websockets.server import ServerProtocol
from websockets.streams import StreamReader
from websockets.uri import parse_uri
from wsproto import events
from wsproto.frame_protocol import FrameProtocol

from tests.support.foreign import MESSAGES, Talk, websockets_client, websockets_server, wsproto_client, wsproto_server
from tests.support.octets import encode_all
from tests.support.scripted import Body, FarEnd, jumping, run_case
from wsconform import Connection, Frame
from wsconform.evidence.result import Verdict
from wsconform.fixtures.reference import serve
from wsconform.wire.fields import Fields
from wsconform.wire.frame import BINARY, FrameReader, LengthForm
from wsconform.wire.handshake import accept_value
from wsconform.wire.http1 import Request, Response, base_request, base_response, parse_head

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
keys = st.binary(min_size=4, max_size=4)
payloads = st.binary(max_size=140) | st.sampled_from((bytes(125), bytes(126), bytes(0xFFFF), bytes(0x10000)))
data = st.builds(Frame, st.sampled_from((0, 1, 2)), payloads, fin=st.booleans())
control = st.builds(Frame, st.sampled_from((9, 10)), st.binary(max_size=125))
legal = data | control
messages = st.lists(payloads, min_size=1, max_size=4)


def parse_with_websockets(octets: bytes, *, mask: bool) -> ForeignFrame:
    """Return the one frame that `websockets` reads in `octets`; raises its exceptions."""
    reader = StreamReader()
    reader.feed_data(octets)
    reading = ForeignFrame.parse(reader.read_exact, mask=mask)
    try:
        next(reading)
    except StopIteration as done:
        frame: ForeignFrame = done.value
        return frame
    raise AssertionError("the frame is incomplete")


class TestFramesAndWebsockets:
    @given(legal, st.none() | keys)
    def test_it_reads_our_frames(self, frame: Frame, key: bytes | None) -> None:
        sent = frame if key is None else frame.masked(key)
        read = parse_with_websockets(sent.encode(), mask=key is not None)
        assert (read.opcode, bytes(read.data), read.fin) == (frame.opcode, frame.payload, frame.fin)

    @given(legal, st.booleans())
    def test_we_read_its_frames(self, frame: Frame, mask: bool) -> None:
        octets = ForeignFrame(Opcode(frame.opcode), frame.payload, frame.fin).serialize(mask=mask)
        (read,) = FrameReader().receive(octets)
        assert (read.key is not None) is mask
        assert Frame(read.opcode, read.payload, fin=read.fin, rsv=read.rsv) == frame
        assert read.encode() == octets

    @pytest.mark.parametrize(
        "frame",
        [
            Frame(0x3),
            Frame(0xB),
            Frame(1, rsv=4),
            Frame(1, rsv=1),
            Frame.ping(bytes(126)),
            Frame.ping(fin=False),
            Frame.text("x").masked(b"abcd"),
        ],
        ids=["opcode_3", "opcode_b", "rsv1", "rsv3", "long_ping", "fragmented_ping", "masked"],
    )
    def test_it_rejects_our_invalid_frames(self, frame: Frame) -> None:
        with pytest.raises(ProtocolError):
            parse_with_websockets(frame.encode(), mask=False)


class TestFramesAndWsproto:
    @given(messages, keys)
    def test_it_reads_our_messages(self, sent: list[bytes], key: bytes) -> None:
        protocol = FrameProtocol(client=False, extensions=[])
        protocol.receive_bytes(encode_all(Frame.binary(payload).masked(key) for payload in sent))
        read = [(frame.opcode, frame.payload, frame.message_finished) for frame in protocol.received_frames()]
        assert read == [(BINARY, payload, True) for payload in sent]

    @given(messages, st.booleans())
    def test_we_read_its_messages(self, sent: list[bytes], client: bool) -> None:
        protocol = FrameProtocol(client=client, extensions=[])
        octets = b"".join(bytes(protocol.send_data(payload, True)) for payload in sent)
        read = FrameReader().receive(octets)
        assert [(frame.opcode, frame.payload, frame.fin, frame.rsv) for frame in read] == [
            (BINARY, payload, True, 0) for payload in sent
        ]
        assert all((frame.key is not None) is client and frame.is_minimal for frame in read)

    @given(messages)
    def test_fragments(self, parts: list[bytes]) -> None:
        ours = [Frame(0 if number else BINARY, part, fin=number == len(parts) - 1) for number, part in enumerate(parts)]
        reads, writes = FrameProtocol(client=True, extensions=[]), FrameProtocol(client=False, extensions=[])
        octets = b"".join(bytes(writes.send_data(frame.payload, frame.fin)) for frame in ours)
        assert octets == encode_all(ours)
        reads.receive_bytes(octets)
        assert [(frame.payload, frame.message_finished) for frame in reads.received_frames()] == [
            (frame.payload, frame.fin) for frame in ours
        ]

    def test_control_frames(self) -> None:
        protocol = FrameProtocol(client=False, extensions=[])
        octets = bytes(protocol.ping(b"a")) + bytes(protocol.pong(b"b")) + bytes(protocol.close(1002, "no"))
        assert FrameReader().receive(octets) == [Frame.ping(b"a"), Frame.pong(b"b"), Frame.close(1002, "no")]

    def test_it_rejects_a_padded_length(self) -> None:
        protocol = FrameProtocol(client=True, extensions=[])
        protocol.receive_bytes(Frame(BINARY, b"x", form=LengthForm.MEDIUM).encode())
        with pytest.raises(wsproto.frame_protocol.ParseFailed):
            list(protocol.received_frames())


class TestHandshakes:
    def test_all_accept_our_request(self) -> None:
        octets = base_request("localhost", "/chat", KEY).encode()
        server = ServerProtocol()
        server.receive_data(octets)
        (request,) = server.events_received()
        assert isinstance(request, ForeignRequest)
        assert server.accept(request).status_code == 101
        other = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
        other.receive_data(octets)
        (event,) = other.events()
        assert isinstance(event, events.Request)
        assert (event.host, event.target) == ("localhost", "/chat")

    def test_we_read_their_responses(self) -> None:
        octets = base_request("localhost", "/", KEY).encode()
        server = ServerProtocol()
        server.receive_data(octets)
        (request,) = server.events_received()
        assert isinstance(request, ForeignRequest)
        server.send_response(server.accept(request))
        other = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
        other.receive_data(octets)
        list(other.events())
        for answer in (b"".join(server.data_to_send()), other.send(events.AcceptConnection())):
            head = parse_head(answer)
            assert (head.status, head.defects) == (101, ())
            assert head.fields.get("Sec-WebSocket-Accept") == accept_value(KEY)

    def test_we_read_their_requests_and_they_accept_our_responses(self) -> None:
        client = ClientProtocol(parse_uri("ws://localhost:9001/chat"))
        client.send_request(client.connect())
        head = parse_head(b"".join(client.data_to_send()))
        assert (head.target, head.defects, head.fields.get("Host")) == (b"/chat", (), b"localhost:9001")
        client.receive_data(base_response(head.fields.get("Sec-WebSocket-Key") or b"").encode())
        assert client.handshake_exc is None
        assert client.state.name == "OPEN"

        other = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
        head = parse_head(other.send(events.Request(host="localhost", target="/chat")))
        assert (head.target, head.defects) == (b"/chat", ())
        other.receive_data(base_response(head.fields.get("Sec-WebSocket-Key") or b"").encode())
        assert isinstance(next(iter(other.events())), events.AcceptConnection)

    def test_a_wrong_accept_is_rejected(self) -> None:
        client = ClientProtocol(parse_uri("ws://localhost/"))
        client.send_request(client.connect())
        client.receive_data(base_response(KEY).encode())
        assert client.handshake_exc is not None


names = st.text("abcXYZ019-", min_size=1, max_size=8).map(lambda name: f"X-{name}".encode())
values = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=12).map(str.encode)
fields = st.lists(st.tuples(names, values), max_size=5).map(lambda lines: Fields((*lines, (b"Host", b"a"))))


class TestHeadsAndH11:
    @given(fields)
    def test_it_reads_our_requests(self, fields: Fields) -> None:
        connection = h11.Connection(h11.SERVER)
        connection.receive_data(Request(target=b"/x", fields=fields).encode())
        event = connection.next_event()
        assert isinstance(event, h11.Request)
        assert (event.method, event.target, event.http_version) == (b"GET", b"/x", b"1.1")
        assert list(event.headers) == [(name.lower(), value) for name, value in fields.lines]

    @given(fields, st.integers(100, 999).filter(lambda status: status != 101))
    def test_it_reads_our_responses(self, fields: Fields, status: int) -> None:
        connection = h11.Connection(h11.CLIENT)
        connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
        connection.receive_data(Response(status=status, reason=b"So", fields=fields).encode())
        event = connection.next_event()
        assert isinstance(event, h11.Response | h11.InformationalResponse)
        assert (event.status_code, event.reason) == (status, b"So")
        assert list(event.headers) == [(name.lower(), value) for name, value in fields.lines]

    @given(fields, st.integers(200, 599))
    def test_we_read_its_responses(self, fields: Fields, status: int) -> None:
        connection = h11.Connection(h11.SERVER)
        connection.receive_data(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.next_event()
        lines = [*fields.lines, (b"Content-Length", b"0")]
        octets = connection.send(h11.Response(status_code=status, headers=lines, reason=b"So"))
        assert octets is not None
        head = parse_head(octets)
        assert (head.status, head.reason, head.defects) == (status, b"So", ())
        read = [(name.lower(), value) for name, value in head.fields.lines if name.lower() != b"connection"]
        # h11 writes Host first, whatever the order of the fields.
        assert sorted(read) == sorted((name.lower(), value) for name, value in lines)


Client = Callable[..., Awaitable[Talk]]


class TestReferenceServer:
    @pytest.mark.parametrize("deflate", [False, True], ids=["plain", "deflate"])
    @pytest.mark.parametrize("client", [websockets_client, wsproto_client])
    def test_serves_foreign_clients(self, client: Client, deflate: bool) -> None:
        talks: list[Talk] = []

        async def run() -> None:
            ours, theirs = trio.testing.memory_stream_pair()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(serve, theirs)
                with trio.fail_after(60):
                    talks.append(await client(ours, deflate=deflate))
                await trio.aclose_forcefully(ours)

        jumping(run)
        (talk,) = talks
        assert talk.messages == [*MESSAGES, ("text", b"fragment")]
        assert talk.pongs == [b"are you there?"]
        assert talk.code == 1000
        assert talk.extensions.startswith("permessage-deflate" if deflate else "")
        assert bool(talk.extensions) is deflate


async def exchanges_everything(ws: Connection) -> None:
    """Exchange messages of all types and sizes, a fragmented one, a Ping, and the closing handshake."""
    for kind, payload in MESSAGES:
        await ws.echo(Frame.text(payload) if kind == "text" else Frame.binary(payload))
    await ws.send(Frame.text("frag", fin=False), Frame.ping(b"are you there?"), Frame.continuation("ment"))
    await ws.expect_pong(b"are you there?")
    await ws.expect_echo(Frame.text("fragment"))
    await ws.expect_alive()
    closure = await ws.expect_closed_cleanly()
    ws.expect(closure.status_code == 1000, "1000", str(closure))


async def compressed(ws: Connection) -> None:
    """Exchange compressed messages."""
    for text in ("Hello", "Hello", "Hello" * 1000):
        await ws.send(Frame(0x1, ws.compress(text), rsv=0b100))
        await ws.expect_echo(Frame.text(text))


def failing(*frames: Frame, masked: bool = True) -> Body:
    """Return a case that sends `frames`, for which the target has to fail the connection."""

    async def body(ws: Connection) -> None:
        await ws.send(*frames, masked=masked)
        await ws.expect_connection_failed()

    return body


WRONG = {
    "opcode": failing(Frame(0x3, b"x")),
    "rsv": failing(Frame.text("x", rsv=0b010)),
    "unmasked": failing(Frame.text("x"), masked=False),
    "utf8": failing(Frame.text(b"\xff")),
    "long_ping": failing(Frame.ping(bytes(126))),
    "stray_continuation": failing(Frame.continuation(b"x")),
    "close_code": failing(Frame.close(1005)),
}


@pytest.mark.parametrize("server", [websockets_server, wsproto_server])
class TestForeignServers:
    def test_pass_a_valid_exchange(self, server: Callable[[FarEnd], Awaitable[None]]) -> None:
        attempted = run_case(server, exchanges_everything)
        assert (attempted.verdict, attempted.finding) == (Verdict.PASSED, None)

    def test_compress(self, server: Callable[..., Awaitable[None]]) -> None:
        attempted = run_case(partial(server, deflate=True), compressed, offer="permessage-deflate")
        assert (attempted.verdict, attempted.finding) == (Verdict.PASSED, None)

    @pytest.mark.parametrize("wrong", WRONG)
    def test_fail_the_connection_on_an_error(self, server: Callable[[FarEnd], Awaitable[None]], wrong: str) -> None:
        attempted = run_case(server, WRONG[wrong])
        assert (attempted.verdict, attempted.finding) == (Verdict.PASSED, None)
