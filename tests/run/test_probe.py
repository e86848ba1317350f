"""The probe: the facts that it learns about a server, and its message about one that cannot be tested."""

from __future__ import annotations

import pytest
import trio

from tests.support.scripted import FarEnd, Script, Target, echo, jumping, polite
from wsconform.endpoint.session import Limits
from wsconform.run import target as targets
from wsconform.run.probe import Probed, ProbeFailed, probe
from wsconform.transport.stream import Stream, Unreachable
from wsconform.wire.frame import BINARY, CLOSE, PING, TEXT, Frame
from wsconform.wire.http1 import base_response

URL = "ws://a:9001/chat"


def look(script: Script, url: str = URL, *, limits: Limits | None = None, **options: object) -> Probed:
    """Probe a target that plays `script`; `options` are those of Target."""
    found: list[Probed] = []
    problems: list[ProbeFailed] = []

    async def run() -> None:
        async with trio.open_nursery() as nursery:
            dialled = Target(nursery, script)
            configured = targets.Target(name="it", url=targets.Url.parse(url), **options)  # type: ignore[arg-type]
            try:
                found.append(await probe(configured, dialled.dial, limits or Limits()))
            except ProbeFailed as problem:
                problems.append(problem)
            assert dialled.open == 0
            nursery.cancel_scope.cancel()

    jumping(run)
    if problems:
        raise problems[0]
    return found[0]


def refusing(octets: bytes, *, fin: bool = True) -> Script:
    """Return a script that answers any request with `octets`."""

    async def script(end: FarEnd) -> None:
        if await end.head() is None:
            return
        if octets:
            await end.send(octets)
        if fin:
            await end.fin()
        while await end.stream.receive_some():
            pass

    return script


def greeting(*words: str) -> Script:
    """Return an echo that greets each connection with the next of `words`, the last one for ever."""
    left = list(words)

    async def script(end: FarEnd) -> None:
        await end.open()
        await end.send(Frame.text(left.pop(0) if len(left) > 1 else left[0]))
        while (frame := await end.frame()) is not None:
            await end.send(*polite(frame))

    return script


