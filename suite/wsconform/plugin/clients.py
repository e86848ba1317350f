"""Clients under test: the suite is the server, and starts their command once for each case."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from ..journal.journal import EndReason
from ..prepare.serve import Preparing, ServeFlags
from ..serving.serve import Serving

if TYPE_CHECKING:
    from ..catalogue.case import Item
    from ..journal.journal import JournalWriter
    from ..run.keeper import RunListener
    from .aims import Aim
    from .preparing import Prepared

__all__ = ["Served"]


class Served:
    """The run of one client, with the methods of an Execution."""

    def __init__(
        self, prepared: Prepared, aim: Aim, entries: tuple[Item, ...], writer: JournalWriter, watcher: RunListener
    ) -> None:
        """Put `entries` to `aim`, a client of the configuration; raises Problem where it cannot be started."""
        given = prepared.config.getoption("ws_jobs")
        jobs = prepared.settings.jobs if given else aim.jobs
        asked = ServeFlags.of((), {"target": aim.name, "port": 0, "jobs": jobs})
        self._scratch = None if prepared.folder else tempfile.TemporaryDirectory(prefix="wsconform-")
        folder = prepared.folder or Path(self._scratch.name if self._scratch else "")
        setting = Preparing(asked, prepared.settings, prepared.configuration).setting(folder)
        self._serving = Serving(
            entries,
            prepared.registry,
            setting,
            writer,
            Quiet(),
            expectations=prepared.expectations,
            listener=watcher,
        )
        self._scope = trio.CancelScope()

    async def run(self, *, signals: bool = True) -> EndReason:
        """Serve until every case was put."""
        try:
            with self._scope:
                await self._serving.run(signals=signals)
        finally:
            if self._scratch is not None:
                self._scratch.cleanup()
        return self._serving.why

    def interrupt(self) -> None:
        """End early; to be called in the run's own thread."""
        self._serving.why = EndReason.INTERRUPTED
        self._scope.cancel()


class Quiet:
    """Tells nothing: pytest has the screen."""

    def ready(self, line: str) -> None:
        """Say nothing."""

    def say(self, line: str) -> None:
        """Say nothing."""

    def detail(self, line: str) -> None:
        """Say nothing."""
