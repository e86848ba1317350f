"""The runner: what is not a pass is put again, lost targets are found out, and nothing is left without a result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import trio

from tests.scripted import Body, FarEnd, Script, Target, a_case, echo, jumping
from wsconform import Connection, Frame
from wsconform.catalogue import Case, Entry, Monitor, Need, Sample
from wsconform.judge import Bench
from wsconform.registry import load_registry
from wsconform.requirement import Role
from wsconform.result import Reason, Result, Verdict
from wsconform.runner import Options, Runner, Why
from wsconform.session import Address, Facts, Limits
from wsconform.transcript import Conversation
from wsconform.transport import Stream, Unreachable
from wsconform.wire.frame import TEXT

REGISTRY = load_registry()


class Mortal(Target):
    """A target that can die: then nothing listens, and every open connection is broken off."""

    alive = True
    dials = 0
    most = 0
    restarts = 0
    revives_at = 0

    async def dial(self, **options: object) -> Stream:
        """Dial, and count how many connections are open at once."""
        self.dials += 1
        self.alive = self.alive or self.dials == self.revives_at
        await trio.lowlevel.checkpoint()
        if not self.alive:
            raise Unreachable("a:1: nothing listens there; start the target first, or name another port")
        near = await super().dial(**options)
        self.most = max(self.most, self.open)
        return near

    def die(self) -> None:
        """Take no connection any more."""
        self.alive = False

    async def restart(self) -> bool:
        """Live again; takes a while, as starting a program does."""
        self.restarts += 1
        with trio.move_on_after(0.5):
            await trio.sleep_forever()
        self.alive = True
        return True


@dataclass
class Run:
    """A run, and what came of it."""

    results: list[Result] = field(default_factory=list)
    why: Why | None = None
    target: Mortal | None = None

    def verdicts(self) -> dict[str, Verdict]:
        """Return verdicts by case; a later result takes an earlier one's place."""
        return {result.case: result.verdict for result in self.results}

    def of(self, case: str) -> Result:
        """Return the one result of `case`."""
        (result,) = [result for result in self.results if result.case == case]
        return result

    def told(self, case: str) -> tuple[Verdict, Reason | None, str]:
        """Return verdict, reason and what was observed."""
        result = self.of(case)
        assert result.finding is not None
        return result.verdict, result.reason, result.finding.observed


def run(
    entries: Sequence[Entry],
    script: Script = echo,
    *,
    facts: Facts | None = None,
    options: Options | None = None,
    seen: Sequence[Conversation] = (),
    before: Callable[[Mortal], None] = lambda target: None,
    restarts: bool = False,
    within: float = 10_000,
) -> Run:
    """Put `entries` to a target that plays `script`; `before` gets the target, `within` cuts the run off (seconds)."""
    done = Run()

    async def go() -> None:
        async with trio.open_nursery() as nursery:
            done.target = target = Mortal(nursery, script)
            before(target)
            bench = Bench(Role.SERVER, target.dial, Address(), facts or Facts())
            more: dict[str, Any] = {"restart": target.restart} if restarts else {}
            runner = Runner(bench, REGISTRY, options or Options(), done.results.append, **more)
            with trio.move_on_after(within):
                done.why = await runner.run(entries, seen)
            assert target.open == 0
            nursery.cancel_scope.cancel()

    jumping(go)
    return done


def outcomes(*each: str) -> Body:
    """Return a case that passes, fails, departs, waits or breaks, in the order given; the last one for ever."""
    left = list(each)

    async def body(ws: Connection) -> None:
        what = left.pop(0) if len(left) > 1 else left[0]
        ws.note("attempt", what)
        if what == "depart":
            ws.depart("slowly")
        if what == "wait":
            await ws.expect_pong(b"never")
        if what == "break":
            raise ValueError("ours")
        ws.expect(what != "fail", "this", "that")

    return body


def family(count: int, body: Body, **options: Any) -> list[Case]:
    """Return `count` cases with one body."""
    return [a_case(body, f"area.case[{number}]", **options) for number in range(count)]


def watching(text: bytes, id: str = "monitors.watch") -> Monitor:
    """Return a monitor that fails where the target sent `text`."""

    def look(conversation: Conversation) -> Iterator[Sample]:
        for entry, frame in conversation.frames:
            wrong = frame.payload == text
            yield Sample("wrong text" if wrong else "text", Verdict.FAILED if wrong else Verdict.PASSED, entry)

    return Monitor(id, look, ("6455-5.1-3",), "The target never says it.", "")


