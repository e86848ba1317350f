"""Every compressed message that a target sends: its bit, its blocks, and how it ends (RFC 7692 sections 6, 7.2.1)."""

from __future__ import annotations

from collections.abc import Iterator

from wsconform import (
    CONTINUATION,
    GLANCE,
    LARGEST_WINDOW,
    RSV1,
    Compressed,
    CompressedState,
    Conversation,
    InflateError,
    Inflater,
    PayloadEnd,
    Sample,
    Verdict,
    compressed_messages,
    monitor,
    whole_messages,
)

#: Octets of a message without RSV1 up to which it is looked at for DEFLATE.
_LOOKED_AT = 4096


def _sample(right: bool, label: str, entry: int | None) -> Sample:
    return Sample(label, Verdict.PASSED if right else Verdict.FAILED, entry)


def _ended(conversation: Conversation) -> Iterator[tuple[Compressed, PayloadEnd]]:
    """Yield the compressed messages of the target whose end is known, with it."""
    return ((each, each.usage.end) for each in compressed_messages(conversation, GLANCE) if each.usage)


@monitor("7692-6.1-3", hint="control frames are never compressed, and RSV1 says that they are")
def control_frames_have_no_compression_bit(conversation: Conversation) -> Iterator[Sample]:
    """RSV1 is not set on Ping, Pong and Close, where compression is agreed.

    Looked at in every control frame of the target: those that answer ours, and those of its own.
    """
    if conversation.deflate is None:
        return
    for entry, frame in conversation.frames:
        if frame.is_control:
            yield _sample(not frame.rsv & RSV1, "RSV1" if frame.rsv & RSV1 else "without RSV1", entry)


@monitor("7692-6.1-4", hint="set RSV1 on the first frame of a compressed message, and on no other")
def continuations_have_no_compression_bit(conversation: Conversation) -> Iterator[Sample]:
    """RSV1 is not set on a frame that continues a message, where compression is agreed.

    Looked at where the target fragments what it sends.
    """
    if conversation.deflate is None:
        return
    for entry, frame in conversation.frames:
        if frame.opcode == CONTINUATION:
            yield _sample(not frame.rsv & RSV1, "RSV1" if frame.rsv & RSV1 else "without RSV1", entry)


@monitor(
    *("7692-6.1-1", "7692-7.2.1-9", "7692-7.2.1-10"),
    hint="compress a message as a whole, cut what comes of it, and keep 00 00 ff ff everywhere but at its end",
)
def compressed_messages_inflate(conversation: Conversation) -> Iterator[Sample]:
    """A compressed message of the target is DEFLATE: its fragments together, with 00 00 ff ff behind them.

    Read block by block with the window of all messages before. What follows a message that is no DEFLATE is not judged.
    """
    for message in compressed_messages(conversation, GLANCE):
        kind = "fragments" if message.frames > 1 else "one frame"
        if message.state is CompressedState.INVALID:
            yield Sample(f"no DEFLATE: {message.error}", Verdict.FAILED, message.entry)
        elif message.usage is not None:
            cut = message.usage.end is PayloadEnd.CUT
            yield _sample(not cut, "ends inside a block" if cut else f"inflates ({kind})", message.entry)


@monitor("7692-7.2.1-1", hint="flush, then remove the last four octets, 00 00 ff ff, of the message")
def last_four_octets_are_removed(conversation: Conversation) -> Iterator[Sample]:
    """00 00 ff ff is removed from the end of a compressed message.

    A message that still has it inflates, and is four octets too long.
    """
    for message, end in _ended(conversation):
        if message.payload and end is not PayloadEnd.CUT:
            left = end is PayloadEnd.LEFT
            yield _sample(not left, "00 00 ff ff in place" if left else "removed", message.entry)


@monitor("7692-7.2.1-2", hint="flush so that an empty stored block ends the message; add 00 behind a final block")
def messages_end_with_an_empty_block(conversation: Conversation) -> Iterator[Sample]:
    """A compressed message ends with an empty stored block, whose last four octets are then removed.

    Without it the receiver, which puts those back, is left inside a block; a final block needs 00 behind it.
    """
    for message, end in _ended(conversation):
        if message.payload and end in (PayloadEnd.WHOLE, PayloadEnd.BARE):
            yield _sample(
                end is PayloadEnd.WHOLE, "no empty block" if end is PayloadEnd.BARE else "empty block", message.entry
            )


@monitor("7692-7.2.1-8", hint="fill the octet up with zero bits behind a final block")
def final_blocks_are_padded_with_zeros(conversation: Conversation) -> Iterator[Sample]:
    """A block with BFINAL that ends inside an octet is followed by zero bits up to the next.

    Looked at where the target sends such blocks, which few do.
    """
    for message in compressed_messages(conversation, GLANCE):
        for block in message.usage.blocks if message.usage else ():
            if block.final:
                label = f"{block.padding:b} in {block.padding_bits} bits" if block.padding else "zeros"
                yield _sample(not block.padding, label, message.entry)


@monitor("7692-7.2.1-11", hint="distances end at 32768: codes 30 and 31 belong to another format")
def window_has_32768_octets_at_most(conversation: Conversation) -> Iterator[Sample]:
    """No match of the target's refers farther back than 32768 octets.

    DEFLATE cannot say more; the codes that would are those of Deflate64, which is another format.
    """
    for message in compressed_messages(conversation, GLANCE):
        if message.usage:
            yield _sample(message.usage.distance <= LARGEST_WINDOW, "up to 32768 octets", message.entry)
        elif message.undefined_distance:
            yield Sample(message.error, Verdict.FAILED, message.entry)


@monitor("7692-7.2.1-20", "7692-7.2.1-19", hint="compress an empty message to 00, or leave it plain")
def compressed_messages_have_an_octet(conversation: Conversation) -> Iterator[Sample]:
    """A compressed message has at least one octet, as the header of the empty block remains.

    Looked at in all of them; the occasion is the echo of an empty message.
    """
    for message in compressed_messages(conversation, GLANCE):
        yield _sample(bool(message.payload), "octets" if message.payload else "no octets", message.entry)


@monitor("7692-6.1-2", hint="set RSV1 on the first frame of what you compress")
def messages_without_the_bit_are_plain(conversation: Conversation) -> Iterator[Sample]:
    """A message of the target without RSV1 is plain: it is not one of ours, compressed.

    Looked at where compression is agreed, in short messages that are not what we sent, octet by octet.
    """
    if conversation.deflate is None:
        return
    sent = {frame.payload for frame in conversation.sent if not frame.is_control}
    for entry, first, payload, _ in whole_messages(conversation):
        if not first.rsv & RSV1 and len(payload) <= _LOOKED_AT:
            hidden = payload not in sent and _inflated(payload) in sent
            yield _sample(not hidden, "compressed" if hidden else "plain", entry)


def _inflated(payload: bytes) -> bytes | None:
    try:
        return Inflater(limit=1 << 16).decompress(payload) or None
    except InflateError:
        return None
