"""The pytest plugin: it does nothing unless the arguments name cases, or a test uses one of its fixtures.

Importing it imports neither trio nor the catalogue, because every pytest of an environment with wsconform imports it.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

import pytest

from . import hooks, options, roots
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
from .targets import FromFixture

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
    "ws_variation: a parameter variation, left out of the profile quick (wsconform)",
    "ws(area, section): a case's area and the section of its RFC, as in -m \"ws(area='framing')\" (wsconform)",
)
_CONFORMANCE = pytest.StashKey["Conformance | None"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add options and ini values."""
    options.add(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Add hooks."""
    pluginmanager.add_hookspecs(hooks)


def conformance(config: pytest.Config) -> Conformance | None:
    """Return the plugin that runs the cases of this session; None if it has none. Raises pytest.UsageError."""
    if _CONFORMANCE not in config.stash:
        config.stash[_CONFORMANCE] = None
        if roots.names_cases(config):
            # Only a session with cases imports the engine.
            from .session import Conformance  # noqa: PLC0415

            config.stash[_CONFORMANCE] = Conformance(config)
    return config.stash[_CONFORMANCE]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the markers and, in a session with cases, the plugins that run and report them."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    if (found := conformance(config)) is not None:
        # If warnings are errors, a departure must not fail, unless the user has a filter for it.
        if not any("DepartureWarning" in line for line in config.getini("filterwarnings")):
            config.addinivalue_line("filterwarnings", "default::wsconform.plugin.DepartureWarning")
        config.pluginmanager.register(found, "wsconform-session")
        if config.pluginmanager.hasplugin("xdist"):
            from .spread import TargetDistribution  # noqa: PLC0415

            config.pluginmanager.register(TargetDistribution(found), "wsconform-spread")
        if config.pluginmanager.hasplugin("html"):
            from .html import HtmlLog, add_style  # noqa: PLC0415

            shows = config.getoption("htmlpath") and not hasattr(config, "workerinput")
            config.pluginmanager.register(HtmlLog(found, add_style(config) if shows else None), "wsconform-html")


@pytest.hookimpl(optionalhook=True)
def pytest_metadata(metadata: MutableMapping[str, Any], config: pytest.Config) -> None:
    """Add facts for pytest-metadata, which calls this hook before the other plugins are registered."""
    if (found := conformance(config)) is not None:
        from .html import environment  # noqa: PLC0415

        environment(found.prepared, metadata)
