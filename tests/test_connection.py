"""What a case says with a connection: every `expect_*` both ways, in the words of its finding."""

from __future__ import annotations

import pytest
import trio

from tests.scripted import Body, FarEnd, Script, echo, polite, put
from wsconform import Connection, Frame, Provocation
from wsconform.handshake import base_response
from wsconform.judge import Attempted
from wsconform.result import Reason, Verdict
from wsconform.session import Facts, Limits
from wsconform.transcript import Closure, Ending
from wsconform.wire.deflate import Deflater
from wsconform.wire.frame import CLOSE, PING, PONG, RSV1, TEXT

QUIET = Facts(echo=False)


def answering(**replies: tuple[Frame | bytes, ...] | None) -> Script:
    """Return a script that answers as a good echo server, except to the opcodes named (None: breaks off)."""
    names = {"text": TEXT, "ping": PING, "pong": PONG, "close": CLOSE, "reserved": 0x3}
    special = {names[name]: reply for name, reply in replies.items()}

    async def script(end: FarEnd) -> None:
        await end.open()
        while (frame := await end.frame()) is not None:
            reply = special.get(frame.opcode, polite(frame))
            if reply is None:
                await end.rst()
                return
            if reply:
                await end.send(*reply)
            if any(isinstance(each, Frame) and each.opcode == CLOSE for each in reply):
                await end.fin()

    return script


def told(attempted: Attempted) -> tuple[Verdict, str, str]:
    """Return verdict, expected and observed."""
    assert attempted.finding is not None
    return attempted.verdict, attempted.finding.expected, attempted.finding.observed


def decided(attempted: Attempted) -> str:
    """Return the summary of the transcript entry that decided."""
    assert attempted.finding is not None
    assert attempted.finding.entry is not None
    return attempted.transcript[attempted.finding.entry].summary


def passes(script: Script, body: Body, **options: object) -> Attempted:
    """Put and expect a pass."""
    attempted = put(script, body, **options)  # type: ignore[arg-type]
    assert (attempted.verdict, attempted.finding) == (Verdict.PASSED, None)
    return attempted


async def never(octets: bytes) -> None:
    """Send nothing and never return, as to a target that has stopped reading."""
    await trio.sleep_forever()


async def expects_echo(ws: Connection) -> None:
    await ws.echo(Frame.text("Hello"))


async def expects_pong(ws: Connection) -> None:
    await ws.send(Frame.ping(b"data"))
    await ws.expect_pong(b"data")


async def expects_alive(ws: Connection) -> None:
    await ws.expect_alive()


async def expects_no_reaction(ws: Connection) -> None:
    await ws.send(Frame.pong(b"unasked"))
    await ws.expect_no_reaction("an unsolicited Pong")


async def expects_failure(ws: Connection) -> None:
    await ws.send(Frame(0x3, b"wrong"))
    await ws.expect_connection_failed()


async def expects_reply(ws: Connection) -> None:
    await ws.expect_closed_cleanly()


async def expects_end(ws: Connection) -> None:
    await ws.send(Frame.close(1000))
    await ws.expect_ended()


async def expects_stream_end(ws: Connection) -> None:
    await ws.send(Frame.close(1000))
    await ws.expect_stream_end(3)


class TestExpectEcho:
    WANTED = 'the echo, Text of 5 octets ("Hello")'

    def test_met(self) -> None:
        passes(echo, expects_echo)

    def test_met_in_fragments_with_a_ping_between(self) -> None:
        fragments = (Frame.text("Hel", fin=False), Frame.ping(b"x"), Frame.continuation("lo"))
        passes(answering(text=fragments), expects_echo)

    @pytest.mark.parametrize(
        ("reply", "observed"),
        [
            ((Frame.text("other"),), 'Text of 5 octets ("other")'),
            ((Frame.text("Hel"),), 'Text of 3 octets ("Hel")'),
            ((Frame.binary(b"Hello"),), 'the payload as another type: Binary of 5 octets ("Hello")'),
            ((Frame.binary(b"\xff\x00"),), "Binary of 2 octets (ff 00)"),
            ((Frame.close(1002, "no"),), 'Close 1002 "no"'),
            ((), "nothing for 5 s"),
            (None, "the end of the connection (RST)"),
        ],
    )
    def test_not_met(self, reply: tuple[Frame, ...] | None, observed: str) -> None:
        assert told(put(answering(text=reply), expects_echo)) == (Verdict.FAILED, self.WANTED, observed)

    def test_a_long_payload_says_where_it_differs(self) -> None:
        async def body(ws: Connection) -> None:
            await ws.echo(Frame.binary(bytes(100)))

        async def script(end: FarEnd) -> None:
            await end.open()
            await end.frame()
            await end.send(Frame.binary(bytes(70) + b"\1" + bytes(29)))

        start = "00 " * 23 + "00 ..."
        assert told(put(script, body)) == (
            Verdict.FAILED,
            f"the echo, Binary of 100 octets ({start})",
            f"Binary of 100 octets ({start}), which differs from octet 70 on",
        )

    def test_the_finding_points_at_the_deciding_entry(self) -> None:
        attempted = put(answering(text=(Frame.ping(b"x"), Frame.text("other"), Frame.pong(b"later"))), expects_echo)
        assert decided(attempted) == 'Text 5 "other"'

    def test_several_are_expected_in_order(self) -> None:
        async def body(ws: Connection) -> None:
            await ws.send(Frame.text("a"), Frame.text("b"))
            assert [received.payload for received in await ws.expect_echo(Frame.text("a"), Frame.text("b"))] == [
                b"a",
                b"b",
            ]

        passes(echo, body)


