"""Choosing the targets of a run: names from the configuration, addresses, or the embedded reference."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..problem import Problem
from .config import Configuration

if TYPE_CHECKING:
    from ..run.start import Serve
    from ..run.target import Target


@dataclass(frozen=True, slots=True)
class Chosen:
    """A target to run: how many connections at once, where its command runs, how the command line names it."""

    target: Target
    words: tuple[str, ...]
    jobs: int | None = None
    folder: Path | None = None
    serve: Serve | None = None


def choose(names: Sequence[str], flags: Mapping[str, object], configuration: Configuration) -> list[Chosen]:
    """Return the targets that `names` mean, `flags` over what the configuration says of them.

    Without names, all servers that are configured; without a configuration, the embedded reference. Raises Problem.
    """
    from ..run.start import REFERENCE

    if not names and configuration.path is None:
        return [_reference()]
    if not names and not configuration.targets:
        raise Problem(
            f"{configuration.name}: there is no target; add [targets.NAME] with its url, name an address,"
            f" or run the embedded endpoint with `wsconform run {REFERENCE}`"
        )
    servers = [name for name, table in configuration.targets.items() if table.role == "server"]
    chosen = [_one(name, configuration) for name in names or servers or configuration.targets]
    return with_flags(chosen, flags)


def with_flags(chosen: Sequence[Chosen], flags: Mapping[str, object]) -> list[Chosen]:
    """Return `chosen` as `flags` have them; raises Problem where those make no sense."""
    if flags.get("start") and len(chosen) > 1:
        raise Problem(f"--start starts one target, and there are {len(chosen)}; name the one it is for")
    return _with_own_names([_over(each, flags) for each in chosen])


def left_out(names: Sequence[str], configuration: Configuration) -> str:
    """Return a line about the configured targets that `choose` passes over, "" if there are none."""
    clients = [name for name, table in configuration.targets.items() if table.role != "server"]
    if names or not clients:
        return ""
    few = ", ".join(clients[:3]) + (f" and {len(clients) - 3} more" if len(clients) > 3 else "")
    return f"Left out, for `wsconform serve --target NAME` puts cases to clients: {few}."


def _reference() -> Chosen:
    from ..run.start import reference_target
    from ..run.target import TargetError

    try:
        target, serve = reference_target()
    except TargetError as problem:
        raise Problem(str(problem)) from None
    return Chosen(target, (target.name,), serve=serve)


def _one(name: str, configuration: Configuration) -> Chosen:
    from ..registry.requirement import Role
    from ..run.start import REFERENCE
    from ..run.target import Target, TargetError, Url

    if "://" in name:
        try:
            return Chosen(Target(name, Url.parse(name)), (name,))
        except TargetError as problem:
            raise Problem(str(problem)) from None
    if name == REFERENCE and name not in configuration.targets:
        return _reference()
    table = configuration.table(name)
    if Role(table.role) is not Role.SERVER:
        raise Problem(f"{table.where}: it is a {table.role}; put cases to it with `wsconform serve --target {name}`")
    return Chosen(table.target(os.environ), (name,), table.jobs, table.folder)


def _over(chosen: Chosen, flags: Mapping[str, object]) -> Chosen:
    """Flags over the target's own values; they become part of how the command line names it."""
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
            # A command that is shown and kept holds no credentials.
            words += ["-H", f"{name}: ***"]
    folder = chosen.folder
    if isinstance(command := flags.get("start"), tuple) and command:
        import shlex

        if chosen.serve is not None:
            raise Problem("--start: the embedded endpoint needs no starting; name the target's address")
        changes["start"], folder = command, None
        words += ["--start", shlex.join(command)]
    if (seconds := flags.get("ready_within")) is not None:
        changes["ready_within"] = seconds
    target = replace(chosen.target, **changes)  # type: ignore[arg-type]  # each was made by its kind
    return replace(chosen, target=target, words=tuple(words), folder=folder)


def _with_own_names(chosen: list[Chosen]) -> list[Chosen]:
    """A journal tells targets by name, so one that is asked for twice is run once."""
    found: dict[str, Chosen] = {}
    for each in chosen:
        found.setdefault(each.target.name, each)
    return list(found.values())
