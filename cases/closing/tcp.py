"""TCP under the closing handshake: who closes first, how cleanly, what a broken one means (RFC 6455 section 7.1)."""

from __future__ import annotations

from collections.abc import Sequence

from wsconform import Closure, Connection, Ending, Frame, Opening, case, each

from .replies import expect_undelivered

#: Frames, and how many of their octets are sent (negative: how many are not).
CUTS: dict[str, tuple[Sequence[Frame], int | None]] = {
    "in_a_header": ((Frame.text("Hello"),), 1),
    "in_an_extended_length": ((Frame.binary(b"w" * 300),), 3),
    "before_a_payload": ((Frame.text("Hello"),), -5),
    "in_a_payload": ((Frame.text("Hello"),), -2),
    "in_a_long_payload": ((Frame.binary(b"Hel" + b"w" * 300),), -300),
    "in_a_message": ((Frame.text("Hel", fin=False),), None),
    "in_a_later_fragment": ((Frame.text("Hel", fin=False), Frame.continuation("lo")), -1),
    "between_empty_fragments": ((Frame.binary(b"", fin=False), Frame.continuation(b"", fin=False)), None),
}

LARGE_CUTS: dict[str, tuple[Sequence[Frame], int | None]] = {
    "in_a_payload": ((Frame.text("w" * 6000),), -1000),
    "in_a_message": ((Frame.text("w" * 5000, fin=False),), None),
    "in_a_later_fragment": ((Frame.text("w" * 5000, fin=False), Frame.continuation("w" * 200)), -100),
}

_FIN_FIRST = "close TCP right behind the reply; do not wait for the client's FIN"


@case("6455-7.1.1-1", hint="close TCP when the WebSocket connection is closed")
@each(close={"1000": Frame.close(1000), "empty": Frame.close(), "1001_bye": Frame.close(1001, "bye")})
async def closing_ends_with_the_end_of_tcp(ws: Connection, close: Frame) -> None:
    """To close the WebSocket connection is to close TCP: FIN or RST follows.

    Our end does all of its own part and keeps TCP open, so nothing but the target's own doing ends the stream.
    """
    await ws.send(close)
    closure = await ws.expect_stream_end()
    ws.note("ended with", closure)


@case("6455-5.5.1-17", "6455-7.1.1-5", alone=True, hint=_FIN_FIRST)
@each(code={"1000": 1000, "empty": None})
async def server_closes_tcp_at_once(ws: Connection, code: int | None) -> None:
    """The server closes TCP immediately after the closing handshake, without waiting for the client.

    Our end never sends a FIN: a server that waits for it is still open when patience is over, one that has a timer is
    late. Order decides, time only where the server is slow; the delay is noted.
    """
    await ws.send(Frame.close(code))
    closure = await ws.expect_stream_end()
    taken = _noted_delay(ws, closure)
    ws.depart_if(taken > ws.session.limits.prompt, f"TCP was closed {taken:.1f} s after the Close")


@case("6455-7.1.1-5", "6455-5.5.1-17", alone=True, hint=_FIN_FIRST)
async def server_closes_tcp_first_after_its_own_close(ws: Connection) -> None:
    """The server's FIN comes before the client's, also where the server sent the first Close.

    An error makes it send that Close; our end answers it and holds its FIN back for a second. A server
    that waits for the client sends its FIN after ours, or not at all.
    """
    with ws.arranging("an error that the target closes for"):
        await ws.send(Frame.pong(b"a", fin=False))
        await ws.expect_ended()
    waited = ws.ended is None
    await ws.half_close()
    await ws.expect_stream_end()
    ws.depart_if(waited, f"no FIN for {ws.session.limits.prompt:g} s, until the client's had come")


@case("6455-7.1.1-7", alone=True, hint=_FIN_FIRST)
async def tcp_close_follows_the_closing_handshake_at_once(ws: Connection) -> None:
    """A server told to close starts the closing of TCP at once: within a second of its Close.

    Measured from the end of the closing handshake, so that a slow reply does not count here.
    """
    await ws.send(Frame.close(1000))
    closure = await ws.expect_close_reply()
    taken = _noted_delay(ws, closure)
    prompt = ws.session.limits.prompt
    ws.depart_if(closure.ending is None or taken > prompt, f"no FIN within {prompt:g} s of the closing handshake")


