"""Running ahead: results that are waited for, a run that is stopped, and two faces that leave the same journal."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.plugin.test_plugin import result_of
from tests.support.command import TakesAnyMask, serving, url, wsconform
from tests.support.plugin_run import here
from wsconform.evidence.result import Verdict
from wsconform.journal.gate import TargetOutcome
from wsconform.journal.journal import EndReason, Footer
from wsconform.plugin.ahead import Ahead, Portal, Untested
from wsconform.plugin.writing import Parts

pytest_plugins = ["pytester"]


@pytest.fixture
def portal() -> Iterator[Portal]:
    """A thread of trio."""
    portal = Portal()
    yield portal
    portal.close()


class Endless:
    """A run with one result, which then waits until it is interrupted."""

    def __init__(self, ahead: Ahead, *, problem: str = "") -> None:
        self.ahead, self.problem, self.scope = ahead, problem, trio.CancelScope()
        self.interrupted = False

    async def run(self, *, signals: bool = True) -> EndReason:
        assert not signals, "only the main thread may ask for signals"
        outcome = TargetOutcome(name="one", problem=self.problem)
        if not self.problem:
            self.ahead.judged("one", result_of(Verdict.PASSED, case="a.first"))
            with self.scope:
                await trio.sleep_forever()
        self.ahead.ended(outcome)
        return EndReason.INTERRUPTED

    def interrupt(self) -> None:
        self.interrupted = True
        self.scope.cancel()


def test_a_result_is_there_before_the_run_is_over(portal: Portal) -> None:
    ahead = Ahead(portal)
    run = Endless(ahead)
    ahead.start(run)
    assert ahead.take("a.first").verdict is Verdict.PASSED
    assert not run.interrupted
    ahead.stop()
    assert run.interrupted
    with pytest.raises(Untested, match="the run ended before this case was put"):
        ahead.take("a.second")


def test_a_target_that_cannot_be_tested_says_why(portal: Portal) -> None:
    ahead = Ahead(portal)
    ahead.start(Endless(ahead, problem="nothing listens there"))
    with pytest.raises(Untested, match="nothing listens there"):
        ahead.take("a.first")
    ahead.stop()


def test_an_engine_that_breaks_says_so_and_ends_no_other(portal: Portal) -> None:
    class Broken(Endless):
        async def run(self, *, signals: bool = True) -> EndReason:
            raise RuntimeError("a slip of ours")

    broken, whole = Ahead(portal), Ahead(portal)
    broken.start(Broken(broken))
    with pytest.raises(Untested, match="the suite broke: RuntimeError: a slip of ours"):
        broken.take("a.first")
    whole.start(Endless(whole))
    assert whole.take("a.first").verdict is Verdict.PASSED
    whole.stop()


def test_a_result_that_changes_after_it_was_taken_is_told(portal: Portal) -> None:
    ahead = Ahead(portal)
    ahead.judged("one", result_of(Verdict.PASSED))
    assert ahead.take("a.b").verdict is Verdict.PASSED
    assert ahead.later() == []
    ahead.judged("one", result_of(Verdict.FAILED))
    assert [(taken.verdict, last.verdict) for taken, last in ahead.later()] == [(Verdict.PASSED, Verdict.FAILED)]


def test_footers_of_parts_become_one() -> None:
    stream = io.StringIO()
    parts = Parts(stream)
    parts.footer(Footer(why="done", seconds=1.5, counts={"one": {"passed": 3}}))
    parts.footer(Footer(why="target-lost", seconds=2.0, counts={"two": {"passed": 1}}))
    assert stream.getvalue() == ""
    parts.end(["a line"], interrupted=False)
    footer = json.loads(stream.getvalue())
    assert (footer["why"], footer["seconds"], footer["stale"]) == ("target-lost", 3.5, ["a line"])
    assert footer["counts"] == {"one": {"passed": 3}, "two": {"passed": 1}}


_TIME = re.compile(r"\b\d+(?:\.\d+)? (?:µs|ms|s)\b")
AREAS = ("masking.*", "framing.opcodes.*", "fragmentation.*", "monitors.*", "opening.key.*")


def records(path: Path) -> list[dict[str, Any]]:
    """Return the records of a journal without what no two runs have alike: times, and what depends on them."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(_TIME.sub("TIME", line))
        for key in ("us", "start", "end", "seconds", "command", "round_trip", "transcript"):
            record.pop(key, None)
        if record.get("case", "").startswith("monitors."):
            # How many frames a monitor saw depends on how much had come when a case failed.
            del record["notes"]
        found.append(record)
    return found


@pytest.mark.parametrize("server", [None, TakesAnyMask])
def test_both_faces_leave_equal_journals(pytester: pytest.Pytester, server: type[TakesAnyMask] | None) -> None:
    """Equal but for times, and the order in which cases that run side by side happen to end."""
    with serving(server) if server else serving() as port:
        chosen = [word for area in AREAS for word in ("-c", area)]
        run = wsconform("run", url(port), *chosen, "-q", "-o", "run", folder=pytester.path)
        wanted = [word for area in AREAS for word in ("--ws-case", area)]
        plugin = here(
            pytester, "--pyargs", "wsconform.cases", *wanted, "--ws-target", url(port), "--ws-out", "plugin", "-q"
        )
    assert (run.code, plugin.ret) == ((1, 1) if server else (0, 0))
    ours, theirs = (records(pytester.path / name / "journal.jsonl") for name in ("plugin", "run"))
    assert [record["record"] for record in ours] == [record["record"] for record in theirs]
    key = str
    assert ours[:2] == theirs[:2]
    assert sorted(ours[2:-1], key=key) == sorted(theirs[2:-1], key=key)
    assert ours[-1] == theirs[-1]
    assert len(ours) > 100
