"""Volumes: the sent frames, the comparison of echoes, limits of the target, transcripts, and compression."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from tests.support.scripted import FarEnd, Script, run_case
from tests.transport.test_stream import served
from wsconform import Connection, Frame
from wsconform.endpoint.session import Facts
from wsconform.endpoint.volume.exchange import echo_volume, refusal
from wsconform.endpoint.volume.message import Message, RepeatedOctets, replayed
from wsconform.evidence.result import Direction, Reason, Verdict
from wsconform.run.judge import Attempted
from wsconform.transport.tcp import dial_tcp
from wsconform.wire.deflate import Deflater, Inflater
from wsconform.wire.frame import BINARY, CLOSE, CONTINUATION, PING, PONG, RSV1, TEXT, apply_mask

PATTERN = b"0123456789abcdefghijklmnopqrstuvwxyz-"
MEBIBYTE = 1 << 20
OFFER = "permessage-deflate; client_max_window_bits"

Answer = Callable[[int, bytes], Iterable[Frame | bytes]]


def one_frame(opcode: int, payload: bytes) -> Iterable[Frame]:
    """Answer like a correct echo server."""
    return (Frame(opcode, payload),)


def answering(answer: Answer, *, seen: list[Frame] | None = None, extension: str = "") -> Script:
    """Return a script that answers each whole message with the frames of `answer`, and Pings with Pongs."""

    async def script(end: FarEnd) -> None:
        await end.open(*((("Sec-WebSocket-Extensions", extension),) if extension else ()))
        opcode, parts = 0, list[bytes]()
        while (frame := await end.frame()) is not None:
            if seen is not None:
                seen.append(frame)
            if frame.opcode == PING:
                await end.send(Frame.pong(frame.payload))
            elif frame.opcode == CLOSE:
                await end.send(Frame.close(1000))
                await end.fin()
            elif frame.opcode != PONG:
                opcode = frame.opcode or opcode
                parts.append(frame.payload)
                if frame.fin:
                    replies = list(answer(opcode, b"".join(parts)))
                    parts = []
                    await end.send(*replies)
                    if any(isinstance(reply, Frame) and reply.opcode == CLOSE for reply in replies):
                        await end.fin()

    return script


def echoing(messages: Sequence[Message], piece: int | None = None) -> Callable[[Connection], Awaitable[None]]:
    """Return the body of a case that sends `messages` and expects their echoes."""

    async def body(ws: Connection) -> None:
        await echo_volume(ws, messages, piece=piece)

    return body


def attempted(answer: Answer, *messages: Message, **options: Any) -> Attempted:
    """Exchange `messages` with a target that answers with `answer`."""
    return run_case(answering(answer), echoing(messages), **options)


def run_of(octets: int, opcode: int = BINARY, fragment: int | None = None) -> Message:
    """Return a message of a pattern whose length is not a power of two."""
    return Message(opcode, RepeatedOctets(PATTERN, octets), fragment=fragment)


class TestRepeatedOctets:
    @given(st.binary(min_size=1, max_size=9), st.integers(0, 300), st.integers(0, 300))
    def test_any_part_equals_that_of_the_repeated_pattern(self, pattern: bytes, start: int, count: int) -> None:
        assert RepeatedOctets(pattern, 600).at(start, count) == (pattern * 700)[start : start + count]

    @given(
        st.binary(min_size=1, max_size=9), st.integers(0, 40), st.integers(0, 300), st.binary(min_size=4, max_size=4)
    )
    def test_masking_equals_that_of_any_payload(self, pattern: bytes, start: int, count: int, key: bytes) -> None:
        octets = b"".join(Message(BINARY, RepeatedOctets(pattern, 400)).masked(start, count, key))
        assert octets == apply_mask((pattern * 400)[start : start + count], key)

    def test_a_long_payload_is_made_in_consecutive_pieces(self) -> None:
        pieces = list(run_of(MEBIBYTE).masked(0, MEBIBYTE, b"abcd"))
        assert max(map(len, pieces)) <= 1 << 16
        assert len({id(piece) for piece in pieces}) == 2
        assert math.lcm(len(PATTERN), 4) == 148
        assert apply_mask(b"".join(pieces), b"abcd") == RepeatedOctets(PATTERN, MEBIBYTE).at(0, MEBIBYTE)


class TestSending:
    @pytest.mark.parametrize(
        ("length", "fragment", "frames"),
        [
            (0, None, [(TEXT, True, 0)]),
            (5, None, [(TEXT, True, 5)]),
            (5, 6, [(TEXT, True, 5)]),
            (5, 5, [(TEXT, False, 5), (CONTINUATION, True, 0)]),
            (5, 2, [(TEXT, False, 2), (CONTINUATION, False, 2), (CONTINUATION, True, 1)]),
            (200_000, 100_000, [(TEXT, False, 100_000), (CONTINUATION, False, 100_000), (CONTINUATION, True, 0)]),
        ],
    )
    def test_frames(self, length: int, fragment: int | None, frames: list[tuple[int, bool, int]]) -> None:
        seen: list[Frame] = []
        run_case(answering(one_frame, seen=seen), echoing([run_of(length, TEXT, fragment)]))
        assert [(frame.opcode, frame.fin, len(frame.payload)) for frame in seen] == frames
        assert b"".join(frame.payload for frame in seen) == RepeatedOctets(PATTERN, length).at(0, length)
        assert len({frame.key for frame in seen}) == len(seen)

    def test_writes_of_a_size_continue_across_frames(self) -> None:
        written: list[int] = []

        async def body(ws: Connection) -> None:
            inner = ws.stream.send_each

            async def send_each(pieces: Iterable[bytes]) -> None:
                kept = list(pieces)
                written.extend(map(len, kept))
                await inner(kept)

            ws.stream.send_each = send_each  # type: ignore[method-assign]
            await echo_volume(ws, [run_of(300_000), run_of(10)], piece=1000)

        assert run_case(answering(one_frame), body).verdict is Verdict.PASSED
        # Two headers of 14 and 6 octets, and the payloads.
        assert written[:-1] == [1000] * (len(written) - 1)
        assert sum(written) == 300_000 + 10 + 20

    def test_limits_messages_and_octets_in_flight(self) -> None:
        most = 0
        waiting = 0

        async def script(end: FarEnd) -> None:
            nonlocal most, waiting
            await end.open()
            kept: list[Frame] = []
            while True:
                with trio.move_on_after(1):
                    frame = await end.frame()
                    if frame is None:
                        return
                    kept.append(frame)
                    continue
                most = max(most, len(kept))
                await end.send(*(Frame(frame.opcode, frame.payload) for frame in kept))
                kept = []

        assert run_case(script, echoing([run_of(10)] * 200)).verdict is Verdict.PASSED
        assert most == 64
        most = 0
        assert run_case(script, echoing([run_of(300_000)] * 9)).verdict is Verdict.PASSED
        assert most == 4


class TestEchoes:
    @pytest.mark.parametrize("size", [1, 7, 1000, 65536])
    def test_accepts_any_fragmentation_with_control_frames_between(self, size: int) -> None:
        seen: list[Frame] = []

        def cut(opcode: int, payload: bytes) -> Iterable[Frame]:
            for at in range(0, len(payload), size):
                yield Frame(CONTINUATION if at else opcode, payload[at : at + size], fin=False)
                if at < 3 * size:
                    yield Frame.ping(b"%d" % at)
            yield Frame.continuation(b"")

        result = run_case(answering(cut, seen=seen), echoing([run_of(3000, TEXT), run_of(70_000)]))
        assert result.verdict is Verdict.PASSED
        pongs = [frame.payload for frame in seen if frame.opcode == PONG]
        assert len(pongs) == sum(min(3, -(-length // size)) for length in (3000, 70_000))

    def test_exchanges_a_thousand_messages(self) -> None:
        seen: list[Frame] = []
        result = run_case(answering(one_frame, seen=seen), echoing([run_of(size) for size in range(1000)]))
        assert result.verdict is Verdict.PASSED
        assert [len(frame.payload) for frame in seen] == list(range(1000))

    @pytest.mark.parametrize(
        ("answer", "observed"),
        [
            (lambda o, p: [Frame(o, p[:70_000] + b"!" + p[70_001:])], "a payload that differs from octet 70000 on"),
            (lambda o, p: [Frame(o, p[:-1])], "Binary of only the first 99999 octets"),
            (lambda o, p: [Frame(o, p + b"x")], "a payload that differs from octet 100000 on"),
            (lambda o, p: [Frame(o, b"")], "Binary of only the first 0 octets"),
            (lambda o, p: [Frame(TEXT, p)], "another type: Text"),
            (lambda o, p: [Frame.continuation(p)], "another type: Continuation"),
            (lambda o, p: [Frame(o, p), Frame(o, b"once more")], "a payload that differs from octet 0 on"),
            (lambda o, p: [], "nothing for 20 s"),
            (lambda o, p: [Frame(o, p, fin=False)], "nothing for 20 s"),
            (lambda o, p: [Frame.close(1002)], "Close 1002"),
            (lambda o, p: [Frame.close(1007)], "Close 1007"),
            (lambda o, p: [b"\x89\x7e\x00\x80" + bytes(128), Frame.text("?")], 'Text of 1 octet ("?")'),
        ],
    )
    def test_fails_for_other_reactions(self, answer: Answer, observed: str) -> None:
        # Two messages, so that the additional octets come before the last echo.
        result = attempted(answer, run_of(100_000), run_of(100_000))
        assert result.verdict is Verdict.FAILED
        assert result.finding is not None
        assert result.finding.observed == observed

    def test_fails_for_one_message_more_than_was_sent(self) -> None:
        result = attempted(lambda o, p: [Frame(o, p), Frame(o, b"once more")], run_of(10))
        assert result.verdict is Verdict.FAILED
        assert result.finding is not None
        assert result.finding.observed == "one message more than was sent"

    def test_shows_the_octets_that_differ(self) -> None:
        result = attempted(lambda o, p: [Frame(o, p[:70_000] + b"!!" + p[70_002:])], run_of(100_000))
        assert result.finding is not None
        assert result.finding.entry is not None
        assert result.transcript[result.finding.entry].octets.head.startswith(b"!!")

    def test_fails_for_another_order(self) -> None:
        kept: list[bytes] = []

        def turned(opcode: int, payload: bytes) -> Iterable[Frame]:
            kept.append(payload)
            return [Frame(opcode, each) for each in reversed(kept)] if len(kept) == 2 else []

        result = attempted(turned, run_of(10), run_of(11))
        assert result.verdict is Verdict.FAILED

    def test_ignores_a_greeting_between_echoes(self) -> None:
        def chatting(opcode: int, payload: bytes) -> Iterable[Frame]:
            return [Frame.text("0123 hello"), Frame(opcode, payload)]

        facts = Facts(chatter=frozenset({b"0123 hello"}))
        assert attempted(chatting, run_of(20_000, TEXT), run_of(5), facts=facts).verdict is Verdict.PASSED
        assert attempted(chatting, run_of(20_000, TEXT), facts=Facts(chatty=True)).verdict is Verdict.PASSED
        assert attempted(chatting, run_of(20_000, TEXT)).verdict is Verdict.FAILED
        other = Facts(chatter=frozenset({b"another"}))
        assert attempted(chatting, run_of(20_000, TEXT), facts=other).verdict is Verdict.FAILED


class TestLimits:
    @pytest.mark.parametrize(
        ("message", "code", "verdict"),
        [
            (run_of(10), 1009, Verdict.INCONCLUSIVE),
            (run_of(2 * MEBIBYTE), 1009, Verdict.INCONCLUSIVE),
            (run_of(2 * MEBIBYTE), 1008, Verdict.INCONCLUSIVE),
            (run_of(2 * MEBIBYTE), None, Verdict.INCONCLUSIVE),
            (run_of(2 * MEBIBYTE), 1002, Verdict.FAILED),
            (run_of(2 * MEBIBYTE), 1007, Verdict.FAILED),
            (run_of(100, fragment=1), 1002, Verdict.INCONCLUSIVE),
            (run_of(100, fragment=1), 1007, Verdict.FAILED),
            (run_of(1000), None, Verdict.FAILED),
        ],
    )
    def test_an_end_at_a_limit_is_inconclusive(self, message: Message, code: int | None, verdict: Verdict) -> None:
        result = attempted(lambda o, p: [Frame.close(code)], message)
        assert result.verdict is verdict
        assert (result.reason is Reason.LIMIT) is (verdict is Verdict.INCONCLUSIVE)

    @pytest.mark.parametrize(("octets", "verdict"), [(1000, Verdict.FAILED), (2 * MEBIBYTE, Verdict.INCONCLUSIVE)])
    def test_an_end_without_a_close(self, octets: int, verdict: Verdict) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            await end.frame()
            await end.fin()

        assert run_case(script, echoing([run_of(octets)])).verdict is verdict

    def test_an_rst_while_we_send(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            await end.stream.receive_some(10)
            await end.rst()

        result = run_case(script, echoing([run_of(2 * MEBIBYTE)] * 3))
        assert result.verdict is Verdict.INCONCLUSIVE
        assert result.finding is not None
        assert "RST" in result.finding.observed

    @pytest.mark.parametrize("echo", [True, False])
    def test_refusal_returns_any_end_of_the_connection(self, echo: bool) -> None:
        refusals: list[str | None] = []

        def answer(opcode: int, payload: bytes) -> Iterable[Frame]:
            if len(payload) > 100:
                return [Frame.close(1002, "no")]
            return [Frame(opcode, payload)] if echo else []

        async def body(ws: Connection) -> None:
            refusals.append(await refusal(ws, run_of(100)))
            refusals.append(await refusal(ws, run_of(101)))

        assert run_case(answering(answer), body, facts=Facts(echo=echo)).verdict is Verdict.PASSED
        assert refusals == [None, 'Close 1002 "no"']

    def test_refusal_fails_for_a_wrong_echo(self) -> None:
        async def body(ws: Connection) -> None:
            await refusal(ws, run_of(100))

        assert run_case(answering(lambda o, p: [Frame(o, p[:-1] + b"!")]), body).verdict is Verdict.FAILED


class TestTranscript:
    def test_shows_the_first_frames_and_the_number_of_the_others(self) -> None:
        result = attempted(one_frame, *[run_of(10)] * 100)
        frames = [entry for entry in result.transcript if entry.kind == "frame"]
        assert [sum(entry.direction is way for entry in frames) for way in (Direction.OURS, Direction.TARGET)] == [
            12,
            12,
        ]
        events = [entry.summary for entry in result.transcript if entry.kind in ("event", "gap")]
        assert "100 messages sent, in 100 frames of 1600 octets" in events
        assert "100 echoes came, in 100 frames" in events

    def test_shows_the_first_and_last_octets_and_a_hash(self) -> None:
        result = attempted(one_frame, run_of(MEBIBYTE))
        whole = Frame(BINARY, RepeatedOctets(PATTERN, MEBIBYTE).at(0, MEBIBYTE)).encode()
        came = next(e for e in result.transcript if e.kind == "frame" and e.direction is Direction.TARGET)
        assert came.summary == f"Binary {MEBIBYTE}"
        assert (came.octets.head, came.octets.tail, came.octets.length) == (whole[:128], whole[-64:], len(whole))
        assert came.octets.sha256 == hashlib.sha256(whole).hexdigest()

    def test_monitors_get_small_frames_whole_and_headers_of_large_ones(self) -> None:
        (conversation,) = attempted(one_frame, run_of(10), run_of(MEBIBYTE), run_of(11)).conversations
        frames = [frame for _, frame in conversation.frames]
        assert [(len(frame.payload), frame.length) for frame in frames] == [(10, 10), (0, MEBIBYTE), (11, 11)]
        assert all(frame.is_minimal for frame in frames)
        assert not conversation.gap


class TestCompression:
    """A connection with permessage-deflate and context takeover in both directions."""

    def run(
        self,
        answer: Answer,
        count: int,
        payloads: Sequence[bytes],
        fragment: int | None = None,
        facts: Facts | None = None,
    ) -> Attempted:
        async def body(ws: Connection) -> None:
            await echo_volume(ws, replayed(ws, payloads, TEXT, count, fragment))

        return run_case(answering(answer, extension="permessage-deflate"), body, offer=OFFER, facts=facts or Facts())

    def inflating(self) -> tuple[Answer, list[bytes]]:
        inflater, deflater, seen = Inflater(), Deflater(), list[bytes]()

        def answer(opcode: int, payload: bytes) -> Iterable[Frame]:
            seen.append(inflater.decompress(payload))
            return [Frame(opcode, deflater.compress(seen[-1]), rsv=RSV1)]

        return answer, seen

    @pytest.mark.parametrize("fragment", [None, 100])
    def test_repetitions_are_correct_with_context_takeover(self, fragment: int | None) -> None:
        text = PATTERN.decode() * 2000
        payloads = [f"{number} {text[number * 777 : number * 777 + 9000]} {number}".encode() for number in range(5)]
        answer, seen = self.inflating()
        result = self.run(answer, 23, payloads, fragment)
        assert (result.verdict, result.finding) == (Verdict.PASSED, None)
        assert seen == [payloads[number % 5] for number in range(23)]
        assert result.conversations[0].gap

    def test_compresses_each_payload_at_most_twice(self) -> None:
        payloads, calls = [bytes(20_000), b"x" * 20_000], list[bytes]()

        async def body(ws: Connection) -> None:
            inner = ws.compress

            def compress(payload: str | bytes) -> bytes:
                calls.append(bytes(payload, "ascii") if isinstance(payload, str) else payload)
                return inner(payload)

            ws.compress = compress  # type: ignore[method-assign]
            await echo_volume(ws, replayed(ws, payloads, BINARY, 50, None))

        answer, seen = self.inflating()
        assert run_case(answering(answer, extension="permessage-deflate"), body, offer=OFFER).verdict is Verdict.PASSED
        assert (len(seen), len(calls)) == (50, 4)

    def test_compresses_each_message_alone_without_takeover(self) -> None:
        seen: list[bytes] = []
        extension = "permessage-deflate; client_no_context_takeover; client_max_window_bits=9"

        def answer(opcode: int, payload: bytes) -> Iterable[Frame]:
            seen.append(Inflater(9).decompress(payload))
            return [Frame(opcode, seen[-1])]

        async def body(ws: Connection) -> None:
            assert ws.window == (9, False)
            await echo_volume(ws, replayed(ws, [PATTERN * 100, bytes(5000)], BINARY, 5, None))

        assert run_case(answering(answer, extension=extension), body, offer=OFFER).verdict is Verdict.PASSED
        assert seen == [PATTERN * 100, bytes(5000)] * 2 + [PATTERN * 100]

    def test_compresses_every_message_if_a_repetition_is_shorter_than_the_window(self) -> None:
        answer, seen = self.inflating()
        assert self.run(answer, 40, [b"Hello", b"World"]).verdict is Verdict.PASSED
        assert seen == [b"Hello", b"World"] * 20

    def test_accepts_uncompressed_echoes(self) -> None:
        answer, seen = self.inflating()

        def plain(opcode: int, payload: bytes) -> Iterable[Frame]:
            list(answer(opcode, payload))
            return [Frame(opcode, seen[-1])]

        assert self.run(plain, 5, [PATTERN]).verdict is Verdict.PASSED

    @pytest.mark.parametrize(
        ("payload", "observed"),
        [
            (b"\x07", "a message that does not inflate"),
            (Deflater().compress(b"Hello there"), "a payload that differs from octet 0 on"),
            (bytes(10_000), "more octets than the compressed message can have"),
            (Deflater().compress(bytes(1 << 20)), "a payload that differs from octet 0 on"),
        ],
    )
    def test_fails_for_other_reactions(self, payload: bytes, observed: str) -> None:
        result = self.run(lambda o, p: [Frame(o, payload, rsv=RSV1)], 1, [PATTERN])
        assert result.verdict is Verdict.FAILED
        assert result.finding is not None
        assert result.finding.observed.startswith(observed)

    def test_fails_for_an_endless_compressed_message_of_a_chatty_target(self) -> None:
        """The message never ends; it is rejected as soon as no echo, and no chatter, can be that long."""
        parts = [Frame(TEXT, bytes(5000), fin=False, rsv=RSV1), Frame(CONTINUATION, bytes(5000), fin=False)]
        result = self.run(lambda o, p: parts, 1, [PATTERN], facts=Facts(chatty=True))
        assert result.verdict is Verdict.FAILED
        assert result.finding is not None
        assert result.finding.observed == "more octets than the compressed message can have"


async def test_writes_to_a_socket_arrive_whole() -> None:
    came = bytearray()
    done = trio.Event()

    async def read(stream: trio.SocketStream) -> None:
        async for octets in stream:
            came.extend(octets)
        done.set()

    async with served(read) as port:
        stream = await dial_tcp("127.0.0.1", port)
        octets = RepeatedOctets(PATTERN, 1 << 20).at(0, 1 << 20)
        await stream.send_each(octets[at : at + 700] for at in range(0, len(octets), 700))
        await stream.send_eof()
        await done.wait()
        await stream.aclose()
    assert bytes(came) == octets
