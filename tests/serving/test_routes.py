"""The route of each request to the suite's port, and the requests that are refused."""

from __future__ import annotations

import pytest

from wsconform.serving import routes
from wsconform.serving.routes import (
    CaseCount,
    CaseInfo,
    CaseReference,
    CaseStatus,
    NextCase,
    PageRequest,
    ProbeClient,
    RequestRefused,
    RunCase,
    StopServer,
    UpdateReports,
)
from wsconform.wire.http1 import Head, parse_head


def request(target: str, *fields: str, upgrade: bool = True) -> Head:
    """Return the head of a request."""
    lines = [f"GET {target} HTTP/1.1", "Host: x", *(["Upgrade: websocket"] if upgrade else []), *fields, "", ""]
    return parse_head("\r\n".join(lines).encode())


@pytest.mark.parametrize(
    ("target", "route"),
    [
        ("/getCaseCount", CaseCount()),
        ("/getCaseInfo?case=3", CaseInfo(CaseReference(3))),
        ("/getCaseInfo?casetuple=1.1.1", CaseInfo(CaseReference(None, "1.1.1"))),
        ("/runCase?case=12&agent=a%20b%2F1", RunCase(CaseReference(12), "a b/1")),
        ("/runCase?agent=x&casetuple=a.b%5B0x3%5D", RunCase(CaseReference(None, "a.b[0x3]"), "x")),
        ("/runCase?case=1&casetuple=9.9.9&agent=x", RunCase(CaseReference(1), "x")),
        ("/getCaseStatus?case=1&agent=x", CaseStatus(CaseReference(1), "x")),
        ("/updateReports?agent=x", UpdateReports("x", False)),
        ("/updateReports", UpdateReports("", False)),
        ("/updateReports?agent=x&shutdownOnComplete=true", UpdateReports("x", True)),
        ("/updateReports?agent=x&shutdownOnComplete=yes", UpdateReports("x", True)),
        ("/updateReports?agent=x&shutdownOnComplete=no", UpdateReports("x", False)),
        ("/stopServer", StopServer()),
        ("/probe?agent=x", ProbeClient("x")),
        ("/", NextCase("client")),
        ("/runCase/?case=1&agent=x", NextCase("client")),
        ("ws://host:9001/getCaseCount", CaseCount()),
        ("http://host/runCase?case=1&agent=x#f", RunCase(CaseReference(1), "x")),
    ],
)
def test_routes_websocket_requests(target: str, route: routes.Route) -> None:
    assert routes.route(request(target)) == route


def test_names_the_client_of_the_next_case_after_its_user_agent() -> None:
    assert routes.route(request("/x", "User-Agent: Lib/1.0")) == NextCase("Lib/1.0")
    assert routes.route(request("/x", "User-Agent: " + "n" * 500)) == NextCase("n" * routes.LONGEST_NAME)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("/runCase?case=1", "the agent is missing"),
        ("/runCase?case=1&agent=", "the agent is missing"),
        ("/runCase?agent=x", "the case is missing"),
        ("/runCase?case=-1&agent=x", "not a number"),
        ("/runCase?case=1e3&agent=x", "not a number"),
        ("/runCase?case=٣&agent=x", "not a number"),
        ("/runCase?case=9999999999&agent=x", "not a number"),
        ("/runCase?case=1&case=2&agent=x", '"case" is given twice'),
        ("/getCaseStatus?case=1", "the agent is missing"),
        ("/getCaseInfo", "the case is missing"),
        ("http://[::1/getCaseCount", "not a valid address"),
    ],
)
def test_refuses_invalid_requests(target: str, words: str) -> None:
    with pytest.raises(RequestRefused, match=words) as refused:
        routes.route(request(target))
    assert refused.value.status == 400


@pytest.mark.parametrize("field", ["Upgrade: x", "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 12"])
def test_treats_a_malformed_upgrade_as_a_websocket_request(field: str) -> None:
    assert routes.route(request("/getCaseCount", field, upgrade=False)) == CaseCount()


def test_routes_a_request_without_an_upgrade_to_the_page() -> None:
    assert routes.route(request("/results?agent=a&since=3", upgrade=False)) == PageRequest(
        "/results", {"agent": "a", "since": "3"}
    )
