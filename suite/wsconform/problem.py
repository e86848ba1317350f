"""Exit codes of the commands, and errors that end a command with one line for the user."""

from __future__ import annotations

import enum
from collections.abc import Iterable

__all__ = ["Exit", "Problem", "gravest", "meant"]


class Exit(enum.IntEnum):
    """The exit codes of every command."""

    HELD = 0
    BROKEN = 1
    USAGE = 2
    UNTESTABLE = 3
    SUITE = 4
    NOTHING = 5
    INTERRUPTED = 130


_GRAVITY = (Exit.INTERRUPTED, Exit.SUITE, Exit.UNTESTABLE, Exit.BROKEN, Exit.NOTHING)


def gravest(codes: Iterable[Exit]) -> Exit:
    """Return the gravest of `codes`; HELD if `codes` is empty."""
    found = set(codes)
    return next((code for code in _GRAVITY if code in found), Exit.HELD)


class Problem(Exception):
    """The command cannot go on; the text is one line: the place, the error, the remedy."""

    def __init__(self, text: str, exit: Exit = Exit.USAGE) -> None:
        super().__init__(text)
        self.text, self.exit = text, exit


def meant(word: str, known: Iterable[str], *, listed: bool = False, otherwise: str = "") -> str:
    """Return `; did you mean "..."?` with the word of `known` that is closest to `word`.

    If there is no close word, return a list of all `known` words if `listed`, else `otherwise`.
    """
    # difflib takes a few milliseconds to import, and most commands end without a suggestion.
    import difflib

    words = list(known)
    near = difflib.get_close_matches(word, words, 1, 0.6)
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; there are {', '.join(words)}" if listed and words else otherwise
