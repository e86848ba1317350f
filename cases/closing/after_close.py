"""After a Close: frames behind it are ignored, and no data are sent any more (RFC 6455 section 5.5.1)."""

from __future__ import annotations

from collections.abc import Sequence

from wsconform import BINARY, CONTINUATION, RSV1, TEXT, Connection, Frame, Need, case, each

from .replies import close_count, expect_undelivered

LATE: dict[str, Sequence[Frame]] = {
    "text": (Frame.text("Hello World!"),),
    "empty_text": (Frame.text(""),),
    "binary": (Frame.binary(b"Hello"),),
    "fragmented": (Frame.text("Hel", fin=False), Frame.continuation("lo")),
    "first_fragment": (Frame.text("Hel", fin=False),),
    "continuation": (Frame.continuation("Hello"),),
    "unknown_opcode": (Frame(0x3),),
    "unknown_control": (Frame(0xB, b"a"),),
    "reserved_bit": (Frame.text("Hello", rsv=RSV1),),
    "long_ping": (Frame.ping(b"a" * 126),),
    "bad_text": (Frame.text(b"\xff"),),
    "one_octet_close": (Frame(0x8, b"a"),),
}

GARBAGE = {
    "line": b"GET / HTTP/1.1\r\n\r\n",
    "ones": b"\xff" * 64,
    "zeros": bytes(64),
    "half_a_header": b"\x81",
}

_CLOSED = "one Close in reply, and no other frame"


@case("6455-5.5.1-21", hint="remember that a Close was sent, and do not send a second one")
@each(
    closes={
        "same": (Frame.close(1000), Frame.close(1000)),
        "other_code": (Frame.close(1000), Frame.close(1001)),
        "empty": (Frame.close(), Frame.close()),
        "empty_behind_1000": (Frame.close(1000), Frame.close()),
        "three": (Frame.close(1000),) * 3,
    }
)
async def second_close_is_not_answered(ws: Connection, closes: Sequence[Frame]) -> None:
    """Only the first of several Close frames is answered.

    All are in one segment, so the second arrives before TCP can end. A target that answers each
    frame as it arrives sends several Close frames.
    """
    await ws.send(*closes)
    closure = await ws.expect_close_reply()
    ws.expect(close_count(ws) == 1, "one Close in reply", f"{close_count(ws)} Close frames", closure.end_entry)


@case("6455-5.5.1-22", hint="stop reading frames after a Close has been received", reading="octets-behind-close")
@each(late=LATE)
async def frame_behind_close_is_not_acted_upon(ws: Connection, late: Sequence[Frame]) -> None:
    """A frame behind a Close is ignored, whether it is valid or not.

    It is in the same segment, so a target that keeps parsing its buffer echoes the message, or finds the error
    and sends a second Close.
    """
    start = ws.latest_entry
    await ws.send(Frame.close(1000), *late)
    await _expect_closed_once(ws, start)


@case("6455-5.5.1-22", "6455-5.4-11", hint="stop reading frames after a Close has been received")
async def message_is_not_finished_behind_a_close(ws: Connection) -> None:
    """A message that is interrupted by a Close is not delivered, even if its last fragment follows the Close.

    A target that keeps reassembling the message after the Close echoes it.
    """
    start = ws.latest_entry
    await ws.send(Frame.text("fragment1", fin=False), Frame.close(1000), Frame.continuation("fragment2"))
    closure = await ws.expect_close_reply()
    expect_undelivered(ws, (b"fragment1", b"fragment2", b"fragment1fragment2"), _CLOSED, since=start)
    ws.expect(close_count(ws) == 1, _CLOSED, f"{close_count(ws)} Close frames", closure.end_entry)


@case("6455-5.5.1-22", hint="stop reading frames after a Close has been received", reading="octets-behind-close")
@each(octets=GARBAGE)
async def octets_behind_close_are_not_acted_upon(ws: Connection, octets: bytes) -> None:
    """After a Close, the octets need not be valid frames.

    A target that keeps parsing finds an error in them and sends a second Close, or drops TCP and never answers the
    first Close.
    """
    start = ws.latest_entry
    await ws.send(Frame.close(1000), tail=octets)
    await _expect_closed_once(ws, start)


