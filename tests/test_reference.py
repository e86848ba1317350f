"""The reference endpoint, judged by hand: what every mutant is measured against must itself be right."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from tests.scripted import jumping
from wsconform.fixtures.reference import ReferenceClient, ReferenceServer, connect, serve
from wsconform.handshake import accept_value, base_request, base_response
from wsconform.wire.deflate import Deflater, Inflater
from wsconform.wire.frame import RSV1, TEXT, Frame, FrameReader, LengthForm, encode_all
from wsconform.wire.http1 import Head, Request, Response, head_end, parse_head

KEY, MASK = b"dGhlIHNhbXBsZSBub25jZQ==", b"abcd"
REQUEST = base_request("localhost", "/", KEY)
DEFLATE = "permessage-deflate"


def exchange(*pieces: bytes, server: type[ReferenceServer] = ReferenceServer) -> bytes:
    """Return everything that the server sends for `pieces`, up to its FIN."""
    heard = bytearray()

    async def run() -> None:
        ours, theirs = trio.testing.memory_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve, theirs, server)
            for piece in pieces:
                await ours.send_all(piece)
                await trio.testing.wait_all_tasks_blocked()
            with trio.move_on_after(30):
                await _until_quiet(ours, heard)
            await ours.send_eof()
            with trio.fail_after(30):
                while octets := await ours.receive_some():
                    heard.extend(octets)

    jumping(run)
    return bytes(heard)


async def _until_quiet(stream: trio.abc.Stream, heard: bytearray) -> None:
    while octets := await stream.receive_some():
        heard.extend(octets)


def ask(request: Request | bytes) -> Head:
    """Return the head of the server's answer."""
    heard = exchange(request if isinstance(request, bytes) else request.encode())
    return parse_head(heard[: head_end(heard)])


def talk(
    *frames: Frame | bytes, request: Request = REQUEST, server: type[ReferenceServer] = ReferenceServer
) -> list[Frame]:
    """Return the frames that the server sends for `frames`, masked; a Frame with a key, and octets, go as they are."""
    octets = b"".join(
        frame if isinstance(frame, bytes) else (frame if frame.key is not None else frame.masked(MASK)).encode()
        for frame in frames
    )
    heard = exchange(request.encode(), octets, server=server)
    assert parse_head(heard).status == 101
    reader = FrameReader()
    read = reader.receive(heard[head_end(heard) :])
    assert reader.residue == b""
    return read


