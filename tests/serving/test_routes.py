"""What a request to the suite's port asks for, and which requests make no sense."""

from __future__ import annotations

import pytest

from wsconform.serving import routes
from wsconform.serving.routes import (
    CaseCount,
    CaseInfo,
    CaseStatus,
    NextCase,
    PageRequest,
    ProbeClient,
    RequestRefused,
    RunCase,
    StopServer,
    UpdateReports,
    CaseReference,
)
from wsconform.wire.http1 import Head, parse_head


def request(target: str, *fields: str, upgrade: bool = True) -> Head:
    """Return a request's head."""
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
def test_websocket_requests(target: str, route: routes.Route) -> None:
    assert routes.route(request(target)) == route


def test_the_next_case_is_for_whoever_names_itself() -> None:
    assert routes.route(request("/x", "User-Agent: Lib/1.0")) == NextCase("Lib/1.0")
    assert routes.route(request("/x", "User-Agent: " + "n" * 500)) == NextCase("n" * routes.LONGEST_NAME)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("/runCase?case=1", "no agent is named"),
        ("/runCase?case=1&agent=", "no agent is named"),
        ("/runCase?agent=x", "no case is named"),
        ("/runCase?case=-1&agent=x", "no number"),
        ("/runCase?case=1e3&agent=x", "no number"),
        ("/runCase?case=٣&agent=x", "no number"),
        ("/runCase?case=9999999999&agent=x", "no number"),
        ("/runCase?case=1&case=2&agent=x", '"case" stands twice'),
        ("/getCaseStatus?case=1", "no agent is named"),
        ("/getCaseInfo", "no case is named"),
        ("http://[::1/getCaseCount", "no address"),
    ],
)
def test_requests_that_make_no_sense(target: str, words: str) -> None:
    with pytest.raises(RequestRefused, match=words) as refused:
        routes.route(request(target))
    assert refused.value.status == 400


@pytest.mark.parametrize("field", ["Upgrade: x", "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 12"])
def test_whoever_means_a_websocket_gets_one_however_badly_it_says_so(field: str) -> None:
    assert routes.route(request("/getCaseCount", field, upgrade=False)) == CaseCount()


def test_a_request_without_an_upgrade_is_for_the_page() -> None:
    assert routes.route(request("/results?agent=a&since=3", upgrade=False)) == PageRequest(
        "/results", {"agent": "a", "since": "3"}
    )
