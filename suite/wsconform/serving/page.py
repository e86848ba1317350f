"""The page that makes a browser a client under test: its files, and the data for its script."""

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
from .plan import ServePlan
from .routes import LONGEST_NAME, PageRequest, RequestRefused

_FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}


class PageServer(Protocol):
    """The part of `CaseServer` that the page needs."""

    @property
    def plan(self) -> ServePlan:
        """The plan."""

    @property
    def rules(self) -> Rules:
        """The rules of the session."""

    def agent(self, name: str) -> AgentRun:
        """Return the run of the client called `name`; raises RequestRefused if there are too many clients."""


@functools.cache
def _file(name: str) -> bytes:
    return Path(__file__).with_name(name).read_bytes()


def respond(request: PageRequest, server: PageServer) -> Response:
    """Return the answer to a request without an upgrade; raises RequestRefused for an unknown address."""
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
    raise RequestRefused(
        404, "Not Found", "not found without a WebSocket upgrade; / is the page for browsers, /runCase runs a case"
    )


def _run(request: PageRequest, server: PageServer) -> AgentRun:
    name = request.parameters.get("agent", "").strip()[:LONGEST_NAME]
    if not name:
        raise RequestRefused(400, "Bad Request", "the agent is missing; write agent=NAME")
    return server.agent(name)


def _since(request: PageRequest) -> int:
    text = request.parameters.get("since", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _plan(server: PageServer) -> dict[str, Any]:
    return {
        "version": __version__,
        "address": server.rules.url,
        "marks": [{"name": mark.name, "symbol": mark.symbol, "words": mark.words} for mark in Mark],
        "severity": [mark.name for mark in SEVERITY],
        "cases": [{"id": case.id, "title": case.title} for case in server.plan.cases],
        "monitors": [{"id": monitor.id, "title": monitor.title} for monitor in server.plan.monitors],
    }


def _results(run: AgentRun, since: int) -> dict[str, Any]:
    """Return the results after the first `since` ones, and the open cases: `together` with others, or alone."""
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
