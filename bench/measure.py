"""What the benchmarks share: a whole process measured, the machine's load, and tables (`python -m bench.NAME`)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

__all__ = ["Cost", "Failed", "load", "measure", "middle", "program", "table", "write"]

DEADLINE = 300.0


class Failed(Exception):
    """A process that was to be measured did not do its work; the message is one line."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took: `wall` and `cpu` seconds, its children's in them, and `peak` memory (MB, 10^6 octets)."""

    wall: float
    cpu: float
    peak: float


def program(name: str) -> str:
    """Return the path of a program that is installed beside this interpreter; raises Failed."""
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise Failed(f"{path}: not there; install the project into this interpreter's environment")
    return str(path)


def measure(
    command: Sequence[str], *, folder: Path, fine: Iterable[int] = (0,), deadline: float = DEADLINE
) -> tuple[Cost, str]:
    """Run `command` in `folder` to its end; return what it took and what it printed on stdout.

    Raises Failed where its exit code is none of `fine`, or it is not done after `deadline` seconds.
    """
    # Bytecode is kept, in the scratch folder, whatever the surroundings say: what is installed has it.
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    surroundings["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=surroundings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    alarm = threading.Timer(deadline, os.killpg, (process.pid, signal.SIGKILL))
    alarm.start()
    try:
        assert process.stdout is not None
        said = process.stdout.read()
        # Not Popen.wait: the resources of this one process come with its end, and with nothing else.
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    finally:
        alarm.cancel()
        process.stdout and process.stdout.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in tuple(fine):
        raise Failed(f"{' '.join(command[:3])} ...: exit {process.returncode} after {wall:.1f} s")
    # Linux gives the peak in KiB.
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6), said


def load() -> float:
    """Return the load average of the last minute: above the number of processors, times say little."""
    return round(os.getloadavg()[0], 2)


def middle(costs: Sequence[Cost]) -> Cost:
    """Return the median of each."""
    return Cost(median(c.wall for c in costs), median(c.cpu for c in costs), median(c.peak for c in costs))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return lines of columns: the first to the left, the others to the right."""
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    lines = []
    for first, *others in (head, *rows):
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]))
    return "\n".join(line.rstrip() for line in lines)


def write(path: Path | None, figures: Mapping[str, object]) -> None:
    """Write `figures` as JSON, where a path was asked for."""
    if path is not None:
        path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
