"""The closing handshake: a Close is answered by one Close, in good time (RFC 6455 sections 5.5.1, 7.1)."""

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
    """An endpoint that receives a Close and has sent none sends one in response.

    Whatever came before it, in the same segment: the echo of a message may be overtaken, the Close may not be missing.
    A target that only drops TCP is seen by the end of the stream.
    """
    await ws.send(*before, Frame.close(1000))
    await ws.expect_close_reply()


@case("6455-5.5.1-11", hint="answer every Close with a Close before ending TCP")
# Unmasked the code begins at octet 2, masked at octet 6: each cut is one in either role.
@each(pieces={"octet_by_octet": (1,), "header_apart": (2, 4, 2), "code_cut": (3, 4, 1)})
async def close_in_pieces_is_answered(ws: Connection, pieces: Sequence[int]) -> None:
    """A Close is answered whatever the segments that it came in.

    A target that acts on the header alone answers before the status code is there, or takes half of it.
    """
    await ws.send(Frame.close(3000, "bye"), pieces=pieces)
    expect_fair_reply(ws, await ws.expect_close_reply(), 3000)


@case("6455-5.5.1-13", alone=True, hint="answer a Close at once; a linger belongs behind the reply")
async def close_is_answered_promptly(ws: Connection) -> None:
    """The reply to a Close is sent as soon as practical: on an idle connection that is at once.

    Only time can decide here; the delay is noted. More than the second that the limits call prompt departs
    from the rule, no reply at all fails it.
    """
    await ws.send(Frame.close(1000))
    closure = await ws.expect_close_reply()
    _expect_prompt(ws, closure.close_after, "the Close came")


@case("6455-5.4-11", "6455-6.2-2", hint="act on a Close between fragments", reading="close-inside-a-message")
@each(fragments=UNFINISHED)
async def close_inside_a_message_is_answered(ws: Connection, fragments: Sequence[Frame]) -> None:
    """A Close between the fragments of a message is a Close: the message is given up, not waited for.

    No fragment follows. A target that queues the Close until the message is complete answers nothing,
    and one that closes the message off delivers half of it.
    """
    await ws.send(*fragments, Frame.close(1000))
    closure = await ws.expect_close_reply()
    partial = b"".join(frame.payload for frame in fragments)
    expect_undelivered(ws, [partial], "the unfinished message not to be delivered")
    ws.depart_if(closure.status_code == 1002, "1002 for a message that a sender may give up (6.1)")


@case("6455-5.5.1-16", "6455-7.1.2-2", hint="close TCP once Close has been sent and received")
@each(code={"1000": 1000, "empty": None, "4000": 4000})
async def tcp_is_closed_after_the_closing_handshake(ws: Connection, code: int | None) -> None:
    """After both Close frames the target closes TCP.

    Our end starts the handshake and keeps its side of TCP open, so a target that forgets to close, or that waits
    for something more, leaves the stream open for as long as we wait.
    """
    await ws.send(Frame.close(code))
    closure = await ws.expect_stream_end()
    ws.expect(closure.close is not None, "a Close, then the end of TCP", str(closure), closure.entry)
    _prefer_fin(ws, closure)


@case("6455-5.5.1-16", "6455-7.1.2-2", hint="close TCP once Close has been sent and received")
async def tcp_is_closed_after_our_answer_to_the_targets_close(ws: Connection) -> None:
    """After both Close frames the target closes TCP, also if its own went first.

    A fragmented Pong makes the target send that Close. One that sent it and then waits for TCP to end by itself
    leaves the stream open.
    """
    with ws.arranging("an error that the target closes for"):
        await ws.send(Frame.pong(b"a", fin=False))
        closure = await ws.expect_ended()
    ws.note("the target's Close", closure.close or "none")
    await ws.expect_stream_end()


def _expect_prompt(ws: Connection, seconds: float | None, what: str) -> None:
    taken = seconds or 0.0
    ws.note("delay", f"{taken * 1000:.1f} ms")
    ws.depart_if(taken > ws.session.limits.prompt, f"{what} after {taken:.1f} s")


def _prefer_fin(ws: Connection, closure: Closure) -> None:
    ws.depart_if(closure.ending is not None and closure.ending.value == "RST", "TCP is broken off (RST), not closed")
    ws.note("Close frames of the target", close_count(ws))
