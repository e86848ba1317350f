"""The page that makes a browser a client under test: its files, and what its script asks for."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Protocol

from .. import __version__
from ..evidence.result import Mark, Result
from ..journal.tally import SEVERITY
from ..wire.http1 import Response
from . import answers
from .agents import AgentRun, Rules
from .plan import Plan
from .routes import LONGEST_NAME, Page, Refusal

_FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}


class Serving(Protocol):
    """What the page has to know of the server."""

    @property
    def plan(self) -> Plan:
        """What is served."""

    @property
    def rules(self) -> Rules:
        """How it is served."""

    def agent(self, name: str) -> AgentRun:
        """Return the run of the client called `name`; raises Refusal where there are too many."""


@functools.cache
def _file(name: str) -> bytes:
    return Path(__file__).with_name(name).read_bytes()


def respond(request: Page, server: Serving) -> Response:
    """Return the answer to a request without an upgrade; raises Refusal for an address that is none of the page's."""
    if request.path in _FILES:
        name, kind = _FILES[request.path]
        return answers.page(_file(name), kind)
    match request.path:
        case "/plan":
            return answers.data(_plan(server))
        case "/begin":
            run = _run(request, server)
            run.confirm()
            return answers.data({})
        case "/results":
            return answers.data(_results(_run(request, server), _since(request)))
        case "/favicon.ico":
            return answers.answer(204, "No Content", b"")
    raise Refusal(
        404, "Not Found", "nothing here without a WebSocket upgrade; / is the page for browsers, /runCase runs a case"
    )


def _run(request: Page, server: Serving) -> AgentRun:
    name = request.parameters.get("agent", "").strip()[:LONGEST_NAME]
    if not name:
        raise Refusal(400, "Bad Request", "no agent is named; write agent=NAME")
    return server.agent(name)


def _since(request: Page) -> int:
    text = request.parameters.get("since", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _plan(server: Serving) -> dict[str, Any]:
    return {
        "version": __version__,
        "address": server.rules.url,
        "marks": [{"name": mark.name, "symbol": mark.symbol, "words": mark.words} for mark in Mark],
        "gravest": [mark.name for mark in SEVERITY],
        "cases": [{"id": case.id, "title": case.title} for case in server.plan.cases],
        "monitors": [{"id": monitor.id, "title": monitor.title} for monitor in server.plan.monitors],
    }


def _results(run: AgentRun, since: int) -> dict[str, Any]:
    """Return the results after the first `since` ones, and what is to be put, or put again, `together` or alone."""
    return {
        "next": len(run.log),
        "results": [_result(run, result) for result in run.log[since:]],
        "open": [
            {"id": case.id, "together": run.may_run_beside_others(case)} for case in run.plan.cases if run.is_open(case)
        ],
    }


def _result(run: AgentRun, result: Result) -> dict[str, Any]:
    finding = result.finding
    return {
        "id": result.case,
        "title": result.title,
        "mark": result.mark.name,
        "cited": run.plan.registry[result.requirement].citation,
        "expected": finding.expected if finding else "",
        "observed": finding.observed if finding else "",
        "reason": result.reason.value if result.reason else "",
        "flaky": result.flaky,
        "us": result.micros,
    }
