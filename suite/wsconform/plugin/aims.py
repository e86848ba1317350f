"""Targets of a session: named by option, by ini value, by a hook, or in the configuration, in this order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from . import options

if TYPE_CHECKING:
    from ..prepare.config import Configuration, TargetTable
    from ..run.start import Serve
    from ..run.target import Target, Url

__all__ = ["Aim", "FromFixture", "aims", "at"]

#: Says what to do where no target is named.
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


@dataclass(frozen=True, slots=True)
class Aim:
    """One target to test; its address is not known yet where a `fixture` has it."""

    target: Target
    jobs: int | None = None
    folder: Path | None = None
    serve: Serve | None = None
    fixture: str = ""

    @property
    def name(self) -> str:
        """What the target is called, in journals too."""
        return self.target.name

    @property
    def node(self) -> str:
        """What the target's node is called: its name without what pytest reads as something else."""
        return self.name.replace("[", "(").replace("]", ")").replace("::", ":")

    def reached_at(self, address: object) -> Aim:
        """Return this target at the `address` that its fixture gave; raises Problem where that is none."""
        return replace(self, target=replace(self.target, url=at(address, f"fixture {self.fixture}")), fixture="")


def at(address: object, where: str) -> Url:
    """Return `address` as a URL; raises Problem that names `where` it came from."""
    from ..problem import Problem
    from ..run.target import TargetError, Url

    if not isinstance(address, str):
        raise Problem(f"{where}: has to be an address such as ws://HOST:PORT/, and is {address!r:.80}")
    try:
        return Url.parse(address)
    except TargetError as problem:
        raise Problem(f"{where}: {problem}") from None


def aims(config: pytest.Config) -> list[Aim]:
    """Return the targets of this session, found out once; raises pytest.UsageError."""
    from ..problem import Problem

    if _FOUND not in config.stash:
        try:
            config.stash[_FOUND] = _aims(config)
        except Problem as problem:
            raise options.usage(problem) from None
    return config.stash[_FOUND]


def _aims(config: pytest.Config) -> list[Aim]:
    from ..problem import Problem

    found, declared, names = options.configuration(config), _declared(config), options.given(config)
    if names:
        aims = [declared[name] if name in declared else _chosen(name, found) for name in names]
    elif declared:
        aims = list(declared.values())
    elif found.targets:
        aims = [_chosen(name, found) for name in found.targets]
    else:
        raise Problem(NO_TARGET)
    return list({aim.name: aim for aim in aims}.values())


def _chosen(name: str, found: Configuration) -> Aim:
    from ..prepare.targets import choose

    table = found.targets.get(name)
    if table is not None and table.role == "client":
        return _client(table)
    (chosen,) = choose([name], {}, found)
    return Aim(chosen.target, chosen.jobs, chosen.folder, chosen.serve)


def _client(table: TargetTable) -> Aim:
    """A client has no address: the suite serves, and its command is what the configuration says."""
    from ..problem import Problem
    from ..registry.requirement import Role
    from ..run.target import Target, Url

    if not table.start:
        raise Problem(f'{table.where}: start is missing; add start = ["./client", "{{url}}"]')
    target = Target(table.name, Url("ws", "127.0.0.1", 0, "/"), Role.CLIENT, app=table.app, info=dict(table.info))
    return Aim(target, table.jobs, table.folder)


def _declared(config: pytest.Config) -> Mapping[str, Aim]:
    from ..problem import Problem

    found = dict[str, Aim]()
    for told in reversed(config.hook.pytest_wsconform_targets(config=config)):
        where = "pytest_wsconform_targets"
        if isinstance(told, str):
            raise Problem(f"{where}: returned a text; return a mapping of names to addresses, or a list of addresses")
        named = told if isinstance(told, Mapping) else {each: each for each in told}
        for name, value in named.items():
            found[str(name)] = _declared_one(str(name), value, f"{where}: {name}")
    return found


def _declared_one(name: str, value: object, where: str) -> Aim:
    from ..run.target import Target, Url

    match value:
        case FromFixture():
            return Aim(Target(name, Url("ws", "address-of-a-fixture", 0, "/"), app=value.app), fixture=value.name)
        case Target():
            return Aim(replace(value, name=name))
        case _:
            return Aim(Target(name, at(value, where)))


_FOUND = pytest.StashKey[list[Aim]]()
