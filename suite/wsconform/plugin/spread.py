"""Distribution with pytest-xdist: each target stays on one worker, which sends its journal to the controller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

from .collecting import NAME
from .writing import OUTPUT

if TYPE_CHECKING:
    from .session import Conformance

__all__ = ["TargetDistribution"]

#: Values of `--dist` that would run the cases of one target on several workers.
_BY_CASE = ("load", "worksteal", "loadgroup")


class TargetDistribution:
    """The plugin for a distributed session."""

    def __init__(self, conformance: Conformance) -> None:
        """Pass the journals of workers to `conformance`."""
        self._conformance = conformance

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> object | None:
        """Return a scheduler that keeps the cases of a target together; other tests keep their own groups."""
        if config.getvalue("dist") not in _BY_CASE:
            return None
        # pytest-xdist is optional.
        from xdist.scheduler import LoadGroupScheduling  # type: ignore[import-untyped]  # noqa: PLC0415

        class TargetScheduling(LoadGroupScheduling):  # type: ignore[misc,unused-ignore]
            """Groups by target. The groups of pytest-xdist change node ids, and our items have fixed ones."""

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
        """Receive the journal of a worker that has ended."""
        output = getattr(node, "workeroutput", {})
        if isinstance(text := output.get(OUTPUT), str):
            self._conformance.written.add_part(text)
