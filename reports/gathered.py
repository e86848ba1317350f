"""Journals laid side by side: one column a target, one family a row, whichever journal they came from."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from wsconform.journal import Footer, Header, Journal, TargetRecord
from wsconform.requirement import Level, Registry, RegistryError, Requirement, load_registry
from wsconform.result import Mark, Result
from wsconform.tally import by_family, counts


@dataclass(frozen=True)
class Column:
    """One target in one journal; `name` is unique among the columns that a report shows."""

    name: str
    target: TargetRecord
    results: tuple[Result, ...]
    header: Header
    footer: Footer | None

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
    def cut_off(self) -> str:
        """Why the run says less than it was asked to, "" if it ended as it should."""
        if self.footer is None:
            return "the run was cut off: its journal has no end"
        return {
            "done": "",
            "budget": "the run ended early: its time was used up",
            "interrupted": "the run ended early: it was interrupted",
            "target-lost": "the run ended early: the target was lost",
        }.get(self.footer.why, f"the run ended early: {self.footer.why}")


@dataclass(frozen=True)
class Gathered:
    """What a report is made from: columns in the order of the journals, and the registry, if it can be read."""

    columns: tuple[Column, ...]
    headers: tuple[Header, ...]
    registry: Registry | None

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
        return requirement.citation if requirement else f"{id} {level.value}"


def gather(journals: Sequence[Journal], registry: Registry | None = None) -> Gathered:
    """Lay `journals` side by side; a target's name that is taken already gets a number: "echo-go (2)".

    Without a `registry` the installed one serves; one that cannot be read costs the report its paraphrases
    and links, nothing else.
    """
    if registry is None:
        try:
            registry = load_registry()
        except RegistryError:
            registry = None
    columns: list[Column] = []
    taken: set[str] = set()
    for journal in journals:
        for each in journal.targets:
            name = _unique(each.target.name, taken)
            columns.append(Column(name, each.target, each.results, journal.header, journal.footer))
    return Gathered(tuple(columns), tuple(journal.header for journal in journals), registry)


def again(target: str, case: str) -> str:
    """Return the command that puts `case` to `target` again and shows what was said, ready to be pasted."""
    return f"wsconform run {_quoted(target)} -c {_quoted(case)} -v"


def _quoted(word: str) -> str:
    # Control characters cannot be pasted into a shell; ANSI-C quoting says them.
    if word.isprintable():
        return shlex.quote(word)
    octets = word.encode(errors="surrogatepass")
    return "$'" + "".join(chr(o) if 0x20 < o < 0x7F and o not in b"\\'" else f"\\x{o:02x}" for o in octets) + "'"


def _unique(name: str, taken: set[str]) -> str:
    found, number = name or "target", 1
    while found in taken:
        number += 1
        found = f"{name or 'target'} ({number})"
    taken.add(found)
    return found
