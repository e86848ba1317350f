"""`Connection.is_ending`: a Ping shows whether the target ends the connection; other messages stay to be read."""

from __future__ import annotations

import pytest

from tests.support.scripted import Body, FarEnd, Script, run_case
from wsconform import Connection, Frame, Verdict
from wsconform.wire.frame import CLOSE, PING, PONG, TEXT


async def answers(end: FarEnd) -> None:
    await end.open()
    while (frame := await end.frame()) is not None:
        if frame.opcode == PING:
            await end.send(Frame.ping(b"its own"), Frame.text("before"), Frame.pong(frame.payload))


async def closes(end: FarEnd) -> None:
    await end.open()
    await end.frame()
    await end.send(Frame.text("before"), Frame.close(1002))
    await end.fin()


async def ends(end: FarEnd) -> None:
    await end.open()
    await end.frame()
    await end.fin()


async def is_silent(end: FarEnd) -> None:
    await end.open()
    while await end.frame() is not None:
        pass


def expecting(expected: bool, *kept: int) -> Body:
    """Return a case that expects the result `expected`, and then to read messages with the opcodes `kept`."""

    async def body(ws: Connection) -> None:
        assert await ws.is_ending() is expected
        opcodes = []
        for _ in kept:
            received = await ws.next(ws.session.deadline())
            opcodes.append(received.opcode if received else None)
        assert opcodes == list(kept)

    return body


@pytest.mark.parametrize(
    ("script", "body"),
    [
        (answers, expecting(False, TEXT)),
        (closes, expecting(True, TEXT, CLOSE)),
        (ends, expecting(True)),
        (is_silent, expecting(False)),
    ],
    ids=["a Pong", "a Close", "a FIN", "silence"],
)
def test_is_ending_distinguishes_an_end_from_an_answer_and_keeps_messages(script: Script, body: Body) -> None:
    attempted = run_case(script, body)
    assert (attempted.verdict, attempted.finding) == (Verdict.PASSED, None)


def test_answers_a_ping_that_comes_meanwhile_once() -> None:
    async def body(ws: Connection) -> None:
        await ws.is_ending()
        await ws.next(ws.session.deadline())
        pongs = [frame for frame in ws.conversation.sent if frame.opcode == PONG]
        assert [pong.payload for pong in pongs] == [b"its own"]

    assert run_case(answers, body).verdict is Verdict.PASSED
