"""Each `expect_*` method of a connection, passing and failing, with the text of its finding."""

from __future__ import annotations

import pytest
import trio

from tests.support.connection_harness import (
    answering,
    assert_passes,
    deciding_summary,
    expects_alive,
    expects_echo,
    expects_end,
    expects_failure,
    expects_no_reaction,
    expects_pong,
    expects_reply,
    expects_stream_end,
    outcome,
)
from tests.support.scripted import FarEnd, Script, echo, polite, run_case
from wsconform import PING, Connection, Frame, Provocation
from wsconform.endpoint.session import Facts
from wsconform.evidence.result import Verdict
from wsconform.evidence.transcript import Closure, Ending

QUIET = Facts(echo=False)


class TestExpectEcho:
    WANTED = 'the echo, Text of 5 octets ("Hello")'

    def test_passes(self) -> None:
        assert_passes(echo, expects_echo)

    def test_passes_for_fragments_with_a_ping_between(self) -> None:
        fragments = (Frame.text("Hel", fin=False), Frame.ping(b"x"), Frame.continuation("lo"))
        assert_passes(answering(text=fragments), expects_echo)

    @pytest.mark.parametrize(
        ("reply", "observed"),
        [
            ((Frame.text("other"),), 'Text of 5 octets ("other")'),
            ((Frame.text("Hel"),), 'Text of 3 octets ("Hel")'),
            ((Frame.binary(b"Hello"),), 'the payload in a message of another type: Binary of 5 octets ("Hello")'),
            ((Frame.binary(b"\xff\x00"),), "Binary of 2 octets (ff 00)"),
            ((Frame.close(1002, "no"),), 'Close 1002 "no"'),
            ((), "nothing for 5 s"),
            (None, "the end of the connection (RST)"),
        ],
    )
    def test_fails(self, reply: tuple[Frame, ...] | None, observed: str) -> None:
        assert outcome(run_case(answering(text=reply), expects_echo)) == (Verdict.FAILED, self.WANTED, observed)

    def test_names_the_first_octet_that_differs_in_a_long_payload(self) -> None:
        async def body(ws: Connection) -> None:
            await ws.echo(Frame.binary(bytes(100)))

        async def script(end: FarEnd) -> None:
            await end.open()
            await end.frame()
            await end.send(Frame.binary(bytes(70) + b"\1" + bytes(29)))

        start = "00 " * 23 + "00 ..."
        assert outcome(run_case(script, body)) == (
            Verdict.FAILED,
            f"the echo, Binary of 100 octets ({start})",
            f"Binary of 100 octets ({start}), which differs from octet 70 on",
        )

    def test_finding_refers_to_the_deciding_entry(self) -> None:
        attempted = run_case(
            answering(text=(Frame.ping(b"x"), Frame.text("other"), Frame.pong(b"later"))), expects_echo
        )
        assert deciding_summary(attempted) == 'Text 5 "other"'

    def test_expects_several_echoes_in_order(self) -> None:
        async def body(ws: Connection) -> None:
            await ws.send(Frame.text("a"), Frame.text("b"))
            assert [received.payload for received in await ws.expect_echo(Frame.text("a"), Frame.text("b"))] == [
                b"a",
                b"b",
            ]

        assert_passes(echo, body)


class TestChatter:
    def test_ignores_a_greeting_that_the_probe_knows(self) -> None:
        script = answering(text=(Frame.text("welcome"), Frame.text("Hello")))
        assert_passes(script, expects_echo, facts=Facts(chatter=frozenset({b"welcome"})))
        assert run_case(script, expects_echo).verdict is Verdict.FAILED

    def test_ignores_messages_of_a_chatty_target_that_do_not_repeat_ours(self) -> None:
        async def body(ws: Connection) -> None:
            await ws.send(Frame.text("first"))
            await expects_echo(ws)

        script = answering(text=(Frame.text("news"), Frame.text("Hello")))
        assert_passes(script, body, facts=Facts(chatty=True))
        wrong = answering(text=(Frame.text("first"),))
        assert outcome(run_case(wrong, expects_failure, facts=Facts(chatty=True)))[0] is Verdict.FAILED

    def test_a_close_is_not_chatter(self) -> None:
        """Not even of a target without an echo, whose messages all count as chatter."""
        attempted = run_case(answering(pong=(Frame.close(1002),)), expects_no_reaction, facts=QUIET)
        assert outcome(attempted) == (Verdict.FAILED, "no reaction to an unsolicited Pong", "Close 1002")


