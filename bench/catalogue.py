"""Measure the suite: the whole catalogue against a real server, one case beside a bare echo, and the start-up.

The server is the `websockets` library's, started here. A case is compared with the minimum work of any client on the
same machine: connect, upgrade, one echo and a closing handshake, in blocking calls. Run it on an idle machine, from the
project's folder: `python -m bench.catalogue`.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

from bench.measure import Cost, Failed, load, measure, middle, program, table, write
from wsconform.fixtures.targets.launcher import HOST, LaunchError, RecipeError, Unavailable, find, launch

SERVER = "websockets"
BARE = 300
#: The upper limit of each figure; `case` is a ratio to the bare echo, the others are seconds and MB.
AIMS = {"standard": 5.0, "memory": 100.0, "case": 3.0, "help": 0.15}

_REQUEST = (
    b"GET / HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_KEY = b"\0\0\0\0"
_TEXT = b"\x81\x85" + _KEY + b"Hello"
_ECHO = b"\x81\x05Hello"
_CLOSE = b"\x88\x82" + _KEY + b"\x03\xe8"
_CLOSED = b"\x88\x02\x03\xe8"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return 0, or 3 if a program could not run."""
    options = _parser().parse_args(arguments)
    try:
        with launch(find(SERVER)) as server, tempfile.TemporaryDirectory(prefix="catalogue-") as name:
            figures = figures_of(server.port, server.url, Path(name), options.rounds)
            figures["server"] = server.version
    except (Failed, LaunchError, RecipeError, Unavailable) as problem:
        print(problem, file=sys.stderr)
        return 3
    print(figures_table(figures))
    write(options.json, figures)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure the whole catalogue, a single case and a start.")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each figure (default 3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure as JSON")
    return parser


def figures_of(port: int, url: str, folder: Path, rounds: int) -> dict[str, object]:
    """Return all figures: seconds, MB, and medians over `rounds`. Raises Failed."""
    run = [program("wsconform"), "run"]
    quiet = ["-q", "-o", str(folder / "out")]
    before = load()

    def costs(*words: str) -> list[Cost]:
        return [measure([*run, *words, *quiet], folder=folder, fine=(0, 1))[0] for _ in range(rounds)]

    # A first run writes the bytecode, which an installed package has already.
    measure([*run, url, "-c", "masking.*", *quiet], folder=folder, fine=(0, 1))
    standard = costs(url)
    cases = _cases(folder)
    quick = costs("reference", "--profile", "quick")
    bare = [bare_echo(port) for _ in range(BARE)]
    measure([*run, url, "-j", "1", *quiet], folder=folder, fine=(0, 1))
    passes = [int(str(record["us"])) / 1e6 for record in _results(folder) if record["verdict"] == "passed"]
    bare += [bare_echo(port) for _ in range(BARE)]
    helps = [measure([program("wsconform"), "--help"], folder=folder)[0] for _ in range(rounds * 3)]
    return {
        "processors": os.cpu_count(),
        "load": [before, load()],
        "cases": cases,
        "standard": [asdict(cost) for cost in standard],
        "quick against the reference": [asdict(cost) for cost in quick],
        "help": [asdict(cost) for cost in helps],
        "median case": median(passes),
        "bare echo": median(bare),
        "case / bare": median(passes) / median(bare),
    }


def bare_echo(port: int) -> float:
    """Return the seconds of one connection with an upgrade, an echo and a closing handshake. Raises Failed."""
    began = time.perf_counter()
    with socket.create_connection((HOST, port), timeout=5) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.sendall(_REQUEST % (HOST.encode(), port))
        _expect(stream, b"\r\n\r\n")
        stream.sendall(_TEXT)
        _expect(stream, _ECHO)
        stream.sendall(_CLOSE)
        _expect(stream, _CLOSED)
        while stream.recv(4096):
            pass
    return time.perf_counter() - began


def _expect(stream: socket.socket, end: bytes) -> None:
    got = b""
    while not got.endswith(end):
        octets = stream.recv(4096)
        if not octets:
            raise Failed(f"the server ended the connection after {got!r}")
        got += octets


def _results(folder: Path) -> list[dict[str, object]]:
    lines = (folder / "out" / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    return [record for record in records if record["record"] == "result" and not record["case"].startswith("monitors.")]


def _cases(folder: Path) -> dict[str, int]:
    counts: dict[str, int] = {}
    for record in _results(folder):
        counts[str(record["verdict"])] = counts.get(str(record["verdict"]), 0) + 1
    return counts


def figures_table(figures: dict[str, object]) -> str:
    """Return the figures as a table, with the upper limit of each."""

    def of(name: str) -> Cost:
        return middle([Cost(**each) for each in figures[name]])  # type: ignore[attr-defined]

    standard, quick, start = of("standard"), of("quick against the reference"), of("help")
    milli = {name: 1000 * float(str(figures[name])) for name in ("median case", "bare echo")}
    rows = [
        ["whole catalogue, wall", f"{standard.wall:.2f} s", f"{AIMS['standard']:g} s"],
        ["whole catalogue, CPU", f"{standard.cpu:.2f} s", ""],
        ["whole catalogue, peak memory", f"{standard.peak:.0f} MB", f"{AIMS['memory']:g} MB"],
        ["median of the cases passed, one at a time", f"{milli['median case']:.2f} ms", ""],
        ["bare connect, echo, close", f"{milli['bare echo']:.2f} ms", ""],
        ["case / bare", f"{float(str(figures['case / bare'])):.2f}", f"{AIMS['case']:g}"],
        ["quick profile, embedded reference, wall", f"{quick.wall:.2f} s", ""],
        ["wsconform --help, wall", f"{start.wall * 1000:.0f} ms", f"{AIMS['help'] * 1000:g} ms"],
    ]
    table_ = table([f"medians against {figures['server']}", "", "aim"], rows)
    return f"{table_}\nload {figures['load']} on {figures['processors']} processors; {figures['cases']}"


if __name__ == "__main__":
    sys.exit(main())
