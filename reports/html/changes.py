"""What changed since earlier journals: by kind, target by target, equal changes of a family told once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wsconform.evidence.result import Mark
from wsconform.journal.compare import Change
from wsconform.journal.tally import parameters

from ..columns import Column, Gathered


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """Cases of one family that changed alike at one target; the first speaks for all."""

    changes: tuple[Change, ...]

    @property
    def first(self) -> Change:
        """The change that speaks for the group."""
        return self.changes[0]

    @property
    def others(self) -> tuple[str, ...]:
        """The parameters of the other cases."""
        return tuple(parameters(each.case) or each.case for each in self.changes[1:])

    @property
    def before(self) -> Mark | None:
        """The mark before, None for what is new."""
        return self.first.before.mark if self.first.before else None

    @property
    def after(self) -> Mark | None:
        """The mark now, None for what is gone."""
        return self.first.after.mark if self.first.after else None

    @property
    def observed(self) -> str:
        """What was observed: now where it is not met, before where it is."""
        for result in (self.first.after, self.first.before):
            if result and result.finding and result.mark is not Mark.PASSED:
                return result.finding.observed
        return ""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of change: how it is called, what to say where there is none, and the changes by target."""

    id: str
    title: str
    none: str
    targets: tuple[tuple[Column, tuple[ChangeGroup, ...]], ...]
    folded: bool = False

    @property
    def count(self) -> int:
        """How many cases."""
        return sum(self.at(column) for column, _ in self.targets)

    def at(self, column: Column) -> int:
        """How many cases at one target."""
        return sum(len(group.changes) for each, groups in self.targets if each is column for group in groups)


@dataclass(frozen=True, slots=True)
class Changed:
    """The lens: every kind, and the targets that only one of both has."""

    kinds: tuple[Kind, ...]
    columns: tuple[Column, ...]
    same: int
    new: tuple[Column, ...]
    gone: tuple[Column, ...]
    since: tuple[str, ...]
    catalogues: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many cases changed, came or went."""
        return sum(kind.count for kind in self.kinds)


def changed(gathered: Gathered) -> Changed | None:
    """Return what changed, None for a report without earlier journals."""
    found = gathered.changes
    if found is None:
        return None
    kinds = (
        Kind(
            "newly-violated",
            "Newly violated",
            "No target violates a MUST that it did not violate before.",
            _by_target(gathered, found.newly_violated),
        ),
        Kind(
            "newly-met",
            "Newly met",
            "Nothing that was violated before is met now.",
            _by_target(gathered, found.fixed),
        ),
        Kind(
            "undecided",
            "No longer decided",
            "Everything that was put before was put again.",
            _by_target(gathered, found.undecided),
        ),
        Kind(
            "other",
            "Otherwise changed",
            "No other mark changed.",
            _by_target(gathered, found.other),
            folded=True,
        ),
        Kind("new", "New cases", "No case is new.", _by_target(gathered, found.new), folded=True),
        Kind("gone", "Gone cases", "No case is gone.", _by_target(gathered, found.gone), folded=True),
    )
    return Changed(
        kinds,
        tuple(column for column in gathered.columns if any(kind.at(column) for kind in kinds)),
        found.same,
        tuple(gathered.column(name) for name in found.targets_new),
        tuple(gathered.column(name) for name in found.targets_gone),
        tuple(dict.fromkeys(header.start[:10] for header in gathered.earlier)),
        tuple(dict.fromkeys(header.catalogue for header in gathered.earlier)),
    )


def _by_target(gathered: Gathered, changes: Sequence[Change]) -> tuple[tuple[Column, tuple[ChangeGroup, ...]], ...]:
    targets: dict[str, dict[tuple[object, ...], list[Change]]] = {}
    for each in changes:
        marks = (each.before and each.before.mark, each.after and each.after.mark)
        key = (each.result.family, *marks, each.result.expected)
        targets.setdefault(each.target, {}).setdefault(key, []).append(each)
    return tuple(
        (gathered.column(name), tuple(ChangeGroup(tuple(group)) for group in groups.values()))
        for name, groups in targets.items()
    )
