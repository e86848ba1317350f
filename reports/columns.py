"""Several journals side by side: a column for each target and a row for each family, from whichever journal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from wsconform.evidence.result import Mark, Reason, Result
from wsconform.journal.compare import Changes, compare
from wsconform.journal.journal import Footer, Header, Journal, TargetRecord
from wsconform.journal.tally import by_family, counts
from wsconform.registry.registry import Registry, RegistryError, load_registry
from wsconform.registry.requirement import Level, Requirement


@dataclass(frozen=True, kw_only=True)
class Column:
    """One target in one journal; `name` is unique among the columns that a report shows.

    `kept` is true if the journals of the report have no results of the target, so that the column shows those of an
    earlier journal. `lost` is true if the run lost this target, as opposed to another target of the same journal.
    """

    name: str
    target: TargetRecord
    results: tuple[Result, ...]
    header: Header
    footer: Footer | None
    kept: bool = False
    lost: bool = False

    @cached_property
    def counts(self) -> dict[Mark, int]:
        """How many results have each mark."""
        return counts(self.results)

    @cached_property
    def cases(self) -> dict[str, Result]:
        """The results by case id; the later of two results of a case counts."""
        return {result.case: result for result in self.results}

    @cached_property
    def families(self) -> dict[str, list[Result]]:
        """The results by family: the case id without parameters."""
        return by_family(self.cases.values())

    @property
    def known(self) -> int:
        """How many violations are in expected.toml."""
        return sum(each.mark is Mark.VIOLATION and each.expected is not None for each in self.cases.values())

    @property
    def date(self) -> str:
        """The day on which its run started, "" if the journal does not record it."""
        return self.header.start[:10]

    @property
    def cut_off(self) -> str:
        """Why the run is incomplete, "" if it ended normally."""
        if untested := self.target.untested:
            return f"the target could not be tested: {untested}"
        if self.footer is None:
            return "the run was cut off: its journal has no end"
        return {
            "done": "",
            "budget": "the run ended early: its time budget was used up",
            "interrupted": "the run ended early: it was interrupted",
            "target-lost": "the run ended early: the target was lost" if self.lost else "",
        }.get(self.footer.why, f"the run ended early: {self.footer.why}")


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """The content of a report: columns in the order of the journals, and the registry if it can be read.

    `changes` holds the changes since the journals `earlier`, None if there are no earlier journals.
    """

    columns: tuple[Column, ...]
    headers: tuple[Header, ...]
    registry: Registry | None
    earlier: tuple[Header, ...] = ()
    changes: Changes | None = None

    @property
    def catalogues(self) -> tuple[str, ...]:
        """The versions of the catalogue that the runs used."""
        return tuple(dict.fromkeys(header.catalogue for header in self.headers))

    @property
    def documents(self) -> str:
        """The documents that the runs cite: "RFC 6455 7692 8441, WHATWG-WS"."""
        ids = dict.fromkeys(id for header in self.headers for id in header.documents)
        numbers = [id.removeprefix("RFC") for id in ids if id.removeprefix("RFC").isdecimal()]
        others = [id for id in ids if not id.removeprefix("RFC").isdecimal()]
        return ", ".join([*([" ".join(["RFC", *numbers])] if numbers else []), *others])

    @cached_property
    def newest(self) -> str:
        """The latest day on which one of these runs started."""
        return max((column.date for column in self.columns), default="")

    def is_older(self, column: Column) -> bool:
        """Whether the results of `column` are older than others, so that the report has to show their date."""
        return column.kept or column.date != self.newest

    def column(self, name: str) -> Column:
        """Return the column called `name`; raises KeyError for an unknown name."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @cached_property
    def families(self) -> tuple[str, ...]:
        """Every family in any column, in the order of their first results."""
        return tuple(dict.fromkeys(family for column in self.columns for family in column.families))

    @cached_property
    def cases(self) -> dict[str, tuple[str, ...]]:
        """The case ids of each family, in order."""
        found: dict[str, dict[str, None]] = {family: {} for family in self.families}
        for column in self.columns:
            for result in column.results:
                found[result.family][result.case] = None
        return {family: tuple(cases) for family, cases in found.items()}

    def of(self, case: str) -> Iterator[tuple[Column, Result]]:
        """Yield each column that has a result of `case`, with the result."""
        for column in self.columns:
            if case in column.cases:
                yield column, column.cases[case]

    def requirement(self, id: str) -> Requirement | None:
        """Return the registry's entry, None for an id that it does not know."""
        if self.registry is None or id not in self.registry:
            return None
        return self.registry[id]

    def citation(self, id: str, level: Level) -> str:
        """Return the citation of a requirement, "RFC 6455 5.2 MUST"; id and level if the registry does not know it."""
        requirement = self.requirement(id)
        return requirement.citation if requirement else f"{id} {level.words}"


def gather(
    journals: Sequence[Journal], registry: Registry | None = None, *, against: Sequence[Journal] = ()
) -> Gathered:
    """Combine `journals`; of two targets with one name the second gets a number: "echo-go (2)".

    Without a `registry` the installed one is used. If it cannot be read, the report lacks paraphrases and links but is
    otherwise complete. With the earlier journals `against` the result includes the changes since then, and a target
    with results there but not in `journals` keeps its column, with its earlier results.
    """
    if registry is None:
        try:
            registry = load_registry()
        except RegistryError:
            registry = None
    headers = tuple(journal.header for journal in journals)
    now, names = _columns(journals)
    if not against:
        return Gathered(columns=tuple(now), headers=headers, registry=registry)
    before = {column.name: column for column in _columns(against)[0] if column.results}
    before = _match_single_targets(before, now)
    tested = [column for column in now if column.results]
    changes = compare(_results(before.values()), _results(tested))
    kept = {name: replace(column, kept=True) for name, column in before.items()}
    columns = [kept.get(each.name, each) if not each.results else each for each in now]
    columns += [column for name, column in kept.items() if name not in names]
    return Gathered(
        columns=tuple(columns),
        headers=headers,
        registry=registry,
        earlier=tuple(journal.header for journal in against),
        changes=changes,
    )


def _results(columns: Iterable[Column]) -> dict[str, tuple[Result, ...]]:
    return {column.name: tuple(column.cases.values()) for column in columns}


def _columns(journals: Sequence[Journal]) -> tuple[list[Column], set[str]]:
    """Return the columns of `journals` and the set of their names."""
    columns, names = [], set[str]()
    for journal in journals:
        lost = [_is_lost(each.results) for each in journal.targets]
        for each, is_lost in zip(journal.targets, lost, strict=True):
            # If the journal does not show which target was lost, it may have been any of them.
            maybe_lost = is_lost or not any(lost)
            name = _unique(each.target.name, names)
            columns.append(
                Column(
                    name=name,
                    target=each.target,
                    results=each.results,
                    header=journal.header,
                    footer=journal.footer,
                    lost=maybe_lost,
                )
            )
    return columns, names


def _is_lost(results: Sequence[Result]) -> bool:
    return not results or any(result.reason is Reason.LOST for result in results)


def _match_single_targets(before: dict[str, Column], now: Sequence[Column]) -> dict[str, Column]:
    # A target named by its address often gets another port in each run. If both sides have one target, it is the same.
    if len(before) == len(now) == 1:
        (column,), (name,) = before.values(), (now[0].name,)
        return {name: replace(column, name=name)}
    return before


def _unique(name: str, used: set[str]) -> str:
    found, number = name or "target", 1
    while found in used:
        number += 1
        found = f"{name or 'target'} ({number})"
    used.add(found)
    return found
