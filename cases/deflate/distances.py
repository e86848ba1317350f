"""Messages that show, echoed, how far back a compressor refers: the probe of window sizes (RFC 7692 section 7.2.1)."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

from wsconform import Compressed, Connection, Frame, compressed_messages

#: Where the probe repeats itself, in octets: on both sides of every window's size.
DISTANCES = (200, 300, 500, 600, 1000, 1100, 2000, 2100, 4000, 4200, 8000, 8300, 16000, 16600, 24000, 32000)

_ALPHABET = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
#: Octets of each repetition, and new ones before it.
_LENGTH, _BETWEEN = 24, 60

#: How the probe is cut into messages: one of 64 kB, and some that could refer back into it.
_SIZES = (1 << 16, 6000, 6000, 6000)


def _unrepeated() -> Iterator[int]:
    """Yield octets of which no three in a row come a second time, by the sequence of de Bruijn."""
    word = [-1]
    while word:
        word[-1] += 1
        if 3 % len(word) == 0:
            yield from (_ALPHABET[digit] for digit in word)
        length = len(word)
        while len(word) < 3:
            word.append(word[-length])
        while word and word[-1] == len(_ALPHABET) - 1:
            word.pop()


@functools.cache
def probe() -> tuple[bytes, ...]:
    """Return the messages of the probe: text whose repetitions lie at `DISTANCES` alone, across its messages too.

    Its letters are few, so that it pays to compress it, and what is repeated is repeated once. (Where two pieces meet,
    three octets may come again elsewhere, which does no harm.)
    """
    fresh, text, used = _unrepeated(), bytearray(), bytearray()
    size, turn = sum(_SIZES), 0
    while len(text) < size:
        text += bytes(next(fresh) for _ in range(_BETWEEN))
        used += bytes(_BETWEEN)
        at = len(text) - DISTANCES[turn % len(DISTANCES)]
        if at < 0:
            turn += 1
        elif not any(used[at : at + _LENGTH]):
            turn += 1
            text += text[at : at + _LENGTH]
            used[at : at + _LENGTH] = b"\1" * _LENGTH
            used += b"\1" * _LENGTH
    return tuple(bytes(text[sum(_SIZES[:n]) :][:length]) for n, length in enumerate(_SIZES))


def similar(count: int, size: int = 1000) -> list[bytes]:
    """Return `count` messages of `size` octets that differ in one number: each is the best window for the next."""
    text = probe()[0][: size - 20]
    return [b"message number %04d: " % number + text[: size - 21] for number in range(count)]


async def echoes_of(ws: Connection, messages: Sequence[bytes]) -> tuple[Compressed, ...]:
    """Have each of `messages` echoed, and return what of the target came compressed; note where nothing did."""
    with ws.arranging("echoes, whose compression is measured"):
        for message in messages:
            await ws.send_compressed(Frame.text(message))
            await ws.expect_echo(Frame.text(message))
    seen = compressed_messages(ws.conversation)
    ws.note("compressed messages", len(seen))
    for each in seen:
        ws.expect(not each.error, "DEFLATE", each.error, each.entry)
    return seen


async def expect_window(ws: Connection, bits: int) -> None:
    """Expect that no echo of the probe refers back farther than 2 to the power of `bits`."""
    seen = [(each.usage.distance, each.entry) for each in await echoes_of(ws, probe()) if each.usage]
    distance, entry = max(seen, default=(0, None))
    ws.note("largest distance", distance)
    expected = f"no reference farther back than {1 << bits} octets ({bits} bits)"
    ws.expect(distance <= 1 << bits, expected, f"one of {distance} octets", entry)


async def expect_fresh_windows(ws: Connection, messages: Sequence[bytes]) -> None:
    """Expect that no echo of `messages` refers back beyond its own start."""
    seen = [(each.usage.reach, each.entry) for each in await echoes_of(ws, messages) if each.usage]
    reach, entry = max(seen, default=(0, None))
    expected = "every message compressed with an empty window"
    ws.expect(reach == 0, expected, f"a reference to {reach} octets before the start of its message", entry)
