"""What a session of serving is asked to be: where it listens, and who brings the clients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..endpoint.session import Limits
from ..run.target import Url
from ..transport.certificate import Tls
from .browsers import Browser
from .launched import Command
from .rounds import QUIET


@dataclass(frozen=True, slots=True)
class Waiting:
    """Clients come by themselves; after `idle` seconds without one the session ends (None: it does not)."""

    idle: float | None = None


@dataclass(frozen=True, slots=True)
class EachCase:
    """`command` is started for each case, `jobs` at once; a client has `within` seconds to connect."""

    command: Command
    agent: str
    jobs: int
    within: float


@dataclass(frozen=True, slots=True)
class Driver:
    """`command` is started once and runs the loop over the cases itself; `quiet` seconds without it are its end."""

    command: Command
    agent: str
    quiet: float = QUIET


@dataclass(frozen=True, slots=True)
class OnPage:
    """A browser is started on our page, which runs `jobs` cases at once; `quiet` seconds without it are its end."""

    browser: Browser
    agent: str
    jobs: int
    quiet: float = QUIET


Driven = Waiting | EachCase | Driver | OnPage


@dataclass(frozen=True, slots=True)
class Setting:
    """What is served where: `url` is what clients are told (port 0: the one we get), we are at `listen` and `port`.

    `retries` and `max_failures` are for a client that is started for each case: others choose what they run next.
    """

    url: Url
    listen: str
    driven: Driven
    tls: Tls | None = None
    echo: bool = True
    limits: Limits = field(default_factory=Limits)
    confirm: bool = True
    retries: int = 0
    max_failures: int | None = None
    budget: float | None = None
    seed: int = 6455
    whole: bool = False
    folder: Path | None = None
    port: int = 0
    farewell: bool = False
    info: Mapping[str, str] = field(default_factory=dict)
