"""The changes between two runs, target by target and case by case.

`paired(earlier, later)` makes two mappings of target names to results from two journals; `compare` takes such mappings
and returns `Changes`. The command `diff` prints them, and the HTML report has a page for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..evidence.result import Mark, Result
from .journal import Journal
from .tally import has_run

__all__ = ["Change", "Changes", "Results", "at_must", "at_should", "compare", "paired"]

#: Results by the name of the target.
Results = Mapping[str, Sequence[Result]]


@dataclass(frozen=True, slots=True)
class Change:
    """One case at one target. New cases have no result `before`, gone cases have none `after`."""

    target: str
    before: Result | None
    after: Result | None

    @property
    def result(self) -> Result:
        """The later result; for a case that is gone, the earlier one."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def case(self) -> str:
        """The case's id."""
        return self.result.case


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The changes between two runs, in the order of the later run. Each case is in one list only.

    - `newly_violated`: violated now, with any other result before, skipped included.
    - `fixed`: violated before; the case ran again and is not violated now.
    - `undecided`: the case ran before, and did not get to its requirement now (inconclusive, skipped, error).
    - `other`: any other change of the mark, such as passed to departure or inconclusive to passed.
    - `new`, `gone`: only one of the runs has a result, at a target that both have.

    `same` counts cases with an unchanged mark. `targets_new` and `targets_gone` name targets that only one of the runs
    has; their cases are in no list.
    """

    newly_violated: tuple[Change, ...] = ()
    fixed: tuple[Change, ...] = ()
    undecided: tuple[Change, ...] = ()
    other: tuple[Change, ...] = ()
    new: tuple[Change, ...] = ()
    gone: tuple[Change, ...] = ()
    same: int = 0
    targets_new: tuple[str, ...] = ()
    targets_gone: tuple[str, ...] = ()

    @property
    def breaking(self) -> tuple[Change, ...]:
        """The newly violated cases that expected.toml does not explain."""
        return tuple(each for each in self.newly_violated if each.result.expected is None)

    @property
    def count(self) -> int:
        """The number of cases that changed, are new, or are gone."""
        groups = (self.newly_violated, self.fixed, self.undecided, self.other, self.new, self.gone)
        return sum(map(len, groups))


def at_must(result: Result) -> bool:
    """Return whether `result` violates a MUST."""
    return result.mark is Mark.VIOLATION


def at_should(result: Result) -> bool:
    """Return whether `result` violates a MUST, or is a departure."""
    return result.mark in (Mark.VIOLATION, Mark.DEPARTURE)


def compare(before: Results, after: Results, violates: Callable[[Result], bool] = at_must) -> Changes:
    """Return the changes from `before` to `after`; `violates` decides which results count as violated."""
    newly_violated, fixed, undecided = list[Change](), list[Change](), list[Change]()
    other, new, gone = list[Change](), list[Change](), list[Change]()
    same = 0
    for target in (name for name in after if name in before):
        earlier, later = _by_case(before[target]), _by_case(after[target])
        gone += [Change(target, result, None) for case, result in earlier.items() if case not in later]
        for case, result in later.items():
            was = earlier.get(case)
            change = Change(target, was, result)
            if was is None:
                new.append(change)
            elif violates(result):
                if violates(was):
                    same += 1
                else:
                    newly_violated.append(change)
            elif has_run(was) and not has_run(result):
                undecided.append(change)
            elif violates(was):
                fixed.append(change)
            elif was.mark is result.mark:
                same += 1
            else:
                other.append(change)
    return Changes(
        newly_violated=tuple(newly_violated),
        fixed=tuple(fixed),
        undecided=tuple(undecided),
        other=tuple(other),
        new=tuple(new),
        gone=tuple(gone),
        same=same,
        targets_new=tuple(name for name in after if name not in before),
        targets_gone=tuple(name for name in before if name not in after),
    )


def _by_case(results: Iterable[Result]) -> dict[str, Result]:
    return {result.case: result for result in results}


def paired(earlier: Journal, later: Journal) -> tuple[Results, Results]:
    """Return the results of both journals by target, ready for `compare`.

    Targets with the same name are compared. If each journal has a single target, these two are compared under the later
    name, because an address often changes from run to run.
    """
    before = {each.target.name: each.results for each in earlier.targets}
    after = {each.target.name: each.results for each in later.targets}
    if len(before) == len(after) == 1:
        before = dict(zip(after, before.values(), strict=True))
    return before, after
