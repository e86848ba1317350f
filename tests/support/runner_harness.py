"""A harness for tests of the runner: targets that can die, cases with prescribed ends, and the reported results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import trio

from tests.support.scripted import Body, Script, Target, a_case, echo, jumping
from wsconform import Connection
from wsconform.catalogue.case import Case, Item, Monitor, Sample
from wsconform.endpoint.session import Address, Facts
from wsconform.evidence.result import Reason, Result, Verdict
from wsconform.evidence.transcript import Conversation
from wsconform.journal.journal import EndReason
from wsconform.registry.registry import load_registry
from wsconform.registry.requirement import Role
from wsconform.run.judge import Bench
from wsconform.run.options import RunOptions
from wsconform.run.runner import Runner
from wsconform.transport.stream import Stream, Unreachable

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
    """A finished run and its results."""

    results: list[Result] = field(default_factory=list)
    why: EndReason | None = None
    target: Mortal | None = None

    def verdicts(self) -> dict[str, Verdict]:
        """Return verdicts by case; a later result takes an earlier one's place."""
        return {result.case: result.verdict for result in self.results}

    def of(self, case: str) -> Result:
        """Return the one result of `case`."""
        (result,) = [result for result in self.results if result.case == case]
        return result

    def outcome(self, case: str) -> tuple[Verdict, Reason | None, str]:
        """Return verdict, reason and the observation."""
        result = self.of(case)
        assert result.finding is not None
        return result.verdict, result.reason, result.finding.observed


def run(
    entries: Sequence[Item],
    script: Script = echo,
    *,
    facts: Facts | None = None,
    options: RunOptions | None = None,
    is_failure: Callable[[Result], bool] | None = None,
    seen: Sequence[Conversation] = (),
    before: Callable[[Mortal], None] = lambda target: None,
    restarts: bool = False,
    within: float = 10_000,
) -> Run:
    """Run `entries` against a target that plays `script`.

    `before` gets the target; `within` (seconds) ends the run early.
    """
    done = Run()

    async def go() -> None:
        async with trio.open_nursery() as nursery:
            done.target = target = Mortal(nursery, script)
            before(target)
            bench = Bench(
                role=Role.SERVER,
                dial=target.dial,
                address=Address(),
                facts=facts or Facts(),
                options=options or RunOptions(),
            )
            more: dict[str, Any] = {"restart": target.restart} if restarts else {}
            if is_failure is not None:
                more["is_failure"] = is_failure
            runner = Runner(bench, REGISTRY, done.results.append, budget=bench.options.budget, **more)
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
    """Return a monitor that fails if the target sent `text`."""

    def look(conversation: Conversation) -> Iterator[Sample]:
        for entry, frame in conversation.frames:
            wrong = frame.payload == text
            yield Sample("wrong text" if wrong else "text", Verdict.FAILED if wrong else Verdict.PASSED, entry)

    return Monitor(id=id, function=look, requirements=("6455-5.1-3",), title="The target never says it.", why="")
