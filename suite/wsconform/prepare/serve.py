"""The flags of `wsconform serve`, checked, and the options of the server that follow from them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..problem import Problem
from ..run.target import TargetError, Url
from ..serving.browsers import AT_ONCE, BROWSERS
from ..serving.options import BrowserClient, ClientPerCase, ClientSource, ExternalClients, LoopingClient, ServeOptions
from ..serving.rounds import QUIET
from ..serving.routes import LONGEST_NAME
from ..serving.started_clients import ClientCommand
from ..transport.certificate import ServerTls, generate_certificate, load_certificate
from . import values
from .config import Configuration, Settings, TargetTable
from .run import run_options

__all__ = ["ADDRESS", "JOBS", "ServeFlags", "serve_options"]

ADDRESS = "ws://127.0.0.1:9001"

#: Started clients that run at once.
JOBS = 4

#: How long a started client may take to connect, in seconds.
_CONNECT_WITHIN = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeFlags:
    """The options that only `serve` has; `client` is the command after `--`. Times are in seconds."""

    client: tuple[str, ...] = ()
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
    def of(cls, client: tuple[str, ...], flags: Mapping[str, object]) -> ServeFlags:
        """Return the options `flags` of a call with the command `client`; raises Problem if they contradict."""
        known = {name: value for name, value in flags.items() if name in cls.__dataclass_fields__}
        parsed = cls(client=client, **known)  # type: ignore[arg-type]  # each was parsed by its option
        started = bool(client or parsed.target)
        if parsed.browser and started:
            raise Problem("--browser starts a client itself; leave out the command, or --browser")
        if client and parsed.target:
            raise Problem("--target already names the client's command; leave out one of the two")
        if parsed.driver and not started:
            raise Problem("--driver is for a client that is started; write its command after --")
        if parsed.key and not parsed.cert:
            raise Problem("--key belongs to a certificate; name it with --cert")
        if parsed.cert and parsed.tls:
            raise Problem("--tls makes a certificate and --cert names one; leave out one of them")
        if parsed.until_idle is not None and started and not parsed.driver:
            raise Problem(
                "--until-idle is for clients that run many cases; for one case, use --connect-within and --patience"
            )
        for name in ("retries", "max_failures"):
            if flags.get(name) is not None and (not started or parsed.driver):
                flag = f"--{name.replace('_', '-')}"
                raise Problem(
                    f"{flag} is for a client that is started for each case; other clients choose their cases themselves"
                )
        return parsed


def serve_options(
    flags: ServeFlags,
    settings: Settings,
    configuration: Configuration,
    folder: Path,
    *,
    keep_all: bool = False,
    farewell: bool = False,
) -> ServeOptions:
    """Return the options of the server; raises Problem. For `keep_all` and `farewell` see `RunOptions`.

    The output of started clients and the file of our certificate authority go to `folder`.
    """
    url = _url(flags)
    tls = _tls(flags, url, folder)
    if tls is not None:
        url = replace(url, scheme="wss")
    table = _client_table(flags, configuration)
    return ServeOptions(
        url=url,
        listen=flags.listen or url.host,
        clients=_clients(flags, settings, table, tls),
        tls=tls,
        echo=(flags.app or (table.app if table else None) or "echo") == "echo",
        run=run_options(settings, folder, keep_all=keep_all, farewell=farewell),
        port=flags.port if flags.port is not None else url.port,
        info=dict(table.info) if table else {},
    )


def _client_table(flags: ServeFlags, configuration: Configuration) -> TargetTable | None:
    if flags.target is None:
        return None
    table = configuration.table(flags.target)
    if table.role != "client":
        raise Problem(
            f'{table.where}: role is "{table.role}", and `wsconform serve` tests clients; name another target'
        )
    if not table.start:
        raise Problem(f'{table.where}: start is missing; add start = ["./client", "{{url}}"]')
    return table


def _url(flags: ServeFlags) -> Url:
    try:
        url = Url.parse(flags.url or ADDRESS)
    except TargetError as problem:
        raise Problem(f"--url {problem}") from None
    if url.target != "/":
        raise Problem(f"--url {flags.url}: the cases have paths of their own; leave out {url.target}")
    return replace(url, port=flags.port) if flags.port is not None and flags.url is None else url


def _tls(flags: ServeFlags, url: Url, folder: Path) -> ServerTls | None:
    if flags.cert is not None:
        return load_certificate(flags.cert, flags.key)
    return generate_certificate(url.host, folder) if flags.tls or url.scheme == "wss" else None


def _clients(flags: ServeFlags, settings: Settings, table: TargetTable | None, tls: ServerTls | None) -> ClientSource:
    jobs = 1 if settings.debugger else flags.jobs or (table.jobs if table else None)
    quiet = flags.until_idle or QUIET
    if flags.browser:
        agent = (flags.agent or flags.browser)[:LONGEST_NAME]
        return BrowserClient(BROWSERS[flags.browser], agent, jobs or AT_ONCE, quiet)
    words = table.start if table else flags.client
    if not words:
        return ExternalClients(flags.until_idle)
    if table:
        words = tuple(values.filled(word, os.environ, f"{table.where}.start") for word in words)
    command = ClientCommand(words, table.folder if table else None, tls.cacert if tls else None)
    agent = (flags.agent or (table.name if table else _agent(words)))[:LONGEST_NAME]
    if flags.driver:
        return LoopingClient(command, agent, quiet)
    within = flags.connect_within or (table.ready_within if table else _CONNECT_WITHIN)
    return ClientPerCase(command, agent, jobs or JOBS, within)


def _agent(words: Sequence[str]) -> str:
    """Return a name for the client started by the command `words`: its program, or the script of its interpreter."""
    plain = [word for word in words if "{" not in word and not word.startswith("-")]
    if "-m" in words[:-1] and (module := words[words.index("-m") + 1]) in plain:
        return module
    names = [Path(word).name for word in plain]
    return next((Path(name).stem for name in names if "." in name.strip(".")), names[0] if names else "client")
