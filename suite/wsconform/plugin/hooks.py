"""Hooks of the plugin, for conftest.py files and other plugins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..evidence.result import Result
    from ..run.target import Target
    from .targets import FromFixture

__all__ = ["pytest_wsconform_result", "pytest_wsconform_targets"]


@pytest.hookspec
def pytest_wsconform_targets(
    config: pytest.Config,
) -> Mapping[str, str | Target | FromFixture] | Iterable[str] | None:
    """Return targets by name: an address, a `wsconform.run.target.Target`, or `wsconform.plugin.FromFixture("name")`.

    A list of addresses is possible, too. These targets are tested unless `--ws-target` or the ini value names others.
    """


@pytest.hookspec
def pytest_wsconform_result(item: pytest.Item, result: Result) -> None:
    """Receive the `result` of the case `item` before the item passes or fails. Return values are ignored."""
