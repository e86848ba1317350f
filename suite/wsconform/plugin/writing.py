"""The output of a session: one journal of all targets and workers, the reports, and the ruling of the gate."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ..journal.gate import Ruling, TargetOutcome, rule
from ..journal.journal import EndReason, Footer, Journal, JournalWriter, gravest_end, parse, read
from ..journal.renderers import make
from ..prepare.journals import now
from ..prepare.run import stale_entries
from ..problem import Problem
from .preparing import Prepared, is_worker

if TYPE_CHECKING:
    from ..run.execution import Plan

__all__ = ["SessionJournal"]

#: The key of a worker's journal in its `workeroutput`, which pytest-xdist sends to the controller.
OUTPUT = "wsconform"


class CombinedWriter(JournalWriter):
    """Writes the runs of several targets into one journal, with one footer made from theirs."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.stream = stream
        self.footers: list[Footer] = []

    def footer(self, footer: Footer) -> None:
        """Keep the footer of one run."""
        self.footers.append(footer)

    def lines(self, lines: Iterable[str]) -> None:
        """Write records from another journal unchanged."""
        for line in lines:
            self.stream.write(line + "\n")
        self.stream.flush()

    def end(self, stale: Sequence[str], *, interrupted: bool) -> None:
        """Write the footer for all runs; `stale` are lines about entries of expected.toml that no longer hold."""
        found = {EndReason(footer.why) for footer in self.footers} | ({EndReason.INTERRUPTED} if interrupted else set())
        why = gravest_end(found)
        together = {name: marks for footer in self.footers for name, marks in footer.counts.items()}
        seconds = round(sum(footer.seconds for footer in self.footers), 6)
        super().footer(Footer(why=why.value, end=now(), seconds=seconds, counts=together, stale=tuple(stale)))


class SessionJournal:
    """The journal of a session, and its reports and ruling at the end."""

    def __init__(self, prepared: Prepared) -> None:
        """Write the output of the session `prepared`; no file is opened before the first record."""
        self.prepared = prepared
        self.outcomes: list[TargetOutcome] = []
        self.ruling: Ruling | None = None
        self.paths: list[Path] = []
        self._writer: CombinedWriter | None = None
        self._parts: list[str] = []

    @property
    def path(self) -> Path | None:
        """The file of the journal; None without a folder, and in a worker, because the controller writes the file."""
        folder = self.prepared.folder
        return None if folder is None or is_worker(self.prepared.config) else folder / "journal.jsonl"

    def writer(self, plans: Sequence[Plan]) -> CombinedWriter:
        """Return the writer of the journal, with the header written; raises Problem if the file cannot be opened."""
        if self._writer is None:
            try:
                stream = self.path.open("w", encoding="utf-8", newline="\n") if self.path else io.StringIO()
            except OSError as problem:
                raise Problem(f"{self.path}: cannot be written: {problem.strerror}; name another --ws-out") from None
            self._writer = CombinedWriter(stream)
            self._writer.header(self.prepared.header(plans or self._plans()))
        return self._writer

    def _plans(self) -> list[Plan]:
        prepared = self.prepared
        return [
            prepared.plan(chosen, (entry.id for entry in prepared.selected[chosen.name])) for chosen in prepared.targets
        ]

    def add_part(self, text: str) -> None:
        """Add the journal of a worker."""
        self._parts.append(text)

    def end(self, outcomes: Sequence[TargetOutcome], *, interrupted: bool) -> None:
        """Write the footer and the reports, and apply the gate to `outcomes` and those of workers; raises Problem."""
        self.outcomes = list(outcomes)
        if self._parts:
            self._gather()
        if self._writer is None:
            return
        stream, config = self._writer.stream, self.prepared.config
        # A worker has only a part of the results; the controller applies the gate.
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
        """Write the journals of the workers into one."""
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
                # The worker looked up the expected failures; this marks the entries as used in the controller.
                self.prepared.expectations.mark(each.target.name, replace(result, expected=None, flaky_expected=False))
            outcomes.append(outcome)
        return outcomes

    def _stale(self) -> list[str]:
        prepared = self.prepared
        roles = {chosen.name: chosen.target.role for chosen in prepared.targets}
        return stale_entries(
            prepared.expectations,
            prepared.catalogue,
            prepared.registry,
            prepared.settings,
            prepared.configuration,
            ran={outcome.name: roles[outcome.name] for outcome in self.outcomes},
        )

    def _make(self, path: Path) -> None:
        self.paths.append(path)
        self.paths += make(self.prepared.documents, [read(path)], path.parent)
