"""GitHub Actions: the job summary, and annotations at the targets' lines of the configuration."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..escape import shown
from ..journal.gate import Policy, TargetOutcome
from ..journal.tally import Group, group_findings
from ..problem import Problem
from ..registry.registry import Registry

if TYPE_CHECKING:
    from ..journal.journal import Journal

__all__ = ["annotate", "is_there", "summarize"]

#: At most so many annotations: more than ten of a step are not shown anyway.
MOST = 10


def is_there(environment: Mapping[str, str]) -> bool:
    """Return whether this process is a step of a workflow."""
    return environment.get("GITHUB_ACTIONS") == "true"


def summarize(journals: Sequence[Journal], folder: Path, environment: Mapping[str, str]) -> Path | None:
    """Append the Markdown report of `journals` to the job summary; return the file, None where there is none.

    The report is made in `folder` first. Raises Problem where one of both cannot be written.
    """
    from ..journal.renderers import make, wanted

    place = environment.get("GITHUB_STEP_SUMMARY")
    if not place:
        return None
    (made,) = make(wanted(["md"]), journals, folder)
    try:
        with Path(place).open("a", encoding="utf-8", newline="\n") as file:
            file.write(made.read_text(encoding="utf-8"))
    except OSError as problem:
        raise Problem(f"GITHUB_STEP_SUMMARY: {place}: cannot be written: {problem.strerror}") from None
    return Path(place)


def annotate(
    outcomes: Sequence[TargetOutcome], policy: Policy, registry: Registry, configuration: Path | None
) -> list[str]:
    """Return workflow commands for what breaks the gate: one for each distinct finding, ten at most.

    Each points at its target's line of `configuration`, if there is one, by its path from the working folder.
    """
    made = [line for outcome in outcomes for line in _of(outcome, policy, registry, configuration)]
    if len(made) <= MOST:
        return made
    left = len(made) - MOST + 1
    return [*made[: MOST - 1], _command("error", {}, f"and {left} findings more: see the job summary and the reports")]


def _of(outcome: TargetOutcome, policy: Policy, registry: Registry, configuration: Path | None) -> Iterator[str]:
    place = _place(outcome.name, configuration)
    if outcome.problem:
        yield _command("error", {**place, "title": f"{outcome.name}: not tested"}, shown(outcome.problem))
    for group in group_findings(result for result in outcome.results if policy.breaks(result)):
        title, text = _told(outcome.name, group, registry)
        yield _command("error", {**place, "title": title}, text)


def _told(target: str, group: Group, registry: Registry) -> tuple[str, str]:
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
    """Return the line, from 1, where the table of `target` begins in `configuration`; 1 where it has none."""
    import tomllib

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
    told = ",".join(f"{name}={_property(shown(value))}" for name, value in properties.items())
    return f"::{kind}{' ' if told else ''}{told}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
