"""permessage-deflate over zlib: one message in, one message out (RFC 7692 section 7.2)."""

from __future__ import annotations

import zlib

TAIL = b"\x00\x00\xff\xff"


class Deflater:
    """Compresses messages; the window lives on between them unless `takeover` is False (section 7.1.1)."""

    def __init__(self, bits: int = 15, *, takeover: bool = True) -> None:
        # zlib cannot make a raw stream with a window of 256 octets; 9 bits with short input never refers back farther.
        self._bits = max(bits, 9)
        self._takeover = takeover
        self._zlib = zlib.compressobj(wbits=-self._bits)

    def compress(self, payload: bytes) -> bytes:
        """Return the payload data of the message `payload`, its last four octets removed (section 7.2.1)."""
        octets = self._zlib.compress(payload) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
        if not self._takeover:
            self._zlib = zlib.compressobj(wbits=-self._bits)
        return octets.removesuffix(TAIL)


class InflateError(ValueError):
    """The octets are no DEFLATE stream, or inflate beyond the limit; the text says which."""


class Inflater:
    """Decompresses messages; the window lives on between them unless `takeover` is False."""

    def __init__(self, bits: int = 15, *, takeover: bool = True, limit: int = 1 << 26) -> None:
        self._bits, self._takeover, self._limit = max(bits, 9), takeover, limit
        self._zlib = zlib.decompressobj(wbits=-self._bits)

    def decompress(self, octets: bytes) -> bytes:
        """Return the message that `octets` hold (section 7.2.2).

        Raises InflateError where they are not DEFLATE, or hold more than `limit` octets.
        """
        try:
            payload = self._zlib.decompress(octets + TAIL, self._limit)
        except zlib.error as problem:
            raise InflateError(f"no DEFLATE stream: {problem}") from None
        if self._zlib.unconsumed_tail:
            raise InflateError(f"inflates to more than {self._limit} octets")
        if self._zlib.eof or not self._takeover:
            self._zlib = zlib.decompressobj(wbits=-self._bits)
        return payload
