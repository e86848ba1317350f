"""Running ahead: waiting for results, stopping a run, and equal journals of command line and plugin."""

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
from wsconform.plugin.ahead import Portal, RunAhead, Untested
from wsconform.plugin.writing import CombinedWriter

pytest_plugins = ["pytester"]


@pytest.fixture
def portal() -> Iterator[Portal]:
    """A thread of trio."""
    portal = Portal()
    yield portal
    portal.close()


class Endless:
    """A run with one result, which then waits until it is interrupted."""

    def __init__(self, ahead: RunAhead, *, problem: str = "") -> None:
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


def test_a_result_is_available_before_the_end_of_the_run(portal: Portal) -> None:
    ahead = RunAhead(portal)
    run = Endless(ahead)
    ahead.start(run)
    assert ahead.wait_for_result("a.first").verdict is Verdict.PASSED
    assert not run.interrupted
    ahead.stop()
    assert run.interrupted
    with pytest.raises(Untested, match="the run ended before this case"):
        ahead.wait_for_result("a.second")


def test_a_target_that_cannot_be_tested_is_reported_with_the_reason(portal: Portal) -> None:
    ahead = RunAhead(portal)
    ahead.start(Endless(ahead, problem="nothing listens there"))
    with pytest.raises(Untested, match="nothing listens there"):
        ahead.wait_for_result("a.first")
    ahead.stop()


def test_a_crash_of_one_run_is_reported_and_leaves_others_running(portal: Portal) -> None:
    class Broken(Endless):
        async def run(self, *, signals: bool = True) -> EndReason:
            raise RuntimeError("a slip of ours")

    broken, whole = RunAhead(portal), RunAhead(portal)
    broken.start(Broken(broken))
    with pytest.raises(Untested, match="wsconform failed: RuntimeError: a slip of ours"):
        broken.wait_for_result("a.first")
    whole.start(Endless(whole))
    assert whole.wait_for_result("a.first").verdict is Verdict.PASSED
    whole.stop()


def test_a_result_that_changes_after_its_item_is_reported(portal: Portal) -> None:
    ahead = RunAhead(portal)
    ahead.judged("one", result_of(Verdict.PASSED))
    assert ahead.wait_for_result("a.b").verdict is Verdict.PASSED
    assert ahead.changed_results() == []
    ahead.judged("one", result_of(Verdict.FAILED))
    assert [(received.verdict, last.verdict) for received, last in ahead.changed_results()] == [
        (Verdict.PASSED, Verdict.FAILED)
    ]


def test_the_footers_of_several_runs_become_one() -> None:
    stream = io.StringIO()
    parts = CombinedWriter(stream)
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
    """Return the records of a journal without times and values that depend on times."""
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
def test_command_line_and_plugin_write_equal_journals(
    pytester: pytest.Pytester, server: type[TakesAnyMask] | None
) -> None:
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