class TestConfirmation:
    def test_a_pass_is_put_once(self) -> None:
        done = run([a_case(outcomes("pass"))])
        assert (done.verdicts(), done.why) == ({"area.case": Verdict.PASSED}, Why.DONE)
        assert done.target is not None
        assert done.target.dials == 1

    @pytest.mark.parametrize(
        ("what", "verdict"),
        [("fail", Verdict.FAILED), ("depart", Verdict.DEPARTED), ("break", Verdict.ERROR)],
    )
    def test_what_is_not_a_pass_is_put_again(self, what: str, verdict: Verdict) -> None:
        done = run([a_case(outcomes(what))])
        result = done.of("area.case")
        assert (result.verdict, result.attempts, result.flaky) == (verdict, (), False)
        assert done.target is not None
        assert done.target.dials == 2

    def test_a_second_attempt_that_disagrees_makes_it_flaky(self) -> None:
        result = run([a_case(outcomes("fail", "pass"))]).of("area.case")
        assert (result.verdict, result.flaky, result.finding) == (Verdict.PASSED, True, None)
        (first,) = result.attempts
        assert (first.verdict, first.finding and first.finding.observed) == (Verdict.FAILED, "that")
        assert first.transcript

    def test_the_last_attempt_counts(self) -> None:
        result = run([a_case(outcomes("depart", "fail"))]).of("area.case")
        assert (result.verdict, result.flaky) == (Verdict.FAILED, True)

    def test_running_out_of_the_first_attempts_shorter_patience_is_no_disagreement(self) -> None:
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

    def test_without_confirmation_everything_is_put_once(self) -> None:
        done = run([a_case(outcomes("fail", "pass"))], options=Options(confirm=False))
        assert done.verdicts() == {"area.case": Verdict.FAILED}

    def test_cases_that_waited_wait_together_the_second_time(self) -> None:
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


class TestOutOfReach:
    def test_is_skipped_without_a_connection(self) -> None:
        done = run([a_case(outcomes("pass"), needs=frozenset({Need.ECHO}))], facts=Facts(echo=False))
        assert done.told("area.case") == (
            Verdict.SKIPPED,
            Reason.NEEDS_ECHO,
            "the target's application does not echo",
        )
        assert done.target is not None
        assert done.target.dials == 0


class TestSideBySide:
    @pytest.mark.parametrize("jobs", [1, 3, 8])
    def test_so_many_connections_are_open_at_once(self, jobs: int) -> None:
        done = run(family(20, expects_echo), options=Options(jobs=jobs))
        assert done.target is not None
        assert done.target.most == jobs
        assert len(done.results) == 20

    def test_a_case_marked_alone_is_alone(self) -> None:
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

    def test_a_second_attempt_is_alone(self) -> None:
        beside: list[int] = []
        targets: list[Mortal] = []

        async def fails(ws: Connection) -> None:
            await ws.echo(Frame.text("Hello"))
            beside.append(targets[0].open)
            ws.expect(False, "this", "that")

        run(family(6, fails), before=targets.append)
        assert beside[6:] == [1] * 6


async def expects_echo(ws: Connection) -> None:
    await ws.echo(Frame.text("Hello"))


