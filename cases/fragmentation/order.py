"""Fragments out of order: nothing to continue, or a message inside another (RFC 6455 section 5.4)."""

from __future__ import annotations

from collections.abc import Sequence

from wsconform import BINARY, TEXT, Connection, Frame, case, each

DATA = {"text": TEXT, "binary": BINARY}
FIN = {"with_fin": True, "without_fin": False}
PIECES: dict[str, Sequence[int] | None] = {"one_segment": None, "octet_by_octet": (1,)}

_ORPHAN = "refuse opcode 0 where no message is in progress"
_INSIDE = "refuse opcodes 1 and 2 while a message is in progress, FIN set or not"


@case("6455-5.4-2", "6455-10.7-1", "6455-10.7-2", hint=_ORPHAN)
@each(fin=FIN, payload={"empty": b"", "Hello": b"Hello"})
async def continuation_without_a_message_fails_the_connection(ws: Connection, fin: bool, payload: bytes) -> None:
    """A continuation frame where nothing has begun is an error.

    A target that takes it for a message delivers it; one that throws it away answers the Ping behind it.
    """
    await ws.send(Frame.continuation(payload, fin=fin))
    await ws.expect_connection_failed()


@case("6455-5.4-2", hint=_ORPHAN)
@each(fin=FIN, pieces=PIECES)
async def continuation_before_a_message_fails_the_connection(
    ws: Connection, fin: bool, pieces: Sequence[int] | None
) -> None:
    """A message behind a continuation that continues nothing does not make up for it.

    A target that skips the first frame echoes the second.
    """
    await ws.send(Frame.continuation("non-continuation payload", fin=fin), Frame.text("Hello, world!"), pieces=pieces)
    await ws.expect_connection_failed()


@case("6455-5.4-2", hint=_ORPHAN)
@each(fin=FIN)
async def continuation_before_fragmented_messages_fails_the_connection(ws: Connection, fin: bool) -> None:
    """A continuation in front of a fragmented message, twice over, is not put right by what is continued later.

    A target that skips it delivers the message that is in order, one that joins it to the next delivers more.
    """
    orphan = Frame.continuation("fragment1", fin=fin)
    message = (Frame.text("fragment2", fin=False), Frame.continuation("fragment3"))
    await ws.send(orphan, *message, orphan, *message)
    await ws.expect_connection_failed()


@case("6455-5.4-2", hint=_ORPHAN)
@each(fin=FIN, first=DATA)
async def continuation_after_a_message_fails_the_connection(ws: Connection, fin: bool, first: int) -> None:
    """A message that is complete cannot be continued.

    A target that keeps the type of the last message, and not whether it is finished, delivers
    the continuation as another.
    """
    await ws.send(Frame(first, b"whole"), Frame.continuation("more", fin=fin))
    await ws.expect_connection_failed(may_echo=(b"whole",))


@case("6455-5.4-2", hint=_ORPHAN)
@each(fin=FIN)
async def continuation_after_a_fragmented_message_fails_the_connection(ws: Connection, fin: bool) -> None:
    """A fragmented message that is complete cannot be continued either.

    The state "in fragments" has to end with FIN; a message behind the error must not be delivered.
    """
    await ws.send(
        Frame.text("fragment1", fin=False),
        Frame.continuation("fragment2"),
        Frame.continuation("fragment3", fin=fin),
        Frame.text("fragment4"),
    )
    await ws.expect_connection_failed(may_echo=(b"fragment1fragment2",))


@case("6455-5.4-4", "6455-10.7-1", "6455-10.7-2", hint=_INSIDE)
@each(first=DATA, second=DATA)
async def whole_message_inside_another_fails_the_connection(ws: Connection, first: int, second: int) -> None:
    """A whole message between the fragments of another is an error: without an extension they do not interleave.

    A target that starts anew delivers the second, one that ignores the opcode delivers both as one.
    """
    await ws.send(Frame(first, b"fragment1", fin=False), Frame(second, b"fragment2"))
    await ws.expect_connection_failed()


@case("6455-5.4-4", hint=_INSIDE)
@each(first=DATA, second=DATA)
async def first_fragment_inside_a_message_fails_the_connection(ws: Connection, first: int, second: int) -> None:
    """A second first fragment is an error as well, with FIN clear as with FIN set.

    Targets repaired one of the two and not the other. The final frame is sent too, for one that checks
    complete messages only.
    """
    await ws.send(Frame(first, b"Hel", fin=False), Frame(second, b"lo", fin=False), Frame.continuation(b""))
    await ws.expect_connection_failed()


@case("6455-5.4-4", hint=_INSIDE)
@each(pieces=PIECES)
async def new_message_late_inside_another_fails_the_connection(ws: Connection, pieces: Sequence[int] | None) -> None:
    """The rule holds after any number of fragments, and after messages that were in order.

    The echo of the first message may come; nothing of what is behind it may.
    """
    await ws.send(
        Frame.text("in ", fin=False),
        Frame.continuation("two"),
        Frame.text("a", fin=False),
        Frame.continuation("b", fin=False),
        Frame.continuation("c", fin=False),
        Frame.text("d"),
        pieces=pieces,
    )
    await ws.expect_connection_failed(may_echo=(b"in two",))
