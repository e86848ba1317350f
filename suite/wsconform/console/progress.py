"""How far a run has come, while it goes: a bar a target on a terminal, gone when the target's part is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from ..evidence.result import Mark, Result
from .style import Style

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["Bars"]

#: What is counted beside the bar, as it comes.
_COUNTED = (Mark.VIOLATION, Mark.INCONCLUSIVE, Mark.ERROR)


class Bars:
    """Bars on a terminal, one for each target that runs; whoever writes there clears them first."""

    def __init__(self, stream: TextIO, style: Style) -> None:
        """Draw on `stream`, a terminal, in the `style` of what else is written there."""
        self._stream, self._style = stream, style
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._found: dict[str, dict[Mark, int]] = {}

    def begin(self, target: str, planned: int) -> None:
        """Show a bar for `target`, to which `planned` cases are put."""
        if self._progress is None:
            self._progress = self._made()
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
        self._progress.update(self._tasks[target], advance=1, found=self._told(target))

    def clear(self) -> None:
        """Take all bars away; the next `begin` draws new ones."""
        if self._progress is not None:
            self._progress.stop()
        self._progress = None
        self._tasks, self._found = {}, {}

    def _told(self, target: str) -> str:
        found = self._found[target]
        return "  ".join(
            f"{count} {mark.ascii if self._style.ascii else mark.symbol}" for mark, count in found.items() if count
        )

    def _made(self) -> Progress:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

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
