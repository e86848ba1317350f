"""The catalogue: cases and monitors, their ids, what they cite and need, and how they are selected."""

from __future__ import annotations

import enum
import hashlib
import importlib
import inspect
import itertools
import pkgutil
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import entry_points
from typing import Any, TypeVar

from . import __version__
from .aliases import load_aliases
from .registry import Registry
from .requirement import Level, Requirement, Role
from .result import Verdict
from .transcript import Conversation

ENTRY_POINTS = "wsconform.cases"

CaseFunction = Callable[..., Awaitable[None]]
F = TypeVar("F", bound=Callable[..., Any])


class Need(enum.Enum):
    """What a case cannot do without; where the target lacks it, the case is skipped with this reason."""

    ECHO = "needs-echo"
    TLS = "needs TLS (a wss address)"
    CLEARTEXT = "needs cleartext (a ws address)"


class Subject(enum.Enum):
    """What a case is handed: an open connection, or the opening handshake, a server's or a client's."""

    CONNECTION = "Connection"
    OPENING = "Opening"
    INCOMING = "Incoming"

    @property
    def roles(self) -> frozenset[Role]:
        """The roles of targets that a case with this subject can be put to."""
        return _SUBJECT_ROLES[self]


_SUBJECT_ROLES = {
    Subject.CONNECTION: frozenset({Role.SERVER, Role.CLIENT}),
    Subject.OPENING: frozenset({Role.SERVER}),
    Subject.INCOMING: frozenset({Role.CLIENT}),
}


class Profile(enum.IntEnum):
    """How much is run: `quick` leaves sweeps out, `standard` takes a sample of them, `full` all."""

    QUICK = 0
    STANDARD = 1
    FULL = 2


@dataclass(frozen=True, slots=True)
class Sample:
    """One thing that a monitor saw: `label` says what, `verdict` whether it was right."""

    label: str = ""
    verdict: Verdict = Verdict.PASSED
    entry: int | None = None


MonitorFunction = Callable[[Conversation], Iterator[Sample]]


@dataclass(frozen=True, slots=True)
class Case:
    """One case, or one member of a family: `parameters` are those of `@each`.

    `allow` are seconds that the case may take beyond the usual, `alone` keeps others from running
    beside it, `heavy` marks a volume that is put to the reference and its own mutants only, and left out of `quick`,
    `measures` one that notes how much the target takes, as a Capability, for a probe.
    """

    id: str
    function: CaseFunction
    requirements: tuple[str, ...]
    title: str
    why: str
    subject: Subject
    parameters: Mapping[str, object] = field(default_factory=dict)
    needs: frozenset[Need] = frozenset()
    offer: str | None = None
    alone: bool = False
    heavy: bool = False
    measures: bool = False
    allow: float = 0.0
    profile: Profile = Profile.QUICK
    hint: str = ""
    reading: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """The id without parameters."""
        return self.id.partition("[")[0]


@dataclass(frozen=True, slots=True)
class Monitor:
    """A rule over every conversation of a run: one FAILED sample fails it, no sample leaves it out of reach."""

    id: str
    function: MonitorFunction | type[MonitorFunction]
    requirements: tuple[str, ...]
    title: str
    why: str
    hint: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """The id; a monitor has no parameters."""
        return self.id


Entry = Case | Monitor


def case(
    *requirements: str,
    needs: Iterable[Need] | Need = (),
    offer: str | Callable[..., str] | None = None,
    alone: bool | None = None,
    heavy: bool = False,
    measures: bool = False,
    allow: float = 0.0,
    profile: Profile | Callable[..., Profile] = Profile.QUICK,
    hint: str = "",
    reading: str = "",
    aliases: Sequence[str] = (),
) -> Callable[[F], F]:
    """Make an async function a case that cites `requirements` (ids of the registry), the deciding one first.

    `offer` is put into Sec-WebSocket-Extensions and has to be accepted; `hint` is advice to who fails;
    `reading` names the page in docs/readings that says how a contested sentence is read. Where the members of a
    family differ in `offer` or `profile`, a function of their parameters says which each has. What is heavy is put
    alone unless `alone` is False, and is in no profile below `standard`. What `measures` notes a Capability.
    """
    wanted = frozenset({needs} if isinstance(needs, Need) else needs)
    options = {
        "needs": wanted,
        "offer": offer,
        "alone": heavy if alone is None else alone,
        "heavy": heavy,
        "measures": measures,
        "allow": allow,
        "profile": profile,
        "hint": hint,
        "reading": reading,
        "aliases": tuple(aliases),
    }

    def decorate(function: F) -> F:
        function.__wsconform_case__ = (requirements, options)  # type: ignore[attr-defined]
        return function

    return decorate


def each(**parameters: Iterable[object] | Mapping[str, object]) -> Callable[[F], F]:
    """Make a case a family: one member for each value, or each combination of values.

    A mapping names its values; others name themselves (an `opcode` in hexadecimal, octets as hexadecimal digits).
    """

    def decorate(function: F) -> F:
        function.__wsconform_each__ = {  # type: ignore[attr-defined]
            name: tuple(values.items())
            if isinstance(values, Mapping)
            else tuple((_label(name, value), value) for value in values)
            for name, values in parameters.items()
        }
        return function

    return decorate


