"""The options and ini values of the plugin, and the settings that follow from them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..problem import Problem

# Every pytest of an environment with wsconform imports this module: the configuration is imported when it is needed.
if TYPE_CHECKING:
    from ..prepare.config import Configuration, Settings

__all__ = ["CONFIG_INI", "TARGETS_INI", "add", "configuration", "given", "settings", "usage"]

CONFIG_INI, TARGETS_INI = "wsconform_config", "wsconform_targets"

#: Option, key of the configuration, whether it is repeatable, placeholder and help. pytest-xdist passes options to its
#: workers, so their values stay texts here.
_FLAGS = (
    (
        "--ws-case",
        "case",
        True,
        "PATTERN",
        "run only cases matching this glob, such as 'closing.*'; brackets are literal",
    ),
    ("--ws-exclude", "exclude", True, "PATTERN", "leave out cases matching this glob"),
    ("--ws-section", "section", True, "SECTION", 'only cases that cite this section, such as "RFC6455:5.5" or "5.5"'),
    ("--ws-level", "level", True, "LEVEL", "only requirements of this level: must, should or may"),
    (
        "--ws-profile",
        "profile",
        False,
        "PROFILE",
        "parameter variations: quick (none), standard (a sample), full (all)",
    ),
    ("--ws-fail-on", "fail-on", False, "LEVEL", "fail at this level or above: must, should or never (default: must)"),
    (
        "--ws-expected",
        "expected",
        False,
        "FILE",
        "list of known failures (default: expected.toml beside the configuration)",
    ),
    ("--ws-jobs", "jobs", False, "N", "connections at once (default: 8)"),
    ("--ws-patience", "patience", False, "DURATION", "longest silence to wait for (default: 5s)"),
    ("--ws-seed", "seed", False, "N", "seed for masking keys and handshake keys (default: 6455)"),
    ("--ws-out", "out", False, "DIR", "folder for journal and reports (default: none are written)"),
)


def add(parser: pytest.Parser) -> None:
    """Add the options and ini values."""
    group = parser.getgroup("wsconform", "WebSocket conformance (wsconform)")
    group.addoption(
        "--ws-target",
        action="append",
        default=[],
        metavar="TARGET",
        help="test this target: a ws or wss address, or a name from the configuration or from pytest_wsconform_targets",
    )
    group.addoption(
        "--ws-config", metavar="FILE", help="the configuration (default: wsconform.toml in this folder or above)"
    )
    for flag, _, repeatable, metavar, text in _FLAGS:
        if repeatable:
            group.addoption(flag, action="append", default=[], metavar=metavar, help=text)
        else:
            group.addoption(flag, metavar=metavar, help=text)
    parser.addini(CONFIG_INI, "file with targets and settings of wsconform", default="")
    parser.addini(TARGETS_INI, "targets of wsconform: names or addresses", type="linelist", default=[])


def usage(problem: Exception) -> pytest.UsageError:
    """Return `problem` as a UsageError, which pytest prints in one line."""
    return pytest.UsageError(f"wsconform: {problem}")


def given(config: pytest.Config) -> list[str]:
    """Return the targets named by options or, without any, by the ini value."""
    return list(config.getoption("ws_target")) or list(config.getini(TARGETS_INI))


def configuration(config: pytest.Config) -> Configuration:
    """Return the configuration: the named file, or the one for the folder of the call; raises Problem."""
    from ..prepare.config import load  # noqa: PLC0415

    if named := config.getoption("ws_config"):
        return load(file=config.invocation_params.dir / named)
    if named := config.getini(CONFIG_INI):
        return load(file=(config.inipath.parent if config.inipath else config.rootpath) / named)
    return load(config.invocation_params.dir)


def settings(config: pytest.Config, found: Configuration) -> Settings:
    """Return the settings: options over the environment over the configuration `found`; raises Problem."""
    from ..prepare.config import settle  # noqa: PLC0415

    return settle(_flags(config), os.environ, found)


def _flags(config: pytest.Config) -> Mapping[str, object]:
    from ..prepare.config import KINDS  # noqa: PLC0415

    flags = dict[str, object]()
    for flag, key, repeatable, _, _ in _FLAGS:
        texts = config.getoption(f"ws_{key.replace('-', '_')}")
        name = key.replace("-", "_")
        try:
            if repeatable:
                read: Callable[[str], object] = KINDS[key].text
                # A pattern may contain commas, so only levels are parsed.
                flags[name] = tuple(texts) if key != "level" else tuple(_one(read(text)) for text in texts)
            elif texts is not None:
                value = KINDS[key].text(texts)
                flags[name] = config.invocation_params.dir / value if isinstance(value, Path) else value
        except ValueError as problem:
            raise Problem(f"{flag}: {problem}") from None
    return flags


def _one(values: object) -> str:
    if not isinstance(values, tuple) or len(values) != 1:
        raise ValueError("give one level; repeat the option for another")
    return str(values[0])
