"""Pong: the Ping's octets and no others; unasked it is legal and answered by nothing (RFC 6455 section 5.5.3)."""

from __future__ import annotations

from collections.abc import Sequence

from wsconform import CLOSE, PONG, Connection, Frame, case, each

DATA = {
    "1_octet": b"a",
    "5_octets": b"Hello",
    "13_octets": b"Hello, world!",
    "124_octets": bytes(range(124)),
    "125_octets": bytes(range(131, 256)),
    "00_ff_fe_fd": b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff",
    "zeros": bytes(8),
    "zero_at_the_end": b"a\0",
    "line_ends": b"\r\n\n\r",
    "utf8": "Grüße €".encode(),
    "looks_like_a_frame": b"\x81\x05Hello",
}

NOT_UTF8 = {
    "c3_28_ff_fe": b"\xc3\x28\xff\xfe",
    "surrogate": b"\xed\xa0\x80",
    "lone_continuation": b"\x80",
    "cut_short": b"a\xe2\x82",
    "overlong": b"\xc0\x80",
    "125_octets": b"\xfe" * 125,
}

_TEN = tuple(b"payload-%d" % n for n in range(10))


@case("6455-5.5.3-1", hint="send the Ping's application data back as they are", reading="pong-data")
@each(data=DATA)
async def pong_carries_the_pings_data(ws: Connection, data: bytes) -> None:
    """The Pong has the application data of the Ping, octet for octet.

    Each value is one that some conversion alters: to text, to a string that ends at zero, to a shorter buffer.
    """
    await ws.send(Frame.ping(data))
    await ws.expect_pong(data)


@case("6455-5.5.3-1", hint="unmask the Ping before its data goes into the Pong", reading="pong-data")
@each(key=(b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x01\x02\x03\x04"))
async def pong_carries_the_pings_data_unmasked(ws: Connection, key: bytes) -> None:
    """What the Pong carries is the Ping's application data, whatever key masked them.

    A target that copies the octets of the wire into its Pong gets it right for key zero alone.
    """
    frame = Frame.ping(b"Hello")
    await ws.send(frame, key=key)
    await ws.expect_pong(b"Hello")


@case("6455-5.5.3-2", hint="application data of control frames are octets, not text")
@each(data=NOT_UTF8)
async def ping_data_need_not_be_utf8(ws: Connection, data: bytes) -> None:
    """The data of a Ping are octets: nobody checks them for UTF-8.

    A target that decodes every payload fails the connection, with 1007, in place of the Pong.
    """
    await ws.send(Frame.ping(data))
    await ws.expect_pong(data)


@case("6455-5.5.3-2", hint="application data of control frames are octets, not text")
@each(data=NOT_UTF8)
async def pong_data_need_not_be_utf8(ws: Connection, data: bytes) -> None:
    """The data of a Pong are octets: nobody checks them for UTF-8.

    A target that decodes every payload fails the connection, with 1007, over a Pong that it should ignore.
    """
    await ws.send(Frame.pong(data))
    await ws.expect_no_reaction("a Pong that is not UTF-8")


@case("6455-5.5.3-1", "6455-5.5.3-3", hint="if several Pings wait, answer them in order, or the last one alone")
@each(pieces={"one_segment": None, "octet_by_octet": (1,), "across_frames": (5,)})
async def pending_pings_are_answered_in_order(ws: Connection, pieces: Sequence[int] | None) -> None:
    """Of several pending Pings all may be answered, or some, but in order and with the last among them.

    Ten Pings are told apart by their data. A stack in place of a queue shows in the order, data of
    the target's own invention are none of the ten.
    """
    await ws.send(*map(Frame.ping, _TEN), pieces=pieces)
    last = await ws.expect_pong(_TEN[-1])
    late = [received for received in await ws.settle() if received.opcode == PONG]
    ws.expect(not late, "no Pong behind the one to the last Ping", f"{len(late)} more, {', '.join(map(str, late))}")
    pongs = [f.payload for entry, f in ws.conversation.frames if f.opcode == PONG and entry <= last.entry]
    right = set(pongs) <= set(_TEN) and pongs == sorted(set(pongs))
    ws.expect(right, "Pongs to the Pings, in order", f"Pongs {pongs}", last.entry)
    ws.note("Pongs to ten Pings", len(pongs))


@case("6455-6.2-2", "6455-5.5.3-4", hint="ignore a Pong that nobody asked for")
@each(length=(0, 1, 5, 124, 125))
async def unsolicited_pong_is_legal(ws: Connection, length: int) -> None:
    """A Pong may come unasked, as a heartbeat in one direction.

    A target that looks for the Ping it belongs to finds none, and has to shrug; a message afterwards shows that it
    did.
    """
    await ws.send(Frame.pong(b"p" * length))
    await ws.expect_alive()


@case("6455-5.5.3-5", hint="do not answer a Pong")
@each(frames={"empty": (Frame.pong(),), "data": (Frame.pong(b"Hello"),), "ten": (Frame.pong(b"Hello"),) * 10})
async def pong_is_not_answered(ws: Connection, frames: Sequence[Frame]) -> None:
    """A Pong is not answered, neither with a Pong nor with anything else.

    A Ping behind it draws the line: in an ordered stream, what has not come before its Pong is not coming.
    """
    await ws.send(*frames)
    await ws.expect_no_reaction("an unsolicited Pong")
    pongs = [frame for _, frame in ws.conversation.frames if frame.opcode in (PONG, CLOSE)]
    ws.expect(len(pongs) <= 1, "the one Pong to our Ping", f"{len(pongs)} control frames")
