"""A writer for single DEFLATE blocks: any type, any symbol, valid or not (RFC 1951 section 3.2).

BlockWriter().fixed(b"Hel", Match(3, 2)).message()      # payload data of a compressed message
BlockWriter().stored(b"Hello", complement=0).octets()   # NLEN is not the complement of LEN
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from .blocks import DISTANCES, FIXED, LENGTHS, ORDER, TAIL, Kind, canonical

_END_OF_BLOCK = 256


@dataclass(frozen=True, slots=True)
class Match:
    """A repetition of `length` octets (3 to 258) that start `distance` octets back (1 to 32768)."""

    length: int
    distance: int


@dataclass(frozen=True, slots=True)
class Code:
    """A length code (257 to 287) and a distance code (0 to 31) by number, with extra bits of zero."""

    length: int
    distance: int


BlockItem = bytes | Match | Code


@dataclass(frozen=True, slots=True)
class Symbol:
    """One symbol of a block: its number, whether it is a distance, and its extra bits."""

    code: int
    is_distance: bool = False
    extra: int = 0
    extra_bits: int = 0


def _symbol_for(value: int, table: Sequence[tuple[int, int]], first: int, *, is_distance: bool) -> Symbol:
    # Length 258 has its own code, although the extra bits of code 284 could express it.
    number = max(n for n, (_, start) in enumerate(table) if start <= value)
    extra_bits, start = table[number]
    return Symbol(first + number, is_distance, value - start, extra_bits)


def symbols_of(items: Sequence[BlockItem]) -> list[Symbol]:
    """Return the symbols that encode `items`, without the end of the block."""
    symbols: list[Symbol] = []
    for item in items:
        match item:
            case Match():
                symbols.append(_symbol_for(item.length, LENGTHS, 257, is_distance=False))
                symbols.append(_symbol_for(item.distance, DISTANCES, 0, is_distance=True))
            case Code():
                length, distance = item.length - 257, item.distance
                symbols.append(Symbol(item.length, False, 0, LENGTHS[length][0] if length < len(LENGTHS) else 0))
                symbols.append(Symbol(distance, True, 0, DISTANCES[distance][0] if distance < len(DISTANCES) else 0))
            case _:
                symbols += map(Symbol, item)
    return symbols


def balanced(symbols: Sequence[int], size: int) -> list[int]:
    """Return code lengths for `size` symbols: a complete code for `symbols`, or one bit for a single symbol."""
    used = sorted(set(symbols))
    lengths = [0] * size
    longest = max(len(used) - 1, 1).bit_length()
    short = (1 << longest) - len(used) if len(used) > 1 else 0
    for number, symbol in enumerate(used):
        lengths[symbol] = longest - (number < short)
    return lengths


def repeated(lengths: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return the code length symbols for `lengths`, with repetitions (codes 16 to 18).

    Each is (code, number of extra bits, value of the extra bits). Repetitions may cross from the literal/length code
    into the distance code.
    """
    symbols: list[tuple[int, int, int]] = []
    at = 0
    while at < len(lengths):
        value, run = lengths[at], 1
        while at + run < len(lengths) and lengths[at + run] == value:
            run += 1
        if value == 0 and run >= 3:
            run = min(run, 138)
            symbols.append((17, 3, run - 3) if run <= 10 else (18, 7, run - 11))
        elif run >= 4:
            run = min(run, 7)
            symbols += [(value, 0, 0), (16, 2, run - 4)]
        else:
            run = 1
            symbols.append((value, 0, 0))
        at += run
    return symbols


