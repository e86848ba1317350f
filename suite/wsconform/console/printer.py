"""The output of a run on a terminal: areas and findings of each target, and the verdict in the last line."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..evidence.result import Finding, Mark, Result
from ..journal.gate import Policy, Ruling, TargetOutcome
from ..journal.journal import TargetRecord
from ..journal.tally import SEVERITY, Group, by_area, group_findings, headline
from ..registry.registry import Registry
from ..words import counted
from .ladder import ladder
from .progress import Bars
from .style import Out, Style

__all__ = ["Printer", "PrinterOptions", "finding_lines", "mark_counts", "rerun_command"]

#: At most so many findings of a target are shown, and so many parameters of each.
_MOST = 10
_MOST_PARAMETERS = 4
_ORDER = (
    Mark.PASSED,
    Mark.VIOLATION,
    Mark.ERROR,
    Mark.DEPARTURE,
    Mark.INFORMATIONAL,
    Mark.INCONCLUSIVE,
    Mark.SKIPPED,
)
_PLURALS = {
    Mark.VIOLATION: "violations",
    Mark.DEPARTURE: "departures",
    Mark.ERROR: "errors",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PrinterOptions:
    """The facts and choices that a printer needs beside the results.

    `rerun` returns the command that reruns a case, for the name of the target and the id of the case. Problems go to
    `errors`. The catalogue's version and the seed are shown for each target; `journal` is the file of the results.
    """

    catalogue: str
    seed: int
    rerun: Callable[[str, str], str]
    errors: Out
    journal: Path
    quiet: bool = False
    verbose: bool = False


class Printer:
    """Prints a run while it goes on; the listener of the engine (see run.keeper.RunListener)."""

    def __init__(
        self,
        out: Out,
        style: Style,
        registry: Registry,
        policy: Policy,
        options: PrinterOptions,
        *,
        bars: Bars | None = None,
    ) -> None:
        """Print on `out`, problems on `options.errors`; `bars` show the progress on a terminal."""
        self._out, self._style, self._registry, self._policy = out, style, registry, policy
        self._options = options
        self._bars = bars

    # --- during the run

    def began(self, record: TargetRecord, planned: int) -> None:
        """Print the target and the facts that the probe found."""
        if not self._options.quiet:
            for line in self._head(record):
                self._out.line(line)
        if self._bars:
            self._bars.begin(record.name, planned)

    def judged(self, target: str, result: Result) -> None:
        """Count the result; print it, with its transcript, if `verbose`."""
        if self._bars:
            self._bars.count(target, result)
        if self._options.verbose:
            for line in self._group(target, Group((result,)), whole=True):
                self._out.line(line)

    def ended(self, outcome: TargetOutcome) -> None:
        """Print the areas and the findings, and the target's own output if there are findings."""
        if self._bars:
            self._bars.clear()
        if outcome.problem:
            # Not wrapped, so that a search for the text finds it.
            self._options.errors.line(self._style.text(outcome.problem))
        if self._options.quiet:
            return
        for line in (*self._areas(outcome.results), *self._findings(outcome), *self._trouble(outcome)):
            self._out.line(line)

    # --- a target

    def _head(self, record: TargetRecord) -> list[str]:
        style = self._style
        info = dict(record.info)
        name = f"{record.name} {info['version']}" if info.get("version") else record.name
        parts = [
            name,
            record.role.value,
            *([record.address] if record.address != record.name else []),
            f"HTTP/{record.http}",
            "echo" if record.echo else "no echo",
            f"catalogue {self._options.catalogue}",
            f"seed {self._options.seed}",
        ]
        return _joined([style.text(part) for part in parts], style, bold=True)

    def _areas(self, results: Sequence[Result]) -> list[str]:
        areas = by_area(results)
        width = max((len(self._style.text(area)) for area in areas), default=0)
        return [f"  {self._style.text(area):<{width}}{self._counted(each)}" for area, each in areas.items()]

    def _counted(self, results: Sequence[Result]) -> str:
        cells = list[str]()
        for mark in _ORDER:
            of_mark = [result for result in results if result.mark is mark]
            plain = sum(result.expected is None for result in of_mark)
            if plain:
                cells.append(f"{plain:>5} {self._style.mark(mark)}")
            if plain < len(of_mark):
                cells.append(f"{len(of_mark) - plain:>5} {self._style.mark(mark)} expected")
        return "".join(cells)

    def _findings(self, outcome: TargetOutcome) -> list[str]:
        if self._options.verbose:
            return []
        broken = [result for result in outcome.results if self._policy.breaks(result)]
        groups = _spread(group_findings(broken))
        lines = [line for group in groups[:_MOST] for line in self._group(outcome.name, group)]
        if len(groups) > _MOST:
            left = len(groups) - _MOST
            command = shlex.join(["wsconform", "report", "-r", "html", str(self._options.journal)])
            lines.append(f"{counted(left, 'more finding')}. All of them: {command}")
        return lines

    def _trouble(self, outcome: TargetOutcome) -> list[str]:
        style, lines = self._style, list[str]()
        if outcome.why == "target-lost" and not outcome.problem:
            left = outcome.planned - len(outcome.results)
            rest = f"; {left} {'case' if left == 1 else 'cases'} did not run" if left > 0 else ""
            lines.append(style.text(f"{outcome.name}: no longer accepts connections{rest}"))
        if outcome.restarts:
            times = "once" if outcome.restarts == 1 else f"{outcome.restarts} times"
            lines.append(style.text(f"{outcome.name}: exited and was restarted {times}"))
        failed = outcome.problem or outcome.restarts or outcome.why == "target-lost"
        if outcome.output and (failed or any(map(self._policy.breaks, outcome.results))):
            where = f" ({style.text(outcome.log)})" if outcome.log else ""
            lines.append(f"    last output of {style.text(outcome.name)}{where}:")
            lines += [f"    | {style.cut(style.text(line), style.width - 6)}" for line in outcome.output]
        return lines

    # --- a finding

    def _group(self, target: str, group: Group, *, whole: bool = False) -> list[str]:
        rerun = self._options.rerun(target, group.first.case)
        return finding_lines(group, self._registry, self._style, rerun, whole=whole)

    # --- the end

    def summary(
        self, outcomes: Sequence[TargetOutcome], ruling: Ruling, written: Sequence[str], seconds: float
    ) -> None:
        """Print the counts, the files in `written`, and the verdict of `ruling`; the run took `seconds`."""
        style = self._style
        if not self._options.quiet:
            if len(outcomes) > 1:
                for outcome in outcomes:
                    text = "not tested" if outcome.problem else headline(outcome.results, separator=style.separator)
                    self._out.line(f"{style.text(outcome.name)}: {text}")
            results = [result for outcome in outcomes for result in outcome.results]
            for line in _joined([*(mark_counts(results) if results else ()), *map(style.text, written)], style):
                self._out.line(line)
        *others, last = ruling.sentences
        for sentence in others:
            self._out.line(style.text(sentence))
        color = "green" if ruling.exit == 0 else "red"
        self._out.line(style.paint(f"{style.text(last)} {seconds:.1f} s", color))


