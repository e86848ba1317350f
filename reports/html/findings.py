"""A target's page: findings told once each, what was out of reach, its areas, what it can do."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wsconform.requirement import Requirement
from wsconform.result import Direction, Entry, Mark, Result
from wsconform.tally import Group, by_area, counts, group_findings, met_of_put
from wsconform.wire.frame import CLOSE, read_header

from ..gathered import Column, Gathered, again
from .marks import CLASSES


@dataclass(frozen=True)
class FindingView:
    """Equal findings of one target, told once."""

    group: Group
    column: Column
    requirement: Requirement | None
    citation: str

    @property
    def result(self) -> Result:
        """The result that speaks for the group."""
        return self.group.first

    @property
    def css(self) -> str:
        """The style class of its mark."""
        return CLASSES[self.result.mark]

    @property
    def again(self) -> str:
        """The command that repeats it."""
        return again(self.column.target.name, self.result.case)

    @property
    def flaky(self) -> bool:
        """Whether attempts at any of its cases disagreed."""
        return any(result.flaky for result in self.group.results)


def findings(gathered: Gathered, column: Column, mark: Mark) -> list[FindingView]:
    """Return the findings of `column` with `mark`, area by area, the worst first."""
    having = [result for result in column.cases.values() if result.mark is mark]
    ordered = [result for results in by_area(having).values() for result in results]
    return [
        FindingView(
            group,
            column,
            gathered.requirement(group.first.requirement),
            gathered.citation(group.first.requirement, group.first.level),
        )
        for group in group_findings(ordered)
    ]


def out_of_reach(column: Column) -> list[tuple[str, list[Group]]]:
    """Return what was out of the target's reach by reason, the commonest first."""
    found: dict[str, list[Result]] = {}
    for result in column.cases.values():
        if result.mark is Mark.OUT_OF_REACH:
            found.setdefault(result.reason.value if result.reason else "no reason given", []).append(result)
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return [(reason, group_findings(results)) for reason, results in ordered]


def area_strips(column: Column) -> list[tuple[str, dict[Mark, int], tuple[int, int]]]:
    """Return each area of a target: name, counts, and MUST met of put."""
    return [
        (name, counts(results), met_of_put(results, "must")) for name, results in by_area(column.cases.values()).items()
    ]


@dataclass(frozen=True, slots=True)
class Capability:
    """Something that a target can do, or where it stops: each value that came up, and the case that tells."""

    name: str
    values: tuple[str, ...]
    case: str = ""


# What these areas note is what a target can do; elsewhere notes belong to their cases. What was refused, and with
# what, belongs to its case everywhere.
_TELLING = ("limits", "deflate")
_REFUSALS = re.compile(r"refus|answered|stopped with|reply")
_MOST_VALUES = 4
_TRANSPORTS = {"tcp": "TCP", "tls": "TLS over TCP"}


def capabilities(column: Column) -> list[Capability]:
    """Return what is known of a target: from its record, from the notes of its cases, and from who ended TCP."""
    target = column.target
    found = [
        Capability("role", (target.role.value,)),
        Capability("address", (target.address,)),
        Capability("transport", (f"{_TRANSPORTS.get(target.transport, target.transport)}, HTTP/{target.http}",)),
        Capability("application", ("echoes messages" if target.echo else "does not echo",)),
        Capability("extensions", target.offers or ("none in answer to a browser's offer",)),
    ]
    if target.round_trip:
        found.append(Capability("round trip", (f"{target.round_trip * 1000:.2f} ms",)))
    if enders := _who_ends_tcp(column.cases.values()):
        found.append(Capability("closes TCP", (enders,)))
    if chosen := _chosen(column.cases.values()):
        found.append(Capability("subprotocols", chosen))
    found += [Capability(name, (value,)) for name, value in target.notes.items() if name != "not tested"]
    found += _noted(column)
    return [each for each in found if any(each.values)]


def _noted(column: Column) -> Iterator[Capability]:
    notes: dict[tuple[str, str], tuple[dict[str, None], str]] = {}
    for result in column.cases.values():
        if result.area not in _TELLING:
            continue
        for key, text in result.notes:
            if not _REFUSALS.search(key):
                values, _ = notes.setdefault((_topic(result), key), ({}, result.case))
                values[text] = None
    for (topic, key), (values, case) in notes.items():
        told = tuple(values)
        if len(told) > _MOST_VALUES:
            told = (*told[: _MOST_VALUES - 1], f"and {len(told) - _MOST_VALUES + 1} more")
        yield Capability(f"{topic}: {key}" if key not in topic else topic, told, case)


def _topic(result: Result) -> str:
    """The family's last part in plain words, without what it claims: "long message", "many small fragments"."""
    words = result.family.rpartition(".")[2].replace("_", " ")
    return re.split(r" (?:is|are|comes?|gets?) ", words, maxsplit=1)[0]


def _chosen(results: Iterable[Result]) -> tuple[str, ...]:
    """The subprotocols that a target chose of ours, () where it was offered none."""
    chosen = {
        text for result in results if "subprotocol" in result.family for key, text in result.notes if key == "chosen"
    }
    named = tuple(sorted(chosen - {"none"}))
    return named or (("none of those that the suite offers",) if chosen else ())


def _who_ends_tcp(results: Iterable[Result]) -> str:
    """Who ended TCP first where both had sent a Close frame, in words; "" where that never came up."""
    enders = Counter(ender for result in results if (ender := _ender(result.transcript)))
    whole = sum(enders.values())
    if not whole:
        return ""
    (first, count), *_ = enders.most_common()
    return first if count == whole else f"{first}, in {count} of {whole}"


def _ender(transcript: Iterable[Entry]) -> str:
    closed = set[Direction]()
    for entry in transcript:
        if entry.connection != 1:
            continue
        if entry.kind == "frame" and (header := read_header(entry.octets.head)) and header.opcode == CLOSE:
            closed.add(entry.direction)
        if entry.kind == "event" and entry.summary.split(" ")[-1] in ("FIN", "RST"):
            if len(closed) < 2:
                return ""
            return "the target" if entry.direction is Direction.TARGET else "our end"
    return ""
