"""Monitors of a compressor: the negotiated window, and context takeover (RFC 7692 section 7.2.1)."""

from __future__ import annotations

from collections.abc import Iterator

from wsconform import GLANCE, Conversation, Sample, Verdict, compressed_messages, monitor


def _agreed(conversation: Conversation, name: str) -> str | None:
    """Return the parameter `name` that was agreed for the target's own messages; None if it was not agreed."""
    extension = conversation.deflate
    return extension.get(f"{conversation.role.value}_{name}") if extension else None


@monitor("7692-7.2.1-18", "7692-7.2.1-16", hint="configure your compressor with the window that was agreed")
def agreed_window_is_kept(conversation: Conversation) -> Iterator[Sample]:
    """If a window was agreed for the target, no match in its messages refers farther back than the window."""
    value = _agreed(conversation, "max_window_bits")
    bits = next((bits for bits in range(8, 16) if str(bits) == value), None)
    if bits is None:
        return
    for message in compressed_messages(conversation, GLANCE):
        if message.usage and message.usage.distance:
            label = f"a match {message.usage.distance} octets back; {1 << bits} were agreed"
            kept = message.usage.distance <= 1 << bits
            yield Sample("" if kept else label, Verdict.PASSED if kept else Verdict.FAILED, message.entry)


@monitor("7692-7.2.1-14", "7692-7.2.1-12", hint="start every message with a new compressor")
def agreed_no_context_takeover_is_kept(conversation: Conversation) -> Iterator[Sample]:
    """If no_context_takeover was agreed for the target, no match refers to an earlier message."""
    if _agreed(conversation, "no_context_takeover") is None:
        return
    for message in compressed_messages(conversation, GLANCE):
        if message.usage:
            label = f"a match {message.usage.reach} octets before the message's start"
            alone = not message.usage.reach
            yield Sample("" if alone else label, Verdict.PASSED if alone else Verdict.FAILED, message.entry)
