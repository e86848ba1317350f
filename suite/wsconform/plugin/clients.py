"""The run of a client under test: wsconform is the server, and starts the client's command once for each case."""

from __future__ import annotations

import tempfile
from pathlib import Path

import trio

from ..catalogue.case import Item
from ..journal.journal import EndReason, JournalWriter
from ..prepare.serve import ServeFlags, serve_options
from ..run.keeper import RunListener
from ..serving.serve import Serving
from .preparing import Prepared
from .targets import SessionTarget

__all__ = ["ClientRun"]


class ClientRun:
    """The run of one client, with the methods of an Execution."""

    def __init__(
        self,
        prepared: Prepared,
        chosen: SessionTarget,
        items: tuple[Item, ...],
        writer: JournalWriter,
        listener: RunListener,
    ) -> None:
        """Run `items` against `chosen`, a client of the configuration; raises Problem if it cannot be started."""
        from_option = prepared.config.getoption("ws_jobs")
        jobs = prepared.settings.jobs if from_option else chosen.jobs
        flags = ServeFlags.of((), {"target": chosen.name, "port": 0, "jobs": jobs})
        self._scratch = None if prepared.folder else tempfile.TemporaryDirectory(prefix="wsconform-")
        folder = prepared.folder or Path(self._scratch.name if self._scratch else "")
        self._serving = Serving(
            items,
            prepared.registry,
            serve_options(flags, prepared.settings, prepared.configuration, folder),
            writer,
            SilentLines(),
            expectations=prepared.expectations,
            listener=listener,
        )
        self._scope = trio.CancelScope()

    async def run(self, *, signals: bool = True) -> EndReason:
        """Serve until every case has run, and return the reason for the end."""
        try:
            with self._scope:
                await self._serving.run(signals=signals)
        finally:
            if self._scratch is not None:
                self._scratch.cleanup()
        return self._serving.why

    def interrupt(self) -> None:
        """End early. Call this in the thread of the run."""
        self._serving.why = EndReason.INTERRUPTED
        self._scope.cancel()


class SilentLines:
    """Prints nothing, because pytest owns the terminal."""

    def ready(self, line: str) -> None:
        """Do nothing."""

    def say(self, line: str) -> None:
        """Do nothing."""

    def detail(self, line: str) -> None:
        """Do nothing."""