def _spread(groups: Sequence[Group]) -> list[Group]:
    """Sort by severity; within one, the first finding of each family comes before the second of any."""
    seen = Counter[tuple[Mark, str]]()
    places = list[tuple[int, int]]()
    for group in groups:
        key = (group.first.mark, group.first.family)
        places.append((SEVERITY.index(group.first.mark), seen[key]))
        seen[key] += 1
    return [group for _, group in sorted(zip(places, groups, strict=True), key=lambda pair: pair[0])]


def mark_counts(results: Sequence[Result]) -> list[str]:
    """Return the count of each mark that occurs, in words, such as "2 violations"; expected ones apart."""
    parts = list[str]()
    parts.append(f"{sum(result.mark is Mark.PASSED for result in results)} passed")
    for mark in _ORDER[1:]:
        of_mark = [result for result in results if result.mark is mark]
        plain = sum(result.expected is None for result in of_mark)
        for count, prefix in ((plain, ""), (len(of_mark) - plain, "expected ")):
            if count:
                words = mark.words if count == 1 else _PLURALS.get(mark, mark.words)
                parts.append(f"{count} {prefix}{words}")
    return parts


def finding_lines(group: Group, registry: Registry, style: Style, rerun: str, *, whole: bool = False) -> list[str]:
    """Return the lines about a finding: case, expected, observed, transcript, and the command `rerun`.

    With `whole`, the lines are about any result: the transcript is complete, the notes are shown, the command is not.
    """
    result = group.first
    lines = _title(group, _citation(result, registry), style)
    if result.title:
        lines += style.wrapped(result.title, 4)
    if result.finding is not None:
        lines += _finding(result, result.finding, style)
    if result.expected is not None:
        lines += style.wrapped(result.expected, 15, first="    known      ")
    if result.flaky:
        verdicts = [attempt.verdict.name.lower() for attempt in result.attempts]
        lines += style.wrapped(", then ".join([*verdicts, result.verdict.name.lower()]), 15, first="    attempts   ")
    decided = result.finding.entry if result.finding else None
    lines += ladder(result.transcript, decided, result.mark, style, whole=whole)
    if whole:
        for name, value in result.notes:
            lines += style.wrapped(f"{name}: {value}", 15, first="    note       ")
    if result.hint and result.mark is not Mark.PASSED:
        lines += style.wrapped(result.hint, 15, first="    hint       ")
    if not whole:
        # Not wrapped, so that it can be pasted.
        lines.append(f"    rerun      {style.text(rerun)}")
    return lines


