"""The older suite and ours, put to one server in turn: frames, sizes, compression as detection and at full volume.

Each run is a whole process, its start-up and what it writes included; the server is the `websockets` library's,
started here and alive throughout. Rounds alternate, so that what the machine does meanwhile meets both.
From the project's folder: `python -m bench.autobahn_vs_ours --group sizes`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.measure import Cost, Failed, load, measure, middle, program, table, write
from wsconform.catalogue.aliases import AUTOBAHN, load_aliases
from wsconform.fixtures.targets.launcher import LaunchError, RecipeError, Unavailable, find, launch

HERE = Path(__file__).resolve().parent
SERVER = "websockets"

#: Seconds for one run of a suite: at full volume the older one takes the better part of an hour where it is busy.
DEADLINE = 7200.0

#: How many rows each group of compression has in the older suite, and how many groups.
ROWS, COMPRESSION = range(1, 19), (*(f"12.{n}" for n in range(1, 6)), *(f"13.{n}" for n in range(1, 8)))


@dataclass(frozen=True, slots=True)
class Group:
    """Stimuli that both suites put: ids of the older one's, rounds of each suite, and of ours which cases, or all."""

    name: str
    ids: str
    number: int
    ours: int
    theirs: int
    only: str = ""


GROUPS = {
    group.name: group
    for group in (
        Group("frames", "1.*,2.*,3.*,4.*,5.*,6.*,7.*,10.*", 247, 5, 3),
        Group("sizes", "9.*", 54, 5, 3),
        Group("compression", "12.*,13.*", 216, 5, 1, only="few"),
        Group("volume", "12.*,13.*", 216, 1, 1, only="thousand"),
    )
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return 0, or 3 where a suite or the server could not be run."""
    options = _parser().parse_args(arguments)
    group = GROUPS[options.group]
    rounds = Rounds(
        group,
        options.rows,
        group.ours if options.ours is None else options.ours,
        group.theirs if options.theirs is None else options.theirs,
    )
    try:
        with launch(find(SERVER)) as server, tempfile.TemporaryDirectory(prefix="older-vs-ours-") as folder:
            figures = rounds.compare(server.url, server.pid, Path(folder))
            figures["server"] = server.version
    except (Failed, LaunchError, RecipeError, Unavailable) as problem:
        print(problem, file=sys.stderr)
        return 3
    print(told(figures))
    write(options.json, figures)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure both suites with the same stimuli.")
    parser.add_argument("--group", choices=GROUPS, default="frames", help="which stimuli (default frames)")
    parser.add_argument("--rows", type=_rows, default=(), help="of compression, these of the 18 rows, such as 1,5,10")
    parser.add_argument("--ours", type=int, help="rounds of ours (default: by group, 1 or 5)")
    parser.add_argument("--theirs", type=int, help="rounds of theirs (default: by group, 1 or 3; 0: ours alone)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure as JSON")
    return parser


def _rows(text: str) -> tuple[int, ...]:
    rows = tuple(int(part) for part in text.split(",") if part.isascii() and part.isdecimal())
    if not rows or len(rows) < len(text.split(",")) or not set(rows) <= set(ROWS):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of rows, each of 1 to 18")
    return rows


class Rounds:
    """Runs of both suites with the stimuli of one group, of compression perhaps with some `rows` alone."""

    def __init__(self, group: Group, rows: Sequence[int], ours: int, theirs: int) -> None:
        self.group, self.ours, self.theirs = group, ours, theirs
        self.ids = group.ids.split(",")
        self.number = group.number
        if rows and group.only:
            self.ids = [f"{each}.{row}" for each in COMPRESSION for row in rows]
            self.number = len(self.ids)

    def compare(self, url: str, server: int, folder: Path) -> dict[str, object]:
        """Return every round's figures, the server's CPU seconds, medians and ratios. Raises Failed."""
        ours, theirs = list[Cost](), list[Cost]()
        served: dict[str, list[float]] = {"ours": [], "theirs": []}
        counts: dict[str, object] = {}
        loads = [load()]
        if self.ours:
            # Once for the bytecode, which the older suite's installation has as well.
            _run(url, folder, ["-c", "masking.*"])
        for number in range(max(self.ours, self.theirs)):
            if number < self.theirs:
                before = _cpu_of(server)
                cost, counts["theirs"] = self._theirs(url)
                served["theirs"].append(_cpu_of(server) - before)
                theirs.append(cost)
            if number < self.ours:
                before = _cpu_of(server)
                cost, counts["ours"] = _run(url, folder, self._selected())
                served["ours"].append(_cpu_of(server) - before)
                ours.append(cost)
            loads.append(load())
        figures: dict[str, object] = {
            "group": self.group.name,
            "stimuli": self.number,
            "processors": os.cpu_count(),
            "load": loads,
            "counts": counts,
            "served": served,
            "ours": [asdict(cost) for cost in ours],
            "theirs": [asdict(cost) for cost in theirs],
            "median": {"ours": asdict(middle(ours))} if ours else {},
        }
        if ours and theirs:
            mine, other = middle(ours), middle(theirs)
            figures["median"] = {"ours": asdict(mine), "theirs": asdict(other)}
            pairs = ((other.wall, mine.wall), (other.cpu, mine.cpu), (other.peak, mine.peak))
            figures["ratio"] = dict(zip(("wall", "cpu", "peak"), (a / b for a, b in pairs), strict=True))
        return figures

    def _selected(self) -> list[str]:
        """Return the words that select the same of ours."""
        if not self.group.only:
            return ["--profile", "full", *(word for id in self.ids for word in ("-c", f"{AUTOBAHN}{id}"))]
        wanted = set(self.ids)
        many = self.group.only == "thousand"
        words = ["--profile", "full"]
        for case, aliases in load_aliases("wsconform.cases").items():
            older = [alias.removeprefix(AUTOBAHN) for alias in aliases]
            taken = any(id in wanted or f"{id.partition('.')[0]}.*" in wanted for id in older)
            if taken and ("thousand" in case) is many:
                words += ["-c", case]
        return words

    def _theirs(self, url: str) -> tuple[Cost, object]:
        command = [sys.executable, str(HERE / "older_suite" / "run.py"), "--url", url, "--cases", ",".join(self.ids)]
        done = subprocess.run([*command, "--deadline", str(DEADLINE)], stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise Failed("the older suite did not run")
        (run,) = json.loads(done.stdout)["runs"]
        if run["cases"] != self.number:
            raise Failed(f"the older suite ran {run['cases']} cases, not {self.number}")
        return Cost(run["wall"], run["cpu"], run["peak"]), {**run["behaviours"], "closing": run["closing_behaviours"]}


def _run(url: str, folder: Path, words: Iterable[str]) -> tuple[Cost, object]:
    command = [program("wsconform"), "run", url, *words, "-q", "-o", str(folder / "out")]
    cost, _ = measure(command, folder=folder, fine=(0, 1), deadline=DEADLINE)
    counts: dict[str, int] = {}
    for line in (folder / "out" / "journal.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if record["record"] == "result":
            counts[record["verdict"]] = counts.get(record["verdict"], 0) + 1
    return cost, counts


def _cpu_of(process: int) -> float:
    """Return the CPU seconds that `process` and those that it started took so far; 0 where nobody says."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if process in (int(folder.name), int(words[2])):  # itself, or of the process group that it leads
            total += int(words[11]) + int(words[12])
    return total / os.sysconf("SC_CLK_TCK")


def told(figures: dict[str, object]) -> str:
    """Return the figures as a table, ratios last."""
    rows = list[list[str]]()
    for name in ("theirs", "ours"):
        costs = [Cost(**each) for each in figures[name]]  # type: ignore[attr-defined]
        served: list[float] = figures["served"][name]  # type: ignore[index]
        rows += [[f"{name}, round {n}", *_cells(cost), f"{served[n - 1]:.2f}"] for n, cost in enumerate(costs, 1)]
        if costs:
            rows.append([f"{name}, median", *_cells(middle(costs)), f"{sorted(served)[len(served) // 2]:.2f}"])
    if ratio := figures.get("ratio"):
        rows.append(["theirs / ours", *(f"{value:.1f}" for value in ratio.values()), ""])  # type: ignore[attr-defined]
    head = [f"{figures['group']}: {figures['stimuli']} stimuli", "wall s", "CPU s", "peak MB", "server's CPU s"]
    around = f"{figures['server']}, load {figures['load']} on {figures['processors']} processors"
    return f"{table(head, rows)}\n{around}; {figures['counts']}"


def _cells(cost: Cost) -> list[str]:
    return [f"{cost.wall:.3f}", f"{cost.cpu:.3f}", f"{cost.peak:.0f}"]


if __name__ == "__main__":
    sys.exit(main())
