"""Where the results of all clients go: expectations, the journal, whoever watches, and what the gate looks at."""

from __future__ import annotations

from dataclasses import replace

from ..evidence.result import Mark, Result
from ..journal.expected import Expectations
from ..journal.gate import TargetOutcome
from ..journal.journal import EndReason, JournalWriter, TargetRecord
from ..journal.redact import Redactor
from ..run.keeper import RunListener


class Keeper:
    """Takes the results of all clients: marks what is expected, writes the journal, tells who watches."""

    def __init__(
        self, writer: JournalWriter, planned: int, expectations: Expectations, watcher: RunListener, *, keep_all: bool
    ) -> None:
        self._writer, self._planned, self._expectations = writer, planned, expectations
        self._watcher, self._keep_all, self._redactor = watcher, keep_all, Redactor()
        self.outcomes: dict[str, TargetOutcome] = {}

    def target(self, target: TargetRecord) -> None:
        """Take a client's record, before its results."""
        self.outcomes[target.name] = TargetOutcome(name=target.name, planned=self._planned)
        self._writer.target(target)
        self._watcher.began(target, self._planned)

    def result(self, target: str, result: Result) -> None:
        """Take a result of the client called `target`."""
        outcome = self.outcomes[target]
        marked = self._expectations.mark(target, self._redactor.result(result))
        self._writer.result(target, marked)
        slim = marked.mark is Mark.PASSED and not marked.flaky and not self._keep_all
        kept = replace(marked, transcript=()) if slim else marked
        outcome.record(kept)
        self._watcher.judged(target, kept)

    def fail(self, name: str, problem: str, record: TargetRecord) -> None:
        """Note that the client called `name` was not tested, or not to the end; `record` is for one that has none."""
        if name not in self.outcomes:
            self.outcomes[name] = TargetOutcome(name=name, planned=self._planned)
            self._writer.target(replace(record, notes={}, untested=problem))
        self.outcomes[name].problem = problem
        self.outcomes[name].why = EndReason.LOST.value
