"""Segments: TCP has no message boundaries, and a target must not invent any (RFC 6455 sections 2.1, 6.2)."""

from __future__ import annotations

from collections.abc import Sequence

from wsconform import BINARY, TEXT, Connection, Frame, Need, Profile, case, each

_OCTETS = bytes(range(256))

#: A conversation with every kind of frame, short and long, whole and in fragments; and what an echo answers.
SCRIPT = (
    Frame.text(""),
    Frame.text("a"),
    Frame.ping(),
    Frame.binary(_OCTETS[:125]),
    Frame.binary(_OCTETS[:126]),
    Frame.text("Grü", fin=False),
    Frame.ping(b"inside"),
    Frame.continuation("ße, ", fin=False),
    Frame.pong(b"inside"),
    Frame.continuation("", fin=False),
    Frame.continuation("世界"),
    Frame.text(b"\xf0\x9f", fin=False),
    Frame.continuation(b"\x8c\x8d"),
    Frame.pong(),
    Frame.binary(b"", fin=False),
    Frame.continuation(_OCTETS[:200]),
    Frame.ping(_OCTETS[:125]),
    Frame.text("b" * 127),
    Frame.binary(b""),
    Frame.text("end"),
)
ECHOES = (
    Frame.text(""),
    Frame.text("a"),
    Frame.binary(_OCTETS[:125]),
    Frame.binary(_OCTETS[:126]),
    Frame.text("Grüße, 世界"),
    Frame.text("🌍"),
    Frame.binary(_OCTETS[:200]),
    Frame.text("b" * 127),
    Frame.binary(b""),
    Frame.text("end"),
)

PIECES: dict[str, Sequence[int] | None] = {
    "one_segment": None,
    "octet_by_octet": (1,),
    "pieces_of_80": (80,),
    "pieces_of_70": (70,),
    "pieces_of_50": (50,),
    "pieces_of_7": (7,),
    "one_octet_then_the_rest": (1, 1 << 20),
    "all_but_one_octet": (sum(len(frame.masked(bytes(4)).encode()) for frame in SCRIPT) - 1, 1 << 20),
}

#: After which octet of a frame the segment ends: every place in a masked header, and the first of the payload.
CUTS = {
    f"{name}_after_{octets}": (length, octets)
    for name, length, header in (("7_bits", 5, 6), ("16_bits", 126, 8), ("64_bits", 65536, 14))
    for octets in range(1, header + 2)
}


def _random_cuts(ws: Connection) -> list[int]:
    """Return sizes of pieces, the same in every run with the same seed."""
    return [1 + octet % 60 for octet in ws.random_octets(64)]


@case(
    *("6455-6.2-1", "6455-2.1-1"),
    needs=Need.ECHO,
    profile=lambda pieces: Profile.STANDARD if pieces and max(pieces) < 3 else Profile.QUICK,
    hint="keep what is left of a segment until the frame is whole",
)
@each(pieces=PIECES)
async def segments_make_no_difference(ws: Connection, pieces: Sequence[int] | None) -> None:
    """A conversation means the same in whichever segments it comes.

    Twenty frames of all kinds; the echoes must be those of the same frames one by one. A target
    that takes a segment for a frame, or waits for the next one to look at the last, is out of step at once.
    """
    await ws.send(*SCRIPT, pieces=pieces)
    await ws.expect_echo(*ECHOES)
    await ws.expect_alive()


@case("6455-6.2-1", "6455-2.1-1", needs=Need.ECHO, hint="keep what is left of a segment until the frame is whole")
async def segments_cut_anywhere_make_no_difference(ws: Connection) -> None:
    """A conversation cut at places that nobody chose means the same.

    The places depend on the seed alone, so that a failure can be had again.
    """
    await ws.send(*SCRIPT, pieces=_random_cuts(ws))
    await ws.expect_echo(*ECHOES)
    await ws.expect_alive()


@case("6455-6.2-1", "6455-2.1-1", needs=Need.ECHO, hint="read a header only when all of its octets are there")
@each(cut=CUTS)
async def header_may_end_in_the_next_segment(ws: Connection, cut: tuple[int, int]) -> None:
    """A frame whose header is cut after any of its octets is read like a whole one.

    The rest comes in a segment of its own. A target that reads a header from what it has,
    finds a length, or a key, that is not there yet.
    """
    length, octets = cut
    message = Frame.binary((_OCTETS * (length // 256 + 1))[:length])
    await ws.send(message, pieces=(octets, 1 << 20))
    await ws.expect_echo(message)
    await ws.expect_alive()


@case("6455-6.2-1", "6455-2.1-1", needs=Need.ECHO)
@each(size=(997, 1460, 4096, 16384))
async def long_message_comes_in_many_segments(ws: Connection, size: int) -> None:
    """A message of 65536 octets is read from as many segments as it takes.

    A target that looks into its buffer once, and takes what is there, delivers less or stalls.
    """
    message = Frame.text("0123456789abcdef" * 4096)
    await ws.send(message, pieces=(size,))
    await ws.expect_echo(message)


@case("6455-6.2-1", "6455-2.1-1", needs=Need.ECHO)
@each(message={"text": Frame.text(b"*" * 65536), "binary": Frame.binary(b"\xfe" * 65536)}, pieces={"of_997": (997,)})
async def run_of_one_octet_comes_in_many_segments(ws: Connection, message: Frame, pieces: Sequence[int]) -> None:
    """A long run of one octet is complete when all of its segments are there, and not before."""
    await ws.send(message, pieces=pieces)
    await ws.expect_echo(message)


@case("6455-6.2-6", "6455-2.1-1", needs=Need.ECHO, hint="after a frame, look for the next one in the buffer first")
@each(count=(2, 3, 20))
async def glued_frames_are_all_read(ws: Connection, count: int) -> None:
    """Several frames in one segment are all processed, and at once.

    Nothing is sent behind them, so a target that looks for the second frame only when more arrives never echoes it.
    """
    await ws.echo(*(Frame((TEXT, BINARY)[number % 2], b"%d" % number) for number in range(count)))


@case("6455-6.2-6", needs=Need.ECHO, allow=10, profile=Profile.STANDARD)
async def thousand_messages_in_one_segment_are_all_read(ws: Connection) -> None:
    """A thousand small messages in one write come back, in order, each as itself."""
    await ws.echo(*(Frame.text(f"{number}") for number in range(1000)))


@case("6455-6.2-6", "6455-2.1-1", needs=Need.ECHO)
@each(cut=(1, 2, 4, 6, 8))
async def second_frame_may_begin_in_the_first_ones_segment(ws: Connection, cut: int) -> None:
    """One frame and a part of the next in one segment: the first is answered, the second waits for its rest.

    What is left in a buffer when a frame has been taken belongs to the next one.
    """
    first, second = Frame.text("first"), Frame.binary(b"\0second\xff")
    size = len(ws.encode(first))
    await ws.send(first, second, pieces=(size + cut, 1 << 20))
    await ws.expect_echo(first, second)
    await ws.expect_alive()