@case("6455-5.5.1-10", needs=Need.ECHO, hint="discard queued messages when the Close is sent")
@each(count=(2, 20, 100))
async def no_data_follows_the_targets_close(ws: Connection, count: int) -> None:
    """A target that still has echoes to send sends them before its Close or not at all.

    Messages are sent before and behind our Close. A target that sends the rest of its queue after its Close
    violates the RFC.
    """
    messages = [Frame.text(f"message {n}") for n in range(count)]
    await ws.send(*messages, Frame.close(1000), *messages)
    await _expect_no_data_after_close(ws)


@case("6455-5.5.1-10", needs=Need.ECHO, alone=True, hint="discard queued messages when the Close is sent")
async def no_data_follows_the_close_amid_a_backlog(ws: Connection) -> None:
    """A target that still has megabytes of echoes to send sends them before its Close or not at all.

    200 messages of 10 kB are sent with the Close in the middle. One write cannot hold so much, so some echoes may
    still be queued when the target has read the Close.
    """
    messages = [Frame.binary(bytes(10_000))] * 100
    await ws.send(*messages, Frame.close(1000), *messages)
    await _expect_no_data_after_close(ws)


@case("6455-5.5.1-11", "6455-5.5.1-14", needs=Need.ECHO, hint="send the Close between frames, never inside one")
@each(
    frames={
        "one_frame": (Frame.binary(b"w" * (1 << 18)), Frame.close(1000)),
        "fragmented": (
            *(Frame(BINARY if n == 0 else CONTINUATION, b"w" * (1 << 16), fin=n == 3) for n in range(4)),
            Frame.close(1000),
        ),
        "two_messages_and_a_ping_behind": (
            Frame.text((b"BAsd7&jh23" * 26215)[: 1 << 18]),
            Frame.text("Hello World!"),
            Frame.close(1000),
            Frame.ping(),
        ),
    }
)
async def close_does_not_cut_a_frame(ws: Connection, frames: Sequence[Frame]) -> None:
    """A target that is sending a frame when a Close arrives finishes the frame before it replies.

    After the frame, it may stop, or finish the message. The message has 256 KiB, so its echo is in progress when the
    target reads the Close. If the reply is written inside the frame, the octets behind it do not form a whole
    frame, and we receive no Close.
    """
    start = ws.latest_entry
    await ws.send(*frames)
    closure = await ws.expect_close_reply()
    cut = f"{len(ws.conversation.residue)} octets behind the last whole frame"
    ws.expect(not ws.conversation.residue, "whole frames up to the end", cut, closure.end_entry)
    started = [entry for entry, frame in ws.frames_since(start) if frame.opcode in (TEXT, BINARY)]
    ws.note("messages begun before the Close", len(started))


async def _expect_closed_once(ws: Connection, start: int) -> None:
    """Expect one Close at most, and none of the payloads that we sent behind our Close after entry `start`."""
    # Octets behind our Close are an error of ours, for which the target may drop TCP (10.7).
    closure = await ws.expect_ended()
    ws.depart_if(closure.close is None, f"no reply to our Close, because of the octets behind it ({closure})")
    expect_undelivered(ws, (b"Hello World!", b"Hello", b"Hel", b"lo", b"", b"\xff"), _CLOSED, since=start)
    ws.expect(close_count(ws) <= 1, _CLOSED, f"{close_count(ws)} Close frames", closure.end_entry)
    ws.depart_if(closure.status_code in (1002, 1003, 1007), f"Close {closure.close} over octets behind our Close")


async def _expect_no_data_after_close(ws: Connection) -> None:
    closure = await ws.read_to_end()
    ws.note("ended with", closure)
    closes = [entry for entry, _ in ws.conversation.closes()]
    after = [
        (entry, frame) for entry, frame in ws.conversation.frames if closes and entry > closes[0] and frame.opcode < 0x8
    ]
    ws.expect(
        not after,
        "no data frame behind the target's Close",
        f"{len(after)} data frames, the first {after[0][1] if after else ''}",
        after[0][0] if after else closure.end_entry,
    )
