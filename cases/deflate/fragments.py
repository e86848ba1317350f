"""Compressed messages in fragments, cut anywhere: the target reassembles them (RFC 7692 sections 6 and 7.2.1)."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Sequence

from wsconform import BINARY, BROWSER_OFFER, TAIL, Connection, Frame, Need, case, each

from .messages import AGAIN, HELLO, compressed, fragments, require_takeover

TWO: dict[str, tuple[int, ...]] = {f"{cut}+{7 - cut}": (cut,) for cut in range(1, 7)}
THREE: dict[str, tuple[int, ...]] = {f"{a}+{b - a}+{7 - b}": (a, b) for a, b in itertools.combinations(range(1, 7), 2)}

#: Fragments of one octet, and empty fragments first, last and in between.
SMALL = {
    "octet_by_octet": tuple(HELLO[at : at + 1] for at in range(7)),
    "octet_by_octet_with_empty_ones_between": tuple(
        itertools.chain.from_iterable((HELLO[at : at + 1], b"") for at in range(7))
    ),
    "empty_first": (b"", HELLO),
    "empty_last": (HELLO, b""),
    "empty_on_both_sides": (b"", HELLO[:4], HELLO[4:], b""),
    "twenty_empty_first": (*(b"",) * 20, HELLO),
    "twenty_empty_last": (HELLO, *(b"",) * 20),
}

#: "He" and "llo" with a flush between them (section 7.2.3.5): 00 00 ff ff stays there, and the message is cut near it.
FLUSHED = {
    "behind_the_flush": ("f24805000000ffff", "cac9c90700"),
    "inside_the_flush": ("f24805000000", "ffffcac9c90700"),
    "before_the_flush": ("f24805", "000000ffffcac9c90700"),
    "flush_alone": ("f24805", "000000ffff", "cac9c90700"),
    "three_flushes": ("f24805000000ffff", "ca01000000ffff", "cac90700"),
}

_HINT = "inflate the fragments as one stream, and append 00 00 ff ff once, at the end of the message"


def _cut(octets: bytes, cuts: Sequence[int]) -> list[bytes]:
    """Return `octets` cut at `cuts`."""
    return [octets[start:end] for start, end in itertools.pairwise((0, *cuts, len(octets)))]


def _parted(octets: bytes, size: int) -> list[bytes]:
    """Return `octets` in parts of `size` octets."""
    return [octets[at : at + size] for at in range(0, len(octets), size)]


def _flushed(parts: Sequence[bytes], flush: int) -> list[bytes]:
    """Return `parts` compressed as one message with a flush after each; 00 00 ff ff is removed from the last."""
    deflater = zlib.compressobj(wbits=-9)
    pieces = [deflater.compress(part) + deflater.flush(flush) for part in parts]
    return [*pieces[:-1], pieces[-1].removesuffix(TAIL)]


@case("7692-6.2-1", needs=Need.ECHO, offer=BROWSER_OFFER, hint=_HINT)
@each(cuts=TWO | THREE)
async def fragments_cut_anywhere_are_reassembled(ws: Connection, cuts: Sequence[int]) -> None:
    """The fragments of a compressed message are reassembled, wherever it was cut: in a symbol, or in its last octet.

    A target that inflates each fragment separately, or appends 00 00 ff ff to each, finds invalid DEFLATE.
    """
    await ws.send(*fragments(*_cut(HELLO, cuts)))
    await ws.expect_echo(Frame.text("Hello"))


@case("7692-6.2-1", needs=Need.ECHO, offer=BROWSER_OFFER, hint=_HINT)
@each(parts=SMALL)
async def tiny_fragments_are_reassembled(ws: Connection, parts: Sequence[bytes]) -> None:
    """A fragment may have one octet or none, also the first, with RSV1, and the last, with FIN.

    A target fails if it inflates the first fragment alone, or mishandles an empty fragment.
    """
    await ws.send(*fragments(*parts))
    await ws.expect_echo(Frame.text("Hello"))


@case("7692-6.2-1", needs=Need.ECHO, offer=BROWSER_OFFER, hint=_HINT)
@each(size=(100, 1300, 4096, 32768))
async def long_message_is_reassembled(ws: Connection, size: int) -> None:
    """A message of 65536 incompressible octets is sent in fragments of equal size; the last may be shorter."""
    message = Frame.binary(ws.random_octets(65536))
    await ws.send(*fragments(*_parted(ws.compressed(message).payload, size), opcode=BINARY))
    await ws.expect_echo(message)


@case("7692-7.2.1-10", "7692-6.2-1", needs=Need.ECHO, offer=BROWSER_OFFER, hint=_HINT)
@each(parts=FLUSHED)
async def flush_octets_inside_a_message_are_inflated(ws: Connection, parts: Sequence[str]) -> None:
    """A sender that flushes at a fragment keeps 00 00 ff ff there: it is removed only at the end of the message.

    A target that appends the four octets to every fragment, or removes them, corrupts the next block.
    """
    await ws.send(*fragments(*map(bytes.fromhex, parts)))
    await ws.expect_echo(Frame.text("Hello"))


@case("7692-7.2.1-10", "7692-6.2-1", needs=Need.ECHO, offer=BROWSER_OFFER, hint=_HINT)
@each(flush={"sync_flush": zlib.Z_SYNC_FLUSH, "full_flush": zlib.Z_FULL_FLUSH}, count=(2, 10, 100))
async def message_flushed_at_each_fragment_is_inflated(ws: Connection, flush: int, count: int) -> None:
    """A sender that streams may flush at each fragment, so that the receiver can inflate it at once.

    After a full flush a part does not refer to earlier ones; after a sync flush it may.
    """
    parts = [b"part %d of the message, " % number for number in range(count)]
    await ws.send(*fragments(*_flushed(parts, flush)))
    await ws.expect_echo(Frame.text(b"".join(parts)))


@case("7692-6.2-1", needs=Need.ECHO, offer=BROWSER_OFFER, hint=_HINT)
@each(cut=(1, 2, 3, 4))
async def window_is_shared_by_fragmented_messages(ws: Connection, cut: int) -> None:
    """Fragmented messages share the window like others: the second refers to the first.

    A target that appends 00 00 ff ff to each fragment ends up with a different window.
    """
    require_takeover(ws)
    await ws.send(*fragments(HELLO[:cut], HELLO[cut:]), *fragments(AGAIN[:cut], AGAIN[cut:]), compressed(AGAIN))
    await ws.expect_echo(*(Frame.text("Hello"),) * 3)


@case("7692-6.2-1", needs=Need.ECHO, offer=BROWSER_OFFER, hint=_HINT)
@each(pieces={"octet_by_octet": (1,), "3_octets": (3,), "7_octets": (7,)})
async def tcp_segments_may_cut_a_message_anywhere(ws: Connection, pieces: Sequence[int]) -> None:
    """The compressed message is delivered unchanged, wherever TCP cuts its octets."""
    await ws.send(*fragments(HELLO[:4], HELLO[4:]), compressed(HELLO), pieces=pieces)
    await ws.expect_echo(Frame.text("Hello"), Frame.text("Hello"))
