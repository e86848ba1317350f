"""The targets of a session: from an option, an ini value, a hook or the configuration, in this order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..problem import Problem
from ..registry.requirement import Role
from . import options

# `FromFixture` and `SessionTarget` are loaded by every pytest of an environment with wsconform: the engine, with trio,
# is imported only when a session has targets.
if TYPE_CHECKING:
    from ..prepare.config import Configuration, TargetTable
    from ..run.start import Serve
    from ..run.target import Target, Url

__all__ = ["FromFixture", "SessionTarget", "session_targets", "url_of"]

NO_TARGET = (
    "no target: give --ws-target ws://HOST:PORT/, or name one in the ini value wsconform_targets, in wsconform.toml"
    " ([targets.NAME]), or in a pytest_wsconform_targets hook"
)


@dataclass(frozen=True, slots=True)
class FromFixture:
    """A target whose address is the value of the session-scoped fixture called `name`.

    `app` is "echo", "none" or None (the probe finds out).
    """

    name: str
    app: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTarget:
    """One target to test. If the fixture called `fixture` provides its address, that is not known yet.

    `jobs` is the target's own limit on connections at once; its start command runs in `folder`; `serve` serves the
    embedded endpoint.
    """

    target: Target
    jobs: int | None = None
    folder: Path | None = None
    serve: Serve | None = None
    fixture: str = ""

    @property
    def name(self) -> str:
        """The name of the target, in journals too."""
        return self.target.name

    @property
    def node(self) -> str:
        """The name of the target's node: its name without the characters that have a meaning in ids of pytest."""
        return self.name.replace("[", "(").replace("]", ")").replace("::", ":")

    def reached_at(self, address: object) -> SessionTarget:
        """Return this target at the `address` that its fixture returned; raises Problem if that is not an address."""
        return replace(self, target=replace(self.target, url=url_of(address, f"fixture {self.fixture}")), fixture="")


def url_of(address: object, where: str) -> Url:
    """Return `address` as a URL; raises Problem, which begins with `where`."""
    from ..run.target import TargetError, Url  # noqa: PLC0415

    if not isinstance(address, str):
        raise Problem(f"{where}: must be an address such as ws://HOST:PORT/, and is {address!r:.80}")
    try:
        return Url.parse(address)
    except TargetError as problem:
        raise Problem(f"{where}: {problem}") from None


def session_targets(config: pytest.Config) -> list[SessionTarget]:
    """Return the targets of this session, determined once; raises pytest.UsageError."""
    if _FOUND not in config.stash:
        try:
            config.stash[_FOUND] = _find_targets(config)
        except Problem as problem:
            raise options.usage(problem) from None
    return config.stash[_FOUND]


def _find_targets(config: pytest.Config) -> list[SessionTarget]:
    found, declared, names = options.configuration(config), _declared(config), options.given(config)
    if names:
        targets = [declared[name] if name in declared else _chosen(name, found) for name in names]
    elif declared:
        targets = list(declared.values())
    elif found.targets:
        targets = [_chosen(name, found) for name in found.targets]
    else:
        raise Problem(NO_TARGET)
    return list({chosen.name: chosen for chosen in targets}.values())


def _chosen(name: str, found: Configuration) -> SessionTarget:
    from ..prepare.targets import choose  # noqa: PLC0415

    table = found.targets.get(name)
    if table is not None and table.role == "client":
        return _client(table)
    (chosen,) = choose([name], {}, found)
    return SessionTarget(target=chosen.target, jobs=chosen.jobs, folder=chosen.folder, serve=chosen.serve)


def _client(table: TargetTable) -> SessionTarget:
    """Return a client of the configuration. It has no address: wsconform is its server, and starts its command."""
    from ..run.target import Target, Url  # noqa: PLC0415

    if not table.start:
        raise Problem(f'{table.where}: start is missing; add start = ["./client", "{{url}}"]')
    url = Url("ws", "127.0.0.1", 0, "/")
    target = Target(name=table.name, url=url, role=Role.CLIENT, app=table.app, info=dict(table.info))
    return SessionTarget(target=target, jobs=table.jobs, folder=table.folder)


def _declared(config: pytest.Config) -> Mapping[str, SessionTarget]:
    """Return the targets of the hook by name; of two with one name the plugin that is asked first counts."""
    found = dict[str, SessionTarget]()
    for returned in reversed(config.hook.pytest_wsconform_targets(config=config)):
        where = "pytest_wsconform_targets"
        if isinstance(returned, str):
            raise Problem(f"{where}: returned a text; return a mapping of names to addresses, or a list of addresses")
        named = returned if isinstance(returned, Mapping) else {each: each for each in returned}
        for name, value in named.items():
            found[str(name)] = _declared_one(str(name), value, f"{where}: {name}")
    return found


def _declared_one(name: str, value: object, where: str) -> SessionTarget:
    from ..run.target import Target, Url  # noqa: PLC0415

    match value:
        case FromFixture():
            unknown = Url("ws", "address-of-a-fixture", 0, "/")
            return SessionTarget(target=Target(name=name, url=unknown, app=value.app), fixture=value.name)
        case Target():
            return SessionTarget(target=replace(value, name=name))
        case _:
            return SessionTarget(target=Target(name=name, url=url_of(value, where)))


_FOUND = pytest.StashKey[list[SessionTarget]]()
