"""After a Close: what is sent no more, what is read no more, what is finished first (RFC 6455 section 5.5.1)."""

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

_CLOSED = "one Close in reply, and nothing more"


@case("6455-5.5.1-21", hint="remember that a Close was sent, and send no second one")
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
    """However many Close frames come, one is answered.

    They leave in one segment, so the second is there before TCP can end. A target that answers each
    frame as it comes sends as many.
    """
    await ws.send(*closes)
    closure = await ws.expect_close_reply()
    ws.expect(close_count(ws) == 1, "one Close in reply", f"{close_count(ws)} Close frames", closure.end_entry)


@case("6455-5.5.1-22", hint="stop reading frames once a Close has come", reading="octets-after-close")
@each(late=LATE)
async def frame_behind_close_is_not_acted_upon(ws: Connection, late: Sequence[Frame]) -> None:
    """What arrives behind a Close is neither delivered nor judged.

    It is in the same segment, so a target that goes on with its buffer echoes the message, or finds the error
    and says so with a second Close.
    """
    await ws.send(Frame.close(1000), *late)
    await _expect_closed_once(ws)


@case("6455-5.5.1-22", "6455-5.4-11", hint="stop reading frames once a Close has come")
async def message_is_not_finished_behind_a_close(ws: Connection) -> None:
    """The rest of a message that a Close interrupts comes too late: nothing of the message is delivered.

    A target that handles control frames apart from the message in progress goes on with that one, and echoes it.
    """
    await ws.send(Frame.text("fragment1", fin=False), Frame.close(1000), Frame.continuation("fragment2"))
    closure = await ws.expect_close_reply()
    expect_undelivered(ws, (b"fragment1", b"fragment2", b"fragment1fragment2"), _CLOSED)
    ws.expect(close_count(ws) == 1, _CLOSED, f"{close_count(ws)} Close frames", closure.end_entry)


@case("6455-5.5.1-22", hint="stop reading frames once a Close has come", reading="octets-after-close")
@each(octets=GARBAGE)
async def octets_behind_close_are_not_acted_upon(ws: Connection, octets: bytes) -> None:
    """Octets behind a Close need not even be frames.

    A target that parses on finds an error in them and says so with a second Close, or drops TCP and never answers the
    first.
    """
    await ws.send(Frame.close(1000), tail=octets)
    await _expect_closed_once(ws)


@case("6455-5.5.1-10", needs=Need.ECHO, hint="drop what is queued when the Close goes out")
@each(count=(2, 20, 100))
async def no_data_follows_the_targets_close(ws: Connection, count: int) -> None:
    """A target with echoes still to send sends them before its Close or not at all.

    Messages stand before the Close and behind it; a target whose queue is emptied after the Close has
    gone sends data where none may be.
    """
    messages = [Frame.text(f"message {n}") for n in range(count)]
    await ws.send(*messages, Frame.close(1000), *messages)
    await _expect_no_data_after_close(ws)


@case("6455-5.5.1-10", needs=Need.ECHO, alone=True, hint="drop what is queued when the Close goes out")
async def no_data_follows_the_close_amid_a_backlog(ws: Connection) -> None:
    """A target with megabytes of echoes under way sends them before its Close or not at all.

    200 messages of 10 kB, the Close in the middle: more than one write takes, so part of the echoes may
    still be queued when the Close has been read.
    """
    messages = [Frame.binary(bytes(10_000))] * 100
    await ws.send(*messages, Frame.close(1000), *messages)
    await _expect_no_data_after_close(ws)


@case("6455-5.5.1-11", "6455-5.5.1-14", needs=Need.ECHO, hint="put the Close between frames, never into one")
@each(
    frames={
        "one_frame": (Frame.binary(b"w" * (1 << 18)), Frame.close(1000)),
        "fragmented": (
            *(Frame(BINARY if n == 0 else CONTINUATION, b"w" * (1 << 16), n == 3) for n in range(4)),
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
    """A target that is sending when the Close arrives finishes the frame; then it may stop, or finish the message.

    The message is 256 KiB, so its echo is on the way when the Close has been read. A Close that jumps the
    queue lands inside the frame: what follows makes no whole frame, and no Close is seen.
    """
    await ws.send(*frames)
    closure = await ws.expect_close_reply()
    cut = f"{len(ws.conversation.residue)} octets behind the last whole frame"
    ws.expect(not ws.conversation.residue, "whole frames to the end", cut, closure.end_entry)
    started = [entry for entry, frame in ws.conversation.frames if frame.opcode in (TEXT, BINARY)]
    ws.note("messages begun before the Close", len(started))


async def _expect_closed_once(ws: Connection) -> None:
    # What comes behind our Close is our own error, over which TCP may be dropped (10.7).
    closure = await ws.expect_ended()
    ws.depart_if(closure.close is None, f"no reply to our Close, over what came behind it ({closure})")
    expect_undelivered(ws, (b"Hello World!", b"Hello", b"Hel", b"lo", b"", b"\xff"), _CLOSED)
    ws.expect(close_count(ws) <= 1, _CLOSED, f"{close_count(ws)} Close frames", closure.end_entry)
    ws.depart_if(closure.status_code in (1002, 1003, 1007), f"Close {closure.close} for what came behind ours")


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
