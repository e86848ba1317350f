"""Fixtures for tests of users; they block, and need no knowledge of trio."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from ..problem import Problem
from ..registry.requirement import Role
from . import options
from .targets import SessionTarget, session_targets

# Every pytest of an environment with wsconform imports this module: a fixture imports the engine when it is used.

if TYPE_CHECKING:
    from ..endpoint.session import Limits
    from ..run.target import Target
    from .ahead import Portal
    from .raw import Listening, RawConnection, RawTranscript

__all__ = ["ws_dial", "ws_listen", "ws_portal", "ws_target", "ws_transcript"]

_TRANSCRIPT = pytest.StashKey["RawTranscript"]()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize a test that uses `ws_target`, if there are several targets."""
    if "ws_target" in metafunc.fixturenames and _is_ours(metafunc):
        found = session_targets(metafunc.config)
        if len(found) > 1:
            names = [chosen.node for chosen in found]
            metafunc.parametrize("ws_target", range(len(found)), ids=names, indirect=True, scope="session")


def _is_ours(metafunc: pytest.Metafunc) -> bool:
    """Return whether the fixture is this module's, and not one of the same name in a conftest.py."""
    found = metafunc._arg2fixturedefs.get("ws_target", ())
    return bool(found) and found[-1].func.__module__ == __name__


@pytest.fixture(scope="session")
def ws_portal() -> Iterator[Portal]:
    """The thread in which connections run; for other fixtures, not for tests."""
    from .ahead import Portal  # noqa: PLC0415

    portal = Portal()
    yield portal
    portal.close()


@pytest.fixture(scope="session")
def ws_target(request: pytest.FixtureRequest, ws_portal: Portal) -> Iterator[Target]:
    """The target; `ws_target.url` is its address. If there are several targets, the test runs once for each."""
    from ..transport.program import StartFailed  # noqa: PLC0415
    from .raw import StartedTarget  # noqa: PLC0415

    chosen: SessionTarget = session_targets(request.config)[getattr(request, "param", 0)]
    if chosen.target.role is Role.CLIENT:
        pytest.fail(f"wsconform: {chosen.name} is a client and has no address; test it with ws_listen", pytrace=False)
    try:
        if chosen.fixture:
            chosen = chosen.reached_at(request.getfixturevalue(chosen.fixture))
        if not (chosen.target.start or chosen.serve):
            yield chosen.target
            return
        started = StartedTarget(ws_portal, chosen.target, chosen.folder, chosen.serve)
    except (Problem, StartFailed) as problem:
        pytest.fail(f"wsconform: {problem}", pytrace=False)
    yield started.target
    started.stop()


@pytest.fixture
def ws_transcript(request: pytest.FixtureRequest, ws_portal: Portal) -> Iterator[RawTranscript]:
    """The transcript of the test's connections: `ws_transcript.entries`, or as text `str(ws_transcript)`.

    The report of a failed test shows it.
    """
    from .raw import RawTranscript, close_all  # noqa: PLC0415

    transcript = request.node.stash[_TRANSCRIPT] = RawTranscript()
    yield transcript
    close_all(ws_portal, transcript)


@pytest.fixture
def ws_dial(
    request: pytest.FixtureRequest, ws_target: Target, ws_portal: Portal, ws_transcript: RawTranscript
) -> Callable[..., RawConnection]:
    """A function that opens a raw connection: `ws = ws_dial()`, or `ws_dial(offer="permessage-deflate")`."""
    from .raw import dial  # noqa: PLC0415

    limits = _limits(request.config)

    def open_connection(offer: str | None = None) -> RawConnection:
        return dial(ws_portal, ws_target, request.node.nodeid, ws_transcript, limits, offer=offer)

    return open_connection


@pytest.fixture
def ws_listen(request: pytest.FixtureRequest, ws_portal: Portal, ws_transcript: RawTranscript) -> Iterator[Listening]:
    """A raw server for a client: start the client with `ws_listen.url`, then call `ws = ws_listen.accept()`."""
    from .raw import Listening  # noqa: PLC0415

    listening = Listening(ws_portal, request.node.nodeid, ws_transcript, _limits(request.config))
    yield listening
    listening.close()


def _limits(config: pytest.Config) -> Limits:
    from ..prepare.run import limits  # noqa: PLC0415

    try:
        return limits(options.settings(config, options.configuration(config)))
    except Problem as problem:
        raise options.usage(problem) from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Add the transcript of the connections to the report of a failed test."""
    report = yield
    transcript = item.stash.get(_TRANSCRIPT, None)
    if report.when == "call" and report.failed and transcript is not None and transcript.sessions:
        report.sections.append(("wsconform: transcript of the connections", str(transcript)))
    return report
