"""Configuration: wsconform.toml or [tool.wsconform], found upwards; flags over WSCONFORM_* over the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..problem import Problem, meant
from . import values
from .values import Kind

if TYPE_CHECKING:
    from ..run.target import Target

__all__ = ["Configuration", "Settings", "TargetTable", "find", "load", "settle"]

FILE = "wsconform.toml"
_PREFIX = "WSCONFORM_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a run can be told, wherever it was said. `patience` and `budget` are seconds."""

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


#: How each setting is written in the file; the environment says the same in capitals, with WSCONFORM_ before it.
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
    """A target as the file declares it, its keys checked, `${NAME}` not yet filled in."""

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
        """Return the target to run, `${NAME}` filled in from `environment`; raises Problem."""
        from ..registry.requirement import Role
        from ..run.target import Target, TargetError, Url

        try:
            url = Url.parse(self.url)
        except TargetError as problem:
            raise Problem(f"{self.where}.url: {problem}") from None
        headers = [
            (name, values.filled(value, environment, f"{self.where}.headers.{name}")) for name, value in self.headers
        ]
        for name, value in headers:
            if trouble := values.field_trouble(name, value):
                raise Problem(f"{self.where}.headers.{name}: {trouble}")
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
    """What was found: `path` is None where there is no file; `settings` are parsed values by their key."""

    path: Path | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    targets: Mapping[str, TargetTable] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the file is called in messages."""
        return self.path.name if self.path else FILE

    def table(self, name: str) -> TargetTable:
        """Return the target called `name`; raises Problem with what was meant."""
        if name in self.targets:
            return self.targets[name]
        if ":" in name or "/" in name:
            raise Problem(f"{name}: no target of this name; for an address write ws://{name.lstrip('/')}")
        if self.path is None:
            raise Problem(
                f"{name}: no target of this name, there is no {FILE}; name an address such as ws://HOST:PORT/"
            )
        near = meant(name, self.targets, listed=True, otherwise=f"; add [targets.{name}]")
        raise Problem(f'{self.name}: there is no target "{name}"{near}')


def find(folder: Path) -> tuple[Path, Mapping[str, object]] | None:
    """Return the nearest configuration from `folder` upwards, and what it holds; None if there is none."""
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
    import tomllib

    try:
        return tomllib.loads(octets.decode())
    except ValueError as problem:
        raise Problem(f"{path}: not TOML: {problem}") from None
    except RecursionError:
        raise Problem(f"{path}: not TOML that can be read: it is nested too deeply") from None


def load(folder: Path | None = None, *, file: Path | None = None) -> Configuration:
    """Read `file`, or the configuration that holds in `folder` (the current one by default); raises Problem."""
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
        raise Problem(f"{prefix}targets.{name!a}: not a name; take letters, digits and hyphens")
    if not isinstance(table, dict):
        raise Problem(f"{where}: must be a table; write [targets.{name}] above its keys")
    read = _read(TARGET_KINDS, table, f"{where}.", folder)
    made = replace(TargetTable(name=name, where=where, folder=folder), **_fields(read))  # type: ignore[arg-type]  # kinds made them
    if made.role == "server" and not made.url:
        raise Problem(f'{where}: url is missing; add url = "ws://HOST:PORT/"')
    return made


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
    """Return the settings that hold: `flags` (None and () count as not given) over the environment over the file."""
    given = {name: value for name, value in flags.items() if value is not None and value != ()}
    known = {each.name for each in fields(Settings)}
    merged = {
        **_fields(configuration.settings),
        **_fields(_from_environment(environment)),
        **{name: value for name, value in given.items() if name in known},
    }
    return replace(Settings(), **merged)  # type: ignore[arg-type]  # each was made by its kind


def _from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    variables = {_PREFIX + key.upper().replace("-", "_"): key for key in KINDS}
    read = dict[str, object]()
    for variable in (name for name in environment if name.startswith(_PREFIX)):
        if variable not in variables:
            # Others may own variables of this prefix; one that is nearly a setting is a slip.
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
