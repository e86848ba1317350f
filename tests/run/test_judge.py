"""The judge: the verdict for each exception, reasons to skip a case, and the deadline of a case."""

from __future__ import annotations

import pytest
import trio

from tests.support.scripted import FarEnd, Target, a_case, echo, jumping, run_case
from wsconform import Connection, Frame, Opening
from wsconform.catalogue.case import Need
from wsconform.endpoint.session import Address, Facts, Limits, Unreached
from wsconform.evidence.result import Direction, Finding, Reason, Verdict
from wsconform.registry.registry import load_registry
from wsconform.registry.requirement import Level, Role
from wsconform.run.judge import Attempted, Bench, attempt, result_of, skip_reason
from wsconform.transport.stream import Dialer, Reset, Stream, TlsFailed, Unreachable


def parts(attempted: Attempted) -> tuple[Verdict, Reason | None, str, str]:
    """Return verdict, reason, expected and observed."""
    assert attempted.finding is not None
    return attempted.verdict, attempted.reason, attempted.finding.expected, attempted.finding.observed


def bench_with(dial: Dialer) -> Bench:
    """Return a bench for a server that `dial` reaches."""
    return Bench(role=Role.SERVER, dial=dial, address=Address(), facts=Facts())


class TestVerdicts:
    def test_a_normal_return_is_a_pass_with_its_evidence(self) -> None:
        async def body(ws: Connection) -> None:
            ws.note("a", 1)
            ws.depart_if(False, "never")
            ws.expect(True, "so", "so")
            await ws.echo(Frame.text("Hello"))

        attempted = run_case(echo, body)
        assert (attempted.verdict, attempted.finding, attempted.reason) == (Verdict.PASSED, None, None)
        assert attempted.notes == (("a", "1"),)
        kinds = [(entry.direction, entry.kind) for entry in attempted.transcript]
        ours, target = Direction.OURS, Direction.TARGET
        assert kinds == [(ours, "request"), (target, "response"), (ours, "frame"), (target, "frame")]

    def test_a_violation_is_failed_and_points_at_the_last_entry(self) -> None:
        async def body(ws: Connection) -> None:
            ws.expect(False, "this", "that")

        attempted = run_case(echo, body)
        assert parts(attempted) == (Verdict.FAILED, None, "this", "that")
        assert attempted.finding == Finding("this", "that", len(attempted.transcript) - 1)

    def test_a_departure_outweighs_a_choice(self) -> None:
        async def departs(ws: Connection) -> None:
            ws.choose("left")
            ws.depart("slowly")
            ws.depart_if(True, "and late")

        async def chooses(opening: Opening) -> None:
            opening.choose("left")
            opening.choose(2)

        assert parts(run_case(echo, departs)) == (
            Verdict.DEPARTED,
            None,
            "the behaviour that the RFC recommends",
            "slowly; and late",
        )
        chosen = run_case(echo, chooses, subject=Opening)
        assert parts(chosen) == (Verdict.INFORMATIONAL, None, "either way", "left; 2")

    def test_a_violation_outweighs_a_departure(self) -> None:
        async def body(ws: Connection) -> None:
            ws.depart("slowly")
            ws.expect(False, "this", "that")

        assert run_case(echo, body).verdict is Verdict.FAILED

    def test_a_failure_while_arranging_is_inconclusive(self) -> None:
        async def body(ws: Connection) -> None:
            with ws.arranging("an echo"):
                ws.expect(False, "this", "that", 0)

        attempted = run_case(echo, body)
        assert parts(attempted) == (
            Verdict.INCONCLUSIVE,
            Reason.ARRANGING,
            "to reach the requirement",
            "an echo: that",
        )
        assert attempted.finding is not None
        assert attempted.finding.entry == 0

    @pytest.mark.parametrize(
        ("reason", "verdict"),
        [
            (Reason.LIMIT, Verdict.INCONCLUSIVE),
            (Reason.LOST, Verdict.INCONCLUSIVE),
            (Reason.NOT_OFFERED, Verdict.SKIPPED),
        ],
    )
    def test_an_unreached_requirement_is_inconclusive_or_skipped(self, reason: Reason, verdict: Verdict) -> None:
        async def body(ws: Connection) -> None:
            raise Unreached(reason, "so it is")

        assert parts(run_case(echo, body)) == (verdict, reason, "to reach the requirement", "so it is")

    @pytest.mark.parametrize(
        ("error", "words"),
        [
            (AssertionError("no"), "AssertionError: no (test_judge.py:"),
            (KeyError("x"), "KeyError: 'x' (test_judge.py:"),
            (
                ExceptionGroup("several", [ValueError("one")]),
                "ExceptionGroup: several (1 sub-exception) (test_judge.py:",
            ),
            (trio.ClosedResourceError(), "ClosedResourceError:  (test_judge.py:"),
        ],
    )
    def test_any_other_exception_is_an_error_of_the_suite(self, error: Exception, words: str) -> None:
        async def body(ws: Connection) -> None:
            raise error

        verdict, reason, expected, observed = parts(run_case(echo, body))
        assert (verdict, reason, expected) == (Verdict.ERROR, None, "the suite to work")
        assert observed.startswith(words)

    def test_the_case_gets_its_parameters(self) -> None:
        async def body(ws: Connection, opcode: int) -> None:
            ws.note("opcode", opcode)

        assert run_case(echo, body, case=a_case(body, parameters={"opcode": 3})).notes == (("opcode", "3"),)

    def test_random_octets_are_the_same_in_every_attempt_at_a_case(self) -> None:
        async def body(ws: Connection) -> None:
            ws.note("random", ws.random_octets(8).hex())

        first, second = run_case(echo, body), run_case(echo, body)
        other = run_case(echo, body, case=a_case(body, "area.other"))
        assert first.notes == second.notes
        assert first.notes != other.notes


