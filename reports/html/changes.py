"""The changes since earlier journals, by kind and target. Equal changes within a family are shown once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wsconform.evidence.result import Mark
from wsconform.journal.compare import Change
from wsconform.journal.tally import parameters

from ..columns import Column, Gathered


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """Cases of one family that changed alike at one target; the report shows the first."""

    changes: tuple[Change, ...]

    @property
    def first(self) -> Change:
        """The change that the report shows for the group."""
        return self.changes[0]

    @property
    def others(self) -> tuple[str, ...]:
        """The parameters of the other cases."""
        return tuple(parameters(each.case) or each.case for each in self.changes[1:])

    @property
    def before(self) -> Mark | None:
        """The earlier mark, None for a new case."""
        return self.first.before.mark if self.first.before else None

    @property
    def after(self) -> Mark | None:
        """The current mark, None for a case that is gone."""
        return self.first.after.mark if self.first.after else None

    @property
    def observed(self) -> str:
        """The current observation, or the earlier one if the case passes now; "" if no result has a finding."""
        for result in (self.first.after, self.first.before):
            if result and result.finding and result.mark is not Mark.PASSED:
                return result.finding.observed
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeKind:
    """One kind of change: its title, the text if there are no changes of this kind, and the changes by target."""

    id: str
    title: str
    none: str
    targets: tuple[tuple[Column, tuple[ChangeGroup, ...]], ...]
    folded: bool = False

    @property
    def count(self) -> int:
        """The number of cases."""
        return sum(self.at(column) for column, _ in self.targets)

    def at(self, column: Column) -> int:
        """Return the number of cases at one target."""
        return sum(len(group.changes) for each, groups in self.targets if each is column for group in groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesView:
    """The page of changes: every kind, and the targets that only the earlier or only the current journals have."""

    kinds: tuple[ChangeKind, ...]
    columns: tuple[Column, ...]
    same: int
    new: tuple[Column, ...]
    gone: tuple[Column, ...]
    since: tuple[str, ...]
    catalogues: tuple[str, ...]

    @property
    def count(self) -> int:
        """The number of cases that changed, are new or are gone."""
        return sum(kind.count for kind in self.kinds)


def changes_view(gathered: Gathered) -> ChangesView | None:
    """Return the changes, None for a report without earlier journals."""
    found = gathered.changes
    if found is None:
        return None
    kinds = (
        ChangeKind(
            id="newly-violated",
            title="Newly violated",
            none="No target violates a MUST that it did not violate before.",
            targets=_by_target(gathered, found.newly_violated),
        ),
        ChangeKind(
            id="newly-passed",
            title="Newly passed",
            none="No case that was violated before passes now.",
            targets=_by_target(gathered, found.fixed),
        ),
        ChangeKind(
            id="undecided",
            title="No longer decided",
            none="Every case that was decided before is decided now.",
            targets=_by_target(gathered, found.undecided),
        ),
        ChangeKind(
            id="other",
            title="Otherwise changed",
            none="No other mark changed.",
            targets=_by_target(gathered, found.other),
            folded=True,
        ),
        ChangeKind(
            id="new",
            title="New cases",
            none="No case is new.",
            targets=_by_target(gathered, found.new),
            folded=True,
        ),
        ChangeKind(
            id="gone",
            title="Gone cases",
            none="No case is gone.",
            targets=_by_target(gathered, found.gone),
            folded=True,
        ),
    )
    return ChangesView(
        kinds=kinds,
        columns=tuple(column for column in gathered.columns if any(kind.at(column) for kind in kinds)),
        same=found.same,
        new=tuple(gathered.column(name) for name in found.targets_new),
        gone=tuple(gathered.column(name) for name in found.targets_gone),
        since=tuple(dict.fromkeys(header.start[:10] for header in gathered.earlier)),
        catalogues=tuple(dict.fromkeys(header.catalogue for header in gathered.earlier)),
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
