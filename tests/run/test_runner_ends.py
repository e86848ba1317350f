"""The end of a run: targets that are lost or come back, limits of time and of failures, cases left over."""

from __future__ import annotations

from tests.support.connection_harness import expects_echo
from tests.support.runner_harness import REGISTRY, Mortal, family, outcomes, run
from tests.support.scripted import FarEnd, Script, a_case
from wsconform import Connection, Frame
from wsconform.catalogue.case import Case
from wsconform.endpoint.session import Limits
from wsconform.evidence.result import Reason, Result, Verdict
from wsconform.journal.journal import EndReason
from wsconform.run.options import RunOptions
from wsconform.wire.frame import TEXT


def deadly(targets: list[Mortal]) -> Script:
    """Return an echo that dies of the text "die" without answering it."""

    async def script(end: FarEnd) -> None:
        await end.open()
        while (frame := await end.frame()) is not None:
            if frame.payload == b"die":
                targets[0].die()
                await end.rst()
                return
            await end.send(Frame(TEXT, frame.payload) if frame.opcode == TEXT else Frame.pong(frame.payload))

    return script


async def kills(ws: Connection) -> None:
    """A case that the target passes by dying of it."""
    await ws.send(Frame.text("die"))
    await ws.expect_connection_failed()


class TestLostTarget:
    CASES = (
        a_case(expects_echo, "area.before"),
        a_case(kills, "area.kills"),
        *[a_case(expects_echo, f"area.after[{number}]") for number in range(3)],
    )
    TEXT = "the target was lost and could not be started again"

    def test_without_a_restart_the_run_ends_with_a_reason_for_every_case(self) -> None:
        targets: list[Mortal] = []
        done = run([*self.CASES], deadly(targets), before=targets.append, options=RunOptions(jobs=1))
        assert done.why is EndReason.LOST
        assert sorted(done.verdicts()) == sorted(case.id for case in self.CASES)
        assert done.of("area.before").verdict is Verdict.PASSED
        lost = done.outcome("area.after[0]")
        assert lost[:2] == (Verdict.INCONCLUSIVE, Reason.LOST)
        assert lost[2].startswith(
            f"{self.TEXT} before this case was confirmed: the target no longer accepts connections: "
        )
        assert done.outcome("area.after[2]") == (
            Verdict.INCONCLUSIVE,
            Reason.LOST,
            f"{self.TEXT} before this case was run",
        )

    def test_a_target_is_dialled_three_times_before_it_counts_as_lost(self) -> None:
        targets: list[Mortal] = []
        done = run([*self.CASES], deadly(targets), before=targets.append, options=RunOptions(jobs=1))
        assert done.target is not None
        assert done.target.dials == 3 + 3

    def test_with_a_restart_the_deadly_case_is_found(self) -> None:
        targets: list[Mortal] = []
        done = run([*self.CASES], deadly(targets), before=targets.append, restarts=True, options=RunOptions(jobs=1))
        assert done.why is EndReason.DONE
        verdicts = done.verdicts()
        assert verdicts.pop("area.kills") is Verdict.INCONCLUSIVE
        assert set(verdicts.values()) == {Verdict.PASSED}
        last = [result for result in done.results if result.case == "area.kills"][-1]
        assert last.reason is Reason.LOST
        assert last.finding is not None
        assert last.finding.observed == "the target accepted no connection after this case ran alone"

    def test_suspects_that_pass_again_are_not_reported_twice(self) -> None:
        targets: list[Mortal] = []
        done = run([*self.CASES], deadly(targets), before=targets.append, restarts=True, options=RunOptions(jobs=1))
        assert [result.case for result in done.results].count("area.before") == 1
        assert [result.case for result in done.results].count("area.after[0]") == 1

    def test_a_loss_that_many_tasks_notice_is_one_restart(self) -> None:
        targets: list[Mortal] = []
        cases = [a_case(kills, "area.kills"), *family(30, expects_echo)]
        done = run(cases, deadly(targets), before=targets.append, restarts=True, options=RunOptions(jobs=8))
        assert done.target is not None
        # One death at the first attempt, one at the second.
        assert done.target.restarts == 2
        assert done.verdicts().pop("area.kills") is Verdict.INCONCLUSIVE
        assert len(done.verdicts()) == 31

    def test_a_target_that_comes_back_by_itself_is_not_lost(self) -> None:
        targets: list[Mortal] = []

        async def dies(ws: Connection) -> None:
            if targets[0].dials == 1:
                targets[0].die()

        def before(target: Mortal) -> None:
            targets.append(target)
            target.revives_at = 4

        done = run([a_case(dies), a_case(expects_echo, "area.next")], before=before, options=RunOptions(jobs=1))
        assert done.why is EndReason.DONE
        assert done.verdicts()["area.next"] is Verdict.PASSED
        assert done.target is not None
        assert done.target.restarts == 0


