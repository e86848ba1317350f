"""What `serve` was asked for on the command line, checked, and made a setting."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from . import values

if TYPE_CHECKING:
    from ..run.target import Url
    from ..serving.options import ClientSource, ServeOptions
    from ..transport.certificate import ServerTls
    from .config import Configuration, Settings, TargetTable

__all__ = ["ADDRESS", "JOBS", "Preparing", "ServeFlags"]

ADDRESS = "ws://127.0.0.1:9001"

#: Clients that are started at once.
JOBS = 4


@dataclass(frozen=True, slots=True)
class ServeFlags:
    """What the flags of this command alone say."""

    client: tuple[str, ...]
    url: str | None = None
    port: int | None = None
    listen: str | None = None
    tls: bool = False
    cert: Path | None = None
    key: Path | None = None
    driver: bool = False
    browser: str | None = None
    target: str | None = None
    agent: str | None = None
    app: str | None = None
    until_idle: float | None = None
    connect_within: float | None = None
    jobs: int | None = None

    @classmethod
    def of(cls, client: tuple[str, ...], flags: dict[str, object]) -> ServeFlags:
        """Return what `client` and `flags` ask for; raises Problem where they contradict one another."""
        from ..problem import Problem

        known = {name: value for name, value in flags.items() if name in cls.__dataclass_fields__}
        asked = cls(client, **known)  # type: ignore[arg-type]  # each was made by its option
        started = bool(client or asked.target)
        if asked.browser and started:
            raise Problem("--browser is the client; leave out the command, or --browser")
        if client and asked.target:
            raise Problem("--target names the client's command already; leave out one of them")
        if asked.driver and not started:
            raise Problem("--driver says how a client is started; write its command after --")
        if asked.key and not asked.cert:
            raise Problem("--key belongs to a certificate; name it with --cert")
        if asked.cert and asked.tls:
            raise Problem("--tls makes a certificate and --cert names one; leave out one of them")
        if asked.until_idle is not None and started and not asked.driver:
            raise Problem("--until-idle is for clients that run many cases; for one, --connect-within and --patience")
        for name in ("retries", "max_failures"):
            if flags.get(name) is not None and (not started or asked.driver):
                flag = f"--{name.replace('_', '-')}"
                raise Problem(f"{flag} is for a client that is started for each case; others choose what comes next")
        return asked


class Preparing:
    """Makes the setting of a session of what was asked, the settings, and the configuration; all raise Problem."""

    def __init__(self, asked: ServeFlags, settings: Settings, configuration: Configuration) -> None:
        self.asked, self.settings, self.configuration = asked, settings, configuration

    def _table(self) -> TargetTable | None:
        from ..problem import Problem

        if self.asked.target is None:
            return None
        table = self.configuration.table(self.asked.target)
        if table.role != "client":
            raise Problem(f'{table.where}: role = "{table.role}": `wsconform serve` tests clients; name another target')
        if not table.start:
            raise Problem(f'{table.where}: start is missing; add start = ["./client", "{{url}}"]')
        return table

    def setting(self, folder: Path, *, keep_all: bool = False, farewell: bool = False) -> ServeOptions:
        """Return the options; `folder` is for the output of clients and for our authority's file."""
        from ..serving.options import ServeOptions
        from .run import run_options

        asked = self.asked
        url = self._url()
        tls = self._tls(url, folder)
        if tls is not None:
            url = replace(url, scheme="wss")
        table = self._table()
        return ServeOptions(
            url=url,
            listen=asked.listen or url.host,
            clients=self._driven(table, tls),
            tls=tls,
            echo=(asked.app or (table.app if table else None) or "echo") == "echo",
            run=run_options(self.settings, folder, keep_all=keep_all, farewell=farewell),
            port=asked.port if asked.port is not None else url.port,
            info=dict(table.info) if table else {},
        )

    def _url(self) -> Url:
        from ..problem import Problem
        from ..run.target import TargetError, Url

        asked = self.asked
        try:
            url = Url.parse(asked.url or ADDRESS)
        except TargetError as problem:
            raise Problem(f"--url {problem}") from None
        if url.target != "/":
            raise Problem(f"--url {asked.url}: cases have paths of their own; leave out {url.target}")
        return replace(url, port=asked.port) if asked.port is not None and asked.url is None else url

    def _tls(self, url: Url, folder: Path) -> ServerTls | None:
        from ..transport.certificate import generate_certificate, load_certificate

        if self.asked.cert is not None:
            return load_certificate(self.asked.cert, self.asked.key)
        return generate_certificate(url.host, folder) if self.asked.tls or url.scheme == "wss" else None

    def _driven(self, table: TargetTable | None, tls: ServerTls | None) -> ClientSource:
        from ..serving.browsers import AT_ONCE, BROWSERS
        from ..serving.options import BrowserClient, ClientPerCase, ExternalClients, LoopingClient
        from ..serving.rounds import QUIET
        from ..serving.routes import LONGEST_NAME
        from ..serving.started_clients import ClientCommand

        asked = self.asked
        jobs = 1 if self.settings.debugger else asked.jobs or (table.jobs if table else None)
        quiet = asked.until_idle or QUIET
        if asked.browser:
            return BrowserClient(
                BROWSERS[asked.browser], (asked.agent or asked.browser)[:LONGEST_NAME], jobs or AT_ONCE, quiet
            )
        words = table.start if table else asked.client
        if not words:
            return ExternalClients(asked.until_idle)
        if table:
            words = tuple(values.filled(word, os.environ, f"{table.where}.start") for word in words)
        command = ClientCommand(words, table.folder if table else None, tls.cacert if tls else None)
        agent = (asked.agent or (table.name if table else _name(words)))[:LONGEST_NAME]
        if asked.driver:
            return LoopingClient(command, agent, quiet)
        within = asked.connect_within or (table.ready_within if table else 10.0)
        return ClientPerCase(command, agent, jobs or JOBS, within)


def _name(words: Sequence[str]) -> str:
    """Return what a client is called whose command is `words`: its program, or the script that an interpreter runs."""
    plain = [word for word in words if "{" not in word and not word.startswith("-")]
    if "-m" in words[:-1] and (module := words[words.index("-m") + 1]) in plain:
        return module
    names = [Path(word).name for word in plain]
    return next((Path(name).stem for name in names if "." in name.strip(".")), names[0] if names else "client")
