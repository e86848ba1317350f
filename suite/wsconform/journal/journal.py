"""The journal: header, target, result and footer records as JSON Lines, written one by one, read back as values."""

from __future__ import annotations

import enum
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol

from ..evidence.result import Result
from ..registry.requirement import Role
from .records import result_of_record, result_record

#: Version of the record format. Fields are added, never renamed or removed, within one first number.
FORMAT = "2.0"


class EndReason(enum.Enum):
    """Why a run ended."""

    DONE = "done"
    BUDGET = "budget"
    INTERRUPTED = "interrupted"
    LOST = "target-lost"


_GRAVEST_FIRST = (EndReason.INTERRUPTED, EndReason.LOST, EndReason.BUDGET, EndReason.DONE)


def gravest_end(reasons: Iterable[EndReason]) -> EndReason:
    """Return the gravest of `reasons`, from INTERRUPTED to DONE; DONE if `reasons` is empty."""
    return min(reasons, key=_GRAVEST_FIRST.index, default=EndReason.DONE)


class JournalError(ValueError):
    """A journal cannot be read; the text names the file, the line and the error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """How a run was started: `start` is a time in UTC (ISO 8601), `documents` the ids of the RFCs that cases cite.

    `fail_on` and `allow` are the options of the gate (values of gate.FailOn and gate.Allow).
    """

    catalogue: str
    documents: tuple[str, ...] = ()
    command: str = ""
    seed: int = 0
    profile: str = "standard"
    platform: str = ""
    start: str = ""
    format: str = FORMAT
    fail_on: str = "must"
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRecord:
    """One target of a run, with the findings of the probe.

    `transport` is "tcp" or "tls", `echo` is True if the target echoes messages, `round_trip` is in seconds.
    `untested` is the reason why the target could not be tested, "" if it was.
    """

    name: str
    role: Role
    address: str
    transport: str = "tcp"
    http: str = "1.1"
    info: Mapping[str, str] = field(default_factory=dict)
    offers: tuple[str, ...] = ()
    echo: bool = False
    round_trip: float = 0.0
    notes: Mapping[str, str] = field(default_factory=dict)
    untested: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footer:
    """How a run ended: `why` is the value of an EndReason, `counts` has results by target and mark.

    `stale` has a line for each entry of expected.toml that no longer holds.
    """

    why: str
    end: str = ""
    seconds: float = 0.0
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    stale: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetResults:
    """A target and its results, in the order of judgement."""

    target: TargetRecord
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Journal:
    """A journal as it was read. Without a footer, the run was cut off."""

    header: Header
    targets: tuple[TargetResults, ...]
    footer: Footer | None = None


def _header_record(header: Header) -> dict[str, Any]:
    return {
        "record": "header",
        "format": header.format,
        "catalogue": header.catalogue,
        "documents": list(header.documents),
        "command": header.command,
        "seed": header.seed,
        "profile": header.profile,
        "platform": header.platform,
        "start": header.start,
        "fail_on": header.fail_on,
        "allow": list(header.allow),
    }


def _target_record(target: TargetRecord) -> dict[str, Any]:
    return {
        "record": "target",
        "name": target.name,
        "role": target.role.value,
        "address": target.address,
        "transport": target.transport,
        "http": target.http,
        "info": dict(target.info),
        "offers": list(target.offers),
        "echo": target.echo,
        "round_trip": target.round_trip,
        "notes": dict(target.notes),
        "untested": target.untested,
    }


class Sink(Protocol):
    """The destination of a journal: a file, a copy, memory."""

    def write(self, text: str, /) -> int:
        """Write `text`; return the number of characters written."""

    def flush(self) -> None:
        """Pass on buffered text."""


class JournalWriter:
    """Writes a journal record by record, and flushes each, so that a crash loses none."""

    def __init__(self, stream: Sink, *copies: Sink) -> None:
        """Write every record to `stream` and to each of `copies`."""
        self._streams = (stream, *copies)

    def _write(self, record: Mapping[str, Any]) -> None:
        line = json.dumps(record, ensure_ascii=True, separators=(",", ":")) + "\n"
        for stream in self._streams:
            stream.write(line)
            stream.flush()

    def header(self, header: Header) -> None:
        """Write the first record."""
        self._write(_header_record(header))

    def target(self, target: TargetRecord) -> None:
        """Write a target's record; call it before the target's first result."""
        self._write(_target_record(target))

    def result(self, target: str, result: Result) -> None:
        """Write a result of the target called `target`."""
        self._write(result_record(target, result))

    def footer(self, footer: Footer) -> None:
        """Write the last record."""
        self._write(
            {
                "record": "footer",
                "why": footer.why,
                "end": footer.end,
                "seconds": footer.seconds,
                "counts": {name: dict(counts) for name, counts in footer.counts.items()},
                "stale": list(footer.stale),
            }
        )


def read(path: Path) -> Journal:
    """Return the journal in the file at `path`.

    A last line that a crash cut off is ignored. Raises JournalError if the file cannot be read or is not a journal.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise JournalError(f"{path}: cannot be read: {problem}; name a journal.jsonl that a run wrote") from None
    return parse(text.splitlines(), str(path))


