"""Monitors of the form of the target's control frames (RFC 6455 section 5.5)."""

from __future__ import annotations

from collections.abc import Iterator

from wsconform import Conversation, Sample, Verdict, monitor, opcode_name


@monitor("6455-5.4-6", "6455-5.5-6", hint="set FIN on every Close, Ping and Pong")
def control_frames_are_not_fragmented(conversation: Conversation) -> Iterator[Sample]:
    """Every control frame of the target has FIN set.

    Every frame of the run is examined; the first control frame without FIN decides.
    """
    for entry, frame in conversation.frames:
        if frame.is_control:
            verdict = Verdict.PASSED if frame.fin else Verdict.FAILED
            yield Sample(f"{opcode_name(frame.opcode)}{'' if frame.fin else ' without FIN'}", verdict, entry)


@monitor("6455-5.5-2", hint="shorten or refuse a reason or application data before you build the frame")
def control_frames_have_at_most_125_octets(conversation: Conversation) -> Iterator[Sample]:
    """Every control frame of the target has at most 125 octets of payload.

    Every frame of the run is examined. The usual cause of a longer frame is a reason that quotes the error.
    """
    for entry, frame in conversation.frames:
        if frame.is_control:
            fits = len(frame.payload) <= 125
            label = opcode_name(frame.opcode)
            yield Sample(
                label if fits else f"{label} of {len(frame.payload)} octets",
                Verdict.PASSED if fits else Verdict.FAILED,
                entry,
            )
