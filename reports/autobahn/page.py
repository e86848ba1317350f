"""A small `index.html` beside `index.json`: a table of verdicts for people, and for scripts that search it.

Some scripts count the class of a failed cell. Autobahn's page contains it twice without any failure, in the style sheet
and in the legend, and once more for each failure. So does this page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wsconform.autobahn.ids import FAILED, INFORMATIONAL, NON_STRICT, OK, UNIMPLEMENTED, order
from wsconform.escape import html

from .case import AutobahnCase

__all__ = ["page"]

_CLASSES = {
    OK: "case_ok",
    NON_STRICT: "case_non_strict",
    INFORMATIONAL: "case_info",
    UNIMPLEMENTED: "case_unimplemented",
    FAILED: "case_failed",
}
_COLORS = {
    "case_ok": "#1b6e35",
    "case_non_strict": "#7a5c00",
    "case_info": "#1f5c99",
    "case_unimplemented": "#5f5f5f",
    "case_failed": "#a8201a",
    "case_missing": "#5f5f5f",
}
_STYLE = "".join(f".{name}{{background:{color};color:#fff}}" for name, color in _COLORS.items())
_LEGEND = {
    "case_ok": "OK",
    "case_non_strict": "Non-Strict",
    "case_failed": "Failed",
    "case_info": "Informational",
    "case_unimplemented": "Unimplemented",
    "case_missing": "Missing",
}


def page(agents: Mapping[str, Sequence[AutobahnCase]]) -> str:
    """Return the page for the cases of each agent."""
    by_agent = {agent: {each.id: each for each in cases} for agent, cases in agents.items()}
    ids = sorted({each.id for cases in agents.values() for each in cases}, key=order)
    head = "".join(f'<th colspan="2">{html(agent)}</th>' for agent in by_agent)
    rows = "\n".join(
        f"<tr><td>Case {id}</td>{''.join(_cells(cases.get(id)) for cases in by_agent.values())}</tr>" for id in ids
    )
    legend = " ".join(f'<span class="{name}">{words}</span>' for name, words in _LEGEND.items())
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>WebSocket cases by Autobahn id</title>'
        f"<style>body{{font:14px sans-serif;margin:2em}}td,th{{padding:2px 8px;text-align:left}}"
        f"span{{padding:2px 8px}}{_STYLE}</style></head>\n<body><h1>WebSocket cases by Autobahn id</h1>\n"
        "<p>Written by wsconform in the format of Autobahn|Testsuite. The same data is in index.json and in one file"
        " for each case.</p>\n"
        f'<p>{legend}</p>\n<table id="agent_case_results"><tr><th>Case</th>{head}</tr>\n'
        f"{rows}\n</table></body></html>\n"
    )


def _cells(case: AutobahnCase | None) -> str:
    if case is None:
        return '<td class="case_missing" colspan="2">Missing</td>'
    close = case.closing.word
    if case.code is not None and close in ("OK", "INFORMATIONAL"):
        close = str(case.code)
    failed = case.closing.word not in ("OK", "INFORMATIONAL", "FAILED BY CLIENT")
    style = "case_failed" if failed else "case_ok"
    return f'<td class="{_CLASSES[case.behavior]}">{case.behavior}</td><td class="{style}">{close}</td>'
