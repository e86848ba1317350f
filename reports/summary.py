"""A summary as JSON: counts, passed / run, and all results but passes. `wsconform schema summary` prints its schema."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from wsconform.escape import shown
from wsconform.evidence.result import Mark, Result
from wsconform.journal.journal import Journal
from wsconform.journal.tally import headline, passed_of_run

from .columns import Column, Gathered, gather
from .rerun import rerun_command

#: Version of the summary; fields are added, never renamed, while the first number stays.
FORMAT = "1.0"

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


def render(journals: Sequence[Journal], folder: Path, path: Path | None) -> Path:
    """Write the summary to `path`, or to summary.json in `folder`, and return its path. Raises OSError."""
    place = path or folder / "summary.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    document = summarize(gather(journals))
    place.write_text(json.dumps(document, indent=1) + "\n", encoding="ascii", newline="\n")
    return place


def summarize(gathered: Gathered) -> Json:
    """Return the summary as a JSON value."""
    return {"format": FORMAT, "targets": [_target(gathered, column) for column in gathered.columns]}


def _target(gathered: Gathered, column: Column) -> Json:
    target, header, footer = column.target, column.header, column.footer
    return {
        "name": column.name,
        "role": target.role.value,
        "address": target.address,
        "transport": target.transport,
        "http": target.http,
        "echo": target.echo,
        "info": dict(target.info),
        "offers": list(target.offers),
        "run": {
            "catalogue": header.catalogue,
            "profile": header.profile,
            "seed": header.seed,
            "start": header.start,
            "end": footer.end if footer else None,
            "seconds": footer.seconds if footer else None,
            "why": footer.why if footer else None,
        },
        "headline": headline(column.results),
        "counts": {mark.words: number for mark, number in column.counts.items()},
        **{weight: _passed_of_run(column, weight) for weight in ("must", "should", "may")},
        "results": [_result(gathered, column, result) for result in column.results if result.mark is not Mark.PASSED],
    }


def _passed_of_run(column: Column, weight: str) -> Json:
    passed, run = passed_of_run(column.results, weight)
    return {"passed": passed, "run": run}


def _result(gathered: Gathered, column: Column, result: Result) -> Json:
    requirement = gathered.requirement(result.requirement)
    finding: Json = None
    if result.finding:
        finding = {"expected": shown(result.finding.expected), "observed": shown(result.finding.observed)}
    return {
        "case": result.case,
        "title": shown(result.title),
        "mark": result.mark.words,
        "verdict": result.verdict.name.lower(),
        "level": result.level.value,
        "requirement": result.requirement,
        "citation": gathered.citation(result.requirement, result.level),
        "url": requirement.url if requirement else None,
        "reason": result.reason.value if result.reason else None,
        "expected": result.expected,
        "flaky": result.flaky,
        "finding": finding,
        "notes": [[key, text] for key, text in result.notes],
        "hint": result.hint,
        "rerun": rerun_command(column, result.case),
    }
