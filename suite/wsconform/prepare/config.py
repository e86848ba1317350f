"""The configuration: wsconform.toml or [tool.wsconform] in pyproject.toml, in this folder or one above it.

An option on the command line overrides an environment variable WSCONFORM_*, which overrides the file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..problem import Problem, meant
from ..registry.requirement import Role
from . import values
from .values import Kind

if TYPE_CHECKING:
    from ..run.target import Target

__all__ = ["Configuration", "Settings", "TargetTable", "find", "load", "settle"]

FILE = "wsconform.toml"
_PREFIX = "WSCONFORM_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a run, from options, environment and file. `patience` and `budget` are in seconds."""

    case: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    section: tuple[str, ...] = ()
    level: tuple[str, ...] = ()
    profile: str = "standard"
    jobs: int | None = None
    patience: float = 5.0
    debugger: bool = False
    budget: float | None = None
    retries: int = 0
    max_failures: int | None = None
    shard: tuple[int, int] | None = None
    seed: int = 6455
    fail_on: str = "must"
    expected: Path | None = None
    allow: tuple[str, ...] = ()
    out: Path = Path("wsconform-out")
    reports: tuple[str, ...] = ()
    whole: bool = False
    color: str = "auto"
    ascii: bool = False


#: The kind of each key of the file. An environment variable is the key in capitals, with "_" for "-", after WSCONFORM_.
KINDS: Mapping[str, Kind] = {
    "case": values.TEXTS,
    "exclude": values.TEXTS,
    "section": values.TEXTS,
    "level": values.Texts(("must", "should", "may")),
    "profile": values.Choice(("quick", "standard", "full")),
    "jobs": values.Count(1),
    "patience": values.DURATION,
    "debugger": values.FLAG,
    "budget": values.DURATION,
    "retries": values.Count(0),
    "max-failures": values.Count(1),
    "shard": values.SHARD,
    "seed": values.Count(0),
    "fail-on": values.Choice(("must", "should", "never")),
    "expected": values.PATH,
    "allow": values.Texts(("stale", "flaky", "inconclusive")),
    "out": values.PATH,
    "reports": values.TEXTS,
    "whole": values.FLAG,
    "color": values.Choice(("auto", "always", "never")),
    "ascii": values.FLAG,
}

