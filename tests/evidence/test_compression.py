"""What a target's compressed messages used, worked out from a conversation's frames."""

from __future__ import annotations

import zlib

import pytest

from wsconform import Conversation, Frame, Role, compressed_messages
from wsconform.evidence.compression import GLANCE, Budget
from wsconform.wire.bits import BlockWriter, Match
from wsconform.wire.blocks import TAIL, Kind, PayloadEnd
from wsconform.wire.deflate import Deflater
from wsconform.wire.frame import RSV1
from wsconform.wire.handshake import DEFLATE, Extension


def conversation(*frames: Frame, agreed: bool = True) -> Conversation:
    """Return a conversation in which the target sent `frames`, permessage-deflate having been agreed or not."""
    extensions = (Extension(DEFLATE),) if agreed else ()
    return Conversation(number=1, case="a", role=Role.SERVER, extensions=extensions, frames=list(enumerate(frames)))


def message(octets: bytes) -> Frame:
    return Frame.text(octets, rsv=RSV1)


def test_nothing_without_compression() -> None:
    hello = message(Deflater().compress(b"Hello"))
    assert compressed_messages(conversation(hello, agreed=False)) == ()
    assert compressed_messages(conversation(Frame.text("Hello"))) == ()


def test_what_each_message_used() -> None:
    deflater = Deflater()
    first, second = deflater.compress(b"Hello"), deflater.compress(b"Hello")
    seen = compressed_messages(conversation(message(first), Frame.text("plain"), message(second)))
    assert [(each.entry, each.frames, each.payload) for each in seen] == [(0, 1, first), (2, 1, second)]
    assert [each.usage and each.usage.payload for each in seen] == [b"Hello", b"Hello"]
    assert [each.usage and (each.usage.distance, each.usage.reach) for each in seen] == [(0, 0), (5, 4)]


def test_fragments_are_put_together_around_control_frames() -> None:
    octets = Deflater().compress(b"Hello")
    seen = compressed_messages(
        conversation(
            Frame.text(octets[:3], fin=False, rsv=RSV1), Frame.ping(b"x", rsv=RSV1), Frame.continuation(octets[3:])
        )
    )
    assert [(each.entry, each.frames, each.error) for each in seen] == [(2, 2, "")]
    assert seen[0].usage is not None
    assert [block.kind for block in seen[0].usage.blocks] == [Kind.FIXED, Kind.STORED]


def test_what_is_no_deflate_has_an_error_and_takes_the_context_with_it() -> None:
    seen = compressed_messages(conversation(message(b"\x06"), message(Deflater().compress(b"Hello"))))
    assert [(each.usage, each.error) for each in seen] == [
        (None, "block 1 has the reserved type 3"),
        (None, "follows a message that is no DEFLATE"),
    ]


def test_a_message_that_is_cut_takes_the_context_with_it_too() -> None:
    seen = compressed_messages(conversation(message(b"\xf2\x48"), message(Deflater().compress(b"Hello"))))
    assert seen[0].usage is not None
    assert seen[0].usage.end is PayloadEnd.CUT
    assert seen[1].error == "follows a message that is no DEFLATE"


def test_it_is_worked_out_once_and_anew_when_more_has_come() -> None:
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
def test_past_the_budget_the_window_is_kept_without_a_usage(budget: Budget, read: tuple[bool, ...]) -> None:
    noise = bytes(range(256))
    compressor = zlib.compressobj(wbits=-15)
    octets = [
        (compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)
        for payload in (b"Hello", noise, noise[100:130])
    ]
    seen = compressed_messages(conversation(*map(message, octets)), budget)
    assert tuple(each.usage is not None for each in seen) == read
    assert not any(each.error for each in seen)


def test_a_glance_takes_what_was_read_as_a_whole_before() -> None:
    talk = conversation(message(Deflater().compress(bytes(1 << 16))))
    (glanced,) = compressed_messages(talk, GLANCE)
    assert glanced.usage is None
    whole = compressed_messages(talk)
    assert whole[0].usage is not None
    assert compressed_messages(talk, GLANCE) is whole


def test_a_bomb_has_neither_usage_nor_error() -> None:
    bomb = BlockWriter().fixed(b"a", *[Match(258, 1)] * 40_000).message()
    seen = compressed_messages(conversation(message(bomb), message(BlockWriter().fixed(Match(3, 32768)).message())))
    assert [(each.usage is None, each.error) for each in seen] == [(True, ""), (False, "")]
