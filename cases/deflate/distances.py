"""Messages whose echoes show how far back a compressor refers: the probe of window sizes (RFC 7692 section 7.2.1)."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

from wsconform import Compressed, Connection, Frame, compressed_messages

#: The distances at which the probe repeats itself, in octets: one below and one above the size of every window.
DISTANCES = (200, 300, 500, 600, 1000, 1100, 2000, 2100, 4000, 4200, 8000, 8300, 16000, 16600, 24000, 32000)

_ALPHABET = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
#: Octets of each repetition, and of new text before it.
_LENGTH, _BETWEEN = 24, 60

#: The sizes of the messages of the probe, in octets: one of 64 KiB, and three that could refer back into it.
_SIZES = (1 << 16, 6000, 6000, 6000)


def _unrepeated() -> Iterator[int]:
    """Yield the octets of a de Bruijn sequence: every three consecutive octets are unique."""
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
    """Return the messages of the probe: text with repetitions at `DISTANCES` only, also from one message to the next.

    The text uses 64 letters, so compressing it is worth while, and each piece is repeated only once. (At the border of
    two pieces, three octets may also occur elsewhere; so short a match does not affect the measurement.)
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
    """Return `count` messages of `size` octets that differ in one number: each repeats nearly all of the last."""
    text = probe()[0][: size - 20]
    return [b"message number %04d: " % number + text[: size - 21] for number in range(count)]


async def echoes_of(ws: Connection, messages: Sequence[bytes]) -> tuple[Compressed, ...]:
    """Have the target echo each of `messages`; return the compressed messages that it sent, and note their number."""
    with ws.arranging("echoes, whose compression is measured"):
        for payload in messages:
            await ws.send_compressed(Frame.text(payload))
            await ws.expect_echo(Frame.text(payload))
    seen = compressed_messages(ws.conversation)
    ws.note("compressed messages", len(seen))
    for message in seen:
        ws.expect(not message.error, "valid DEFLATE", message.error, message.entry)
    return seen


async def expect_window(ws: Connection, bits: int) -> None:
    """Expect that no echo of the probe refers back farther than 2 to the power of `bits`."""
    echoes = await echoes_of(ws, probe())
    seen = [(echo.usage.distance, echo.entry) for echo in echoes if echo.usage]
    distance, entry = max(seen, default=(0, None))
    ws.note("largest distance", distance)
    expected = f"no reference farther back than {1 << bits} octets ({bits} bits)"
    ws.expect(distance <= 1 << bits, expected, f"a reference {distance} octets back", entry)


async def expect_fresh_windows(ws: Connection, messages: Sequence[bytes]) -> None:
    """Expect that no echo of `messages` refers back beyond its own first octet."""
    echoes = await echoes_of(ws, messages)
    seen = [(echo.usage.reach, echo.entry) for echo in echoes if echo.usage]
    reach, entry = max(seen, default=(0, None))
    expected = "every message compressed with an empty window"
    ws.expect(reach == 0, expected, f"a reference to {reach} octets before the start of its message", entry)
