"""GitHub Actions: the job summary, and annotations at the lines of the configuration that declare targets."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..escape import shown
from ..journal.gate import Policy, TargetOutcome
from ..journal.journal import Journal
from ..journal.renderers import make, wanted
from ..journal.tally import Group, group_findings
from ..problem import Problem
from ..registry.registry import Registry

__all__ = ["annotate", "is_active", "summarize"]

#: At most so many annotations are printed, because GitHub shows only ten for a step.
MOST = 10


def is_active(environment: Mapping[str, str]) -> bool:
    """Return whether this process runs in a step of a GitHub Actions workflow."""
    return environment.get("GITHUB_ACTIONS") == "true"


def summarize(journals: Sequence[Journal], folder: Path, environment: Mapping[str, str]) -> Path | None:
    """Append the Markdown report of `journals` to the job summary; return the file of the summary, None without one.

    The report is also written to `folder`. Raises Problem if one of the two cannot be written.
    """
    summary = environment.get("GITHUB_STEP_SUMMARY")
    if not summary:
        return None
    (report,) = make(wanted(["md"]), journals, folder)
    try:
        with Path(summary).open("a", encoding="utf-8", newline="\n") as file:
            file.write(report.read_text(encoding="utf-8"))
    except OSError as problem:
        raise Problem(f"GITHUB_STEP_SUMMARY: {summary}: cannot be written: {problem.strerror}") from None
    return Path(summary)


def annotate(
    outcomes: Sequence[TargetOutcome], policy: Policy, registry: Registry, configuration: Path | None
) -> list[str]:
    """Return workflow commands, one for each distinct finding that breaks the gate, ten at most.

    Each points at the line of its target in `configuration`, if there is one; paths are relative to the working folder.
    """
    lines = [line for outcome in outcomes for line in _of(outcome, policy, registry, configuration)]
    if len(lines) <= MOST:
        return lines
    left = len(lines) - MOST + 1
    return [*lines[: MOST - 1], _command("error", {}, f"{left} more findings: see the job summary and the reports")]


def _of(outcome: TargetOutcome, policy: Policy, registry: Registry, configuration: Path | None) -> Iterator[str]:
    place = _place(outcome.name, configuration)
    if outcome.problem:
        yield _command("error", {**place, "title": f"{outcome.name}: not tested"}, shown(outcome.problem))
    for group in group_findings(result for result in outcome.results if policy.breaks(result)):
        title, text = _title_and_text(outcome.name, group, registry)
        yield _command("error", {**place, "title": title}, text)


def _title_and_text(target: str, group: Group, registry: Registry) -> tuple[str, str]:
    result = group.first
    requirement = registry.get(result.requirement)
    cited = requirement.citation if requirement else f"{result.requirement} {result.level.words}"
    more = f" and {len(group.others)} more" if group.others else ""
    observed = [f"expected {result.finding.expected}; observed {result.finding.observed}"] if result.finding else []
    lines = [f"{result.case}{more} ({cited})", *observed, *([f"hint: {result.hint}"] if result.hint else [])]
    return f"{target}: {result.mark.words}: {result.title}", "\n".join(map(shown, lines))


def _place(target: str, configuration: Path | None) -> dict[str, str]:
    if configuration is None:
        return {}
    return {"file": os.path.relpath(configuration), "line": str(line_of(target, configuration))}


def line_of(target: str, configuration: Path) -> int:
    """Return the number of the line that begins the table of `target` in `configuration`; 1 if it has no such line."""
    try:
        lines = configuration.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return 1
    for number, line in enumerate(lines, 1):
        if not line.lstrip().startswith("["):
            continue
        try:
            table = tomllib.loads(line)
        except tomllib.TOMLDecodeError:
            continue
        table = table.get("tool", {}).get("wsconform", {}) or table
        if target in table.get("targets", {}):
            return number
    return 1


def _command(kind: str, properties: Mapping[str, str], text: str) -> str:
    listed = ",".join(f"{name}={_property(shown(value))}" for name, value in properties.items())
    return f"::{kind}{' ' if listed else ''}{listed}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
