"""How large the HTML report is, and how fast: 30 targets by 700 cases, written, opened and filtered in Chromium.

The journals are those of the tests, made lively: keys, masks and times of their own in every transcript, so that
they deflate no better than real ones. From the project's folder, on an idle machine: `python -m bench.report`.
`--journal FILE` measures a journal of yours instead. Needs playwright (of the extra `test`), and `chromium`.
"""

from __future__ import annotations

import argparse
import base64
import functools
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from bench.measure import Failed, load, table, write
from tests.support import journals
from wsconform.evidence.result import Octets, TranscriptEntry
from wsconform.journal.journal import Journal, JournalError, dumps, read
from wsconform.reports.html import render
from wsconform.wire.frame import apply_mask, read_header

TARGETS, CASES = 30, 700
#: What each figure is meant to be at most: octets, and milliseconds.
AIMS = {
    "single file": 6_000_000,
    "site, index": 1_500_000,
    "single file, open": 1500,
    "site, index, open": 1500,
    "filter by words": 100,
    "filter taken back": 100,
    "filter by mark": 100,
    "a target left out": 100,
    "a case opened": 100,
}
_CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--no-first-run")
# What is done, and what has to be there when it is done; each is timed up to the frame that shows it.
_SAY = """const words = document.querySelector("form.filter").elements.q;
  words.value = %r; words.dispatchEvent(new Event("input", { bubbles: true }));"""
_MARK = 'document.querySelector("form.filter [data-mark=bad]").click();'
_BOX = 'document.querySelector("[name=target]")?.click();'
_STEPS = {
    "filter by words": (_SAY % "mask", "true"),
    "filter taken back": (_SAY % "", "true"),
    "filter by mark": (_MARK, "true"),
    "": (_MARK, "true"),
    "a target left out": (_BOX, "true"),
    "a case opened": (
        'location.hash = document.querySelector("td.bad a").hash;',
        'document.querySelector(".page:not([hidden]) .rungs .ladder")',
    ),
}
_TIMED = """async () => {
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  await painted();
  const start = performance.now();
  %s
  do await painted(); while (!(%s));
  return performance.now() - start;
}"""
# Idle work of the browser that a step leaves behind belongs to its processor time.
_SETTLE = 300.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return 0, or 3 where something could not be run."""
    options = _parser().parse_args(arguments)
    try:
        made = [read(path) for path in options.journal] or [lively(journals.plausible(TARGETS, CASES))]
        with tempfile.TemporaryDirectory(prefix="report-") as name:
            figures = figures_of(made, Path(name), options.rounds)
    except (Failed, JournalError) as problem:
        print(problem, file=sys.stderr)
        return 3
    print(told(figures))
    write(options.json, figures)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure the HTML report of 30 targets by 700 cases.")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is opened (default 5)")
    parser.add_argument(
        "--journal", type=Path, action="append", default=[], metavar="FILE", help="measure this instead"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure as JSON")
    return parser


def lively(journal: Journal, seed: int = 6455) -> Journal:
    """Return `journal` with keys, masks and times of their own in every transcript, the same for the same `seed`."""
    dice = random.Random(seed)
    columns = []
    for each in journal.targets:
        results = []
        for result in each.results:
            start, entries = dice.randrange(200), []
            for entry in result.transcript:
                start += dice.randrange(20, 900)
                entries.append(replace(_shuffled(entry, dice), micros=start))
            results.append(replace(result, transcript=tuple(entries)))
        columns.append(replace(each, results=tuple(results)))
    return replace(journal, targets=tuple(columns))


def _shuffled(entry: TranscriptEntry, dice: random.Random) -> TranscriptEntry:
    octets = entry.octets.head
    if entry.kind in ("request", "response"):
        for old in (b"dGhlIHNhbXBsZSBub25jZQ==", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="):
            octets = octets.replace(old, base64.b64encode(dice.randbytes(len(base64.b64decode(old)))))
    elif entry.kind == "frame" and (header := read_header(octets)) and header.key is not None:
        key, payload = dice.randbytes(4), apply_mask(octets[header.size :], header.key)
        octets = octets[: header.size - 4] + key + apply_mask(payload, key)
    return replace(entry, octets=replace(entry.octets, head=octets)) if entry.octets != Octets() else entry


def figures_of(made: Sequence[Journal], folder: Path, rounds: int) -> dict[str, Any]:
    """Return sizes (octets), times of writing (seconds) and of looking (milliseconds), medians; raises Failed."""
    began = time.perf_counter()
    single = render(made, folder, folder / "report.html")
    written = time.perf_counter()
    index = render(made, folder, folder / "site")
    done = time.perf_counter()
    results = sum(len(each.results) for journal in made for each in journal.targets)
    figures: dict[str, Any] = {
        "targets": sum(len(journal.targets) for journal in made),
        "results": results,
        "journals": sum(len(dumps(journal)) for journal in made),
        "single file": single.stat().st_size,
        "site, index": index.stat().st_size,
        "site, all pages": sum(path.stat().st_size for path in (folder / "site").rglob("*") if path.is_file()),
        "single file, written (s)": round(written - began, 2),
        "site, written (s)": round(done - written, 2),
    }
    figures |= looked_at({"single file": single, "site, index": index}, rounds)
    return figures | {"load": load()}


def looked_at(pages: dict[str, Path], rounds: int) -> dict[str, float]:
    """Return how long Chromium takes to open each page, and to filter the first and open a case in it (ms, medians).

    Names that end in "CPU" are the renderer's processor time, which other work on the machine hardly changes.
    """
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise Failed("there is no chromium on the PATH; install one")
    # Optional: only this measurement needs a browser.
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    times: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(_CHROMIUM))
        session = browser.new_browser_cdp_session()

        def spent() -> float:
            processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
            return sum(float(each["cpuTime"]) for each in processes if each["type"] == "renderer") * 1000

        def timed(name: str, act: Callable[[], float], page: Any) -> None:
            before = spent()
            times.setdefault(name, []).append(act())
            page.wait_for_timeout(_SETTLE)
            times.setdefault(f"{name}, CPU", []).append(spent() - before)

        for _ in range(rounds):
            for name, path in pages.items():
                page = browser.new_page(viewport={"width": 1400, "height": 1000})
                timed(f"{name}, open", functools.partial(_opened, page, path.as_uri()), page)
                if path == next(iter(pages.values())):
                    for step, (act, until) in _STEPS.items():
                        timed(step, functools.partial(page.evaluate, _TIMED % (act, until)), page)
                page.close()
        browser.close()
    return {name: round(median(each)) for name, each in times.items() if name and not name.startswith(",")}


def _opened(page: Any, where: str) -> float:
    page.goto(where)
    took: float = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    return took


def told(figures: dict[str, Any]) -> str:
    """Return the figures as a table, with what each is meant to be at most."""
    rows = []
    for name, figure in figures.items():
        aim = AIMS.get(name)
        octets = name in ("journals", "single file", "site, index", "site, all pages")
        timed = aim or name.endswith(", CPU")
        shown = f"{figure / 1e6:.2f} MB" if octets else f"{figure} ms" if timed else str(figure)
        wanted = "" if aim is None else f"{aim / 1e6:g} MB" if octets else f"{aim} ms"
        rows.append([name, shown, wanted])
    return table(["HTML report", "", "aim"], rows)


if __name__ == "__main__":
    sys.exit(main())
