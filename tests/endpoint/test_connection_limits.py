"""A connection: our own end of it, the limits of reading and sending, the evidence that it records."""

from __future__ import annotations

import pytest
import trio

from tests.support.connection_harness import (
    answering,
    assert_passes,
    deciding_summary,
    expects_echo,
    expects_failure,
    expects_pong,
    expects_reply,
    outcome,
    send_never_returns,
)
from tests.support.scripted import FarEnd, Script, echo, run_case
from wsconform import Connection, Frame
from wsconform.endpoint.session import Facts, Limits
from wsconform.evidence.result import EntryKind, Reason, Verdict
from wsconform.evidence.transcript import Ending
from wsconform.wire.deflate import Deflater
from wsconform.wire.frame import CLOSE, PONG, RSV1, TEXT
from wsconform.wire.http1 import base_response

QUIET = Facts(echo=False)


class TestOurEnd:
    def test_answers_pings_until_our_close(self) -> None:
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

        assert_passes(script, body)
        assert [(frame.payload, frame.key is not None) for frame in pongs] == [(b"1", True)]

    def test_a_case_can_leave_pings_unanswered(self) -> None:
        async def body(ws: Connection) -> None:
            ws.answers_pings = False
            await expects_reply(ws)

        attempted = assert_passes(answering(close=(Frame.ping(b"x"), Frame.close(1000))), body)
        assert [frame.opcode for frame in attempted.conversations[0].sent] == [CLOSE]

    @pytest.mark.parametrize(("code", "reply"), [(1002, 1002), (4999, 4999), (1005, None), (1006, None), (2999, None)])
    def test_answers_a_close_with_its_code_if_that_may_be_sent(self, code: int, reply: int | None) -> None:
        attempted = assert_passes(answering(reserved=(Frame.close(code),)), expects_failure)
        key = attempted.conversations[0].sent[-1].key
        assert attempted.conversations[0].sent[-1] == Frame(CLOSE, Frame.close(reply).payload, key=key)

    def test_masks_frames_with_fresh_keys_by_default(self) -> None:
        async def body(ws: Connection) -> None:
            await ws.send(Frame.text("a"), Frame.text("a"))
            await ws.send(Frame.text("a"), key=b"abcd")
            await ws.send(Frame.text("a"), masked=False)

        sent = assert_passes(echo, body).conversations[0].sent
        keys = [frame.key for frame in sent]
        assert len(set(keys[:2])) == 2
        assert keys[2:] == [b"abcd", None]
        assert [frame.key for frame in assert_passes(echo, body).conversations[0].sent] == keys

    def test_reads_everything_but_answers_nothing_after_our_fin(self) -> None:
        """A target may still send a Ping or a Close; answering it would be our own mistake."""

        async def script(end: FarEnd) -> None:
            await end.open()
            assert await end.frame() is None
            await end.send(Frame.ping(b"there?"), Frame.close(1002))
            await end.fin()

        async def body(ws: Connection) -> None:
            await ws.half_close()
            closure = await ws.expect_ended()
            ws.expect(closure.status_code == 1002, "1002", str(closure))

        attempted = assert_passes(script, body)
        ends = [(entry.kind, entry.summary) for entry in attempted.transcript if entry.kind in ("fin", "rst")]
        assert ends == [("fin", "our FIN"), ("fin", "FIN")]

    def test_records_our_rst(self) -> None:
        async def body(ws: Connection) -> None:
            await ws.break_off()

        attempted = assert_passes(echo, body)
        assert attempted.conversations[0].broken_by_us
        assert (attempted.transcript[-1].kind, attempted.transcript[-1].summary) == ("rst", "our RST")

    def test_records_that_a_target_is_gone_while_sending(self) -> None:
        async def body(ws: Connection) -> None:
            await ws.read_to_end()
            await ws.send(Frame.text("anybody?"))
            await ws.send_octets(bytes(1 << 16))

        async def script(end: FarEnd) -> None:
            await end.open()
            await end.rst()

        attempted = assert_passes(script, body)
        assert [(entry.kind, entry.summary) for entry in attempted.transcript[2:] if not entry.octets.length] == [
            (EntryKind.RST, "RST"),
            (EntryKind.EVENT, "could not send: RST"),
            (EntryKind.EVENT, "could not send: RST"),
        ]

    def test_inflates_compressed_messages(self) -> None:
        deflater = Deflater()

        async def script(end: FarEnd) -> None:
            await end.open(("Sec-WebSocket-Extensions", "permessage-deflate"))
            await end.frame()
            await end.send(Frame(TEXT, deflater.compress(b"Hello"), rsv=RSV1))

        async def body(ws: Connection) -> None:
            await ws.send(Frame(TEXT, ws.compress("Hello"), rsv=RSV1))
            await ws.expect_echo(Frame.text("Hello"))

        assert_passes(script, body, offer="permessage-deflate")

    @pytest.mark.parametrize("bits", ["", "=99", "=x", '="0"', "=-1"])
    def test_accepts_any_window_size_in_the_answer(self, bits: str) -> None:
        async def script(end: FarEnd) -> None:
            answer = f"permessage-deflate; server_max_window_bits{bits}; client_max_window_bits{bits}"
            await end.open(("Sec-WebSocket-Extensions", answer))

        async def body(ws: Connection) -> None:
            await ws.read_to_end(0)

        assert_passes(script, body, offer="permessage-deflate")

    def test_records_a_message_that_does_not_inflate(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open(("Sec-WebSocket-Extensions", "permessage-deflate"))
            await end.send(Frame(TEXT, b"\xff\xff", rsv=RSV1))
            await end.fin()

        async def body(ws: Connection) -> None:
            await ws.read_to_end()

        attempted = assert_passes(script, body, offer="permessage-deflate")
        assert any("does not inflate: not a DEFLATE stream" in entry.summary for entry in attempted.transcript)

    def test_records_the_octets_of_an_incomplete_frame(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            await end.send(Frame.text("Hello"), b"\x81\x05He")
            await end.fin()

        async def body(ws: Connection) -> None:
            await ws.read_to_end()

        attempted = assert_passes(script, body)
        assert attempted.conversations[0].residue == b"\x81\x05He"
        assert [entry.summary for entry in attempted.transcript[-2:]] == ["4 octets of an incomplete frame", "FIN"]

    def test_reads_frames_directly_after_the_handshake(self) -> None:
        async def script(end: FarEnd) -> None:
            head = await end.head()
            assert head is not None
            response = base_response(head.fields.get("Sec-WebSocket-Key") or b"").encode()
            await end.send(response, Frame.text("Hello"))

        async def body(ws: Connection) -> None:
            await ws.expect_echo(Frame.text("Hello"))

        assert_passes(script, body)


class TestLimits:
    @pytest.mark.parametrize("sent", [[Frame.binary(bytes(4096))], [Frame.text("x")] * 64])
    def test_1009_after_something_large_is_a_limit_of_the_target(self, sent: list[Frame]) -> None:
        async def body(ws: Connection) -> None:
            await ws.echo(*sent)

        async def script(end: FarEnd) -> None:
            await end.open()
            await end.frame()
            await end.send(Frame.close(1009, "too big"))
            await end.fin()

        attempted = run_case(script, body)
        assert (attempted.verdict, attempted.reason) == (Verdict.INCONCLUSIVE, Reason.LIMIT)
        assert outcome(attempted)[2] == 'the target stopped at a limit of its own: Close 1009 "too big"'
        assert deciding_summary(attempted) == 'Close 9 1009 "too big"'

    def test_1009_after_something_small_is_a_violation(self) -> None:
        assert outcome(run_case(answering(text=(Frame.close(1009),)), expects_echo))[0] is Verdict.FAILED

    def test_stops_reading_at_the_limit_of_octets(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            while True:
                await end.send(Frame.binary(bytes(10_000)))

        attempted = run_case(script, expects_pong, limits=Limits(octets=50_000))
        assert (attempted.verdict, attempted.reason) == (Verdict.INCONCLUSIVE, Reason.ARRANGING)
        assert outcome(attempted)[2] == "the target sent more than 50000 octets; reading stopped there"

    def test_stops_reading_at_the_limit_of_octets_while_sending(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            while True:
                await end.send(Frame.binary(bytes(10_000)))

        async def body(ws: Connection) -> None:
            ws.stream.send = send_never_returns  # type: ignore[method-assign]
            await ws.send(Frame.binary(bytes(1 << 16)))

        attempted = run_case(script, body, limits=Limits(octets=50_000))
        assert (attempted.verdict, attempted.reason) == (Verdict.INCONCLUSIVE, Reason.ARRANGING)
        assert outcome(attempted)[2] == "the target sent more than 50000 octets; reading stopped there"

    def test_stops_reading_at_the_limit_of_frames(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            await end.send(*[Frame.pong()] * 11)

        attempted = run_case(script, expects_pong, limits=Limits(messages=10))
        assert outcome(attempted)[2] == "the target sent more than 10 frames; reading stopped there"

    def test_gives_up_a_large_send_if_the_target_stops_reading(self) -> None:
        async def body(ws: Connection) -> None:
            ws.stream.send = send_never_returns  # type: ignore[method-assign]
            await ws.send_octets(bytes(1 << 16))

        attempted = assert_passes(echo, body)
        assert attempted.transcript[-1].summary == "the target stopped reading; the rest was not sent"
        assert attempted.micros == 20_000_000

    def test_gives_up_a_large_send_soon_after_the_target_ended_its_direction(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            await end.send(Frame.close(1000))
            await end.fin()

        async def body(ws: Connection) -> None:
            ws.stream.send = send_never_returns  # type: ignore[method-assign]
            await ws.send_octets(bytes(1 << 16))

        attempted = assert_passes(script, body)
        assert attempted.transcript[-1].summary == "the target stopped reading; the rest was not sent"
        assert attempted.micros < 200_000


class TestSlowAndTextOnlyTargets:
    """A slow target is not silent, and a target may accept only text (Close 1003)."""

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

    def test_waits_for_an_answer_while_other_frames_come(self) -> None:
        assert_passes(self.pinging(3), expects_echo)

    def test_stops_waiting_after_four_times_the_patience(self) -> None:
        attempted = run_case(self.pinging(30), expects_echo)
        assert outcome(attempted)[2] == "nothing but other frames for 20 s"
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
    def test_skips_binary_messages_if_the_target_accepts_only_text(
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

        attempted = run_case(script, body, facts=Facts(text_only=text_only))
        assert attempted.verdict is verdict
        assert deciding_summary(attempted).startswith("Close 11 1003")
        if verdict is Verdict.SKIPPED:
            assert attempted.reason is Reason.NEEDS_ECHO
            assert outcome(attempted)[2] == 'the target accepts no binary messages: Close 1003 "text only"'

    def test_a_message_that_is_small_on_the_wire_may_be_too_large(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            await end.frame()
            await end.send(Frame.close(1009))
            await end.frame()
            await end.fin()

        async def body(ws: Connection) -> None:
            await ws.send(Frame.text("small"))
            await ws.expect_echo(Frame.text("a" * 5000))

        attempted = run_case(script, body)
        assert (attempted.verdict, attempted.reason) == (Verdict.INCONCLUSIVE, Reason.LIMIT)


class TestSettleAndEvidence:
    def test_settle_returns_messages_before_the_pong(self) -> None:
        async def body(ws: Connection) -> None:
            await ws.send(Frame.text("a"))
            assert [received.payload for received in await ws.settle()] == [b"a"]
            assert await ws.settle() == []

        assert_passes(echo, body)

    def test_settle_stops_at_the_end_of_the_connection(self) -> None:
        async def body(ws: Connection) -> None:
            assert await ws.settle() == []
            ws.expect(ws.ended is Ending.RST, "RST", "otherwise")

        assert_passes(answering(ping=None), body)

    def test_the_deciding_entry_is_found_after_entries_left_out(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            await end.frame()
            await end.send(*[Frame.pong()] * 500, Frame.text("other"), *[Frame.pong()] * 20)

        attempted = run_case(script, expects_echo)
        assert any("entries left out" in entry.summary for entry in attempted.transcript)
        assert deciding_summary(attempted) == 'Text 5 "other"'

    def test_a_finding_does_not_refer_to_an_entry_left_out(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            await end.frame()
            await end.send(*[Frame.pong()] * 250, Frame.text("other"), *[Frame.pong()] * 200)

        attempted = run_case(script, expects_echo)
        assert attempted.finding is not None
        assert attempted.finding.entry is None
        whole = run_case(script, expects_echo, whole=True)
        assert deciding_summary(whole) == 'Text 5 "other"'
