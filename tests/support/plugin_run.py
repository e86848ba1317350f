"""Sessions of pytest inside tests of the plugin: how they are run, and what is read from what they print."""

from __future__ import annotations

import re

import pytest

# What a session in this process imports is forgotten at its end, unless it was there before: this is, once for all.
import wsconform.plugin.clients
import wsconform.plugin.html
import wsconform.plugin.session
import wsconform.plugin.spread
import wsconform.reports.html
from wsconform.catalogue.load import load_catalogue
from wsconform.fixtures.reference import ReferenceServer
from wsconform.fixtures.reference.frames import Failure

load_catalogue()
assert wsconform.plugin.session

#: The cases that most of these tests put: seven of them fail at `TakesAnyMask`, none at the reference.
MODULE = "wsconform.cases.masking"
FAILING = 7
TEXT = "masking.wrongly_masked_frame_fails_the_connection[text]"

#: The seven failures told as expectations.
KNOWN = "masking.wrongly_masked_*"


class FailsWithoutClose(ReferenceServer):
    """A server that departs: it fails a connection without the Close that it should send first."""

    async def fail(self, failure: Failure) -> None:
        await self.finish()


class Scripted(ReferenceServer):
    """A server whose echoes are words of HTML."""

    WORDS = b"<script>alert(1)</script><img src=x onerror=alert(2)>"

    async def on_message(self, opcode: int, payload: bytes) -> None:
        await self.send_message(opcode, self.WORDS)


def here(pytester: pytest.Pytester, *words: str) -> pytest.RunResult:
    """Run pytest with `words` in this process, without the plugins that could only disturb."""
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", *words)


def ids(result: pytest.RunResult) -> list[str]:
    """Return the ids that a session with `--collect-only -q` printed."""
    return [line for line in result.outlines if line.startswith("wsconform::")]


def worker_of(result: pytest.RunResult) -> dict[str, set[str]]:
    """Return which workers had a target's cases, from what a session with `-v` printed."""
    found: dict[str, set[str]] = {}
    for line in result.outlines:
        if told := re.match(r"\[(gw\d+)\] .*? wsconform::(.+?)::[a-z]", line):
            found.setdefault(told[2], set()).add(told[1])
    return found
