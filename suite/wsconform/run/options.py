"""The options of a run: made once from flags and configuration, then handed down unchanged."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..endpoint.session import Limits

__all__ = ["RunOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How cases run, in both roles of targets and under both faces."""

    #: How long a case waits, and how much it reads.
    limits: Limits = field(default_factory=Limits)
    #: Connections at the same time.
    jobs: int = 8
    #: Whether anything but a pass is retried before it is reported.
    confirm: bool = True
    #: Seconds for all targets together; None for no limit.
    budget: float | None = None
    #: Further attempts at a case whose second attempt did not pass either.
    retries: int = 0
    #: How many failures end the run; None for no limit.
    max_failures: int | None = None
    #: Seed of masking keys and handshake keys.
    seed: int = 6455
    #: Whether the journal keeps all octets.
    whole: bool = False
    #: Whether a case that leaves its connection open ends with a closing handshake, so that its transcript shows one.
    farewell: bool = False
    #: The folder for the output of started programs; None keeps only their last lines.
    out: Path | None = None
    #: Whether transcripts of passed cases stay in memory, for a terminal that prints every ladder.
    keep_all: bool = False

    @property
    def is_endless(self) -> bool:
        """Whether cases wait without limit, as somebody in a debugger needs it for the one connection looked at."""
        return math.isinf(self.limits.patience)

    @property
    def probe_limits(self) -> Limits:
        """The limits for probing, which has to end even if cases wait without limit."""
        return replace(self.limits, patience=Limits().patience) if self.is_endless else self.limits
