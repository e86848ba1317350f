"""The older suite's control addresses: what every driver written for them relies on."""

from __future__ import annotations

import json

import pytest
import trio

from tests.support.memory_server import ALONE, CHOICE, ECHO, MONITOR, REFUSES, SILENT, TLS_ONLY, Hall, in_hall
from wsconform.autobahn.ids import behavior
from wsconform.catalogue.case import Case
from wsconform.evidence.result import Mark, Reason, Result, Verdict
from wsconform.registry.requirement import Level, Role


def test_the_count_is_of_what_is_selected_and_the_monitors_are_no_cases() -> None:
    async def body(hall: Hall) -> None:
        answer = await hall.ask("/getCaseCount")
        assert (answer.status, answer.messages, answer.close) == (101, ["2"], 1005)

    in_hall(body, (ECHO, CHOICE), (MONITOR,))


def test_cases_that_make_a_handshake_fail_come_last_and_those_that_run_alone_behind_the_others() -> None:
    async def body(hall: Hall) -> None:
        ids = [json.loads((await hall.ask(f"/getCaseInfo?case={n}")).messages[0])["id"] for n in (1, 2, 3)]
        assert ids == [ECHO.id, ALONE.id, REFUSES.id]

    in_hall(body, (REFUSES, ALONE, ECHO))


def test_information_on_a_case_by_number_id_and_old_name() -> None:
    async def body(hall: Hall) -> None:
        for which in ("case=1", "casetuple=toy.echo", "casetuple=1.1.1", "casetuple=autobahn%3A1.1.1"):
            answer = await hall.ask(f"/getCaseInfo?{which}")
            assert json.loads(answer.messages[0]) == {"id": "toy.echo", "description": "A title."}

    in_hall(body)


@pytest.mark.parametrize("which", ["case=0", "case=2", "case=99", "casetuple=no.such", "casetuple=%5B"])
@pytest.mark.parametrize("path", ["/runCase?agent=x&", "/getCaseInfo?", "/getCaseStatus?agent=x&"])
def test_a_case_that_does_not_exist_is_refused_and_leaves_nothing(path: str, which: str) -> None:
    async def body(hall: Hall) -> None:
        answer = await hall.ask(path + which)
        assert answer.status == 404
        assert b"there is no case" in answer.body

    book = in_hall(body)
    assert book.targets == []
    assert book.results == []
    assert len(book.lines) == 1
    assert "refused with 404" in book.lines[0]


def test_a_request_without_an_agent_is_refused_and_poisons_nothing() -> None:
    async def body(hall: Hall) -> None:
        assert (await hall.ask("/runCase?case=1")).status == 400
        assert hall.server.agents == {}
        assert (await hall.ask("/updateReports?agent=x")).status == 101

    assert in_hall(body).results == []


@pytest.mark.parametrize("host", ["127.0.0.1:9001", "example.com", "mapped:32768", "[::1]:1"])
def test_any_host_is_served(host: str) -> None:
    async def body(hall: Hall) -> None:
        assert (await hall.ask("/getCaseCount", host=host)).messages == ["1"]

    in_hall(body)


def test_the_loop_of_every_driver() -> None:
    async def body(hall: Hall) -> None:
        count = int((await hall.ask("/getCaseCount")).messages[0])
        for number in range(1, count + 1):
            await hall.run(f"case={number}")
        assert (await hall.ask("/updateReports?agent=toy")).close == 1005

    book = in_hall(body, (REFUSES, ECHO, CHOICE), (MONITOR,))
    assert book.verdicts("toy") == {
        ECHO.id: Verdict.PASSED,
        CHOICE.id: Verdict.INFORMATIONAL,
        REFUSES.id: Verdict.PASSED,
        MONITOR.id: Verdict.PASSED,
    }
    assert [target.name for target in book.targets] == ["toy"]
    assert book.targets[0].role is Role.CLIENT
    assert any("Running test case ID toy.echo for agent toy from peer 127.0.0.1:" in line for line in book.details)


def test_reports_are_written_before_the_dialogue_ends_and_again_at_each_call() -> None:
    written: list[int] = []

    async def update() -> None:
        written.append(len(written))

    async def body(hall: Hall) -> None:
        for calls in (1, 2):
            await hall.ask("/updateReports?agent=anybody")
            assert len(written) == calls
        assert not hall.server.stopped.is_set()

    in_hall(body, update=update)


@pytest.mark.parametrize("path", ["/stopServer", "/updateReports?agent=x&shutdownOnComplete=true"])
def test_stopping_lets_the_dialogue_end_first(path: str) -> None:
    async def body(hall: Hall) -> None:
        answer = await hall.ask(path)
        assert (answer.status, answer.close) == (101, 1005)
        await hall.server.stopped.wait()

    in_hall(body)


class TestStatus:
    async def _status(self, hall: Hall, which: str = "case=1") -> object:
        answer = await hall.ask(f"/getCaseStatus?{which}&agent=toy")
        assert len(answer.messages) == 1
        return json.loads(answer.messages[0])

    @pytest.mark.parametrize(
        ("case", "word"), [(ECHO, "OK"), (CHOICE, "INFORMATIONAL"), (TLS_ONLY, "UNIMPLEMENTED"), (SILENT, "FAILED")]
    )
    def test_of_a_case_that_was_run(self, case: Case, word: str) -> None:
        async def body(hall: Hall) -> None:
            await hall.run("case=1")
            assert await self._status(hall) == {"behavior": word}

        in_hall(body, (case,))

    def test_whoever_asks_early_waits_for_the_case_to_end_however_long_it_takes(self) -> None:
        async def body(hall: Hall) -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(hall.run, "case=1")
                await trio.testing.wait_all_tasks_blocked()
                assert "toy.silent" in hall.server.agents["toy"].running
                assert await self._status(hall) == {"behavior": "FAILED"}

        in_hall(body, (SILENT,), patience=60)

    def test_a_case_that_nobody_runs_gets_an_answer_too(self) -> None:
        async def body(hall: Hall) -> None:
            start = trio.current_time()
            assert await self._status(hall) == {"behavior": "MISSING"}
            assert trio.current_time() - start == pytest.approx(5, abs=0.5)

        assert in_hall(body).targets == []

    def test_every_waiter_gets_its_answer(self) -> None:
        async def body(hall: Hall) -> None:
            answers: list[object] = []

            async def wait() -> None:
                answers.append(await self._status(hall))

            async with trio.open_nursery() as nursery:
                for _ in range(3):
                    nursery.start_soon(wait)
                await trio.testing.wait_all_tasks_blocked()
                await hall.run("case=1")
            assert answers == [{"behavior": "OK"}] * 3

        in_hall(body)

    def test_words_are_failures_where_the_gate_breaks(self) -> None:
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
