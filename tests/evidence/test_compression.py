"""Reading the compressed messages of a target from the frames of a conversation."""

from __future__ import annotations

import zlib

import pytest

from wsconform import Conversation, Frame, Role, compressed_messages
from wsconform.evidence.compression import GLANCE, Budget, CompressedState
from wsconform.wire.bits import BlockWriter, Code, Match
from wsconform.wire.blocks import TAIL, Kind, PayloadEnd
from wsconform.wire.deflate import Deflater
from wsconform.wire.frame import RSV1
from wsconform.wire.handshake import DEFLATE, Extension


def conversation(*frames: Frame, agreed: bool = True) -> Conversation:
    """Return a conversation in which the target sent `frames`; `agreed` is whether it uses permessage-deflate."""
    extensions = (Extension(DEFLATE),) if agreed else ()
    return Conversation(number=1, case="a", role=Role.SERVER, extensions=extensions, frames=list(enumerate(frames)))


def message(octets: bytes) -> Frame:
    return Frame.text(octets, rsv=RSV1)


def test_there_are_no_compressed_messages_without_compression() -> None:
    hello = message(Deflater().compress(b"Hello"))
    assert compressed_messages(conversation(hello, agreed=False)) == ()
    assert compressed_messages(conversation(Frame.text("Hello"))) == ()


def test_distance_and_reach_of_each_message() -> None:
    deflater = Deflater()
    first, second = deflater.compress(b"Hello"), deflater.compress(b"Hello")
    seen = compressed_messages(conversation(message(first), Frame.text("plain"), message(second)))
    assert [(each.entry, each.frames, each.payload) for each in seen] == [(0, 1, first), (2, 1, second)]
    assert [each.usage and each.usage.payload for each in seen] == [b"Hello", b"Hello"]
    assert [each.usage and (each.usage.distance, each.usage.reach) for each in seen] == [(0, 0), (5, 4)]


def test_fragments_are_joined_around_control_frames() -> None:
    octets = Deflater().compress(b"Hello")
    seen = compressed_messages(
        conversation(
            Frame.text(octets[:3], fin=False, rsv=RSV1), Frame.ping(b"x", rsv=RSV1), Frame.continuation(octets[3:])
        )
    )
    assert [(each.entry, each.frames, each.error) for each in seen] == [(2, 2, "")]
    assert seen[0].usage is not None
    assert [block.kind for block in seen[0].usage.blocks] == [Kind.FIXED, Kind.STORED]


def test_after_an_invalid_message_later_messages_are_unreadable() -> None:
    seen = compressed_messages(conversation(message(b"\x06"), message(Deflater().compress(b"Hello"))))
    assert [(each.state, each.usage, each.error) for each in seen] == [
        (CompressedState.INVALID, None, "block 1 has the reserved type 3"),
        (CompressedState.UNREADABLE, None, "follows a message that is not DEFLATE"),
    ]


def test_after_a_message_that_ends_inside_a_block_later_messages_are_unreadable() -> None:
    seen = compressed_messages(conversation(message(b"\xf2\x48"), message(Deflater().compress(b"Hello"))))
    assert seen[0].usage is not None
    assert seen[0].usage.end is PayloadEnd.CUT
    assert seen[1].state is CompressedState.UNREADABLE


@pytest.mark.parametrize(
    ("item", "undefined"), [(Code(257, 29), False), (Code(257, 30), True), (Code(257, 31), True), (Code(287, 0), False)]
)
def test_an_undefined_distance_code_is_reported_as_such(item: Code, undefined: bool) -> None:
    """Code 29 is defined; it fails here because it refers back beyond the start of the stream."""
    (seen,) = compressed_messages(conversation(message(BlockWriter().fixed(item).message())))
    assert (seen.state, seen.undefined_distance) == (CompressedState.INVALID, undefined)


def test_messages_are_read_once_and_again_after_new_frames() -> None:
    deflater = Deflater()
    talk = conversation(message(deflater.compress(b"Hello")))
    seen = compressed_messages(talk)
    assert compressed_messages(talk) is seen
    talk.frames.append((1, message(deflater.compress(b"Hello"))))
    assert len(compressed_messages(talk)) == 2


@pytest.mark.parametrize(
    ("budget", "read"),
    [
        (Budget(60, 1 << 20), (True, False, True)),
        (Budget(1 << 20, 60), (True, False, True)),
        (GLANCE, (True, True, True)),
    ],
)
def test_messages_past_the_budget_are_skipped_and_keep_the_window(budget: Budget, read: tuple[bool, ...]) -> None:
    noise = bytes(range(256))
    compressor = zlib.compressobj(wbits=-15)
    octets = [
        (compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)
        for payload in (b"Hello", noise, noise[100:130])
    ]
    seen = compressed_messages(conversation(*map(message, octets)), budget)
    assert tuple(each.usage is not None for each in seen) == read
    assert not any(each.error for each in seen)


def test_a_glance_uses_messages_that_were_read_with_the_larger_budget() -> None:
    talk = conversation(message(Deflater().compress(bytes(1 << 16))))
    (glanced,) = compressed_messages(talk, GLANCE)
    assert glanced.usage is None
    whole = compressed_messages(talk)
    assert whole[0].usage is not None
    assert compressed_messages(talk, GLANCE) is whole


def test_a_compression_bomb_has_neither_usage_nor_error() -> None:
    bomb = BlockWriter().fixed(b"a", *[Match(258, 1)] * 40_000).message()
    seen = compressed_messages(conversation(message(bomb), message(BlockWriter().fixed(Match(3, 32768)).message())))
    assert [(each.usage is None, each.error) for each in seen] == [(True, ""), (False, "")]
