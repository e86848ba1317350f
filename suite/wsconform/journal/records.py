"""Conversion of a result to its JSON record, and back."""

from __future__ import annotations

from typing import Any

from ..evidence.result import (
    Attempt,
    Direction,
    EntryKind,
    Finding,
    Octets,
    Reason,
    Result,
    ResultKind,
    TranscriptEntry,
    Verdict,
)
from ..registry.requirement import Level, Role

__all__ = ["result_of_record", "result_record"]


def _octets_out(octets: Octets) -> Any:
    if octets.sha256 is None:
        return octets.head.hex()
    return {
        "head": octets.head.hex(),
        "tail": octets.tail.hex(),
        "length": octets.length,
        "sha256": octets.sha256,
    }


def _octets_in(value: Any) -> Octets:
    if isinstance(value, str):
        head = bytes.fromhex(value)
        return Octets(head, b"", len(head))
    return Octets(
        bytes.fromhex(value["head"]), bytes.fromhex(value["tail"]), int(value["length"]), str(value["sha256"])
    )


def _entry_out(entry: TranscriptEntry) -> list[Any]:
    line = [entry.micros, entry.direction.value, entry.kind.value, entry.summary, _octets_out(entry.octets)]
    return line if entry.connection == 1 else [*line, entry.connection]


def _entry_in(line: list[Any]) -> TranscriptEntry:
    micros, direction, kind, summary, octets, *rest = line
    return TranscriptEntry(
        micros=micros,
        direction=Direction(direction),
        kind=EntryKind(kind),
        summary=summary,
        octets=_octets_in(octets),
        connection=rest[0] if rest else 1,
    )


def _finding_out(finding: Finding | None) -> Any:
    if finding is None:
        return None
    return {
        "expected": finding.expected,
        "observed": finding.observed,
        "entry": finding.entry,
        "case": finding.case,
    }


def _finding_in(value: Any) -> Finding | None:
    if value is None:
        return None
    return Finding(value["expected"], value["observed"], value["entry"], value["case"])


def _attempt_out(attempt: Attempt) -> dict[str, Any]:
    return {
        "verdict": attempt.verdict.name.lower(),
        "finding": _finding_out(attempt.finding),
        "us": attempt.micros,
        "transcript": [_entry_out(entry) for entry in attempt.transcript],
    }


def _attempt_in(value: dict[str, Any]) -> Attempt:
    return Attempt(
        Verdict[value["verdict"].upper()],
        _finding_in(value["finding"]),
        value["us"],
        tuple(_entry_in(line) for line in value["transcript"]),
    )


def result_record(target: str, result: Result) -> dict[str, Any]:
    """Return the record of `result` for the target called `target`; all JSON outputs use it."""
    return {
        "record": "result",
        "target": target,
        "case": result.case,
        "kind": result.kind.value,
        "title": result.title,
        "role": result.role.value,
        "requirement": result.requirement,
        "cites": list(result.cites),
        "level": result.level.value,
        "verdict": result.verdict.name.lower(),
        "mark": result.mark.words,
        "finding": _finding_out(result.finding),
        "reason": result.reason.value if result.reason else None,
        "notes": [list(note) for note in result.notes],
        "us": result.micros,
        "attempts": [_attempt_out(attempt) for attempt in result.attempts],
        "flaky": result.flaky,
        "flaky_expected": result.flaky_expected,
        "expected": result.expected,
        "hint": result.hint,
        "reading": result.reading,
        "extra": result.extra,
        "transcript": [_entry_out(entry) for entry in result.transcript],
    }


def result_of_record(value: dict[str, Any]) -> Result:
    """Return the result that the record `value` holds; raises KeyError, TypeError, ValueError or AttributeError."""
    return Result(
        case=value["case"],
        title=value["title"],
        role=Role(value["role"]),
        requirement=value["requirement"],
        level=Level(value["level"]),
        verdict=Verdict[value["verdict"].upper()],
        finding=_finding_in(value["finding"]),
        reason=Reason(value["reason"]) if value["reason"] else None,
        notes=tuple((key, text) for key, text in value["notes"]),
        cites=tuple(value["cites"]),
        micros=value["us"],
        transcript=tuple(_entry_in(line) for line in value["transcript"]),
        attempts=tuple(_attempt_in(attempt) for attempt in value["attempts"]),
        flaky=value["flaky"],
        expected=value["expected"],
        hint=value.get("hint", ""),
        reading=value.get("reading", ""),
        extra=value.get("extra", {}),
        flaky_expected=value.get("flaky_expected", False),
        kind=ResultKind(value["kind"]),
    )
