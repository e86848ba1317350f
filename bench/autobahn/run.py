"""Run Autobahn|Testsuite against a server, and print its costs and grades as JSON.

Wall and CPU seconds are those of Autobahn's own process, including its start-up and its reports, without the target's.
`--runs` repeats the measurement and prints medians, because a single time is not reliable.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
DEADLINE = 1800.0


class RunError(Exception):
    """Autobahn did not complete its run; the message is one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One run: seconds, peak memory (MB), the number of cases, and how often each grade occurred."""

    wall: float
    cpu: float
    peak: float
    cases: int
    behaviours: dict[str, int]
    closing_behaviours: dict[str, int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print; return 0, or 3 if Autobahn cannot be installed or the target cannot be tested."""
    options = _parser().parse_args(arguments)
    cases = [pattern.strip() for pattern in options.cases.split(",") if pattern.strip()]
    excluded = [pattern.strip() for pattern in options.exclude.split(",") if pattern.strip()]
    try:
        program = installed(options.python)
        outcomes = [one_run(program, options.url, cases, excluded, options.deadline) for _ in range(options.runs)]
    except RunError as error:
        print(error, file=sys.stderr)
        return 3
    summary = {
        "url": options.url,
        "cases": cases,
        "median": {
            "wall": round(median(outcome.wall for outcome in outcomes), 3),
            "cpu": round(median(outcome.cpu for outcome in outcomes), 3),
        },
        "runs": [asdict(outcome) for outcome in outcomes],
    }
    print(json.dumps(summary, indent=2))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure Autobahn|Testsuite against a WebSocket server.")
    parser.add_argument("--url", required=True, help="the server, as ws://HOST:PORT/")
    parser.add_argument("--cases", default="*", help="patterns joined by commas, such as 1.*,2.* (default all)")
    parser.add_argument("--exclude", default="", help="patterns of cases to leave out, joined by commas")
    parser.add_argument("--runs", type=_count, default=1, help="how often (default 1)")
    parser.add_argument("--deadline", type=float, default=DEADLINE, help=f"seconds for one run ({DEADLINE:.0f})")
    parser.add_argument("--python", help="a Python 2.7 for Autobahn, if it is not installed yet")
    return parser


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of runs")
    return int(text)


def installed(python: str | None) -> Path:
    """Return the path of Autobahn's program; install.py installs it if necessary. Raises `RunError`."""
    command = [sys.executable, str(HERE / "install.py"), *(["--python", python] if python else [])]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise RunError("Autobahn is not installed; nothing was measured")
    return Path(done.stdout.strip())


def one_run(program: Path, url: str, cases: list[str], excluded: list[str], deadline: float) -> Outcome:
    """Run the fuzzing client once in a folder of its own, for `deadline` seconds at most. Raises `RunError`."""
    with tempfile.TemporaryDirectory(prefix="autobahn-") as folder:
        spec = Path(folder) / "spec.json"
        reports = Path(folder) / "reports"
        wanted = {
            "outdir": str(reports),
            "servers": [{"url": url, "agent": "target"}],
            "cases": cases,
            "exclude-cases": excluded,
            "exclude-agent-cases": {},
        }
        spec.write_text(json.dumps(wanted))
        wall, cpu, peak, output = measured([str(program), "-m", "fuzzingclient", "-s", str(spec)], folder, deadline)
        try:
            results = json.loads((reports / "index.json").read_text())["target"]
        except (OSError, ValueError, KeyError):
            last = output.strip().splitlines()[-1:] or ["nothing"]
            raise RunError(f"{url}: Autobahn left no results; its last line: {last[0]}") from None
    grades = Counter(result["behavior"] for result in results.values())
    closings = Counter(result["behaviorClose"] for result in results.values())
    return Outcome(
        wall=round(wall, 3),
        cpu=round(cpu, 3),
        peak=round(peak, 1),
        cases=len(results),
        behaviours=dict(grades),
        closing_behaviours=dict(closings),
    )


def measured(command: list[str], folder: str, deadline: float) -> tuple[float, float, float, str]:
    """Return wall and CPU seconds of a command, its peak memory (MB) and its output.

    Raises `RunError` after `deadline` seconds, and kills the command's process group.
    """
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=deadline)
        except BaseException as error:
            # Its reactor would run for ever without us, also if we are interrupted.
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise RunError(f"Autobahn did not end within {deadline:g} s") from None
            raise
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # The peak of all children so far, in KiB; the installer needs far less memory than Autobahn itself.
    return wall, cpu, after.ru_maxrss * 1024 / 1e6, output


if __name__ == "__main__":
    sys.exit(main())
