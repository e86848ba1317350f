"""Fixtures for people's own tests: blocking, and without a word of trio."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from .aims import Aim, aims

if TYPE_CHECKING:
    from ..endpoint.session import Limits
    from ..run.target import Target
    from .ahead import Portal
    from .raw import Listening, RawConnection, RawTranscript

__all__ = ["ws_dial", "ws_listen", "ws_portal", "ws_target", "ws_transcript"]

_TRANSCRIPT = pytest.StashKey["RawTranscript"]()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a target once for each, if there are several."""
    if "ws_target" in metafunc.fixturenames and _is_ours(metafunc):
        found = aims(metafunc.config)
        if len(found) > 1:
            names = [aim.node for aim in found]
            metafunc.parametrize("ws_target", range(len(found)), ids=names, indirect=True, scope="session")


def _is_ours(metafunc: pytest.Metafunc) -> bool:
    """Whether the fixture is ours, and not one of the same name in a conftest.py."""
    found = metafunc._arg2fixturedefs.get("ws_target", ())
    return bool(found) and found[-1].func.__module__ == __name__


@pytest.fixture(scope="session")
def ws_portal() -> Iterator[Portal]:
    """The thread in which connections live; other fixtures need it, tests do not."""
    from .ahead import Portal

    portal = Portal()
    yield portal
    portal.close()


@pytest.fixture(scope="session")
def ws_target(request: pytest.FixtureRequest, ws_portal: Portal) -> Iterator[Target]:
    """The target: `ws_target.url` is its address. A test runs once for each target if there are several."""
    from ..problem import Problem
    from ..registry.requirement import Role
    from ..transport.program import StartFailed
    from .raw import Held

    aim: Aim = aims(request.config)[getattr(request, "param", 0)]
    if aim.target.role is Role.CLIENT:
        pytest.fail(f"wsconform: {aim.name} is a client, and has no address; test it with ws_listen", pytrace=False)
    try:
        if aim.fixture:
            aim = aim.reached_at(request.getfixturevalue(aim.fixture))
        if not (aim.target.start or aim.serve):
            yield aim.target
            return
        held = Held(ws_portal, aim.target, aim.folder, aim.serve)
    except (Problem, StartFailed) as problem:
        pytest.fail(f"wsconform: {problem}", pytrace=False)
    yield held.target
    held.release()


@pytest.fixture
def ws_transcript(request: pytest.FixtureRequest, ws_portal: Portal) -> Iterator[RawTranscript]:
    """Everything that the test's connections showed: `ws_transcript.entries`, and as ladders `str(ws_transcript)`.

    A test that fails shows it.
    """
    from .raw import RawTranscript, close_all

    transcript = request.node.stash[_TRANSCRIPT] = RawTranscript()
    yield transcript
    close_all(ws_portal, transcript)


@pytest.fixture
def ws_dial(
    request: pytest.FixtureRequest, ws_target: Target, ws_portal: Portal, ws_transcript: RawTranscript
) -> Callable[..., RawConnection]:
    """Open a raw connection to the target: `ws = ws_dial()`, or `ws_dial(offer="permessage-deflate")`."""
    from .raw import dial

    limits = _limits(request.config)

    def opened(offer: str | None = None) -> RawConnection:
        return dial(ws_portal, ws_target, request.node.nodeid, ws_transcript, limits, offer=offer)

    return opened


@pytest.fixture
def ws_listen(request: pytest.FixtureRequest, ws_portal: Portal, ws_transcript: RawTranscript) -> Iterator[Listening]:
    """A raw server for a client: give it `ws_listen.url`, then `ws = ws_listen.accept()`."""
    from .raw import Listening

    listening = Listening(ws_portal, request.node.nodeid, ws_transcript, _limits(request.config))
    yield listening
    listening.close()


def _limits(config: pytest.Config) -> Limits:
    from ..endpoint.session import Limits
    from ..problem import Problem
    from . import options

    try:
        patience = options.settings(config, options.configuration(config)).patience
    except Problem as problem:
        raise options.usage(problem) from None
    return Limits(patience, min(Limits().prompt, patience))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Show what the connections of a failed test showed."""
    report = yield
    transcript = item.stash.get(_TRANSCRIPT, None)
    if report.when == "call" and report.failed and transcript is not None and transcript.sessions:
        report.sections.append(("wsconform: what the connections showed", str(transcript)))
    return report
