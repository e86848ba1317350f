"""Keeping the results of a run."""

from __future__ import annotations

from typing import Protocol

from ..evidence.result import Result
from ..journal.gate import TargetOutcome
from ..journal.journal import TargetRecord


class RunListener(Protocol):
    """Whoever is told how the run goes, while it goes."""

    def began(self, record: TargetRecord, planned: int) -> None:
        """A target answered; `planned` cases will be put to it."""

    def judged(self, target: str, result: Result) -> None:
        """A result is final."""

    def ended(self, outcome: TargetOutcome) -> None:
        """A target's part is over, whatever its end."""


class NullListener:
    """A watcher that looks away."""

    def began(self, record: TargetRecord, planned: int) -> None:
        """Do nothing."""

    def judged(self, target: str, result: Result) -> None:
        """Do nothing."""

    def ended(self, outcome: TargetOutcome) -> None:
        """Do nothing."""
