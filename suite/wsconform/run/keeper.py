"""Keeping results: every final result is masked, marked as expected, written, counted and announced, in this order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from ..evidence.result import Mark, Result
from ..journal.expected import Expectations
from ..journal.gate import TargetOutcome
from ..journal.journal import JournalWriter, TargetRecord
from ..journal.redact import Redactor
from ..journal.tally import counts

__all__ = ["Keeper", "NullListener", "RunListener"]


class RunListener(Protocol):
    """An observer of a run in progress, such as the terminal."""

    def began(self, record: TargetRecord, planned: int) -> None:
        """Called when a target has answered, before `planned` cases run against it."""

    def judged(self, target: str, result: Result) -> None:
        """Called with each final result."""

    def ended(self, outcome: TargetOutcome) -> None:
        """Called when the run is done with a target, for any reason."""


class NullListener:
    """A listener that ignores everything."""

    def began(self, record: TargetRecord, planned: int) -> None:
        """Do nothing."""

    def judged(self, target: str, result: Result) -> None:
        """Do nothing."""

    def ended(self, outcome: TargetOutcome) -> None:
        """Do nothing."""


class Keeper:
    """Keeps the results of all targets of one run."""

    def __init__(
        self,
        writer: JournalWriter,
        *,
        expectations: Expectations | None = None,
        listener: RunListener | None = None,
        keep_all: bool = False,
    ) -> None:
        """Write to `writer`; `keep_all` keeps the transcripts of passed cases in memory."""
        self.expectations = expectations or Expectations()
        self.listener: RunListener = listener or NullListener()
        self._writer, self._keep_all = writer, keep_all
        self._outcomes: dict[str, TargetOutcome] = {}
        self._redactors: dict[str, Redactor] = {}

    @property
    def outcomes(self) -> list[TargetOutcome]:
        """The outcome of each target, in the order in which they were opened."""
        return list(self._outcomes.values())

    def open(self, name: str, planned: int, *, why: str = "done", secret_fields: Iterable[str] = ()) -> TargetOutcome:
        """Return the outcome of the target `name`, a new one if it is not known yet.

        The values of `secret_fields` (names of header fields) are masked in its transcripts, beside the usual ones.
        """
        if name not in self._outcomes:
            self._outcomes[name] = TargetOutcome(name=name, planned=planned, why=why)
            self._redactors[name] = Redactor(secret_fields)
        return self._outcomes[name]

    def is_open(self, name: str) -> bool:
        """Return whether a target of this name is known."""
        return name in self._outcomes

    def target(self, record: TargetRecord) -> None:
        """Write a target's record, before its results; the target is open."""
        self._writer.target(record)
        self.listener.began(record, self._outcomes[record.name].planned)

    def untested(self, record: TargetRecord) -> None:
        """Write the record of a target that no case runs against."""
        self._writer.target(record)

    def result(self, target: str, result: Result) -> None:
        """Take a final result of the target with this name; a later one of the same case replaces an earlier one."""
        marked = self.expectations.mark(target, self._redactors[target].result(result))
        self._writer.result(target, marked)
        # The journal has all transcripts; those of thousands of passes need not stay in memory.
        slim = marked.mark is Mark.PASSED and not marked.flaky and not self._keep_all
        kept = replace(marked, transcript=()) if slim else marked
        self._outcomes[target].record(kept)
        self.listener.judged(target, kept)

    def ended(self, name: str) -> None:
        """Announce that the run is done with the target of this name."""
        self.listener.ended(self._outcomes[name])

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many results each target has by mark, marks in words, zeros left out."""
        found = {outcome.name: counts(outcome.results) for outcome in self.outcomes}
        return {name: {mark.words: count for mark, count in each.items() if count} for name, each in found.items()}
