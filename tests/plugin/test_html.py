"""The log of pytest-html: the columns for cases, and the escaping of untrusted text."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest

import wsconform.plugin.html
from tests.plugin.test_plugin import result_of
from tests.support import markup
from tests.support.command import TakesAnyMask, serving, url
from tests.support.plugin_run import FAILING, MODULE, TEXT, Scripted, here
from wsconform.evidence.result import Direction, EntryKind, Finding, Octets, Result, TranscriptEntry, Verdict
from wsconform.plugin.html import MOST_OCTETS, HtmlLog, ladder_html
from wsconform.plugin.reported import Cells
from wsconform.registry.requirement import Level

pytest_plugins = ["pytester"]

SECTION = "https://www.rfc-editor.org/rfc/rfc6455#section-5.1"
HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>\x1b[31m\u202e"


@pytest.fixture(scope="module")
def lax() -> Iterator[str]:
    """The address of a server that takes any mask."""
    with serving(TakesAnyMask) as port:
        yield url(port)


class Read:
    """A log, read back: pytest-html keeps its rows as JSON in an attribute, and makes the table from it."""

    def __init__(self, path: Path) -> None:
        self.text = path.read_text(encoding="utf-8")
        found = re.search(r'data-jsonblob="([^"]*)"', self.text)
        assert found is not None
        self.data = json.loads(html.unescape(found[1]))

    @property
    def tests(self) -> dict[str, Any]:
        """The first row of each item."""
        return {id: rows[0] for id, rows in self.data["tests"].items()}

    def cells(self, id: str) -> list[str]:
        """The cells of an item's row."""
        return [str(cell) for cell in self.tests[id]["resultsTableRow"]]


def test_a_failure_has_its_level_requirement_finding_and_ladder(pytester: pytest.Pytester, lax: str) -> None:
    here(pytester, "--pyargs", MODULE, "--ws-target", lax, "--html", "log.html", "--self-contained-html")
    log = Read(Path("log.html"))
    for head in ("Level", "Requirement", "Finding"):
        assert re.search(rf"<th[^>]*>{head}</th>", log.text)
    assert f'<h1 id="title">wsconform: {lax}</h1>' in log.text
    assert "pre.wsconform {" in log.text
    id = f"wsconform::{lax}::{TEXT}"
    assert log.cells(id)[:5] == [
        '<td class="col-result">Failed</td>',
        f'<td class="col-testId">{id}</td>',
        '<td class="col-level">MUST</td>',
        f'<td class="col-requirement"><a href="{SECTION}">RFC 6455 5.1 MUST</a></td>',
        '<td class="col-finding">a delivery: Text of 5 octets (&quot;Hello&quot;)</td>',
    ]
    (ladder,) = [extra for extra in log.tests[id]["extras"] if extra["format_type"] == "html"]
    assert ladder["content"].startswith('<pre class="wsconform">')
    assert '<span class="decided">| &lt;-' in ladder["content"]
    assert "        | " not in log.tests[id]["log"]
    assert "expected   the connection to be failed" in log.tests[id]["log"]
    assert len(log.tests) > FAILING
    passed = f"wsconform::{lax}::masking.masking_key_may_repeat"
    assert log.tests[passed]["extras"] == []


def test_the_environment_and_the_summary(pytester: pytest.Pytester, lax: str) -> None:
    pytester.makeconftest(f"def pytest_wsconform_targets(config): return {{'<b>lax</b>': {lax!r}}}")
    here(pytester, "--pyargs", MODULE, "--html", "log.html", "-k", "wrongly")
    log = Read(Path("log.html"))
    environment = log.data["environment"]
    assert environment["Targets"] == {"&lt;b&gt;lax&lt;/b&gt;": lax}
    assert environment["Profile"] == "standard"
    assert re.fullmatch(r"[0-9a-f]{12}", environment["Catalogue"])
    assert "<b>lax</b>" not in log.text
    message = [html.unescape(each) for each in re.findall(r'<p class="wsconform[^"]*">(.*?)</p>', log.text)]
    assert message == [
        f"<b>lax</b>: MUST {_passes(log)} of {len(log.tests)}",
        "Does not conform at MUST: 7 violations.",
        "The gate is broken.",
    ]


def _passes(log: Read) -> int:
    return sum(test["result"] == "Passed" for test in log.tests.values())


