"""Measure the size and speed of the HTML report: 30 targets by 700 cases, written, opened and filtered in Chromium.

The journals are those of the tests, with different keys, masks and times in every transcript, so that they do not
compress better than real ones. Run it on an idle machine, from the project's folder: `python -m bench.report`.
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
#: The upper limit of each figure, in octets or milliseconds.
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
# Each step: the script that acts, and the expression that is true when it is done. Timed up to the frame that shows it.
_TYPE = """const words = document.querySelector("form.filter").elements.q;
  words.value = %r; words.dispatchEvent(new Event("input", { bubbles: true }));"""
_MARK = 'document.querySelector("form.filter [data-mark=bad]").click();'
_BOX = 'document.querySelector("[name=target]")?.click();'
_STEPS = {
    "filter by words": (_TYPE % "mask", "true"),
    "filter taken back": (_TYPE % "", "true"),
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
# Milliseconds to wait after a step: its processor time includes the idle work that it leaves to the browser.
_SETTLE = 300.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return 0, or 3 if a journal or the browser cannot be used."""
    options = _parser().parse_args(arguments)
    try:
        measured = [read(path) for path in options.journal] or [varied(journals.plausible(TARGETS, CASES))]
        with tempfile.TemporaryDirectory(prefix="report-") as name:
            figures = figures_of(measured, Path(name), options.rounds)
    except (Failed, JournalError) as problem:
        print(problem, file=sys.stderr)
        return 3
    print(figures_table(figures))
    write(options.json, figures)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure the HTML report of 30 targets by 700 cases.")
    parser.add_argument("--rounds", type=int, default=5, help="how often each page is opened (default 5)")
    parser.add_argument(
        "--journal", type=Path, action="append", default=[], metavar="FILE", help="measure this journal instead"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure as JSON")
    return parser


def varied(journal: Journal, seed: int = 6455) -> Journal:
    """Return `journal` with different keys, masks and times in every transcript; the same `seed` gives the same."""
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


def figures_of(measured: Sequence[Journal], folder: Path, rounds: int) -> dict[str, Any]:
    """Return sizes (octets), times of writing (seconds) and medians of viewing (milliseconds). Raises Failed."""
    began = time.perf_counter()
    single = render(measured, folder, folder / "report.html")
    written = time.perf_counter()
    index = render(measured, folder, folder / "site")
    done = time.perf_counter()
    results = sum(len(each.results) for journal in measured for each in journal.targets)
    figures: dict[str, Any] = {
        "targets": sum(len(journal.targets) for journal in measured),
        "results": results,
        "journals": sum(len(dumps(journal)) for journal in measured),
        "single file": single.stat().st_size,
        "site, index": index.stat().st_size,
        "site, all pages": sum(path.stat().st_size for path in (folder / "site").rglob("*") if path.is_file()),
        "single file, written (s)": round(written - began, 2),
        "site, written (s)": round(done - written, 2),
    }
    figures |= viewing_times({"single file": single, "site, index": index}, rounds)
    return figures | {"load": load()}


def viewing_times(pages: dict[str, Path], rounds: int) -> dict[str, float]:
    """Return Chromium's times to open each page, and to filter the first page and open a case in it (ms, medians).

    Names that end in "CPU" are the renderer's processor time, which other load on the machine hardly changes.
    Raises Failed if Chromium is not installed.
    """
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise Failed("chromium: not on the PATH; install it")
    # Optional dependency: of the extra `test`.
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


def figures_table(figures: dict[str, Any]) -> str:
    """Return the figures as a table, with the upper limit of each."""
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
