"""What a session leaves: one journal of all targets, whichever worker tested them, reports, and the gate's ruling."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ..journal.gate import Ruling, TargetOutcome, rule
from ..journal.journal import EndReason, Footer, Journal, JournalWriter, gravest_end, parse
from ..prepare import run as running
from ..prepare.journals import now
from ..problem import Problem
from .preparing import Prepared, is_worker

if TYPE_CHECKING:
    from ..run.execution import Plan

__all__ = ["Written"]

#: Key of a worker's journal in what it hands to the controller of pytest-xdist.
OUTPUT = "wsconform"


class Parts(JournalWriter):
    """Writes the runs of several targets as one: their footers are kept, and become one at the end."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.stream = stream
        self.footers: list[Footer] = []

    def footer(self, footer: Footer) -> None:
        """Keep the footer of one part."""
        self.footers.append(footer)

    def lines(self, lines: Iterable[str]) -> None:
        """Write records as they were written elsewhere."""
        for line in lines:
            self.stream.write(line + "\n")
        self.stream.flush()

    def end(self, stale: Sequence[str], *, interrupted: bool) -> None:
        """Write the footer of all parts together; `stale` are lines about expectations that hold no more."""
        found = {EndReason(footer.why) for footer in self.footers} | ({EndReason.INTERRUPTED} if interrupted else set())
        why = gravest_end(found)
        together = {name: marks for footer in self.footers for name, marks in footer.counts.items()}
        seconds = round(sum(footer.seconds for footer in self.footers), 6)
        super().footer(Footer(why=why.value, end=now(), seconds=seconds, counts=together, stale=tuple(stale)))


class Written:
    """The journal of a session, and what is made of it at its end."""

    def __init__(self, prepared: Prepared) -> None:
        """Write what `prepared` asks for; nothing is opened before there is something to write."""
        self.prepared = prepared
        self.outcomes: list[TargetOutcome] = []
        self.ruling: Ruling | None = None
        self.paths: list[Path] = []
        self._writer: Parts | None = None
        self._parts: list[str] = []

    @property
    def path(self) -> Path | None:
        """The journal's file; None where none is kept: without a folder, and in a worker, whose controller does."""
        folder = self.prepared.folder
        return None if folder is None or is_worker(self.prepared.config) else folder / "journal.jsonl"

    def writer(self, plans: Sequence[Plan]) -> Parts:
        """Return the journal, its header written; raises Problem where it cannot be opened."""
        if self._writer is None:
            try:
                stream = self.path.open("w", encoding="utf-8", newline="\n") if self.path else io.StringIO()
            except OSError as problem:
                raise Problem(f"{self.path}: cannot be written: {problem.strerror}; name another --ws-out") from None
            self._writer = Parts(stream)
            self._writer.header(self.prepared.header(plans or self._plans()))
        return self._writer

    def _plans(self) -> list[Plan]:
        prepared = self.prepared
        return [prepared.plan(aim, (entry.id for entry in prepared.selected[aim.name])) for aim in prepared.aims]

    def part(self, text: str) -> None:
        """Take the journal of a worker."""
        self._parts.append(text)

    def end(self, outcomes: Sequence[TargetOutcome], *, interrupted: bool) -> None:
        """End the journal, make the reports, and judge `outcomes`, or those of the workers; raises Problem."""
        self.outcomes = list(outcomes)
        if self._parts:
            self._gather()
        if self._writer is None:
            return
        stream, config = self._writer.stream, self.prepared.config
        # A worker knows a part of the results, and its controller judges.
        stale = () if is_worker(config) else self._stale()
        self._writer.end(stale, interrupted=interrupted)
        if is_worker(config) and isinstance(stream, io.StringIO):
            config.workeroutput[OUTPUT] = stream.getvalue()  # type: ignore[attr-defined]  # pytest-xdist's
            return
        stream.close()
        known = self.prepared.expectations.name
        self.ruling = rule(self.outcomes, stale, self.prepared.policy, interrupted=interrupted, expected=known)
        if self.path is not None:
            self._make(self.path)

    def _gather(self) -> None:
        """Write the workers' journals as one."""
        writer = self.writer(())
        for text in self._parts:
            lines = text.splitlines()
            journal = parse(lines, "a worker's journal")
            writer.lines(line for line in lines if json.loads(line)["record"] in ("target", "result"))
            if journal.footer:
                writer.footer(journal.footer)
            self.outcomes += self._outcomes(journal)

    def _outcomes(self, journal: Journal) -> list[TargetOutcome]:
        outcomes = list[TargetOutcome]()
        for each in journal.targets:
            problem = each.target.untested
            lost = (
                journal.footer is not None and journal.footer.why == EndReason.LOST.value and len(journal.targets) == 1
            )
            why = EndReason.LOST if problem or lost else EndReason.DONE
            outcome = TargetOutcome(name=each.target.name, planned=len(each.results), why=why.value, problem=problem)
            for result in each.results:
                outcome.record(result)
                # What is known of a case was looked up in the worker; here it is counted.
                self.prepared.expectations.mark(each.target.name, replace(result, expected=None, flaky_expected=False))
            outcomes.append(outcome)
        return outcomes

    def _stale(self) -> list[str]:
        prepared = self.prepared
        roles = {aim.name: aim.target.role for aim in prepared.aims}
        return running.stale(
            prepared.expectations,
            prepared.catalogue,
            prepared.registry,
            prepared.settings,
            prepared.configuration,
            ran={outcome.name: roles[outcome.name] for outcome in self.outcomes},
        )

    def _make(self, path: Path) -> None:
        from ..journal.journal import read
        from ..journal.renderers import make

        self.paths.append(path)
        self.paths += make(self.prepared.documents, [read(path)], path.parent)
