"""Monitors of the target's compressed messages: RSV1, DEFLATE blocks, and their end (RFC 7692 sections 6, 7.2.1)."""

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

#: A message without RSV1 is tried as DEFLATE if it has at most this many octets.
_MOST_TRIED = 4096


def _sample(right: bool, label: str, entry: int | None) -> Sample:
    return Sample(label, Verdict.PASSED if right else Verdict.FAILED, entry)


def _ended(conversation: Conversation) -> Iterator[tuple[Compressed, PayloadEnd]]:
    """Yield the target's compressed messages whose end is known, each with its end."""
    return ((each, each.usage.end) for each in compressed_messages(conversation, GLANCE) if each.usage)


@monitor("7692-6.1-3", hint="do not set RSV1 on a control frame, which is never compressed")
def control_frames_have_no_compression_bit(conversation: Conversation) -> Iterator[Sample]:
    """RSV1 is not set on Ping, Pong and Close if compression was negotiated.

    Every control frame of the target is examined, replies to ours as well as its own.
    """
    if conversation.deflate is None:
        return
    for entry, frame in conversation.frames:
        if frame.is_control:
            yield _sample(not frame.rsv & RSV1, "RSV1" if frame.rsv & RSV1 else "without RSV1", entry)


@monitor("7692-6.1-4", hint="set RSV1 on the first frame of a compressed message, and on no other")
def continuations_have_no_compression_bit(conversation: Conversation) -> Iterator[Sample]:
    """RSV1 is not set on a continuation frame if compression was negotiated.

    Only a target that fragments its messages is judged.
    """
    if conversation.deflate is None:
        return
    for entry, frame in conversation.frames:
        if frame.opcode == CONTINUATION:
            yield _sample(not frame.rsv & RSV1, "RSV1" if frame.rsv & RSV1 else "without RSV1", entry)


@monitor(
    *("7692-6.1-1", "7692-7.2.1-9", "7692-7.2.1-10"),
    hint="compress the whole message, then fragment the result; remove 00 00 ff ff only at its end",
)
def compressed_messages_inflate(conversation: Conversation) -> Iterator[Sample]:
    """The fragments of a compressed message together, with 00 00 ff ff appended, are valid DEFLATE.

    Messages are read block by block, with the window of all earlier messages. Messages after one that is not DEFLATE
    are not judged.
    """
    for message in compressed_messages(conversation, GLANCE):
        kind = "fragments" if message.frames > 1 else "one frame"
        if message.state is CompressedState.INVALID:
            yield Sample(f"no DEFLATE: {message.error}", Verdict.FAILED, message.entry)
        elif message.usage is not None:
            cut = message.usage.end is PayloadEnd.CUT
            yield _sample(not cut, "ends inside a block" if cut else f"inflates ({kind})", message.entry)


@monitor("7692-7.2.1-1", hint="flush, then remove the last four octets of the message, 00 00 ff ff")
def last_four_octets_are_removed(conversation: Conversation) -> Iterator[Sample]:
    """00 00 ff ff is removed from the end of a compressed message.

    A message that still has these octets inflates, but is four octets too long.
    """
    for message, end in _ended(conversation):
        if message.payload and end is not PayloadEnd.CUT:
            left = end is PayloadEnd.LEFT
            yield _sample(not left, "00 00 ff ff in place" if left else "removed", message.entry)


@monitor("7692-7.2.1-2", hint="flush so that an empty stored block ends the message; add 00 after a final block")
def messages_end_with_an_empty_block(conversation: Conversation) -> Iterator[Sample]:
    """A compressed message ends with an empty stored block, whose last four octets are then removed.

    The receiver appends those four octets; without the block they leave it inside another block. A final block needs 00
    after it.
    """
    for message, end in _ended(conversation):
        if message.payload and end in (PayloadEnd.WHOLE, PayloadEnd.BARE):
            yield _sample(
                end is PayloadEnd.WHOLE, "no empty block" if end is PayloadEnd.BARE else "empty block", message.entry
            )


@monitor("7692-7.2.1-8", hint="pad the octet with zero bits after a final block")
def final_blocks_are_padded_with_zeros(conversation: Conversation) -> Iterator[Sample]:
    """A block with BFINAL that ends inside an octet is followed by zero bits up to the next octet.

    Only a target that sends such blocks is judged; few do.
    """
    for message in compressed_messages(conversation, GLANCE):
        for block in message.usage.blocks if message.usage else ():
            if block.final:
                label = f"{block.padding:b} in {block.padding_bits} bits" if block.padding else "zeros"
                yield _sample(not block.padding, label, message.entry)


@monitor("7692-7.2.1-11", hint="use distances up to 32768; codes 30 and 31 belong to another format")
def window_is_at_most_32768_octets(conversation: Conversation) -> Iterator[Sample]:
    """No match in the target's messages refers farther back than 32768 octets.

    DEFLATE cannot express more. The codes for longer distances belong to Deflate64, which is another format.
    """
    for message in compressed_messages(conversation, GLANCE):
        if message.usage:
            yield _sample(message.usage.distance <= LARGEST_WINDOW, "up to 32768 octets", message.entry)
        elif message.undefined_distance:
            yield Sample(message.error, Verdict.FAILED, message.entry)


@monitor("7692-7.2.1-20", "7692-7.2.1-19", hint="compress an empty message to 00, or send it uncompressed")
def compressed_messages_are_not_empty(conversation: Conversation) -> Iterator[Sample]:
    """A compressed message has at least one octet, because the header of the empty block remains.

    All compressed messages are examined; the echo of an empty message is the likely offender.
    """
    for message in compressed_messages(conversation, GLANCE):
        yield _sample(bool(message.payload), "octets" if message.payload else "no octets", message.entry)


@monitor("7692-6.1-2", hint="set RSV1 on the first frame of every compressed message")
def messages_without_rsv1_are_not_compressed(conversation: Conversation) -> Iterator[Sample]:
    """A message of the target without RSV1 is not one of our messages in compressed form.

    If compression was negotiated, short messages that differ from all that we sent are inflated and compared.
    """
    if conversation.deflate is None:
        return
    sent = {frame.payload for frame in conversation.sent if not frame.is_control}
    for entry, first, payload, _ in whole_messages(conversation):
        if not first.rsv & RSV1 and len(payload) <= _MOST_TRIED:
            hidden = payload not in sent and _inflated(payload) in sent
            yield _sample(not hidden, "compressed" if hidden else "plain", entry)


def _inflated(payload: bytes) -> bytes | None:
    """Return the inflated payload; None if it is empty or not DEFLATE."""
    try:
        return Inflater(limit=1 << 16).decompress(payload) or None
    except InflateError:
        return None
