"""The end of TCP: which end closes first, how cleanly, and connections that are cut (RFC 6455 section 7.1)."""

from __future__ import annotations

from collections.abc import Sequence

from wsconform import Closure, Connection, Ending, Frame, Opening, case, each

from .replies import expect_undelivered

#: Frames, and how many of their octets are sent (if negative: how many are not sent).
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

_FIN_FIRST = "close TCP directly after the reply; do not wait for the client's FIN"


@case("6455-7.1.1-1", hint="close TCP when the WebSocket connection is closed")
@each(close={"1000": Frame.close(1000), "empty": Frame.close(), "1001_bye": Frame.close(1001, "bye")})
async def closing_the_connection_closes_tcp(ws: Connection, close: Frame) -> None:
    """A target that closes the WebSocket connection also ends TCP, with FIN or RST.

    We carry out the closing handshake and keep TCP open, so only the target can end the stream.
    """
    await ws.send(close)
    closure = await ws.expect_stream_end()
    ws.note("ended with", closure)


@case("6455-5.5.1-17", "6455-7.1.1-5", alone=True, hint=_FIN_FIRST)
@each(code={"1000": 1000, "empty": None})
async def server_closes_tcp_at_once(ws: Connection, code: int | None) -> None:
    """The server closes TCP immediately after the closing handshake, without waiting for the client.

    We never send a FIN. A server that waits for it has not ended TCP when our patience is over; a server that
    waits with a timer is late, which is a departure. The delay is noted.
    """
    await ws.send(Frame.close(code))
    closure = await ws.expect_stream_end()
    delay = _noted_delay(ws, closure)
    ws.depart_if(delay > ws.session.limits.prompt, f"TCP was closed {delay:.1f} s after the Close")


@case("6455-7.1.1-5", "6455-5.5.1-17", alone=True, hint=_FIN_FIRST)
async def server_closes_tcp_first_after_its_own_close(ws: Connection) -> None:
    """The server's FIN comes before the client's, also if the server sent the first Close.

    An error makes the server send that Close. We answer it and wait one second before we send our FIN. A server
    that waits for the client sends its FIN after ours, or not at all.
    """
    with ws.arranging("an error for which the target closes the connection"):
        await ws.send(Frame.pong(b"a", fin=False))
        await ws.expect_ended()
    waited = ws.ended is None
    await ws.half_close()
    await ws.expect_stream_end()
    ws.depart_if(waited, f"no FIN for {ws.session.limits.prompt:g} s, until the client had sent one")


@case("6455-7.1.1-7", alone=True, hint=_FIN_FIRST)
async def tcp_close_follows_the_closing_handshake_at_once(ws: Connection) -> None:
    """A server that has received a Close starts to close TCP within one second of its own Close.

    The delay is measured from the end of the closing handshake, so a slow reply does not count here.
    """
    await ws.send(Frame.close(1000))
    closure = await ws.expect_close_reply()
    delay, prompt = _noted_delay(ws, closure), ws.session.limits.prompt
    ws.depart_if(closure.ending is None or delay > prompt, f"no FIN within {prompt:g} s of the closing handshake")


@case(
    "6455-7.1.1-2",
    alone=True,
    hint="shut down the sending side, then read to the end of the stream before closing the socket",
)
@each(ping=(25, 125))
async def tcp_is_closed_cleanly_with_frames_in_flight(ws: Connection, ping: int) -> None:
    """TCP is closed with FIN although octets still arrive, which the target discards.

    64 KiB of Pings, which a client may send, follow the Close at once. A socket that is closed with unread octets
    sends RST instead of FIN, and after the RST the Close frame may be lost.
    """
    frame = Frame.ping(b"a" * ping)
    await ws.send(Frame.close(1000), *([frame] * ((1 << 16) // (ping + 6))))
    closure = await ws.expect_stream_end()
    ws.depart_if(closure.close is None, f"the Close was lost: {closure}")
    ws.depart_if(closure.ending is Ending.RST, "TCP ended with RST instead of FIN")


@case("6455-7.1.1-9", hint="end the connection when the peer ends its direction of TCP", reading="half-close")
@each(before={"nothing": (), "a_message": (Frame.text("Hello"),), "a_ping": (Frame.ping(b"a"),)})
async def half_close_ends_the_connection(ws: Connection, before: tuple[Frame, ...]) -> None:
    """A FIN without a Close ends the connection in both directions.

    We send FIN and keep reading. A target that treats the FIN as the end of our messages only keeps
    its direction open.
    """
    await ws.send(*before)
    await ws.half_close()
    closure = await ws.read_to_end()
    ws.note("ended with", closure)
    ws.depart_if(closure.ending is None, f"TCP is still open {ws.session.limits.patience:g} s after our FIN")


@case("6455-7.1.1-10", hint="reply to a Close even if the peer's FIN has arrived already")
@each(code={"1000": 1000, "empty": None, "4000": 4000})
async def connection_ends_when_a_fin_follows_our_close(ws: Connection, code: int | None) -> None:
    """The connection ends normally if our FIN directly follows our Close.

    A target that handles the end of the stream before the octets in its buffer misses the Close. A target that
    waits for more octets stalls.
    """
    await ws.send(Frame.close(code))
    await ws.half_close()
    closure = await ws.expect_stream_end()
    ws.note("reply", closure)


@case("6455-7.1.1-11", hint="deliver a message only when it is complete, and not at the end of the stream")
@each(cut=CUTS)
async def message_cut_by_fin_is_not_delivered(ws: Connection, cut: tuple[Sequence[Frame], int | None]) -> None:
    """A connection that is cut inside a frame or a message ends, and the incomplete message is not delivered.

    We send FIN behind the octets and keep reading. A target that delivers its buffer at the end of the stream
    sends an echo.
    """
    start, (frames, end) = ws.latest_entry, cut
    await ws.send_octets(ws.encode(*frames)[:end])
    await ws.half_close()
    closure = await ws.read_to_end()
    expect_undelivered(ws, (b"", b"Hel", b"Hell", b"Hello"), "no delivery of an incomplete message", since=start)
    ws.expect(closure.ending is not None, "the connection to end", str(closure))


@case("6455-7.1.1-11", alone=True, hint="discard the unfinished message of a connection when the connection ends")
@each(cut=LARGE_CUTS)
async def message_cut_by_rst_leaves_nothing_behind(opening: Opening, cut: tuple[Sequence[Frame], int | None]) -> None:
    """An incomplete message on a connection that we reset does not affect the next connection.

    We cannot read from the connection that was reset. The next connection shows whether the target still runs,
    and whether its first message is echoed unchanged. Kilobytes could remain in a buffer that is used again.
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
    delay = ends - (closure.close_after if closure.close_after is not None else 0.0)
    ws.note("delay", f"{delay * 1000:.1f} ms")
    return delay
