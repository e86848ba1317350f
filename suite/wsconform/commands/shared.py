"""What commands do alike: find the configuration, the selection, the targets, and the style of their output."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ..config import Configuration, Settings
from ..problem import Problem
from ..style import Out, Style

if TYPE_CHECKING:
    from ..catalogue import Entry
    from ..gate import Policy, TargetOutcome
    from ..journal import Journal, TargetResults
    from ..reach import Serve
    from ..registry import Registry
    from ..requirement import Role
    from ..selection import Selection
    from ..target import Target

__all__ = [
    "Chosen",
    "catalogue",
    "choose",
    "command_word",
    "journal_at",
    "left_out",
    "now",
    "output",
    "platform",
    "registry",
    "selection",
    "target_in",
    "tell_github",
    "with_flags",
]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A target to run: how many connections at once, where its command runs, how the command line names it."""

    target: Target
    words: tuple[str, ...]
    jobs: int | None = None
    folder: Path | None = None
    serve: Serve | None = None


def registry() -> Registry:
    """Return the requirement registry; raises Problem."""
    from ..problem import Exit
    from ..registry import RegistryError, load_registry

    try:
        return load_registry()
    except RegistryError as problem:
        raise Problem(str(problem), Exit.SUITE) from None


def catalogue(*, aliases: bool = True) -> tuple[Entry, ...]:
    """Return every case and monitor, their older names left unread unless `aliases`; raises Problem."""
    from ..catalogue import load_catalogue
    from ..problem import Exit

    try:
        return load_catalogue(aliases=aliases)
    except (ImportError, ValueError) as problem:
        raise Problem(f"the catalogue cannot be loaded: {problem}", Exit.SUITE) from None


def journal_at(path: Path) -> Journal:
    """Return the journal at `path`, a file or the folder that a run wrote it into; raises Problem."""
    from ..journal import JournalError, read

    try:
        return read(path / "journal.jsonl" if path.is_dir() else path)
    except JournalError as problem:
        raise Problem(str(problem)) from None
    except OSError as problem:
        raise Problem(f"{path}: cannot be read: {problem.strerror}; name a journal.jsonl that a run wrote") from None


def target_in(journal: Journal, path: Path, name: str | None) -> TargetResults:
    """Return the target called `name` of the journal at `path`, or the only one without a name; raises Problem."""
    from ..problem import meant

    names = [each.target.name for each in journal.targets]
    if not names:
        raise Problem(f"{path}: no target was tested in this run; name another journal")
    if name is None and len(names) > 1:
        few = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        raise Problem(f"{path}: has {len(names)} targets; name one with --target: {few}")
    if name is not None and name not in names:
        raise Problem(f"{path}: has no target {name}{meant(name, names, listed=True)}")
    return journal.targets[0 if name is None else names.index(name)]


def selection(settings: Settings) -> Selection:
    """Return what the selectors among `settings` ask for."""
    from ..catalogue import Profile
    from ..selection import Selection

    return Selection(
        settings.case,
        settings.exclude,
        settings.section,
        settings.level,
        Profile[settings.profile.upper()],
        settings.shard,
    )


def selected(wanted: Selection, entries: Sequence[Entry], role: Role, requirements: Registry) -> tuple[Entry, ...]:
    """Return the cases that `wanted` takes; raises Problem where a selector takes none at all."""
    from ..selection import UnknownPattern

    try:
        return wanted.select(entries, role, requirements)
    except UnknownPattern as problem:
        raise Problem(str(problem)) from None


def output(settings: Settings, stream: TextIO | None = None) -> tuple[Out, Style]:
    """Return where prose goes (stdout by default) and how it looks."""
    chosen = stream or sys.stdout
    return Out(chosen), Style.of(chosen, os.environ, color=settings.color, ascii=settings.ascii)


def choose(names: Sequence[str], flags: Mapping[str, object], configuration: Configuration) -> list[Chosen]:
    """Return the targets that `names` mean, `flags` over what the configuration says of them.

    Without names, all servers that are configured; without a configuration, the embedded reference. Raises Problem.
    """
    from ..reach import REFERENCE

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
    from ..reach import reference_target
    from ..target import TargetError

    try:
        target, serve = reference_target()
    except TargetError as problem:
        raise Problem(str(problem)) from None
    return Chosen(target, (target.name,), serve=serve)


def _one(name: str, configuration: Configuration) -> Chosen:
    from ..reach import REFERENCE
    from ..requirement import Role
    from ..target import Target, TargetError, Url

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


def command_word(words: object) -> str:
    """Return the command line as the journal keeps it."""
    from ..redact import masked_command

    return masked_command(["wsconform", *(words if isinstance(words, list) else [])])


def tell_github(
    outcomes: Sequence[TargetOutcome],
    policy: Policy,
    registry: Registry,
    configuration: Path | None,
    *,
    left: tuple[Path, Path],
    prose: Out,
) -> None:
    """In a step of GitHub Actions, add to the job summary and print annotations; elsewhere do nothing.

    `left` are the journal and the folder that the run left.
    """
    from .. import github
    from ..journal import read

    if github.is_there(os.environ):
        github.summarize([read(left[0])], left[1], os.environ)
        for line in github.annotate(outcomes, policy, registry, configuration):
            prose.line(line)


def platform() -> str:
    """Return the system and the interpreter that the suite runs on."""
    system = os.uname()
    version = ".".join(map(str, sys.version_info[:3]))
    return f"{system.sysname} {system.machine}, {sys.implementation.name} {version}"


def now() -> str:
    """Return the time, to the second, in UTC."""
    import time

    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
