"""Helpers for tests of a connection: scripts of the far end, and case bodies that call one `expect_*`."""

from __future__ import annotations

import trio

from tests.support.scripted import Body, FarEnd, Script, polite, run_case
from wsconform import Connection, Frame
from wsconform.evidence.result import Verdict
from wsconform.run.judge import Attempted
from wsconform.wire.frame import CLOSE, PING, PONG, TEXT


def answering(**replies: tuple[Frame | bytes, ...] | None) -> Script:
    """Return a script of a correct echo server, with other `replies` to the named opcodes (None: RST)."""
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


def outcome(attempted: Attempted) -> tuple[Verdict, str, str]:
    """Return verdict, expected and observed."""
    assert attempted.finding is not None
    return attempted.verdict, attempted.finding.expected, attempted.finding.observed


def deciding_summary(attempted: Attempted) -> str:
    """Return the summary of the transcript entry that decided."""
    assert attempted.finding is not None
    assert attempted.finding.entry is not None
    return attempted.transcript[attempted.finding.entry].summary


def assert_passes(script: Script, body: Body, **options: object) -> Attempted:
    """Run a case and assert that it passes."""
    attempted = run_case(script, body, **options)  # type: ignore[arg-type]
    assert (attempted.verdict, attempted.finding) == (Verdict.PASSED, None)
    return attempted


async def send_never_returns(octets: bytes) -> None:
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
