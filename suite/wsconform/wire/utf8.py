"""Incremental UTF-8: the octet at which a text is lost (RFC 3629 section 4)."""

from __future__ import annotations

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
        for position, octet in enumerate(octets, self._offset):
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
        self._offset += len(octets)
        return True


def is_utf8(octets: bytes) -> bool:
    """Return whether `octets` are one whole valid UTF-8 text."""
    reader = Utf8Reader()
    return reader.receive(octets) and reader.is_complete
