"""Journals laid side by side: one column a target, one family a row, whichever journal they came from."""

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


@dataclass(frozen=True)
class Column:
    """One target in one journal; `name` is unique among the columns that a report shows.

    `kept` says that the target has no results in the journals of the report, so that those of an earlier one stand
    in; `lost` that the run lost this target, not another one of the same journal.
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
        """The results by case id; of two for one case the later counts."""
        return {result.case: result for result in self.results}

    @cached_property
    def families(self) -> dict[str, list[Result]]:
        """The results by the case's id without parameters."""
        return by_family(self.cases.values())

    @property
    def known(self) -> int:
        """How many violations are in expected.toml."""
        return sum(each.mark is Mark.VIOLATION and each.expected is not None for each in self.cases.values())

    @property
    def date(self) -> str:
        """The day on which its run started, "" if the journal does not say."""
        return self.header.start[:10]

    @property
    def cut_off(self) -> str:
        """Why the run says less than it was asked to, "" if it ended as it should."""
        if untested := self.target.untested:
            return f"the target could not be tested: {untested}"
        if self.footer is None:
            return "the run was cut off: its journal has no end"
        return {
            "done": "",
            "budget": "the run ended early: its time was used up",
            "interrupted": "the run ended early: it was interrupted",
            "target-lost": "the run ended early: the target was lost" if self.lost else "",
        }.get(self.footer.why, f"the run ended early: {self.footer.why}")


@dataclass(frozen=True)
class Gathered:
    """What a report is made from: columns in the order of the journals, and the registry, if it can be read.

    `changes` is what changed since the journals `earlier`, None where there are none to compare with.
    """

    columns: tuple[Column, ...]
    headers: tuple[Header, ...]
    registry: Registry | None
    earlier: tuple[Header, ...] = ()
    changes: Changes | None = None

    @property
    def catalogues(self) -> tuple[str, ...]:
        """The versions of the catalogue that judged."""
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
        """The latest day on which a run of these started."""
        return max((column.date for column in self.columns), default="")

    def is_older(self, column: Column) -> bool:
        """Whether the results of `column` are from an earlier day than others, so that its date has to be told."""
        return column.kept or column.date != self.newest

    def column(self, name: str) -> Column:
        """The column called `name`; KeyError if there is none."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @cached_property
    def families(self) -> tuple[str, ...]:
        """Every family that some column has, in the order of their first results."""
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
        """The results of one case, column by column."""
        for column in self.columns:
            if case in column.cases:
                yield column, column.cases[case]

    def requirement(self, id: str) -> Requirement | None:
        """The registry's entry, or None for an id that it does not know."""
        if self.registry is None or id not in self.registry:
            return None
        return self.registry[id]

    def citation(self, id: str, level: Level) -> str:
        """How to name a requirement: "RFC 6455 5.2 MUST", or its id with the level where it is not known."""
        requirement = self.requirement(id)
        return requirement.citation if requirement else f"{id} {level.words}"


def gather(
    journals: Sequence[Journal], registry: Registry | None = None, *, against: Sequence[Journal] = ()
) -> Gathered:
    """Lay `journals` side by side; a target's name that is taken already gets a number: "echo-go (2)".

    Without a `registry` the installed one serves; one that cannot be read costs the report its paraphrases
    and links, nothing else. With the earlier journals `against`, what changed since is found as well, and a target
    that has results there and none in `journals` keeps its column, with its last results.
    """
    if registry is None:
        try:
            registry = load_registry()
        except RegistryError:
            registry = None
    headers = tuple(journal.header for journal in journals)
    now, taken = _columns(journals, set())
    if not against:
        return Gathered(tuple(now), headers, registry)
    before = {column.name: column for column in _columns(against, set())[0] if column.results}
    before = _called_alike(before, now)
    tested = [column for column in now if column.results]
    changes = compare(_results(before.values()), _results(tested))
    kept = {name: replace(column, kept=True) for name, column in before.items()}
    columns = [kept.get(each.name, each) if not each.results else each for each in now]
    columns += [column for name, column in kept.items() if name not in taken]
    return Gathered(tuple(columns), headers, registry, tuple(journal.header for journal in against), changes)


def _results(columns: Iterable[Column]) -> dict[str, tuple[Result, ...]]:
    return {column.name: tuple(column.cases.values()) for column in columns}


def _columns(journals: Sequence[Journal], taken: set[str]) -> tuple[list[Column], set[str]]:
    columns = []
    for journal in journals:
        lost = [_is_lost(each.results) for each in journal.targets]
        for each, mine in zip(journal.targets, lost, strict=True):
            # Where nothing tells which target was lost, it may be any.
            gone = mine or not any(lost)
            name = _unique(each.target.name, taken)
            columns.append(Column(name, each.target, each.results, journal.header, journal.footer, lost=gone))
    return columns, taken


def _is_lost(results: Sequence[Result]) -> bool:
    return not results or any(result.reason is Reason.LOST for result in results)


def _called_alike(before: dict[str, Column], now: Sequence[Column]) -> dict[str, Column]:
    # An address often changes from run to run: where there is one target each, it is the same one.
    if len(before) == len(now) == 1:
        (column,), (name,) = before.values(), (now[0].name,)
        return {name: replace(column, name=name)}
    return before


def _unique(name: str, taken: set[str]) -> str:
    found, number = name or "target", 1
    while found in taken:
        number += 1
        found = f"{name or 'target'} ({number})"
    taken.add(found)
    return found