class TestHandshake:
    def test_the_example_of_section_1_3(self) -> None:
        head = ask(REQUEST)
        assert (head.status, head.defects) == (101, ())
        assert head.fields.get("Sec-WebSocket-Accept") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        assert head.fields.get("Upgrade") == b"websocket"
        assert head.fields.get("Connection") == b"Upgrade"
        assert "Sec-WebSocket-Extensions" not in head.fields

    @pytest.mark.parametrize(
        "request_",
        [
            REQUEST.replacing("Upgrade", "h2c, WebSocket"),
            REQUEST.replacing("Connection", "keep-alive, upgrade"),
            REQUEST.replacing("Connection", "keep-alive", "Upgrade"),
            REQUEST.with_field("X-Unknown", "x"),
            REQUEST.with_field("Origin", "null"),
        ],
        ids=["upgrade_list", "connection_list", "connection_lines", "unknown_field", "origin"],
    )
    def test_accepts_what_it_has_to(self, request_: Request) -> None:
        assert ask(request_).status == 101

    @pytest.mark.parametrize(
        ("request_", "status"),
        [
            (REQUEST.without("Host"), 400),
            (REQUEST.with_field("Host", "other"), 400),
            (REQUEST.without("Upgrade"), 426),
            (REQUEST.without("Connection"), 400),
            (REQUEST.without("Sec-WebSocket-Key"), 400),
            (REQUEST.replacing("Sec-WebSocket-Key", "AAAA"), 400),
            (REQUEST.with_field("Sec-WebSocket-Key", KEY), 400),
            (REQUEST.without("Sec-WebSocket-Version"), 400),
            (REQUEST.replacing("Sec-WebSocket-Version", "8"), 426),
            (REQUEST.with_field("Sec-WebSocket-Extensions", "a b"), 400),
            (REQUEST.with_field("Sec-WebSocket-Protocol", "a b"), 400),
            (b"POST" + REQUEST.encode()[3:], 405),
            (b"BREW" + REQUEST.encode()[3:], 501),
            (REQUEST.encode().replace(b"HTTP/1.1", b"HTTP/1.0"), 400),
            (REQUEST.encode().replace(b"HTTP/1.1", b"HTTP/2.0"), 505),
            (REQUEST.encode().replace(b"Upgrade: ", b"Upgrade : "), 400),
            (REQUEST.encode().replace(b"Upgrade: ", b" Upgrade: "), 400),
            (b"\x16\x03\x01\x00\x05hello", 400),
        ],
    )
    def test_refuses_what_it_has_to_and_closes(self, request_: Request | bytes, status: int) -> None:
        head = ask(request_)
        assert (head.status, head.defects) == (status, ())
        assert b"close" in [option.lower() for option in head.fields.elements("Connection")]

    def test_names_its_version_where_another_is_wanted(self) -> None:
        head = ask(REQUEST.replacing("Sec-WebSocket-Version", "8"))
        assert head.fields.get("Sec-WebSocket-Version") == b"13"

    def test_a_subprotocol_is_chosen_by_the_clients_order(self) -> None:
        head = ask(REQUEST.with_field("Sec-WebSocket-Protocol", "soap, superchat, chat"))
        assert head.fields.get_all("Sec-WebSocket-Protocol") == (b"superchat",)
        assert "Sec-WebSocket-Protocol" not in ask(REQUEST.with_field("Sec-WebSocket-Protocol", "soap")).fields

    def test_however_it_is_cut(self) -> None:
        octets = REQUEST.encode()
        heard = exchange(*[octets[at : at + 1] for at in range(len(octets))], Frame.text("Hello").masked(MASK).encode())
        assert heard.endswith(Frame.text("Hello").encode())

    def test_a_frame_in_the_same_segment_as_the_request(self) -> None:
        heard = exchange(REQUEST.encode() + Frame.text("Hello").masked(MASK).encode())
        assert heard.endswith(Frame.text("Hello").encode())

    def test_a_body_is_read_away_before_the_connection_is_upgraded(self) -> None:
        with_body = REQUEST.with_field("Content-Length", "5").encode() + b"GET /"
        heard = exchange(with_body + Frame.ping(b"x").masked(MASK).encode())
        assert parse_head(heard).status == 101
        assert heard.endswith(Frame.pong(b"x").encode())

    @pytest.mark.parametrize(
        ("offer", "answer"),
        [
            (DEFLATE, DEFLATE),
            ("x-unknown", None),
            (f"x-unknown, {DEFLATE}", DEFLATE),
            (f"{DEFLATE}; client_max_window_bits", DEFLATE),
            (f"{DEFLATE}; server_max_window_bits=10", f"{DEFLATE}; server_max_window_bits=10"),
            (f"{DEFLATE}; server_no_context_takeover", f"{DEFLATE}; server_no_context_takeover"),
            (f"{DEFLATE}; unknown", None),
            (f"{DEFLATE}; server_max_window_bits=7, {DEFLATE}", DEFLATE),
            (f"{DEFLATE}; server_max_window_bits=8", None),
        ],
    )
    def test_extensions(self, offer: str, answer: str | None) -> None:
        head = ask(REQUEST.with_field("Sec-WebSocket-Extensions", offer))
        assert head.status == 101
        assert head.fields.get("Sec-WebSocket-Extensions") == (answer.encode() if answer else None)


