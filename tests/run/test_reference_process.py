"""The embedded endpoint in a process of its own: it answers, and it is gone with its parent's run."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support.command import LONG, environment
from wsconform.run.execution import Plan
from wsconform.run.reference_process import apart
from wsconform.run.start import reference_target

#: Serve in a child, open a connection, and print the child processes before and after the end.
SCRIPT = r"""
import os, socket
from wsconform.run.reference_process import apart
from wsconform.run.execution import Plan
from wsconform.run.start import reference_target

def children():
    return open(f"/proc/self/task/{os.getpid()}/children").read().split()

target, serve = reference_target()
with apart(Plan(target=target, items=(), serve=serve)) as plan:
    with socket.create_connection((plan.target.url.host, plan.target.url.port), timeout=30) as stream:
        stream.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        print(stream.recv(12).decode(), plan.serve, len(children()))
print(len(children()))
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="there is no /proc that tells of children")
def test_the_child_answers_and_ends_with_the_context(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LONG,
        check=True,
    )
    assert done.stdout.splitlines() == ["HTTP/1.1 426 None 1", "0"]


def test_with_other_threads_running_the_endpoint_stays_in_this_process() -> None:
    target, serve = reference_target()
    plan, over = Plan(target=target, items=(), serve=serve), threading.Event()
    beside = threading.Thread(target=over.wait)
    beside.start()
    try:
        with apart(plan) as given:
            assert given is plan
    finally:
        over.set()
        beside.join()


def test_a_plan_without_an_endpoint_is_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("forked"), raising=False)
    target, _ = reference_target()
    with apart(Plan(target=target, items=())) as given:
        assert given.target is target
