"""The ids of Autobahn|Testsuite, their order, its patterns of ids, and its words for the outcome of a case.

`behavior` returns the word for `index.json` and `/getCaseStatus`. It depends on our mark, so that a script that fails
at FAILED fails whenever our gate breaks:

- passed: OK
- violation, error, inconclusive: FAILED
- departure: NON-STRICT
- informational, and inconclusive because of a limit of the target: INFORMATIONAL
- skipped (compression not negotiated, no echo, no TLS): UNIMPLEMENTED
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

#: The key in a target's `info` for the ids that an Autobahn configuration selected (see `Selected`).
SELECTED = "Autobahn cases"
#: The key in a target's `info` if its configuration does not name an agent; Autobahn then uses the Server field.
NAMELESS = "Autobahn agent"

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
    """Return Autobahn's word for `result`."""
    return INFORMATIONAL if result.reason is Reason.LIMIT else _WORDS[result.mark]


def order(id: str) -> tuple[int, ...]:
    """Return the key that sorts ids of Autobahn number by number: 9.8.6, 10.1.1, 12.1.1."""
    return tuple(int(part) for part in id.split("."))


def matches(pattern: str, id: str) -> bool:
    """Return whether `pattern`, as in the key `cases` of a configuration, matches `id`.

    A pattern with a `*` has to match the beginning of the id only: "1*" matches 10.1.1, "5.1*" matches 5.19. A pattern
    without a `*` is an id.
    """
    return bool(_expression(pattern).match(id)) if "*" in pattern else pattern == id


def matches_whole(pattern: str, text: str) -> bool:
    """Return whether `pattern`, as in `exclude-agent-cases`, matches all of `text`, the name of an agent or an id."""
    return bool(_expression(pattern).fullmatch(text))


def _expression(pattern: str) -> re.Pattern[str]:
    # Consecutive stars match the same as one, but would make the regular expression exponentially slow.
    return re.compile(".*".join(map(re.escape, re.split(r"\*+", pattern))), re.DOTALL)


@dataclass(frozen=True, slots=True)
class Selected:
    """A selection of ids: those that match one of `cases` and no pattern of `excluded`.

    Ids in `without` are selected, but do not run for one agent. A pattern without a match is not an error, because
    configurations often name groups that no longer exist. As text, for the journal, a selection looks like
    "1.*, 2.1 but not 1.2.* without 1.1.1".
    """

    cases: tuple[str, ...]
    excluded: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str) -> Selected:
        """Return the selection with the text `text`; the inverse of `str`."""
        text, _, without = text.partition(_WITHOUT)
        cases, _, excluded = text.partition(_BUT_NOT)
        return cls(_listed(cases), _listed(excluded), _listed(without))

    def __str__(self) -> str:
        parts = (("", self.cases), (_BUT_NOT, self.excluded), (_WITHOUT, self.without))
        joined = ((word, ", ".join(filter(_ID_LIKE.fullmatch, patterns))) for word, patterns in parts)
        return "".join(f"{word}{patterns}" for word, patterns in joined if patterns)

    def numbered(self, ids: Iterable[str]) -> list[str]:
        """Return the selected `ids` in order, those of `without` included; case numbers are positions, from 1."""
        found = (
            id
            for id in ids
            if any(matches(pattern, id) for pattern in self.cases)
            and not any(matches(pattern, id) for pattern in self.excluded)
        )
        return sorted(found, key=order)

    def of(self, ids: Iterable[str]) -> list[str]:
        """Return the ids among `ids` that run for the agent, in order."""
        return [id for id in self.numbered(ids) if id not in self.without]


_BUT_NOT, _WITHOUT = " but not ", " without "
#: Patterns of other characters cannot match an id.
_ID_LIKE = re.compile("[0-9.*]+")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(", ")))
