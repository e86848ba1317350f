"""The options of one session of `wsconform serve`: its address, its limits, and how clients come to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..run.options import RunOptions
from ..run.target import Url
from ..transport.certificate import ServerTls
from .browsers import Browser
from .rounds import QUIET
from .started_clients import ClientCommand


@dataclass(frozen=True, slots=True)
class ExternalClients:
    """Clients connect by themselves; the session ends after `idle` seconds without a client (None: never)."""

    idle: float | None = None


@dataclass(frozen=True, slots=True)
class ClientPerCase:
    """`command` is started for each case, `jobs` at once; it has `within` seconds to connect."""

    command: ClientCommand
    agent: str
    jobs: int
    within: float


@dataclass(frozen=True, slots=True)
class LoopingClient:
    """`command` is started once and loops over the cases; it is ended after `quiet` seconds without a connection."""

    command: ClientCommand
    agent: str
    quiet: float = QUIET


@dataclass(frozen=True, slots=True)
class BrowserClient:
    """A browser is started on our page, which runs `jobs` cases at once.

    It is ended after `quiet` seconds without a connection.
    """

    browser: Browser
    agent: str
    jobs: int
    quiet: float = QUIET


ClientSource = ExternalClients | ClientPerCase | LoopingClient | BrowserClient


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """The options of a session: the server listens at `listen` and `port`; `url` is the address given to clients.

    Port 0 means any free port. Of the `run` options, `retries` and `max_failures` are for a client that is started for
    each case: others choose by themselves which case comes next.
    """

    url: Url
    listen: str
    clients: ClientSource
    tls: ServerTls | None = None
    echo: bool = True
    run: RunOptions = field(default_factory=RunOptions)
    port: int = 0
    info: Mapping[str, str] = field(default_factory=dict)
