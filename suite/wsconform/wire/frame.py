"""Conversion of frames, legal or not, to octets and back (RFC 6455 section 5.2), without judgement, I/O or clock."""

from __future__ import annotations

import enum
import functools
import struct
from dataclasses import KW_ONLY, dataclass, replace
from typing import Self

CONTINUATION, TEXT, BINARY = 0x0, 0x1, 0x2
CLOSE, PING, PONG = 0x8, 0x9, 0xA

#: The opcodes that section 5.2 defines.
DEFINED_OPCODES = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})

#: The RSV bits of `Frame.rsv`.
RSV1, RSV2, RSV3 = 0b100, 0b010, 0b001

#: Payloads of more octets are masked with translation tables; shorter ones are masked faster as one large number.
_TRANSLATED_FROM = 1 << 12


@functools.cache
def _xored(each: int) -> bytes:
    """Return the translation table of the octet `each` of a key: all octets, XORed with it."""
    return bytes(octet ^ each for octet in range(256))


_NAMES = {
    CONTINUATION: "Continuation",
    TEXT: "Text",
    BINARY: "Binary",
    CLOSE: "Close",
    PING: "Ping",
    PONG: "Pong",
}


def opcode_name(opcode: int) -> str:
    """Return the name that section 5.2 gives to `opcode`, or its hexadecimal digit."""
    return _NAMES.get(opcode, f"0x{opcode:X}")


class LengthForm(enum.Enum):
    """The encoding of a payload length: in 7 bits, or in the 16 or 64 bits that follow them."""

    SHORT = 7
    MEDIUM = 16
    LONG = 64

    @classmethod
    def minimal(cls, length: int) -> LengthForm:
        """Return the shortest form for `length` (octets)."""
        if length <= 125:
            return cls.SHORT
        return cls.MEDIUM if length <= 0xFFFF else cls.LONG


