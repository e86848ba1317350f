"""The page for browsers: what it loads, what its script is told, and that nothing of a stranger acts in it."""

from __future__ import annotations

import re

import pytest

from tests.support.memory_server import CHOICE, ECHO, MONITOR, Hall, in_hall

FILES = ("/", "/page.css", "/page.js")


@pytest.mark.parametrize("path", FILES)
def test_its_files_are_served_under_a_policy(path: str) -> None:
    async def body(hall: Hall) -> None:
        status, fields, octets = await hall.get(path)
        assert (status, len(octets)) == (200, int(fields["Content-Length"]))
        assert "default-src 'none'" in fields["Content-Security-Policy"]
        assert "unsafe" not in fields["Content-Security-Policy"]
        assert fields["X-Content-Type-Options"] == "nosniff"
        bare_status, bare_fields, nothing = await hall.get(path, "HEAD")
        assert (bare_status, bare_fields, nothing) == (200, fields, b"")

    in_hall(body)


def test_it_loads_nothing_of_others_and_makes_no_html_of_text() -> None:
    async def body(hall: Hall) -> None:
        text = "\n".join([(await hall.get(path))[2].decode() for path in FILES])
        assert "http://" not in text.replace('"http://', "").replace("https:", "")
        assert re.findall(r"(?:src|href)=\"([^\"]+)\"", text) == ["page.css", "data:,", "page.js"]
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "onclick", "style="):
            assert word not in text

    in_hall(body)


def test_the_plan_names_cases_and_monitors_in_the_order_of_running() -> None:
    async def body(hall: Hall) -> None:
        plan = await hall.json("/plan?agent=toy")
        assert plan["cases"] == [{"id": ECHO.id, "title": "A title."}, {"id": CHOICE.id, "title": "A title."}]
        assert plan["monitors"] == [{"id": MONITOR.id, "title": "Frames come."}]
        assert sorted(plan["gravest"]) == sorted(mark["name"] for mark in plan["marks"])

    in_hall(body, (ECHO, CHOICE), (MONITOR,))


def test_results_come_once_and_with_what_is_still_open() -> None:
    async def body(hall: Hall) -> None:
        first = await hall.json("/results?agent=toy")
        assert first == {"next": 0, "results": [], "open": [{"id": ECHO.id, "together": True}]}
        await hall.run("case=1")
        second = await hall.json("/results?agent=toy&since=0")
        assert (second["next"], second["open"]) == (1, [])
        assert [(each["id"], each["mark"]) for each in second["results"]] == [(ECHO.id, "PASSED")]
        assert second["results"][0]["cited"].startswith("RFC 6455 5.1")
        assert (await hall.json("/results?agent=toy&since=1"))["results"] == []

    in_hall(body)


def test_a_page_that_has_begun_gets_what_is_not_a_pass_put_again() -> None:
    async def body(hall: Hall) -> None:
        await hall.json("/begin?agent=toy")
        await hall.run("case=1", change=str.upper)
        news = await hall.json("/results?agent=toy")
        # A wrong echo came at once: the second attempt is made alone.
        assert news == {"next": 0, "results": [], "open": [{"id": ECHO.id, "together": False}]}
        await hall.run("case=1", change=str.upper)
        news = await hall.json("/results?agent=toy")
        assert [(each["mark"], each["observed"]) for each in news["results"]] == [
            ("VIOLATION", 'Text of 5 octets ("HELLO")')
        ]

    in_hall(body)


@pytest.mark.parametrize("path", ["/plan2", "/page.py", "/../page.py", "/%2e%2e/server.py", "/results", "/begin"])
def test_there_is_nothing_else(path: str) -> None:
    async def body(hall: Hall) -> None:
        status, _, _ = await hall.get(path)
        assert status in (400, 404)

    in_hall(body)


def test_asking_for_news_is_no_activity_of_a_client() -> None:
    async def body(hall: Hall) -> None:
        before = hall.server.last_active
        await hall.json("/results?agent=toy")
        assert (hall.server.last_active, hall.server.active) == (before, 0)

    in_hall(body)