class TestStopping:
    def test_a_budget_ends_the_run_with_a_result_for_every_case(self) -> None:
        cases = [a_case(outcomes("fail"), "area.fails"), *family(3, outcomes("wait")), *family_of_waits()]
        done = run(cases, options=RunOptions(jobs=2, budget=2.5))
        assert done.why is EndReason.BUDGET
        assert sorted(done.verdicts()) == sorted(case.id for case in cases)
        text = "the time budget was over before this case was"
        assert done.outcome("area.fails") == (Verdict.SKIPPED, Reason.BUDGET, f"{text} confirmed: that")
        assert done.outcome("area.case[0]") == (Verdict.SKIPPED, Reason.BUDGET, f"{text} confirmed: nothing for 1 s")
        assert done.outcome("area.late[7]") == (Verdict.SKIPPED, Reason.BUDGET, f"{text} run")

    def test_a_budget_that_ends_while_confirming_loses_nothing(self) -> None:
        done = run(family(3, outcomes("wait")), options=RunOptions(budget=3))
        assert done.why is EndReason.BUDGET
        assert {result.reason for result in done.results} == {Reason.BUDGET}
        assert len(done.results) == 3

    def test_a_sufficient_budget_changes_nothing(self) -> None:
        assert run([a_case(expects_echo)], options=RunOptions(budget=60)).why is EndReason.DONE

    def test_after_max_failures_no_more_cases_run(self) -> None:
        done = run(family(10, outcomes("fail")), options=RunOptions(max_failures=2, jobs=1))
        verdicts = [result.verdict for result in done.results]
        assert verdicts == [Verdict.FAILED] * 2 + [Verdict.SKIPPED] * 8
        text = "the run stopped at 2 failures before this case was run"
        assert done.outcome("area.case[9]") == (Verdict.SKIPPED, Reason.BUDGET, text)
        assert done.target is not None
        assert done.target.dials == 4, "two cases, each run twice"

    def test_unconfirmed_failures_do_not_stop_the_run(self) -> None:
        """Two cases fail once and run again at once; because they pass then, the others run, too."""
        cases = [a_case(outcomes("fail", "pass"), f"area.flaky[{number}]") for number in range(2)]
        cases += [a_case(outcomes("fail"), f"area.fails[{number}]") for number in range(4)]
        done = run(cases, options=RunOptions(max_failures=2, jobs=1))
        assert [verdict for case, verdict in done.verdicts().items() if "fails" in case] == [
            Verdict.FAILED,
            Verdict.FAILED,
            Verdict.SKIPPED,
            Verdict.SKIPPED,
        ]

    def test_at_max_failures_some_cases_stay_unconfirmed(self) -> None:
        done = run(family(10, outcomes("fail")), options=RunOptions(max_failures=1, jobs=4))
        assert list(done.verdicts().values()).count(Verdict.FAILED) == 1
        stages = {result.finding.observed for result in done.results if result.finding} - {"that"}
        assert stages == {
            "the run stopped at 1 failure before this case was confirmed: that",
            "the run stopped at 1 failure before this case was run",
        }

    def test_cases_that_run_alone_also_stop_the_run(self) -> None:
        done = run(family(5, outcomes("fail"), alone=True), options=RunOptions(max_failures=1))
        assert list(done.verdicts().values()) == [Verdict.FAILED] + [Verdict.SKIPPED] * 4

    def test_the_caller_decides_which_results_count_as_failures(self) -> None:
        done = run(
            family(4, outcomes("fail")),
            options=RunOptions(max_failures=1, jobs=1),
            is_failure=lambda result: result.case != "area.case[0]" and failed(result),
        )
        assert list(done.verdicts().values()) == [Verdict.FAILED] * 2 + [Verdict.SKIPPED] * 2

    def test_departures_do_not_count_as_failures(self) -> None:
        done = run([*family(3, outcomes("fail", "pass")), *waits(1)], options=RunOptions(max_failures=1))
        assert len(done.results) == 4
        assert done.why is EndReason.DONE

    def test_an_interrupted_run_has_reported_final_results_and_closes_its_streams(self) -> None:
        done = run([a_case(expects_echo), *waits(2)], options=RunOptions(jobs=1), within=0.5)
        assert done.why is None
        assert done.verdicts() == {"area.case": Verdict.PASSED}

    def test_an_empty_plan_is_done_at_once(self) -> None:
        done = run([])
        assert (done.results, done.why) == ([], EndReason.DONE)


def failed(result: Result) -> bool:
    """Return whether `result` is a violation."""
    return result.verdict is Verdict.FAILED


def waits(count: int) -> list[Case]:
    """Return cases that wait out every limit."""
    return [a_case(outcomes("wait"), f"area.waits[{number}]") for number in range(count)]


def family_of_waits() -> list[Case]:
    """Return cases that come too late for a budget."""
    return [a_case(outcomes("wait"), f"area.late[{number}]") for number in range(8)]


class TestResults:
    def test_a_result_has_the_requirement_and_its_level(self) -> None:
        result = run([a_case(expects_echo)]).of("area.case")
        assert (result.requirement, result.level) == ("6455-5.1-3", REGISTRY["6455-5.1-3"].level)
        assert result.transcript

    def test_limits_reach_the_cases(self) -> None:
        seen: list[Limits] = []

        async def body(ws: Connection) -> None:
            seen.append(ws.session.limits)

        run([a_case(body)], options=RunOptions(confirm=False, limits=Limits(patience=7, octets=99_999)))
        assert [(limits.patience, limits.octets) for limits in seen] == [(7, 99_999)]
