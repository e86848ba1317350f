"""expected.toml mended: entries added without a reason, entries taken out, comments and everything else left alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any

from ..evidence.result import Result, Verdict
from .expected import TODO, Expectations
from .gate import Policy
from .tally import by_family

__all__ = ["Addition", "added", "needed", "without"]


@dataclass(frozen=True, slots=True)
class Addition:
    """An entry that is missing: a `pattern`, and the `verdicts` between which attempts waver, if they do."""

    target: str
    pattern: str
    verdicts: tuple[Verdict, ...] = ()


def needed(target: str, results: Sequence[Result], known: Expectations, policy: Policy) -> list[Addition]:
    """Return the entries without which `results` of `target` break the gate, whatever their journal expected.

    A family that fails as a whole gets one entry. What the suite itself broke cannot be expected.
    """
    found = list[Addition]()
    for family, members in by_family(results).items():
        breaking = list[Addition]()
        for result in members:
            marked = known.mark(target, replace(result, expected=None, flaky_expected=False))
            if result.verdict is not Verdict.ERROR and policy.breaks(marked):
                breaking.append(Addition(target, result.case, _wavering(result) if result.flaky else ()))
        alike = {each.verdicts for each in breaking}
        if len(breaking) == len(members) > 1 and len(alike) == 1:
            found.append(Addition(target, family, alike.pop()))
        else:
            found += breaking
    return found


def _wavering(result: Result) -> tuple[Verdict, ...]:
    return tuple(dict.fromkeys([*(attempt.verdict for attempt in result.attempts), result.verdict]))


def added(text: str, additions: Iterable[Addition]) -> str:
    """Return `text`, a TOML document, with `additions` at the end of their tables, each with the reason TODO."""
    import tomlkit

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


def without(text: str, entries: Collection[tuple[str, str]]) -> str:
    """Return `text`, a TOML document, without `entries` (target and pattern); tables that get empty go, too."""
    import tomlkit

    document = tomlkit.parse(text)
    for target, pattern in entries:
        table: Any = document[target]
        del table[pattern]
        if not table and "#" not in table.as_string():
            del document[target]
    return _with_as_little_changed(text, document)


def _with_as_little_changed(text: str, document: Mapping[str, object]) -> str:
    """The document as text, in which lines that differ from `text` in blanks alone are those of `text`.

    tomlkit drops the blank behind a date in an inline table, and nobody wants that in a change to review.
    """
    import tomllib

    import tomlkit

    made = tomlkit.dumps(document)
    old, new = text.splitlines(keepends=True), made.splitlines(keepends=True)
    lines = list[str]()
    bare = [["".join(line.split()) for line in side] for side in (old, new)]
    matcher = SequenceMatcher(None, bare[0], bare[1], autojunk=False)
    for what, first, last, since, until in matcher.get_opcodes():
        lines += old[first:last] if what == "equal" else new[since:until]
        if lines and not lines[-1].endswith("\n") and until < len(new):
            lines[-1] += "\n"
    kept = "".join(lines)
    return kept if tomllib.loads(kept) == tomllib.loads(made) else made