def _finding(result: Result, finding: Finding, style: Style) -> list[str]:
    reason = f" ({result.reason.value})" if result.reason else ""
    return [
        *style.wrapped(finding.expected, 15, first="    expected   "),
        *style.wrapped(finding.observed + reason, 15, first="    observed   "),
    ]


def _citation(result: Result, registry: Registry) -> str:
    if result.requirement in registry:
        return registry[result.requirement].citation
    return f"{result.requirement} {result.level.words}"


def _title(group: Group, citation: str, style: Style) -> list[str]:
    others = group.others
    shown = ", ".join(others[:_MOST_PARAMETERS])
    if len(others) > _MOST_PARAMETERS:
        shown += f" and {len(others) - _MOST_PARAMETERS} more"
    case = style.text(group.first.case)
    also = style.text(f" (and {shown})" if others else "")
    cited = style.text(citation)
    mark = style.mark(group.first.mark)
    room = style.width - 2 - len(case) - len(also) - len(cited)
    if room >= 2:
        return [f"{mark} {style.paint(case, 'bold')}{also}{' ' * room}{cited}"]
    first = [f"{mark} {style.paint(case, 'bold')}"]
    if also and len(case) + len(also) + 2 <= style.width:
        return [first[0] + also, f"    {cited}"]
    return [*first, *(style.wrapped(also.strip(), 4) if also else []), f"    {cited}"]


def _joined(parts: Sequence[str], style: Style, *, bold: bool = False) -> list[str]:
    """Join `parts` with separators; a part that does not fit begins a new line."""
    lines, line = list[str](), ""
    for part in parts:
        if line and len(line) + len(style.separator) + len(part) > style.width:
            lines.append(line)
            line = f"  {part}"
        else:
            line = f"{line}{style.separator}{part}" if line else part
    lines.append(line)
    if bold:
        lines[0] = lines[0].replace(parts[0], style.paint(parts[0], "bold"), 1)
    return lines


def rerun_command(targets: Mapping[str, Sequence[str]]) -> Callable[[str, str], str]:
    """Return a function that returns the command to rerun a case, for the name of a target and the id of the case.

    `targets` are the arguments that name each target on the command line; default: its name.
    """

    def rerun(target: str, case: str) -> str:
        return shlex.join(["wsconform", "run", *targets.get(target, (target,)), "-c", case, "-v"])

    return rerun
