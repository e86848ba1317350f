"""Cases and monitors: their ids, citations, needs and parameters, and the decorators that declare them."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ..endpoint.session import CaseSubject
from ..evidence.result import Verdict
from ..evidence.transcript import Conversation
from ..registry.registry import Registry
from ..registry.requirement import Requirement, Role

CaseFunction = Callable[..., Awaitable[None]]
F = TypeVar("F", bound=Callable[..., Any])


class Need(enum.Enum):
    """A feature of the target without which a case is skipped."""

    ECHO = "needs-echo"
    TLS = "needs TLS (a wss address)"
    CLEARTEXT = "needs cleartext (a ws address)"


class Profile(enum.IntEnum):
    """How many variations run: with `quick` one of each family, with `standard` a sample, with `full` all."""

    QUICK = 0
    STANDARD = 1
    FULL = 2


@dataclass(frozen=True, slots=True)
class Sample:
    """One observation of a monitor: `label` names it, `verdict` judges it, `entry` is its transcript entry."""

    label: str = ""
    verdict: Verdict = Verdict.PASSED
    entry: int | None = None


MonitorFunction = Callable[[Conversation], Iterator[Sample]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case, or one member of a family; `parameters` are those of `@each`.

    `allow` is the time in seconds that the case may take beyond the usual limit. `alone` keeps other cases from running
    at the same time. `heavy` marks a case with a large volume: it is not in the profile `quick`, and the proof runs it
    only against the reference and its own mutants. `measures` marks a case that notes a Capability, for `probe`.
    """

    id: str
    function: CaseFunction
    requirements: tuple[str, ...]
    title: str
    why: str
    subject: type[CaseSubject]
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
    """A rule about every conversation of a run. One FAILED sample fails it; without any sample it is skipped."""

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

    `offer` is sent in Sec-WebSocket-Extensions, and the target has to accept it. `hint` is advice for implementers
    whose endpoint fails. `reading` is the page in docs/readings with the interpretation of a contested sentence. If the
    members of a family differ in `offer` or `profile`, pass a function of their parameters. A `heavy` case runs alone
    unless `alone` is False, and only in the profiles `standard` and `full`. For the others, see `Case`.
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

    The keys of a mapping name its values in the id. Other values are shown as text: an `opcode` in hexadecimal, octets
    as hexadecimal digits.
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

    A class whose instances are such generators is a monitor with a state: each run has its own instance.
    """

    def decorate(function: F) -> F:
        options = {"hint": hint, "aliases": tuple(aliases)}
        function.__wsconform_monitor__ = (requirements, options)  # type: ignore[attr-defined]
        return function

    return decorate


def binding(entry: Item, role: Role, registry: Registry) -> Requirement | None:
    """Return the first requirement cited by `entry` that binds a target of `role`, or None."""
    if isinstance(entry, Case) and role not in entry.subject.roles:
        return None
    return next((registry[id] for id in entry.requirements if role in registry[id].roles), None)
