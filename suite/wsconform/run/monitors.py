"""Monitors at work: each sees every conversation of a run and has one result at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..catalogue.case import Monitor, MonitorFunction, Sample
from ..evidence.result import Attempt, Finding, Reason, TranscriptEntry, Verdict
from ..evidence.transcript import Conversation
from .judge import Attempted, describe_error

__all__ = ["Watch", "Watches"]

#: Verdicts of samples that decide, gravest first.
_SEVERITY = (Verdict.FAILED, Verdict.ERROR, Verdict.DEPARTED, Verdict.INFORMATIONAL)


@dataclass(slots=True, kw_only=True)
class Watch:
    """The samples of one monitor so far; `case` is the one that first showed the gravest sample."""

    monitor: Monitor
    counts: Counter[str] = field(default_factory=Counter)
    samples: int = 0
    verdict: Verdict = Verdict.PASSED
    worst: Sample | None = None
    entry: int | None = None
    case: str = ""
    transcript: tuple[TranscriptEntry, ...] = ()
    micros: int = 0
    earlier: tuple[Attempt, ...] = ()
    flaky: bool = False
    look: MonitorFunction = field(init=False)

    def __post_init__(self) -> None:
        # A monitor that compares connections is a class, and each run has an instance with a memory of its own.
        function = self.monitor.function
        self.look = function() if isinstance(function, type) else function

    def see(self, conversation: Conversation, attempted: Attempted) -> bool:
        """Watch one conversation of `attempted`; return whether it held a FAILED sample."""
        samples = list[Sample]()
        try:
            samples.extend(self.look(conversation))
        except Exception as error:  # a monitor that breaks is our own fault and must not end the run
            samples.append(Sample(describe_error(error), Verdict.ERROR))
        # Every monitor sees every conversation, and most yield nothing.
        return bool(samples) and self._take(samples, conversation.case, attempted)

    def _take(self, samples: list[Sample], case: str, attempted: Attempted) -> bool:
        failed = False
        for sample in samples:
            self.samples += 1
            if sample.label:
                self.counts[sample.label] += 1
            if sample.verdict is Verdict.PASSED:
                continue
            failed = failed or sample.verdict is Verdict.FAILED
            if self._is_graver(sample.verdict):
                self.verdict, self.worst, self.case = sample.verdict, sample, case
                self.transcript, self.micros = attempted.transcript, attempted.micros
                self.entry = attempted.position(sample.entry)
        return failed

    def _is_graver(self, verdict: Verdict) -> bool:
        if verdict not in _SEVERITY:
            return False
        return self.verdict not in _SEVERITY or _SEVERITY.index(verdict) < _SEVERITY.index(self.verdict)

    def withdraw(self) -> None:
        """Withdraw a FAILED that a second attempt at its case did not show again; it stays as an earlier attempt."""
        finding = self.finding()
        self.earlier = (*self.earlier, Attempt(self.verdict, finding, self.micros, self.transcript))
        self.flaky, self.verdict, self.worst, self.transcript = True, Verdict.PASSED, None, ()

    def concluded(self) -> Attempted:
        """Return the verdict over all samples; SKIPPED if the target never gave the rule an occasion."""
        verdict, reason = (self.verdict, None) if self.samples else (Verdict.SKIPPED, Reason.NOT_OFFERED)
        return Attempted(
            verdict=verdict,
            reason=reason,
            finding=self.finding(),
            notes=self.notes(),
            micros=self.micros,
            transcript=self.transcript,
        )

    def finding(self) -> Finding | None:
        """Return the finding of the gravest sample, or of a monitor without samples."""
        if not self.samples:
            return Finding("an occasion to look", "the target never did anything that this rule is about")
        if self.worst is None:
            return None
        inside = self.entry if self.entry is not None and self.entry < len(self.transcript) else None
        return Finding(self.monitor.title, f"{self.worst.label or 'otherwise'} (in {self.case})", inside, self.case)

    def notes(self) -> tuple[tuple[str, str], ...]:
        """Return how often each label was seen."""
        return (
            ("samples", str(self.samples)),
            *((label, str(count)) for label, count in self.counts.most_common(12)),
        )


class Watches:
    """All monitors of a run."""

    def __init__(self, monitors: Iterable[Monitor]) -> None:
        self.all = [Watch(monitor=monitor) for monitor in monitors]

    def see(self, attempted: Attempted) -> list[Watch]:
        """Show the conversations of an attempt to every monitor; return the watches that saw a breach in them."""
        breached: list[Watch] = []
        for watch in self.all:
            found = [watch.see(each, attempted) for each in attempted.conversations]
            if any(found):
                breached.append(watch)
        return breached