class BlockWriter:
    """Writes blocks one after the other. Every method but `octets` and `message` returns the writer."""

    def __init__(self) -> None:
        self._octets = bytearray()
        self._pending = self._count = 0

    # --- bits

    def bits(self, value: int, count: int) -> Self:
        """Write `count` bits of `value`, the least significant bit first."""
        self._pending |= value << self._count
        self._count += count
        if whole := self._count // 8:
            self._octets += (self._pending & (1 << 8 * whole) - 1).to_bytes(whole, "little")
            self._pending >>= 8 * whole
            self._count -= 8 * whole
        return self

    def code(self, code: int, length: int) -> Self:
        """Write a Huffman code of `length` bits, its most significant bit first (section 3.1.1)."""
        return self.bits(_reverse(code, length), length) if length else self

    def align(self, padding: int = 0) -> Self:
        """Write bits of `padding` up to the next octet boundary."""
        count = -self._count % 8
        return self.bits(padding & (1 << count) - 1, count)

    def header(self, kind: int, *, final: bool = False) -> Self:
        """Write BFINAL and BTYPE; `kind` 3 is the reserved type."""
        return self.bits(final | kind << 1, 3)

    # --- blocks

    def stored(
        self,
        payload: bytes = b"",
        *,
        final: bool = False,
        padding: int = 0,
        length: int | None = None,
        complement: int | None = None,
    ) -> Self:
        """Write a stored block; `length` and `complement` (16 bits each) replace the correct LEN and NLEN."""
        announced = len(payload) if length is None else length
        self.header(Kind.STORED, final=final).align(padding)
        self.bits(announced, 16).bits(announced ^ 0xFFFF if complement is None else complement, 16)
        self._octets += payload
        return self

    def fixed(self, *items: BlockItem, final: bool = False, end: bool = True) -> Self:
        """Write a block with the fixed codes; without `end`, it lacks the end-of-block symbol."""
        return self.header(Kind.FIXED, final=final)._symbols(symbols_of(items), FIXED, final=final, end=end)

    def dynamic(
        self,
        *items: BlockItem,
        final: bool = False,
        end: bool = True,
        lengths: tuple[Sequence[int], Sequence[int]] | None = None,
        repeat: bool = True,
    ) -> Self:
        """Write a block with dynamic codes: complete codes for `items`, or codes with `lengths` (symbols, distances).

        If no item is a match, there is one distance code, of length zero; if all matches use the same distance code,
        it has one bit. Without `repeat`, every code length is written separately.
        """
        symbols = symbols_of(items)
        codes = lengths or lengths_for(symbols)
        self.header(Kind.DYNAMIC, final=final).code_lengths(codes, repeat=repeat)
        return self._symbols(symbols, codes, final=final, end=end)

    def code_lengths(self, codes: tuple[Sequence[int], Sequence[int]], *, repeat: bool = True) -> Self:
        """Write the lengths of both codes, which follow the header of a dynamic block (section 3.2.7)."""
        both = [*codes[0], *codes[1]]
        symbols = repeated(both) if repeat else [(length, 0, 0) for length in both]
        return self.code_length_symbols(symbols, (len(codes[0]), len(codes[1])))

    def code_length_symbols(
        self,
        symbols: Sequence[tuple[int, int, int]],
        counts: tuple[int, int],
        lengths: Sequence[int] | None = None,
    ) -> Self:
        """Write code length `symbols` (code, number of extra bits, their value) for `counts` codes of each kind.

        `lengths` are the lengths of the code length codes; the default is a complete code.
        """
        used = [code for code, _, _ in symbols]
        # A code for code lengths has to be complete, so a single symbol gets a second one beside it.
        given = list(lengths) if lengths is not None else balanced([*used, 0, 18], 19)
        codes = dict(canonical(given))
        last = max(n for n, symbol in enumerate(ORDER) if given[symbol] or n < 4)
        self.bits(counts[0] - 257, 5).bits(counts[1] - 1, 5).bits(last - 3, 4)
        for symbol in ORDER[: last + 1]:
            self.bits(given[symbol], 3)
        for code, extra, value in symbols:
            self.code(codes.get(code, 0), given[code]).bits(value, extra)
        return self

    def _symbols(
        self, symbols: Sequence[Symbol], lengths: tuple[Sequence[int], Sequence[int]], *, final: bool, end: bool
    ) -> Self:
        codes = _reversed(tuple(lengths[0])), _reversed(tuple(lengths[1]))
        for symbol in (*symbols, *([Symbol(_END_OF_BLOCK)] if end else [])):
            code, length = codes[symbol.is_distance][symbol.code]
            self.bits(symbol.extra << length | code, length + symbol.extra_bits)
        # A block after a final block begins at an octet boundary (RFC 7692 section 7.2.1).
        return self.align() if final and end else self

    # --- output

    def octets(self) -> bytes:
        """Return the octets written so far; the last octet is filled up with zero bits."""
        return bytes(self._octets) + (self._pending.to_bytes(1, "little") if self._count else b"")

    def message(self) -> bytes:
        """Write an empty stored block, and return all octets without its last four: the payload data of a message."""
        return self.stored().octets().removesuffix(TAIL)


def _reverse(code: int, length: int) -> int:
    return int(f"{code:0{length}b}"[::-1], 2)


@functools.lru_cache(maxsize=64)
def _reversed(lengths: tuple[int, ...]) -> dict[int, tuple[int, int]]:
    """Return the reversed code of each symbol, as `bits` writes it, and its number of bits."""
    return {symbol: (_reverse(code, lengths[symbol]), lengths[symbol]) for symbol, code in canonical(lengths)}


def lengths_for(symbols: Sequence[Symbol]) -> tuple[list[int], list[int]]:
    """Return the lengths of complete codes for `symbols` and the end of the block."""
    plain = [symbol.code for symbol in symbols if not symbol.is_distance]
    distances = [symbol.code for symbol in symbols if symbol.is_distance]
    literal = balanced([*plain, _END_OF_BLOCK], max([*plain, _END_OF_BLOCK]) + 1)
    return literal, balanced(distances, max(distances, default=0) + 1)
