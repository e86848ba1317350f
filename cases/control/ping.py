"""Ping: answered, whenever it comes and whatever it carries, until a Close has come (RFC 6455 section 5.5.2)."""

from __future__ import annotations

from collections.abc import Sequence

import trio

from wsconform import CONTINUATION, PONG, TEXT, Connection, Frame, Received, case, each

_HINT = "answer every Ping with a Pong that carries its application data"

#: 1 MiB in sixteen fragments, the largest message that many libraries take unasked.
_PIECE, _PIECES = 1 << 16, 16


@case("6455-5.5.2-2", "6455-5.5.2-1", hint=_HINT)
@each(length=(0, 1, 2, 64, 124, 125))
async def ping_of_every_length_is_answered(ws: Connection, length: int) -> None:
    """A Ping may carry 0 to 125 octets, and the Pong carries as many.

    A target that allows 124, or that takes an empty Ping for none, answers with nothing or with a Close.
    """
    data = bytes(0x20 + n % 0x5F for n in range(length))
    await ws.send(Frame.ping(data))
    await ws.expect_pong(data)


@case("6455-5.5.2-2", hint=_HINT)
async def ping_is_answered(ws: Connection) -> None:
    """A Ping on an idle connection is answered with a Pong.

    Nothing else was sent, so nothing can stand in for the answer.
    """
    await ws.send(Frame.ping(b"Hello"))
    await ws.expect_pong(b"Hello")


@case("6455-5.5.2-2", hint="look for Pings also while there is something to send")
@each(count=(1, 20, 200))
async def ping_among_messages_is_answered(ws: Connection, count: int) -> None:
    """A Ping is answered also while echoes are in flight.

    Messages stand before it and behind it, all in one segment, so the target has answers of two kinds to
    send; a queue that keeps only one kind loses the Pong.
    """
    messages = [Frame.text(f"message {n}") for n in range(count)]
    await ws.send(*messages, Frame.ping(b"Hello"), *messages)
    await ws.expect_pong(b"Hello")


@case("6455-5.5.2-2", hint=_HINT)
@each(pieces={"octet_by_octet": (1,), "header_apart": (2, 4, 125), "data_cut": (8, 123)})
async def ping_in_pieces_is_answered(ws: Connection, pieces: Sequence[int]) -> None:
    """A Ping is answered whatever the segments that it came in.

    A target that answers when it has seen the header sends a Pong without the octets that were still to come.
    """
    await ws.send(Frame.ping(b"\xfe" * 125), pieces=pieces)
    await ws.expect_pong(b"\xfe" * 125)


@case("6455-5.5.2-3", alone=True, hint="answer a Ping at once, not with the next message or on a timer")
async def ping_is_answered_promptly(ws: Connection) -> None:
    """The Pong is sent as soon as practical: on an idle connection that is at once.

    Only time can decide here; the delay is noted. More than the second that the limits call prompt departs
    from the rule, no Pong at all fails it.
    """
    _, taken = await _timed_pong(ws, b"prompt")
    ws.depart_if(taken > ws.session.limits.prompt, f"the Pong came after {taken:.1f} s")


@case("6455-5.5.2-3", alone=True, hint="answer a Ping between the fragments of a large message")
async def ping_inside_a_large_message_is_answered(ws: Connection) -> None:
    """While a large message arrives a Ping is still answered; how soon is noted.

    Eight of sixteen fragments of 64 KiB have gone when the Ping goes, the rest follows without waiting, so
    the order of Pong and echo shows whether the target looks for control frames meanwhile.
    """
    fragments = [Frame(TEXT if n == 0 else CONTINUATION, b"w" * _PIECE, fin=n == _PIECES - 1) for n in range(_PIECES)]
    half = _PIECES // 2
    pong, _ = await _timed_pong(ws, b"within", before=fragments[:half], behind=fragments[half:])
    early = all(entry > pong.entry for entry, frame in ws.conversation.frames if frame.opcode == TEXT)
    ws.choose("the Pong before the message's echo" if early else "the Pong behind the message's echo")


@case("6455-5.5.2-2", "6455-5.5.2-4", hint="expect a Ping at any time")
@each(
    before={
        "first_frame": (),
        "between_messages": (Frame.text("Hello"),),
        "between_empty_messages": (Frame.binary(b""), Frame.binary(b"")),
        "between_fragments": (Frame.text("Hel", fin=False),),
        "after_an_empty_fragment": (Frame.text("", fin=False),),
        "after_a_pong": (Frame.pong(b"unsolicited pong payload"),),
        "after_a_ping": (Frame.ping(b"first"),),
    }
)
async def ping_is_answered_at_any_time(ws: Connection, before: Sequence[Frame]) -> None:
    """A Ping may come at any time while the connection is open, the first frame and a message's middle included.

    Nothing follows it, so the target has no later occasion to answer.
    """
    await ws.send(*before, Frame.ping(b"ping payload"))
    await ws.expect_pong(b"ping payload")


@case("6455-5.5.2-5", hint="stop answering Pings once a Close has come", reading="ping-after-close")
@each(code={"1000": 1000, "empty": None}, pings=(1, 5))
async def ping_behind_close_is_not_owed_a_pong(ws: Connection, code: int | None, pings: int) -> None:
    """Once a Close has been received, the Ping behind it changes nothing: the connection closes.

    Both are in one segment. A Pong as well departs from the rule, as Close came first in the stream; a Pong
    in place of the Close, or an error over the Ping, fails it.
    """
    await ws.send(Frame.close(code), *(Frame.ping() for _ in range(pings)))
    closure = await ws.expect_close_reply()
    ws.expect(closure.status_code != 1002, "the closing reply", f"Close {closure.close}", closure.entry)
    pongs = [entry for entry, frame in ws.conversation.frames if frame.opcode == PONG]
    ws.depart_if(bool(pongs), "a Pong to a Ping behind our Close")


@case(
    "6455-6.2-2", "whatwg-ws-5-1", hint="browsers may send Pings and Pongs unasked: answer the ones, ignore the others"
)
@each(
    frames={
        "ping": (Frame.ping(),),
        "pong": (Frame.pong(),),
        "both": (Frame.ping(b"a"), Frame.pong(b"b"), Frame.ping(), Frame.pong()),
        "twenty_of_each": (Frame.ping(b"keep-alive"), Frame.pong(b"keep-alive")) * 20,
    }
)
async def keep_alive_of_a_user_agent_gives_no_offence(ws: Connection, frames: Sequence[Frame]) -> None:
    """A user agent may send Pings and unsolicited Pongs to keep the connection alive.

    A message afterwards shows that the connection still works.
    """
    await ws.send(*frames)
    await ws.expect_alive()


async def _timed_pong(
    ws: Connection, data: bytes, *, before: Sequence[Frame] = (), behind: Sequence[Frame] = ()
) -> tuple[Received, float]:
    """Send a Ping between other frames; return its Pong, and the seconds until it came."""
    start = trio.current_time()
    await ws.send(*before, Frame.ping(data), *behind)
    pong = await ws.expect_pong(data)
    taken = trio.current_time() - start
    ws.note("delay", f"{taken * 1000:.1f} ms")
    return pong, taken