def _label(name: str, value: object) -> str:
    if isinstance(value, bytes):
        return value.hex() or "empty"
    if isinstance(value, int) and name == "opcode":
        return f"0x{value:X}"
    return str(value)


def monitor(*requirements: str, hint: str = "", aliases: Sequence[str] = ()) -> Callable[[F], F]:
    """Make a generator of samples over one conversation a monitor that cites `requirements`.

    A class whose instances are such generators is a monitor that remembers: each run has an instance of its own.
    """

    def decorate(function: F) -> F:
        options = {"hint": hint, "aliases": tuple(aliases)}
        function.__wsconform_monitor__ = (requirements, options)  # type: ignore[attr-defined]
        return function

    return decorate


def _told(function: Callable[..., Any]) -> tuple[str, str]:
    lines = (inspect.getdoc(function) or function.__name__.replace("_", " ")).splitlines()
    return lines[0], " ".join(line.strip() for line in lines[1:] if line.strip())


def _cases_of(function: Callable[..., Any], prefix: str) -> Iterator[Case]:
    requirements, options = function.__wsconform_case__  # type: ignore[attr-defined]
    families = getattr(function, "__wsconform_each__", {})
    title, why = _told(function)
    first = next(iter(inspect.signature(function).parameters.values())).annotation
    subject = Subject(first if isinstance(first, str) else first.__name__)
    name = f"{prefix}.{function.__name__}"
    for combination in itertools.product(*families.values()):
        label = "-".join(key for key, _ in combination)
        parameters = dict(zip(families, (value for _, value in combination), strict=True))
        own = {key: value(**parameters) if callable(value) else value for key, value in options.items()}
        if own["heavy"]:
            own["profile"] = max(own["profile"], Profile.STANDARD)
        yield Case(
            id=f"{name}[{label}]" if combination else name,
            function=function,
            requirements=requirements,
            title=title,
            why=why,
            subject=subject,
            parameters=parameters,
            **own,
        )


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def collect(package: str) -> Iterator[Entry]:
    """Return the cases and monitors of every module below `package`, in the order in which they are written."""
    root = importlib.import_module(package)
    names = [info.name for info in pkgutil.walk_packages(root.__path__, f"{package}.")]
    for name in sorted(names):
        module = importlib.import_module(name)
        prefix = name.removeprefix(f"{package}.")
        for function in vars(module).values():
            if getattr(function, "__module__", None) != name:
                continue
            if hasattr(function, "__wsconform_case__"):
                yield from _cases_of(function, prefix)
            elif hasattr(function, "__wsconform_monitor__"):
                requirements, options = function.__wsconform_monitor__
                title, why = _told(function)
                yield Monitor(f"{prefix}.{_snake(function.__name__)}", function, requirements, title, why, **options)


def load_catalogue(*, aliases: bool = True) -> tuple[Entry, ...]:
    """Return all cases and monitors of the packages that entry points of group `wsconform.cases` name.

    The names that tables beside them give are left unread unless `aliases`. Raises ValueError where two
    have one id, or a table names a case that is none.
    """
    packages = [point.value for point in sorted(entry_points(group=ENTRY_POINTS))]
    entries = [entry for package in packages for entry in collect(package)]
    ids = [entry.id for entry in entries]
    if len(set(ids)) != len(ids):
        twice = next(id for id in ids if ids.count(id) > 1)
        raise ValueError(f"the catalogue has two cases called {twice}")
    return with_aliases(entries, packages) if aliases else tuple(entries)


def with_aliases(entries: Iterable[Entry], packages: Iterable[str]) -> tuple[Entry, ...]:
    """Return `entries` with the aliases that the tables of `packages` give them.

    Raises ValueError where a table names a case that is none of them.
    """
    older = {id: names for package in packages for id, names in load_aliases(package).items()}
    found = tuple(
        replace(entry, aliases=(*entry.aliases, *older.pop(entry.id))) if entry.id in older else entry
        for entry in entries
    )
    if older:
        id, names = next(iter(older.items()))
        raise ValueError(f"{names[0]} is said to be {id}, and there is no such case")
    return found


def catalogue_version(entries: Iterable[Entry]) -> str:
    """Return a digest of the suite's version and of all ids and citations, which tells catalogues apart in journals."""
    text = "\n".join((__version__, *(f"{entry.id} {' '.join(entry.requirements)}" for entry in entries)))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def families_citing(entries: Iterable[Entry]) -> dict[str, list[str]]:
    """Return the families of `entries` that cite each requirement, by the requirement's id."""
    cited: dict[str, dict[str, None]] = {}
    for entry in entries:
        for id in entry.requirements:
            cited.setdefault(id, {})[entry.family] = None
    return {id: list(families) for id, families in cited.items()}


def binding(entry: Entry, role: Role, registry: Registry) -> Requirement | None:
    """Return the first requirement that `entry` cites and that binds a target of `role`; None if none does."""
    if isinstance(entry, Case) and role not in entry.subject.roles:
        return None
    return next((registry[id] for id in entry.requirements if role in registry[id].roles), None)


def level_of(entry: Entry, role: Role, registry: Registry) -> Level:
    """Return the level at which `entry` binds a target of `role`; ValueError if it does not bind it."""
    needed = binding(entry, role, registry)
    if needed is None:
        raise ValueError(f"{entry.id} does not bind a {role.value}")
    return needed.level
