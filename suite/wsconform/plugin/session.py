"""A session of pytest with cases: it collects them, starts the runs of targets, and reports the gate."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .. import escape
from ..catalogue.case import Item
from ..evidence.result import Result
from ..journal.journal import JournalWriter
from ..journal.tally import headline
from ..problem import Exit, Problem
from ..registry.requirement import Role
from ..run.execution import Execution, Plan
from . import options
from .ahead import Portal, RunAhead, Runnable, Untested
from .clients import ClientRun
from .collecting import collector
from .items import CaseItem, ItemFailed
from .preparing import Prepared, is_worker
from .reported import fill
from .writing import SessionJournal

__all__ = ["Conformance"]


class Conformance:
    """The plugin of a session with cases; it is registered only in such a session."""

    def __init__(self, config: pytest.Config) -> None:
        """Read options, configuration and catalogue; raises pytest.UsageError."""
        self.config = config
        try:
            self.prepared = Prepared.of(config)
            if self.prepared.selected:
                self.written = SessionJournal(self.prepared)
        except Problem as problem:
            raise options.usage(problem) from None
        self._portal: Portal | None = None
        self._runs: dict[str, RunAhead] = {}
        self._items: dict[str, list[CaseItem]] = {}
        self._untested: dict[str, int] = {}
        self._total = 0

    # --- collecting

    @pytest.hookimpl(tryfirst=True)
    def pytest_collect_directory(self, path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """Collect a package of cases, or a package above one."""
        return collector(path, parent, self)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """Collect a module of cases."""
        return collector(file_path, parent, self)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Store the items that remain after deselection: only their cases are run."""
        for item in session.items:
            if isinstance(item, CaseItem):
                self._items.setdefault(item.chosen.name, []).append(item)

    @property
    def total(self) -> int:
        """The number of cases in this session, for all targets."""
        return self._total or sum(map(len, self._items.values()))

    @total.setter
    def total(self, count: int) -> None:
        self._total = count

    def pytest_report_header(self) -> str:
        """Return the line about targets, profile and seed."""
        names = ", ".join(self.prepared.style.text(chosen.name) for chosen in self.prepared.targets)
        return f"wsconform: {names}; profile {self.prepared.settings.profile}, seed {self.prepared.settings.seed}"

    def file_of(self, entry: Item) -> Path:
        """Return the file in which `entry` is written."""
        return _file(entry.function.__module__)

    # --- running

    @property
    def portal(self) -> Portal:
        """The thread of the engine, started when it is first needed."""
        if self._portal is None:
            self._portal = Portal()
        return self._portal

    def wait_for_result(self, item: CaseItem) -> Result:
        """Start the run of the target if needed, and return the result of `item`; raises Untested or ItemFailed."""
        name = item.chosen.name
        if name not in self._runs:
            self._begin(item)
        try:
            return self._runs[name].wait_for_result(item.entry.id)
        except Untested:
            self._untested.setdefault(name, 0)
            raise

    def _begin(self, item: CaseItem) -> None:
        chosen, prepared = item.chosen, self.prepared
        is_client = chosen.target.role is Role.CLIENT
        try:
            if chosen.fixture:
                chosen = chosen.reached_at(item.fixture(chosen.fixture))
            plan = prepared.plan(chosen, (each.entry.id for each in self._items[chosen.name]))
            writer, run = self.written.writer([plan]), RunAhead(self.portal)
            execution: Runnable = (
                ClientRun(prepared, chosen, plan.items, writer, run)
                if is_client
                else self._execution(plan, writer, run)
            )
        except Problem as problem:
            raise ItemFailed(str(problem)) from None
        run.start(execution)
        self._runs[chosen.name] = run

    def _execution(self, plan: Plan, writer: JournalWriter, run: RunAhead) -> Execution:
        prepared = self.prepared
        return Execution(
            [plan], prepared.registry, prepared.run_options(), writer, expectations=prepared.expectations, listener=run
        )

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """Skip the items of an untested target after the first, which reports the reason; the summary counts them."""
        if isinstance(item, CaseItem) and item.chosen.name in self._untested:
            self._untested[item.chosen.name] += 1
            return True
        return None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Iterator[None]:  # the type that pluggy expects of a wrapper
        """Attach the facts of the result to the report, for this and other plugins."""
        report = yield
        if isinstance(item, CaseItem) and isinstance(report, pytest.TestReport):
            fill(item, report)
        return report

    # --- the end

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """End all runs, write the rest of the journal and the reports, and set the exit status from the gate."""
        for run in self._runs.values():
            run.stop()
        if self._portal is not None:
            self._portal.close()
        outcomes = [run.outcome for run in self._runs.values() if run.outcome is not None]
        try:
            self.written.end(outcomes, interrupted=session.exitstatus == pytest.ExitCode.INTERRUPTED)
        except Problem as problem:
            print(f"wsconform: {problem}", file=sys.stderr)
            session.exitstatus = session.exitstatus or pytest.ExitCode.INTERNAL_ERROR
        if session.exitstatus == pytest.ExitCode.OK and not is_worker(self.config):
            session.exitstatus = self._status()

    def _status(self) -> pytest.ExitCode:
        """Return the exit status for the gate, if every item passed: stale entries, too, break the gate."""
        match self.written.ruling.exit if self.written.ruling else Exit.HELD:
            case Exit.HELD:
                return pytest.ExitCode.OK
            case Exit.NOTHING:
                return pytest.ExitCode.NO_TESTS_COLLECTED
            case _:
                return pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print a line for each target, and the verdict."""
        lines = self.summary()
        if lines:
            terminalreporter.write_sep("-", "wsconform")
            for line in lines:
                terminalreporter.write_line(line)

    def summary(self) -> list[str]:
        """Return the last lines of a session: targets, cases that did not run, changed results, verdict, files."""
        style, lines = self.prepared.style, list[str]()
        for outcome in self.written.outcomes:
            text = outcome.problem or headline(outcome.results, separator=style.separator)
            lines.append(style.text(text if text.startswith(outcome.name) else f"{outcome.name}: {text}"))
        for name, left in self._untested.items():
            if left:
                lines.append(style.text(f"{name}: {left} more {'case' if left == 1 else 'cases'} did not run"))
        for name, run in self._runs.items():
            for received, last in run.changed_results():
                change = f"{received.mark.words}, then {last.mark.words} when it was retried"
                lines.append(style.text(f"{name}: {last.case}: {change}"))
        if self.written.ruling is not None:
            lines += [style.text(sentence) for sentence in self.written.ruling.sentences]
        lines += [f"wrote {path}" for path in self.written.paths]
        return [escape.shown(line) for line in lines]


@functools.cache
def _file(module: str) -> Path:
    return Path(str(sys.modules[module].__file__))
