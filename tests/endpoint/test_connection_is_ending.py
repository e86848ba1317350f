"""Whether a target is ending the connection: asked with a Ping, and nothing read past."""

from __future__ import annotations

import pytest

from tests.support.scripted import Body, FarEnd, Script, put
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


def asking(expected: bool, *kept: int) -> Body:
    """Return a case that expects the answer `expected`, and messages of opcodes `kept` to be read after it."""

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
        (answers, asking(False, TEXT)),
        (closes, asking(True, TEXT, CLOSE)),
        (ends, asking(True)),
        (is_silent, asking(False)),
    ],
    ids=["a Pong", "a Close", "a FIN", "silence"],
)
def test_is_ending_tells_an_end_from_an_answer_and_keeps_what_came(script: Script, body: Body) -> None:
    attempted = put(script, body)
    assert (attempted.verdict, attempted.finding) == (Verdict.PASSED, None)


def test_a_ping_that_comes_meanwhile_is_answered_once() -> None:
    async def body(ws: Connection) -> None:
        await ws.is_ending()
        await ws.next(ws.session.deadline())
        pongs = [frame for frame in ws.conversation.sent if frame.opcode == PONG]
        assert [pong.payload for pong in pongs] == [b"its own"]

    assert put(answers, body).verdict is Verdict.PASSED
