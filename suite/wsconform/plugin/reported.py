"""What a report of pytest carries of a result: times, marks, and words for whoever shows them."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import pytest

from ..evidence.result import Mark
from .items import CaseItem

__all__ = ["Cells", "cells_of", "fill"]


@dataclass(frozen=True, slots=True)
class Cells:
    """What a row of a report shows beside pytest's own cells; plain text, to be escaped where it is shown."""

    level: str
    requirement: str
    link: str
    mark: str
    finding: str


def fill(item: CaseItem, report: pytest.TestReport) -> None:
    """Give `report` the time that the case took, and what tables show of its result."""
    result, needed = item.result, item.needed
    if result is not None:
        # Setting up is waiting for the engine, which runs other cases meanwhile.
        report.duration = result.micros / 1e6 if report.when == "call" else 0.0
    if report.when == "teardown" or (report.when == "setup" and report.passed):
        return
    shown = result.mark if result is not None else Mark.INCONCLUSIVE
    finding = result.finding.observed if result is not None and result.finding else ""
    cells = Cells(needed.level.words, needed.citation, needed.url, shown.words, finding)
    # pytest-xdist carries what a report has as an attribute, if it is made of plain values.
    report.wsconform = asdict(cells)  # type: ignore[attr-defined]


def cells_of(report: pytest.TestReport | pytest.CollectReport) -> Cells | None:
    """Return what was put into `report`; None where it is none of a case."""
    found = getattr(report, "wsconform", None)
    return Cells(**found) if isinstance(found, dict) else None