class TestDeadline:
    async def forever(self, ws: Connection) -> None:
        """Wait for an answer that never comes."""
        await trio.sleep_forever()

    def test_a_case_that_does_not_end_is_given_up(self) -> None:
        attempted = run_case(echo, self.forever)
        assert parts(attempted) == (
            Verdict.INCONCLUSIVE,
            Reason.ARRANGING,
            "the case to end",
            "not ended after 40 s; given up",
        )

    def test_the_deadline_is_six_times_the_patience_ten_seconds_and_the_cases_allowance(self) -> None:
        case = a_case(self.forever, allow=7.0)
        assert run_case(echo, self.forever, case=case, limits=Limits(patience=1)).micros == 23_000_000

    def test_a_case_against_a_target_that_pings_for_ever_is_given_up(self) -> None:
        async def script(end: FarEnd) -> None:
            await end.open()
            while True:
                await end.send(Frame.ping(bytes(125)))

        async def body(ws: Connection) -> None:
            await ws.expect_pong(b"mine")

        attempted = run_case(script, body, limits=Limits(messages=1000))
        assert parts(attempted)[3] == "the target sent more than 1000 frames; reading stopped there"


class TestDialling:
    @staticmethod
    def attempt_with(problem: Exception, server_name: str | None = None) -> Attempted:
        """Run a case against a target whose dialer raises `problem`."""
        found: list[Attempted] = []

        async def dial(**options: object) -> Stream:
            raise problem

        async def body(opening: Opening) -> None:
            await opening.dial(server_name=server_name)

        async def run() -> None:
            case = a_case(body, subject=Opening)
            found.append(await attempt(case, bench_with(dial), Limits()))

        jumping(run)
        return found[0]

    @pytest.mark.parametrize("options", [{}, {"server_name": "x"}])
    def test_a_target_that_no_longer_listens_is_lost(self, options: dict[str, str]) -> None:
        attempted = self.attempt_with(Unreachable("a:1: nothing listens there"), **options)
        assert attempted.lost
        assert parts(attempted) == (
            Verdict.INCONCLUSIVE,
            Reason.LOST,
            "to reach the requirement",
            "the target no longer accepts connections: a:1: nothing listens there",
        )

    def test_a_failed_tls_handshake_reaches_a_case_about_tls(self) -> None:
        attempted = self.attempt_with(TlsFailed("a:1: does not speak TLS"), server_name="x")
        assert not attempted.lost
        assert parts(attempted) == (
            Verdict.INCONCLUSIVE,
            Reason.ARRANGING,
            "a TLS connection",
            "a:1: does not speak TLS",
        )

    def test_a_target_that_answers_no_syn_is_lost(self) -> None:
        found: list[Attempted] = []

        async def dial(**options: object) -> Stream:
            await trio.sleep_forever()
            raise AssertionError

        async def body(ws: Connection) -> None:
            raise AssertionError

        async def run() -> None:
            found.append(await attempt(a_case(body), bench_with(dial), Limits()))

        jumping(run)
        assert found[0].lost
        reason = "TCP, or TLS on it, was not set up in time"
        assert parts(found[0])[3] == f"the target no longer accepts connections: {reason}"
        assert found[0].micros == 10_000_000


