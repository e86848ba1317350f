"""Merging of journals: shards of one target are joined, other targets are kept side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ..evidence.result import Reason, Result, ResultKind
from ..problem import Problem
from ..words import counted
from .journal import EndReason, Footer, Header, Journal, TargetRecord, TargetResults, gravest_end
from .tally import SEVERITY, counts

__all__ = ["Merged", "Source", "merge"]

_PROFILES = ("quick", "standard", "full")

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Source:
    """A journal, and its name in messages."""

    name: str
    journal: Journal


@dataclass(frozen=True, slots=True)
class Merged:
    """The merged journal; `remarks` are lines for the user about doubtful points."""

    journal: Journal
    remarks: tuple[str, ...]


def merge(sources: Sequence[Source], command: str = "", *, mixed: bool = False) -> Merged:
    """Merge `sources` (at least one) in their order; `command` goes into the header of the merged journal.

    Of two results of one case at one target, the later one counts, but a case that was skipped for lack of time never
    replaces a result. Of a monitor's results, the gravest counts. Raises Problem if the journals are of different
    versions of the catalogue, or if two targets have the same name, unless `mixed`.
    """
    remarks = list[str]()
    _check_versions(sources, remarks, mixed=mixed)
    joining = _Joining(mixed=mixed)
    for source in sources:
        if source.journal.footer is None:
            remarks.append(
                f"{source.name}: has no footer, so its run crashed or is still going on; it counts as interrupted"
            )
        for each in source.journal.targets:
            joining.add(source, each)
    targets = joining.targets()
    remarks += joining.remarks()
    journal = Journal(_header(sources, command, remarks), targets, _footer(sources, targets))
    return Merged(journal, tuple(remarks))


def _check_versions(sources: Sequence[Source], remarks: list[str], *, mixed: bool) -> None:
    versions = dict[str, str]()
    for source in sources:
        versions.setdefault(source.journal.header.catalogue, source.name)
    if len(versions) < 2:
        return
    shown = ", ".join(f"{version} in {name}" for version, name in versions.items())
    if not mixed:
        count = len(versions)
        raise Problem(f"the journals are of {count} versions of the catalogue: {shown}; run again, or use --mixed")
    remarks.append(f"mixed catalogues: {shown}; the journal names the first")


class _Joining:
    """The targets so far, their results, and the source of each result."""

    def __init__(self, *, mixed: bool) -> None:
        self._mixed = mixed
        self._records: dict[str, tuple[TargetRecord, str]] = {}
        self._results: dict[str, dict[str, tuple[Result, str]]] = {}
        self._twice: dict[tuple[str, str, str], int] = {}
        self._differing = list[str]()

    def add(self, source: Source, each: TargetResults) -> None:
        name = each.target.name
        if name in self._records:
            self._join(source, each.target)
        else:
            self._records[name] = (each.target, source.name)
        known = self._results.setdefault(name, {})
        for result in each.results:
            earlier = known.get(result.case)
            if earlier is None:
                known[result.case] = (result, source.name)
            elif _is_monitor(result) and _is_monitor(earlier[0]):
                # Every shard has its own result of a monitor; a breach that one of them saw counts.
                if SEVERITY.index(result.mark) < SEVERITY.index(earlier[0].mark):
                    known[result.case] = (result, source.name)
            elif result.reason is not Reason.BUDGET:
                if earlier[0].reason is not Reason.BUDGET:
                    which = (name, earlier[1], source.name)
                    self._twice[which] = self._twice.get(which, 0) + 1
                known[result.case] = (result, source.name)

    def _join(self, source: Source, record: TargetRecord) -> None:
        known, where = self._records[record.name]
        if difference := _difference(known, record):
            shown = f"{record.name} is {difference[0]} in {where} and {difference[1]} in {source.name}"
            if not self._mixed:
                raise Problem(f"{shown}; give the targets different names, or use --mixed")
            self._differing.append(f"mixed targets: {shown}; the journal describes the first")
        # The record of a target that could not be tested holds nothing but the reason.
        better, notes = (record, known.notes) if known.untested else (known, record.notes)
        untested = known.untested or record.untested
        self._records[record.name] = (replace(better, notes={**notes, **better.notes}, untested=untested), where)

    def targets(self) -> tuple[TargetResults, ...]:
        return tuple(
            TargetResults(record, tuple(result for result, _ in self._results[name].values()))
            for name, (record, _) in self._records.items()
        )

    def remarks(self) -> list[str]:
        lines = list(self._differing)
        for (name, earlier, later), count in self._twice.items():
            cases = f"{counted(count, 'case')} of {name}"
            lines.append(f"{cases} in {earlier} and in {later}: the result in {later} counts")
        return lines


def _is_monitor(result: Result) -> bool:
    """Return whether `result` is of a monitor, which sums up the conversations of a run."""
    return result.kind is ResultKind.MONITOR


def _difference(one: TargetRecord, other: TargetRecord) -> tuple[str, str] | None:
    """Return a property of each record that shows that they are of different targets, or None.

    Addresses are not compared: they may change from machine to machine.
    """
    properties: Sequence[Callable[[TargetRecord], str]] = (
        lambda record: f"a {record.role.value}",
        lambda record: f"version {record.info['version']}" if "version" in record.info else "",
        lambda record: f"reached over {record.transport}",
        lambda record: f"reached over HTTP/{record.http}",
    )
    if one.untested or other.untested:
        properties = properties[:1]
    for describe in properties:
        first, second = describe(one), describe(other)
        if first != second and first and second:
            return first, second
    return None


def _header(sources: Sequence[Source], command: str, remarks: list[str]) -> Header:
    headers = [source.journal.header for source in sources]
    profiles = _different(header.profile for header in headers)
    seeds = _different(header.seed for header in headers)
    profile = min(profiles, key=lambda name: _PROFILES.index(name) if name in _PROFILES else -1)
    if len(profiles) > 1:
        remarks.append(f"profiles {', '.join(profiles)}: the merged journal has {profile}")
    if len(seeds) > 1:
        listed = ", ".join(map(str, seeds))
        remarks.append(f"seeds {listed}: the merged journal has {seeds[0]}; to replay, use the original journals")
    return Header(
        catalogue=headers[0].catalogue,
        documents=tuple(_different(id for header in headers for id in header.documents)),
        command=command,
        seed=seeds[0],
        profile=profile,
        platform="; ".join(_different(header.platform for header in headers if header.platform)),
        start=min((header.start for header in headers if header.start), default=""),
        fail_on=headers[0].fail_on if len({header.fail_on for header in headers}) == 1 else "must",
        allow=tuple(each for each in headers[0].allow if all(each in header.allow for header in headers)),
    )


def _footer(sources: Sequence[Source], targets: Sequence[TargetResults]) -> Footer:
    footers = [source.journal.footer or Footer(why=EndReason.INTERRUPTED.value) for source in sources]
    marks: Mapping[str, Mapping[str, int]] = {
        each.target.name: {mark.words: count for mark, count in counts(each.results).items() if count}
        for each in targets
    }
    return Footer(
        why=gravest_end(_end_reason(footer) for footer in footers).value,
        end=max((footer.end for footer in footers), default=""),
        seconds=round(sum(footer.seconds for footer in footers), 6),
        counts=marks,
        stale=tuple(_different(line for footer in footers for line in footer.stale)),
    )


def _end_reason(footer: Footer) -> EndReason:
    """Return why the run ended; a reason that this version does not know counts as INTERRUPTED."""
    return next((each for each in EndReason if each.value == footer.why), EndReason.INTERRUPTED)


def _different(values: Iterable[V]) -> list[V]:
    return list(dict.fromkeys(values))
