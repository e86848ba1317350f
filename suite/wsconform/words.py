"""Small pieces of English for messages: a count with its noun."""

from __future__ import annotations

__all__ = ["counted", "plural"]


def plural(count: int, one: str, many: str = "") -> str:
    """Return `one` if `count` is 1, else `many`, which is `one` with an "s" unless given."""
    return one if count == 1 else many or f"{one}s"


def counted(count: int, one: str, many: str = "") -> str:
    """Return `count` with its noun: "1 octet", "2 octets", "3 entries" (for `many` see `plural`)."""
    return f"{count} {plural(count, one, many)}"
