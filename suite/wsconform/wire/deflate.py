"""permessage-deflate over zlib: one message in, one message out (RFC 7692 section 7.2).

zlib does the work, in one call for most messages; what it hides is made up for here: a final block may be followed by
others, the window goes on over it, and a message that ends inside a block is no message.
"""

from __future__ import annotations

import zlib
from collections import deque

from .blocks import LARGEST_WINDOW, TAIL

__all__ = ["TAIL", "Deflater", "InflateError", "Inflater", "TooLong"]

#: A last block that yields four octets. Put behind a message, it says whether the message ended between two blocks.
_PROBE, _ANSWER = b"\x01\x04\x00\xfb\xff\xa5\x5a\xc3\x3c", b"\xa5\x5a\xc3\x3c"

#: Final blocks in one message: each costs a window of its own.
_MOST_FINAL = 1000
#: Octets that are looked at in one go behind a final block.
_PIECE = 1 << 14
#: Pieces of which the window is kept.
_MOST_PIECES = 256


class Deflater:
    """Compresses messages; the window lives on between them unless `takeover` is False (section 7.1.1).

    `bits` is the window that was agreed, `level` zlib's (0: stored blocks, 1 to 9).
    """

    def __init__(self, bits: int = 15, *, takeover: bool = True, level: int = -1) -> None:
        # zlib makes no raw stream with a window of 256 octets; with one of 512 it refers back 250 octets at most.
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
    """The octets are no DEFLATE stream, end inside a block, or inflate beyond the limit; the text says which."""


class TooLong(InflateError):
    """The octets inflate beyond the limit."""


class Inflater:
    """Decompresses messages; the window lives on between them unless `takeover` is False.

    `bits` is the window that was agreed: what an earlier message holds farther back is not found any more.
    Never more than `limit` octets and a window are held.
    """

    def __init__(self, bits: int = 15, *, takeover: bool = True, limit: int = 1 << 26) -> None:
        self._bits, self._takeover, self._limit = bits, takeover, limit
        self._window: deque[bytes] = deque()
        self._kept = 0
        self._zlib = zlib.decompressobj(wbits=-bits)

    def decompress(self, octets: bytes) -> bytes:
        """Return the message that `octets` hold (section 7.2.2).

        A message of no octets, one whose last four were not removed, and one whose final block no empty one
        follows are taken as they are meant. Raises TooLong where more than `limit` octets come of it, and another
        InflateError where the octets are not DEFLATE or end inside a block; no message follows then that
        could be inflated with the window of this one.
        """
        if not octets:
            return b""
        try:
            # The last four octets are in place only where the sender broke section 7.2.1: no header of a block ends so.
            payload, whole = self._inflate(octets, put_back=not octets.endswith(TAIL))
        except zlib.error as problem:
            raise InflateError(f"no DEFLATE stream: {problem}") from None
        if not whole:
            raise InflateError("ends inside a block")
        if not self._takeover:
            self._zlib = zlib.decompressobj(wbits=-self._bits)
        return payload

    def _inflate(self, octets: bytes, *, put_back: bool) -> tuple[bytes, bool]:
        data = octets + TAIL if put_back else octets
        payload = self._zlib.decompress(data, self._limit + 1)
        self._keep(payload)
        if not self._zlib.eof:
            return payload, self._is_between_blocks()
        return self._inflate_behind(payload, memoryview(data), TAIL if put_back else b"")

    def _inflate_behind(self, payload: bytes, data: memoryview, tail: bytes) -> tuple[bytes, bool]:
        """Go on behind a final block, with the window (section 7.2.1); `payload` came before."""
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
        """Keep what later messages may refer to of `payload`, which made `size` octets of the message."""
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
