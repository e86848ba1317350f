"""Incremental UTF-8: the octet at which a text is lost (RFC 3629 section 4)."""

from __future__ import annotations

import codecs

#: How many octets are decoded in one go; what is decoded is thrown away.
_AT_ONCE = 1 << 16

# What may follow a lead octet: how many octets, and the range of the first of them. All later ones are 80..BF.
# The narrowed ranges keep out overlong forms (E0, F0), surrogates (ED) and code points past U+10FFFF (F4).
_LEADS: dict[int, tuple[int, int, int]] = (
    dict.fromkeys(range(194, 224), (1, 128, 191))
    | dict.fromkeys(range(225, 240), (2, 128, 191))
    | dict.fromkeys(range(241, 244), (3, 128, 191))
    | {0xE0: (2, 0xA0, 0xBF), 0xED: (2, 0x80, 0x9F), 0xF0: (3, 0x90, 0xBF), 0xF4: (3, 0x80, 0x8F)}
)


class Utf8Reader:
    """Checks a text that comes in pieces."""

    def __init__(self) -> None:
        self._offset = 0
        self._missing = 0
        self._low, self._high = 0x80, 0xBF
        self._error: int | None = None

    @property
    def error(self) -> int | None:
        """Offset, over all pieces, of the first octet that no valid text has there; None so far."""
        return self._error

    @property
    def is_complete(self) -> bool:
        """Whether the text is valid and does not end inside a sequence."""
        return self._error is None and not self._missing

    def receive(self, octets: bytes) -> bool:
        """Take the next piece and return whether the text can still become valid."""
        if self._error is not None:
            return False
        if not self._missing and octets.isascii():
            self._offset += len(octets)
            return True
        for at in range(0, len(octets), _AT_ONCE):
            if not self._scan(octets, at, min(at + _AT_ONCE, len(octets))):
                return False
        self._offset += len(octets)
        return True

    def _scan(self, octets: bytes, start: int, end: int) -> bool:
        """Take the octets from `start` to `end`: what a decoder finds valid is skipped, the rest goes step by step."""
        while self._missing and start < end:
            # A sequence that was begun before is ended octet by octet: three at most.
            if not self._step(octets[start], self._offset + start):
                return False
            start += 1
        try:
            start += codecs.utf_8_decode(octets[start:end], "strict", False)[1]
        except UnicodeDecodeError as error:
            start += error.start
        # An unfinished sequence, or one that is none: which octet loses the text, the decoder does not say.
        return all(self._step(octets[at], self._offset + at) for at in range(start, end))

    def _step(self, octet: int, position: int) -> bool:
        if self._missing:
            if not self._low <= octet <= self._high:
                self._error = position
                return False
            self._missing -= 1
            self._low, self._high = 0x80, 0xBF
        elif octet >= 0x80:
            if octet not in _LEADS:
                self._error = position
                return False
            self._missing, self._low, self._high = _LEADS[octet]
        return True


def is_utf8(octets: bytes) -> bool:
    """Return whether `octets` are one whole valid UTF-8 text."""
    reader = Utf8Reader()
    return reader.receive(octets) and reader.is_complete
