"""A reader of DEFLATE blocks that shows details that zlib hides: types, final blocks, distances, endings (RFC 1951).

`read_message` takes the payload data of one compressed message (RFC 7692 section 7.2.2) and the window from earlier
messages, and returns a `Usage`:

    usage = read_message(payload, window)
    usage.distance      # the largest distance of its matches, in octets; 0 without matches
    usage.reach         # how far the farthest match goes back beyond the start of this message, in octets, or 0
    usage.blocks        # the blocks: kind, BFINAL, padding, distance
    usage.end           # how the payload data ends: section 7.2.1 requires PayloadEnd.WHOLE
    usage.payload       # the inflated message
    window = usage.carried(window)

The reader is exact, but slow: about a megabyte per second. Whole messages are inflated by zlib (`wire.deflate`).
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

#: The octets that a sender removes from the end of a message and a receiver appends (RFC 7692 section 7.2.1).
TAIL = b"\x00\x00\xff\xff"

#: The largest distance in DEFLATE, and so the largest window, in octets (RFC 1951 section 3.2.5).
LARGEST_WINDOW = 1 << 15

#: Codes 257 to 285: (extra bits, smallest length); codes 0 to 29: (extra bits, smallest distance) (section 3.2.5).
LENGTHS = tuple((0 if n < 8 or n == 28 else n // 4 - 1, 258 if n == 28 else 0) for n in range(29))
LENGTHS = tuple(
    (extra, start or (n + 3 if n < 8 else (4 + n % 4 << extra) + 3)) for n, (extra, start) in enumerate(LENGTHS)
)
DISTANCES = tuple((0, n + 1) if n < 4 else (n // 2 - 1, (2 + n % 2 << n // 2 - 1) + 1) for n in range(30))

#: The order of the lengths of the code length codes in a dynamic block (section 3.2.7).
ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)

#: The code lengths of fixed Huffman blocks (section 3.2.6).
FIXED = ((8,) * 144 + (9,) * 112 + (7,) * 24 + (8,) * 8, (5,) * 32)

_END_OF_BLOCK = 256
_REFILL = 6


class BlockError(ValueError):
    """The octets are not a DEFLATE stream, or inflate beyond the limit; the text names the reason and the block.

    `undefined_distance` is True if the reason is a distance code that section 3.2.6 does not define (30 or 31).
    """

    def __init__(self, text: str, *, undefined_distance: bool = False) -> None:
        super().__init__(text)
        self.undefined_distance = undefined_distance


class Kind(enum.IntEnum):
    """BTYPE, the type of a block (section 3.2.3)."""

    STORED = 0
    FIXED = 1
    DYNAMIC = 2


class PayloadEnd(enum.Enum):
    """How the payload data of a compressed message ends."""

    WHOLE = "with an empty stored block whose last four octets are removed"
    LEFT = "with 00 00 ff ff, which is to be removed"
    BARE = "with no empty stored block behind the last one"
    CUT = "inside a block"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block. `length` is its size after inflating; `distance` is the largest distance of its matches, or 0.

    `padding` is the number formed by the bits between the block's end and the octet boundary (in a final block that
    others follow), or between its header and LEN (in a stored block); `padding_bits` is the number of these bits.
    """

    kind: Kind
    final: bool
    length: int
    distance: int
    padding: int = 0
    padding_bits: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Details of one compressed message (see the module); lengths, distances and reach are in octets."""

    payload: bytes
    blocks: tuple[Block, ...]
    distance: int
    reach: int
    end: PayloadEnd

    @property
    def final(self) -> bool:
        """Whether one of the blocks has BFINAL."""
        return any(block.final for block in self.blocks)

    def carried(self, window: bytes = b"") -> bytes:
        """Return the window for the next message; `window` is the one before this message."""
        return (window + self.payload[-LARGEST_WINDOW:])[-LARGEST_WINDOW:]


def read_message(octets: bytes, window: bytes = b"", *, limit: int = 1 << 24) -> Usage:
    """Read the payload data `octets` of one message; `window` has the octets of earlier messages.

    A payload that ends inside a block is not an error: its end is PayloadEnd.CUT, and the output of its last octets is
    undefined. Raises BlockError if the octets break RFC 1951, or inflate to more than `limit` octets.
    """
    return _Reader(octets, window[-LARGEST_WINDOW:], limit).read()


class _OutOfOctets(Exception):
    """The octets ran out inside a block."""


@dataclass(slots=True)
class _Table:
    """A decoding table: entries by the next `bits` bits of input, as (symbol << 4 | code length), or 0 for no code."""

    bits: int
    entries: list[int] = field(repr=False)


def _table(lengths: Sequence[int], name: str, *, partial: bool = False) -> _Table:
    """Return the table of the code with `lengths` (section 3.2.2); a `partial` one may have one code or none."""
    longest = max(lengths, default=0)
    room = sum(1 << longest - length for length in lengths if length)
    if room > 1 << longest:
        raise BlockError(f"the {name} code is over-subscribed")
    used = sum(map(bool, lengths))
    if room < 1 << longest and not (partial and used <= 1 and longest <= 1):
        raise BlockError(f"the {name} code is incomplete")
    size = max(longest, 1)
    entries = [0] * (1 << size)
    for symbol, code in canonical(lengths):
        length = lengths[symbol]
        first = int(f"{code:0{length}b}"[::-1], 2)
        entries[first :: 1 << length] = [symbol << 4 | length] * (1 << size - length)
    return _Table(size, entries)


def canonical(lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield each used symbol with its code, by the lengths of all symbols (section 3.2.2)."""
    code, previous = 0, 0
    for length, symbol in sorted((length, symbol) for symbol, length in enumerate(lengths) if length):
        code <<= length - previous
        yield symbol, code
        code, previous = code + 1, length


