"""Clients under test: their attempts, second attempts, and cases that never ran."""

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
    MemoryServer,
    client_case,
    run_with_server,
    talk,
)
from wsconform import Connection, Incoming
from wsconform.catalogue.case import Monitor, Sample
from wsconform.evidence.result import Reason, Verdict
from wsconform.evidence.transcript import Conversation
from wsconform.serving.server import MOST_AGENTS
from wsconform.wire.http1 import Response


def test_shows_the_wrong_echo_of_a_client() -> None:
    async def body(server: MemoryServer) -> None:
        await server.run("case=1", change=str.upper)

    book = run_with_server(body)
    (_, result), *_ = book.results
    assert result.verdict is Verdict.FAILED
    assert result.finding is not None
    assert "HELLO" in result.finding.observed


def test_a_rerun_replaces_the_first_result_and_keeps_it_as_an_attempt_if_they_differ() -> None:
    async def body(server: MemoryServer) -> None:
        await server.run("case=1", change=str.upper)
        await server.run("case=1")
        await server.run("case=1")

    book = run_with_server(body)
    first, second, third = (result for _, result in book.results)
    assert (first.verdict, first.attempts, first.flaky) == (Verdict.FAILED, (), False)
    assert (second.verdict, second.flaky) == (Verdict.PASSED, True)
    assert [attempt.verdict for attempt in second.attempts] == [Verdict.FAILED]
    assert (third.verdict, third.flaky) == (Verdict.PASSED, False)


def test_keeps_results_for_each_client_name() -> None:
    async def body(server: MemoryServer) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.run, "case=1", "one")
            nursery.start_soon(lambda: server.run("case=1", "two", change=str.upper))

    book = run_with_server(body)
    assert {target.name for target in book.targets} == {"one", "two"}
    assert book.verdicts("one") == {ECHO.id: Verdict.PASSED}
    assert book.verdicts("two") == {ECHO.id: Verdict.FAILED}


def test_refuses_too_many_client_names() -> None:
    async def body(server: MemoryServer) -> None:
        statuses = [(await server.run("case=1", f"n{number}")).status for number in range(MOST_AGENTS + 2)]
        assert statuses == [101] * MOST_AGENTS + [503] * 2

    assert len(run_with_server(body).targets) == MOST_AGENTS


def test_refuses_a_second_connection_for_a_running_case() -> None:
    async def body(server: MemoryServer) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.run, "case=1")
            await trio.testing.wait_all_tasks_blocked()
            answer = await server.run("case=1")
            assert answer.status == 409
            assert b"has a connection for toy.silent already" in answer.body

    book = run_with_server(body, (SILENT,))
    assert [result.verdict for _, result in book.results] == [Verdict.FAILED]


def test_skips_a_case_that_needs_two_connections() -> None:
    async def body(server: MemoryServer) -> None:
        await server.run("case=1")

    ((_, result),) = run_with_server(body, (TWICE,)).results
    assert (result.verdict, result.reason) == (Verdict.SKIPPED, Reason.NOT_OFFERED)
    assert result.finding is not None
    assert "second connection" in result.finding.observed


def test_answers_a_skipped_case_with_an_empty_close() -> None:
    async def body(server: MemoryServer) -> None:
        answer = await server.run("case=1")
        assert (answer.status, answer.messages, answer.close) == (101, [], 1005)

    ((_, result),) = run_with_server(body, (TLS_ONLY,)).results
    assert (result.verdict, result.reason) == (Verdict.SKIPPED, Reason.NOT_OFFERED)


def test_answers_a_client_whose_case_needs_only_the_request() -> None:
    async def looks(incoming: Incoming) -> None:
        incoming.expect(incoming.request.method == b"GET", "GET", "another method")

    async def body(server: MemoryServer) -> None:
        for which in ("case=1", "case=2"):
            answer = await server.run(which)
            assert (answer.status, answer.messages, answer.close) == (101, [], 1005)

    cases = (
        client_case(looks, "toy.looks", subject=Incoming),
        client_case(looks, "toy.deflate", offer="permessage-deflate"),
    )
    book = run_with_server(body, cases)
    assert book.verdicts("toy") == {"toy.looks": Verdict.PASSED, "toy.deflate": Verdict.SKIPPED}