@case("6455-7.1.1-2", alone=True, hint="shut the sending side, then read what still comes before closing the socket")
@each(ping=(25, 125))
async def tcp_is_closed_cleanly_with_frames_in_flight(ws: Connection, ping: int) -> None:
    """TCP is closed cleanly although octets still arrive, which are thrown away.

    64 KiB of Pings, which are legal there, follow the Close in the same breath. A socket that is closed with octets
    unread sends RST instead of FIN, and the RST can take the Close frame with it.
    """
    frame = Frame.ping(b"a" * ping)
    await ws.send(Frame.close(1000), *([frame] * ((1 << 16) // (ping + 6))))
    closure = await ws.expect_stream_end()
    ws.depart_if(closure.close is None, f"the Close was lost: {closure}")
    ws.depart_if(closure.ending is Ending.RST, "TCP ended with RST instead of FIN")


@case("6455-7.1.1-9", hint="end the connection when the peer ends its direction of TCP", reading="half-close")
@each(before={"nothing": (), "a_message": (Frame.text("Hello"),), "a_ping": (Frame.ping(b"a"),)})
async def half_close_ends_the_connection(ws: Connection, before: tuple[Frame, ...]) -> None:
    """A FIN without a Close ends the connection: there is no half-open WebSocket.

    Our end sends FIN and goes on reading, so a target that takes it for the end of our messages alone keeps
    its direction open.
    """
    await ws.send(*before)
    await ws.half_close()
    closure = await ws.read_to_end()
    ws.note("ended with", closure)
    ws.depart_if(closure.ending is None, f"its direction is open {ws.session.limits.patience:g} s after our FIN")


@case("6455-7.1.1-10", hint="reply to a Close although the peer's FIN is there already")
@each(code={"1000": 1000, "empty": None, "4000": 4000})
async def fin_behind_our_close_does_not_spoil_the_end(ws: Connection, code: int | None) -> None:
    """A FIN right behind the Close changes nothing: the reply comes, and TCP is closed.

    A target that looks at the end of the stream before it reads its buffer misses the Close; one that
    waits for more hangs.
    """
    await ws.send(Frame.close(code))
    await ws.half_close()
    closure = await ws.expect_stream_end()
    ws.note("reply", closure)


@case("6455-7.1.1-11", hint="deliver a message when it is complete, and never at the end of the stream")
@each(cut=CUTS)
async def message_cut_by_fin_is_not_delivered(ws: Connection, cut: tuple[Sequence[Frame], int | None]) -> None:
    """A connection cut inside a frame or a message ends, and nothing incomplete is delivered.

    Our FIN follows the octets and our end goes on reading: a target that flushes what it has at
    the end of the stream echoes it to us.
    """
    frames, end = cut
    await ws.send_octets(ws.encode(*frames)[:end])
    await ws.half_close()
    closure = await ws.read_to_end()
    expect_undelivered(ws, (b"", b"Hel", b"Hell", b"Hello"), "nothing to be delivered")
    ws.expect(closure.ending is not None, "the connection to end", str(closure))


@case("6455-7.1.1-11", alone=True, hint="what a connection left unfinished ends with it")
@each(cut=LARGE_CUTS)
async def message_cut_by_rst_leaves_nothing_behind(opening: Opening, cut: tuple[Sequence[Frame], int | None]) -> None:
    """A connection broken off inside a frame or a message takes what it had with it.

    Nothing can be read on the broken connection; the next one shows whether the target lives, and whether
    its first message comes back as it was. There are kilobytes to be left in a buffer that is used again.
    """
    frames, end = cut
    with opening.arranging("a connection to break off"):
        ws = await opening.expect_accepted()
    await ws.send_octets(ws.encode(*frames)[:end])
    await ws.break_off()
    after = await opening.expect_accepted(opening.fresh_request())
    await after.expect_alive()


def _noted_delay(ws: Connection, closure: Closure) -> float:
    ends = closure.end_after or 0.0
    taken = ends - (closure.close_after if closure.close_after is not None else 0.0)
    ws.note("delay", f"{taken * 1000:.1f} ms")
    return taken
