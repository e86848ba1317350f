"""To fail the connection: nothing more is processed, nobody is waited for (RFC 6455 section 7.1.7)."""

from __future__ import annotations

from wsconform import PONG, Connection, Frame, case, each

from .replies import close_count, expect_undelivered

ERRORS = {
    "fragmented_ping": Frame.ping(b"a", fin=False),
    "fragmented_pong": Frame.pong(b"a", fin=False),
    "long_ping": Frame.ping(b"a" * 126),
    "long_pong": Frame.pong(b"a" * 126),
}

_NOTHING = "nothing to be processed behind the error"


@case("6455-7.1.7-2", "6455-7.1.1-1", "6455-7.1.1-4", hint="close TCP after the Close that says why")
@each(error=ERRORS)
async def failing_ends_with_the_end_of_tcp(ws: Connection, error: Frame) -> None:
    """A target that has to fail the connection closes it, down to TCP.

    A Close that says why is welcome and not enough; FIN or RST has to follow, and the Ping sent behind the error has
    to stay without its Pong. How TCP was ended is noted.
    """
    await ws.send(error)
    closure = await ws.expect_connection_failed()
    ws.note("TCP ended with", closure.ending.value if closure.ending else "nothing")


@case("6455-7.1.7-7", hint="throw the rest of the buffer away when the connection is failed")
@each(error=ERRORS)
async def nothing_is_processed_behind_an_error(ws: Connection, error: Frame) -> None:
    """Once it has to fail the connection the target processes no more data, not even a Close.

    A message, a Ping and a Close stand in the same segment behind the error. A target that finishes its buffer
    echoes, pongs, or answers our Close with one more of its own.
    """
    await ws.send(error, Frame.text("Hello"), Frame.ping(b"late"), Frame.close(1000))
    closure = await ws.expect_connection_failed(probe=False)
    # Its Close may be the reply to ours, whose code is no answer to the error: not for the monitors.
    ws.conversation.provoked = None
    expect_undelivered(ws, [b"Hello"], _NOTHING)
    pongs = [entry for entry, frame in ws.conversation.frames if (frame.opcode, frame.payload) == (PONG, b"late")]
    ws.expect(not pongs, _NOTHING, "a Pong to the Ping behind it", pongs[0] if pongs else None)
    ws.expect(close_count(ws) <= 1, _NOTHING, f"{close_count(ws)} Close frames", closure.end_entry)


@case("6455-7.1.7-10", hint="close TCP after the Close that says why, without waiting for an answer")
@each(error=ERRORS)
async def failing_does_not_wait_for_our_close(ws: Connection, error: Frame) -> None:
    """After its error Close the target does not need ours to finish.

    Our end leaves the Close unanswered and TCP open. A target that waits for the answer, as in a closing handshake
    between friends, is still there when patience is over.
    """
    ws.answers_close = False
    await ws.send(error)
    await ws.expect_ended()
    closure = await ws.read_to_end()
    ws.depart_if(closure.ending is None, f"waits for our Close for more than {ws.session.limits.patience:g} s")