TARGET_KINDS: Mapping[str, Kind] = {
    "role": values.Choice(("server", "client")),
    "url": values.TEXT,
    "start": values.COMMAND,
    "ready-within": values.DURATION,
    "app": values.Choice(("echo", "none")),
    "headers": values.FIELDS,
    "subprotocol": values.TEXT,
    "cacert": values.PATH,
    "insecure": values.FLAG,
    "jobs": values.Count(1),
    "info": values.TABLE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetTable:
    """A target as the file declares it: its keys are checked, and `${NAME}` is not replaced yet.

    `where` is the place of the table in messages; `ready_within` is in seconds.
    """

    name: str
    where: str
    folder: Path
    role: str = "server"
    url: str = ""
    start: tuple[str, ...] = ()
    ready_within: float = 10.0
    app: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    subprotocol: str | None = None
    cacert: Path | None = None
    insecure: bool = False
    jobs: int | None = None
    info: tuple[tuple[str, str], ...] = ()

    def target(self, environment: Mapping[str, str]) -> Target:
        """Return the target to test, with `${NAME}` replaced from `environment`; raises Problem."""
        # Commands that only read journals use the configuration, too; they start faster without trio.
        from ..run.target import Target, TargetError, Url  # noqa: PLC0415

        try:
            url = Url.parse(self.url)
        except TargetError as problem:
            raise Problem(f"{self.where}.url: {problem}") from None
        headers = [
            (name, values.filled(value, environment, f"{self.where}.headers.{name}")) for name, value in self.headers
        ]
        for name, value in headers:
            if reason := values.field_problem(name, value):
                raise Problem(f"{self.where}.headers.{name}: {reason}")
        return Target(
            name=self.name,
            url=url,
            role=Role(self.role),
            app=self.app,
            headers=tuple(headers),
            subprotocol=self.subprotocol,
            cacert=str(self.cacert) if self.cacert else None,
            insecure=self.insecure,
            start=tuple(values.filled(word, environment, f"{self.where}.start") for word in self.start),
            ready_within=self.ready_within,
            info=dict(self.info),
        )


@dataclass(frozen=True, slots=True)
class Configuration:
    """A parsed configuration file; `settings` are values by key. Without a file, `path` is None."""

    path: Path | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    targets: Mapping[str, TargetTable] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the file in messages."""
        return self.path.name if self.path else FILE

    def table(self, name: str) -> TargetTable:
        """Return the table of the target called `name`; raises Problem, with a suggestion, for an unknown name."""
        if name in self.targets:
            return self.targets[name]
        if ":" in name or "/" in name:
            raise Problem(f"{name}: there is no target of this name; for an address write ws://{name.lstrip('/')}")
        if self.path is None:
            raise Problem(
                f"{name}: there is no target of this name and no {FILE}; name an address such as ws://HOST:PORT/"
            )
        near = meant(name, self.targets, listed=True, otherwise=f"; add [targets.{name}]")
        raise Problem(f'{self.name}: there is no target "{name}"{near}')


def find(folder: Path) -> tuple[Path, Mapping[str, object]] | None:
    """Return the path and the table of the nearest configuration in `folder` or above it, or None."""
    for place in (folder, *folder.parents):
        own, shared = place / FILE, place / "pyproject.toml"
        if own.is_file():
            return own, _parsed(own, own.read_bytes())
        if shared.is_file() and b"wsconform" in (octets := shared.read_bytes()):
            tool = _parsed(shared, octets).get("tool")
            if isinstance(tool, dict) and isinstance(table := tool.get("wsconform"), dict):
                return shared, table
    return None


def _parsed(path: Path, octets: bytes) -> Mapping[str, object]:
    try:
        return tomllib.loads(octets.decode())
    except ValueError as problem:
        raise Problem(f"{path}: is not TOML: {problem}") from None
    except RecursionError:
        raise Problem(f"{path}: cannot be read: its TOML is nested too deeply") from None


def load(folder: Path | None = None, *, file: Path | None = None) -> Configuration:
    """Read `file`, or else the configuration for `folder` (default: the current folder); raises Problem."""
    try:
        found = find((folder or Path.cwd()).absolute()) if file is None else _named(file.absolute())
    except OSError as problem:
        raise Problem(f"{problem.filename}: cannot be read: {problem.strerror}") from None
    return Configuration() if found is None else _configuration(*found)


def _named(file: Path) -> tuple[Path, Mapping[str, object]]:
    table = _parsed(file, file.read_bytes())
    if file.name != "pyproject.toml":
        return file, table
    tool = table.get("tool")
    own = tool.get("wsconform") if isinstance(tool, dict) else None
    if not isinstance(own, dict):
        raise Problem(f"{file}: there is no table [tool.wsconform]; add it, or name another file")
    return file, own


def _configuration(path: Path, table: Mapping[str, object]) -> Configuration:
    prefix = f"{path.name}: " + ("tool.wsconform." if path.name == "pyproject.toml" else "")
    settings = _read(KINDS, {k: v for k, v in table.items() if k != "targets"}, prefix, path.parent, ("targets",))
    targets = table.get("targets", {})
    if not isinstance(targets, dict):
        raise Problem(f"{prefix}targets: must be tables; write [targets.NAME] above each")
    return Configuration(path, settings, {n: _target(n, t, prefix, path.parent) for n, t in targets.items()})


def _target(name: str, table: object, prefix: str, folder: Path) -> TargetTable:
    where = f"{prefix}targets.{name}"
    if not name.strip() or not name.isprintable() or "://" in name:
        raise Problem(f"{prefix}targets.{name!a}: is not a name; use letters, digits and hyphens")
    if not isinstance(table, dict):
        raise Problem(f"{where}: must be a table; write [targets.{name}] above its keys")
    read = _read(TARGET_KINDS, table, f"{where}.", folder)
    parsed = TargetTable(name=name, where=where, folder=folder)
    parsed = replace(parsed, **_fields(read))  # type: ignore[arg-type]  # each was parsed by its kind
    if parsed.role == "server" and not parsed.url:
        raise Problem(f'{where}: url is missing; add url = "ws://HOST:PORT/"')
    return parsed


def _read(
    kinds: Mapping[str, Kind], table: Mapping[str, object], prefix: str, folder: Path, others: Iterable[str] = ()
) -> dict[str, object]:
    read = dict[str, object]()
    for key, value in table.items():
        if key not in kinds:
            raise Problem(f"{prefix}{key}: unknown key{meant(key, (*kinds, *others), listed=True)}")
        try:
            parsed = kinds[key].value(value)
        except ValueError as problem:
            raise Problem(f"{prefix}{key}: {problem}") from None
        read[key] = folder / parsed if isinstance(parsed, Path) else parsed
    return read


def _fields(read: Mapping[str, object]) -> dict[str, object]:
    return {key.replace("-", "_"): value for key, value in read.items()}


def settle(flags: Mapping[str, object], environment: Mapping[str, str], configuration: Configuration) -> Settings:
    """Return the settings: `flags` (unless None or ()) over `environment` over the file; raises Problem."""
    given = {name: value for name, value in flags.items() if value is not None and value != ()}
    known = {each.name for each in fields(Settings)}
    merged = {
        **_fields(configuration.settings),
        **_fields(_from_environment(environment)),
        **{name: value for name, value in given.items() if name in known},
    }
    return replace(Settings(), **merged)  # type: ignore[arg-type]  # each was parsed by its kind


def _from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    variables = {_PREFIX + key.upper().replace("-", "_"): key for key in KINDS}
    read = dict[str, object]()
    for variable in (name for name in environment if name.startswith(_PREFIX)):
        if variable not in variables:
            # Other programs may use this prefix; only a name that is close to a setting is a mistake.
            names = (name.removeprefix(_PREFIX) for name in variables)
            if near := meant(variable.removeprefix(_PREFIX), names):
                prefixed = near.replace('"', f'"{_PREFIX}', 1)
                raise Problem(f"{variable}: unknown setting in the environment{prefixed}")
            continue
        key, text = variables[variable], environment[variable]
        if not text:
            continue
        try:
            read[key] = KINDS[key].text(text)
        except ValueError as problem:
            raise Problem(f"{variable}: {problem}") from None
    return read