def test_closes_a_connection_that_a_case_leaves_open() -> None:
    async def closes(ws: Connection) -> None:
        await ws.expect_closed_cleanly()

    async def body(server: MemoryServer) -> None:
        assert (await server.run("case=1")).close == 1000
        assert (await server.run("case=2")).close == 1000
        assert (await server.run("case=1", change=str.upper)).close == 1000
        (talked,) = server.server.clients
        assert talked.results["toy.closes"].verdict is Verdict.PASSED

    run_with_server(body, (ECHO, client_case(closes, "toy.closes")))


def test_sends_nothing_after_a_case_that_resets_the_stream() -> None:
    async def breaks(incoming: Incoming) -> None:
        await incoming.stream.abort()

    async def body(server: MemoryServer) -> None:
        assert await server.run("case=1") == Answer(101)
        await trio.testing.wait_all_tasks_blocked()

    book = run_with_server(body, (client_case(breaks, "toy.breaks", subject=Incoming),))
    assert book.verdicts("toy") == {"toy.breaks": Verdict.PASSED}


@pytest.mark.parametrize("fields", ["", "X-Filler: " + "x" * 300 + "\r\n"])
def test_does_not_parse_the_next_request_on_a_refused_connection_as_frames(fields: str) -> None:
    async def refuses(incoming: Incoming) -> None:
        await incoming.expect_not_open(Response(status=204, reason=b"No Content"))

    async def body(server: MemoryServer) -> None:
        stream = server.enter()
        await stream.send_all(upgrade("/runCase?case=1&agent=toy"))
        await stream.receive_some()
        await stream.send_all(f"GET / HTTP/1.1\r\n{fields}\r\n".encode())
        await stream.send_eof()
        await read_on(stream)
        await trio.testing.wait_all_tasks_blocked()

    case = client_case(refuses, "toy.refuses", subject=Incoming)
    book = run_with_server(body, (case,), (MONITOR,))
    ((_, result),) = book.results
    assert result.verdict is Verdict.PASSED
    assert ("sent on the refused connection", "another request") in result.notes


def test_no_monitor_gets_a_request_instead_of_frames() -> None:
    async def accepts(incoming: Incoming) -> None:
        await incoming.expect_open()

    async def body(server: MemoryServer) -> None:
        stream = server.enter()
        await stream.send_all(upgrade("/runCase?case=1&agent=toy"))
        await stream.receive_some()
        await stream.send_all(b"GET / HTTP/1.1\r\n" + b"X-Filler: " + b"x" * 300 + b"\r\n\r\n")
        await stream.send_eof()
        await read_on(stream)
        await trio.testing.wait_all_tasks_blocked()
        (run,) = server.server.clients
        assert run.results["toy.accepts"].verdict is Verdict.FAILED
        assert [watch.samples for watch in run.watches.all] == [0]

    run_with_server(body, (client_case(accepts, "toy.accepts", subject=Incoming),), (MONITOR,))


def test_any_other_address_runs_the_next_case() -> None:
    async def body(server: MemoryServer) -> None:
        statuses = [(await talk(server.enter(), "/whatever", echo=True)).status for _ in range(3)]
        assert statuses == [101, 101, 410]

    book = run_with_server(body, (ECHO, TLS_ONLY, CHOICE))
    assert book.verdicts("client") == {
        ECHO.id: Verdict.PASSED,
        TLS_ONLY.id: Verdict.SKIPPED,
        CHOICE.id: Verdict.INFORMATIONAL,
    }


