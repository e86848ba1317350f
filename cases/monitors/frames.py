"""Every frame that a target sends: bits, opcodes, masking, lengths, order, text (RFC 6455 sections 5, 6)."""

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
    """Return whether the target ended the stream itself, with FIN, where nobody had made an error."""
    closes = [number for number, frame in enumerate(conversation.sent) if frame.opcode == CLOSE]
    # Frames behind our own Close are an error of ours: a target may drop TCP over them, and what it had queued with it.
    ours = conversation.broken_by_us or bool(closes and closes[0] + 1 < len(conversation.sent))
    return conversation.ending is Ending.FIN and conversation.provoked is None and not ours


def ends_whole(conversation: Conversation) -> bool:
    """Return whether the stream came to an end at which a frame could not be cut off: behind the target's own Close.

    A connection may be dropped at any time where there is a need (section 7.2.3), amid a frame as well: an
    endpoint that gives up its backlog when our Close or our FIN has come has still sent nothing but frames.
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
    # With the largest window and takeover: whether the target kept to what was agreed is for other rules.
    return None if conversation.deflate is None else Inflater()


@monitor("6455-5.2-2", hint="send RSV bits as zero, but RSV1 of a compressed message's first frame")
def reserved_bits_are_zero(conversation: Conversation) -> Iterator[Sample]:
    """Reserved bits are zero, but RSV1 where compression was negotiated."""
    allowed = RSV1 if conversation.deflate else 0
    for entry, frame in conversation.frames:
        yield _sample(not frame.rsv & ~allowed, f"RSV {frame.rsv:03b}", entry)


@monitor("6455-5.2-8")
def opcodes_are_defined(conversation: Conversation) -> Iterator[Sample]:
    """Only opcodes with a meaning are sent: 0, 1, 2, 8, 9, A."""
    for entry, frame in conversation.frames:
        yield _sample(frame.opcode in DEFINED_OPCODES, f"opcode 0x{frame.opcode:X}", entry)


@monitor("6455-5.1-5", "6455-5.1-1", "6455-6.1-6", "6455-5.3-1", hint="a client masks every frame, a server none")
def frames_are_masked_by_clients_only(conversation: Conversation) -> Iterator[Sample]:
    """A client masks every frame that it sends, and a server none."""
    for entry, frame in conversation.frames:
        masked = frame.key is not None
        yield _sample(masked is conversation.role.masks, "masked" if masked else "not masked", entry)


@monitor("6455-5.2-14", hint="up to 125 in 7 bits, up to 65535 in 16, and 64 bits only for more")
def lengths_are_minimal(conversation: Conversation) -> Iterator[Sample]:
    """A payload length is sent in the fewest octets that can say it."""
    for entry, frame in conversation.frames:
        form = frame.form or LengthForm.minimal(frame.length)
        label = f"in {form.value} bits" if frame.is_minimal else f"{frame.length} octets said in {form.value} bits"
        yield _sample(frame.is_minimal, label, entry)


@monitor("6455-6.1-3", "6455-5.2-17", hint="send nothing that is not a frame, and finish the frames that you begin")
def stream_ends_with_a_whole_frame(conversation: Conversation) -> Iterator[Sample]:
    """What a target sends parses as frames to the last octet, with a masking key where, and only where, MASK is set.

    Looked at where the target ended the stream in good order, behind its Close. An octet that belongs to no frame puts
    all that follows out of step, or is left over at the end.
    """
    if ends_whole(conversation):
        residue = len(conversation.residue)
        label = f"{residue} octets at the end that make no frame" if residue else "whole frames"
        yield _sample(not residue, label, conversation.end_entry)


@monitor("6455-5.4-9", hint="finish a message before the next one begins, whoever sends it")
def fragments_of_messages_are_not_interleaved(conversation: Conversation) -> Iterator[Sample]:
    """A message begins when the one before is finished, and continues only what has begun."""
    open_message = False
    for entry, frame in _data_frames(conversation):
        continues = frame.opcode == CONTINUATION
        if continues is open_message:
            yield _sample(True, "fragment" if continues or not frame.fin else "whole message", entry)
        elif continues:
            yield _sample(False, "a continuation of nothing", entry)
        else:
            yield _sample(False, "a message inside another", entry)
        open_message = not frame.fin


@monitor("6455-6.1-5")
def messages_are_finished(conversation: Conversation) -> Iterator[Sample]:
    """Every message that is begun gets its frame with FIN, unless a Close, of either end, cuts it off."""
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


@monitor("6455-5.6-1", hint="encode text as UTF-8, whatever the application hands over")
def text_is_utf8(conversation: Conversation) -> Iterator[Sample]:
    """A text message is valid UTF-8 as a whole, inflated if it was compressed."""
    inflater = _inflater(conversation)
    for entry, first, payload in _messages(conversation):
        text = payload
        if first.rsv & RSV1 and inflater is not None:
            try:
                text = inflater.decompress(payload)
            except InflateError:
                # What does not inflate is another rule's subject, and what follows it has no context any more.
                return
        if first.opcode == TEXT:
            right = is_utf8(text)
            yield _sample(right, "UTF-8" if right else "no UTF-8", entry)
