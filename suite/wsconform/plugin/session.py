"""A session of pytest with cases in it: collects them, runs targets ahead, and tells how the gate stands."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .. import escape
from ..evidence.result import Result
from ..journal.journal import JournalWriter
from ..journal.tally import headline
from ..problem import Exit, Problem
from ..registry.requirement import Role
from ..run.execution import Execution, Plan
from . import options
from .ahead import Ahead, Portal, Runs, Untested
from .aims import Aim
from .collecting import collector
from .items import CaseItem, Told
from .preparing import Prepared, is_worker
from .reported import fill
from .writing import Written

if TYPE_CHECKING:
    from ..catalogue.case import Item

__all__ = ["Conformance"]


class Conformance:
    """The plugin of a session in which cases are asked for; registered for it alone."""

    def __init__(self, config: pytest.Config) -> None:
        """Get ready; raises pytest.UsageError where what was asked for cannot be done."""
        self.config = config
        try:
            self.prepared = Prepared.of(config)
            if self.prepared.selected:
                self.written = Written(self.prepared)
        except Problem as problem:
            raise options.usage(problem) from None
        self._portal: Portal | None = None
        self._runs: dict[str, Ahead] = {}
        self._items: dict[str, list[CaseItem]] = {}
        self._untested: dict[str, int] = {}
        self._total = 0

    # --- collecting

    @pytest.hookimpl(tryfirst=True)
    def pytest_collect_directory(self, path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """Collect a package of cases, or one above."""
        return collector(path, parent, self)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """Collect a module of cases."""
        return collector(file_path, parent, self)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note what is to be run: only that is put to targets."""
        for item in session.items:
            if isinstance(item, CaseItem):
                self._items.setdefault(item.aim.name, []).append(item)

    @property
    def total(self) -> int:
        """How many cases this session has, all targets together."""
        return self._total or sum(map(len, self._items.values()))

    @total.setter
    def total(self, count: int) -> None:
        self._total = count

    def pytest_report_header(self) -> str:
        """Say what is tested."""
        names = ", ".join(self.prepared.style.text(aim.name) for aim in self.prepared.aims)
        return f"wsconform: {names}; profile {self.prepared.settings.profile}, seed {self.prepared.settings.seed}"

    def file_of(self, entry: Item) -> Path:
        """Return the file in which `entry` is written."""
        return _file(entry.function.__module__)

    # --- running

    @property
    def portal(self) -> Portal:
        """The thread that the engine runs in, started when it is first needed."""
        if self._portal is None:
            self._portal = Portal()
        return self._portal

    def take(self, item: CaseItem) -> Result:
        """Return the result of `item`, its target's run begun if it was not; raises Untested or Told."""
        name = item.aim.name
        if name not in self._runs:
            self._begin(item)
        try:
            return self._runs[name].take(item.entry.id)
        except Untested:
            self._untested.setdefault(name, 0)
            raise

    def _begin(self, item: CaseItem) -> None:
        aim, prepared = item.aim, self.prepared
        is_client = aim.target.role is Role.CLIENT
        try:
            if aim.fixture:
                aim = aim.reached_at(item.fixture(aim.fixture))
            plan = prepared.plan(aim, (each.entry.id for each in self._items[aim.name]))
            writer, run = self.written.writer([plan]), Ahead(self.portal)
            started = self._served(aim, plan, writer, run) if is_client else self._executed(plan, writer, run)
        except Problem as problem:
            raise Told(str(problem)) from None
        run.start(started)
        self._runs[aim.name] = run

    def _executed(self, plan: Plan, writer: JournalWriter, run: Ahead) -> Runs:
        prepared = self.prepared
        return Execution(
            [plan], prepared.registry, prepared.run_options(), writer, expectations=prepared.expectations, listener=run
        )

    def _served(self, aim: Aim, plan: Plan, writer: JournalWriter, run: Ahead) -> Runs:
        from .clients import Served

        return Served(self.prepared, aim, plan.items, writer, run)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """Leave out what cannot be tested, once one item has told why: the summary counts the others."""
        if isinstance(item, CaseItem) and item.aim.name in self._untested:
            self._untested[item.aim.name] += 1
            return True
        return None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Iterator[None]:  # what a wrapper is to pluggy
        """Give the report what other plugins show of a result."""
        report = yield
        if isinstance(item, CaseItem) and isinstance(report, pytest.TestReport):
            fill(item, report)
        return report

    # --- the end

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """End what still runs, write the journal's end and the reports, and let the gate have its say."""
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
        """What the gate says where every item passed: it looks at more than items."""
        match self.written.ruling.exit if self.written.ruling else Exit.HELD:
            case Exit.HELD:
                return pytest.ExitCode.OK
            case Exit.NOTHING:
                return pytest.ExitCode.NO_TESTS_COLLECTED
            case _:
                return pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say how each target stands, and what breaks the gate."""
        lines = self.summary()
        if lines:
            terminalreporter.write_sep("-", "wsconform")
            for line in lines:
                terminalreporter.write_line(line)

    def summary(self) -> list[str]:
        """Return the lines that end a session: each target's, what is to be known besides, and the gate's."""
        style, lines = self.prepared.style, list[str]()
        for outcome in self.written.outcomes:
            told = outcome.problem or headline(outcome.results, separator=style.separator)
            lines.append(style.text(told if told.startswith(outcome.name) else f"{outcome.name}: {told}"))
        for name, left in self._untested.items():
            if left:
                lines.append(style.text(f"{name}: {left} more {'case was' if left == 1 else 'cases were'} not put"))
        for name, run in self._runs.items():
            for taken, last in run.later():
                lines.append(
                    style.text(f"{name}: {last.case}: put again it was {last.mark.words}, not {taken.mark.words}")
                )
        if self.written.ruling is not None:
            lines += [style.text(sentence) for sentence in self.written.ruling.sentences]
        lines += [f"wrote {path}" for path in self.written.paths]
        return [escape.shown(line) for line in lines]


@functools.cache
def _file(module: str) -> Path:
    return Path(str(sys.modules[module].__file__))