class TestConfirming:
    def test_a_failed_case_gets_its_result_after_the_second_attempt(self) -> None:
        async def body(server: MemoryServer) -> None:
            run = server.server.agent("toy")
            await server.run("case=1", change=str.upper)
            assert run.results == {}
            assert run.is_open(ECHO)
            assert run.is_attempted(ECHO)
            await server.run("case=1", change=str.upper)
            assert not run.is_open(ECHO)

        ((_, result),) = run_with_server(body, confirm=True).results
        assert (result.verdict, result.flaky) == (Verdict.FAILED, False)

    def test_keeps_attempts_that_differ(self) -> None:
        async def body(server: MemoryServer) -> None:
            await server.run("case=1", change=str.upper)
            await server.run("case=1")

        ((_, result),) = run_with_server(body, confirm=True).results
        assert (result.verdict, result.flaky) == (Verdict.PASSED, True)

    def test_a_timeout_of_the_shorter_first_attempt_is_not_a_disagreement(self) -> None:
        times: list[float] = []

        async def slow(ws: Connection) -> None:
            start = trio.current_time()
            try:
                await ws.expect_pong(b"never")
            finally:
                times.append(trio.current_time() - start)

        async def body(server: MemoryServer) -> None:
            await server.run("case=1")
            await server.run("case=1")

        ((_, result),) = run_with_server(body, (client_case(slow, "toy.slow"),), confirm=True).results
        assert times == pytest.approx([1.0, 5.0], abs=0.2)
        assert not result.flaky

    def test_repeats_a_case_in_which_a_monitor_failed(self) -> None:
        seen: list[int] = []

        def first_only(conversation: Conversation) -> Iterator[Sample]:
            seen.append(1)
            yield Sample("odd", Verdict.FAILED if len(seen) == 1 else Verdict.PASSED, 0)

        async def body(server: MemoryServer) -> None:
            run = server.server.agent("toy")
            await server.run("case=1")
            assert run.is_open(ECHO)
            await server.run("case=1")
            assert not run.is_open(ECHO)
            server.server.finish("over")

        book = run_with_server(
            body,
            (ECHO,),
            (Monitor(id="monitors.odd", function=first_only, requirements=(MUST,), title="T.", why=""),),
            confirm=True,
        )
        result = next(result for _, result in reversed(book.results) if result.case == "monitors.odd")
        assert (result.verdict, result.flaky) == (Verdict.PASSED, True)


class TestTheEnd:
    def test_a_case_that_did_not_run_is_lost_with_the_reason(self) -> None:
        async def body(server: MemoryServer) -> None:
            await server.run("case=1")
            server.server.finish("the driver went home")

        book = run_with_server(body, (ECHO, CHOICE, REFUSES), (MONITOR,))
        results = {result.case: result for _, result in book.results}
        assert results[ECHO.id].verdict is Verdict.PASSED
        assert results[MONITOR.id].verdict is Verdict.PASSED
        for case in (CHOICE, REFUSES):
            assert (results[case.id].verdict, results[case.id].reason) == (Verdict.INCONCLUSIVE, Reason.LOST)
            finding = results[case.id].finding
            assert finding is not None
            assert finding.observed == "the driver went home"

    def test_an_interrupted_run_has_no_result_for_cases_that_did_not_run(self) -> None:
        async def body(server: MemoryServer) -> None:
            await server.run("case=1")
            server.server.finish(None)

        assert set(run_with_server(body, (ECHO, CHOICE), (MONITOR,)).verdicts("toy")) == {ECHO.id, MONITOR.id}

    def test_a_single_attempt_counts_without_a_second_one(self) -> None:
        async def body(server: MemoryServer) -> None:
            await server.run("case=1", change=str.upper)
            server.server.finish("over")

        assert run_with_server(body, confirm=True).verdicts("toy") == {ECHO.id: Verdict.FAILED}

    def test_a_client_that_only_asks_for_reports_has_no_record(self) -> None:
        async def body(server: MemoryServer) -> None:
            await server.ask("/updateReports?agent=toy")
            await server.ask("/getCaseStatus?case=1&agent=toy")
            server.server.finish("over")

        book = run_with_server(body)
        assert book.targets == []
        assert book.results == []

    def test_is_idle_after_so_many_seconds_without_a_client(self) -> None:
        async def body(server: MemoryServer) -> None:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(server.run, "case=1")
                start = trio.current_time()
                await server.server.until_idle(3)
                # The silent case alone took the whole patience.
                assert trio.current_time() - start == pytest.approx(20 + 3, abs=1.5)

        run_with_server(body, (SILENT,), patience=20)
