"""What a case says with a connection: every `expect_*` both ways, in the words of its finding."""

from __future__ import annotations

import pytest
import trio

from tests.support.connection_harness import (
    answering,
    decided,
    expects_alive,
    expects_echo,
    expects_end,
    expects_failure,
    expects_no_reaction,
    expects_pong,
    expects_reply,
    expects_stream_end,
    passes,
    told,
)
from tests.support.scripted import FarEnd, Script, echo, polite, put
from wsconform import PING, Connection, Frame, Provocation
from wsconform.endpoint.session import Facts
from wsconform.evidence.result import Verdict
from wsconform.evidence.transcript import Closure, Ending

QUIET = Facts(echo=False)


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


class TestWhatFollowsAStimulus:
    def test_frames_since_leaves_out_earlier_frames(self) -> None:
        async def body(ws: Connection) -> None:
            await ws.echo(Frame.text("before"))
            start = ws.latest_entry
            await ws.echo(Frame.text("one"), Frame.text("two"))
            assert [frame.payload for _, frame in ws.frames_since(start)] == [b"one", b"two"]
            assert ws.frames_since(ws.latest_entry) == []

        passes(echo, body)

    def test_expect_pong_can_keep_the_messages_before_the_pong(self) -> None:
        async def body(ws: Connection) -> None:
            await ws.send(Frame.text("one"), Frame.text("two"), Frame.ping(b"x"))
            await ws.expect_pong(b"x", keep_messages=True)
            await ws.expect_echo(Frame.text("one"), Frame.text("two"))

        passes(echo, body)

    def test_expect_pong_reads_over_messages_otherwise(self) -> None:
        async def body(ws: Connection) -> None:
            await ws.send(Frame.text("one"), Frame.ping(b"x"))
            await ws.expect_pong(b"x")
            await ws.echo(Frame.text("two"))

        passes(echo, body)


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
        assert passes(self.script(*pongs), self.expects).notes == (("Pongs", str(len(pongs))),)

    @pytest.mark.parametrize(
        ("pongs", "expected"),
        [
            ((b"2", b"1", b"3"), "Pongs to the Pings, in order"),
            ((b"1", b"1", b"3"), "Pongs to the Pings, in order"),
            ((b"other", b"3"), "Pongs to the Pings, in order"),
            ((b"3", b"1"), "no Pong behind the one to the last Ping"),
            ((b"1", b"2"), "a Pong of 1 octets with the Ping's application data"),
        ],
    )
    def test_the_order_and_the_last_pong_are_required(self, pongs: tuple[bytes, ...], expected: str) -> None:
        verdict, wanted, _ = told(put(self.script(*pongs), self.expects))
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

        passes(script, body, offer="permessage-deflate; client_no_context_takeover")