class TestMonitors:
    async def provoke(self, ws: Connection) -> None:
        """Say what a monitor looks for, and expect nothing of it."""
        await ws.send(Frame.text("wrong"))
        await ws.settle()

    def test_a_rule_that_held_passes_with_its_counts(self) -> None:
        done = run([watching(b"wrong"), a_case(expects_echo)])
        result = done.of("monitors.watch")
        assert (result.verdict, result.finding) == (Verdict.PASSED, None)
        assert result.notes == (("samples", "1"), ("text", "1"))

    def test_without_an_occasion_it_is_out_of_reach(self) -> None:
        done = run([watching(b"wrong"), a_case(outcomes("pass"))])
        assert done.told("monitors.watch") == (
            Verdict.SKIPPED,
            Reason.NOT_OFFERED,
            "the target never did what this rule is about",
        )

    def test_a_breach_that_shows_again_is_believed(self) -> None:
        done = run([watching(b"wrong"), a_case(self.provoke), a_case(expects_echo, "area.other")])
        result = done.of("monitors.watch")
        assert done.told("monitors.watch") == (Verdict.FAILED, None, "wrong text (in area.case)")
        assert result.finding is not None
        assert result.finding.entry is not None
        assert result.transcript[result.finding.entry].summary == 'Text 5 "wrong"'
        assert not result.flaky

    def test_a_breach_that_does_not_is_retracted_and_kept_as_an_attempt(self) -> None:
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

    def test_a_retracted_breach_does_not_hide_another_case_that_shows_it(self) -> None:
        times = []

        async def once(ws: Connection) -> None:
            times.append(1)
            await ws.send(Frame.text("wrong" if len(times) == 1 else "right"))
            await ws.settle()

        done = run(
            [watching(b"wrong"), a_case(once, "area.once"), a_case(self.provoke, "area.always")],
            options=Options(jobs=1),
        )
        assert done.told("monitors.watch") == (Verdict.FAILED, None, "wrong text (in area.always)")

    def test_a_target_lost_at_the_second_look_clears_nobody(self) -> None:
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

    def test_conversations_of_the_probe_are_seen_too(self) -> None:
        probed = Conversation(1, "probe", Role.SERVER, frames=[(0, Frame.text("wrong"))])
        done = run([watching(b"wrong")], seen=[probed])
        assert done.told("monitors.watch") == (Verdict.FAILED, None, "wrong text (in probe)")

    def test_a_monitor_that_breaks_is_an_error_and_the_run_goes_on(self) -> None:
        def look(conversation: Conversation) -> Iterator[Sample]:
            yield Sample()
            raise ValueError("ours")

        broken = Monitor("monitors.broken", look, ("6455-5.1-3",), "A title.", "")
        done = run([broken, watching(b"wrong"), a_case(expects_echo)])
        assert done.of("monitors.broken").verdict is Verdict.ERROR
        assert done.told("monitors.broken")[2].startswith("ValueError: ours (test_runner.py:")
        assert done.verdicts()["monitors.watch"] is Verdict.PASSED


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

    def test_without_a_restart_the_run_ends_and_says_of_every_case_why(self) -> None:
        targets: list[Mortal] = []
        done = run([*self.CASES], deadly(targets), before=targets.append, options=Options(jobs=1))
        assert done.why is Why.LOST
        assert sorted(done.verdicts()) == sorted(case.id for case in self.CASES)
        assert done.of("area.before").verdict is Verdict.PASSED
        lost = done.told("area.after[0]")
        assert lost[:2] == (Verdict.INCONCLUSIVE, Reason.LOST)
        assert lost[2].startswith(f"{self.TEXT} before this was confirmed: the target takes no connection any more: ")
        assert done.told("area.after[2]") == (
            Verdict.INCONCLUSIVE,
            Reason.LOST,
            f"{self.TEXT} before this was put",
        )

    def test_it_is_asked_three_times_before_it_counts_as_lost(self) -> None:
        targets: list[Mortal] = []
        done = run([*self.CASES], deadly(targets), before=targets.append, options=Options(jobs=1))
        assert done.target is not None
        assert done.target.dials == 3 + 3

    def test_with_a_restart_the_case_that_it_dies_of_is_found_out(self) -> None:
        targets: list[Mortal] = []
        done = run([*self.CASES], deadly(targets), before=targets.append, restarts=True, options=Options(jobs=1))
        assert done.why is Why.DONE
        verdicts = done.verdicts()
        assert verdicts.pop("area.kills") is Verdict.INCONCLUSIVE
        assert set(verdicts.values()) == {Verdict.PASSED}
        last = [result for result in done.results if result.case == "area.kills"][-1]
        assert last.reason is Reason.LOST
        assert last.finding is not None
        assert last.finding.observed == "the target took no connection any more after this case, put alone"

    def test_suspects_that_pass_again_are_not_reported_twice(self) -> None:
        targets: list[Mortal] = []
        done = run([*self.CASES], deadly(targets), before=targets.append, restarts=True, options=Options(jobs=1))
        assert [result.case for result in done.results].count("area.before") == 1
        assert [result.case for result in done.results].count("area.after[0]") == 1

    def test_a_loss_that_many_notice_is_one_restart(self) -> None:
        targets: list[Mortal] = []
        cases = [a_case(kills, "area.kills"), *family(30, expects_echo)]
        done = run(cases, deadly(targets), before=targets.append, restarts=True, options=Options(jobs=8))
        assert done.target is not None
        # Once where it died first, once where the case was put again.
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

        done = run([a_case(dies), a_case(expects_echo, "area.next")], before=before, options=Options(jobs=1))
        assert done.why is Why.DONE
        assert done.verdicts()["area.next"] is Verdict.PASSED
        assert done.target is not None
        assert done.target.restarts == 0


