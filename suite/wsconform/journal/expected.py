"""Known failures: expected.toml read, put beside the results that it explains, and checked for what no longer holds."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..catalogue.case import Item
from ..catalogue.selection import matches
from ..evidence.result import Reason, Result, Verdict
from ..problem import Problem, meant

__all__ = ["EVERY", "TODO", "Expectation", "Expectations", "load"]

#: The table whose entries count for every target.
EVERY = "*"

#: The reason that `wsconform expected update` writes: somebody has to put a real one in its place.
TODO = "TODO"

_KEYS = ("reason", "issue", "until", "verdict")
#: What an entry that names no verdicts explains: all that can break the gate and speaks of the target.
_USUAL = frozenset({Verdict.FAILED, Verdict.DEPARTED, Verdict.INCONCLUSIVE})
_GOOD = frozenset({Verdict.PASSED, Verdict.INFORMATIONAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One entry: cases of `target` that `pattern` takes end in one of `verdicts`, because of `reason`.

    `named` says that the entry lists its verdicts itself: then attempts may disagree within them.
    """

    target: str
    pattern: str
    reason: str
    issue: str = ""
    until: datetime.date | None = None
    verdicts: frozenset[Verdict] = _USUAL
    named: bool = False

    @property
    def told(self) -> str:
        """The reason, with the issue that it points to, and the date up to which it holds."""
        aside = ", ".join(each for each in (self.issue, f"until {self.until}" if self.until else "") if each)
        return f"{self.reason} ({aside})" if aside else self.reason


@dataclass(slots=True)
class Expectations:
    """The entries of a file, and what became of the cases that they speak of."""

    name: str = ""
    entries: tuple[Expectation, ...] = ()
    _aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: By entry, target and case: whether it passes; None where it is out of reach, which says nothing.
    _seen: dict[Expectation, dict[tuple[str, str], bool | None]] = field(default_factory=dict)

    def about(self, catalogue: Iterable[Item]) -> None:
        """Take the old names of cases from `catalogue`, so that patterns may use them."""
        self._aliases = {entry.id: entry.aliases for entry in catalogue if entry.aliases}

    def mark(self, target: str, result: Result) -> Result:
        """Return `result` with the reason of the first entry that explains it; a target's own table comes first.

        Attempts that disagree are expected where an entry names the verdicts of all of them.
        """
        for entry in self._of(target):
            if not self._takes(entry, result.case):
                continue
            if result.verdict is not Verdict.SKIPPED:
                # One that names "passed" itself is content with a pass, and a flaky case may fail the next time.
                explained = result.verdict in entry.verdicts
                passes = not explained and result.verdict in _GOOD and not result.flaky
                self._seen.setdefault(entry, {})[target, result.case] = passes
            elif result.reason is not Reason.BUDGET:
                self._seen.setdefault(entry, {})[target, result.case] = None
        return self.explained(target, result)

    def explained(self, target: str, result: Result) -> Result:
        """Return what `mark` does, and remember nothing."""
        told: str | None = None
        wavers = False
        attempts = {attempt.verdict for attempt in result.attempts}
        for entry in self._of(target):
            if result.verdict not in entry.verdicts or not self._takes(entry, result.case):
                continue
            if result.verdict not in _GOOD and result.verdict is not Verdict.SKIPPED and told is None:
                told = entry.told
            wavers = wavers or (result.flaky and entry.named and attempts <= entry.verdicts)
        if told is None and not wavers:
            return result
        return replace(result, expected=told, flaky_expected=wavers)

    def _of(self, target: str) -> Iterator[Expectation]:
        yield from (entry for entry in self.entries if entry.target == target)
        yield from (entry for entry in self.entries if entry.target == EVERY)

    def _takes(self, entry: Expectation, case: str) -> bool:
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
        """Return a line for each entry that holds no more.

        Such an entry matches no case of the `catalogue`, has no reason yet, or all of its cases passed, or `today` is
        past its date. Entries of targets that did not run (`ran`; None: look at all) are looked at for their name
        only: it has to be among `known`, if anything is. `whole` are the ids that a run without selectors puts, by
        target: an entry passes only if all of its cases among them did. Without it, those that were put suffice.
        """
        cases = list(catalogue)
        here = None if ran is None else {EVERY, *ran}
        names = {EVERY, *known, *(here or ())}
        lines = list[str]()
        for entry in self.entries:
            where = f'{self.name}: {entry.target}: "{entry.pattern}"'
            if known and entry.target not in names:
                mend = meant(entry.target, names, otherwise="; rename the table, or take it out")
                lines.append(f"{where}: there is no target of this name{mend}")
            elif here is not None and entry.target not in here:
                continue
            elif self.matches_nothing(entry, cases):
                lines.append(f"{where}: matches no case; mend the pattern, or `wsconform expected prune` takes it out")
            elif entry.until is not None and today > entry.until:
                lines.append(f"{where}: past its date {entry.until}; mend the target, or move the date")
            elif self.passes(entry, whole):
                lines.append(f"{where}: passes now; `wsconform expected prune` takes the entry out")
            elif entry.reason == TODO:
                lines.append(f"{where}: the reason is TODO; say why this failure is expected")
        return lines

    def passes(self, entry: Expectation, whole: Mapping[str, Collection[str]] | None = None) -> bool:
        """Return whether all cases of `entry` that can be put were put and passed; see `stale` for `whole`."""
        seen = self._seen.get(entry, {})
        put = [passes for passes in seen.values() if passes is not None]
        if not put or not all(put):
            return False
        return all(
            (target, id) in seen
            for target, ids in (whole or {}).items()
            if entry.target in (EVERY, target)
            for id in ids
            if self._takes(entry, id)
        )

    def matches_nothing(self, entry: Expectation, catalogue: Iterable[Item]) -> bool:
        """Return whether `entry` takes no case of the `catalogue`."""
        return not any(self._takes(entry, each.id) for each in catalogue)


def load(path: Path, name: str | None = None) -> Expectations:
    """Read the file at `path`, called `name` in what is told; raises Problem where it cannot be used."""
    import tomllib

    name = name or path.name
    try:
        tables = tomllib.loads(path.read_bytes().decode())
    except OSError as problem:
        raise Problem(f"{path}: cannot be read: {problem.strerror}; name another file with --expected") from None
    except ValueError as problem:
        raise Problem(f"{name}: not TOML: {problem}") from None
    except RecursionError:
        raise Problem(f"{name}: not TOML that can be read: it is nested too deeply") from None
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
        raise Problem(f"{where}: there is no reason; say why this failure is expected")
    return value.strip()


def _issue(where: str, value: object) -> str:
    if not isinstance(value, str):
        raise Problem(f"{where}: issue: must be a text")
    return value


def _until(where: str, value: object) -> datetime.date | None:
    if value is None:
        return None
    # A datetime is a date to Python, and no date to whoever reads the file.
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
            raise Problem(f"{where}: verdict: {word}: no such verdict{meant(str(word), known, listed=True)}")
    return frozenset(Verdict[word.upper()] for word in words)
