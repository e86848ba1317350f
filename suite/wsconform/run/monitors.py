"""Monitors at work: every conversation of a run passes by, and at the end each monitor has its result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..catalogue.case import Monitor, MonitorFunction, Sample
from ..evidence.result import Attempt, Finding, Reason, TranscriptEntry, Verdict
from ..evidence.transcript import Conversation
from .judge import Attempted, broken

_GRAVITY = (Verdict.FAILED, Verdict.ERROR, Verdict.DEPARTED, Verdict.INFORMATIONAL)


@dataclass(slots=True)
class Watch:
    """What one monitor has seen so far; `case` showed the gravest sample first."""

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
        # A monitor that compares connections with one another is a class, and keeps its own count in each run.
        function = self.monitor.function
        self.look = function() if isinstance(function, type) else function

    def see(
        self,
        conversation: Conversation,
        entries: tuple[TranscriptEntry, ...],
        micros: int,
        index: Callable[[int | None], int | None] = lambda number: number,
    ) -> bool:
        """Watch one conversation; return whether it held a FAILED sample.

        `entries` are the transcript of its case, and `index` says where in them an entry number stands.
        """
        samples = list[Sample]()
        try:
            samples.extend(self.look(conversation))
        except Exception as error:  # a monitor that breaks is our own fault, and must not end the run
            samples.append(Sample(broken(error), Verdict.ERROR))
        # Every monitor looks at every conversation, and most have nothing to say.
        return bool(samples) and self._take(samples, conversation.case, entries, micros, index)

    def _take(
        self,
        samples: list[Sample],
        case: str,
        entries: tuple[TranscriptEntry, ...],
        micros: int,
        index: Callable[[int | None], int | None],
    ) -> bool:
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
                self.transcript, self.micros, self.entry = entries, micros, index(sample.entry)
        return failed

    def _is_graver(self, verdict: Verdict) -> bool:
        if verdict not in _GRAVITY:
            return False
        return self.verdict not in _GRAVITY or _GRAVITY.index(verdict) < _GRAVITY.index(self.verdict)

    def retract(self) -> None:
        """Take back a FAILED that a second attempt at its case did not show again; it stays as an earlier attempt."""
        finding = self.finding()
        self.earlier = (*self.earlier, Attempt(self.verdict, finding, self.micros, self.transcript))
        self.flaky, self.verdict, self.worst, self.transcript = True, Verdict.PASSED, None, ()

    def conclude(self) -> tuple[Verdict, Reason | None]:
        """Return the verdict over all samples; without one the target never did what the rule is about."""
        if not self.samples:
            return Verdict.SKIPPED, Reason.NOT_OFFERED
        return self.verdict, None

    def finding(self) -> Finding | None:
        """Return the finding of the gravest sample, or what was missing."""
        if not self.samples:
            return Finding("an occasion to look", "the target never did what this rule is about")
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
        self.all = [Watch(monitor) for monitor in monitors]

    def see(self, attempted: Attempted) -> list[Watch]:
        """Show every monitor the conversations of an attempt; return those that found a breach in them."""
        breached: list[Watch] = []
        for watch in self.all:
            found = [
                watch.see(each, attempted.transcript, attempted.micros, attempted.index)
                for each in attempted.conversations
            ]
            if any(found):
                breached.append(watch)
        return breached
