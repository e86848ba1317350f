"""Options and ini values of the plugin, and what they come to: settings, as the command line's flags do."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..prepare.config import Configuration, Settings

__all__ = ["CONFIG_INI", "TARGETS_INI", "add", "configuration", "given", "settings", "usage"]

CONFIG_INI, TARGETS_INI = "wsconform_config", "wsconform_targets"

#: Flag, key of the configuration, whether it may be given again, name of its value, help. Values stay texts here,
#: so that every one of them goes to the workers of pytest-xdist as it is.
_FLAGS = (
    ("--ws-case", "case", True, "PATTERN", "cases to put; * and ? are wild, brackets are not"),
    ("--ws-exclude", "exclude", True, "PATTERN", "cases to leave out"),
    ("--ws-section", "section", True, "SECTION", 'such as "RFC6455:5.5", or "5.5"'),
    ("--ws-level", "level", True, "LEVEL", "must, should or may"),
    ("--ws-profile", "profile", False, "PROFILE", "quick, standard or full: sweeps none, a fixed sample, all"),
    ("--ws-fail-on", "fail-on", False, "LEVEL", "must, should or never: what fails (default: must)"),
    ("--ws-expected", "expected", False, "FILE", "known failures (default: expected.toml if there)"),
    ("--ws-jobs", "jobs", False, "N", "connections at once (default: 8)"),
    ("--ws-patience", "patience", False, "DURATION", "longest silence that is waited for (default: 5s)"),
    ("--ws-seed", "seed", False, "N", "seed of keys and masks (default: 6455)"),
    ("--ws-out", "out", False, "DIR", "write journal and reports there (default: nothing is written)"),
)


def add(parser: pytest.Parser) -> None:
    """Add the options and ini values."""
    group = parser.getgroup("wsconform", "WebSocket conformance (wsconform)")
    group.addoption(
        "--ws-target",
        action="append",
        default=[],
        metavar="TARGET",
        help="a target: a ws or wss address, or a name from the configuration or from pytest_wsconform_targets",
    )
    group.addoption("--ws-config", metavar="FILE", help="the configuration (default: wsconform.toml, found upwards)")
    for flag, _, again, metavar, told in _FLAGS:
        if again:
            group.addoption(flag, action="append", default=[], metavar=metavar, help=told)
        else:
            group.addoption(flag, metavar=metavar, help=told)
    parser.addini(CONFIG_INI, "file with targets and settings of wsconform", default="")
    parser.addini(TARGETS_INI, "targets of wsconform: names or addresses", type="linelist", default=[])


def usage(problem: Exception) -> pytest.UsageError:
    """Return a problem of ours as pytest's own kind of problem, which is told in one line."""
    return pytest.UsageError(f"wsconform: {problem}")


def given(config: pytest.Config) -> list[str]:
    """Return the targets that were asked for by option or, without one, by ini value."""
    return list(config.getoption("ws_target")) or list(config.getini(TARGETS_INI))


def configuration(config: pytest.Config) -> Configuration:
    """Return the configuration: the file that was named, or what holds where pytest was called; raises Problem."""
    from ..prepare.config import load

    if named := config.getoption("ws_config"):
        return load(file=config.invocation_params.dir / named)
    if named := config.getini(CONFIG_INI):
        return load(file=(config.inipath.parent if config.inipath else config.rootpath) / named)
    return load(config.invocation_params.dir)


def settings(config: pytest.Config, found: Configuration) -> Settings:
    """Return the settings that hold: options over the environment over the configuration `found`; raises Problem."""
    from ..prepare.config import settle

    return settle(_flags(config), os.environ, found)


def _flags(config: pytest.Config) -> Mapping[str, object]:
    from ..prepare.config import KINDS
    from ..problem import Problem

    flags = dict[str, object]()
    for flag, key, again, _, _ in _FLAGS:
        texts = config.getoption(f"ws_{key.replace('-', '_')}")
        name = key.replace("-", "_")
        try:
            if again:
                read: Callable[[str], object] = KINDS[key].text
                # A pattern is one value, whatever stands in it; only words of a closed set are looked up.
                flags[name] = tuple(texts) if key != "level" else tuple(_one(read(text)) for text in texts)
            elif texts is not None:
                value = KINDS[key].text(texts)
                flags[name] = config.invocation_params.dir / value if isinstance(value, Path) else value
        except ValueError as problem:
            raise Problem(f"{flag}: {problem}") from None
    return flags


def _one(values: object) -> str:
    if not isinstance(values, tuple) or len(values) != 1:
        raise ValueError("one level at a time; give the option again for another")
    return str(values[0])
