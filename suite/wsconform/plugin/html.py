"""Cases in the log of pytest-html, which does not escape text: everything from outside is escaped here."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from .. import escape
from ..catalogue.load import catalogue_version
from ..console.ladder import ladder
from ..console.style import Style
from ..evidence.result import Result
from ..journal.tally import parameters
from ..problem import Exit
from ..registry.requirement import Role
from .collecting import NAME
from .items import CaseItem
from .outcomes import Kind
from .reported import cells_of
from .targets import SessionTarget

if TYPE_CHECKING:
    from .preparing import Prepared
    from .session import Conformance

__all__ = ["HtmlLog", "add_style", "environment", "ladder_html"]

#: With more rows, passes are left out: a browser builds the whole table again at each click.
MOST_ROWS = 2000
#: The largest size of a ladder in the log, in octets.
MOST_OCTETS = 16 * 1024

#: The beginning of each line of a ladder in the text of a failure.
_RUNG = " " * 8 + "|"
_OTHER = re.compile(r"[^A-Za-z0-9_.-]+")

_STYLE = """
.wsconform { font: 12px/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre.wsconform { margin: 8px 0; padding: 8px 12px; overflow-x: auto; background: #f6f8fa; border-left: 3px solid #57606a;
  color: #1f2328; }
pre.wsconform .decided { display: inline-block; background: #ffebe9; color: #82071e; }
td.col-level, td.col-requirement { white-space: nowrap; }
td.col-finding { min-width: 16em; overflow-wrap: anywhere; }
#environment, #results-table { color: #1f2328; }
p.wsconform { margin: 4px 0; }
.wsconform-broken { color: #82071e; font-weight: bold; }
"""


def add_style(config: pytest.Config) -> Path:
    """Append our style sheet to those of pytest-html, which reads it during its configuration; return its file."""
    handle, name = tempfile.mkstemp(prefix="wsconform-", suffix=".css")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(_STYLE)
    config.option.css.append(name)
    config.add_cleanup(lambda: Path(name).unlink(missing_ok=True))
    return Path(name)


def environment(prepared: Prepared, metadata: MutableMapping[str, Any]) -> None:
    """Add targets, catalogue and settings to the metadata of the session."""
    settings = prepared.settings
    metadata["Targets"] = {escape.html(chosen.name): escape.html(_where(chosen)) for chosen in prepared.targets}
    metadata["Catalogue"] = catalogue_version(prepared.catalogue)
    metadata["Profile"], metadata["Seed"] = escape.html(settings.profile), str(settings.seed)
    metadata["Gate"] = f"fails on {escape.html(settings.fail_on)}"


def _where(chosen: SessionTarget) -> str:
    if chosen.fixture:
        return f"fixture {chosen.fixture}"
    if chosen.serve is not None:
        return "the embedded endpoint"
    return str(chosen.target.url) if chosen.target.role is Role.SERVER else "client"


def ladder_html(result: Result, *, whole: bool = False) -> str:
    """Return the ladder of `result` (complete if `whole`) as HTML of at most `MOST_OCTETS`; "" without a transcript."""
    decided = result.finding.entry if result.finding else None
    lines = ladder(result.transcript, decided, result.mark, Style(width=110), whole=whole)
    shown, size = list[str](), 0
    for number, line in enumerate(lines):
        text = escape.html(line.removeprefix(" " * 8))
        text = f'<span class="decided">{text}</span>' if line.endswith(f"  {result.mark.symbol}") else text
        size += len(text.encode()) + 1
        if size > MOST_OCTETS - 200:
            shown.append(f"({len(lines) - number} lines left out; the journal has all)")
            break
        shown.append(text)
    return f'<pre class="wsconform">{chr(10).join(shown)}</pre>' if shown else ""


class HtmlLog:
    """The plugin that adds columns, ladders and the verdict to the log of pytest-html."""

    def __init__(self, conformance: Conformance, style: Path | None = None) -> None:
        """Show the session `conformance`; `style` is the file of our style sheet, if a log is written."""
        self._conformance, self._style = conformance, style
        self._left_out = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Remove the style sheet from the options again: workers on other machines would not find the file."""
        if self._style is not None:
            session.config.option.css.remove(str(self._style))
            self._style.unlink(missing_ok=True)

    # --- content of reports, added in the process that runs the item (a worker, too)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Any:
        """Add the ladder, unless the item passed or was skipped, and a link to the page of the case."""
        report = yield
        shows = report.when == "call" or (report.when == "setup" and report.failed)
        if isinstance(item, CaseItem) and item.result is not None and shows:
            # Importing it takes time, and a session without a log does not need it.
            from pytest_html import extras  # type: ignore[import-untyped]  # noqa: PLC0415

            added = list[object]()
            if item.outcome.kind not in (Kind.PASS, Kind.SKIP) and (shown := ladder_html(item.result)):
                added.append(extras.html(shown))
            if link := self._link(item):
                added.append(extras.url(link, "case"))
            report.extras = [*getattr(report, "extras", ()), *added]
        return report

    def _link(self, item: CaseItem) -> str:
        """Return the address of the case in the HTML report, relative to the log; "" if no site is written."""
        prepared = self._conformance.prepared
        if prepared.folder is None or not prepared.links or not (log := item.config.getoption("htmlpath")):
            return ""
        here = (Path.cwd() / os.path.expandvars(log)).expanduser().parent
        # This repeats how the HTML report makes addresses of ids, because the engine does not import reports.
        place = _OTHER.sub("-", parameters(item.entry.id).strip("[]")).strip("-.") or "case"
        page = prepared.folder.absolute() / "report" / "cases" / f"{item.entry.family.lower()}.html"
        return f"{quote(Path(os.path.relpath(page, here)).as_posix())}#{place}"

    # --- the page

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: Any) -> None:
        """Set the title, with the names of the targets."""
        names = ", ".join(chosen.name for chosen in self._conformance.prepared.targets[:4])
        report.title = f"wsconform: {escape.shown(names)}"

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_header(self, cells: list[str]) -> None:
        """Add the columns."""
        cells[2:2] = [
            '<th class="sortable" data-column-type="level">Level</th>',
            '<th class="sortable" data-column-type="requirement">Requirement</th>',
            "<th>Finding</th>",
        ]

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: Any, cells: list[str]) -> None:
        """Fill the columns; above `MOST_ROWS` rows, leave out cases that passed."""
        if len(cells) < 2:
            return
        found = cells_of(report)
        is_case = report.nodeid.startswith(f"{NAME}::")
        if is_case and report.passed and self._conformance.total > MOST_ROWS:
            # Setting up and tearing down leave no rows, but would leave an empty entry each.
            self._left_out += report.when == "call"
            cells.clear()
            return
        cells[1] = f'<td class="col-testId">{escape.html(report.nodeid)}</td>'
        if found is None:
            cells[2:2] = ["<td></td>"] * 3
            return
        text = escape.html
        cells[2:2] = [
            f'<td class="col-level">{text(found.level)}</td>',
            f'<td class="col-requirement"><a href="{text(found.link)}">{text(found.requirement)}</a></td>',
            f'<td class="col-finding">{text(found.finding)}</td>',
        ]

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_html(self, report: Any, data: list[str]) -> None:
        """Remove the ladder from the text of a failure, because the row shows it already, in colour."""
        if cells_of(report) is not None and any(extra.get("format_type") == "html" for extra in report.extras):
            data[:] = ["\n".join(line for line in each.split("\n") if not line.startswith(_RUNG)) for each in data]

    @pytest.hookimpl(trylast=True, optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str], summary: list[str]) -> None:
        """Add the verdict, and the number of rows that are left out."""
        prefix += [f'<p class="wsconform">{escape.html(line)}</p>' for line in self._conformance.summary()]
        ruling = self._conformance.written.ruling
        if ruling is not None and ruling.exit is not Exit.HELD:
            prefix.append('<p class="wsconform wsconform-broken">The gate is broken.</p>')
        if self._left_out:
            summary.append(
                f'<p class="wsconform">{self._conformance.total} cases ran; {self._left_out} that passed are not'
                " listed. The journal and the reports have all of them.</p>"
            )
