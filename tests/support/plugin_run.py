"""Sessions of pytest inside tests of the plugin, and helpers that parse their output."""

from __future__ import annotations

import re

import pytest

# pytester removes modules that a session imported, unless they were imported before: these are imported once.
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

#: The cases that most of these tests run: seven of them fail against `TakesAnyMask`, none against the reference.
MODULE = "wsconform.cases.masking"
FAILING = 7
TEXT = "masking.wrongly_masked_frame_fails_the_connection[text]"

#: A pattern for the seven failures in a list of known failures.
KNOWN = "masking.wrongly_masked_*"


class FailsWithoutClose(ReferenceServer):
    """A server with a departure: it fails a connection without sending the Close that a SHOULD asks for."""

    async def fail(self, failure: Failure) -> None:
        await self.finish()


class Scripted(ReferenceServer):
    """A server that sends HTML instead of an echo."""

    WORDS = b"<script>alert(1)</script><img src=x onerror=alert(2)>"

    async def on_message(self, opcode: int, payload: bytes) -> None:
        await self.send_message(opcode, self.WORDS)


def here(pytester: pytest.Pytester, *words: str) -> pytest.RunResult:
    """Run pytest with `words` in this process, without the cache provider."""
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", *words)


def ids(result: pytest.RunResult) -> list[str]:
    """Return the ids that a session with `--collect-only -q` printed."""
    return [line for line in result.outlines if line.startswith("wsconform::")]


def worker_of(result: pytest.RunResult) -> dict[str, set[str]]:
    """Return the workers of each target's cases, from the output of a session with `-v`."""
    found: dict[str, set[str]] = {}
    for line in result.outlines:
        if match := re.match(r"\[(gw\d+)\] .*? wsconform::(.+?)::[a-z]", line):
            found.setdefault(match[2], set()).add(match[1])
    return found
