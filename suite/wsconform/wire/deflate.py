"""permessage-deflate over zlib: one message in, one message out (RFC 7692 section 7.2).

zlib inflates most messages in one call. This module adds three rules of RFC 7692 that zlib does not know: blocks may
follow a final block, the window is kept across a final block, and a message that ends inside a block is an error.
"""

from __future__ import annotations

import zlib
from collections import deque

from .blocks import LARGEST_WINDOW, TAIL

__all__ = ["TAIL", "Deflater", "InflateError", "Inflater", "TooLong"]

#: A final block that inflates to four octets. Appended to a message, it shows whether the message ended between blocks.
_PROBE, _ANSWER = b"\x01\x04\x00\xfb\xff\xa5\x5a\xc3\x3c", b"\xa5\x5a\xc3\x3c"

#: The limit of final blocks in one message: each costs a new window.
_MOST_FINAL = 1000
#: The size in octets of the pieces that are inflated after a final block.
_PIECE = 1 << 14
#: The number of pieces of which the window consists before they are joined.
_MOST_PIECES = 256


class Deflater:
    """Compresses messages; the window is kept between them unless `takeover` is False (section 7.1.1).

    `bits` is the size of the negotiated window, `level` that of zlib (0: stored blocks, 1 to 9).
    """

    def __init__(self, bits: int = 15, *, takeover: bool = True, level: int = -1) -> None:
        # zlib cannot write a raw stream with a window of 256 octets; with one of 512 its distances are at most 250.
        self._bits, self._level = max(bits, 9), level
        self._takeover = takeover
        self._zlib = self._fresh()

    def _fresh(self) -> zlib._Compress:
        return zlib.compressobj(self._level, wbits=-self._bits)

    def compress(self, payload: bytes) -> bytes:
        """Return the payload data of the message `payload`, its last four octets removed (section 7.2.1)."""
        octets = self._zlib.compress(payload) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
        if not self._takeover:
            self._zlib = self._fresh()
        return octets.removesuffix(TAIL)


class InflateError(ValueError):
    """The octets are not a DEFLATE stream, end inside a block, or inflate beyond the limit; the text has the reason."""


class TooLong(InflateError):
    """The octets inflate beyond the limit."""


class Inflater:
    """Decompresses messages; the window is kept between them unless `takeover` is False.

    `bits` is the size of the negotiated window; a reference farther back is an error. The output of one message is
    limited to `limit` octets.
    """

    def __init__(self, bits: int = 15, *, takeover: bool = True, limit: int = 1 << 26) -> None:
        self._bits, self._takeover, self._limit = bits, takeover, limit
        self._window: deque[bytes] = deque()
        self._kept = 0
        self._zlib = zlib.decompressobj(wbits=-bits)

    def decompress(self, octets: bytes) -> bytes:
        """Return the inflated message for the payload data `octets` (section 7.2.2).

        Three deviations are accepted: no octets at all, a message whose last four octets were not removed, and a final
        block without an empty block after it. Raises TooLong if the message inflates to more than `limit` octets, and
        another InflateError if the octets are not DEFLATE or end inside a block. After an error, no later message can
        be inflated with the window.
        """
        if not octets:
            return b""
        try:
            # If the octets end with the tail, the sender broke section 7.2.1: no block header ends like that.
            payload, whole = self._inflate(octets, append_tail=not octets.endswith(TAIL))
        except zlib.error as problem:
            raise InflateError(f"not a DEFLATE stream: {problem}") from None
        if not whole:
            raise InflateError("ends inside a block")
        if not self._takeover:
            self._zlib = zlib.decompressobj(wbits=-self._bits)
        return payload

    def _inflate(self, octets: bytes, *, append_tail: bool) -> tuple[bytes, bool]:
        data = octets + TAIL if append_tail else octets
        payload = self._zlib.decompress(data, self._limit + 1)
        self._keep(payload)
        if not self._zlib.eof:
            return payload, self._is_between_blocks()
        return self._inflate_after_final(payload, memoryview(data), TAIL if append_tail else b"")

    def _inflate_after_final(self, payload: bytes, data: memoryview, tail: bytes) -> tuple[bytes, bool]:
        """Inflate the blocks after a final block, with the window (section 7.2.1); `payload` is the output so far."""
        parts, size, at = [payload], len(payload), len(data) - len(self._zlib.unused_data)
        for _ in range(_MOST_FINAL):
            self._zlib = zlib.decompressobj(wbits=-self._bits, zdict=b"".join(self._window)[-(1 << self._bits) :])
            if len(data) - at <= len(tail) and data[at:] == tail:
                return b"".join(parts), True
            while at < len(data) and not self._zlib.eof:
                piece = data[at : at + _PIECE]
                part = self._zlib.decompress(piece, self._limit + 1 - size)
                at += len(piece) - len(self._zlib.unused_data)
                size += len(part)
                self._keep(part, size)
                parts.append(part)
            if not self._zlib.eof:
                return b"".join(parts), self._is_between_blocks()
        raise InflateError(f"has more than {_MOST_FINAL} final blocks")

    def _keep(self, payload: bytes, size: int = 0) -> None:
        """Add `payload` to the window; `size` is the length of the message so far. Raises TooLong beyond the limit."""
        if max(size, len(payload)) > self._limit:
            raise TooLong(f"inflates to more than {self._limit} octets")
        if not payload:
            return
        self._window.append(payload[-LARGEST_WINDOW:])
        self._kept += len(self._window[-1])
        while self._kept - len(self._window[0]) >= LARGEST_WINDOW:
            self._kept -= len(self._window.popleft())
        if len(self._window) > _MOST_PIECES:
            self._window = deque([b"".join(self._window)])

    def _is_between_blocks(self) -> bool:
        probe = self._zlib.copy()
        try:
            return probe.decompress(_PROBE) == _ANSWER and probe.eof and not probe.unused_data
        except zlib.error:
            return False
