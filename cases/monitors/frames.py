"""Monitors of every frame of a target: bits, opcodes, masking, lengths, order, text (RFC 6455 sections 5, 6)."""

from __future__ import annotations

from collections.abc import Iterator

from wsconform import (
    CLOSE,
    CONTINUATION,
    DEFINED_OPCODES,
    RSV1,
    TEXT,
    Conversation,
    Ending,
    Frame,
    InflateError,
    Inflater,
    LengthForm,
    Sample,
    Verdict,
    is_utf8,
    monitor,
)


def _sample(right: bool, label: str, entry: int | None) -> Sample:
    return Sample(label, Verdict.PASSED if right else Verdict.FAILED, entry)


def _data_frames(conversation: Conversation) -> Iterator[tuple[int, Frame]]:
    return ((entry, frame) for entry, frame in conversation.frames if not frame.is_control)


def _is_in_order(conversation: Conversation) -> bool:
    """Return whether the target ended the stream itself, with FIN, and neither end had made an error before."""
    closes = [number for number, frame in enumerate(conversation.sent) if frame.opcode == CLOSE]
    # Frames after our own Close are an error of ours. A target may then drop TCP, and lose the frames in its queue.
    ours = conversation.broken_by_us or bool(closes and closes[0] + 1 < len(conversation.sent))
    return conversation.ending is Ending.FIN and conversation.provoked is None and not ours


def ends_whole(conversation: Conversation) -> bool:
    """Return whether the stream ended, after the target's own Close, so that its last frame must be whole.

    A connection may be dropped at any time if there is a need (section 7.2.3), even inside a frame. An endpoint that
    drops its backlog when our Close or our FIN arrives has still sent nothing but frames.
    """
    return conversation.opened and bool(conversation.closes()) and _is_in_order(conversation)


def _messages(conversation: Conversation) -> Iterator[tuple[int, Frame, bytes]]:
    """Yield the whole messages of the target: last entry, first frame, payload as it was on the wire."""
    first, parts = None, list[bytes]()
    for entry, frame in _data_frames(conversation):
        if frame.opcode != CONTINUATION or first is None:
            first, parts = frame, []
        parts.append(frame.payload)
        if frame.fin:
            yield entry, first, b"".join(parts)
            first = None


def _inflater(conversation: Conversation) -> Inflater | None:
    # It has the largest window and context takeover. Other monitors check the negotiated parameters.
    return None if conversation.deflate is None else Inflater()


@monitor("6455-5.2-2", hint="set RSV1 only on the first frame of a compressed message, and no other RSV bit")
def reserved_bits_are_zero(conversation: Conversation) -> Iterator[Sample]:
    """Reserved bits are zero, except RSV1 if compression was negotiated."""
    allowed = RSV1 if conversation.deflate else 0
    for entry, frame in conversation.frames:
        yield _sample(not frame.rsv & ~allowed, f"RSV {frame.rsv:03b}", entry)


@monitor("6455-5.2-8")
def opcodes_are_defined(conversation: Conversation) -> Iterator[Sample]:
    """Only defined opcodes are sent: 0, 1, 2, 8, 9, A."""
    for entry, frame in conversation.frames:
        yield _sample(frame.opcode in DEFINED_OPCODES, f"opcode 0x{frame.opcode:X}", entry)


@monitor(
    "6455-5.1-5",
    "6455-5.1-1",
    "6455-6.1-6",
    "6455-5.3-1",
    hint="mask every frame as a client, and no frame as a server",
)
def frames_are_masked_by_clients_only(conversation: Conversation) -> Iterator[Sample]:
    """A client masks every frame that it sends; a server masks no frame."""
    for entry, frame in conversation.frames:
        masked = frame.key is not None
        yield _sample(masked is conversation.role.masks, "masked" if masked else "not masked", entry)


@monitor("6455-5.2-14", hint="encode lengths up to 125 in 7 bits, up to 65535 in 16 bits, and larger ones in 64 bits")
def lengths_are_minimal(conversation: Conversation) -> Iterator[Sample]:
    """A payload length is encoded in the fewest octets that can hold it."""
    for entry, frame in conversation.frames:
        form = frame.form or LengthForm.minimal(frame.length)
        label = f"in {form.value} bits" if frame.is_minimal else f"a length of {frame.length} in {form.value} bits"
        yield _sample(frame.is_minimal, label, entry)


@monitor("6455-6.1-3", "6455-5.2-17", hint="send only frames, and finish every frame that you begin")
def stream_ends_with_a_whole_frame(conversation: Conversation) -> Iterator[Sample]:
    """The octets of a target parse as frames to the last one, with a masking key if and only if MASK is set.

    Judged if the target ended the stream in good order after its Close. An octet that belongs to no frame misaligns
    everything after it, or is left over at the end.
    """
    if ends_whole(conversation):
        residue = len(conversation.residue)
        label = f"{residue} octets at the end that are not a whole frame" if residue else "whole frames"
        yield _sample(not residue, label, conversation.end_entry)


@monitor("6455-5.4-9", hint="finish a message before you begin the next one, even if different threads send them")
def fragments_of_messages_are_not_interleaved(conversation: Conversation) -> Iterator[Sample]:
    """A message begins only after the one before is finished, and a continuation only follows an unfinished message."""
    open_message = False
    for entry, frame in _data_frames(conversation):
        continues = frame.opcode == CONTINUATION
        if continues is open_message:
            yield _sample(True, "fragment" if continues or not frame.fin else "whole message", entry)
        elif continues:
            yield _sample(False, "a continuation without a message", entry)
        else:
            yield _sample(False, "a message inside another", entry)
        open_message = not frame.fin


@monitor("6455-6.1-5")
def messages_are_finished(conversation: Conversation) -> Iterator[Sample]:
    """Every message that is begun gets its frame with FIN, unless a Close of either end cuts it off."""
    unfinished = None
    for entry, frame in conversation.frames:
        if frame.opcode == CLOSE:
            return
        if not frame.is_control:
            unfinished = None if frame.fin else entry
            if frame.fin:
                yield _sample(True, "finished", entry)
    cut = any(frame.opcode == CLOSE for frame in conversation.sent)
    if unfinished is not None and not cut and _is_in_order(conversation):
        yield _sample(False, "a message left open at the end, without a Close", unfinished)


@monitor("6455-5.6-1", hint="encode text as UTF-8, whatever the application passes in")
def text_is_utf8(conversation: Conversation) -> Iterator[Sample]:
    """A text message is valid UTF-8 as a whole, after inflation if it was compressed."""
    inflater = _inflater(conversation)
    for entry, first, payload in _messages(conversation):
        text = payload
        if first.rsv & RSV1 and inflater is not None:
            try:
                text = inflater.decompress(payload)
            except InflateError:
                # Another monitor judges a message that does not inflate. The context is lost for the messages after it.
                return
        if first.opcode == TEXT:
            right = is_utf8(text)
            yield _sample(right, "UTF-8" if right else "not UTF-8", entry)
