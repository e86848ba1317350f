"""The runner: anything but a pass runs again, lost targets are noticed, and every case has a result."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import trio

from tests.support.connection_harness import expects_echo
from tests.support.runner_harness import Mortal, family, outcomes, run, watching
from tests.support.scripted import FarEnd, a_case
from wsconform import Connection, Frame
from wsconform.catalogue.case import Monitor, Need, Sample
from wsconform.endpoint.session import Facts
from wsconform.evidence.result import Reason, Verdict
from wsconform.evidence.transcript import Conversation
from wsconform.journal.journal import EndReason
from wsconform.registry.requirement import Role
from wsconform.run.options import RunOptions
from wsconform.wire.frame import TEXT


class TestConfirmation:
    def test_a_pass_runs_once(self) -> None:
        done = run([a_case(outcomes("pass"))])
        assert (done.verdicts(), done.why) == ({"area.case": Verdict.PASSED}, EndReason.DONE)
        assert done.target is not None
        assert done.target.dials == 1

    @pytest.mark.parametrize(
        ("what", "verdict"),
        [("fail", Verdict.FAILED), ("depart", Verdict.DEPARTED), ("break", Verdict.ERROR)],
    )
    def test_anything_but_a_pass_runs_again(self, what: str, verdict: Verdict) -> None:
        done = run([a_case(outcomes(what))])
        result = done.of("area.case")
        assert (result.verdict, result.attempts, result.flaky) == (verdict, (), False)
        assert done.target is not None
        assert done.target.dials == 2

    def test_a_second_attempt_that_disagrees_makes_the_result_flaky(self) -> None:
        result = run([a_case(outcomes("fail", "pass"))]).of("area.case")
        assert (result.verdict, result.flaky, result.finding) == (Verdict.PASSED, True, None)
        (first,) = result.attempts
        assert (first.verdict, first.finding and first.finding.observed) == (Verdict.FAILED, "that")
        assert first.transcript

    def test_the_last_attempt_counts(self) -> None:
        result = run([a_case(outcomes("depart", "fail"))]).of("area.case")
        assert (result.verdict, result.flaky) == (Verdict.FAILED, True)

    def test_running_out_of_the_shorter_patience_is_not_a_disagreement(self) -> None:
        result = run([a_case(outcomes("wait", "pass"))]).of("area.case")
        assert (result.verdict, result.flaky, result.attempts) == (Verdict.PASSED, False, ())

    def test_the_second_attempt_has_the_whole_patience(self) -> None:
        result = run([a_case(outcomes("wait"))]).of("area.case")
        assert result.finding is not None
        assert result.finding.observed == "nothing for 5 s"
        assert result.micros == 5_000_000

    def test_the_first_attempts_patience_grows_with_the_round_trip(self) -> None:
        seconds: list[float] = []

        async def body(ws: Connection) -> None:
            seconds.append(ws.session.limits.patience)

        for round_trip in (0.001, 0.01, 1.0):
            run([a_case(body)], facts=Facts(round_trip=round_trip))
        assert seconds == [1.0, 2.0, 5.0]

    def test_without_confirmation_every_case_runs_once(self) -> None:
        done = run([a_case(outcomes("fail", "pass"))], options=RunOptions(confirm=False))
        assert done.verdicts() == {"area.case": Verdict.FAILED}

    def test_second_attempts_that_only_wait_run_side_by_side(self) -> None:
        assert run(family(8, outcomes("wait"))).results[-1].micros == 5_000_000
        ends: list[float] = []

        async def body(ws: Connection) -> None:
            try:
                await ws.expect_pong(b"never")
            finally:
                ends.append(trio.current_time())

        run(family(8, body))
        assert ends[7] - ends[0] == pytest.approx(0, abs=0.01)
        assert ends[15] - ends[8] == pytest.approx(0, abs=0.01)
        assert ends[8] - ends[7] == pytest.approx(5, abs=0.01)


class TestSkipReason:
    def test_a_case_with_an_unmet_need_is_skipped_without_a_connection(self) -> None:
        done = run([a_case(outcomes("pass"), needs=frozenset({Need.ECHO}))], facts=Facts(echo=False))
        assert done.outcome("area.case") == (
            Verdict.SKIPPED,
            Reason.NEEDS_ECHO,
            "the target's application does not echo",
        )
        assert done.target is not None
        assert done.target.dials == 0


class TestSideBySide:
    @pytest.mark.parametrize("jobs", [1, 3, 8])
    def test_jobs_limits_the_connections_open_at_the_same_time(self, jobs: int) -> None:
        done = run(family(20, expects_echo), options=RunOptions(jobs=jobs))
        assert done.target is not None
        assert done.target.most == jobs
        assert len(done.results) == 20

    def test_a_case_marked_alone_runs_alone(self) -> None:
        beside: list[int] = []
        targets: list[Mortal] = []

        async def alone(ws: Connection) -> None:
            beside.append(targets[0].open)
            await ws.echo(Frame.text("Hello"))
            beside.append(targets[0].open)

        cases = [*family(5, expects_echo), a_case(alone, "area.alone", alone=True), a_case(expects_echo, "area.last")]
        done = run(cases, before=targets.append)
        assert beside == [1, 1]
        assert set(done.verdicts().values()) == {Verdict.PASSED}

    def test_a_second_attempt_runs_alone(self) -> None:
        beside: list[int] = []
        targets: list[Mortal] = []

        async def fails(ws: Connection) -> None:
            await ws.echo(Frame.text("Hello"))
            beside.append(targets[0].open)
            ws.expect(False, "this", "that")

        run(family(6, fails), before=targets.append)
        assert beside[6:] == [1] * 6


class TestMonitors:
    async def provoke(self, ws: Connection) -> None:
        """Send the text that a monitor looks for, and expect nothing."""
        await ws.send(Frame.text("wrong"))
        await ws.settle()

    def test_a_monitor_without_a_breach_passes_with_its_counts(self) -> None:
        done = run([watching(b"wrong"), a_case(expects_echo)])
        result = done.of("monitors.watch")
        assert (result.verdict, result.finding) == (Verdict.PASSED, None)
        assert result.notes == (("samples", "1"), ("text", "1"))

    def test_a_monitor_without_samples_is_skipped(self) -> None:
        done = run([watching(b"wrong"), a_case(outcomes("pass"))])
        assert done.outcome("monitors.watch") == (
            Verdict.SKIPPED,
            Reason.NOT_OFFERED,
            "the target never did anything that this rule is about",
        )

    def test_a_breach_that_is_seen_again_stands(self) -> None:
        done = run([watching(b"wrong"), a_case(self.provoke), a_case(expects_echo, "area.other")])
        result = done.of("monitors.watch")
        assert done.outcome("monitors.watch") == (Verdict.FAILED, None, "wrong text (in area.case)")
        assert result.finding is not None
        assert result.finding.entry is not None
        assert result.transcript[result.finding.entry].summary == 'Text 5 "wrong"'
        assert not result.flaky

    def test_a_breach_that_is_not_seen_again_is_withdrawn_and_kept(self) -> None:
        times = []

        async def once(ws: Connection) -> None:
            times.append(1)
            await ws.send(Frame.text("wrong" if len(times) == 1 else "right"))
            await ws.settle()

        result = run([watching(b"wrong"), a_case(once)]).of("monitors.watch")
        assert (result.verdict, result.flaky) == (Verdict.PASSED, True)
        (attempt,) = result.attempts
        assert (attempt.verdict, attempt.finding and attempt.finding.observed) == (
            Verdict.FAILED,
            "wrong text (in area.case)",
        )

    def test_a_withdrawn_breach_does_not_hide_another_case_that_shows_it(self) -> None:
        times = []

        async def once(ws: Connection) -> None:
            times.append(1)
            await ws.send(Frame.text("wrong" if len(times) == 1 else "right"))
            await ws.settle()

        done = run(
            [watching(b"wrong"), a_case(once, "area.once"), a_case(self.provoke, "area.always")],
            options=RunOptions(jobs=1),
        )
        assert done.outcome("monitors.watch") == (Verdict.FAILED, None, "wrong text (in area.always)")

    def test_a_target_lost_at_the_second_look_withdraws_no_breach(self) -> None:
        targets: list[Mortal] = []

        async def script(end: FarEnd) -> None:
            await end.open()
            while (frame := await end.frame()) is not None:
                reply = Frame(TEXT, frame.payload) if frame.opcode == TEXT else Frame.pong(frame.payload)
                await end.send(reply)
                if frame.opcode != TEXT:
                    targets[0].die()

        done = run([watching(b"wrong"), a_case(self.provoke)], script, before=targets.append)
        assert done.of("monitors.watch").verdict is Verdict.FAILED

    def test_monitors_see_the_probes_conversations(self) -> None:
        probed = Conversation(number=1, case="probe", role=Role.SERVER, frames=[(0, Frame.text("wrong"))])
        done = run([watching(b"wrong")], seen=[probed])
        assert done.outcome("monitors.watch") == (Verdict.FAILED, None, "wrong text (in probe)")

    def test_a_monitor_that_breaks_is_an_error_and_the_run_goes_on(self) -> None:
        def look(conversation: Conversation) -> Iterator[Sample]:
            yield Sample()
            raise ValueError("ours")

        broken = Monitor(id="monitors.broken", function=look, requirements=("6455-5.1-3",), title="A title.", why="")
        done = run([broken, watching(b"wrong"), a_case(expects_echo)])
        assert done.of("monitors.broken").verdict is Verdict.ERROR
        assert done.outcome("monitors.broken")[2].startswith("ValueError: ours (test_runner.py:")
        assert done.verdicts()["monitors.watch"] is Verdict.PASSED