class TestStopping:
    def test_a_budget_ends_the_run_and_leaves_no_case_without_a_result(self) -> None:
        cases = [a_case(outcomes("fail"), "area.fails"), *family(3, outcomes("wait")), *family_of_waits()]
        done = run(cases, options=Options(jobs=2, budget=2.5))
        assert done.why is Why.BUDGET
        assert sorted(done.verdicts()) == sorted(case.id for case in cases)
        text = "the time budget was over before this was"
        assert done.told("area.fails") == (Verdict.SKIPPED, Reason.BUDGET, f"{text} confirmed: that")
        assert done.told("area.case[0]") == (Verdict.SKIPPED, Reason.BUDGET, f"{text} confirmed: nothing for 1 s")
        assert done.told("area.late[7]") == (Verdict.SKIPPED, Reason.BUDGET, f"{text} put")

    def test_a_budget_that_ends_while_confirming_loses_nothing(self) -> None:
        done = run(family(3, outcomes("wait")), options=Options(budget=3))
        assert done.why is Why.BUDGET
        assert {result.reason for result in done.results} == {Reason.BUDGET}
        assert len(done.results) == 3

    def test_a_budget_that_suffices_changes_nothing(self) -> None:
        assert run([a_case(expects_echo)], options=Options(budget=60)).why is Why.DONE

    def test_after_so_many_failures_nothing_more_is_put(self) -> None:
        done = run(family(10, outcomes("fail")), options=Options(max_failures=2, jobs=1))
        verdicts = [result.verdict for result in done.results]
        assert verdicts == [Verdict.FAILED] * 2 + [Verdict.SKIPPED] * 8
        text = "the run stopped at 2 failures before this was put"
        assert done.told("area.case[9]") == (Verdict.SKIPPED, Reason.BUDGET, text)
        assert done.target is not None
        assert done.target.dials == 4, "two cases, each put twice"

    def test_what_is_not_confirmed_does_not_stop_the_run(self) -> None:
        """Two that fail once are looked at again at once; as they pass then, the others are put, too."""
        cases = [a_case(outcomes("fail", "pass"), f"area.wavers[{number}]") for number in range(2)]
        cases += [a_case(outcomes("fail"), f"area.fails[{number}]") for number in range(4)]
        done = run(cases, options=Options(max_failures=2, jobs=1))
        assert [verdict for case, verdict in done.verdicts().items() if "fails" in case] == [
            Verdict.FAILED,
            Verdict.FAILED,
            Verdict.SKIPPED,
            Verdict.SKIPPED,
        ]

    def test_failures_that_were_counted_beside_others_leave_some_unconfirmed(self) -> None:
        done = run(family(10, outcomes("fail")), options=Options(max_failures=1, jobs=4))
        assert list(done.verdicts().values()).count(Verdict.FAILED) == 1
        stages = {result.finding.observed for result in done.results if result.finding} - {"that"}
        assert stages == {
            "the run stopped at 1 failure before this was confirmed: that",
            "the run stopped at 1 failure before this was put",
        }

    def test_cases_that_are_put_alone_stop_the_run_as_well(self) -> None:
        done = run(family(5, outcomes("fail"), alone=True), options=Options(max_failures=1))
        assert list(done.verdicts().values()) == [Verdict.FAILED] + [Verdict.SKIPPED] * 4

    def test_what_counts_as_a_failure_is_the_callers_to_say(self) -> None:
        known = Options(
            max_failures=1, jobs=1, is_failure=lambda result: result.case != "area.case[0]" and failed(result)
        )
        done = run(family(4, outcomes("fail")), options=known)
        assert list(done.verdicts().values()) == [Verdict.FAILED] * 2 + [Verdict.SKIPPED] * 2

    def test_departures_are_no_failures_and_confirmations_are_awaited(self) -> None:
        done = run([*family(3, outcomes("fail", "pass")), *waits(1)], options=Options(max_failures=1))
        assert len(done.results) == 4
        assert done.why is Why.DONE

    def test_an_interrupted_run_has_reported_what_was_final_and_closes_its_streams(self) -> None:
        done = run([a_case(expects_echo), *waits(2)], options=Options(jobs=1), within=0.5)
        assert done.why is None
        assert done.verdicts() == {"area.case": Verdict.PASSED}

    def test_an_empty_plan_is_done_at_once(self) -> None:
        done = run([])
        assert (done.results, done.why) == ([], Why.DONE)


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
    def test_a_result_carries_requirement_and_level(self) -> None:
        result = run([a_case(expects_echo)]).of("area.case")
        assert (result.requirement, result.level) == ("6455-5.1-3", REGISTRY["6455-5.1-3"].level)
        assert result.transcript

    def test_limits_reach_the_cases(self) -> None:
        seen: list[Limits] = []

        async def body(ws: Connection) -> None:
            seen.append(ws.session.limits)

        run([a_case(body)], options=Options(confirm=False, limits=Limits(patience=7, octets=99_999)))
        assert [(limits.patience, limits.octets) for limits in seen] == [(7, 99_999)]
