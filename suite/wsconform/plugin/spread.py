"""Targets spread over the workers of pytest-xdist: each stays on one worker, whose journal comes to the controller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

from .collecting import NAME
from .writing import OUTPUT

if TYPE_CHECKING:
    from .session import Conformance

__all__ = ["Spread"]

#: Ways to distribute that would put the cases of one target on several workers.
_MINDLESS = ("load", "worksteal", "loadgroup")


class Spread:
    """The plugin of a session whose tests are distributed."""

    def __init__(self, conformance: Conformance) -> None:
        """Hand what workers send to `conformance`."""
        self._conformance = conformance

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> object | None:
        """Return a scheduler that keeps a target's cases together, and treats other tests as they ask to be."""
        if config.getvalue("dist") not in _MINDLESS:
            return None
        from xdist.scheduler import LoadGroupScheduling  # type: ignore[import-untyped]

        class TargetScheduling(LoadGroupScheduling):  # type: ignore[misc,unused-ignore]
            """Groups by target; pytest-xdist's own groups need node ids that can be changed, and not all have them."""

            def _split_scope(self, nodeid: str) -> str:
                parts = nodeid.split("::")
                return "::".join(parts[:2]) if parts[0] == NAME else str(super()._split_scope(nodeid))

        return TargetScheduling(config, log)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        """Count the cases; every worker collects all of them."""
        self._conformance.total = sum(id.split("::")[0] == NAME for id in ids)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object | None) -> None:
        """Take the journal of a worker that ended."""
        output = getattr(node, "workeroutput", {})
        if isinstance(text := output.get(OUTPUT), str):
            self._conformance.written.part(text)