class TestChatter:
    def test_a_greeting_that_the_probe_knows_does_not_disturb(self) -> None:
        script = answering(text=(Frame.text("welcome"), Frame.text("Hello")))
        passes(script, expects_echo, facts=Facts(chatter=frozenset({b"welcome"})))
        assert put(script, expects_echo).verdict is Verdict.FAILED

    def test_of_a_chatty_target_only_our_own_octets_count(self) -> None:
        async def body(ws: Connection) -> None:
            await ws.send(Frame.text("first"))
            await expects_echo(ws)

        script = answering(text=(Frame.text("news"), Frame.text("Hello")))
        passes(script, body, facts=Facts(chatty=True))
        wrong = answering(text=(Frame.text("first"),))
        assert told(put(wrong, expects_failure, facts=Facts(chatty=True)))[0] is Verdict.FAILED

    def test_a_close_is_no_chatter(self) -> None:
        """Nor of a target without an echo, whose every message is."""
        attempted = put(answering(pong=(Frame.close(1002),)), expects_no_reaction, facts=QUIET)
        assert told(attempted) == (Verdict.FAILED, "no reaction to an unsolicited Pong", "Close 1002")


class TestExpectPong:
    WANTED = "a Pong of 4 octets with the Ping's application data"

    def test_met_after_others(self) -> None:
        passes(answering(ping=(Frame.pong(b"other"), Frame.text("x"), Frame.pong(b"data"))), expects_pong)

    @pytest.mark.parametrize(
        ("reply", "observed"),
        [
            ((), "nothing for 5 s"),
            ((Frame.pong(b"dat"),), 'Pong of 3 octets ("dat")'),
            ((Frame.pong(b"x"), Frame.pong(b"y")), 'Pong of 1 octets ("y")'),
            ((Frame.close(1000),), "Close 1000"),
            (None, "the end of the connection (RST)"),
        ],
    )
    def test_not_met(self, reply: tuple[Frame, ...] | None, observed: str) -> None:
        assert told(put(answering(ping=reply), expects_pong)) == (Verdict.FAILED, self.WANTED, observed)


class TestExpectAlive:
    def test_by_an_echo(self) -> None:
        passes(echo, expects_alive)
        assert told(put(answering(text=()), expects_alive))[2] == "nothing for 5 s"

    def test_by_a_pong_where_there_is_no_echo(self) -> None:
        passes(answering(text=()), expects_alive, facts=QUIET)
        assert told(put(answering(ping=()), expects_alive, facts=QUIET))[2] == "nothing for 5 s"


class TestExpectNoReaction:
    WANTED = "no reaction to an unsolicited Pong"

    def test_met_proven_by_order_and_not_by_waiting(self) -> None:
        assert passes(echo, expects_no_reaction).micros < 1_000_000

    def test_pings_of_the_target_are_its_own(self) -> None:
        passes(answering(pong=(Frame.ping(b"mine"),)), expects_no_reaction)

    @pytest.mark.parametrize(
        ("reply", "observed"),
        [
            ((Frame.pong(b"unasked"),), 'Pong of 7 octets ("unasked")'),
            ((Frame.text("what?"),), 'Text of 5 octets ("what?")'),
            ((Frame.close(1002),), "Close 1002"),
            (None, "the end of the connection (RST)"),
        ],
    )
    def test_not_met(self, reply: tuple[Frame, ...] | None, observed: str) -> None:
        assert told(put(answering(pong=reply), expects_no_reaction)) == (Verdict.FAILED, self.WANTED, observed)

    def test_without_a_pong_nothing_is_proven(self) -> None:
        attempted = put(answering(ping=()), expects_no_reaction)
        assert told(attempted) == (Verdict.FAILED, "a Pong to our Ping", "nothing for 5 s")


