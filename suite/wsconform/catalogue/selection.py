"""Selection of the cases that run against a target: patterns of ids, sections, levels, a profile, a shard."""

from __future__ import annotations

import difflib
import functools
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from ..registry.registry import Registry
from ..registry.requirement import Requirement, Role
from .case import Case, Item, Profile, binding

__all__ = ["Selection", "UnknownPattern", "matches"]


class UnknownPattern(ValueError):
    """A selector matches no case; the text names the selector and the closest match."""


def matches(pattern: str, id: str) -> bool:
    """Return whether `pattern` (wildcards `*` and `?`; brackets are literal) matches all of `id`, or of its family."""
    return _match(pattern, id) or _match(pattern, id.partition("[")[0])


@functools.lru_cache(maxsize=1 << 14)
def _literal_prefix(pattern: str) -> str:
    """Return the part of `pattern` before its first wildcard."""
    return pattern.partition("*")[0].partition("?")[0]


def _match(pattern: str, text: str) -> bool:
    # fnmatch would read brackets as sets, and case ids have brackets. The prefix rules out most ids quickly.
    prefix = _literal_prefix(pattern)
    if not text.startswith(prefix):
        return False
    at, star, mark = len(prefix), -1, 0
    position = len(prefix)
    while position < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, mark = at, position
            at += 1
        elif at < len(pattern) and pattern[at] in ("?", text[position]):
            at, position = at + 1, position + 1
        elif star >= 0:
            mark += 1
            at, position = star + 1, mark
        else:
            return False
    return all(rest == "*" for rest in pattern[at:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The selectors of a run: patterns of ids, sections ("RFC6455:5.5", "5.5"), levels by weight, a profile, a shard.

    A case selected by its full id or by a full alias, such as `autobahn:12.1.1`, runs whatever the profile. A pattern
    such as `autobahn:12.*`, or a family's name, selects only cases of the profile.
    """

    cases: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    profile: Profile = Profile.STANDARD
    shard: tuple[int, int] | None = None

    def select(self, entries: Iterable[Item], role: Role, registry: Registry) -> tuple[Item, ...]:
        """Return the selected entries that bind a target of `role`; raises UnknownPattern."""
        bound = [(entry, needed) for entry in entries if (needed := binding(entry, role, registry))]
        for pattern in (*self.cases, *self.excluded):
            if not any(_matches_entry(pattern, entry) for entry, _ in bound):
                raise UnknownPattern(_unknown(pattern, [entry for entry, _ in bound]))
        for section in self.sections:
            if not any(_in_section(section, needed) for _, needed in bound):
                raise UnknownPattern(f"--section {section}: no case cites it; see `wsconform list requirements`")
        return tuple(entry for entry, needed in bound if self._selects(entry, needed))

    def _selects(self, entry: Item, needed: Requirement) -> bool:
        if self.cases and not any(_matches_entry(pattern, entry) for pattern in self.cases):
            return False
        if any(_matches_entry(pattern, entry) for pattern in self.excluded):
            return False
        if self.sections and not any(_in_section(section, needed) for section in self.sections):
            return False
        if self.levels and needed.level.weight not in self.levels:
            return False
        if isinstance(entry, Case) and entry.profile > self.profile and not self._names(entry):
            return False
        if self.shard and isinstance(entry, Case):
            # A monitor examines all conversations, so every shard needs all monitors.
            which, of = self.shard
            return int(hashlib.sha256(entry.id.encode()).hexdigest()[:8], 16) % of == which - 1
        return True

    def _names(self, entry: Item) -> bool:
        """Return whether `entry` was selected by its full id, or by a full alias."""
        return any(pattern == entry.id or pattern in entry.aliases for pattern in self.cases)


def _matches_entry(pattern: str, entry: Item) -> bool:
    # Only a pattern with a colon can match an alias: "a*" means ids that begin with "a", not "autobahn:...".
    return matches(pattern, entry.id) or (":" in pattern and any(_match(pattern, alias) for alias in entry.aliases))


def _in_section(section: str, needed: Requirement) -> bool:
    document, _, number = section.rpartition(":")
    if document and document.upper().replace(" ", "") != needed.document.id.upper():
        return False
    return needed.section == number or needed.section.startswith(f"{number}.")


def _unknown(pattern: str, entries: list[Item]) -> str:
    families = list(dict.fromkeys(entry.family for entry in entries))
    near = difflib.get_close_matches(pattern, families, 1, 0.4)
    meant = f'did you mean "{near[0]}"? See' if near else "see"
    return f'no case matches "{pattern}"; {meant} `wsconform list cases`'
