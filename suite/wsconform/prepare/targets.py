"""The targets of a run: names from the configuration, addresses, or the embedded reference endpoint."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..problem import Problem
from ..registry.requirement import Role
from ..run.start import REFERENCE, Serve, reference_target
from ..run.target import Target, TargetError, Url
from .config import Configuration

__all__ = ["ChosenTarget", "choose", "clients_left_out", "with_flags"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenTarget:
    """A target to run against.

    `words` are the arguments that name it on a command line; `jobs` is its own limit on connections at once; its
    start command runs in `folder`. `serve` serves the embedded endpoint.
    """

    target: Target
    words: tuple[str, ...]
    jobs: int | None = None
    folder: Path | None = None
    serve: Serve | None = None


def choose(names: Sequence[str], flags: Mapping[str, object], configuration: Configuration) -> list[ChosenTarget]:
    """Return the targets called `names`, with `flags` over their tables in the configuration.

    Without names, return all configured servers; without a configuration, the embedded reference endpoint. Raises
    Problem.
    """
    if not names and configuration.path is None:
        return [_reference()]
    if not names and not configuration.targets:
        raise Problem(
            f"{configuration.name}: there is no target; add [targets.NAME] with its url, name an address,"
            f" or run the embedded endpoint with `wsconform run {REFERENCE}`"
        )
    servers = [name for name, table in configuration.targets.items() if table.role == "server"]
    chosen = [_choose_one(name, configuration) for name in names or servers or configuration.targets]
    return with_flags(chosen, flags)


def with_flags(chosen: Sequence[ChosenTarget], flags: Mapping[str, object]) -> list[ChosenTarget]:
    """Return `chosen` with `flags` over their own values, each name once; raises Problem if `flags` do not apply."""
    if flags.get("start") and len(chosen) > 1:
        raise Problem(f"--start starts one target, and there are {len(chosen)}; name the one it is for")
    by_name = dict[str, ChosenTarget]()
    for each in chosen:
        # A journal identifies targets by name, so a target that is named twice is run once.
        by_name.setdefault(each.target.name, _override(each, flags))
    return list(by_name.values())


def clients_left_out(names: Sequence[str], configuration: Configuration) -> str:
    """Return a line about the configured clients, which `choose` leaves out if `names` is empty; or ""."""
    clients = [name for name, table in configuration.targets.items() if table.role != "server"]
    if names or not clients:
        return ""
    few = ", ".join(clients[:3]) + (f" and {len(clients) - 3} more" if len(clients) > 3 else "")
    return f"Left out, because clients are tested with `wsconform serve --target NAME`: {few}."


def _reference() -> ChosenTarget:
    try:
        target, serve = reference_target()
    except TargetError as problem:
        raise Problem(str(problem)) from None
    return ChosenTarget(target=target, words=(target.name,), serve=serve)


def _choose_one(name: str, configuration: Configuration) -> ChosenTarget:
    if "://" in name:
        try:
            return ChosenTarget(target=Target(name=name, url=Url.parse(name)), words=(name,))
        except TargetError as problem:
            raise Problem(str(problem)) from None
    if name == REFERENCE and name not in configuration.targets:
        return _reference()
    table = configuration.table(name)
    if Role(table.role) is not Role.SERVER:
        raise Problem(f"{table.where}: is a {table.role}; test it with `wsconform serve --target {name}`")
    return ChosenTarget(target=table.target(os.environ), words=(name,), jobs=table.jobs, folder=table.folder)


def _override(chosen: ChosenTarget, flags: Mapping[str, object]) -> ChosenTarget:
    """Return `chosen` with `flags` over the target's own values; they are added to the words that name it."""
    changes, words = dict[str, object](), list(chosen.words)
    for key, flag in (("app", "--app"), ("subprotocol", "--subprotocol"), ("cacert", "--cacert")):
        if (value := flags.get(key)) is not None:
            changes[key] = str(value)
            words += [flag, str(value)]
    if (value := flags.get("insecure")) is not None:
        changes["insecure"] = value
        words.append("--insecure")
    if isinstance(fields := flags.get("header"), tuple) and fields:
        given = [each for field in fields for each in field]
        names = {name.lower() for name, _ in given}
        kept = [each for each in chosen.target.headers if each[0].lower() not in names]
        changes["headers"] = (*kept, *given)
        for name, _ in given:
            # The command is printed and kept in the journal, so it must not hold credentials.
            words += ["-H", f"{name}: ***"]
    folder = chosen.folder
    if isinstance(command := flags.get("start"), tuple) and command:
        if chosen.serve is not None:
            raise Problem("--start: the embedded endpoint needs no start command; name the target's address")
        changes["start"], folder = command, None
        words += ["--start", shlex.join(command)]
    if (seconds := flags.get("ready_within")) is not None:
        changes["ready_within"] = seconds
    target = replace(chosen.target, **changes)  # type: ignore[arg-type]  # each was parsed by its kind
    return replace(chosen, target=target, words=tuple(words), folder=folder)
