"""A run told on a terminal: each target's areas, findings with their ladders, and the verdict in the last line."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..evidence.result import Finding, Mark, Result
from ..journal.gate import Policy, Ruling, TargetOutcome
from ..journal.journal import TargetRecord
from ..journal.tally import SEVERITY, Group, by_area, group_findings, headline
from ..registry.registry import Registry
from .ladder import ladder
from .progress import Bars
from .style import Out, Style

__all__ = ["Printer", "PrinterOptions", "finding_lines"]

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
    Mark.ERROR: "suite errors",
}


@dataclass(frozen=True, slots=True)
class PrinterOptions:
    """What there is to tell beside results: versions, and how a case of a target is put again."""

    catalogue: str
    seed: int
    again: Callable[[str, str], str]
    errors: Out
    quiet: bool = False
    verbose: bool = False


class Printer:
    """Tells a run, line by line, as it goes; see execute.Watcher."""

    def __init__(
        self,
        out: Out,
        style: Style,
        registry: Registry,
        policy: Policy,
        telling: PrinterOptions,
        *,
        bars: Bars | None = None,
    ) -> None:
        """Tell on `out`; problems go to `telling.errors`; `bars` show how far it has come, where somebody looks."""
        self._out, self._style, self._registry, self._policy = out, style, registry, policy
        self._telling = telling
        self._bars = bars

    # --- while it goes

    def began(self, record: TargetRecord, planned: int) -> None:
        """Tell which target it is, and what the probe found."""
        if not self._telling.quiet:
            for line in self._head(record):
                self._out.line(line)
        if self._bars:
            self._bars.begin(record.name, planned)

    def judged(self, target: str, result: Result) -> None:
        """Count; with -v tell the result and its ladder."""
        if self._bars:
            self._bars.count(target, result)
        if self._telling.verbose:
            for line in self._told(target, Group((result,)), whole=True):
                self._out.line(line)

    def ended(self, outcome: TargetOutcome) -> None:
        """Tell the areas, the findings, and what the target printed if something is wrong."""
        if self._bars:
            self._bars.clear()
        if outcome.problem:
            # One line, however long: it is there to be found again.
            self._telling.errors.line(self._style.text(outcome.problem))
        if self._telling.quiet:
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
            f"catalogue {self._telling.catalogue}",
            f"seed {self._telling.seed}",
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
        if self._telling.verbose:
            return []
        broken = [result for result in outcome.results if self._policy.breaks(result)]
        groups = _spread(group_findings(broken))
        lines = [line for group in groups[:_MOST] for line in self._told(outcome.name, group)]
        if len(groups) > _MOST:
            lines.append(f"and {len(groups) - _MOST} findings more: the journal and every report have them all")
        return lines

    def _trouble(self, outcome: TargetOutcome) -> list[str]:
        style, lines = self._style, list[str]()
        if outcome.why == "target-lost" and not outcome.problem:
            left = outcome.planned - len(outcome.results)
            unput = f"; {left} {'case was' if left == 1 else 'cases were'} not put" if left > 0 else ""
            lines.append(style.text(f"{outcome.name}: takes no connection any more{unput}"))
        if outcome.restarts:
            times = "once" if outcome.restarts == 1 else f"{outcome.restarts} times"
            lines.append(style.text(f"{outcome.name}: died and was started again {times}"))
        failed = outcome.problem or outcome.restarts or outcome.why == "target-lost"
        if outcome.output and (failed or any(map(self._policy.breaks, outcome.results))):
            where = f" ({style.text(outcome.log)})" if outcome.log else ""
            lines.append(f"    the last that {style.text(outcome.name)} printed{where}:")
            lines += [f"    | {style.cut(style.text(line), style.width - 6)}" for line in outcome.output]
        return lines

    # --- a finding

    def _told(self, target: str, group: Group, *, whole: bool = False) -> list[str]:
        again = self._telling.again(target, group.first.case)
        return finding_lines(group, self._registry, self._style, again, whole=whole)

    # --- the end

    def summary(
        self, outcomes: Sequence[TargetOutcome], ruling: Ruling, artefacts: Sequence[str], seconds: float
    ) -> None:
        """Tell the counts, where the documents are, and the verdict."""
        style = self._style
        if not self._telling.quiet:
            if len(outcomes) > 1:
                for outcome in outcomes:
                    told = (outcome.problem and "not tested") or headline(outcome.results, separator=style.separator)
                    self._out.line(f"{style.text(outcome.name)}: {told}")
            results = [result for outcome in outcomes for result in outcome.results]
            for line in _joined([*(summed(results) if results else ()), *map(style.text, artefacts)], style):
                self._out.line(line)
        *others, last = ruling.sentences
        for sentence in others:
            self._out.line(style.text(sentence))
        color = "green" if ruling.exit == 0 else "red"
        self._out.line(style.paint(f"{style.text(last)} {seconds:.1f} s", color))


def _spread(groups: Sequence[Group]) -> list[Group]:
    """Gravest first, and of each gravity the first finding of every family before the second of any."""
    seen = Counter[tuple[Mark, str]]()
    places = list[tuple[int, int]]()
    for group in groups:
        key = (group.first.mark, group.first.family)
        places.append((SEVERITY.index(group.first.mark), seen[key]))
        seen[key] += 1
    return [group for _, group in sorted(zip(places, groups, strict=True), key=lambda pair: pair[0])]


def summed(results: Sequence[Result]) -> list[str]:
    """Return what there is of each mark, in words; expected failures are counted by themselves."""
    parts = list[str]()
    met = sum(result.mark is Mark.PASSED for result in results)
    parts.append(f"{met} requirement{'' if met == 1 else 's'} met")
    for mark in _ORDER[1:]:
        of_mark = [result for result in results if result.mark is mark]
        plain = sum(result.expected is None for result in of_mark)
        for count, prefix in ((plain, ""), (len(of_mark) - plain, "expected ")):
            if count:
                words = mark.words if count == 1 else _PLURALS.get(mark, mark.words)
                parts.append(f"{count} {prefix}{words}")
    return parts


def finding_lines(group: Group, registry: Registry, style: Style, again: str, *, whole: bool = False) -> list[str]:
    """Return a finding, or with `whole` any result, as lines: what was asked, what came, the ladder, how to repeat."""
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
            lines += style.wrapped(f"{name}: {value}", 15, first="    noted      ")
    if result.hint and result.mark is not Mark.PASSED:
        lines += style.wrapped(result.hint, 15, first="    hint       ")
    if not whole:
        # Never broken into lines: it is there to be pasted.
        lines.append(f"    again      {style.text(again)}")
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
    """Parts with separators between them, broken between parts where a line is full."""
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


def again_command(targets: Mapping[str, Sequence[str]]) -> Callable[[str, str], str]:
    """Return what makes the command that puts a case again; `targets` are a target's words on the command line."""

    def again(target: str, case: str) -> str:
        return shlex.join(["wsconform", "run", *targets.get(target, (target,)), "-c", case, "-v"])

    return again
