"""A small `index.html` beside `index.json`: a table of verdicts for people, and for scripts that count in it.

Some count the word for a failed cell, which the older suite's page has twice without any failure, in a style and in a
legend; so it is here, and once more for each failure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wsconform.autobahn.ids import FAILED, INFORMATIONAL, NON_STRICT, OK, UNIMPLEMENTED, order
from wsconform.escape import html

from .case import Told

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


def page(told: Mapping[str, Sequence[Told]]) -> str:
    """Return the page for what is `told` of each agent."""
    by_agent = {agent: {each.id: each for each in cases} for agent, cases in told.items()}
    ids = sorted({each.id for cases in told.values() for each in cases}, key=order)
    head = "".join(f'<th colspan="2">{html(agent)}</th>' for agent in by_agent)
    rows = "\n".join(
        f"<tr><td>Case {id}</td>{''.join(_cells(cases.get(id)) for cases in by_agent.values())}</tr>" for id in ids
    )
    legend = " ".join(f'<span class="{name}">{words}</span>' for name, words in _LEGEND.items())
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>WebSocket cases by older ids</title>'
        f"<style>body{{font:14px sans-serif;margin:2em}}td,th{{padding:2px 8px;text-align:left}}"
        f"span{{padding:2px 8px}}{_STYLE}</style></head>\n<body><h1>WebSocket cases by older ids</h1>\n"
        "<p>Written by wsconform in the older suite's form; index.json has the same, and a file for each case.</p>\n"
        f'<p>{legend}</p>\n<table id="agent_case_results"><tr><th>Case</th>{head}</tr>\n'
        f"{rows}\n</table></body></html>\n"
    )


def _cells(told: Told | None) -> str:
    if told is None:
        return '<td class="case_missing" colspan="2">Missing</td>'
    close = told.closing.word
    if told.code is not None and close in ("OK", "INFORMATIONAL"):
        close = str(told.code)
    failed = told.closing.word not in ("OK", "INFORMATIONAL", "FAILED BY CLIENT")
    style = "case_failed" if failed else "case_ok"
    return f'<td class="{_CLASSES[told.behavior]}">{told.behavior}</td><td class="{style}">{close}</td>'
