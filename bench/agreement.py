"""Compare the verdicts of Autobahn|Testsuite and wsconform, id by id, on the same servers and clients.

Autobahn writes its own `index.json`; ours is the one that `run` and `serve` write with `--autobahn-spec` for the same
configuration. Rulings in agreement.toml, beside this file, explain the differences. A difference without a ruling
counts as our bug until shown otherwise, and makes the exit status 1. From the project's folder:
`python -m bench.agreement`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.autobahn.install import install
from bench.measure import Failed, program, table, write
from wsconform.autobahn.ids import matches, matches_whole, order
from wsconform.fixtures.targets.install import prepare
from wsconform.fixtures.targets.launcher import LaunchError, RecipeError, Unavailable, find, free_port, launch
from wsconform.fixtures.targets.recipe import Recipe

RULINGS = Path(__file__).resolve().parent / "agreement.toml"
TARGETS = (
    "websockets",
    "aiohttp",
    "autobahn",
    "ws",
    "websockets-client",
    "aiohttp-client",
    "autobahn-client",
    "ws-client",
)
CASES = "1.*,2.*,3.*,4.*,5.*,6.*,7.*,10.*"
#: The line that each suite prints as a server when clients can connect.
READY = "Ok, will run"
DEADLINE = 1800.0

HEAD = ("target", "ids", "agree", "explained", "open", "other code")

Index = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Grade:
    """A suite's result for one case: `behavior`, `behaviorClose`, and the code that the target closed with."""

    behavior: str
    closing: str
    code: int | None

    @classmethod
    def of(cls, index: Index, id: str) -> Grade:
        """Return the result of the case called `id` in one agent's `index`; MISSING if the index has none."""
        entry = index.get(id)
        if entry is None:
            return cls("MISSING", "", None)
        code = entry["remoteCloseCode"]
        return cls(str(entry["behavior"]), str(entry["behaviorClose"]), code if isinstance(code, int) else None)

    def __str__(self) -> str:
        return f"{self.behavior}/{self.closing}" if self.closing else self.behavior


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """Why the results of some ids differ, and which is right; `autobahn` and `ours` are patterns of results.

    `reading` names the page in docs/readings about the sentence in question, if there is one.
    """

    ids: tuple[str, ...]
    why: str
    reading: str = ""
    targets: tuple[str, ...] = ("*",)
    autobahn: str = "*"
    ours: str = "*"

    def explains(self, difference: Difference) -> bool:
        """Return whether this ruling covers `difference`."""
        return (
            any(matches(pattern, difference.id) for pattern in self.ids)
            and any(matches_whole(pattern, difference.target) for pattern in self.targets)
            and matches_whole(self.autobahn, str(difference.autobahn))
            and matches_whole(self.ours, str(difference.ours))
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """One id, on one target, with different results in the two suites."""

    target: str
    id: str
    autobahn: Grade
    ours: Grade


def rulings(path: Path = RULINGS) -> list[Ruling]:
    """Return the rulings in the file at `path`."""
    found = list[Ruling]()
    for entry in tomllib.loads(path.read_text(encoding="utf-8"))["ruling"]:
        values: dict[str, Any] = {key: tuple(each) if isinstance(each, list) else each for key, each in entry.items()}
        found.append(Ruling(**values))
    return found


def differences(target: str, autobahn: Index, ours: Index) -> Iterator[Difference]:
    """Yield each difference between two indexes of one target, in the order of ids; close codes are not compared."""
    for id in sorted({*autobahn, *ours}, key=order):
        other, our = Grade.of(autobahn, id), Grade.of(ours, id)
        if (other.behavior, other.closing) != (our.behavior, our.closing):
            yield Difference(target, id, other, our)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare and print; return 0, 1 if a difference has no ruling, or 3 if a suite or a target could not run."""
    options = _parser().parse_args(arguments)
    known = rulings()
    try:
        autobahn = _Autobahn(install(options.python))
    except Unavailable as problem:
        print(f"Autobahn cannot be installed: {problem}", file=sys.stderr)
        return 3
    selection = _split(options.cases), _split(options.exclude)
    rows, found, code = list[list[str]](), list[tuple[Difference, Ruling | None]](), 0
    figures = dict[str, object]()
    for name in options.targets or TARGETS:
        try:
            indexes = _both(find(name), autobahn, selection, options.keep)
        except (Failed, LaunchError, RecipeError, Unavailable) as problem:
            print(f"{name}: {problem}", file=sys.stderr)
            code = 3
            continue
        judged = [
            (difference, next((ruling for ruling in known if ruling.explains(difference)), None))
            for difference in differences(name, *indexes)
        ]
        found += judged
        rows.append(_row(name, indexes, judged))
        figures[name] = {"autobahn": indexes[0], "ours": indexes[1]}
        for difference, ruling in judged:
            print(_line(difference, ruling), flush=True)
    print(table(HEAD, rows))
    print(_explained(found))
    if options.markdown:
        options.markdown.write_text(markdown(rows, found), encoding="utf-8")
    write(options.json, {"indexes": figures, "differences": [asdict(each) for each, _ in found]})
    return code or int(any(ruling is None for _, ruling in found))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Run Autobahn's cases against the same servers and clients with both suites."
    )
    parser.add_argument("targets", nargs="*", help=f"names of recipes (default {' '.join(TARGETS)})")
    parser.add_argument("--cases", default=CASES, help=f"patterns joined by commas (default {CASES})")
    parser.add_argument("--exclude", default="", help="patterns of cases to leave out, joined by commas")
    parser.add_argument("--python", help="a Python 2.7 for Autobahn, if it is not installed yet")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep both suites' reports there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every index and difference as JSON")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the tables as Markdown")
    return parser


def _split(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _row(name: str, indexes: tuple[Index, Index], judged: Sequence[tuple[Difference, Ruling | None]]) -> list[str]:
    autobahn, ours = indexes
    ids = {*autobahn, *ours}
    unexplained = sum(ruling is None for _, ruling in judged)
    codes = sum(Grade.of(autobahn, id).code != Grade.of(ours, id).code for id in ids)
    return [name, *map(str, (len(ids), len(ids) - len(judged), len(judged) - unexplained, unexplained, codes))]


def _line(difference: Difference, ruling: Ruling | None) -> str:
    verdicts = f"{difference.target} {difference.id}: Autobahn {difference.autobahn}, ours {difference.ours}"
    return f"{verdicts}: {ruling.why if ruling else 'NO RULING'}"


def _explained(found: Sequence[tuple[Difference, Ruling | None]]) -> str:
    counts = Counter(ruling for _, ruling in found if ruling is not None)
    return "\n".join(f"{count:4} by: {ruling.why}" for ruling, count in counts.most_common())


def markdown(rows: Sequence[Sequence[str]], found: Sequence[tuple[Difference, Ruling | None]]) -> str:
    """Return two tables: the counts of each target, and the differences by ruling."""
    lines = [_cells(HEAD), _cells(["---"] * len(HEAD)), *map(_cells, rows), ""]
    by_ruling: dict[Ruling | None, list[Difference]] = {}
    for difference, ruling in found:
        by_ruling.setdefault(ruling, []).append(difference)
    heads = ("Autobahn", "Ours", "Ids", "Targets", "Ruling")
    lines += [_cells(heads), _cells(["---"] * len(heads))]
    for ruling, differences in sorted(by_ruling.items(), key=lambda item: -len(item[1])):
        ids = sorted({each.id for each in differences}, key=order)
        reading = f" ([reading](readings/{ruling.reading}.md))" if ruling and ruling.reading else ""
        lines.append(
            _cells(
                (
                    ", ".join(sorted({str(each.autobahn) for each in differences})),
                    ", ".join(sorted({str(each.ours) for each in differences})),
                    ", ".join(ids),
                    ", ".join(dict.fromkeys(each.target for each in differences)),
                    f"{ruling.why}{reading}" if ruling else "**none**",
                )
            )
        )
    return "\n".join(lines) + "\n"


def _cells(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


# --- running both suites


def _both(
    recipe: Recipe, autobahn: _Autobahn, selection: tuple[list[str], list[str]], keep: Path | None
) -> tuple[Index, Index]:
    """Return the index of one target from each suite. Raises Failed, LaunchError, Unavailable."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="agreement-")))
        if keep is not None:
            folder = keep.absolute() / recipe.name
            folder.mkdir(parents=True, exist_ok=True)
        return tuple(_index(recipe, suite, selection, folder) for suite in (autobahn, _Ours()))  # type: ignore[return-value]


def _index(recipe: Recipe, suite: _Autobahn | _Ours, selection: tuple[list[str], list[str]], folder: Path) -> Index:
    cases, excluded = selection
    where = folder / type(suite).__name__.strip("_").lower()
    where.mkdir(exist_ok=True)
    spec = {
        "outdir": str(where / "reports"),
        "cases": cases,
        "exclude-cases": excluded,
        "exclude-agent-cases": {},
    }
    file = where / "spec.json"
    if recipe.role == "server":
        with launch(recipe) as server:
            file.write_text(json.dumps({**spec, "servers": [{"url": server.url, "agent": recipe.name}]}))
            _run(suite.as_client(file), where)
    else:
        url = f"ws://127.0.0.1:{free_port()}"
        file.write_text(json.dumps({**spec, "url": url}))
        with _serving(suite.as_server(file), where):
            prepared = prepare(recipe)
            words = prepared.command(recipe.argv, url=url, agent=recipe.name)
            _run(words, where, {**os.environ, **prepared.environment()}, name="client.log")
    try:
        found: dict[str, Index] = json.loads((where / "reports" / "index.json").read_text(encoding="utf-8"))
        return found[recipe.name]
    except (OSError, ValueError, KeyError) as problem:
        raise Failed(f"{type(suite).__name__.strip('_').lower()}: no index: {problem!r}") from None


class _Autobahn:
    """The commands of Autobahn's program, `wstest`."""

    def __init__(self, wstest: Path) -> None:
        self._wstest = str(wstest)

    def as_client(self, spec: Path) -> list[str]:
        return [self._wstest, "-m", "fuzzingclient", "-s", str(spec)]

    def as_server(self, spec: Path) -> list[str]:
        return [self._wstest, "-m", "fuzzingserver", "-s", str(spec), "--webport", "0"]


class _Ours:
    """The same commands of wsconform."""

    def as_client(self, spec: Path) -> list[str]:
        return [program("wsconform"), "run", "--autobahn-spec", str(spec), "--fail-on", "never"]

    def as_server(self, spec: Path) -> list[str]:
        return [program("wsconform"), "serve", "--autobahn-spec", str(spec), "--fail-on", "never"]


def _run(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None, name: str = "log") -> None:
    with (
        (folder / name).open("wb") as log,
        subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            process.wait(DEADLINE)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise Failed(f"{' '.join(command[:3])} ...: did not end within {DEADLINE:g} s") from None
            raise


@contextlib.contextmanager
def _serving(command: Sequence[str], folder: Path) -> Iterator[None]:
    """Run a suite as the server during a ``with`` block, which begins when clients can connect. Raises Failed."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    output = list[bytes]()
    try:
        for line in process.stdout:
            output.append(line)
            if line.decode("utf-8", "replace").startswith(READY):
                break
        else:
            raise Failed(
                f"{command[0]}: does not serve; its last line: {b''.join(output[-1:]).decode(errors='replace')}"
            )
        drain = threading.Thread(target=lambda: output.extend(process.stdout or ()), daemon=True)
        drain.start()
        yield
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        (folder / "server.log").write_bytes(b"".join(output))


if __name__ == "__main__":
    sys.exit(main())
