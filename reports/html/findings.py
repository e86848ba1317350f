"""A target's page: its findings without repetition, its skipped cases, its areas and its capabilities."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wsconform.evidence.result import Capability, Direction, Mark, Result, TranscriptEntry
from wsconform.journal.tally import Group, by_area, counts, group_findings, passed_of_run
from wsconform.registry.requirement import Requirement, Role
from wsconform.wire.frame import CLOSE, read_header

from ..columns import Column, Gathered
from ..rerun import rerun_command
from .marks import CLASSES


@dataclass(frozen=True)
class FindingView:
    """Equal findings of one target, shown once."""

    group: Group
    column: Column
    requirement: Requirement | None
    citation: str

    @property
    def result(self) -> Result:
        """The result that the report shows for the group."""
        return self.group.first

    @property
    def css(self) -> str:
        """The style class of its mark."""
        return CLASSES[self.result.mark]

    @property
    def rerun(self) -> str:
        """The command that runs the case again."""
        return rerun_command(self.column, self.result.case)

    @property
    def flaky(self) -> bool:
        """Whether any of its cases is flaky."""
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


def skipped(column: Column) -> list[tuple[str, list[Group]]]:
    """Return the skipped cases by reason, the most common reason first."""
    found: dict[str, list[Result]] = {}
    for result in column.cases.values():
        if result.mark is Mark.SKIPPED:
            found.setdefault(result.reason.value if result.reason else "no reason given", []).append(result)
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return [(reason, group_findings(results)) for reason, results in ordered]


def area_strips(column: Column) -> list[tuple[str, dict[Mark, int], tuple[int, int]]]:
    """Return each area of a target: name, counts, and MUST (passed / run)."""
    return [
        (name, counts(results), passed_of_run(results, "must"))
        for name, results in by_area(column.cases.values()).items()
    ]


@dataclass(frozen=True, slots=True)
class Ability:
    """A capability or a limit of a target: each value that was seen, and the case that recorded it."""

    name: str
    values: tuple[str, ...]
    case: str = ""


_TRANSPORTS = {"tcp": "TCP", "tls": "TLS over TCP"}
_MOST_VALUES = 4
_NO_EXTENSIONS = {Role.SERVER: "none in answer to a browser's offer", Role.CLIENT: "none offered"}
# Keys of the notes that hold a target's answer to an offer of extensions.
_AGREED = ("accepted", "agreed")
_WINDOW = re.compile(r"(server|client)_max_window_bits=(\d+)")
_TAKEOVER = re.compile(r"(server|client)_no_context_takeover")
# Limit cases also note how the target refused something, which the page of the case shows.
_REFUSALS = re.compile(r"refus|answered|stopped with|reply")


def abilities(column: Column) -> list[Ability]:
    """Return the capabilities of a target, from its record, the notes of its cases, and the end that closed TCP."""
    target, results = column.target, list(column.cases.values())
    found = [
        Ability("role", (target.role.value,)),
        Ability("address", (target.address,)),
        Ability("transport", (f"{_TRANSPORTS.get(target.transport, target.transport)}, HTTP/{target.http}",)),
        Ability("application", ("echoes messages" if target.echo else "does not echo" if results else "",)),
        Ability("extensions", target.offers or (_NO_EXTENSIONS[target.role] if results else "",)),
        *_windows(results),
        Ability("subprotocols", _chosen(results)),
        *_capacity(results),
        Ability("closes TCP", (_who_ends_tcp(results),)),
        Ability("round trip", (f"{target.round_trip * 1000:.2f} ms" if target.round_trip else "",)),
        *(Ability(name, (value,)) for name, value in target.notes.items()),
    ]
    return [each for each in found if any(each.values)]


def _windows(results: Iterable[Result]) -> Iterator[Ability]:
    windows: dict[str, set[int]] = {"server": set(), "client": set()}
    without = set[str]()
    for result in results:
        for key, text in result.notes:
            if key in _AGREED:
                for end, bits in _WINDOW.findall(text):
                    windows[end].add(int(bits))
                without.update(_TAKEOVER.findall(text))
    for end, bits in windows.items():
        if bits:
            yield Ability(f"{end} windows", (", ".join(map(str, sorted(bits))) + " bits",))
    if without:
        yield Ability("no context takeover", (" and ".join(sorted(without, reverse=True)),))


def _capacity(results: Iterable[Result]) -> Iterator[Ability]:
    """Yield the limits that cases noted, the known capabilities first, in their order."""
    notes: dict[str, tuple[dict[str, None], str]] = {}
    known = [each.value for each in Capability]
    for result in results:
        for key, text in result.notes:
            if key in known or (result.area == "limits" and not _REFUSALS.search(key)):
                name = key if key in known else f"{_topic(result)}: {key}"
                notes.setdefault(name, ({}, result.case))[0][text] = None
    for name in sorted(notes, key=lambda name: known.index(name) if name in known else len(known)):
        values, case = notes[name]
        shown = tuple(values)
        if len(shown) > _MOST_VALUES:
            shown = (*shown[: _MOST_VALUES - 1], f"and {len(shown) - _MOST_VALUES + 1} more")
        yield Ability(name, shown, case)


def _topic(result: Result) -> str:
    """Return the subject of the family's name: "long message", "many small fragments"."""
    words = result.family.rpartition(".")[2].replace("_", " ")
    return re.split(r" (?:is|are|comes?|gets?) ", words, maxsplit=1)[0]


def _chosen(results: Iterable[Result]) -> tuple[str, ...]:
    """Return the subprotocols that a target chose from our offers, () if nothing was offered."""
    chosen = {
        text for result in results if "subprotocol" in result.family for key, text in result.notes if key == "chosen"
    }
    named = tuple(sorted(chosen - {"none"}))
    return named or (("none of those that wsconform offers",) if chosen else ())


def _who_ends_tcp(results: Iterable[Result]) -> str:
    """Return which end closed TCP first after both had sent a Close frame, "" if that never happened."""
    enders = Counter(ender for result in results if (ender := _ender(result.transcript)))
    whole = sum(enders.values())
    if not whole:
        return ""
    (first, count), *_ = enders.most_common()
    return first if count == whole else f"{first}, in {count} of {whole}"


def _ender(transcript: Iterable[TranscriptEntry]) -> str:
    closed = set[Direction]()
    for entry in transcript:
        if entry.connection != 1:
            continue
        if entry.kind == "frame" and (header := read_header(entry.octets.head)) and header.opcode == CLOSE:
            closed.add(entry.direction)
        if entry.kind.ends_stream:
            if len(closed) < 2:
                return ""
            return "the target" if entry.direction is Direction.TARGET else "wsconform"
    return ""
