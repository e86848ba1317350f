"""The closing handshake: a Close is answered promptly, then TCP is closed (RFC 6455 sections 5.5.1, 7.1)."""

from __future__ import annotations

from collections.abc import Sequence

from wsconform import Closure, Connection, Frame, case, each

from .replies import close_count, expect_fair_reply, expect_undelivered

BEFORE: dict[str, Sequence[Frame]] = {
    "nothing": (),
    "a_message": (Frame.text("Hello World!"),),
    "an_empty_message": (Frame.binary(b""),),
    "a_fragmented_message": (Frame.text("Hel", fin=False), Frame.continuation("lo")),
    "a_ping": (Frame.ping(b"a"),),
    "a_pong": (Frame.pong(b"unsolicited pong payload"),),
    "an_empty_pong": (Frame.pong(),),
    "ten_messages": tuple(Frame.text(str(n)) for n in range(10)),
}

UNFINISHED: dict[str, Sequence[Frame]] = {
    "text": (Frame.text("Hel", fin=False),),
    "binary": (Frame.binary(b"Hel", fin=False),),
    "empty_fragment": (Frame.text("", fin=False),),
    "two_fragments": (Frame.text("Hel", fin=False), Frame.continuation("lo", fin=False)),
    "cut_character": (Frame.text(b"Hel\xc3", fin=False),),
}


@case("6455-5.5.1-11", hint="answer every Close with a Close before ending TCP")
@each(before=BEFORE)
async def close_is_answered(ws: Connection, before: Sequence[Frame]) -> None:
    """A target that receives a Close, and has not sent one, replies with a Close.

    Other frames may come before our Close, in the same segment. Their echoes may be missing, the Close must not be.
    A target that only closes TCP fails the case.
    """
    await ws.send(*before, Frame.close(1000))
    await ws.expect_close_reply()


@case("6455-5.5.1-11", hint="answer every Close with a Close before ending TCP")
# The code begins at octet 2 if the frame is unmasked, at octet 6 if it is masked: the cuts work in both roles.
@each(pieces={"octet_by_octet": (1,), "header_apart": (2, 4, 2), "code_cut": (3, 4, 1)})
async def close_in_pieces_is_answered(ws: Connection, pieces: Sequence[int]) -> None:
    """A Close is answered correctly if it comes in several segments.

    A target that replies as soon as it has the header uses a status code that is incomplete or missing.
    """
    await ws.send(Frame.close(3000, "bye"), pieces=pieces)
    expect_fair_reply(ws, await ws.expect_close_reply(), 3000)


@case(
    "6455-5.5.1-13",
    alone=True,
    hint="answer a Close at once; if the socket has to linger, let it linger after the reply",
)
async def close_is_answered_promptly(ws: Connection) -> None:
    """The reply to a Close is sent as soon as is practical: on an idle connection, immediately.

    The delay is noted. A reply after more than one second (the limit `prompt`) is a departure; no reply is a failure.
    """
    await ws.send(Frame.close(1000))
    closure = await ws.expect_close_reply()
    _expect_prompt(ws, closure.close_after, "the Close came")


@case("6455-5.4-11", "6455-6.2-2", hint="handle a Close between fragments at once", reading="close-inside-a-message")
@each(fragments=UNFINISHED)
async def close_inside_a_message_is_answered(ws: Connection, fragments: Sequence[Frame]) -> None:
    """A Close between the fragments of a message is answered at once, and the unfinished message is discarded.

    No fragment follows. A target that queues the Close until the message is complete never answers.
    A target that treats the message as complete delivers a part of it.
    """
    start = ws.latest_entry
    await ws.send(*fragments, Frame.close(1000))
    closure = await ws.expect_close_reply()
    partial = b"".join(frame.payload for frame in fragments)
    expect_undelivered(ws, [partial], "the unfinished message to be discarded", since=start)
    ws.depart_if(closure.status_code == 1002, "1002 for an unfinished message, which a sender may abandon (6.1)")


@case("6455-5.5.1-16", "6455-7.1.2-2", hint="close TCP as soon as a Close has been sent and received")
@each(code={"1000": 1000, "empty": None, "4000": 4000})
async def tcp_is_closed_after_the_closing_handshake(ws: Connection, code: int | None) -> None:
    """The target closes TCP after both Close frames.

    We start the closing handshake and keep our direction of TCP open. A target that forgets to close TCP, or that
    waits for us, keeps the stream open for as long as we wait.
    """
    await ws.send(Frame.close(code))
    closure = await ws.expect_stream_end()
    ws.expect(closure.close is not None, "a Close, then the end of TCP", str(closure), closure.entry)
    _prefer_fin(ws, closure)


@case("6455-5.5.1-16", "6455-7.1.2-2", hint="close TCP as soon as a Close has been sent and received")
async def tcp_is_closed_after_our_reply_to_the_targets_close(ws: Connection) -> None:
    """The target closes TCP after both Close frames, also if its own was the first.

    A fragmented Pong makes the target send that Close. A target that then waits for us to close TCP
    keeps the stream open.
    """
    with ws.arranging("an error for which the target closes the connection"):
        await ws.send(Frame.pong(b"a", fin=False))
        closure = await ws.expect_ended()
    ws.note("the target's Close", closure.close or "none")
    await ws.expect_stream_end()


def _expect_prompt(ws: Connection, seconds: float | None, what: str) -> None:
    delay = seconds or 0.0
    ws.note("delay", f"{delay * 1000:.1f} ms")
    ws.depart_if(delay > ws.session.limits.prompt, f"{what} after {delay:.1f} s")


def _prefer_fin(ws: Connection, closure: Closure) -> None:
    ws.depart_if(closure.ending is not None and closure.ending.value == "RST", "TCP ended with RST instead of FIN")
    ws.note("Close frames of the target", close_count(ws))
