"""The 247 stimuli of the older suite's groups 1 to 7 and 10: theirs and ours, put to one server, in turn.

Each run is a whole process, its start-up and what it writes included; the server is the `websockets` library's,
started here and alive throughout. Rounds alternate, so that what the machine does meanwhile meets both.
From the project's folder: `python -m bench.older_vs_ours`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bench.measure import Cost, Failed, load, measure, middle, program, table, write
from wsconform.fixtures.targets.launcher import LaunchError, RecipeError, Unavailable, find, launch

HERE = Path(__file__).resolve().parent
GROUPS = "1.*,2.*,3.*,4.*,5.*,6.*,7.*,10.*"
SERVER = "websockets"
NUMBER = 247


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return 0, or 3 where a suite or the server could not be run."""
    options = _parser().parse_args(arguments)
    try:
        with launch(find(SERVER)) as server, tempfile.TemporaryDirectory(prefix="older-vs-ours-") as folder:
            figures = compare(server.url, Path(folder), options.ours, options.theirs)
            figures["server"] = server.version
    except (Failed, LaunchError, RecipeError, Unavailable) as problem:
        print(problem, file=sys.stderr)
        return 3
    print(told(figures))
    write(options.json, figures)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure both suites with the same 247 stimuli.")
    parser.add_argument("--ours", type=int, default=5, help="rounds of ours (default 5)")
    parser.add_argument("--theirs", type=int, default=3, help="rounds of theirs (default 3; 0: ours alone)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure as JSON")
    return parser


def compare(url: str, folder: Path, ours: int, theirs: int) -> dict[str, object]:
    """Return every round's figures, medians and ratios. Raises Failed."""
    ours_costs, theirs_costs = list[Cost](), list[Cost]()
    counts: dict[str, object] = {}
    loads = [load()]
    if ours:
        _ours(url, folder)  # once for the bytecode, which the older suite's installation has as well
    for number in range(max(ours, theirs)):
        if number < theirs:
            cost, counts["theirs"] = _theirs(url)
            theirs_costs.append(cost)
        if number < ours:
            cost, counts["ours"] = _ours(url, folder)
            ours_costs.append(cost)
        loads.append(load())
    figures: dict[str, object] = {
        "processors": os.cpu_count(),
        "load": loads,
        "counts": counts,
        "ours": [asdict(cost) for cost in ours_costs],
        "theirs": [asdict(cost) for cost in theirs_costs],
        "median": {"ours": asdict(middle(ours_costs))} if ours_costs else {},
    }
    if ours_costs and theirs_costs:
        mine, other = middle(ours_costs), middle(theirs_costs)
        figures["median"] = {"ours": asdict(mine), "theirs": asdict(other)}
        figures["ratio"] = {"wall": other.wall / mine.wall, "cpu": other.cpu / mine.cpu, "peak": other.peak / mine.peak}
    return figures


def _ours(url: str, folder: Path) -> tuple[Cost, object]:
    command = [program("wsconform"), "run", url, "-c", "autobahn:*", "-q", "-o", str(folder / "out")]
    cost, _ = measure(command, folder=folder, fine=(0, 1))
    counts: dict[str, int] = {}
    for line in (folder / "out" / "journal.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if record["record"] == "result":
            counts[record["verdict"]] = counts.get(record["verdict"], 0) + 1
    return cost, counts


def _theirs(url: str) -> tuple[Cost, object]:
    command = [sys.executable, str(HERE / "older_suite" / "run.py"), "--url", url, "--cases", GROUPS]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Failed("the older suite did not run")
    (run,) = json.loads(done.stdout)["runs"]
    if run["cases"] != NUMBER:
        raise Failed(f"the older suite ran {run['cases']} cases, not {NUMBER}")
    return Cost(run["wall"], run["cpu"], run["peak"]), {**run["behaviours"], "closing": run["closing_behaviours"]}


def told(figures: dict[str, object]) -> str:
    """Return the figures as a table, ratios last."""
    rows = list[list[str]]()
    for name in ("theirs", "ours"):
        costs = [Cost(**each) for each in figures[name]]  # type: ignore[attr-defined]
        rows += [[f"{name}, round {n}", *_cells(cost)] for n, cost in enumerate(costs, 1)]
        if costs:
            rows.append([f"{name}, median", *_cells(middle(costs))])
    if ratio := figures.get("ratio"):
        rows.append(["theirs / ours", *(f"{value:.1f}" for value in ratio.values())])  # type: ignore[attr-defined]
    head = [f"{NUMBER} stimuli", "wall s", "CPU s", "peak MB"]
    around = f"{figures['server']}, load {figures['load']} on {figures['processors']} processors"
    return f"{table(head, rows)}\n{around}; {figures['counts']}"


def _cells(cost: Cost) -> list[str]:
    return [f"{cost.wall:.3f}", f"{cost.cpu:.3f}", f"{cost.peak:.0f}"]


if __name__ == "__main__":
    sys.exit(main())
