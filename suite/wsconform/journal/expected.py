"""Known failures: reading expected.toml, matching its entries with results, and finding outdated entries."""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..catalogue.case import Item
from ..catalogue.selection import matches
from ..evidence.result import Reason, Result, Verdict
from ..problem import Problem, meant

__all__ = ["EVERY", "TODO", "Expectation", "Expectations", "load"]

#: The name of the table whose entries apply to every target.
EVERY = "*"

#: The placeholder that `wsconform expected update` writes; the user has to replace it by a reason.
TODO = "TODO"

_KEYS = ("reason", "issue", "until", "verdict")
#: The verdicts that an entry without verdicts explains: all that can break the gate and are about the target.
_USUAL = frozenset({Verdict.FAILED, Verdict.DEPARTED, Verdict.INCONCLUSIVE})
_GOOD = frozenset({Verdict.PASSED, Verdict.INFORMATIONAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One entry: cases of `target` that match `pattern` end in one of `verdicts`, because of `reason`.

    `named` is True if the entry lists its verdicts itself; attempts may then differ within them.
    """

    target: str
    pattern: str
    reason: str
    issue: str = ""
    until: datetime.date | None = None
    verdicts: frozenset[Verdict] = _USUAL
    named: bool = False

    @property
    def full_reason(self) -> str:
        """The reason, followed by the issue and the last day on which the entry holds, if given."""
        aside = ", ".join(each for each in (self.issue, f"until {self.until}" if self.until else "") if each)
        return f"{self.reason} ({aside})" if aside else self.reason


@dataclass(slots=True)
class Expectations:
    """The entries of a file, and the results of the cases that they match."""

    name: str = ""
    entries: tuple[Expectation, ...] = ()
    _aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: By entry, target and case: whether the case passes; None if it was skipped, which proves nothing.
    _seen: dict[Expectation, dict[tuple[str, str], bool | None]] = field(default_factory=dict)

    def use_aliases(self, catalogue: Iterable[Item]) -> None:
        """Let patterns match the aliases of the cases in `catalogue`, too."""
        self._aliases = {entry.id: entry.aliases for entry in catalogue if entry.aliases}

    def mark(self, target: str, result: Result) -> Result:
        """Return `result` with the reason of the first entry that explains it, and remember it for `stale`.

        The table of the target itself comes before the table for all targets. Attempts with different verdicts are
        expected if an entry lists the verdicts of all of them.
        """
        for entry in self._of(target):
            if not self._matches(entry, result.case):
                continue
            if result.verdict is not Verdict.SKIPPED:
                # An entry that lists "passed" is not outdated by a pass, and a flaky case may fail the next time.
                explained = result.verdict in entry.verdicts
                passes = not explained and result.verdict in _GOOD and not result.flaky
                self._seen.setdefault(entry, {})[target, result.case] = passes
            elif result.reason is not Reason.BUDGET:
                self._seen.setdefault(entry, {})[target, result.case] = None
        return self.explained(target, result)

    def explained(self, target: str, result: Result) -> Result:
        """Return the same as `mark`, without remembering the result."""
        reason: str | None = None
        flaky_expected = False
        attempts = {attempt.verdict for attempt in result.attempts}
        for entry in self._of(target):
            if result.verdict not in entry.verdicts or not self._matches(entry, result.case):
                continue
            if result.verdict not in _GOOD and result.verdict is not Verdict.SKIPPED and reason is None:
                reason = entry.full_reason
            flaky_expected = flaky_expected or (result.flaky and entry.named and attempts <= entry.verdicts)
        if reason is None and not flaky_expected:
            return result
        return replace(result, expected=reason, flaky_expected=flaky_expected)

    def _of(self, target: str) -> Iterator[Expectation]:
        yield from (entry for entry in self.entries if entry.target == target)
        yield from (entry for entry in self.entries if entry.target == EVERY)

    def _matches(self, entry: Expectation, case: str) -> bool:
        return matches(entry.pattern, case) or any(
            matches(entry.pattern, alias) for alias in self._aliases.get(case, ())
        )

    def stale(
        self,
        catalogue: Iterable[Item],
        *,
        ran: Iterable[str] | None,
        known: Iterable[str],
        today: datetime.date,
        whole: Mapping[str, Collection[str]] | None = None,
    ) -> list[str]:
        """Return a line for each entry that no longer holds.

        An entry no longer holds if it matches no case of the `catalogue`, if all of its cases passed, if `today` is
        past its date, or if its reason is TODO. `ran` are the targets that ran, None for all: of entries for other
        targets, only the name is checked, which has to be among `known` unless `known` is empty. `whole` are the ids
        of the cases that a run without selectors would run, by target: an entry passes only if all of its cases among
        them ran and passed. Without `whole`, the cases that ran suffice.
        """
        cases = list(catalogue)
        here = None if ran is None else {EVERY, *ran}
        names = {EVERY, *known, *(here or ())}
        remove = "remove the entry with `wsconform expected prune`"
        lines = list[str]()
        for entry in self.entries:
            where = f'{self.name}: {entry.target}: "{entry.pattern}"'
            if known and entry.target not in names:
                mend = meant(entry.target, names, otherwise="; rename the table, or remove it")
                lines.append(f"{where}: no target has this name{mend}")
            elif here is not None and entry.target not in here:
                continue
            elif self.matches_nothing(entry, cases):
                lines.append(f"{where}: matches no case; correct the pattern, or {remove}")
            elif entry.until is not None and today > entry.until:
                lines.append(f"{where}: past its date {entry.until}; fix the target, or move the date")
            elif self.passes(entry, whole):
                lines.append(f"{where}: passes now; {remove}")
            elif entry.reason == TODO:
                lines.append(f"{where}: the reason is TODO; write why this failure is accepted")
        return lines

    def passes(self, entry: Expectation, whole: Mapping[str, Collection[str]] | None = None) -> bool:
        """Return whether all cases of `entry` that can run did run, and passed; see `stale` for `whole`."""
        seen = self._seen.get(entry, {})
        ran = [passes for passes in seen.values() if passes is not None]
        if not ran or not all(ran):
            return False
        return all(
            (target, id) in seen
            for target, ids in (whole or {}).items()
            if entry.target in (EVERY, target)
            for id in ids
            if self._matches(entry, id)
        )

    def matches_nothing(self, entry: Expectation, catalogue: Iterable[Item]) -> bool:
        """Return whether `entry` matches no case of the `catalogue`."""
        return not any(self._matches(entry, each.id) for each in catalogue)


def load(path: Path, name: str | None = None) -> Expectations:
    """Return the expectations in the file at `path`, which messages call `name`; raises Problem if it is unusable."""
    name = name or path.name
    try:
        tables = tomllib.loads(path.read_bytes().decode())
    except OSError as problem:
        raise Problem(f"{path}: cannot be read: {problem.strerror}; name another file with --expected") from None
    except ValueError as problem:
        raise Problem(f"{name}: not TOML: {problem}") from None
    except RecursionError:
        raise Problem(f"{name}: nested too deeply to be read; flatten it") from None
    entries = list[Expectation]()
    for target, table in tables.items():
        if not isinstance(table, dict):
            raise Problem(f'{name}: {target}: must be a table of patterns; write [NAME] or ["*"] above the entries')
        entries += [_entry(name, target, pattern, value) for pattern, value in table.items()]
    return Expectations(name, tuple(entries))


def _entry(name: str, target: str, pattern: str, value: object) -> Expectation:
    where = f'{name}: {target}: "{pattern}"'
    if isinstance(value, str):
        return Expectation(target=target, pattern=pattern, reason=_reason(where, value))
    if not isinstance(value, dict):
        raise Problem(f'{where}: must be a reason, or a table such as {{ reason = "..." }}')
    for key in value:
        if key not in _KEYS:
            raise Problem(f"{where}: {key}: unknown key{meant(key, _KEYS, listed=True)}")
    return Expectation(
        target=target,
        pattern=pattern,
        reason=_reason(where, value.get("reason")),
        issue=_issue(where, value.get("issue", "")),
        until=_until(where, value.get("until")),
        verdicts=_verdicts(where, value.get("verdict")),
        named="verdict" in value,
    )


def _reason(where: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Problem(f"{where}: the reason is missing; write why this failure is accepted")
    return value.strip()


def _issue(where: str, value: object) -> str:
    if not isinstance(value, str):
        raise Problem(f"{where}: issue: must be a string")
    return value


def _until(where: str, value: object) -> datetime.date | None:
    if value is None:
        return None
    # In Python a datetime is a date, too; in the file it would be a mistake.
    if not isinstance(value, datetime.date) or isinstance(value, datetime.datetime):
        raise Problem(f"{where}: until: must be a date without quotes, such as 2027-03-31")
    return value


def _verdicts(where: str, value: object) -> frozenset[Verdict]:
    if value is None:
        return _USUAL
    known = [verdict.name.lower() for verdict in Verdict if verdict is not Verdict.ERROR]
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not words:
        raise Problem(f'{where}: verdict: must be a list such as ["passed", "failed"]')
    for word in words:
        if not isinstance(word, str) or word not in known:
            raise Problem(f"{where}: verdict: {word}: unknown verdict{meant(str(word), known, listed=True)}")
    return frozenset(Verdict[word.upper()] for word in words)