def test_links_lead_to_the_pages_of_the_report(pytester: pytest.Pytester, lax: str) -> None:
    Path("logs").mkdir()
    words = ("--pyargs", MODULE, "wsconform.cases.framing", "--ws-target", lax)
    here(pytester, *words, "--html", "logs/log.html", "--ws-out", "out", "--ws-profile", "quick")
    log = Read(Path("logs/log.html"))
    pages = dict[Path, str]()
    count = 0
    for id, test in log.tests.items():
        (link,) = [extra["content"] for extra in test["extras"] if extra["format_type"] == "url"]
        address, _, anchor = link.partition("#")
        path = (Path("logs") / unquote(address)).resolve()
        text = pages.setdefault(path, path.read_text(encoding="utf-8") if path.is_file() else "")
        assert f'id="{unquote(anchor)}"' in text, f"{id}: {link}"
        count += 1
    assert count == len(log.tests) > 50


def test_passes_are_left_out_of_a_table_that_is_too_long(
    pytester: pytest.Pytester, lax: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wsconform.plugin.html, "MOST_ROWS", 20)
    result = here(pytester, "--pyargs", MODULE, "--ws-target", lax, "--html", "log.html")
    log = Read(Path("log.html"))
    assert len(log.tests) == FAILING
    passed = result.parseoutcomes()["passed"]
    assert f"{passed + FAILING} cases ran; {passed} that passed are not listed" in log.text


def test_text_of_a_target_is_escaped(pytester: pytest.Pytester) -> None:
    with serving(Scripted) as port:
        words = ("--pyargs", "wsconform.cases", "--ws-case", "masking.payload_*", "--ws-target", url(port))
        pytester.makeconftest("def pytest_wsconform_targets(config): return {}")
        Path("wsconform.toml").write_text(f'[targets.x]\nurl = "{url(port)}"\napp = "echo"\n', encoding="utf-8")
        result = here(pytester, *words[:4], "--html", "log.html", "--self-contained-html")
    assert result.parseoutcomes()["failed"] > 3
    log = Read(Path("log.html"))
    found = [str(test) for test in log.tests.values()]
    assert any("&lt;script&gt;" in each for each in found)
    assert not any(re.search(r"<script|<img", each) for each in found)


def test_hostile_text_is_escaped_in_the_cells() -> None:
    log = HtmlLog(SimpleNamespace(total=1))  # type: ignore[arg-type]  # that is all it asks of a session here
    cells = Cells(
        level=HOSTILE, requirement=HOSTILE, link="https://example.org/" + HOSTILE, mark=HOSTILE, finding=HOSTILE
    )
    report = SimpleNamespace(
        when="call", passed=False, nodeid=HOSTILE, wsconform={name: getattr(cells, name) for name in cells.__slots__}
    )
    row = ["<td>Failed</td>", "<td></td>", "<td>1 ms</td>", "<td></td>"]
    log.pytest_html_results_table_row(report, row)
    assert len(row) == 7
    for cell in row:
        page = markup.read(cell)
        assert page.all("script") + page.all("img") == []
        assert "\x1b" not in cell
        assert "\u202e" not in cell
    text = "".join(row)
    assert "&lt;script&gt;" in text
    assert set(re.findall(r"<(\w+)", text)) == {"td", "a"}


def entry(summary: str) -> TranscriptEntry:
    """Return an entry of a transcript."""
    return TranscriptEntry(
        micros=1, direction=Direction.TARGET, kind=EntryKind.FRAME, summary=summary, octets=Octets(b"<&>", b"", 3)
    )


def test_a_ladder_is_escaped_and_at_most_16_kib(result: Result) -> None:
    transcript = tuple(entry(HOSTILE + "é" * 40) for _ in range(2000))
    shown = ladder_html(replace(result, transcript=transcript, finding=Finding("a", "b", 1000)), whole=True)
    assert len(shown.encode()) <= MOST_OCTETS
    assert "<script" not in shown
    assert "<img" not in shown
    assert re.search(r"\(\d+ lines left out; the journal has all\)</pre>$", shown)
    short = ladder_html(replace(result, transcript=transcript[:3], finding=Finding("a", "b", 2)))
    assert short.count('<span class="decided">') == 1
    assert ladder_html(replace(result, transcript=())) == ""


@pytest.fixture
def result() -> Result:
    """A violation."""

    return result_of(Verdict.FAILED, Level.MUST)
