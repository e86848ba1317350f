"""The page for browsers: its files, the data for its script, and its protection against foreign content."""

from __future__ import annotations

import re

import pytest

from tests.support.memory_server import CHOICE, ECHO, MONITOR, MemoryServer, run_with_server

FILES = ("/", "/page.css", "/page.js")


@pytest.mark.parametrize("path", FILES)
def test_serves_the_files_with_a_policy(path: str) -> None:
    async def body(suite: MemoryServer) -> None:
        status, fields, octets = await suite.get(path)
        assert (status, len(octets)) == (200, int(fields["Content-Length"]))
        assert "default-src 'none'" in fields["Content-Security-Policy"]
        assert "unsafe" not in fields["Content-Security-Policy"]
        assert fields["X-Content-Type-Options"] == "nosniff"
        bare_status, bare_fields, nothing = await suite.get(path, "HEAD")
        assert (bare_status, bare_fields, nothing) == (200, fields, b"")

    run_with_server(body)


def test_loads_nothing_from_elsewhere_and_never_parses_text_as_html() -> None:
    async def body(suite: MemoryServer) -> None:
        text = "\n".join([(await suite.get(path))[2].decode() for path in FILES])
        assert "http://" not in text.replace('"http://', "").replace("https:", "")
        assert re.findall(r"(?:src|href)=\"([^\"]+)\"", text) == ["page.css", "data:,", "page.js"]
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "onclick", "style="):
            assert word not in text

    run_with_server(body)


def test_plan_lists_cases_and_monitors_in_order() -> None:
    async def body(suite: MemoryServer) -> None:
        plan = await suite.json("/plan?agent=toy")
        assert plan["cases"] == [{"id": ECHO.id, "title": "A title."}, {"id": CHOICE.id, "title": "A title."}]
        assert plan["monitors"] == [{"id": MONITOR.id, "title": "Frames come."}]
        assert sorted(plan["severity"]) == sorted(mark["name"] for mark in plan["marks"])

    run_with_server(body, (ECHO, CHOICE), (MONITOR,))


def test_returns_each_result_once_with_the_open_cases() -> None:
    async def body(suite: MemoryServer) -> None:
        first = await suite.json("/results?agent=toy")
        assert first == {"next": 0, "results": [], "open": [{"id": ECHO.id, "together": True}]}
        await suite.run("case=1")
        second = await suite.json("/results?agent=toy&since=0")
        assert (second["next"], second["open"]) == (1, [])
        assert [(each["id"], each["mark"]) for each in second["results"]] == [(ECHO.id, "PASSED")]
        assert second["results"][0]["cited"].startswith("RFC 6455 5.1")
        assert (await suite.json("/results?agent=toy&since=1"))["results"] == []

    run_with_server(body)


def test_reopens_a_failed_case_for_a_page_that_has_begun() -> None:
    async def body(suite: MemoryServer) -> None:
        await suite.json("/begin?agent=toy")
        await suite.run("case=1", change=str.upper)
        news = await suite.json("/results?agent=toy")
        # The wrong echo came at once, so the second attempt runs alone.
        assert news == {"next": 0, "results": [], "open": [{"id": ECHO.id, "together": False}]}
        await suite.run("case=1", change=str.upper)
        news = await suite.json("/results?agent=toy")
        assert [(each["mark"], each["observed"]) for each in news["results"]] == [
            ("VIOLATION", 'Text of 5 octets ("HELLO")')
        ]

    run_with_server(body)


@pytest.mark.parametrize("path", ["/plan2", "/page.py", "/../page.py", "/%2e%2e/server.py", "/results", "/begin"])
def test_refuses_other_addresses(path: str) -> None:
    async def body(suite: MemoryServer) -> None:
        status, _, _ = await suite.get(path)
        assert status in (400, 404)

    run_with_server(body)


def test_polling_for_results_is_not_an_activity() -> None:
    async def body(suite: MemoryServer) -> None:
        before = suite.server.last_active
        await suite.json("/results?agent=toy")
        assert (suite.server.last_active, suite.server.active) == (before, 0)

    run_with_server(body)
