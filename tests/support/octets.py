"""Octets of several frames at once."""

from __future__ import annotations

from collections.abc import Iterable

from wsconform.wire.frame import Frame


def encode_all(frames: Iterable[Frame]) -> bytes:
    """Return the octets of `frames`, one after the other."""
    return b"".join(frame.encode() for frame in frames)
