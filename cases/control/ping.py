"""Ping: answered at any time and with any data, until a Close has been received (RFC 6455 section 5.5.2)."""

from __future__ import annotations

from collections.abc import Sequence

import trio

from wsconform import CONTINUATION, PONG, TEXT, Connection, Frame, Received, case, each

_HINT = "answer every Ping with a Pong that carries its application data"

#: 1 MiB in sixteen fragments: the largest message that many libraries accept by default.
_PIECE, _PIECES = 1 << 16, 16


@case("6455-5.5.2-2", "6455-5.5.2-1", hint=_HINT)
@each(length=(0, 1, 2, 64, 124, 125))
async def ping_of_every_length_is_answered(ws: Connection, length: int) -> None:
    """A Ping with 0 to 125 octets of data is answered with a Pong that has the same data.

    A target that allows only 124 octets, or that ignores an empty Ping, sends a Close or nothing.
    """
    data = bytes(0x20 + n % 0x5F for n in range(length))
    await ws.send(Frame.ping(data))
    await ws.expect_pong(data)


@case("6455-5.5.2-2", hint=_HINT)
async def ping_is_answered(ws: Connection) -> None:
    """A Ping on an idle connection is answered with a Pong.

    Nothing else is sent, so the Pong can only be the answer to this Ping.
    """
    await ws.send(Frame.ping(b"Hello"))
    await ws.expect_pong(b"Hello")


@case("6455-5.5.2-2", hint="read Pings also while echoes are waiting to be sent")
@each(count=(1, 20, 200))
async def ping_among_messages_is_answered(ws: Connection, count: int) -> None:
    """A Ping is also answered while echoes are being sent.

    Messages are sent before and behind it, all in one segment, so the target has to send echoes and a Pong.
    A target whose queue holds only messages loses the Pong.
    """
    messages = [Frame.text(f"message {n}") for n in range(count)]
    await ws.send(*messages, Frame.ping(b"Hello"), *messages)
    await ws.expect_pong(b"Hello")


@case("6455-5.5.2-2", hint=_HINT)
@each(pieces={"octet_by_octet": (1,), "header_apart": (2, 4, 125), "data_cut": (8, 123)})
async def ping_in_pieces_is_answered(ws: Connection, pieces: Sequence[int]) -> None:
    """A Ping is answered in full if it comes in several segments.

    A target that answers as soon as it has the header sends a Pong without the rest of the data.
    """
    await ws.send(Frame.ping(b"\xfe" * 125), pieces=pieces)
    await ws.expect_pong(b"\xfe" * 125)


@case("6455-5.5.2-3", alone=True, hint="answer a Ping at once, not with the next message or on a timer")
async def ping_is_answered_promptly(ws: Connection) -> None:
    """The Pong is sent as soon as is practical: on an idle connection, immediately.

    The delay is noted. A Pong after more than one second (the limit `prompt`) is a departure; no Pong is a failure.
    """
    _, delay = await _timed_pong(ws, b"prompt")
    ws.depart_if(delay > ws.session.limits.prompt, f"the Pong came after {delay:.1f} s")


@case("6455-5.5.2-3", alone=True, hint="answer a Ping between the fragments of a large message")
async def ping_inside_a_large_message_is_answered(ws: Connection) -> None:
    """A Ping inside a large message is answered; whether before the echo of the message is noted.

    The Ping is sent after eight of sixteen fragments of 64 KiB, and the other fragments follow without a wait.
    The order of Pong and echo shows whether the target handles control frames while it receives a message.
    """
    fragments = [Frame(TEXT if n == 0 else CONTINUATION, b"w" * _PIECE, fin=n == _PIECES - 1) for n in range(_PIECES)]
    half, start = _PIECES // 2, ws.latest_entry
    pong, _ = await _timed_pong(ws, b"within", before=fragments[:half], behind=fragments[half:])
    early = all(entry > pong.entry for entry, frame in ws.frames_since(start) if frame.opcode == TEXT)
    ws.choose("the Pong comes before the echo" if early else "the Pong comes behind the echo")


@case("6455-5.5.2-2", "6455-5.5.2-4", hint="handle a Ping at any time")
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
    """A Ping is answered at any time while the connection is open, also as the first frame and inside a message.

    Nothing follows the Ping, so a target that answers only when the next frame arrives never answers.
    """
    await ws.send(*before, Frame.ping(b"ping payload"))
    await ws.expect_pong(b"ping payload")


@case("6455-5.5.2-5", hint="do not answer Pings after a Close has been received", reading="ping-after-close")
@each(code={"1000": 1000, "empty": None}, pings=(1, 5))
async def ping_behind_a_close_is_not_answered(ws: Connection, code: int | None, pings: int) -> None:
    """A Ping behind a Close is not answered, and the connection closes normally.

    Both are in one segment. A Pong in addition to the Close reply is a departure. A Pong
    instead of the Close reply, or 1002 because of the Ping, is a failure.
    """
    start = ws.latest_entry
    await ws.send(Frame.close(code), *(Frame.ping() for _ in range(pings)))
    closure = await ws.expect_close_reply()
    ws.expect(closure.status_code != 1002, "a normal Close in reply", f"Close {closure.close}", closure.entry)
    pongs = [entry for entry, frame in ws.frames_since(start) if frame.opcode == PONG]
    ws.depart_if(bool(pongs), "a Pong to a Ping behind our Close")


@case("6455-6.2-2", "whatwg-ws-5-1", hint="answer Pings and ignore Pongs: browsers may send either at any time")
@each(
    frames={
        "ping": (Frame.ping(),),
        "pong": (Frame.pong(),),
        "both": (Frame.ping(b"a"), Frame.pong(b"b"), Frame.ping(), Frame.pong()),
        "twenty_of_each": (Frame.ping(b"keep-alive"), Frame.pong(b"keep-alive")) * 20,
    }
)
async def keep_alive_frames_of_a_user_agent_are_accepted(ws: Connection, frames: Sequence[Frame]) -> None:
    """Pings and unsolicited Pongs, with which a user agent keeps a connection alive, are accepted.

    An echo afterwards shows that the connection still works.
    """
    await ws.send(*frames)
    await ws.expect_alive()


async def _timed_pong(
    ws: Connection, data: bytes, *, before: Sequence[Frame] = (), behind: Sequence[Frame] = ()
) -> tuple[Received, float]:
    """Send a Ping with `data` between other frames; return its Pong and the delay in seconds."""
    start = trio.current_time()
    await ws.send(*before, Frame.ping(data), *behind)
    pong = await ws.expect_pong(data)
    delay = trio.current_time() - start
    ws.note("delay", f"{delay * 1000:.1f} ms")
    return pong, delay
