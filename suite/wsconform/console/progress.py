"""Progress bars on a terminal: one for each target while its cases run, removed before its results are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from ..evidence.result import Mark, Result
from .style import Style

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["Bars"]

#: The marks that are counted beside the bar.
_COUNTED = (Mark.VIOLATION, Mark.INCONCLUSIVE, Mark.ERROR)


class Bars:
    """Progress bars, one for each target whose cases run. Call `clear` before writing to the same terminal."""

    def __init__(self, stream: TextIO, style: Style) -> None:
        """Draw on the terminal `stream`, with the colours and characters of `style`."""
        self._stream, self._style = stream, style
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._found: dict[str, dict[Mark, int]] = {}

    def begin(self, target: str, planned: int) -> None:
        """Show a bar for `target`, against which `planned` cases will run."""
        if self._progress is None:
            self._progress = self._new_progress()
            self._progress.start()
        self._found[target] = dict.fromkeys(_COUNTED, 0)
        name = self._style.cut(self._style.text(target), 28)
        self._tasks[target] = self._progress.add_task("", total=planned, target=name, found="")

    def count(self, target: str, result: Result) -> None:
        """Count a `result` of `target`."""
        if self._progress is None or target not in self._tasks:
            return
        if result.mark in _COUNTED:
            self._found[target][result.mark] += 1
        self._progress.update(self._tasks[target], advance=1, found=self._counts(target))

    def clear(self) -> None:
        """Remove all bars; the next `begin` draws new ones."""
        if self._progress is not None:
            self._progress.stop()
        self._progress = None
        self._tasks, self._found = {}, {}

    def _counts(self, target: str) -> str:
        found = self._found[target]
        return "  ".join(
            f"{count} {mark.ascii if self._style.ascii else mark.symbol}" for mark, count in found.items() if count
        )

    def _new_progress(self) -> Progress:
        # Importing rich takes longer than a quick run; only a terminal needs it.
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

        style = self._style
        console = Console(
            file=self._stream,
            force_terminal=True,
            no_color=not style.color,
            width=style.width,
            highlight=False,
            markup=False,
            emoji=False,
        )
        bar = [] if style.ascii else [BarColumn(24)]
        return Progress(
            TextColumn("  {task.fields[target]}", markup=False),
            *bar,
            MofNCompleteColumn(" of "),
            TextColumn("{task.fields[found]}", style="red" if style.color else "", markup=False),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