class _Reader:
    """One pass over one message."""

    def __init__(self, octets: bytes, window: bytes, limit: int) -> None:
        self.octets, self.data, self.limit = octets, octets + TAIL, limit
        self.position, self.accumulator, self.bits = 0, 0, 0
        self.start = len(window)
        self.output = bytearray(window)
        self.blocks: list[Block] = []
        self.farthest = self.reach = 0

    def read(self) -> Usage:
        end = PayloadEnd.CUT
        try:
            while True:
                if self.at == 8 * len(self.octets) and self._ended_before() is not None:
                    end = self._ended_before() or end
                    break
                self._block()
                if self.at == 8 * len(self.data):
                    last = self.blocks[-1]
                    end = PayloadEnd.CUT if last.kind is not Kind.STORED or last.length else PayloadEnd.WHOLE
                    break
        except _OutOfOctets:
            pass
        except BlockError:
            # An error in the four octets that we appended means that the message ended inside a block.
            if self.at <= 8 * len(self.octets):
                raise
        return Usage(
            payload=bytes(self.output[self.start :]),
            blocks=tuple(self.blocks),
            distance=self.farthest,
            reach=self.reach,
            end=end,
        )

    def _ended_before(self) -> PayloadEnd | None:
        """Return the end of a payload whose last octet also ends a block; None if a block begins in the tail."""
        if not self.blocks:
            return PayloadEnd.BARE
        last = self.blocks[-1]
        return PayloadEnd.LEFT if last.kind is Kind.STORED and not last.length and not last.final else PayloadEnd.BARE

    # --- bits

    @property
    def at(self) -> int:
        """The number of bits read so far."""
        return 8 * self.position - self.bits

    def _fill(self) -> None:
        octets = self.data[self.position : self.position + _REFILL]
        self.accumulator |= int.from_bytes(octets, "little") << self.bits
        self.position += len(octets)
        self.bits += 8 * len(octets)

    def _take(self, count: int) -> int:
        if self.bits < count:
            self._fill()
            if self.bits < count:
                raise _OutOfOctets
        value = self.accumulator & (1 << count) - 1
        self.accumulator >>= count
        self.bits -= count
        return value

    def _symbol(self, table: _Table) -> int:
        if self.bits < table.bits:
            self._fill()
        entry = table.entries[self.accumulator & (1 << table.bits) - 1]
        length = entry & 15
        if length > self.bits or (not entry and self.bits < table.bits):
            raise _OutOfOctets
        if not entry:
            raise BlockError(f"{self._which()} has bits that are not a code")
        self.accumulator >>= length
        self.bits -= length
        return entry >> 4

    def _align(self) -> tuple[int, int]:
        count = self.bits % 8
        return self._take(count), count

    # --- blocks

    def _which(self) -> str:
        return f"block {len(self.blocks) + 1}"

    def _block(self) -> None:
        final, kind = bool(self._take(1)), self._take(2)
        before, distance = len(self.output), 0
        padding, count = 0, 0
        if kind == Kind.STORED:
            padding, count = self._align()
            self._stored()
        elif kind == Kind.FIXED:
            distance = self._compressed(*_FIXED_TABLES)
        elif kind == Kind.DYNAMIC:
            distance = self._compressed(*self._dynamic())
        else:
            raise BlockError(f"{self._which()} has the reserved type 3")
        if final and kind != Kind.STORED:
            # A block after a final block begins at an octet boundary (RFC 7692 section 7.2.1).
            padding, count = self._align()
        self.blocks.append(
            Block(
                kind=Kind(kind),
                final=final,
                length=len(self.output) - before,
                distance=distance,
                padding=padding,
                padding_bits=count,
            )
        )

    def _stored(self) -> None:
        length, complement = self._take(16), self._take(16)
        if length ^ complement != 0xFFFF:
            raise BlockError(f"{self._which()} has LEN {length:04x} and NLEN {complement:04x}")
        self._check_room(length)
        start = self.position - self.bits // 8
        self.output += self.data[start : start + length]
        self.position, self.accumulator, self.bits = min(start + length, len(self.data)), 0, 0
        if start + length > len(self.data):
            raise _OutOfOctets

    def _check_room(self, length: int) -> None:
        if len(self.output) - self.start + length > self.limit:
            raise BlockError(f"inflates to more than {self.limit} octets")

    def _dynamic(self) -> tuple[_Table, _Table]:
        literals, distances, codes = self._take(5) + 257, self._take(5) + 1, self._take(4) + 4
        if literals > 286 or distances > 30:
            text = f"{self._which()} has {literals} length codes and {distances} distance codes"
            raise BlockError(text, undefined_distance=distances > 30)
        given = [0] * 19
        for place in ORDER[:codes]:
            given[place] = self._take(3)
        lengths = self._code_lengths(_table(given, "code length"), literals + distances)
        if not lengths[_END_OF_BLOCK]:
            raise BlockError(f"{self._which()} has no code for its end")
        return (
            _table(lengths[:literals], "literal/length", partial=True),
            _table(lengths[literals:], "distance", partial=True),
        )

    def _code_lengths(self, table: _Table, wanted: int) -> list[int]:
        lengths: list[int] = []
        while len(lengths) < wanted:
            symbol = self._symbol(table)
            if symbol < 16:
                lengths.append(symbol)
            elif symbol == 16:
                if not lengths:
                    raise BlockError(f"{self._which()} repeats a code length before there is one")
                lengths += lengths[-1:] * (3 + self._take(2))
            else:
                lengths += [0] * (3 + self._take(3) if symbol == 17 else 11 + self._take(7))
        if len(lengths) > wanted:
            raise BlockError(f"{self._which()} has more code lengths than its header announces")
        return lengths

    def _compressed(self, literals: _Table, distances: _Table) -> int:
        output, farthest = self.output, 0
        room = self.start + self.limit
        while (symbol := self._symbol(literals)) != _END_OF_BLOCK:
            if symbol < _END_OF_BLOCK:
                output.append(symbol)
                if len(output) > room:
                    self._check_room(0)
                continue
            if symbol > 285:
                raise BlockError(f"{self._which()} has the length code {symbol}")
            extra, start = LENGTHS[symbol - 257]
            length = start + self._take(extra)
            code = self._symbol(distances)
            if code > 29:
                raise BlockError(f"{self._which()} has the distance code {code}", undefined_distance=True)
            extra, start = DISTANCES[code]
            distance = start + self._take(extra)
            self._copy(length, distance)
            farthest = max(farthest, distance)
        return farthest

    def _copy(self, length: int, distance: int) -> None:
        output = self.output
        behind = len(output)
        if distance > behind:
            raise BlockError(f"{self._which()} has the distance {distance} at octet {behind}")
        self._check_room(length)
        self.farthest = max(self.farthest, distance)
        self.reach = max(self.reach, distance - (behind - self.start))
        piece = output[behind - distance : behind - distance + length]
        output += piece if distance >= length else (piece * (length // distance + 1))[:length]


_FIXED_TABLES = (_table(FIXED[0], "fixed"), _table(FIXED[1], "fixed"))
