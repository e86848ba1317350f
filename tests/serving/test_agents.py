"""Clients under test: what becomes of attempts, second attempts, and what was never put."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import trio
import trio.testing

from tests.support.hostile_clients import read_on, upgrade
from tests.support.memory_server import (
    CHOICE,
    ECHO,
    MONITOR,
    MUST,
    REFUSES,
    SILENT,
    TLS_ONLY,
    TWICE,
    Answer,
    Hall,
    client_case,
    in_hall,
    talk,
)
from wsconform import Connection, Incoming
from wsconform.catalogue.case import Monitor, Sample, Subject
from wsconform.evidence.result import Reason, Verdict
from wsconform.evidence.transcript import Conversation
from wsconform.serving.server import MOST_AGENTS
from wsconform.wire.http1 import Response


def test_a_driver_that_echoes_wrongly_fails_with_what_it_sent() -> None:
    async def body(hall: Hall) -> None:
        await hall.run("case=1", change=str.upper)

    book = in_hall(body)
    (_, result), *_ = book.results
    assert result.verdict is Verdict.FAILED
    assert result.finding is not None
    assert "HELLO" in result.finding.observed


def test_a_rerun_takes_the_place_of_the_first_and_keeps_it_where_they_disagree() -> None:
    async def body(hall: Hall) -> None:
        await hall.run("case=1", change=str.upper)
        await hall.run("case=1")
        await hall.run("case=1")

    book = in_hall(body)
    first, second, third = (result for _, result in book.results)
    assert (first.verdict, first.attempts, first.flaky) == (Verdict.FAILED, (), False)
    assert (second.verdict, second.flaky) == (Verdict.PASSED, True)
    assert [attempt.verdict for attempt in second.attempts] == [Verdict.FAILED]
    assert (third.verdict, third.flaky) == (Verdict.PASSED, False)


def test_clients_are_told_apart_by_name_and_each_has_results_of_its_own() -> None:
    async def body(hall: Hall) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hall.run, "case=1", "one")
            nursery.start_soon(lambda: hall.run("case=1", "two", change=str.upper))

    book = in_hall(body)
    assert {target.name for target in book.targets} == {"one", "two"}
    assert book.verdicts("one") == {ECHO.id: Verdict.PASSED}
    assert book.verdicts("two") == {ECHO.id: Verdict.FAILED}


def test_a_client_that_changes_its_name_all_the_time_fills_no_memory() -> None:
    async def body(hall: Hall) -> None:
        statuses = [(await hall.run("case=1", f"n{number}")).status for number in range(MOST_AGENTS + 2)]
        assert statuses == [101] * MOST_AGENTS + [503] * 2

    assert len(in_hall(body).targets) == MOST_AGENTS


def test_a_second_connection_for_a_case_that_runs_is_refused_and_the_first_goes_on() -> None:
    async def body(hall: Hall) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hall.run, "case=1")
            await trio.testing.wait_all_tasks_blocked()
            answer = await hall.run("case=1")
            assert answer.status == 409
            assert b"has a connection for toy.silent already" in answer.body

    book = in_hall(body, (SILENT,))
    assert [result.verdict for _, result in book.results] == [Verdict.FAILED]


def test_a_case_that_needs_two_connections_is_out_of_reach() -> None:
    async def body(hall: Hall) -> None:
        await hall.run("case=1")

    ((_, result),) = in_hall(body, (TWICE,)).results
    assert (result.verdict, result.reason) == (Verdict.SKIPPED, Reason.NOT_OFFERED)
    assert result.finding is not None
    assert "second connection" in result.finding.observed


def test_a_case_out_of_reach_is_answered_with_an_empty_close_and_said_to_be_skipped() -> None:
    async def body(hall: Hall) -> None:
        answer = await hall.run("case=1")
        assert (answer.status, answer.messages, answer.close) == (101, [], 1005)

    ((_, result),) = in_hall(body, (TLS_ONLY,)).results
    assert (result.verdict, result.reason) == (Verdict.SKIPPED, Reason.NOT_OFFERED)


def test_a_case_that_goes_no_further_than_the_request_does_not_leave_the_client_without_an_answer() -> None:
    async def looks(incoming: Incoming) -> None:
        incoming.expect(incoming.request.method == b"GET", "GET", "another method")

    async def body(hall: Hall) -> None:
        for which in ("case=1", "case=2"):
            answer = await hall.run(which)
            assert (answer.status, answer.messages, answer.close) == (101, [], 1005)

    cases = (
        client_case(looks, "toy.looks", subject=Subject.INCOMING),
        client_case(looks, "toy.deflate", offer="permessage-deflate"),
    )
    book = in_hall(body, cases)
    assert book.verdicts("toy") == {"toy.looks": Verdict.PASSED, "toy.deflate": Verdict.SKIPPED}


def test_a_case_that_leaves_its_connection_open_is_closed_in_good_order() -> None:
    async def closes(ws: Connection) -> None:
        await ws.expect_closed_cleanly()

    async def body(hall: Hall) -> None:
        assert (await hall.run("case=1")).close == 1000
        assert (await hall.run("case=2")).close == 1000
        assert (await hall.run("case=1", change=str.upper)).close == 1000
        (talked,) = hall.server.clients
        assert talked.results["toy.closes"].verdict is Verdict.PASSED

    in_hall(body, (ECHO, client_case(closes, "toy.closes")))


def test_a_case_that_breaks_off_before_an_answer_is_left_alone() -> None:
    async def breaks(incoming: Incoming) -> None:
        await incoming.stream.abort()

    async def body(hall: Hall) -> None:
        assert await hall.run("case=1") == Answer(101)
        await trio.testing.wait_all_tasks_blocked()

    book = in_hall(body, (client_case(breaks, "toy.breaks", subject=Subject.INCOMING),))
    assert book.verdicts("toy") == {"toy.breaks": Verdict.PASSED}


@pytest.mark.parametrize("fields", ["", "X-Filler: " + "x" * 300 + "\r\n"])
def test_the_next_request_on_a_refused_connection_is_not_taken_for_frames(fields: str) -> None:
    async def refuses(incoming: Incoming) -> None:
        await incoming.expect_not_open(Response(status=204, reason=b"No Content"))

    async def body(hall: Hall) -> None:
        stream = hall.enter()
        await stream.send_all(upgrade("/runCase?case=1&agent=toy"))
        await stream.receive_some()
        await stream.send_all(f"GET / HTTP/1.1\r\n{fields}\r\n".encode())
        await stream.send_eof()
        await read_on(stream)
        await trio.testing.wait_all_tasks_blocked()

    case = client_case(refuses, "toy.refuses", subject=Subject.INCOMING)
    book = in_hall(body, (case,), (MONITOR,))
    ((_, result),) = book.results
    assert result.verdict is Verdict.PASSED
    assert ("sent on the refused connection", "another request") in result.notes


def test_no_monitor_looks_at_a_request_in_the_place_of_frames_whatever_was_answered() -> None:
    async def accepts(incoming: Incoming) -> None:
        await incoming.expect_open()

    async def body(hall: Hall) -> None:
        stream = hall.enter()
        await stream.send_all(upgrade("/runCase?case=1&agent=toy"))
        await stream.receive_some()
        await stream.send_all(b"GET / HTTP/1.1\r\n" + b"X-Filler: " + b"x" * 300 + b"\r\n\r\n")
        await stream.send_eof()
        await read_on(stream)
        await trio.testing.wait_all_tasks_blocked()
        (run,) = hall.server.clients
        assert run.results["toy.accepts"].verdict is Verdict.FAILED
        assert [watch.samples for watch in run.watches.all] == [0]

    in_hall(body, (client_case(accepts, "toy.accepts", subject=Subject.INCOMING),), (MONITOR,))


def test_any_other_address_is_the_next_case_until_there_is_none() -> None:
    async def body(hall: Hall) -> None:
        statuses = [(await talk(hall.enter(), "/whatever", echo=True)).status for _ in range(3)]
        assert statuses == [101, 101, 410]

    book = in_hall(body, (ECHO, TLS_ONLY, CHOICE))
    assert book.verdicts("client") == {
        ECHO.id: Verdict.PASSED,
        TLS_ONLY.id: Verdict.SKIPPED,
        CHOICE.id: Verdict.INFORMATIONAL,
    }


class TestConfirming:
    def test_what_is_not_a_pass_has_a_result_after_its_second_attempt_only(self) -> None:
        async def body(hall: Hall) -> None:
            run = hall.server.agent("toy")
            await hall.run("case=1", change=str.upper)
            assert run.results == {}
            assert run.is_open(ECHO)
            assert run.is_attempted(ECHO)
            await hall.run("case=1", change=str.upper)
            assert not run.is_open(ECHO)

        ((_, result),) = in_hall(body, confirm=True).results
        assert (result.verdict, result.flaky) == (Verdict.FAILED, False)

    def test_attempts_that_disagree_are_told(self) -> None:
        async def body(hall: Hall) -> None:
            await hall.run("case=1", change=str.upper)
            await hall.run("case=1")

        ((_, result),) = in_hall(body, confirm=True).results
        assert (result.verdict, result.flaky) == (Verdict.PASSED, True)

    def test_the_first_attempt_waits_less_and_running_out_of_it_is_no_disagreement(self) -> None:
        times: list[float] = []

        async def slow(ws: Connection) -> None:
            start = trio.current_time()
            try:
                await ws.expect_pong(b"never")
            finally:
                times.append(trio.current_time() - start)

        async def body(hall: Hall) -> None:
            await hall.run("case=1")
            await hall.run("case=1")

        ((_, result),) = in_hall(body, (client_case(slow, "toy.slow"),), confirm=True).results
        assert times == pytest.approx([1.0, 5.0], abs=0.2)
        assert not result.flaky

    def test_a_monitor_that_breached_once_is_looked_at_again(self) -> None:
        seen: list[int] = []

        def first_only(conversation: Conversation) -> Iterator[Sample]:
            seen.append(1)
            yield Sample("odd", Verdict.FAILED if len(seen) == 1 else Verdict.PASSED, 0)

        async def body(hall: Hall) -> None:
            run = hall.server.agent("toy")
            await hall.run("case=1")
            assert run.is_open(ECHO)
            await hall.run("case=1")
            assert not run.is_open(ECHO)
            hall.server.finish("over")

        book = in_hall(
            body,
            (ECHO,),
            (Monitor(id="monitors.odd", function=first_only, requirements=(MUST,), title="T.", why=""),),
            confirm=True,
        )
        result = next(result for _, result in reversed(book.results) if result.case == "monitors.odd")
        assert (result.verdict, result.flaky) == (Verdict.PASSED, True)


class TestTheEnd:
    def test_what_was_not_put_is_lost_and_says_why(self) -> None:
        async def body(hall: Hall) -> None:
            await hall.run("case=1")
            hall.server.finish("the driver went home")

        book = in_hall(body, (ECHO, CHOICE, REFUSES), (MONITOR,))
        results = {result.case: result for _, result in book.results}
        assert results[ECHO.id].verdict is Verdict.PASSED
        assert results[MONITOR.id].verdict is Verdict.PASSED
        for case in (CHOICE, REFUSES):
            assert (results[case.id].verdict, results[case.id].reason) == (Verdict.INCONCLUSIVE, Reason.LOST)
            assert results[case.id].finding.observed == "the driver went home"  # type: ignore[union-attr]

    def test_an_interrupted_run_says_nothing_of_what_was_not_put(self) -> None:
        async def body(hall: Hall) -> None:
            await hall.run("case=1")
            hall.server.finish(None)

        assert set(in_hall(body, (ECHO, CHOICE), (MONITOR,)).verdicts("toy")) == {ECHO.id, MONITOR.id}

    def test_a_single_attempt_counts_where_no_second_one_came(self) -> None:
        async def body(hall: Hall) -> None:
            await hall.run("case=1", change=str.upper)
            hall.server.finish("over")

        assert in_hall(body, confirm=True).verdicts("toy") == {ECHO.id: Verdict.FAILED}

    def test_who_only_asked_for_reports_is_no_client_under_test(self) -> None:
        async def body(hall: Hall) -> None:
            await hall.ask("/updateReports?agent=toy")
            await hall.ask("/getCaseStatus?case=1&agent=toy")
            hall.server.finish("over")

        book = in_hall(body)
        assert book.targets == []
        assert book.results == []

    def test_idle_is_when_nobody_was_connected_for_so_long(self) -> None:
        async def body(hall: Hall) -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(hall.run, "case=1")
                start = trio.current_time()
                await hall.server.until_idle(3)
                # The silent case alone took the whole patience.
                assert trio.current_time() - start == pytest.approx(20 + 3, abs=1.5)

        in_hall(body, (SILENT,), patience=20)
