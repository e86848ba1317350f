"""When the end of a connection counts as a limit of the target's own, which is inconclusive, not a violation.

A target may refuse messages that are too large or too many for it. Two rules share the same idea of "many frames":

- Close 1009 means "too big" (RFC 6455 section 7.4.1). It counts once we have sent at least `BIG_ENOUGH_FOR_1009`
  octets in all, or `MANY_FRAMES` frames; with less, no target has a reason to send it.
- While a volume is sent (`endpoint.volume`), every other end of the connection counts, too, from `LARGE` octets or
  `MANY_FRAMES` frames on: targets that run out of memory or of patience do not always send 1009. The threshold is
  higher, because such an end does not give its reason.
"""

from __future__ import annotations

__all__ = ["BIG_ENOUGH_FOR_1009", "LARGE", "MANY_FRAMES", "TOO_BIG", "limit_text", "may_be_too_big", "stops_a_volume"]

#: The status code of a message that is too big to process (RFC 6455 section 7.4.1).
TOO_BIG = 1009

#: Octets that we have sent, in all, from which on Close 1009 is believed.
BIG_ENOUGH_FOR_1009 = 1 << 12
#: Octets of a volume from which on any end of the connection counts as a limit.
LARGE = 1 << 20
#: Frames that we have sent from which on both rules hold, however small the frames.
MANY_FRAMES = 64

_PROTOCOL_ERROR, _INVALID_PAYLOAD = 1002, 1007


def may_be_too_big(octets: int, frames: int) -> bool:
    """Return whether `octets` in `frames` frames are enough for a target to close with 1009."""
    return octets >= BIG_ENOUGH_FOR_1009 or frames >= MANY_FRAMES


def stops_a_volume(code: int | None, octets: int, frames: int) -> bool:
    """Return whether a volume ended at a limit, with Close `code` (None: without one), after that much was sent."""
    if code == TOO_BIG:
        return True
    many = frames >= MANY_FRAMES
    if not many and octets < LARGE:
        return False
    # 1007 is not about size: the target validates UTF-8 wrongly at the boundary of two reads. 1002 with few frames is
    # not either: the target read a length wrongly, and took payload for a header.
    return code != _INVALID_PAYLOAD and (many or code != _PROTOCOL_ERROR)


def limit_text(how: str, after: str = "") -> str:
    """Return the text of a finding about a target that ended the connection, in the way `how`, at such a limit."""
    return f"the target stopped at a limit of its own{after}: {how}"
