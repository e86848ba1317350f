"""Segments: frames are read the same however TCP splits or joins them (RFC 6455 sections 2.1, 6.2)."""

from __future__ import annotations

from collections.abc import Sequence

from wsconform import BINARY, TEXT, Connection, Frame, Need, Profile, case, each

_OCTETS = bytes(range(256))

#: Frames of every kind, short and long, whole and in fragments; then the messages that an echo returns for them.
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

#: After how many octets of a frame the segment ends: everywhere in a masked header, and after one octet of payload.
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
    hint="keep the rest of a segment until the frame is complete",
)
@each(pieces=PIECES)
async def segments_make_no_difference(ws: Connection, pieces: Sequence[int] | None) -> None:
    """Twenty frames of all kinds are read the same in any segments.

    The echoes must be the same as for frames that are sent one by one. A target that treats a segment
    as a frame, or that processes a frame only when the next segment arrives, fails at once.
    """
    await ws.send(*SCRIPT, pieces=pieces)
    await ws.expect_echo(*ECHOES)
    await ws.expect_alive()


@case("6455-6.2-1", "6455-2.1-1", needs=Need.ECHO, hint="keep the rest of a segment until the frame is complete")
async def segments_cut_anywhere_make_no_difference(ws: Connection) -> None:
    """Frames are read the same if the stream is cut at random places.

    The places depend on the seed alone, so a failure can be reproduced.
    """
    await ws.send(*SCRIPT, pieces=_random_cuts(ws))
    await ws.expect_echo(*ECHOES)
    await ws.expect_alive()


@case("6455-6.2-1", "6455-2.1-1", needs=Need.ECHO, hint="read a header only when all of its octets are there")
@each(cut=CUTS)
async def header_may_end_in_the_next_segment(ws: Connection, cut: tuple[int, int]) -> None:
    """A frame is read correctly if a segment ends after any octet of its header.

    The rest comes in a segment of its own. A target that parses an incomplete header
    uses a length or a masking key that has not arrived yet.
    """
    length, octets = cut
    message = Frame.binary((_OCTETS * (length // 256 + 1))[:length])
    await ws.send(message, pieces=(octets, 1 << 20))
    await ws.expect_echo(message)
    await ws.expect_alive()


@case("6455-6.2-1", "6455-2.1-1", needs=Need.ECHO)
@each(size=(997, 1460, 4096, 16384))
async def long_message_comes_in_many_segments(ws: Connection, size: int) -> None:
    """A message of 65536 octets is read from any number of segments.

    A target that reads only once from its socket delivers less or stalls.
    """
    message = Frame.text("0123456789abcdef" * 4096)
    await ws.send(message, pieces=(size,))
    await ws.expect_echo(message)


@case("6455-6.2-1", "6455-2.1-1", needs=Need.ECHO)
@each(message={"text": Frame.text(b"*" * 65536), "binary": Frame.binary(b"\xfe" * 65536)}, pieces={"of_997": (997,)})
async def message_of_one_repeated_octet_comes_in_many_segments(
    ws: Connection, message: Frame, pieces: Sequence[int]
) -> None:
    """A long message of one repeated octet is delivered when all of its segments have arrived, and not before."""
    await ws.send(message, pieces=pieces)
    await ws.expect_echo(message)


@case(
    "6455-6.2-6",
    "6455-2.1-1",
    needs=Need.ECHO,
    hint="after a frame, check the buffer for the next one before you wait for octets",
)
@each(count=(2, 3, 20))
async def frames_in_one_segment_are_all_read(ws: Connection, count: int) -> None:
    """Several frames in one segment are all processed immediately.

    Nothing is sent behind them, so a target that parses the second frame only when more octets arrive never echoes it.
    """
    await ws.echo(*(Frame((TEXT, BINARY)[number % 2], b"%d" % number) for number in range(count)))


@case("6455-6.2-6", needs=Need.ECHO, allow=10, profile=Profile.STANDARD)
async def thousand_messages_in_one_segment_are_all_read(ws: Connection) -> None:
    """A thousand small messages in one write are echoed in order, none of them joined to another."""
    await ws.echo(*(Frame.text(f"{number}") for number in range(1000)))


@case("6455-6.2-6", "6455-2.1-1", needs=Need.ECHO)
@each(cut=(1, 2, 4, 6, 8))
async def second_frame_may_begin_in_the_first_ones_segment(ws: Connection, cut: int) -> None:
    """Octets behind a frame in the same segment are kept as the start of the next frame.

    The first frame is echoed; the second is echoed when its rest arrives.
    """
    first, second = Frame.text("first"), Frame.binary(b"\0second\xff")
    size = len(ws.encode(first))
    await ws.send(first, second, pieces=(size + cut, 1 << 20))
    await ws.expect_echo(first, second)
    await ws.expect_alive()
