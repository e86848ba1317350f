"""Pong: it carries the data of the Ping; an unsolicited Pong is ignored (RFC 6455 section 5.5.3)."""

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


@case("6455-5.5.3-1", hint="send the Ping's application data back unchanged", reading="pong-data")
@each(data=DATA)
async def pong_carries_the_pings_data(ws: Connection, data: bytes) -> None:
    """A Pong has the application data of its Ping, octet for octet.

    Each value would be changed by some conversion: to text, to a string that ends at zero, or to a shorter buffer.
    """
    await ws.send(Frame.ping(data))
    await ws.expect_pong(data)


@case("6455-5.5.3-1", hint="unmask the Ping before its data goes into the Pong", reading="pong-data")
@each(key=(b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x01\x02\x03\x04"))
async def pong_carries_the_pings_data_unmasked(ws: Connection, key: bytes) -> None:
    """A Pong has the unmasked application data of its Ping, for any masking key.

    A target that copies the masked octets into its Pong is right only if the key is zero.
    """
    frame = Frame.ping(b"Hello")
    await ws.send(frame, key=key)
    await ws.expect_pong(b"Hello")


@case("6455-5.5.3-2", hint="application data of control frames are octets, not text")
@each(data=NOT_UTF8)
async def ping_data_need_not_be_utf8(ws: Connection, data: bytes) -> None:
    """A Ping whose data are not UTF-8 is answered.

    A target that decodes every payload as text fails the connection with 1007 instead.
    """
    await ws.send(Frame.ping(data))
    await ws.expect_pong(data)


@case("6455-5.5.3-2", hint="application data of control frames are octets, not text")
@each(data=NOT_UTF8)
async def pong_data_need_not_be_utf8(ws: Connection, data: bytes) -> None:
    """A Pong whose data are not UTF-8 is ignored like any other.

    A target that decodes every payload as text fails the connection with 1007.
    """
    await ws.send(Frame.pong(data))
    await ws.expect_no_reaction("a Pong that is not UTF-8")


@case(
    "6455-5.5.3-1", "6455-5.5.3-3", hint="if several Pings are pending, answer them in order, or answer only the last"
)
@each(pieces={"one_segment": None, "octet_by_octet": (1,), "across_frames": (5,)})
async def pending_pings_are_answered_in_order(ws: Connection, pieces: Sequence[int] | None) -> None:
    """Ten pending Pings are answered in order; all Pongs but the last may be missing.

    The Pings have different data. A target that answers from a stack sends its Pongs in another order, and
    a target that invents the data of a Pong sends data that no Ping had.
    """
    start = ws.latest_entry
    await ws.send(*map(Frame.ping, _TEN), pieces=pieces)
    pongs = await ws.expect_pongs_in_order(_TEN, since=start)
    ws.note("Pongs to ten Pings", pongs)


@case("6455-6.2-2", "6455-5.5.3-4", hint="ignore a Pong that answers no Ping")
@each(length=(0, 1, 5, 124, 125))
async def unsolicited_pong_is_accepted(ws: Connection, length: int) -> None:
    """A Pong that answers no Ping is accepted, as a heartbeat in one direction.

    A target that looks for the matching Ping finds none, and must ignore the Pong. An echo afterwards shows that
    the connection still works.
    """
    await ws.send(Frame.pong(b"p" * length))
    await ws.expect_alive()


@case("6455-5.5.3-5", hint="do not answer a Pong")
@each(frames={"empty": (Frame.pong(),), "data": (Frame.pong(b"Hello"),), "ten": (Frame.pong(b"Hello"),) * 10})
async def pong_is_not_answered(ws: Connection, frames: Sequence[Frame]) -> None:
    """A Pong is not answered with any frame.

    A Ping is sent behind it. TCP keeps the order, so an answer to the Pong would come before the Pong to that Ping.
    """
    start = ws.latest_entry
    await ws.send(*frames)
    await ws.expect_no_reaction("an unsolicited Pong")
    pongs = [frame for _, frame in ws.frames_since(start) if frame.opcode in (PONG, CLOSE)]
    ws.expect(len(pongs) <= 1, "only the Pong to our Ping", f"{len(pongs)} control frames")