class TestFrames:
    def test_echoes_messages_of_any_length_in_their_type(self) -> None:
        sent = [
            Frame.text("Hello, κόσμε"),
            *[Frame.binary(bytes(length)) for length in (0, 125, 126, 0xFFFF, 0x10000)],
        ]
        assert talk(*sent) == sent

    def test_a_fragmented_message_with_a_ping_inside(self) -> None:
        parts = (Frame.text(b"\xe2\x82", fin=False), Frame.ping(b"x"), Frame.continuation(b"\xac"))
        assert talk(*parts) == [Frame.pong(b"x"), Frame.text("€")]

    def test_an_unsolicited_pong_is_passed_over(self) -> None:
        assert talk(Frame.pong(b"x"), Frame.text("a")) == [Frame.text("a")]

    @pytest.mark.parametrize(("code", "reply"), [(None, None), (1000, 1000), (1014, 1014), (3000, 3000), (4999, 4999)])
    def test_a_close_is_answered_with_its_code(self, code: int | None, reply: int | None) -> None:
        assert talk(Frame.close(code)) == [Frame.close(reply)]

    def test_nothing_is_answered_after_a_close(self) -> None:
        assert talk(Frame.close(1000), Frame.text("late"), Frame.ping()) == [Frame.close(1000)]

    @pytest.mark.parametrize(
        ("wrong", "code"),
        [
            (Frame.text("x").encode(), 1002),
            (Frame(0x3), 1002),
            (Frame(0xF), 1002),
            (Frame.text("x", rsv=RSV1), 1002),
            (Frame.text("x", rsv=0b001), 1002),
            (Frame.ping(bytes(126)), 1002),
            (Frame.ping(fin=False), 1002),
            (Frame.continuation("x"), 1002),
            (encode_all(frame.masked(MASK) for frame in (Frame.text("a", fin=False), Frame.text("b"))), 1002),
            (Frame(TEXT, announced=1 << 63), 1002),
            (Frame(TEXT, announced=1 << 40), 1009),
            (Frame.text(b"\xff"), 1007),
            (Frame.text(b"\xe2\x82"), 1007),
            (Frame.text(b"\xf4\x90", fin=False), 1007),
            (b"\x88\x81abcd\x62", 1002),
            (Frame.close(1005), 1002),
            (Frame.close(999), 1002),
            (Frame.close(2999), 1002),
            (Frame.close(1000, b"\xff"), 1007),
        ],
    )
    def test_what_is_wrong_fails_the_connection_with_the_code_that_says_so(
        self, wrong: Frame | bytes, code: int
    ) -> None:
        frames = talk(wrong, Frame.ping(b"after"))
        assert [frame.opcode for frame in frames] == [0x8]
        assert int.from_bytes(frames[0].payload[:2], "big") == code

    @pytest.mark.parametrize("form", [LengthForm.MEDIUM, LengthForm.LONG])
    def test_a_padded_length_is_read(self, form: LengthForm) -> None:
        """The rule of section 5.2 binds the sender; the receiver may be lenient, and ours is."""
        assert talk(Frame(TEXT, b"Hello", form=form)) == [Frame.text("Hello")]

    def test_a_wrong_header_is_not_waited_behind(self) -> None:
        frames = talk(Frame(0x3, announced=1 << 20).masked(MASK).header())
        assert [frame.opcode for frame in frames] == [0x8]

    def test_a_limit_is_kept_over_all_fragments(self) -> None:
        class Small(ReferenceServer):
            """Takes messages of 10 octets."""

            max_message = 10

        assert talk(Frame.binary(bytes(10)), server=Small) == [Frame.binary(bytes(10))]
        frames = talk(Frame.binary(bytes(6), fin=False), Frame.continuation(bytes(5)), server=Small)
        assert [int.from_bytes(frame.payload[:2], "big") for frame in frames] == [1009]

    def test_compressed_messages(self) -> None:
        request = REQUEST.with_field("Sec-WebSocket-Extensions", DEFLATE)
        deflater, inflater = Deflater(), Inflater()
        sent = [Frame(TEXT, deflater.compress(text), rsv=RSV1) for text in (b"Hello", b"Hello", b"")]
        read = talk(*sent, Frame.text("plain"), request=request)
        assert [inflater.decompress(frame.payload) for frame in read] == [b"Hello", b"Hello", b"", b"plain"]
        assert all(frame.rsv == RSV1 for frame in read)

    @pytest.mark.parametrize("payload", [b"\xff\xff", Deflater().compress(b"\xff")], ids=["no_deflate", "no_text"])
    def test_what_does_not_inflate_to_text(self, payload: bytes) -> None:
        request = REQUEST.with_field("Sec-WebSocket-Extensions", DEFLATE)
        frames = talk(Frame(TEXT, payload, rsv=RSV1), request=request)
        assert [int.from_bytes(frame.payload[:2], "big") for frame in frames] == [1007]

    def test_a_message_that_is_cut_off_is_not_delivered(self) -> None:
        assert talk(Frame.text("Hello").masked(MASK).encode()[:-1]) == []
        assert talk(Frame.text("Hello", fin=False)) == []


Play = Callable[[trio.abc.HalfCloseableStream, Head], Awaitable[None]]


