"""Confirmation: which attempts are believed, and which breaches are withdrawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from wsconform.catalogue.case import Monitor, Sample
from wsconform.endpoint.session import Facts, Limits
from wsconform.evidence.result import Finding, Reason, Verdict
from wsconform.evidence.transcript import Conversation
from wsconform.run.confirmation import Decision, decide, first_limits, needs_second_look, withdraw_breaches
from wsconform.run.judge import Attempted
from wsconform.run.monitors import Watch

PASSED = Attempted(verdict=Verdict.PASSED)
FAILED = Attempted(verdict=Verdict.FAILED, finding=Finding("this", "that"))
LIMITED = Attempted(verdict=Verdict.INCONCLUSIVE, reason=Reason.LIMIT)
UNARRANGED = Attempted(verdict=Verdict.INCONCLUSIVE, reason=Reason.ARRANGING)


class TestDecide:
    @pytest.mark.parametrize("verdict", [Verdict.PASSED, Verdict.INFORMATIONAL, Verdict.SKIPPED])
    def test_a_settled_verdict_is_believed_at_once(self, verdict: Verdict) -> None:
        attempted = Attempted(verdict=verdict)
        assert decide([attempted], confirm=True) == Decision(attempted)

    @pytest.mark.parametrize("verdict", [Verdict.FAILED, Verdict.DEPARTED, Verdict.INCONCLUSIVE, Verdict.ERROR])
    def test_any_other_verdict_runs_again(self, verdict: Verdict) -> None:
        assert decide([Attempted(verdict=verdict)], confirm=True) is None

    def test_without_confirmation_the_first_attempt_is_believed(self) -> None:
        assert decide([FAILED], confirm=False) == Decision(FAILED)

    def test_two_attempts_that_agree_are_reported_with_the_last(self) -> None:
        second = replace(FAILED, micros=5)
        assert decide([FAILED, second], confirm=True) == Decision(second)

    def test_a_disagreement_keeps_the_earlier_attempt(self) -> None:
        assert decide([FAILED, PASSED], confirm=True) == Decision(PASSED, FAILED)

    def test_equal_verdicts_with_different_reasons_disagree(self) -> None:
        assert decide([LIMITED, UNARRANGED], confirm=True) == Decision(UNARRANGED, LIMITED)

    def test_an_attempt_that_ran_out_of_the_short_patience_disagrees_with_nothing(self) -> None:
        assert decide([replace(FAILED, waited_out=True), PASSED], confirm=True) == Decision(PASSED)

    def test_an_attempt_with_the_full_patience_disagrees_also_if_it_waited(self) -> None:
        waited = replace(FAILED, waited_out=True)
        assert decide([waited, PASSED], confirm=False) == Decision(PASSED, waited)


class TestFirstLimits:
    def test_a_first_attempt_waits_for_some_round_trips(self) -> None:
        assert first_limits(Limits(patience=5), Facts(round_trip=0.01), confirm=True).patience == 2.0

    def test_a_first_attempt_waits_for_a_second_at_least(self) -> None:
        assert first_limits(Limits(patience=5), Facts(round_trip=0.0001), confirm=True).patience == 1.0

    def test_a_first_attempt_never_waits_longer_than_the_patience(self) -> None:
        assert first_limits(Limits(patience=0.5), Facts(round_trip=1), confirm=True).patience == 0.5

    def test_an_only_attempt_has_the_full_patience(self) -> None:
        assert first_limits(Limits(patience=5), Facts(), confirm=False) == Limits(patience=5)


def breached(case: str) -> Watch:
    """Return a watch whose monitor saw a breach in `case`."""

    def fails(conversation: Conversation) -> Iterator[Sample]:
        yield Sample("wrong", Verdict.FAILED)

    watch = Watch(
        monitor=Monitor(id="monitors.it", function=fails, requirements=("6455-5.1-3",), title="It is so.", why="")
    )
    watch.verdict, watch.worst, watch.case, watch.samples = Verdict.FAILED, Sample("wrong", Verdict.FAILED), case, 1
    return watch


class TestBreaches:
    def test_a_breach_that_is_not_seen_again_is_withdrawn(self) -> None:
        watch = breached("a.b")
        withdraw_breaches("a.b", [watch], again=[])
        assert (watch.verdict, watch.flaky, len(watch.earlier)) == (Verdict.PASSED, True, 1)

    def test_a_breach_that_is_seen_again_stands(self) -> None:
        watch = breached("a.b")
        withdraw_breaches("a.b", [watch], again=[watch])
        assert (watch.verdict, watch.flaky) == (Verdict.FAILED, False)

    def test_a_breach_that_rests_on_another_case_stands(self) -> None:
        watch = breached("a.b")
        withdraw_breaches("a.c", [watch], again=[])
        assert watch.verdict is Verdict.FAILED

    def test_a_case_runs_again_for_its_own_breach_and_for_a_withdrawn_one(self) -> None:
        watch = breached("a.b")
        assert needs_second_look("a.b", [watch])
        assert not needs_second_look("a.c", [watch])
        watch.withdraw()
        assert needs_second_look("a.c", [watch])
