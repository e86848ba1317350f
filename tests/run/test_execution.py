"""One run over several targets: the records of its journal, their order, and its end; over memory streams."""

from __future__ import annotations

import io
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import trio
import trio.testing

from tests.support.command import CASES, TakesAnyMask
from tests.support.proof import InMemory
from wsconform.catalogue.case import Item
from wsconform.catalogue.load import load_catalogue
from wsconform.catalogue.selection import Selection
from wsconform.endpoint.session import Limits
from wsconform.evidence.result import Mark, Reason, Result, Verdict
from wsconform.fixtures.reference import ReferenceServer
from wsconform.journal.expected import Expectation, Expectations
from wsconform.journal.gate import TargetOutcome
from wsconform.journal.journal import EndReason, Header, Journal, JournalWriter, TargetRecord, parse
from wsconform.registry.registry import load_registry
from wsconform.registry.requirement import Role
from wsconform.run.execution import Execution, Plan
from wsconform.run.keeper import NullListener
from wsconform.run.options import RunOptions
from wsconform.run.start import REFERENCE, reached, reference_target
from wsconform.run.target import Target, Url
from wsconform.transport.stream import Dialer, Stream, Unreachable


def entries(*patterns: str) -> tuple[Item, ...]:
    """Return the cases of the catalogue that `patterns` take, those of CASES by default."""
    return Selection(cases=patterns or CASES[1:]).select(load_catalogue(), Role.SERVER, load_registry())


def plan(name: str = "one", *patterns: str, **fields: object) -> Plan:
    """Return a plan for a target called `name`."""
    target = Target(name=name, url=Url("ws", "localhost", 9001, "/"), **fields)  # type: ignore[arg-type]
    return Plan(target=target, items=entries(*patterns))


