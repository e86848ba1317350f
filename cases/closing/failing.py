"""Failing the connection: the target ignores later frames, and ends TCP without waiting (RFC 6455 section 7.1.7)."""

from __future__ import annotations

from wsconform import PONG, Connection, Frame, case, each

from .replies import close_count, expect_undelivered

ERRORS = {
    "fragmented_ping": Frame.ping(b"a", fin=False),
    "fragmented_pong": Frame.pong(b"a", fin=False),
    "long_ping": Frame.ping(b"a" * 126),
    "long_pong": Frame.pong(b"a" * 126),
}

_NOTHING = "frames behind the error to be ignored"


@case("6455-7.1.7-2", "6455-7.1.1-1", "6455-7.1.1-4", hint="close TCP after the Close that reports the error")
@each(error=ERRORS)
async def failing_the_connection_closes_tcp(ws: Connection, error: Frame) -> None:
    """A target that has to fail the connection also ends TCP.

    A Close that reports the error is allowed, but FIN or RST must follow, and the Ping behind the error must not
    be answered. The case notes how TCP ended.
    """
    await ws.send(error)
    closure = await ws.expect_connection_failed()
    ws.note("TCP ended with", closure.ending.value if closure.ending else "nothing")


@case("6455-7.1.7-7", hint="discard the rest of the buffer when the connection is failed")
@each(error=ERRORS)
async def nothing_is_processed_behind_an_error(ws: Connection, error: Frame) -> None:
    """A target that has to fail the connection processes no more frames, not even a Close.

    A message, a Ping and a Close follow the error in the same segment. A target that keeps parsing its buffer
    sends an echo, a Pong or a second Close.
    """
    start = ws.latest_entry
    await ws.send(error, Frame.text("Hello"), Frame.ping(b"late"), Frame.close(1000))
    closure = await ws.expect_connection_failed(probe=False)
    # The target's Close may be a reply to ours; then its code does not report the error, so monitors must not use it.
    ws.conversation.provoked = None
    expect_undelivered(ws, [b"Hello"], _NOTHING, since=start)
    pongs = [entry for entry, frame in ws.frames_since(start) if (frame.opcode, frame.payload) == (PONG, b"late")]
    ws.expect(not pongs, _NOTHING, "a Pong to the Ping behind it", pongs[0] if pongs else None)
    ws.expect(close_count(ws) <= 1, _NOTHING, f"{close_count(ws)} Close frames", closure.end_entry)


@case("6455-7.1.7-10", hint="close TCP after the Close that reports the error, without waiting for a reply")
@each(error=ERRORS)
async def failing_does_not_wait_for_our_close(ws: Connection, error: Frame) -> None:
    """A target that has failed the connection ends TCP without waiting for our Close.

    We do not answer its Close, and keep TCP open. A target that waits for a reply, as in a closing handshake,
    has not ended TCP when our patience is over.
    """
    ws.answers_close = False
    await ws.send(error)
    await ws.expect_ended()
    closure = await ws.read_to_end()
    ws.depart_if(closure.ending is None, f"waits for our Close for more than {ws.session.limits.patience:g} s")