def apply_mask(octets: bytes, key: bytes) -> bytes:
    """Return `octets` XORed with the 4-octet `key`, repeated (section 5.3); masking and unmasking are the same."""
    length = len(octets)
    if not length or key == b"\0\0\0\0":
        return octets
    if length > _TRANSLATED_FROM:
        # Every fourth octet is XORed with the same octet of the key. Four translations take half the time of one large
        # number.
        masked = bytearray(length)
        for at, each in enumerate(key):
            masked[at::4] = octets[at::4].translate(_xored(each))
        return bytes(masked)
    stream = (key * (length // 4 + 1))[:length]
    return (int.from_bytes(octets, "little") ^ int.from_bytes(stream, "little")).to_bytes(length, "little")


def frames_alike(header: bytes, payloads: bytes, size: int, keys: bytes | None) -> bytes:
    """Return the octets of frames with the same header and size.

    Each frame has `header` (without a key) and the next `size` octets of `payloads`, masked with the next 4 octets of
    `keys`; without `keys` the frames are not masked. The result is the same as from `Frame.encode`, but thousands of
    small frames take a twentieth of the time.
    """
    pieces = [payloads[at : at + size] for at in range(0, len(payloads), size)]
    if keys is None:
        return b"".join([header + piece for piece in pieces])
    plain = b"".join([header + bytes(4) + piece for piece in pieces])
    blank, turns, rest = bytes(len(header)), size // 4 + 1, size % 4
    stream = b"".join([blank + (key := keys[at : at + 4]) * turns + key[:rest] for at in range(0, 4 * len(pieces), 4)])
    return (int.from_bytes(plain, "little") ^ int.from_bytes(stream, "little")).to_bytes(len(plain), "little")


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame; `payload` is unmasked.

    `key` is the masking key; without a key the frame is not masked. `form` replaces the shortest form of the length,
    `announced` replaces the length of `payload` in octets; a correct frame has neither.
    """

    opcode: int
    payload: bytes = b""
    _: KW_ONLY
    fin: bool = True
    rsv: int = 0
    key: bytes | None = None
    form: LengthForm | None = None
    announced: int | None = None

    @classmethod
    def text(cls, text: str | bytes, *, fin: bool = True, rsv: int = 0) -> Self:
        """Return a Text frame; `bytes` are sent unchanged, UTF-8 or not."""
        return cls(TEXT, text.encode() if isinstance(text, str) else text, fin=fin, rsv=rsv)

    @classmethod
    def binary(cls, octets: bytes, *, fin: bool = True, rsv: int = 0) -> Self:
        """Return a Binary frame."""
        return cls(BINARY, octets, fin=fin, rsv=rsv)

    @classmethod
    def continuation(cls, octets: str | bytes, *, fin: bool = True, rsv: int = 0) -> Self:
        """Return a Continuation frame, the last of its message unless `fin` is False."""
        return cls(CONTINUATION, octets.encode() if isinstance(octets, str) else octets, fin=fin, rsv=rsv)

    @classmethod
    def ping(cls, data: bytes = b"", *, fin: bool = True, rsv: int = 0) -> Self:
        """Return a Ping frame with application data `data`."""
        return cls(PING, data, fin=fin, rsv=rsv)

    @classmethod
    def pong(cls, data: bytes = b"", *, fin: bool = True, rsv: int = 0) -> Self:
        """Return a Pong frame with application data `data`."""
        return cls(PONG, data, fin=fin, rsv=rsv)

    @classmethod
    def close(cls, code: int | None = None, reason: str | bytes = b"", *, fin: bool = True, rsv: int = 0) -> Self:
        """Return a Close frame; without a `code` its body is empty (section 5.5.1)."""
        tail = reason.encode() if isinstance(reason, str) else reason
        return cls(CLOSE, b"" if code is None else struct.pack("!H", code) + tail, fin=fin, rsv=rsv)

    @property
    def is_control(self) -> bool:
        """Whether the opcode's top bit is set (section 5.5)."""
        return self.opcode >= 0x8

    @property
    def is_minimal(self) -> bool:
        """Whether the length is in its shortest form (section 5.2)."""
        return self.form is None or self.form is LengthForm.minimal(self.length)

    @property
    def length(self) -> int:
        """The payload length in the header, in octets."""
        return len(self.payload) if self.announced is None else self.announced

    def masked(self, key: bytes) -> Self:
        """Return the same frame with the masking key `key` (4 octets)."""
        return replace(self, key=key)

    def header(self) -> bytes:
        """Return the header's octets, the masking key included."""
        length = self.length
        first = (0x80 if self.fin else 0) | (self.rsv << 4) | self.opcode
        mask = 0x80 if self.key is not None else 0
        tail = self.key or b""
        match self.form or LengthForm.minimal(length):
            case LengthForm.SHORT:
                return bytes((first, mask | (length & 0x7F))) + tail
            case LengthForm.MEDIUM:
                return struct.pack("!BBH", first, mask | 126, length & 0xFFFF) + tail
            case LengthForm.LONG:
                return struct.pack("!BBQ", first, mask | 127, length) + tail

    def encode(self) -> bytes:
        """Return the frame's octets, its payload masked if it has a key."""
        return self.header() + (self.payload if self.key is None else apply_mask(self.payload, self.key))

    def __str__(self) -> str:
        """Return the frame as shown in transcripts: opcode, flags, length."""
        flags = "" if self.fin else " FIN=0"
        flags += "".join(f" RSV{n}" for n, bit in ((1, RSV1), (2, RSV2), (3, RSV3)) if self.rsv & bit)
        form = "" if self.is_minimal else f" in {(self.form or LengthForm.SHORT).value} bits"
        return f"{opcode_name(self.opcode)}{flags}{' masked' if self.key is not None else ''} {self.length}{form}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A frame's header as received; `size` is the length of the header in octets, the masking key included."""

    opcode: int
    fin: bool
    rsv: int
    key: bytes | None
    form: LengthForm
    length: int
    size: int

    def with_payload(self, masked: bytes) -> Frame:
        """Return the frame with this header; `masked` is its payload as received."""
        payload = masked if self.key is None else apply_mask(masked, self.key)
        form = None if self.form is LengthForm.minimal(self.length) else self.form
        return Frame(self.opcode, payload, fin=self.fin, rsv=self.rsv, key=self.key, form=form)


def read_header(octets: bytes | bytearray, start: int = 0) -> Header | None:
    """Return the header that begins at `start`, or None while it is incomplete."""
    available = len(octets) - start
    if available < 2:
        return None
    first, second = octets[start], octets[start + 1]
    length, size, form = second & 0x7F, 2, LengthForm.SHORT
    if length == 126:
        size, form = 4, LengthForm.MEDIUM
    elif length == 127:
        size, form = 10, LengthForm.LONG
    end = size + (4 if second & 0x80 else 0)
    if available < end:
        return None
    if form is not LengthForm.SHORT:
        length = int.from_bytes(octets[start + 2 : start + size], "big")
    key = bytes(octets[start + size : start + end]) if second & 0x80 else None
    return Header(
        opcode=first & 0xF, fin=bool(first & 0x80), rsv=first >> 4 & 0x7, key=key, form=form, length=length, size=end
    )


class FrameReader:
    """Reads frames from octets in pieces of any size. Memory depends on received octets, not on announced lengths."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._header: Header | None = None

    @property
    def header(self) -> Header | None:
        """The header of a frame whose payload is incomplete; None between frames."""
        return self._header

    @property
    def residue(self) -> bytes:
        """The octets of an incomplete frame, those of its header included."""
        return bytes(self._buffer)

    @property
    def pending(self) -> int:
        """The number of octets in `residue`."""
        return len(self._buffer)

    def receive(self, octets: bytes) -> list[Frame]:
        """Add received `octets`, and return the frames that they complete, in order."""
        self._buffer += octets
        frames: list[Frame] = []
        start = 0
        while True:
            header = self._header or read_header(self._buffer, start)
            if header is None:
                break
            end = start + header.size + header.length
            if len(self._buffer) < end:
                self._header = header
                break
            frames.append(header.with_payload(bytes(self._buffer[start + header.size : end])))
            start, self._header = end, None
        if start:
            del self._buffer[:start]
        return frames
