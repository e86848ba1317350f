"""A connection in tests that end, hold or limit it: our own end, what is held back, what becomes evidence."""

from __future__ import annotations

import pytest
import trio

from tests.support.connection_harness import (
    answering,
    decided,
    expects_echo,
    expects_failure,
    expects_pong,
    expects_reply,
    never,
    passes,
    told,
)
from tests.support.scripted import FarEnd, Script, echo, put
from wsconform import Connection, Frame
from wsconform.endpoint.session import Facts, Limits
from wsconform.evidence.result import Reason, Verdict
from wsconform.evidence.transcript import Ending
from wsconform.wire.deflate import Deflater
from wsconform.wire.frame import CLOSE, PONG, RSV1, TEXT
from wsconform.wire.http1 import base_response

QUIET = Facts(echo=False)


class TestOurEnd:
    def test_pings_are_answered_until_our_close(self) -> None:
        pongs: list[Frame] = []

        async def script(end: FarEnd) -> None:
            await end.open()
            await end.send(Frame.ping(b"1"))
            while (frame := await end.frame()) is not None:
                if frame.opcode == PONG:
                    pongs.append(frame)
                    await end.send(Frame.text("go on"))
                if frame.opcode == CLOSE:
                    await end.send(Frame.ping(b"2"), Frame.close(1000))
                    await end.fin()

        async def body(ws: Connection) -> None:
            await ws.expect_echo(Frame.text("go on"))
            await ws.expect_closed_cleanly()

        passes(script, body)
        assert [(frame.payload, frame.key is not None) for frame in pongs] == [(b"1", True)]

    def test_a_case_can_leave_pings_unanswered(self) -> None:
        async def body(ws: Connection) -> None:
            ws.answers_pings = False
            await expects_reply(ws)

        attempted = passes(answering(close=(Frame.ping(b"x"), Frame.close(1000))), body)
        assert [frame.opcode for frame in attempted.conversations[0].sent] == [CLOSE]

    @pytest.mark.parametrize(("code", "reply"), [(1002, 1002), (4999, 4999), (1005, None), (1006, None), (2999, None)])
    def test_a_close_is_answered_with_its_code_where_that_may_be_sent(self, code: int, reply: int | None) -> None:
        attempted = passes(answering(reserved=(Frame.close(code),)), expects_failure)
        key = attempted.conversations[0].sent[-1].key
        assert attempted.conversations[0].sent[-1] == Frame(CLOSE, Frame.close(reply).payload, key=key)

    def test_frames_are_masked_with_fresh_keys_unless_said_otherwise(self) -> None:
        async def body(ws: Connection) -> None:
            await ws.send(Frame.text("a"), Frame.text("a"))
            await ws.send(Frame.text("a"), key=b"abcd")
            await ws.send(Frame.text("a"), masked=False)

        sent = passes(echo, body).conversations[0].sent
        keys = [frame.key for frame in sent]
        assert len(set(keys[:2])) == 2
        assert keys[2:] == [b"abcd", None]
        assert [frame.key for frame in passes(echo, body).conversations[0].sent] == keys

    def test_after_our_fin_nothing_is_answered_and_all_is_read(self) -> None:
        """A target may well send a Ping or a Close then; answering it would be our own mistake."""

        async def script(end: FarEnd) -> None:
            await end.open()
            assert await end.frame() is None
            await end.send(Frame.ping(b"there?"), Frame.close(1002))
            await end.fin()

        async def body(ws: Connection) -> None:
            await ws.half_close()
            closure = await ws.expect_ended()
            ws.expect(closure.status_code == 1002, "1002", str(closure))

        attempted = passes(script, body)
        assert [entry.summary for entry in attempted.transcript if "our FIN" in entry.summary] == ["our FIN"]

    def test_breaking_off_is_told(self) -> None:
        async def body(ws: Connection) -> None:
            await ws.break_off()

        attempted = passes(echo, body)
        assert attempted.conversations[0].broken_by_us
        assert attempted.transcript[-1].summary == "our RST"

    def test_sending_to_a_target_that_is_gone_is_an_event_and_no_error(self) -> None:
        async def body(ws: Connection) -> None:
            await ws.read_to_end()
            await ws.send(Frame.text("anybody?"))
            await ws.send_octets(bytes(1 << 16))

        async def script(end: FarEnd) -> None:
            await end.open()
            await end.rst()

        attempted = passes(script, body)
        assert [entry.summary for entry in attempted.transcript if entry.kind in ("event", "rst")] == [
            "RST",
            "could not send: RST",
            "could not send: RST",
        ]

    def test_compressed_messages_are_inflated(self) -> None:
        deflater = Deflater()

        async def script(end: FarEnd) -> None:
            await end.open(("Sec-WebSocket-Extensions", "permessage-deflate"))
            await end.frame()
            await end.send(Frame(TEXT, deflater.compress(b"Hello"), rsv=RSV1))

        async def body(ws: Connection) -> None:
            await ws.send(Frame(TEXT, ws.compress("Hello"), rsv=RSV1))
            await ws.expect_echo(Frame.text("Hello"))

        passes(script, body, offer="permessage-deflate")

    @pytest.mark.parametrize("bits", ["", "=99", "=x", '="0"', "=-1"])
    def test_a_window_of_any_size_in_the_answer_breaks_nothing(self, bits: str) -> None:
        async def script(end: FarEnd) -> None:
            answer = f"permessage-deflate; server_max_window_bits{bits}; client_max_window_bits{bits}"
            await end.open(("Sec-WebSocket-Extensions", answer))

        async def body(ws: Connection) -> None:
            await ws.read_to_end(0)

        passes(script, body, offer="permessage-deflate")

    def test_what_does_not_inflate_is_an_event(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open(("Sec-WebSocket-Extensions", "permessage-deflate"))
            await end.send(Frame(TEXT, b"\xff\xff", rsv=RSV1))
            await end.fin()

        async def body(ws: Connection) -> None:
            await ws.read_to_end()

        attempted = passes(script, body, offer="permessage-deflate")
        assert any("does not inflate: not a DEFLATE stream" in entry.summary for entry in attempted.transcript)

    def test_octets_that_make_no_frame_are_evidence(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            await end.send(Frame.text("Hello"), b"\x81\x05He")
            await end.fin()

        async def body(ws: Connection) -> None:
            await ws.read_to_end()

        attempted = passes(script, body)
        assert attempted.conversations[0].residue == b"\x81\x05He"
        assert [entry.summary for entry in attempted.transcript[-2:]] == ["4 octets that make no whole frame", "FIN"]

    def test_frames_right_behind_the_handshake_are_read(self) -> None:
        async def script(end: FarEnd) -> None:
            head = await end.head()
            assert head is not None
            response = base_response(head.fields.get("Sec-WebSocket-Key") or b"").encode()
            await end.send(response, Frame.text("Hello"))

        async def body(ws: Connection) -> None:
            await ws.expect_echo(Frame.text("Hello"))

        passes(script, body)


class TestLimits:
    @pytest.mark.parametrize("sent", [[Frame.binary(bytes(4096))], [Frame.text("x")] * 64])
    def test_1009_to_something_large_is_the_targets_own_limit(self, sent: list[Frame]) -> None:
        async def body(ws: Connection) -> None:
            await ws.echo(*sent)

        async def script(end: FarEnd) -> None:
            await end.open()
            await end.frame()
            await end.send(Frame.close(1009, "too big"))
            await end.fin()

        attempted = put(script, body)
        assert (attempted.verdict, attempted.reason) == (Verdict.INCONCLUSIVE, Reason.LIMIT)
        assert told(attempted)[2] == 'the target stopped at a limit of its own: Close 1009 "too big"'
        assert decided(attempted) == 'Close 9 1009 "too big"'

    def test_1009_to_something_small_is_a_failure(self) -> None:
        assert told(put(answering(text=(Frame.close(1009),)), expects_echo))[0] is Verdict.FAILED

    def test_reading_stops_at_the_cap_of_octets(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            while True:
                await end.send(Frame.binary(bytes(10_000)))

        attempted = put(script, expects_pong, limits=Limits(octets=50_000))
        assert (attempted.verdict, attempted.reason) == (Verdict.INCONCLUSIVE, Reason.ARRANGING)
        assert told(attempted)[2] == "the target sent more than 50000 octets; reading stopped there"

    def test_reading_stops_at_the_cap_of_octets_while_we_send_much(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            while True:
                await end.send(Frame.binary(bytes(10_000)))

        async def body(ws: Connection) -> None:
            ws.stream.send = never  # type: ignore[method-assign]
            await ws.send(Frame.binary(bytes(1 << 16)))

        attempted = put(script, body, limits=Limits(octets=50_000))
        assert (attempted.verdict, attempted.reason) == (Verdict.INCONCLUSIVE, Reason.ARRANGING)
        assert told(attempted)[2] == "the target sent more than 50000 octets; reading stopped there"

    def test_reading_stops_at_the_cap_of_frames(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            await end.send(*[Frame.pong()] * 11)

        attempted = put(script, expects_pong, limits=Limits(messages=10))
        assert told(attempted)[2] == "more than 10 frames came; reading stopped"

    def test_a_target_that_stops_reading_ends_a_large_send(self) -> None:
        async def body(ws: Connection) -> None:
            ws.stream.send = never  # type: ignore[method-assign]
            await ws.send_octets(bytes(1 << 16))

        attempted = passes(echo, body)
        assert attempted.transcript[-1].summary == "the target stopped reading; the rest was not sent"
        assert attempted.micros == 20_000_000

    def test_a_target_that_has_ended_its_direction_is_not_waited_for(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            await end.send(Frame.close(1000))
            await end.fin()

        async def body(ws: Connection) -> None:
            ws.stream.send = never  # type: ignore[method-assign]
            await ws.send_octets(bytes(1 << 16))

        attempted = passes(script, body)
        assert attempted.transcript[-1].summary == "the target stopped reading; the rest was not sent"
        assert attempted.micros < 200_000


class TestSlowAndPicky:
    """Who is slow is not silent, and who takes text alone may say so."""

    @staticmethod
    def pinging(times: int) -> Script:
        async def script(end: FarEnd) -> None:
            await end.open()
            asked = await end.frame()
            assert asked is not None
            for _ in range(times):
                with trio.move_on_after(3):
                    while await end.frame() is not None:
                        pass
                await end.send(Frame.ping(b"wait"))
            await end.send(Frame.text(asked.payload))
            while (frame := await end.frame()) is not None:
                if frame.opcode == CLOSE:
                    await end.send(Frame.close(1000))
                    await end.fin()

        return script

    def test_an_answer_is_waited_for_while_something_comes(self) -> None:
        passes(self.pinging(3), expects_echo)

    def test_and_not_for_ever(self) -> None:
        attempted = put(self.pinging(30), expects_echo)
        assert told(attempted)[2] == "nothing but other frames for 20 s"
        assert attempted.micros == 20_000_000

    @pytest.mark.parametrize(
        ("echoes", "text_only", "verdict"),
        [
            (0, True, Verdict.SKIPPED),
            (0, None, Verdict.SKIPPED),
            (0, False, Verdict.FAILED),
            (1, True, Verdict.FAILED),
            (1, None, Verdict.FAILED),
        ],
    )
    def test_a_target_that_takes_text_alone_puts_binary_messages_out_of_reach(
        self, echoes: int, text_only: bool | None, verdict: Verdict
    ) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            for _ in range(echoes):
                asked = await end.frame()
                assert asked is not None
                await end.send(Frame.binary(asked.payload))
            await end.frame()
            await end.send(Frame.close(1003, "text only"))
            await end.frame()
            await end.fin()

        async def body(ws: Connection) -> None:
            for number in range(echoes + 1):
                await ws.echo(Frame.binary(b"%d" % number))

        attempted = put(script, body, facts=Facts(text_only=text_only))
        assert attempted.verdict is verdict
        assert decided(attempted).startswith("Close 11 1003")
        if verdict is Verdict.SKIPPED:
            assert attempted.reason is Reason.NEEDS_ECHO
            assert told(attempted)[2] == 'the target takes no binary messages: Close 1003 "text only"'

    def test_a_message_that_is_small_when_compressed_may_be_too_large(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            await end.frame()
            await end.send(Frame.close(1009))
            await end.frame()
            await end.fin()

        async def body(ws: Connection) -> None:
            await ws.send(Frame.text("small"))
            await ws.expect_echo(Frame.text("a" * 5000))

        attempted = put(script, body)
        assert (attempted.verdict, attempted.reason) == (Verdict.INCONCLUSIVE, Reason.LIMIT)


class TestSettleAndEvidence:
    def test_settle_returns_what_came_before_the_pong(self) -> None:
        async def body(ws: Connection) -> None:
            await ws.send(Frame.text("a"))
            assert [received.payload for received in await ws.settle()] == [b"a"]
            assert await ws.settle() == []

        passes(echo, body)

    def test_settle_stops_at_an_end(self) -> None:
        async def body(ws: Connection) -> None:
            assert await ws.settle() == []
            ws.expect(ws.ended is Ending.RST, "RST", "otherwise")

        passes(answering(ping=None), body)

    def test_the_index_holds_past_the_cap_of_entries(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            await end.frame()
            await end.send(*[Frame.pong()] * 500, Frame.text("other"), *[Frame.pong()] * 20)

        attempted = put(script, expects_echo)
        assert any("entries left out" in entry.summary for entry in attempted.transcript)
        assert decided(attempted) == 'Text 5 "other"'

    def test_an_entry_left_out_is_not_pointed_at(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            await end.frame()
            await end.send(*[Frame.pong()] * 250, Frame.text("other"), *[Frame.pong()] * 200)

        attempted = put(script, expects_echo)
        assert attempted.finding is not None
        assert attempted.finding.entry is None
        whole = put(script, expects_echo, whole=True)
        assert decided(whole) == 'Text 5 "other"'
