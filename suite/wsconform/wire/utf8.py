"""Incremental validation of UTF-8, with the position of the first invalid octet (RFC 3629 section 4)."""

from __future__ import annotations

import codecs

#: The number of octets that are decoded at once. The decoded text is discarded.
_AT_ONCE = 1 << 16

# By lead octet: the number of octets that follow, and the range of the first of them. Later ones are 80..BF.
# The narrowed ranges exclude overlong forms (E0, F0), surrogates (ED) and code points past U+10FFFF (F4).
_LEADS: dict[int, tuple[int, int, int]] = (
    dict.fromkeys(range(194, 224), (1, 128, 191))
    | dict.fromkeys(range(225, 240), (2, 128, 191))
    | dict.fromkeys(range(241, 244), (3, 128, 191))
    | {0xE0: (2, 0xA0, 0xBF), 0xED: (2, 0x80, 0x9F), 0xF0: (3, 0x90, 0xBF), 0xF4: (3, 0x80, 0x8F)}
)


class Utf8Reader:
    """Validates a text that arrives in pieces."""

    def __init__(self) -> None:
        self._offset = 0
        self._missing = 0
        self._low, self._high = 0x80, 0xBF
        self._error: int | None = None

    @property
    def error(self) -> int | None:
        """The offset, over all pieces, of the first octet that makes the text invalid; None if it is valid so far."""
        return self._error

    @property
    def is_complete(self) -> bool:
        """Whether the text is valid and does not end inside a sequence."""
        return self._error is None and not self._missing

    def receive(self, octets: bytes) -> bool:
        """Add the next piece, and return whether the text can still become valid."""
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
        """Check the octets from `start` to `end`: a decoder skips the valid ones, the rest is checked one by one."""
        while self._missing and start < end:
            # The rest of a sequence that began in an earlier piece, at most three octets.
            if not self._step(octets[start], self._offset + start):
                return False
            start += 1
        try:
            start += codecs.utf_8_decode(octets[start:end], "strict", False)[1]
        except UnicodeDecodeError as error:
            start += error.start
        # The rest is an incomplete or invalid sequence; the decoder does not report which octet makes it invalid.
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
    """Return whether `octets` are valid, complete UTF-8."""
    reader = Utf8Reader()
    return reader.receive(octets) and reader.is_complete