class TestExpectConnectionFailed:
    WANTED = "the connection to be failed"

    @pytest.mark.parametrize(
        ("reply", "ended"),
        [
            ((Frame.close(1002),), "Close 1002, then FIN"),
            ((Frame.close(),), "Close empty, then FIN"),
            ((Frame.ping(b"x"), Frame.close(1011, "no")), 'Close 1011 "no", then FIN'),
            (None, "no Close, then RST"),
        ],
    )
    def test_met_however_it_ends(self, reply: tuple[Frame, ...] | None, ended: str) -> None:
        assert passes(answering(reserved=reply), expects_failure).notes == (("ended with", ended),)

    @pytest.mark.parametrize(
        ("reply", "observed"),
        [
            ((), "a Pong to the Ping sent after the error"),
            ((Frame.text("wrong"),), 'a delivery: Text of 5 octets ("wrong")'),
            ((Frame.text("wrong"), Frame.close(1002)), 'a delivery: Text of 5 octets ("wrong")'),
            ((Frame(0x3, b"wrong"), Frame.close(1002)), 'a delivery: 0x3 of 5 octets ("wrong")'),
            ((Frame.continuation(b"wrong"), Frame.close(1002)), 'a delivery: Continuation of 5 octets ("wrong")'),
        ],
    )
    def test_not_met(self, reply: tuple[Frame, ...], observed: str) -> None:
        assert told(put(answering(reserved=reply), expects_failure)) == (Verdict.FAILED, self.WANTED, observed)

    def test_silence_is_no_failing(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            while await end.frame() is not None:
                pass

        attempted = put(script, expects_failure)
        assert told(attempted) == (Verdict.FAILED, self.WANTED, "TCP still open after 5 s")
        assert attempted.waited_out

    def test_a_close_is_not_enough_while_tcp_stays_open(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            await end.frame()
            await end.send(Frame.close(1002))
            while await end.frame() is not None:
                pass

        assert told(put(script, expects_failure))[2] == "Close 1002, but TCP still open after 5 s"

    def test_without_a_probe_no_ping_is_sent(self) -> None:
        async def body(ws: Connection) -> None:
            await ws.send_octets(b"\x81\xfe")
            await ws.expect_connection_failed(Provocation.LENGTH, probe=False)

        seen: list[bytes] = []

        async def script(end: FarEnd) -> None:
            await end.open()
            seen.append(bytes(await end.stream.receive_some()))
            await end.fin()
            seen.append(bytes(await end.stream.receive_some()))

        attempted = passes(script, body)
        assert seen == [b"\x81\xfe", b""]
        assert attempted.conversations[0].provoked is Provocation.LENGTH

    def test_what_was_legal_before_may_still_be_delivered_once(self) -> None:
        async def body(ws: Connection) -> None:
            await ws.send(Frame.text("good"), Frame(0x3))
            await ws.expect_connection_failed(may_echo=[b"good"])

        good = answering(text=(Frame.text("good"),), reserved=(Frame.close(1002),))
        twice = answering(text=(Frame.text("good"), Frame.text("good")), reserved=(Frame.close(1002),))
        passes(good, body)
        assert told(put(twice, body))[2] == 'a delivery: Text of 4 octets ("good")'

    def test_times_count_from_the_stimulus(self) -> None:
        found: list[Closure] = []

        async def body(ws: Connection) -> None:
            await ws.send(Frame(0x3))
            found.append(await ws.expect_connection_failed())

        async def script(end: FarEnd) -> None:
            await end.open()
            await end.frame()
            with trio.move_on_after(2):
                await trio.sleep_forever()
            await end.send(Frame.close(1002))
            with trio.move_on_after(1):
                await trio.sleep_forever()
            await end.fin()

        passes(script, body)
        assert found[0].close_after == pytest.approx(2)
        assert found[0].end_after == pytest.approx(3)
        assert (found[0].status_code, found[0].ending) == (1002, Ending.FIN)


class TestExpectClose:
    def test_a_reply(self) -> None:
        attempted = passes(echo, expects_reply)
        assert attempted.notes == (("reply", "Close 1000, then FIN"),)

    def test_no_reply(self) -> None:
        wanted = "a Close in reply to ours"
        assert told(put(answering(close=()), expects_reply)) == (Verdict.FAILED, wanted, "nothing for 5 s")
        broken = put(answering(close=None), expects_reply)
        assert told(broken) == (Verdict.FAILED, wanted, "the end of the connection (RST)")
        assert decided(broken) == "RST"

    def test_an_end_of_any_kind(self) -> None:
        passes(echo, expects_end)
        passes(answering(close=None), expects_end)
        assert told(put(answering(close=()), expects_end))[1:] == ("the connection to end", "nothing for 5 s")

    def test_what_tells_is_the_close_and_without_one_the_end(self) -> None:
        async def judges(ws: Connection) -> None:
            await ws.send(Frame.close(1000))
            closure = await ws.expect_ended()
            ws.expect(closure.status_code == 1001, "1001", str(closure), closure.entry)

        replied = put(echo, judges)
        assert told(replied) == (Verdict.FAILED, "1001", "Close 1000, then FIN")
        assert decided(replied) == "Close 2 1000"
        assert decided(put(answering(close=None), judges)) == "RST"

    def test_the_end_of_the_stream(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            await end.frame()
            await end.send(Frame.close(1000))
            await end.frame()

        async def waits(end: FarEnd) -> None:
            await script(end)
            while await end.frame() is not None:
                pass
            await trio.sleep_forever()

        passes(echo, expects_stream_end)
        attempted = put(waits, expects_stream_end)
        assert told(attempted) == (
            Verdict.FAILED,
            "the target to close TCP",
            "Close 1000, stream open after 3 s",
        )
        assert attempted.micros == 3_000_000


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
        assert [entry.summary for entry in attempted.transcript if entry.kind == "event"] == [
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
        assert any("does not inflate: no DEFLATE stream" in entry.summary for entry in attempted.transcript)

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
