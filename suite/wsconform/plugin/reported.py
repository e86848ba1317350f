"""The facts of a result that travel with a report of pytest: the time, and the cells of a row in a table."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import pytest

from ..evidence.result import Mark
from .items import CaseItem

__all__ = ["Cells", "cells_of", "fill"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """The cells of a row in a table, besides those of pytest, as plain text: a table must escape them."""

    level: str
    requirement: str
    link: str
    mark: str
    finding: str


def fill(item: CaseItem, report: pytest.TestReport) -> None:
    """Set the duration of `report` to that of the case, and attach the cells for its result."""
    result, requirement = item.result, item.requirement
    if result is not None:
        # The setup of an item waits for the engine, which runs other cases in the meantime.
        report.duration = result.micros / 1e6 if report.when == "call" else 0.0
    if report.when == "teardown" or (report.when == "setup" and report.passed):
        return
    mark = result.mark if result is not None else Mark.INCONCLUSIVE
    finding = result.finding.observed if result is not None and result.finding else ""
    cells = Cells(
        level=requirement.level.words,
        requirement=requirement.citation,
        link=requirement.url,
        mark=mark.words,
        finding=finding,
    )
    # pytest-xdist transfers attributes of a report that consist of plain values.
    report.wsconform = asdict(cells)  # type: ignore[attr-defined]


def cells_of(report: pytest.TestReport | pytest.CollectReport) -> Cells | None:
    """Return the cells attached to `report`; None if it is not about a case."""
    found = getattr(report, "wsconform", None)
    return Cells(**found) if isinstance(found, dict) else None
