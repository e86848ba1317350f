"""Compare the speed of Autobahn|Testsuite and wsconform on one server: frames, sizes, compression in two volumes.

Each run is a whole process, including its start-up and the files that it writes. The server is the `websockets`
library's; it is started once and serves all runs. The rounds alternate between the suites, so that other load on the
machine affects both. From the project's folder: `python -m bench.autobahn_vs_ours --group sizes`.
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

#: Seconds for one run of a suite: at full volume Autobahn takes most of an hour on a busy machine.
DEADLINE = 7200.0

#: The rows of each compression group in Autobahn, and the groups.
ROWS, COMPRESSION = range(1, 19), (*(f"12.{n}" for n in range(1, 6)), *(f"13.{n}" for n in range(1, 8)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Stimuli of both suites: Autobahn's ids, the rounds of each suite, and `only` to choose among our cases."""

    name: str
    ids: str
    number: int
    ours: int
    autobahn: int
    only: str = ""


GROUPS = {
    group.name: group
    for group in (
        Group(name="frames", ids="1.*,2.*,3.*,4.*,5.*,6.*,7.*,10.*", number=247, ours=5, autobahn=3),
        Group(name="sizes", ids="9.*", number=54, ours=5, autobahn=3),
        Group(name="compression", ids="12.*,13.*", number=216, ours=5, autobahn=1, only="few"),
        Group(name="volume", ids="12.*,13.*", number=216, ours=1, autobahn=1, only="thousand"),
    )
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return 0, or 3 if a suite or the server could not run."""
    options = _parser().parse_args(arguments)
    group = GROUPS[options.group]
    rounds = Rounds(
        group,
        options.rows,
        group.ours if options.ours is None else options.ours,
        group.autobahn if options.autobahn is None else options.autobahn,
    )
    try:
        with launch(find(SERVER)) as server, tempfile.TemporaryDirectory(prefix="autobahn-vs-ours-") as folder:
            figures = rounds.compare(server.url, server.pid, Path(folder))
            figures["server"] = server.version
    except (Failed, LaunchError, RecipeError, Unavailable) as problem:
        print(problem, file=sys.stderr)
        return 3
    print(figures_table(figures))
    write(options.json, figures)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure both suites with the same stimuli.")
    parser.add_argument("--group", choices=GROUPS, default="frames", help="which stimuli (default frames)")
    parser.add_argument(
        "--rows", type=_rows, default=(), help="rows of the compression groups, such as 1,5,10 (default: all 18)"
    )
    parser.add_argument("--ours", type=int, help="rounds of wsconform (default: by group, 1 or 5)")
    parser.add_argument("--autobahn", type=int, help="rounds of Autobahn (default: by group, 1 or 3; 0: only ours)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure as JSON")
    return parser


def _rows(text: str) -> tuple[int, ...]:
    rows = tuple(int(part) for part in text.split(",") if part.isascii() and part.isdecimal())
    if not rows or len(rows) < len(text.split(",")) or not set(rows) <= set(ROWS):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of rows; give numbers from 1 to 18")
    return rows


class Rounds:
    """Runs of both suites with the stimuli of one group; for compression perhaps only with some `rows`."""

    def __init__(self, group: Group, rows: Sequence[int], ours: int, autobahn: int) -> None:
        self.group, self.ours, self.autobahn = group, ours, autobahn
        self.ids = group.ids.split(",")
        self.number = group.number
        if rows and group.only:
            self.ids = [f"{each}.{row}" for each in COMPRESSION for row in rows]
            self.number = len(self.ids)

    def compare(self, url: str, server: int, folder: Path) -> dict[str, object]:
        """Return the figures of every round, the server's CPU seconds, medians and ratios. Raises Failed."""
        ours, autobahn = list[Cost](), list[Cost]()
        served: dict[str, list[float]] = {"ours": [], "autobahn": []}
        counts: dict[str, object] = {}
        loads = [load()]
        if self.ours:
            # A first run writes the bytecode, which the installation of Autobahn contains already.
            _run(url, folder, ["-c", "masking.*"])
        for number in range(max(self.ours, self.autobahn)):
            if number < self.autobahn:
                before = _cpu_of(server)
                cost, counts["autobahn"] = self._run_autobahn(url)
                served["autobahn"].append(_cpu_of(server) - before)
                autobahn.append(cost)
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
            "autobahn": [asdict(cost) for cost in autobahn],
            "median": {"ours": asdict(middle(ours))} if ours else {},
        }
        if ours and autobahn:
            mine, other = middle(ours), middle(autobahn)
            figures["median"] = {"ours": asdict(mine), "autobahn": asdict(other)}
            pairs = ((other.wall, mine.wall), (other.cpu, mine.cpu), (other.peak, mine.peak))
            figures["ratio"] = dict(zip(("wall", "cpu", "peak"), (a / b for a, b in pairs), strict=True))
        return figures

    def _selected(self) -> list[str]:
        """Return the options that select our cases with the same stimuli."""
        if not self.group.only:
            return ["--profile", "full", *(word for id in self.ids for word in ("-c", f"{AUTOBAHN}{id}"))]
        wanted = set(self.ids)
        many = self.group.only == "thousand"
        words = ["--profile", "full"]
        for case, aliases in load_aliases("wsconform.cases").items():
            ids = [alias.removeprefix(AUTOBAHN) for alias in aliases]
            included = any(id in wanted or f"{id.partition('.')[0]}.*" in wanted for id in ids)
            if included and ("thousand" in case) is many:
                words += ["-c", case]
        return words

    def _run_autobahn(self, url: str) -> tuple[Cost, object]:
        command = [sys.executable, str(HERE / "autobahn" / "run.py"), "--url", url, "--cases", ",".join(self.ids)]
        done = subprocess.run([*command, "--deadline", str(DEADLINE)], stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise Failed("Autobahn did not run")
        (run,) = json.loads(done.stdout)["runs"]
        if run["cases"] != self.number:
            raise Failed(f"Autobahn ran {run['cases']} cases, not {self.number}")
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
    """Return the CPU seconds so far of `process` and its process group; 0 without a /proc file system."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if process in (int(folder.name), int(words[2])):  # itself, or a process of the group that it leads
            total += int(words[11]) + int(words[12])
    return total / os.sysconf("SC_CLK_TCK")


def figures_table(figures: dict[str, object]) -> str:
    """Return the figures as a table, with the ratios last."""
    rows = list[list[str]]()
    for name in ("autobahn", "ours"):
        costs = [Cost(**each) for each in figures[name]]  # type: ignore[attr-defined]
        served: list[float] = figures["served"][name]  # type: ignore[index]
        rows += [[f"{name}, round {n}", *_cells(cost), f"{served[n - 1]:.2f}"] for n, cost in enumerate(costs, 1)]
        if costs:
            rows.append([f"{name}, median", *_cells(middle(costs)), f"{sorted(served)[len(served) // 2]:.2f}"])
    if ratio := figures.get("ratio"):
        rows.append(["autobahn / ours", *(f"{value:.1f}" for value in ratio.values()), ""])  # type: ignore[attr-defined]
    head = [f"{figures['group']}: {figures['stimuli']} stimuli", "wall s", "CPU s", "peak MB", "server's CPU s"]
    around = f"{figures['server']}, load {figures['load']} on {figures['processors']} processors"
    return f"{table(head, rows)}\n{around}; {figures['counts']}"


def _cells(cost: Cost) -> list[str]:
    return [f"{cost.wall:.3f}", f"{cost.cpu:.3f}", f"{cost.peak:.0f}"]


if __name__ == "__main__":
    sys.exit(main())