def parse(lines: Iterable[str], where: str = "journal") -> Journal:
    """Return the journal that `lines` hold. Raises JournalError, whose text begins with `where`."""
    header: Header | None = None
    targets: dict[str, TargetRecord] = {}
    results: dict[str, dict[str, Result]] = {}
    footer: Footer | None = None
    for number, value in _records(lines, where):
        try:
            match value.pop("record"):
                case "header":
                    header = _header_in(value, where)
                case "target":
                    value["role"], value["offers"] = Role(value["role"]), tuple(value["offers"])
                    targets[value["name"]] = TargetRecord(**_known(TargetRecord, value))
                    results.setdefault(value["name"], {})
                case "result":
                    # A client may rerun a case at any time; the later record replaces the earlier one.
                    results[value["target"]][value["case"]] = result_of_record(value)
                case "footer":
                    value["stale"] = tuple(value.get("stale", ()))
                    footer = Footer(**_known(Footer, value))
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            if isinstance(problem, JournalError):
                raise
            raise JournalError(f"{where}: line {number}: not a record of format {FORMAT}: {problem!r}") from None
    if header is None:
        raise JournalError(f"{where}: has no header record; name a journal.jsonl that a run wrote")
    return Journal(
        header, tuple(TargetResults(targets[name], tuple(results[name].values())) for name in targets), footer
    )


def _records(lines: Iterable[str], where: str) -> Iterator[tuple[int, dict[str, Any]]]:
    kept = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    for number, line in kept:
        try:
            value = json.loads(line)
        except json.JSONDecodeError:
            if number == kept[-1][0] and number > 1:
                return
            raise JournalError(f"{where}: line {number}: not JSON; the file is not a journal, or is damaged") from None
        except RecursionError:
            raise JournalError(f"{where}: line {number}: nested too deeply; the file is not a journal") from None
        if not isinstance(value, dict) or "record" not in value:
            raise JournalError(f"{where}: line {number}: not a record; the file is not a journal, or is damaged")
        yield number, value


def _header_in(value: dict[str, Any], where: str) -> Header:
    if str(value["format"]).split(".")[0] != FORMAT.split(".", maxsplit=1)[0]:
        raise JournalError(
            f"{where}: has journal format {value['format']}, and this version reads {FORMAT}; run the tests again,"
            " or use the version of wsconform that wrote the journal"
        )
    value["documents"], value["allow"] = tuple(value["documents"]), tuple(value.get("allow", ()))
    return Header(**_known(Header, value))


def _known(kind: type[Header | TargetRecord | Footer], value: dict[str, Any]) -> dict[str, Any]:
    # A later version of the same major format may have added fields.
    names = {each.name for each in fields(kind)}
    return {name: each for name, each in value.items() if name in names}


def dumps(journal: Journal) -> str:
    """Return the text of `journal`; `parse` of its lines gives an equal journal."""
    stream = io.StringIO()
    writer = JournalWriter(stream)
    writer.header(journal.header)
    for each in journal.targets:
        writer.target(each.target)
        for result in each.results:
            writer.result(each.target.name, result)
    if journal.footer:
        writer.footer(journal.footer)
    return stream.getvalue()