class TestFacts:
    def test_an_echo_server(self) -> None:
        probed = look(echo)
        assert (probed.facts.echo, probed.facts.chatter, probed.facts.chatty) == (True, frozenset(), False)
        assert (probed.facts.offers, probed.facts.tls) == ((), False)
        assert probed.facts.round_trip < 0.01
        record = probed.record
        assert (record.name, record.address, record.transport, record.echo) == ("it", URL, "tcp", True)
        assert len(probed.conversations) == 3

    def test_a_server_that_does_not_echo(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.serve(lambda frame: polite(frame) if frame.opcode in (PING, CLOSE) else (Frame.text("what?"),))

        assert look(script).facts.echo is False

    def test_the_configured_application_is_believed(self) -> None:
        assert look(echo, app="none").facts.echo is False
        assert look(refusing_to_echo, app="echo").facts.echo is True

    def test_a_greeting_is_chatter(self) -> None:
        facts = look(greeting("welcome")).facts
        assert (facts.chatter, facts.chatty, facts.echo) == (frozenset({b"welcome"}), False, True)

    def test_a_greeting_that_changes_makes_the_server_chatty(self) -> None:
        facts = look(greeting("welcome 1", "welcome 2")).facts
        assert (facts.chatter, facts.chatty) == (frozenset(), True)

    def test_a_text_only_server_is_recognised(self) -> None:
        async def picky(end: FarEnd) -> None:
            await end.serve(
                lambda frame: (Frame.close(1003),) if frame.opcode == BINARY else polite(frame),
            )

        async def deaf(end: FarEnd) -> None:
            await end.serve(lambda frame: () if frame.opcode == BINARY else polite(frame))

        assert [look(script).facts.text_only for script in (echo, picky, deaf)] == [False, True, False]
        assert look(echo, app="none").facts.text_only is None

    def test_an_accepted_extension_is_recorded(self) -> None:
        async def script(end: FarEnd) -> None:
            head = await end.head()
            if head is None:
                return
            response = base_response(head.fields.get("Sec-WebSocket-Key") or b"")
            if "Sec-WebSocket-Extensions" in head.fields:
                response = response.with_field(
                    "Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits=12"
                )
            await end.send(response.encode())
            while (frame := await end.frame()) is not None:
                await end.send(*polite(frame))

        assert look(script).record.offers == ("permessage-deflate; client_max_window_bits=12",)

    def test_a_target_that_answers_no_ping_is_still_probed(self) -> None:
        """The cases about Ping report that."""

        async def script(end: FarEnd) -> None:
            await end.serve(lambda frame: () if frame.opcode == PING else polite(frame))

        facts = look(script).facts
        assert facts.echo
        assert facts.round_trip == 1.0

    def test_a_target_that_closes_at_once_is_still_probed(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            await end.send(Frame.close(1008))
            await end.fin()

        assert look(script).facts.echo is False

    def test_the_server_field_is_recorded_unless_the_configuration_has_one(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open(("Server", "caf\xe9/1"))
            while (frame := await end.frame()) is not None:
                await end.send(*polite(frame))

        assert look(script).record.info == {"server": "café/1"}
        assert look(script, info={"server": "mine"}).record.info == {"server": "mine"}


async def refusing_to_echo(end: FarEnd) -> None:
    """Answer Pings alone."""
    await end.serve(lambda frame: () if frame.opcode == TEXT else polite(frame))


class TestFailures:
    @pytest.mark.parametrize(
        ("octets", "words"),
        [
            (
                b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
                "answers the opening handshake with 404 Not Found, not 101; name the path of its WebSocket endpoint",
            ),
            (
                b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
                "answers the opening handshake with 401 No, not 101;"
                " give its credentials with --header 'Authorization: ...'",
            ),
            (
                b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                "answers the opening handshake with 200 OK, not 101; is this the address of a WebSocket endpoint?",
            ),
            (
                b"SSH-2.0-OpenSSH\r\n",
                "answers with something that is not HTTP ('SSH-2.0-OpenSSH\\r\\n'); is this the right port?",
            ),
            (b"\x15\x03\x01\x00\x02\x02\x46", "answers in TLS; use wss:// for it"),
            (
                b"",
                "answers the opening handshake with no response, then the end of the connection (FIN);"
                " is this a WebSocket server?",
            ),
        ],
    )
    def test_the_message_is_one_line_with_behaviour_and_advice(self, octets: bytes, words: str) -> None:
        with pytest.raises(ProbeFailed) as caught:
            look(refusing(octets))
        assert str(caught.value) == f"{URL}: {words}"

    def test_silence(self) -> None:
        with pytest.raises(ProbeFailed) as caught:
            look(refusing(b"", fin=False))
        assert str(caught.value) == (
            f"{URL}: answers the opening handshake with no response; is this a WebSocket server?"
        )

    def test_a_flood(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            while True:
                await end.send(Frame.binary(bytes(1 << 15)))

        with pytest.raises(ProbeFailed, match=r"more than 1000000 octets; reading stopped there$"):
            look(script, limits=Limits(octets=1_000_000))

    def test_a_second_connection_that_is_refused(self) -> None:
        async def script(end: FarEnd) -> None:
            if end.number <= 2:
                await echo(end)
            else:
                await refusing(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")(end)

        with pytest.raises(ProbeFailed) as caught:
            look(script)
        assert str(caught.value) == f"{URL}: the opening handshake: 503 Busy"

    def test_if_nothing_listens_the_dialers_message_is_shown(self) -> None:
        async def dial(**options: object) -> Stream:
            raise Unreachable("a:9001: nothing listens there")

        async def run() -> None:
            with pytest.raises(Unreachable, match=r"^a:9001: nothing listens there$"):
                await probe(targets.Target(name="it", url=targets.Url.parse(URL)), dial, Limits())

        jumping(run)

    def test_no_connection_in_time(self) -> None:
        async def dial(**options: object) -> Stream:
            await trio.sleep_forever()
            raise AssertionError

        async def run() -> None:
            with pytest.raises(ProbeFailed) as caught:
                await probe(targets.Target(name="it", url=targets.Url.parse(URL)), dial, Limits())
            assert str(caught.value) == "a:9001: no connection within 10 s, nor a refusal; check host and port"

        jumping(run)
