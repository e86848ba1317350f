"""Routing: which control address of Autobahn, case or page a request to the suite's port asks for."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_to_bytes, urlsplit

from ..wire.http1 import Head

#: Longest name of an agent, in characters; a longer name is cut.
LONGEST_NAME = 120

_UPGRADING = ("Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Accept")
_TRUE = ("true", "yes", "1")


class RequestRefused(Exception):
    """A request cannot be served: the HTTP status, its reason phrase, and one line for the client's user."""

    def __init__(self, status: int, reason: str, text: str) -> None:
        super().__init__(text)
        self.status, self.reason, self.text = status, reason, text


@dataclass(frozen=True, slots=True)
class CaseReference:
    """A reference to a case: a `number`, from 1, among the numbered cases, or an `id`, which may be an alias."""

    number: int | None = None
    id: str | None = None

    def __str__(self) -> str:
        return f"case {self.number}" if self.number is not None else f"case {self.id}"


@dataclass(frozen=True, slots=True)
class CaseCount:
    """`/getCaseCount`."""


@dataclass(frozen=True, slots=True)
class CaseInfo:
    """`/getCaseInfo?case=N`."""

    which: CaseReference


@dataclass(frozen=True, slots=True)
class RunCase:
    """`/runCase?case=N&agent=NAME`."""

    which: CaseReference
    agent: str


@dataclass(frozen=True, slots=True)
class CaseStatus:
    """`/getCaseStatus?case=N&agent=NAME`."""

    which: CaseReference
    agent: str


@dataclass(frozen=True, slots=True)
class UpdateReports:
    """`/updateReports?agent=NAME`; `shutdown` ends the server after it."""

    agent: str
    shutdown: bool


@dataclass(frozen=True, slots=True)
class StopServer:
    """`/stopServer`."""


@dataclass(frozen=True, slots=True)
class ProbeClient:
    """`/probe?agent=NAME`: a connection before the cases, to find out whether the client echoes."""

    agent: str


@dataclass(frozen=True, slots=True)
class NextCase:
    """Any other address: the next case that `agent` has not run."""

    agent: str


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request without an upgrade: the page for browsers, at `path`, with the parameters of its query."""

    path: str
    parameters: dict[str, str]


WebSocketRoute = CaseCount | CaseInfo | RunCase | CaseStatus | UpdateReports | StopServer | ProbeClient | NextCase
Route = WebSocketRoute | PageRequest


def wants_websocket(head: Head) -> bool:
    """Return whether a request is meant to open a WebSocket, even if it is malformed: cases judge that."""
    return any(head.fields.get(name) is not None for name in _UPGRADING)


def route(head: Head) -> Route:
    """Return the route of a request; raises RequestRefused if its address or parameters are invalid."""
    path, query = _target(head)
    if not wants_websocket(head):
        return PageRequest(path, dict(parse_qsl(query, keep_blank_values=True, errors="replace")))
    match path:
        case "/getCaseCount":
            return CaseCount()
        case "/getCaseInfo":
            return CaseInfo(_which(_parameters(query)))
        case "/runCase":
            parameters = _parameters(query)
            return RunCase(_which(parameters), _agent(parameters))
        case "/getCaseStatus":
            parameters = _parameters(query)
            return CaseStatus(_which(parameters), _agent(parameters))
        case "/updateReports":
            parameters = _parameters(query)
            return UpdateReports(parameters.get("agent", ""), parameters.get("shutdownOnComplete", "").lower() in _TRUE)
        case "/stopServer":
            return StopServer()
        case "/probe":
            return ProbeClient(_agent(_parameters(query)))
    return NextCase(_user_agent(head))


def _target(head: Head) -> tuple[str, str]:
    """Return path and query of the request-target, in origin form or absolute form (RFC 9112 section 3.2.2)."""
    text = head.target.decode("latin-1")
    if "://" in text.partition("?")[0]:
        try:
            parts = urlsplit(text)
        except ValueError:
            raise RequestRefused(400, "Bad Request", "the request-target is not a valid address") from None
        return parts.path or "/", parts.query
    path, _, query = text.partition("#")[0].partition("?")
    return path, query


def _parameters(query: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True, errors="replace")
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        twice = next(name for name, _ in pairs if sum(name == other for other, _ in pairs) > 1)
        raise RequestRefused(400, "Bad Request", f'the parameter "{twice[:40]}" is given twice')
    return parameters


def _which(parameters: dict[str, str]) -> CaseReference:
    if (number := parameters.get("case")) is not None:
        if not (number.isascii() and number.isdigit() and len(number) < 9):
            raise RequestRefused(
                400, "Bad Request", f"case={number[:40]}: not a number; write a number from 1 to that of /getCaseCount"
            )
        return CaseReference(number=int(number))
    if parameters.get("casetuple"):
        return CaseReference(id=parameters["casetuple"])
    raise RequestRefused(400, "Bad Request", "the case is missing; write case=N or casetuple=ID")


def _agent(parameters: dict[str, str]) -> str:
    name = parameters.get("agent", "").strip()
    if not name:
        raise RequestRefused(
            400, "Bad Request", "the agent is missing; write agent=NAME, a name for the client in the results"
        )
    return name[:LONGEST_NAME]


def _user_agent(head: Head) -> str:
    value = head.fields.get("User-Agent") or b""
    name = unquote_to_bytes(value).decode("utf-8", "replace").strip()
    return name[:LONGEST_NAME] or "client"
