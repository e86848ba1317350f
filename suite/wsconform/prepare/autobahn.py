"""A configuration of the older suite as what `run` and `serve` go by: targets, cases under its ids, its report."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from ..autobahn.ids import NAMELESS, SELECTED, order
from ..autobahn.spec import Server, Spec, read
from ..catalogue.aliases import autobahn_cases
from ..catalogue.case import Case, Item
from ..catalogue.selection import Selection
from ..journal.renderers import ENTRY_POINTS, Wanted, writable_folder
from ..problem import Exit, Problem
from ..registry.registry import Registry
from ..registry.requirement import Role
from ..run.target import Target, TargetError, Url
from .catalogue import selected
from .targets import Chosen, with_flags

if TYPE_CHECKING:
    from ..console.style import Out, Style
    from ..serving.plan import Numbering
    from .config import Settings
    from .serve import ServeFlags

__all__ = ["KIND", "Older", "load", "settle"]

#: The report in the older suite's form.
KIND = "autobahn"


def load(path: object, *, servers: bool) -> Older | None:
    """Return what the file at `path` asks for, None without a path; raises Problem."""
    if not isinstance(path, Path):
        return None
    try:
        table = autobahn_cases()
    except ValueError as problem:
        raise Problem(f"the catalogue cannot be loaded: {problem}", Exit.SUITE) from None
    return Older(read(path, servers=servers), {id: table[id] for id in sorted(table, key=order)})


def settle(settings: Settings, flags: Mapping[str, object]) -> Settings:
    """Return `settings` for such a file: it says itself what is put, so the profile is full unless a flag has one."""
    return settings if flags.get("profile") else replace(settings, profile="full")


@dataclass(frozen=True)
class Older:
    """A file that was read, and the cases of ours by all older ids, in their order."""

    spec: Spec
    table: Mapping[str, tuple[str, ...]]

    def tell(self, out: Out, style: Style) -> None:
        """Write a line about everything in the file that has no effect."""
        for line in self.spec.ignored:
            out.line(style.text(line))

    def document(self) -> Wanted:
        """Return the report that goes into the file's `outdir`; raises Problem where it cannot."""
        (point,) = entry_points(group=ENTRY_POINTS, name=KIND)
        return Wanted(KIND, writable_folder(self.spec.outdir, f"{self.spec.path.name}: outdir"), point)

    # --- servers

    def targets(self, flags: Mapping[str, object]) -> list[Chosen]:
        """Return the file's servers as targets, `flags` over what it says; raises Problem."""
        if not self.spec.servers:
            raise Problem(
                f"--autobahn-spec {self.spec.path}: servers is empty and no target is named;"
                " name one: wsconform run ws://HOST:PORT/ --autobahn-spec ..."
            )
        found = list[Chosen]()
        for number, (name, server) in enumerate(zip(self._names, self.spec.servers, strict=True)):
            target = self._target(server, f"servers[{number}]", flags)
            found.append(Chosen(replace(target, name=name), _words(server, target)))
        return with_flags(found, flags)

    @functools.cached_property
    def _names(self) -> dict[str, str]:
        """What each server is called here, in order, and its agent: a second one of an agent has a number."""
        found = dict[str, str]()
        for server in self.spec.servers:
            agent, count = server.agent or server.url, 1
            name = agent
            while name in found:
                count += 1
                name = f"{agent} ({count})"
            found[name] = agent
        return found

    def _agent(self, name: str) -> str:
        return self._names.get(name, name)

    def _target(self, server: Server, where: str, flags: Mapping[str, object]) -> Target:
        try:
            url = Url.parse(server.url)
        except TargetError as problem:
            raise Problem(f"--autobahn-spec {self.spec.path}: {where}.url: {problem}") from None
        # The older suite verified certificates where it was told a hostname, and only there.
        return Target(
            server.agent or server.url,
            url,
            headers=(("Origin", server.origin),) if server.origin else (),
            subprotocol=", ".join(server.protocols) or None,
            insecure=url.scheme == "wss" and server.hostname is None and not flags.get("cacert"),
            server_name=server.hostname,
            info={} if server.agent else {NAMELESS: "the Server field"},
        )

    def informed(self, target: Target) -> Target:
        """Return `target` with the selection in its record."""
        return replace(target, info={**target.info, SELECTED: str(self.spec.of(self._agent(target.name), self.table))})

    def entries(
        self, agent: str, wanted: Selection, catalogue: Sequence[Item], role: Role, registry: Registry
    ) -> tuple[Item, ...]:
        """Return the cases that the file selects for the target called `agent`, as far as `wanted` takes them too."""
        cases = {case for id in self.spec.ids(self._agent(agent), self.table) for case in self.table[id]}
        return tuple(entry for entry in selected(wanted, catalogue, role, registry) if entry.id in cases)

    # --- clients

    def asked(self, asked: ServeFlags) -> ServeFlags:
        """Return `asked` with the file's port and certificate where flags name none; raises Problem."""
        if asked.url is not None or self.spec.url is None:
            return asked
        try:
            url = Url.parse(self.spec.url)
        except TargetError as problem:
            raise Problem(f"--autobahn-spec {self.spec.path}: url: {problem}") from None
        # The older suite looked at no path of it either: cases have their own.
        told = replace(asked, url=str(replace(url, target="/")))
        if asked.cert is not None or asked.tls or self.spec.cert is None:
            return told
        return replace(told, cert=self.spec.cert, key=self.spec.key)

    def numbering(self, wanted: Selection, catalogue: Sequence[Item], registry: Registry) -> Numbering:
        """Return the file's cases for clients under their ids: of several for one id, the first that is for clients."""
        from ..serving.plan import Numbering

        entries = selected(wanted, catalogue, Role.CLIENT, registry)
        cases = {entry.id: entry for entry in entries if isinstance(entry, Case)}
        ids = self.spec.selected.of(self.table)
        named = ((id, next((cases[case] for case in self.table[id] if case in cases), None)) for id in ids)
        return Numbering(
            tuple((id, case) for id, case in named if case is not None),
            lambda agent: self.spec.of(agent, self.table),
        )


def _words(server: Server, target: Target) -> tuple[str, ...]:
    """Return how the command line names `server`, without the file."""
    words = [server.url]
    if server.origin:
        words += ["-H", f"Origin: {server.origin}"]
    if target.subprotocol:
        words += ["--subprotocol", target.subprotocol]
    return (*words, "--insecure") if target.insecure else tuple(words)
