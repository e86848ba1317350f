"""The catalogue: cases and monitors, their ids, what they cite and need, and how they are selected."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ..evidence.result import Verdict
from ..evidence.transcript import Conversation
from ..registry.registry import Registry
from ..registry.requirement import Requirement, Role

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


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
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


Item = Case | Monitor


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


def binding(entry: Item, role: Role, registry: Registry) -> Requirement | None:
    """Return the first requirement that `entry` cites and that binds a target of `role`; None if none does."""
    if isinstance(entry, Case) and role not in entry.subject.roles:
        return None
    return next((registry[id] for id in entry.requirements if role in registry[id].roles), None)
