"""Tools of the benchmarks: measure a whole process, the machine's load, print tables (`python -m bench.NAME`)."""

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
    """A measured process did not complete its work; the message is one line."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The costs of a process: `wall` and `cpu` seconds, including its children, and `peak` memory (MB, 10^6 octets)."""

    wall: float
    cpu: float
    peak: float


def program(name: str) -> str:
    """Return the path of the program `name` beside this interpreter. Raises Failed if it is not installed."""
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise Failed(f"{path}: does not exist; install the project into this interpreter's environment")
    return str(path)


def measure(
    command: Sequence[str], *, folder: Path, fine: Iterable[int] = (0,), deadline: float = DEADLINE
) -> tuple[Cost, str]:
    """Run `command` in `folder` to its end; return its costs and its output on stdout.

    Raises Failed if its exit code is not in `fine`, or if it does not end within `deadline` seconds.
    """
    # Write bytecode into the scratch folder, even if the environment forbids it: an installed package has bytecode.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    alarm = threading.Timer(deadline, os.killpg, (process.pid, signal.SIGKILL))
    alarm.start()
    try:
        assert process.stdout is not None
        output = process.stdout.read()
        # wait4 instead of Popen.wait: it alone returns the resources that this process used.
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
    # Linux reports the peak in KiB.
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6), output


def load() -> float:
    """Return the load average of the last minute; times are unreliable if it exceeds the number of processors."""
    return round(os.getloadavg()[0], 2)


def middle(costs: Sequence[Cost]) -> Cost:
    """Return the median of each figure."""
    return Cost(median(c.wall for c in costs), median(c.cpu for c in costs), median(c.peak for c in costs))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return the rows as lines of text: the first column aligned to the left, the others to the right."""
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    lines = []
    for first, *others in (head, *rows):
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]))
    return "\n".join(line.rstrip() for line in lines)


def write(path: Path | None, figures: Mapping[str, object]) -> None:
    """Write `figures` as JSON to `path`, if a path is given."""
    if path is not None:
        path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
