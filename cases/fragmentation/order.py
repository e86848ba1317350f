"""Fragments out of order: a continuation of nothing, or a message inside another (RFC 6455 section 5.4)."""

from __future__ import annotations

from collections.abc import Sequence

from wsconform import BINARY, TEXT, Connection, Frame, case, each

DATA = {"text": TEXT, "binary": BINARY}
FIN = {"with_fin": True, "without_fin": False}
PIECES: dict[str, Sequence[int] | None] = {"one_segment": None, "octet_by_octet": (1,)}

_ORPHAN = "refuse opcode 0 unless a message is in progress"
_INSIDE = "refuse opcodes 1 and 2 while a message is in progress, with FIN set or clear"


@case("6455-5.4-2", "6455-10.7-1", "6455-10.7-2", hint=_ORPHAN)
@each(fin=FIN, payload={"empty": b"", "Hello": b"Hello"})
async def continuation_without_a_message_fails_the_connection(ws: Connection, fin: bool, payload: bytes) -> None:
    """A continuation frame is an error if no message is in progress.

    A target that treats the frame as a message delivers it. A target that drops it answers the Ping behind it.
    """
    await ws.send(Frame.continuation(payload, fin=fin))
    await ws.expect_connection_failed()


@case("6455-5.4-2", hint=_ORPHAN)
@each(fin=FIN, pieces=PIECES)
async def continuation_before_a_message_fails_the_connection(
    ws: Connection, fin: bool, pieces: Sequence[int] | None
) -> None:
    """A continuation frame before any message is an error, even if a valid message follows.

    A target that ignores the first frame echoes the second.
    """
    await ws.send(Frame.continuation("non-continuation payload", fin=fin), Frame.text("Hello, world!"), pieces=pieces)
    await ws.expect_connection_failed()


@case("6455-5.4-2", hint=_ORPHAN)
@each(fin=FIN)
async def continuation_before_fragmented_messages_fails_the_connection(ws: Connection, fin: bool) -> None:
    """A continuation frame before a fragmented message is an error; the same frames are then sent once more.

    A target that ignores the first frame delivers the fragmented message. A target that joins the first frame
    to the message delivers a longer one.
    """
    orphan = Frame.continuation("fragment1", fin=fin)
    message = (Frame.text("fragment2", fin=False), Frame.continuation("fragment3"))
    await ws.send(orphan, *message, orphan, *message)
    await ws.expect_connection_failed()


@case("6455-5.4-2", hint=_ORPHAN)
@each(fin=FIN, first=DATA)
async def continuation_after_a_message_fails_the_connection(ws: Connection, fin: bool, first: int) -> None:
    """A complete message cannot be continued.

    A target that remembers the type of the last message, but not that it is finished, delivers
    the continuation as another message.
    """
    await ws.send(Frame(first, b"whole"), Frame.continuation("more", fin=fin))
    await ws.expect_connection_failed(may_echo=(b"whole",))


@case("6455-5.4-2", hint=_ORPHAN)
@each(fin=FIN)
async def continuation_after_a_fragmented_message_fails_the_connection(ws: Connection, fin: bool) -> None:
    """A complete fragmented message cannot be continued.

    The message ends with FIN. A message behind the error must not be delivered.
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
    """A whole message between the fragments of another is an error: messages interleave only with an extension.

    A target that drops the first message delivers the second. A target that ignores the opcode delivers
    both as one message.
    """
    await ws.send(Frame(first, b"fragment1", fin=False), Frame(second, b"fragment2"))
    await ws.expect_connection_failed()


@case("6455-5.4-4", hint=_INSIDE)
@each(first=DATA, second=DATA)
async def first_fragment_inside_a_message_fails_the_connection(ws: Connection, first: int, second: int) -> None:
    """A first fragment of a message is an error inside another message.

    FIN is clear here; some targets check only frames with FIN set. The final frame is sent too, for a target
    that checks complete messages only.
    """
    await ws.send(Frame(first, b"Hel", fin=False), Frame(second, b"lo", fin=False), Frame.continuation(b""))
    await ws.expect_connection_failed()


@case("6455-5.4-4", hint=_INSIDE)
@each(pieces=PIECES)
async def new_message_after_several_fragments_of_another_fails_the_connection(
    ws: Connection, pieces: Sequence[int] | None
) -> None:
    """A new message inside another is an error after any number of fragments, and after valid messages.

    The echo of the first message may come. The messages behind it must not be delivered.
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