class TestExpectPong:
    WANTED = "a Pong of 4 octets with the Ping's application data"

    def test_passes_after_other_pongs(self) -> None:
        assert_passes(answering(ping=(Frame.pong(b"other"), Frame.text("x"), Frame.pong(b"data"))), expects_pong)

    @pytest.mark.parametrize(
        ("reply", "observed"),
        [
            ((), "nothing for 5 s"),
            ((Frame.pong(b"dat"),), 'Pong of 3 octets ("dat")'),
            ((Frame.pong(b"x"), Frame.pong(b"y")), 'Pong of 1 octet ("y")'),
            ((Frame.close(1000),), "Close 1000"),
            (None, "the end of the connection (RST)"),
        ],
    )
    def test_fails(self, reply: tuple[Frame, ...] | None, observed: str) -> None:
        assert outcome(run_case(answering(ping=reply), expects_pong)) == (Verdict.FAILED, self.WANTED, observed)


class TestExpectAlive:
    def test_passes_with_an_echo(self) -> None:
        assert_passes(echo, expects_alive)
        assert outcome(run_case(answering(text=()), expects_alive))[2] == "nothing for 5 s"

    def test_passes_with_a_pong_if_the_target_does_not_echo(self) -> None:
        assert_passes(answering(text=()), expects_alive, facts=QUIET)
        assert outcome(run_case(answering(ping=()), expects_alive, facts=QUIET))[2] == "nothing for 5 s"