def host(play: Play) -> tuple[Head, bytes, bool]:
    """Be the server of a reference client; return its request, what it sent then, and whether it ended by itself."""
    heard = bytearray()
    heads: list[Head] = []
    ended: list[bool] = []

    async def run() -> None:
        ours, theirs = trio.testing.memory_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connect, theirs)
            octets = bytearray()
            while (end := head_end(octets)) < 0:
                octets += await ours.receive_some()
            heads.append(parse_head(bytes(octets[:end])))
            await play(ours, heads[0])
            with trio.move_on_after(10) as scope:
                while piece := await ours.receive_some():
                    heard.extend(piece)
            ended.append(not scope.cancelled_caught)
            await trio.aclose_forcefully(ours)

    jumping(run)
    return heads[0], bytes(heard), ended[0]


def answering(change: Callable[[Response], Response], *frames: Frame) -> Play:
    """Return a server that answers with the right response, changed, and `frames` behind it."""

    async def play(stream: trio.abc.HalfCloseableStream, head: Head) -> None:
        response = change(base_response(head.fields.get("Sec-WebSocket-Key") or b""))
        await stream.send_all(response.encode() + encode_all(frames))

    return play


class TestClient:
    def test_asks_for_what_section_4_1_wants(self) -> None:
        head, _, _ = host(answering(lambda response: response))
        assert (head.method, head.target, head.defects) == (b"GET", b"/", ())
        assert head.fields.get("Sec-WebSocket-Version") == b"13"
        assert head.fields.get("Upgrade") == b"websocket"
        assert len(head.fields.get("Sec-WebSocket-Key") or b"") == 24

    def test_masks_what_it_echoes_with_a_new_key_each_time(self) -> None:
        _, heard, ended = host(answering(lambda response: response, Frame.text("a"), Frame.ping(b"p"), Frame.text("a")))
        read = FrameReader().receive(heard)
        assert [(frame.opcode, frame.payload) for frame in read] == [(1, b"a"), (0xA, b"p"), (1, b"a")]
        assert len({frame.key for frame in read}) == 3
        assert None not in {frame.key for frame in read}
        assert not ended

    def test_answers_a_close_and_ends_where_the_server_does_not(self) -> None:
        _, heard, ended = host(answering(lambda response: response, Frame.close(1001)))
        (frame,) = FrameReader().receive(heard)
        assert (frame.opcode, frame.payload) == (8, b"\x03\xe9")
        assert ended

    def test_refuses_a_masked_frame(self) -> None:
        _, heard, ended = host(answering(lambda response: response, Frame.text("a").masked(MASK)))
        (frame,) = FrameReader().receive(heard)
        assert (frame.opcode, int.from_bytes(frame.payload[:2], "big")) == (8, 1002)
        assert ended

    @pytest.mark.parametrize(
        "change",
        [
            lambda response: response.replacing("Upgrade", "WebSocket"),
            lambda response: response.replacing("Connection", "keep-alive, upgrade"),
            lambda response: response.with_field("Sec-WebSocket-Extensions", f"{DEFLATE}; client_max_window_bits=10"),
            lambda response: response.with_field("X-Unknown", "x"),
        ],
        ids=["upgrade", "connection", "deflate", "unknown"],
    )
    def test_takes_good_answers(self, change: Callable[[Response], Response]) -> None:
        _, heard, ended = host(answering(change, Frame.ping(b"p")))
        assert [frame.payload for frame in FrameReader().receive(heard)] == [b"p"]
        assert not ended

    @pytest.mark.parametrize(
        "change",
        [
            lambda response: Response(200, b"OK", fields=response.fields),
            lambda response: response.without("Upgrade"),
            lambda response: response.without("Connection"),
            lambda response: response.without("Sec-WebSocket-Accept"),
            lambda response: response.replacing("Sec-WebSocket-Accept", accept_value(KEY)),
            lambda response: response.with_field("Sec-WebSocket-Extensions", "x-other"),
            lambda response: response.with_field("Sec-WebSocket-Extensions", f"{DEFLATE}; server_max_window_bits=7"),
            lambda response: response.with_field("Sec-WebSocket-Protocol", "chat"),
        ],
        ids=["status", "upgrade", "connection", "no_accept", "accept", "extension", "parameter", "subprotocol"],
    )
    def test_fails_the_connection_on_bad_ones_without_a_frame(self, change: Callable[[Response], Response]) -> None:
        _, heard, ended = host(answering(change, Frame.ping(b"p")))
        assert (heard, ended) == (b"", True)

    def test_is_a_class_that_mutants_can_override(self) -> None:
        assert ReferenceClient.role.masks
        assert not ReferenceServer.role.masks
