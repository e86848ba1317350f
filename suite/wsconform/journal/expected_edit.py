"""Editing of expected.toml: entries are added with a placeholder, or removed; everything else stays as it is."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any

import tomlkit

from ..evidence.result import Result, Verdict
from .expected import TODO, Expectations
from .gate import Policy
from .tally import by_family

__all__ = ["Addition", "needed", "with_added", "with_removed"]


@dataclass(frozen=True, slots=True)
class Addition:
    """An entry to add: a `pattern`, and for a flaky case the `verdicts` of its attempts."""

    target: str
    pattern: str
    verdicts: tuple[Verdict, ...] = ()


def needed(target: str, results: Sequence[Result], known: Expectations, policy: Policy) -> list[Addition]:
    """Return the entries that `known` lacks to keep `results` of `target` from breaking the gate.

    Expectations recorded in `results` are ignored. A family that fails as a whole gets one entry. Results with verdict
    ERROR get none: a failure of wsconform cannot be expected.
    """
    found = list[Addition]()
    for family, members in by_family(results).items():
        breaking = list[Addition]()
        for result in members:
            marked = known.mark(target, replace(result, expected=None, flaky_expected=False))
            if result.verdict is not Verdict.ERROR and policy.breaks(marked):
                breaking.append(Addition(target, result.case, _verdicts(result) if result.flaky else ()))
        kinds = {each.verdicts for each in breaking}
        if len(breaking) == len(members) > 1 and len(kinds) == 1:
            found.append(Addition(target, family, kinds.pop()))
        else:
            found += breaking
    return found


def _verdicts(result: Result) -> tuple[Verdict, ...]:
    return tuple(dict.fromkeys([*(attempt.verdict for attempt in result.attempts), result.verdict]))


def with_added(text: str, additions: Iterable[Addition]) -> str:
    """Return `text`, a TOML document, with `additions` at the end of their tables, each with the reason TODO."""
    document = tomlkit.parse(text)
    for each in additions:
        if each.target not in document:
            document.add(each.target, tomlkit.table())
        table: Any = document[each.target]
        if each.verdicts:
            entry = tomlkit.inline_table()
            entry.update({"reason": TODO, "verdict": [verdict.name.lower() for verdict in each.verdicts]})
            table[each.pattern] = entry
        else:
            table[each.pattern] = TODO
    return _with_as_little_changed(text, document)


def with_removed(text: str, entries: Collection[tuple[str, str]]) -> str:
    """Return `text`, a TOML document, without `entries` (target and pattern), and without tables that become empty."""
    document = tomlkit.parse(text)
    for target, pattern in entries:
        table: Any = document[target]
        del table[pattern]
        if not table and "#" not in table.as_string():
            del document[target]
    return _with_as_little_changed(text, document)


def _with_as_little_changed(text: str, document: Mapping[str, object]) -> str:
    """Return `document` as text; lines that differ from `text` in whitespace alone are copied from `text`.

    tomlkit drops the blank behind a date in an inline table, which would show up as a change in a review.
    """
    edited = tomlkit.dumps(document)
    old, new = text.splitlines(keepends=True), edited.splitlines(keepends=True)
    lines = list[str]()
    bare = [["".join(line.split()) for line in side] for side in (old, new)]
    matcher = SequenceMatcher(None, bare[0], bare[1], autojunk=False)
    for operation, first, last, start, end in matcher.get_opcodes():
        lines += old[first:last] if operation == "equal" else new[start:end]
        if lines and not lines[-1].endswith("\n") and end < len(new):
            lines[-1] += "\n"
    kept = "".join(lines)
    return kept if tomllib.loads(kept) == tomllib.loads(edited) else edited
