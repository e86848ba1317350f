"""What commands do alike: find the configuration, the selection, the targets, and the style of their output."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ..console.style import Out, Style
from ..prepare.config import Settings

if TYPE_CHECKING:
    from ..journal.gate import Policy, TargetOutcome
    from ..registry.registry import Registry

__all__ = [
    "output",
    "tell_github",
]


def output(settings: Settings, stream: TextIO | None = None) -> tuple[Out, Style]:
    """Return where prose goes (stdout by default) and how it looks."""
    chosen = stream or sys.stdout
    return Out(chosen), Style.of(chosen, os.environ, color=settings.color, ascii=settings.ascii)


def tell_github(
    outcomes: Sequence[TargetOutcome],
    policy: Policy,
    registry: Registry,
    configuration: Path | None,
    *,
    left: tuple[Path, Path],
    prose: Out,
) -> None:
    """In a step of GitHub Actions, add to the job summary and print annotations; elsewhere do nothing.

    `left` are the journal and the folder that the run left.
    """
    from ..console import github
    from ..journal.journal import read

    if github.is_there(os.environ):
        github.summarize([read(left[0])], left[1], os.environ)
        for line in github.annotate(outcomes, policy, registry, configuration):
            prose.line(line)
