"""The output of a command: its streams, its style, and its summary and annotations in GitHub Actions."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from ..console import github
from ..console.style import Out, Style
from ..journal.gate import Policy, TargetOutcome
from ..journal.journal import read
from ..prepare.config import Settings
from ..registry.registry import Registry

__all__ = ["output", "report_to_github"]


def output(settings: Settings, stream: TextIO | None = None) -> tuple[Out, Style]:
    """Return the output for text (default: stdout) and its style."""
    chosen = stream or sys.stdout
    return Out(chosen), Style.of(chosen, os.environ, color=settings.color, ascii=settings.ascii)


def report_to_github(
    outcomes: Sequence[TargetOutcome],
    policy: Policy,
    registry: Registry,
    configuration: Path | None,
    *,
    journal: Path,
    out: Out,
) -> None:
    """In a step of GitHub Actions, add the report to the job summary and print annotations to `out`.

    The report is also written beside `journal`. Outside of GitHub Actions, do nothing. Raises Problem.
    """
    if github.is_active(os.environ):
        github.summarize([read(journal)], journal.parent, os.environ)
        for line in github.annotate(outcomes, policy, registry, configuration):
            out.line(line)
