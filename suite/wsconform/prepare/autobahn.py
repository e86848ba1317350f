"""A configuration of Autobahn|Testsuite for `run` and `serve`: its targets, its cases under its ids, its report."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path

from ..autobahn.ids import NAMELESS, SELECTED, order
from ..autobahn.spec import Server, Spec, read
from ..catalogue.aliases import autobahn_cases
from ..catalogue.case import Case, Item
from ..catalogue.selection import Selection
from ..console.style import Out, Style
from ..journal.renderers import ENTRY_POINTS, Wanted, writable_folder
from ..problem import Exit, Problem
from ..registry.registry import Registry
from ..registry.requirement import Role
from ..run.target import Target, TargetError, Url
from ..serving.plan import Numbering
from .catalogue import selected
from .config import Settings
from .serve import ServeFlags
from .targets import ChosenTarget, with_flags

__all__ = ["KIND", "AutobahnRun", "autobahn_settings", "load_autobahn"]

#: The kind of report in Autobahn's form.
KIND = "autobahn"


def load_autobahn(path: object, *, servers: bool) -> AutobahnRun | None:
    """Read the configuration at `path`, of servers to test if `servers`, else of clients; raises Problem.

    Return None if there is no path.
    """
    if not isinstance(path, Path):
        return None
    try:
        table = autobahn_cases()
    except ValueError as problem:
        raise Problem(f"the catalogue cannot be loaded: {problem}", Exit.SUITE) from None
    return AutobahnRun(read(path, servers=servers), {id: table[id] for id in sorted(table, key=order)})


def autobahn_settings(settings: Settings, flags: Mapping[str, object]) -> Settings:
    """Return `settings` for a run by such a file: it selects cases itself, so the default profile is full."""
    return settings if flags.get("profile") else replace(settings, profile="full")


@dataclass(frozen=True)
class AutobahnRun:
    """A configuration file of Autobahn, and the ids of our cases by all Autobahn ids, in Autobahn's order."""

    spec: Spec
    table: Mapping[str, tuple[str, ...]]

    def print_ignored(self, out: Out, style: Style) -> None:
        """Print a line about each entry of the file that has no effect."""
        for line in self.spec.ignored:
            out.line(style.text(line))

    def report(self) -> Wanted:
        """Return the report for the file's `outdir`; raises Problem if that folder cannot be written."""
        (point,) = entry_points(group=ENTRY_POINTS, name=KIND)
        return Wanted(KIND, writable_folder(self.spec.outdir, f"{self.spec.path.name}: outdir"), point)

    # --- servers under test

    def targets(self, flags: Mapping[str, object]) -> list[ChosenTarget]:
        """Return the file's servers as targets, with `flags` over its entries; raises Problem."""
        if not self.spec.servers:
            raise Problem(
                f"--autobahn-spec {self.spec.path}: servers is empty and no target is named;"
                " name one: wsconform run ws://HOST:PORT/ --autobahn-spec ..."
            )
        chosen = list[ChosenTarget]()
        for number, (name, server) in enumerate(zip(self._agents, self.spec.servers, strict=True)):
            target = self._target(server, f"servers[{number}]", flags)
            chosen.append(ChosenTarget(target=replace(target, name=name), words=_words(server, target)))
        return with_flags(chosen, flags)

    @functools.cached_property
    def _agents(self) -> dict[str, str]:
        """The agent of each server by the target's name, in order; a repeated agent gets a number in the name."""
        agents = dict[str, str]()
        for server in self.spec.servers:
            agent, count = server.agent or server.url, 1
            name = agent
            while name in agents:
                count += 1
                name = f"{agent} ({count})"
            agents[name] = agent
        return agents

    def _agent(self, name: str) -> str:
        return self._agents.get(name, name)

    def _target(self, server: Server, where: str, flags: Mapping[str, object]) -> Target:
        try:
            url = Url.parse(server.url)
        except TargetError as problem:
            raise Problem(f"--autobahn-spec {self.spec.path}: {where}.url: {problem}") from None
        return Target(
            name=server.agent or server.url,
            url=url,
            headers=(("Origin", server.origin),) if server.origin else (),
            subprotocol=", ".join(server.protocols) or None,
            # Autobahn verifies a certificate only if the entry has a hostname.
            insecure=url.scheme == "wss" and server.hostname is None and not flags.get("cacert"),
            server_name=server.hostname,
            info={} if server.agent else {NAMELESS: "the Server field"},
        )

    def with_selection(self, target: Target) -> Target:
        """Return `target` with the file's selection among its facts, which go into the journal."""
        return replace(target, info={**target.info, SELECTED: str(self.spec.of(self._agent(target.name), self.table))})

    def selected(
        self, name: str, selection: Selection, catalogue: Sequence[Item], role: Role, registry: Registry
    ) -> tuple[Item, ...]:
        """Return the cases that both the file and `selection` take for the target called `name`; raises Problem."""
        cases = {case for id in self.spec.ids(self._agent(name), self.table) for case in self.table[id]}
        return tuple(item for item in selected(selection, catalogue, role, registry) if item.id in cases)

    # --- clients under test

    def with_address(self, flags: ServeFlags) -> ServeFlags:
        """Return `flags` with the file's address and certificate, unless they name one; raises Problem."""
        if flags.url is not None or self.spec.url is None:
            return flags
        try:
            url = Url.parse(self.spec.url)
        except TargetError as problem:
            raise Problem(f"--autobahn-spec {self.spec.path}: url: {problem}") from None
        # Autobahn ignores the path of this URL, too: the cases have paths of their own.
        flags = replace(flags, url=str(replace(url, target="/")))
        if flags.cert is not None or flags.tls or self.spec.cert is None:
            return flags
        return replace(flags, cert=self.spec.cert, key=self.spec.key)

    def numbering(self, selection: Selection, catalogue: Sequence[Item], registry: Registry) -> Numbering:
        """Return the file's cases for clients under their Autobahn ids; raises Problem.

        If several of our cases have one Autobahn id, the first that is for clients gets it.
        """
        items = selected(selection, catalogue, Role.CLIENT, registry)
        cases = {item.id: item for item in items if isinstance(item, Case)}
        ids = self.spec.selected.of(self.table)
        named = ((id, next((cases[case] for case in self.table[id] if case in cases), None)) for id in ids)
        return Numbering(
            tuple((id, case) for id, case in named if case is not None),
            lambda agent: self.spec.of(agent, self.table),
        )


def _words(server: Server, target: Target) -> tuple[str, ...]:
    """Return the arguments that name `server` on a command line without the file."""
    words = [server.url]
    if server.origin:
        words += ["-H", f"Origin: {server.origin}"]
    if target.subprotocol:
        words += ["--subprotocol", target.subprotocol]
    return (*words, "--insecure") if target.insecure else tuple(words)