class TestCleaningUp:
    def test_an_interrupted_case_leaves_no_stream_open(self) -> None:
        async def body(ws: Connection) -> None:
            await trio.sleep_forever()

        async def run() -> None:
            async with trio.open_nursery() as nursery:
                target = Target(nursery, echo)
                bench = Bench(role=Role.SERVER, dial=target.dial, address=Address(), facts=Facts())
                with trio.move_on_after(1):
                    await attempt(a_case(body), bench, Limits())
                assert len(target.nears) == 1
                assert target.open == 0
                nursery.cancel_scope.cancel()

        jumping(run)

    def test_a_stream_that_fails_to_close_is_not_an_error(self) -> None:
        async def body(ws: Connection) -> None:
            async def aclose() -> None:
                await close()
                raise Reset("RST")

            close, ws.stream.aclose = ws.stream.aclose, aclose  # type: ignore[method-assign]

        assert run_case(echo, body).verdict is Verdict.PASSED


class TestSkipReason:
    async def body(self, ws: object) -> None:
        """A case that asks for nothing."""

    @pytest.mark.parametrize(
        ("need", "facts", "reason"),
        [
            (Need.ECHO, Facts(echo=True), None),
            (Need.ECHO, Facts(echo=False), (Reason.NEEDS_ECHO, "the target's application does not echo")),
            (Need.TLS, Facts(tls=True), None),
            (Need.TLS, Facts(tls=False), (Reason.NOT_OFFERED, "the target is not reached over TLS")),
            (Need.CLEARTEXT, Facts(tls=False), None),
            (Need.CLEARTEXT, Facts(tls=True), (Reason.NOT_OFFERED, "the target is reached over TLS")),
        ],
    )
    def test_needs(self, need: Need, facts: Facts, reason: tuple[Reason, str] | None) -> None:
        assert skip_reason(a_case(self.body, needs=frozenset({need})), facts) == reason

    def test_a_case_without_needs_is_never_skipped(self) -> None:
        assert skip_reason(a_case(self.body), Facts(echo=False)) is None


class TestResult:
    def test_a_result_has_the_fields_of_its_case_and_attempt(self) -> None:
        async def body(ws: Connection) -> None:
            ws.expect(False, "this", "that")

        case = a_case(body, "area.case[x]", hint="look", reading="page", why="So that.")
        attempted = run_case(echo, body, case=case)
        registry = load_registry()
        result = result_of(case, attempted, Role.SERVER, registry)
        assert (result.case, result.title, result.role) == ("area.case[x]", "A title.", Role.SERVER)
        assert (result.requirement, result.level) == ("6455-5.1-3", registry["6455-5.1-3"].level)
        assert isinstance(result.level, Level)
        assert (result.verdict, result.finding) == (Verdict.FAILED, attempted.finding)
        assert (result.micros, result.transcript) == (attempted.micros, attempted.transcript)
        assert (result.hint, result.reading, dict(result.extra)) == ("look", "page", {"why": "So that."})
        assert (result.family, result.area) == ("area.case", "area")
