"""Masking keys: new for every frame, and unpredictable (RFC 6455 sections 5.3, 10.3)."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence

from wsconform import PONG, Connection, Frame, case

_WORD = 1 << 32

#: MT19937 has 624 words of state, so 624 keys determine the next ones. 397 is the offset in its recurrence.
_MT_STATE, _MT_AHEAD = 624, 397

#: Pings that are sent at once. Clients limit the number of Pongs that wait to be written.
_BURST = 20


@case("6455-5.3-4", "6455-10.3-1", alone=True, hint="draw four octets from the system's entropy for every frame")
async def masking_key_is_fresh_for_every_frame(ws: Connection) -> None:
    """A client draws a new masking key for each frame: no two consecutive keys are equal, and at most one repeats."""
    keys = await _keys(ws, 100)
    with ws.arranging("a hundred frames to compare"):
        ws.expect(len(keys) >= 20, "twenty masked frames or more", f"{len(keys)} frames")
    twins = sum(first == second for first, second in itertools.pairwise(keys))
    ws.expect(not twins, "masking keys that differ from frame to frame", f"{twins} keys equal to the one before")
    repeated = len(keys) - len(set(keys))
    ws.expect(repeated <= 1, "masking keys without repetition", f"{repeated} repetitions in {len(keys)} keys")


@case("6455-5.3-5", "6455-10.3-1", alone=True, allow=20, hint="use a cryptographic source for masking keys")
async def masking_keys_show_no_pattern(ws: Connection) -> None:
    """Masking keys cannot be predicted from earlier ones: no counter, no common generator, no uneven octets.

    A pass means that no pattern was found, not that no pattern exists.
    """
    keys = await _keys(ws, 1400)
    with ws.arranging("enough frames for statistics"):
        ws.expect(len(keys) >= 256, "256 masked frames or more", f"{len(keys)} frames")
    patterns = [name for name, matches in PATTERNS.items() if any(matches(words) for words in _readings(keys))]
    ws.expect(not patterns, "masking keys without a pattern", ", ".join(patterns))
    ws.note("keys examined", len(keys))


async def _keys(ws: Connection, count: int) -> list[bytes]:
    """Have the client send about `count` frames, in batches of Pongs or echoes, and return their masking keys."""
    for start in range(0, count, _BURST):
        await ws.send(*(Frame.ping(b"%d" % number) for number in range(start, start + _BURST)))
        # A client that drops a Ping while a Pong waits breaks another requirement (section 5.5.3). That proves nothing
        # about its keys, so this case is then inconclusive.
        with ws.arranging("the Ping after them to be answered"):
            await ws.settle()
        # A client may answer only the latest Ping (section 5.5.3); its echoes of messages then supply the keys.
        if start == 0 and sum(frame.opcode == PONG for _, frame in ws.conversation.frames) < _BURST // 2:
            return await _keys_of_echoes(ws, count)
    return [frame.key for _, frame in ws.conversation.frames if frame.key is not None]


async def _keys_of_echoes(ws: Connection, count: int) -> list[bytes]:
    for start in range(0, count, 50):
        await ws.echo(*(Frame.binary(b"%d" % number) for number in range(start, start + 50)))
    return [frame.key for _, frame in ws.conversation.frames if frame.key is not None]


def _readings(keys: Sequence[bytes]) -> list[list[int]]:
    """Return the keys as words, in both orders of octets."""
    return [[int.from_bytes(key, order) for key in keys] for order in ("big", "little")]


def is_lopsided(words: list[int]) -> bool:
    """Return whether the values of some octet are spread less evenly than chance allows once in a hundred million."""
    expected = len(words) / 256
    for shift in (0, 8, 16, 24):
        counts = Counter(word >> shift & 0xFF for word in words)
        chi_square = sum((counts[value] - expected) ** 2 / expected for value in range(256))
        # With 255 degrees of freedom chi square has mean 255 and deviation 22.6. 5.7 deviations above the mean would do
        # for a normal distribution; 6.5 leave room for the skew.
        if chi_square > 255 + 6.5 * 22.6:
            return True
    return False


def is_counter(words: list[int]) -> bool:
    """Return whether keys go up, or down, by the same step more often than by chance."""
    steps = Counter((second - first) % _WORD for first, second in itertools.pairwise(words))
    return steps.most_common(1)[0][1] > max(4, len(words) // 50)


def is_linear_congruential(words: list[int]) -> bool:
    """Return whether each key is a * last + c modulo 2^32, for an a and c computed from three keys."""
    steps = [(second - first) % _WORD for first, second in itertools.pairwise(words)]
    odd = next((at for at, step in enumerate(steps[:-1]) if step % 2), None)
    if odd is None:
        return True
    factor = steps[odd + 1] * pow(steps[odd], -1, _WORD) % _WORD
    hits = sum(first * factor % _WORD == second for first, second in itertools.pairwise(steps))
    return hits > max(4, len(steps) // 50)


def is_xorshift(words: list[int]) -> bool:
    """Return whether each key is the xorshift of the one before (shifts 13, 17, 5)."""

    def following(word: int) -> int:
        word ^= word << 13 & 0xFFFFFFFF
        word ^= word >> 17
        return word ^ (word << 5 & 0xFFFFFFFF)

    return sum(following(first) == second for first, second in itertools.pairwise(words)) > 4


def is_mersenne_twister(words: list[int]) -> bool:
    """Return whether the keys are consecutive outputs of MT19937, whose state 624 outputs determine."""
    state = [_untemper(word) for word in words]
    hits = 0
    for at in range(len(state) - _MT_STATE):
        mixed = (state[at] & 0x80000000) | (state[at + 1] & 0x7FFFFFFF)
        twisted = state[at + _MT_AHEAD] ^ mixed >> 1 ^ (0x9908B0DF if mixed & 1 else 0)
        hits += twisted == state[at + _MT_STATE]
    return hits > 4


def _untemper(word: int) -> int:
    word ^= word >> 18
    word ^= word << 15 & 0xEFC60000
    base = word
    for _ in range(5):
        word = base ^ (word << 7 & 0x9D2C5680)
    base = word
    for _ in range(3):
        word = base ^ word >> 11
    return word & 0xFFFFFFFF


PATTERNS: dict[str, Callable[[list[int]], bool]] = {
    "octets that are not evenly spread": is_lopsided,
    "a counter": is_counter,
    "a linear congruential generator": is_linear_congruential,
    "xorshift": is_xorshift,
    "the Mersenne Twister": is_mersenne_twister,
}
