"""What changed between two runs: the results of each target, earlier and later, laid side by side.

Lay two journals beside each other with `paired(earlier, later)`, or make two mappings of a target's name to its
results by other means, and hand both to `compare`. It returns `Changes`: tuples of `Change`, one a case and target,
each with the result before and the result after. `diff` tells them, the report's lens shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..evidence.result import Mark, Result
from .journal import Journal
from .tally import has_run

__all__ = ["Change", "Changes", "Results", "at_must", "at_should", "compare", "paired"]

#: Results by the name of their target.
Results = Mapping[str, Sequence[Result]]


@dataclass(frozen=True, slots=True)
class Change:
    """One case at one target; `before` is None where it is new, `after` where it is gone."""

    target: str
    before: Result | None
    after: Result | None

    @property
    def result(self) -> Result:
        """The later result, or the earlier one of a case that is gone."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def case(self) -> str:
        """The case's id."""
        return self.result.case


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What changed, each case in one place only, in the later run's order.

    A case is newly violated if it is violated now and had another result before, out of reach included; newly met
    if it was violated and is not now, though it was put; undecided if it was put and is not any more (not reached,
    out of reach, the suite broke). `otherwise` holds other changes of mark: met to departure, not reached to met.
    New and gone are cases that only one run has a result for, at targets that both have; targets that only one has
    are named in `targets_new` and `targets_gone`, and their cases are in no list. `same` counts what kept its mark.
    """

    newly_violated: tuple[Change, ...] = ()
    newly_met: tuple[Change, ...] = ()
    undecided: tuple[Change, ...] = ()
    otherwise: tuple[Change, ...] = ()
    new: tuple[Change, ...] = ()
    gone: tuple[Change, ...] = ()
    same: int = 0
    targets_new: tuple[str, ...] = ()
    targets_gone: tuple[str, ...] = ()

    @property
    def breaking(self) -> tuple[Change, ...]:
        """What is newly violated and not expected to be (expected.toml)."""
        return tuple(each for each in self.newly_violated if each.result.expected is None)

    @property
    def count(self) -> int:
        """How many cases changed, came or went."""
        groups = (self.newly_violated, self.newly_met, self.undecided, self.otherwise, self.new, self.gone)
        return sum(map(len, groups))


def at_must(result: Result) -> bool:
    """Return whether `result` violates a MUST."""
    return result.mark is Mark.VIOLATION


def at_should(result: Result) -> bool:
    """Return whether `result` violates a MUST, or departs from a SHOULD."""
    return result.mark in (Mark.VIOLATION, Mark.DEPARTURE)


def compare(before: Results, after: Results, violates: Callable[[Result], bool] = at_must) -> Changes:
    """Return what changed from `before` to `after`; `violates` says which results count as violated."""
    newly_violated, newly_met, undecided = list[Change](), list[Change](), list[Change]()
    otherwise, new, gone = list[Change](), list[Change](), list[Change]()
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
                newly_met.append(change)
            elif was.mark is result.mark:
                same += 1
            else:
                otherwise.append(change)
    return Changes(
        newly_violated=tuple(newly_violated),
        newly_met=tuple(newly_met),
        undecided=tuple(undecided),
        otherwise=tuple(otherwise),
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

    Targets are the same if their names are. Where each journal has one target only, the two are compared whatever
    they are called: an address often changes from run to run. Both then have the later one's name.
    """
    before = {each.target.name: each.results for each in earlier.targets}
    after = {each.target.name: each.results for each in later.targets}
    if len(before) == len(after) == 1:
        before = dict(zip(after, before.values(), strict=True))
    return before, after
