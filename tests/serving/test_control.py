"""Autobahn's control addresses, as clients written for Autobahn|Testsuite use them."""

from __future__ import annotations

import json

import pytest
import trio

from tests.support.memory_server import (
    ALONE,
    CHOICE,
    ECHO,
    MONITOR,
    REFUSES,
    SILENT,
    TLS_ONLY,
    MemoryServer,
    run_with_server,
)
from wsconform.autobahn.ids import behavior
from wsconform.catalogue.case import Case
from wsconform.evidence.result import Mark, Reason, Result, Verdict
from wsconform.registry.requirement import Level, Role


def test_counts_the_selected_cases_without_the_monitors() -> None:
    async def body(suite: MemoryServer) -> None:
        answer = await suite.ask("/getCaseCount")
        assert (answer.status, answer.messages, answer.close) == (101, ["2"], 1005)

    run_with_server(body, (ECHO, CHOICE), (MONITOR,))


def test_orders_cases_by_kind_of_subject_and_by_alone() -> None:
    async def body(suite: MemoryServer) -> None:
        ids = [json.loads((await suite.ask(f"/getCaseInfo?case={n}")).messages[0])["id"] for n in (1, 2, 3)]
        assert ids == [ECHO.id, ALONE.id, REFUSES.id]

    run_with_server(body, (REFUSES, ALONE, ECHO))


def test_returns_information_by_number_id_and_autobahn_id() -> None:
    async def body(suite: MemoryServer) -> None:
        for which in ("case=1", "casetuple=toy.echo", "casetuple=1.1.1", "casetuple=autobahn%3A1.1.1"):
            answer = await suite.ask(f"/getCaseInfo?{which}")
            assert json.loads(answer.messages[0]) == {"id": "toy.echo", "description": "A title."}

    run_with_server(body)


@pytest.mark.parametrize("which", ["case=0", "case=2", "case=99", "casetuple=no.such", "casetuple=%5B"])
@pytest.mark.parametrize("path", ["/runCase?agent=x&", "/getCaseInfo?", "/getCaseStatus?agent=x&"])
def test_refuses_an_unknown_case_without_a_result(path: str, which: str) -> None:
    async def body(suite: MemoryServer) -> None:
        answer = await suite.ask(path + which)
        assert answer.status == 404
        assert b"there is no case" in answer.body

    log = run_with_server(body)
    assert log.targets == []
    assert log.results == []
    assert len(log.lines) == 1
    assert "refused with 404" in log.lines[0]


def test_refuses_a_request_without_an_agent() -> None:
    async def body(suite: MemoryServer) -> None:
        assert (await suite.ask("/runCase?case=1")).status == 400
        assert suite.server.agents == {}
        assert (await suite.ask("/updateReports?agent=x")).status == 101

    assert run_with_server(body).results == []


@pytest.mark.parametrize("host", ["127.0.0.1:9001", "example.com", "mapped:32768", "[::1]:1"])
def test_accepts_any_host(host: str) -> None:
    async def body(suite: MemoryServer) -> None:
        assert (await suite.ask("/getCaseCount", host=host)).messages == ["1"]

    run_with_server(body)


def test_runs_the_usual_loop_of_a_client() -> None:
    async def body(suite: MemoryServer) -> None:
        count = int((await suite.ask("/getCaseCount")).messages[0])
        for number in range(1, count + 1):
            await suite.run(f"case={number}")
        assert (await suite.ask("/updateReports?agent=toy")).close == 1005

    log = run_with_server(body, (REFUSES, ECHO, CHOICE), (MONITOR,))
    assert log.verdicts("toy") == {
        ECHO.id: Verdict.PASSED,
        CHOICE.id: Verdict.INFORMATIONAL,
        REFUSES.id: Verdict.PASSED,
        MONITOR.id: Verdict.PASSED,
    }
    assert [target.name for target in log.targets] == ["toy"]
    assert log.targets[0].role is Role.CLIENT
    assert any("Running test case ID toy.echo for agent toy from peer 127.0.0.1:" in line for line in log.details)


def test_writes_reports_at_each_call_before_the_dialogue_ends() -> None:
    written: list[int] = []

    async def update() -> None:
        written.append(len(written))

    async def body(suite: MemoryServer) -> None:
        for calls in (1, 2):
            await suite.ask("/updateReports?agent=anybody")
            assert len(written) == calls
        assert not suite.server.stopped.is_set()

    run_with_server(body, update=update)


@pytest.mark.parametrize("path", ["/stopServer", "/updateReports?agent=x&shutdownOnComplete=true"])
def test_stops_after_the_end_of_the_dialogue(path: str) -> None:
    async def body(suite: MemoryServer) -> None:
        answer = await suite.ask(path)
        assert (answer.status, answer.close) == (101, 1005)
        await suite.server.stopped.wait()

    run_with_server(body)


class TestStatus:
    async def _status(self, suite: MemoryServer, which: str = "case=1") -> object:
        answer = await suite.ask(f"/getCaseStatus?{which}&agent=toy")
        assert len(answer.messages) == 1
        return json.loads(answer.messages[0])

    @pytest.mark.parametrize(
        ("case", "word"), [(ECHO, "OK"), (CHOICE, "INFORMATIONAL"), (TLS_ONLY, "UNIMPLEMENTED"), (SILENT, "FAILED")]
    )
    def test_status_of_a_case_that_ran(self, case: Case, word: str) -> None:
        async def body(suite: MemoryServer) -> None:
            await suite.run("case=1")
            assert await self._status(suite) == {"behavior": word}

        run_with_server(body, (case,))

    def test_status_waits_for_a_running_case(self) -> None:
        async def body(suite: MemoryServer) -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(suite.run, "case=1")
                await trio.testing.wait_all_tasks_blocked()
                assert "toy.silent" in suite.server.agents["toy"].running
                assert await self._status(suite) == {"behavior": "FAILED"}

        run_with_server(body, (SILENT,), patience=60)

    def test_status_of_a_case_that_never_runs(self) -> None:
        async def body(suite: MemoryServer) -> None:
            start = trio.current_time()
            assert await self._status(suite) == {"behavior": "MISSING"}
            assert trio.current_time() - start == pytest.approx(5, abs=0.5)

        assert run_with_server(body).targets == []

    def test_status_answers_every_waiting_client(self) -> None:
        async def body(suite: MemoryServer) -> None:
            answers: list[object] = []

            async def wait() -> None:
                answers.append(await self._status(suite))

            async with trio.open_nursery() as nursery:
                for _ in range(3):
                    nursery.start_soon(wait)
                await trio.testing.wait_all_tasks_blocked()
                await suite.run("case=1")
            assert answers == [{"behavior": "OK"}] * 3

        run_with_server(body)

    def test_status_is_failed_exactly_if_the_gate_fails(self) -> None:
        for verdict in Verdict:
            for level in Level:
                for reason in (None, Reason.LIMIT, Reason.LOST):
                    if (verdict is Verdict.INCONCLUSIVE) != (reason is not None):
                        continue
                    result = Result(
                        case="a.b",
                        title="",
                        role=Role.CLIENT,
                        requirement="x",
                        level=level,
                        verdict=verdict,
                        reason=reason,
                    )
                    word = behavior(result)
                    assert (word == "FAILED") == result.breaks_gate
                    assert (word == "OK") == (result.mark is Mark.PASSED)
