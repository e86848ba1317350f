"""The pytest plugin (the second face): idle unless cases, or a fixture of ours, are asked for.

Importing it imports neither trio nor the catalogue: every pytest of an environment that has wsconform in it does.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

import pytest

from . import options, roots
from .aims import FromFixture
from .departure import DepartureWarning
from .fixtures import (
    pytest_generate_tests,
    pytest_runtest_makereport,
    ws_dial,
    ws_listen,
    ws_portal,
    ws_target,
    ws_transcript,
)

if TYPE_CHECKING:
    from .session import Conformance

__all__ = [
    "DepartureWarning",
    "FromFixture",
    "conformance",
    "pytest_generate_tests",
    "pytest_runtest_makereport",
    "ws_dial",
    "ws_listen",
    "ws_portal",
    "ws_target",
    "ws_transcript",
]

_MARKERS = (
    "ws_must: a case whose requirement is a MUST, or a rule that the RFC states without a keyword (wsconform)",
    "ws_should: a case whose requirement is a SHOULD (wsconform)",
    "ws_may: a case whose requirement is a MAY (wsconform)",
    "ws_sweep: a case of many alike, left out of the profile quick (wsconform)",
    "ws(area, section): a case's area and the section of its RFC, as in -m \"ws(area='framing')\" (wsconform)",
)
_CONFORMANCE = pytest.StashKey["Conformance | None"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add options and ini values."""
    options.add(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Add hooks."""
    from . import hooks

    pluginmanager.add_hookspecs(hooks)


def conformance(config: pytest.Config) -> Conformance | None:
    """Return what runs the cases of this session; None where none are asked for. Raises pytest.UsageError."""
    if _CONFORMANCE not in config.stash:
        config.stash[_CONFORMANCE] = None
        if roots.is_asked(config):
            from .session import Conformance

            config.stash[_CONFORMANCE] = Conformance(config)
    return config.stash[_CONFORMANCE]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register markers and, where cases are asked for, what runs them."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    if (found := conformance(config)) is not None:
        # Where warnings are errors a departure would fail, unless somebody says what it is to be.
        if not any("DepartureWarning" in line for line in config.getini("filterwarnings")):
            config.addinivalue_line("filterwarnings", "default::wsconform.plugin.DepartureWarning")
        config.pluginmanager.register(found, "wsconform-session")
        if config.pluginmanager.hasplugin("xdist"):
            from .spread import Spread

            config.pluginmanager.register(Spread(found), "wsconform-spread")
        if config.pluginmanager.hasplugin("html"):
            from .html import Log, add_style

            shows = config.getoption("htmlpath") and not hasattr(config, "workerinput")
            config.pluginmanager.register(Log(found, add_style(config) if shows else None), "wsconform-html")


@pytest.hookimpl(optionalhook=True)
def pytest_metadata(metadata: MutableMapping[str, Any], config: pytest.Config) -> None:
    """Add to what pytest-metadata shows; it asks before anything is registered."""
    if (found := conformance(config)) is not None:
        from .html import environment

        environment(found.prepared, metadata)
