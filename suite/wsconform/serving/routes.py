"""What a request to the suite's port asks for: the older suite's control addresses, the next case, or the page."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_to_bytes, urlsplit

from ..wire.http1 import Head

#: Longest agent's name that is taken, in characters.
LONGEST_NAME = 120

_UPGRADING = ("Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Accept")
_TRUE = ("true", "yes", "1")


class Refusal(Exception):
    """A request cannot be served: an HTTP status, its reason phrase, and one line for whoever sent it."""

    def __init__(self, status: int, reason: str, text: str) -> None:
        super().__init__(text)
        self.status, self.reason, self.text = status, reason, text


@dataclass(frozen=True, slots=True)
class Which:
    """Which case is meant: `number` counts from 1 in what is served now, `id` is a case's id or alias."""

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

    which: Which


@dataclass(frozen=True, slots=True)
class RunCase:
    """`/runCase?case=N&agent=NAME`."""

    which: Which
    agent: str


@dataclass(frozen=True, slots=True)
class CaseStatus:
    """`/getCaseStatus?case=N&agent=NAME`."""

    which: Which
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
    """`/probe?agent=NAME`: a connection that finds out whether the client echoes, before any case."""

    agent: str


@dataclass(frozen=True, slots=True)
class NextCase:
    """Any other address: the next case that `agent` has not run."""

    agent: str


@dataclass(frozen=True, slots=True)
class Page:
    """A request without an upgrade: the page for browsers, at `path`, with the parameters of its query."""

    path: str
    parameters: dict[str, str]


WebSocketRoute = CaseCount | CaseInfo | RunCase | CaseStatus | UpdateReports | StopServer | ProbeClient | NextCase
Route = WebSocketRoute | Page


def wants_websocket(head: Head) -> bool:
    """Return whether a request means to open a WebSocket, however badly it says so: judging that is a case's part."""
    return any(head.fields.get(name) is not None for name in _UPGRADING)


def route(head: Head) -> Route:
    """Return what the request `head` asks for; raises Refusal where its address or parameters make no sense."""
    path, query = _target(head)
    if not wants_websocket(head):
        return Page(path, dict(parse_qsl(query, keep_blank_values=True, errors="replace")))
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
    return NextCase(_named(head))


def _target(head: Head) -> tuple[str, str]:
    """Return path and query of the request-target, in origin form or (RFC 9112 section 3.2.2) absolute form."""
    text = head.target.decode("latin-1")
    if "://" in text.partition("?")[0]:
        try:
            parts = urlsplit(text)
        except ValueError:
            raise Refusal(400, "Bad Request", "the request-target is no address") from None
        return parts.path or "/", parts.query
    path, _, query = text.partition("#")[0].partition("?")
    return path, query


def _parameters(query: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True, errors="replace")
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        twice = next(name for name, _ in pairs if sum(name == other for other, _ in pairs) > 1)
        raise Refusal(400, "Bad Request", f'the parameter "{twice[:40]}" stands twice')
    return parameters


def _which(parameters: dict[str, str]) -> Which:
    if (number := parameters.get("case")) is not None:
        if not (number.isascii() and number.isdigit() and len(number) < 9):
            raise Refusal(
                400, "Bad Request", f"case={number[:40]}: no number; write case=1 up to what /getCaseCount says"
            )
        return Which(number=int(number))
    if parameters.get("casetuple"):
        return Which(id=parameters["casetuple"])
    raise Refusal(400, "Bad Request", "no case is named; write case=N or casetuple=ID")


def _agent(parameters: dict[str, str]) -> str:
    name = parameters.get("agent", "").strip()
    if not name:
        raise Refusal(400, "Bad Request", "no agent is named; write agent=NAME, under which the results are kept")
    return name[:LONGEST_NAME]


def _named(head: Head) -> str:
    said = head.fields.get("User-Agent") or b""
    name = unquote_to_bytes(said).decode("utf-8", "replace").strip()
    return name[:LONGEST_NAME] or "client"