class Watching(NullListener):
    """A listener that records its calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def began(self, record: TargetRecord, planned: int) -> None:
        self.calls.append(f"began {record.name} {planned}")

    def judged(self, target: str, result: Result) -> None:
        self.calls.append("judged")

    def ended(self, outcome: TargetOutcome) -> None:
        self.calls.append(f"ended {outcome.name} {outcome.why}")


class Ran:
    """A run that is over: its execution and the journal that it wrote."""

    def __init__(
        self,
        plans: Sequence[Plan],
        servers: Callable[[Target], type[ReferenceServer] | None] = lambda _: ReferenceServer,
        options: RunOptions | None = None,
        expectations: Expectations | None = None,
        around: Callable[[Execution], Awaitable[object]] | None = None,
    ) -> None:
        self.watching, stream = Watching(), io.StringIO()
        writer = JournalWriter(stream)
        writer.header(Header(catalogue="1.4"))

        async def main() -> None:
            async with trio.open_nursery() as nursery:

                def dial(target: Target) -> Dialer:
                    server = servers(target)
                    return InMemory(nursery, server).dial if server else nobody

                self.execution = Execution(
                    plans,
                    load_registry(),
                    options or RunOptions(),
                    writer,
                    expectations=expectations,
                    listener=self.watching,
                    dial=dial,
                )
                await (around(self.execution) if around else self.execution.run(signals=False))
                nursery.cancel_scope.cancel()

        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
        self.text = stream.getvalue()

    @property
    def journal(self) -> Journal:
        """The journal, read back."""
        return parse(self.text.splitlines())

    @property
    def why(self) -> str:
        """The reason for the end in the footer."""
        assert self.journal.footer is not None
        return self.journal.footer.why


async def nobody(**options: object) -> Stream:
    """Refuse the connection."""
    raise Unreachable("localhost:9001: nothing listens there")


def test_the_listener_and_the_journal_get_the_same_results() -> None:
    ran = Ran([plan("one"), plan("two")], lambda t: TakesAnyMask if t.name == "two" else ReferenceServer)
    assert [each.target.name for each in ran.journal.targets] == ["one", "two"]
    assert [len(each.results) for each in ran.journal.targets] == [6, 6]
    assert ran.why == "done"
    assert ran.journal.footer is not None
    assert ran.journal.footer.counts == {"one": {"passed": 6}, "two": {"passed": 1, "violation": 5}}
    assert ran.watching.calls == [
        "began one 6",
        *["judged"] * 6,
        "ended one done",
        "began two 6",
        *["judged"] * 6,
        "ended two done",
    ]


def test_transcripts_of_passes_are_in_the_journal_but_not_kept_in_memory() -> None:
    ran = Ran([plan()])
    assert all(result.transcript for result in ran.journal.targets[0].results)
    assert not any(result.transcript for result in ran.execution.outcomes[0].results)
    whole = Ran([plan()], options=RunOptions(keep_all=True))
    assert all(result.transcript for result in whole.execution.outcomes[0].results)


def test_an_untestable_target_has_a_record_and_the_run_goes_on() -> None:
    ran = Ran([plan("gone"), plan("there")], lambda t: None if t.name == "gone" else ReferenceServer)
    gone, there = ran.journal.targets
    assert gone.target.untested == "localhost:9001: nothing listens there"
    assert (gone.results, len(there.results)) == ((), 6)
    assert ran.why == "target-lost"
    assert ran.execution.outcomes[0].problem == "localhost:9001: nothing listens there"
    assert ran.watching.calls[0] == "ended gone target-lost"


def test_expectations_are_written_beside_the_verdict() -> None:
    known = Expectations(
        "expected.toml", (Expectation(target="one", pattern="masking.*[text]", reason="takes any mask"),)
    )
    ran = Ran([plan("one")], lambda _: TakesAnyMask, expectations=known)
    results = {result.case.partition("[")[2]: result for result in ran.journal.targets[0].results}
    assert (results["text]"].verdict, results["text]"].expected) == (Verdict.FAILED, "takes any mask")
    assert results["ping]"].expected is None


def test_secrets_are_masked_before_they_are_written() -> None:
    ran = Ran([plan(headers=(("X-Key", "hunter2"),))])
    assert b"X-Key: *******\r\n".hex() in ran.text
    assert b"hunter2".hex() not in ran.text


def test_cases_beyond_the_budget_are_skipped_by_name() -> None:
    class Slow(ReferenceServer):
        async def converse(self) -> None:
            with trio.move_on_after(0.5):
                await trio.sleep_forever()
            await super().converse()

    ran = Ran([plan("one"), plan("two")], lambda _: Slow, RunOptions(jobs=1, budget=3.2))
    one, two = (each.results for each in ran.journal.targets)
    assert {result.case for result in one} == {result.case for result in two}
    late = [result for result in one if result.reason is Reason.BUDGET]
    assert 0 < len(late) < 6
    assert all(result.mark is Mark.SKIPPED for result in late)
    assert all(result.reason is Reason.BUDGET for result in two)
    assert ran.why == "budget"


def test_an_interrupted_run_writes_its_results_and_a_footer() -> None:
    class Hanging(ReferenceServer):
        count = 0

        async def converse(self) -> None:
            type(self).count += 1
            if self.count > 6:
                interrupt.set()
                await trio.sleep_forever()
            await super().converse()

    interrupt = trio.Event()

    async def around(execution: Execution) -> None:
        # Interrupt the run, as the receiver of a signal does.
        async def interrupt_at_once(scope: trio.CancelScope, *, task_status: trio.TaskStatus[None]) -> None:
            task_status.started()
            await interrupt.wait()
            execution.interrupted = True
            scope.cancel()

        execution._watch_signals = interrupt_at_once  # type: ignore[assignment,method-assign]
        assert await execution.run() is EndReason.INTERRUPTED

    ran = Ran([plan("one"), plan("two")], lambda _: Hanging, RunOptions(jobs=1), around=around)
    assert ran.why == "interrupted"
    assert 0 < len(ran.journal.targets[0].results) < 6
    assert len(ran.journal.targets) == 1
    assert ran.watching.calls[-1] == "ended one interrupted"


def test_the_probe_ends_even_if_the_patience_is_endless() -> None:
    class Silence(ReferenceServer):
        async def converse(self) -> None:
            await trio.sleep_forever()

    options = RunOptions(jobs=1, limits=Limits(patience=float("inf")), confirm=False, budget=1000.0)
    ran = Ran([plan()], lambda _: Silence, options)
    assert ran.journal.targets[0].target.echo is False
    assert ran.why == "budget"


def test_an_error_of_the_suite_writes_no_footer() -> None:
    class Broken(Exception):
        pass

    def servers(target: Target) -> type[ReferenceServer]:
        raise Broken

    with pytest.raises(BaseExceptionGroup) as caught:
        Ran([plan()], servers)
    assert caught.group_contains(Broken)


def test_the_reference_is_found_and_served() -> None:
    target, serve = reference_target()
    assert (target.name, target.app) == (REFERENCE, "echo")

    async def main() -> None:
        async with trio.open_nursery() as nursery, reached(target, nursery, serve=serve) as reach:
            assert reach.started is None
            stream = await trio.open_tcp_stream("127.0.0.1", reach.target.url.port)
            await stream.aclose()

    trio.run(main)


def test_each_started_target_has_a_log_file_of_its_own(tmp_path: Path) -> None:
    code = "import sys; print('no port for me'); sys.exit(3)"
    start = (sys.executable, "-S", "-c", code)
    plans = [plan("a b", start=start), plan("a/b", start=start)]
    plans = [replace(each, target=replace(each.target, url=Url("ws", "127.0.0.1", 1, "/"))) for each in plans]
    writer = JournalWriter(io.StringIO())
    execution = Execution(plans, load_registry(), RunOptions(out=tmp_path), writer)
    trio.run(lambda: execution.run(signals=False))
    assert [Path(outcome.log).name for outcome in execution.outcomes] == ["a-b.log", "a-b.2.log"]
    for outcome in execution.outcomes:
        assert outcome.problem.endswith("ended before it listened at 127.0.0.1:1: exit status 3")
        assert outcome.output == ("no port for me",)
        assert Path(outcome.log).read_text() == "no port for me\n"
