"""The older suite's ids in their order, its patterns, and the words in which it says what became of a case.

`behavior` is what `index.json` and `/getCaseStatus` have under that name. It follows our marks, so that a script which
fails at FAILED fails where our gate breaks:

- met: OK
- violation, suite error, not reached: FAILED
- departure: NON-STRICT
- noted, and not reached for a limit of the target's own: INFORMATIONAL
- out of reach (compression that is not negotiated, no echo, no TLS): UNIMPLEMENTED
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..evidence.result import Mark, Reason, Result

__all__ = [
    "FAILED",
    "INFORMATIONAL",
    "NAMELESS",
    "NON_STRICT",
    "OK",
    "SELECTED",
    "UNIMPLEMENTED",
    "Selected",
    "behavior",
    "matches",
    "matches_whole",
    "order",
]

#: What a target's record says under this name of the ids that a configuration of the older suite selected.
SELECTED = "older suite's cases"
#: What it has under this name where such a configuration names no agent: the older suite then took the Server field's.
NAMELESS = "older suite's agent"

OK, NON_STRICT, INFORMATIONAL = "OK", "NON-STRICT", "INFORMATIONAL"
UNIMPLEMENTED, FAILED = "UNIMPLEMENTED", "FAILED"

_WORDS = {
    Mark.PASSED: OK,
    Mark.VIOLATION: FAILED,
    Mark.DEPARTURE: NON_STRICT,
    Mark.INFORMATIONAL: INFORMATIONAL,
    Mark.INCONCLUSIVE: FAILED,
    Mark.SKIPPED: UNIMPLEMENTED,
    Mark.ERROR: FAILED,
}


def behavior(result: Result) -> str:
    """Return the older suite's word for `result`."""
    return INFORMATIONAL if result.reason is Reason.LIMIT else _WORDS[result.mark]


def order(id: str) -> tuple[int, ...]:
    """Return what sorts older ids as their suite does, number by number: 9.8.6, 10.1.1, 12.1.1."""
    return tuple(int(part) for part in id.split("."))


def matches(pattern: str, id: str) -> bool:
    """Return whether `pattern`, as in `cases`, takes `id`.

    One with a `*` has to fit the beginning alone ("1*" takes 10.1.1, "5.1*" takes 5.19), one without is an id.
    """
    return bool(_expression(pattern).match(id)) if "*" in pattern else pattern == id


def matches_whole(pattern: str, text: str) -> bool:
    """Return whether `pattern`, as in `exclude-agent-cases`, takes all of `text`, an agent's name or an id."""
    return bool(_expression(pattern).fullmatch(text))


def _expression(pattern: str) -> re.Pattern[str]:
    # Several stars are as good as one, and would be tried in all ways in which they can share a text.
    return re.compile(".*".join(map(re.escape, re.split(r"\*+", pattern))), re.DOTALL)


@dataclass(frozen=True, slots=True)
class Selected:
    """Ids by patterns: those that one of `cases` takes and none of `excluded` does; `without` are not put to an agent.

    A pattern that takes nothing is no error: configurations go from suite to suite with groups that are long gone.
    As text, which a journal keeps, it reads "1.*, 2.1 but not 1.2.* without 1.1.1".
    """

    cases: tuple[str, ...]
    excluded: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str) -> Selected:
        """Return what `str` made `text` of."""
        text, _, without = text.partition(_WITHOUT)
        cases, _, excluded = text.partition(_BUT_NOT)
        return cls(_listed(cases), _listed(excluded), _listed(without))

    def __str__(self) -> str:
        parts = (("", self.cases), (_BUT_NOT, self.excluded), (_WITHOUT, self.without))
        told = ((word, ", ".join(filter(_ID_LIKE.fullmatch, patterns))) for word, patterns in parts)
        return "".join(f"{word}{patterns}" for word, patterns in told if patterns)

    def numbered(self, ids: Iterable[str]) -> list[str]:
        """Return those of `ids` that have a number, from 1 on, in order: what is not put to one agent among them."""
        found = (
            id
            for id in ids
            if any(matches(pattern, id) for pattern in self.cases)
            and not any(matches(pattern, id) for pattern in self.excluded)
        )
        return sorted(found, key=order)

    def of(self, ids: Iterable[str]) -> list[str]:
        """Return those of `ids` that are put to the agent, in order."""
        return [id for id in self.numbered(ids) if id not in self.without]


_BUT_NOT, _WITHOUT = " but not ", " without "
#: No other pattern can take an id.
_ID_LIKE = re.compile("[0-9.*]+")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(", ")))