class TestExpectNoReaction:
    WANTED = "no reaction to an unsolicited Pong"

    def test_passes_without_waiting_for_a_timeout(self) -> None:
        assert assert_passes(echo, expects_no_reaction).micros < 1_000_000

    def test_ignores_pings_of_the_target(self) -> None:
        assert_passes(answering(pong=(Frame.ping(b"mine"),)), expects_no_reaction)

    @pytest.mark.parametrize(
        ("reply", "observed"),
        [
            ((Frame.pong(b"unasked"),), 'Pong of 7 octets ("unasked")'),
            ((Frame.text("what?"),), 'Text of 5 octets ("what?")'),
            ((Frame.close(1002),), "Close 1002"),
            (None, "the end of the connection (RST)"),
        ],
    )
    def test_fails(self, reply: tuple[Frame, ...] | None, observed: str) -> None:
        assert outcome(run_case(answering(pong=reply), expects_no_reaction)) == (Verdict.FAILED, self.WANTED, observed)

    def test_fails_without_a_pong(self) -> None:
        attempted = run_case(answering(ping=()), expects_no_reaction)
        assert outcome(attempted) == (Verdict.FAILED, "a Pong to our Ping", "nothing for 5 s")


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
    def test_passes_for_any_end_of_the_connection(self, reply: tuple[Frame, ...] | None, ended: str) -> None:
        assert assert_passes(answering(reserved=reply), expects_failure).notes == (("ended with", ended),)

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
    def test_fails(self, reply: tuple[Frame, ...], observed: str) -> None:
        assert outcome(run_case(answering(reserved=reply), expects_failure)) == (Verdict.FAILED, self.WANTED, observed)

    def test_fails_if_the_target_stays_silent(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            while await end.frame() is not None:
                pass

        attempted = run_case(script, expects_failure)
        assert outcome(attempted) == (Verdict.FAILED, self.WANTED, "TCP still open after 5 s")
        assert attempted.waited_out

    def test_fails_if_tcp_stays_open_after_a_close(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            await end.frame()
            await end.send(Frame.close(1002))
            while await end.frame() is not None:
                pass

        assert outcome(run_case(script, expects_failure))[2] == "Close 1002, but TCP still open after 5 s"

    def test_sends_no_ping_without_a_probe(self) -> None:
        async def body(ws: Connection) -> None:
            await ws.send_octets(b"\x81\xfe")
            await ws.expect_connection_failed(Provocation.LENGTH, probe=False)

        seen: list[bytes] = []

        async def script(end: FarEnd) -> None:
            await end.open()
            seen.append(bytes(await end.stream.receive_some()))
            await end.fin()
            seen.append(bytes(await end.stream.receive_some()))

        attempted = assert_passes(script, body)
        assert seen == [b"\x81\xfe", b""]
        assert attempted.conversations[0].provoked is Provocation.LENGTH

    def test_allows_one_delivery_of_a_message_sent_legally_before(self) -> None:
        async def body(ws: Connection) -> None:
            await ws.send(Frame.text("good"), Frame(0x3))
            await ws.expect_connection_failed(may_echo=[b"good"])

        good = answering(text=(Frame.text("good"),), reserved=(Frame.close(1002),))
        twice = answering(text=(Frame.text("good"), Frame.text("good")), reserved=(Frame.close(1002),))
        assert_passes(good, body)
        assert outcome(run_case(twice, body))[2] == 'a delivery: Text of 4 octets ("good")'

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

        assert_passes(script, body)
        assert found[0].close_after == pytest.approx(2)
        assert found[0].end_after == pytest.approx(3)
        assert (found[0].status_code, found[0].ending) == (1002, Ending.FIN)


class TestExpectClose:
    def test_notes_the_reply(self) -> None:
        attempted = assert_passes(echo, expects_reply)
        assert attempted.notes == (("reply", "Close 1000, then FIN"),)

    def test_fails_without_a_reply(self) -> None:
        wanted = "a Close in reply to ours"
        assert outcome(run_case(answering(close=()), expects_reply)) == (Verdict.FAILED, wanted, "nothing for 5 s")
        broken = run_case(answering(close=None), expects_reply)
        assert outcome(broken) == (Verdict.FAILED, wanted, "the end of the connection (RST)")
        assert deciding_summary(broken) == "RST"

    def test_accepts_any_end(self) -> None:
        assert_passes(echo, expects_end)
        assert_passes(answering(close=None), expects_end)
        assert outcome(run_case(answering(close=()), expects_end))[1:] == ("the connection to end", "nothing for 5 s")

    def test_the_deciding_entry_is_the_close_or_else_the_end(self) -> None:
        async def judges(ws: Connection) -> None:
            await ws.send(Frame.close(1000))
            closure = await ws.expect_ended()
            ws.expect(closure.status_code == 1001, "1001", str(closure), closure.entry)

        replied = run_case(echo, judges)
        assert outcome(replied) == (Verdict.FAILED, "1001", "Close 1000, then FIN")
        assert deciding_summary(replied) == "Close 2 1000"
        assert deciding_summary(run_case(answering(close=None), judges)) == "RST"

    def test_expects_the_end_of_the_stream(self) -> None:
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

        assert_passes(echo, expects_stream_end)
        attempted = run_case(waits, expects_stream_end)
        assert outcome(attempted) == (
            Verdict.FAILED,
            "the target to close TCP",
            "Close 1000, stream open after 3 s",
        )
        assert attempted.micros == 3_000_000


class TestWhatFollowsAStimulus:
    def test_frames_since_leaves_out_earlier_frames(self) -> None:
        async def body(ws: Connection) -> None:
            await ws.echo(Frame.text("before"))
            start = ws.latest_entry
            await ws.echo(Frame.text("one"), Frame.text("two"))
            assert [frame.payload for _, frame in ws.frames_since(start)] == [b"one", b"two"]
            assert ws.frames_since(ws.latest_entry) == []

        assert_passes(echo, body)

    def test_expect_pong_can_keep_the_messages_before_the_pong(self) -> None:
        async def body(ws: Connection) -> None:
            await ws.send(Frame.text("one"), Frame.text("two"), Frame.ping(b"x"))
            await ws.expect_pong(b"x", keep_messages=True)
            await ws.expect_echo(Frame.text("one"), Frame.text("two"))

        assert_passes(echo, body)

    def test_expect_pong_reads_over_messages_otherwise(self) -> None:
        async def body(ws: Connection) -> None:
            await ws.send(Frame.text("one"), Frame.ping(b"x"))
            await ws.expect_pong(b"x")
            await ws.echo(Frame.text("two"))

        assert_passes(echo, body)


class TestExpectPongsInOrder:
    PINGS = (b"1", b"2", b"3")

    async def expects(self, ws: Connection) -> None:
        await ws.send(Frame.ping(b"2"))
        await ws.expect_pong(b"2")
        start = ws.latest_entry
        await ws.send(*map(Frame.ping, self.PINGS))
        ws.note("Pongs", await ws.expect_pongs_in_order(self.PINGS, since=start))

    def script(self, *pongs: bytes) -> Script:
        """Return a target that sends `pongs` for the last of `PINGS`, none for the others, and answers other frames."""

        async def play(end: FarEnd) -> None:
            pings = 0

            def answer(frame: Frame) -> tuple[Frame | bytes, ...]:
                nonlocal pings
                pings += frame.opcode == PING
                if frame.opcode != PING or pings not in (2, 3, 4):
                    return polite(frame)
                return tuple(map(Frame.pong, pongs)) if pings == 4 else ()

            await end.serve(answer)

        return play

    @pytest.mark.parametrize("pongs", [(b"1", b"2", b"3"), (b"3",), (b"1", b"3"), (b"2", b"3")])
    def test_some_of_the_pongs_may_be_missing(self, pongs: tuple[bytes, ...]) -> None:
        assert assert_passes(self.script(*pongs), self.expects).notes == (("Pongs", str(len(pongs))),)

    @pytest.mark.parametrize(
        ("pongs", "expected"),
        [
            ((b"2", b"1", b"3"), "Pongs to the Pings, in order"),
            ((b"1", b"1", b"3"), "Pongs to the Pings, in order"),
            ((b"other", b"3"), "Pongs to the Pings, in order"),
            ((b"3", b"1"), "no Pong behind the one to the last Ping"),
            ((b"1", b"2"), "a Pong of 1 octet with the Ping's application data"),
        ],
    )
    def test_the_order_and_the_last_pong_are_required(self, pongs: tuple[bytes, ...], expected: str) -> None:
        verdict, wanted, _ = outcome(run_case(self.script(*pongs), self.expects))
        assert (verdict, wanted) == (Verdict.FAILED, expected)


class TestWindowOctets:
    @pytest.mark.parametrize(
        ("answer", "octets"),
        [("permessage-deflate", [0, 5, 1 << 15]), ("permessage-deflate; client_no_context_takeover", [0, 0, 0])],
    )
    def test_are_those_of_earlier_compressed_messages(self, answer: str, octets: list[int]) -> None:
        async def script(end: FarEnd) -> None:
            await end.open(("Sec-WebSocket-Extensions", answer))

        async def body(ws: Connection) -> None:
            seen = [ws.window_octets]
            for payload in (b"Hello", bytes(1 << 16)):
                ws.compressed(Frame.binary(payload))
                seen.append(ws.window_octets)
            assert seen == octets

        assert_passes(script, body, offer="permessage-deflate; client_no_context_takeover")
