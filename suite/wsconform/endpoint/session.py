"""One attempt at one case: the facts about the target, the limits, the transcript, and the exceptions of a case."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import ClassVar, NoReturn, Protocol

import trio

from ..evidence.result import Direction, EntryKind, Reason
from ..evidence.transcript import Conversation, Transcript
from ..registry.requirement import Role
from ..transport.stream import Dialer, Reset, Stream, TlsFailed, Unreachable


class Violation(Exception):
    """The target does not satisfy the requirement; raised by `expect_*` alone."""

    def __init__(self, expected: str, observed: str, entry: int | None = None) -> None:
        super().__init__(f"expected {expected}; observed {observed}")
        self.expected, self.observed, self.entry = expected, observed, entry


class Unreached(Exception):
    """The case did not get to its requirement, or cannot.

    If the target ended the connection at a limit of its own, `refusal` is the way in which it did.
    """

    def __init__(self, reason: Reason, text: str, entry: int | None = None, *, refusal: str | None = None) -> None:
        super().__init__(text)
        self.reason, self.text, self.entry, self.refusal = reason, text, entry, refusal


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a case waits (seconds) and how much it reads (octets, over all its connections).

    `patience` is the longest silence, and the time in which a connection has to fail or close;
    `prompt` is the time that the registry's rules call "at once". `messages` is the number of frames of one connection.
    """

    patience: float = 5.0
    prompt: float = 1.0
    octets: int = 1 << 28
    messages: int = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts about the target that the probe found.

    `chatter` are messages that the target sends by itself; `chatty`: it also sends others, at any time.
    `round_trip` is in seconds. `offers` are the extensions that a client offers or a server accepts.
    `text_only`: the target closes with 1003 after a binary message; None if that was not tried.
    """

    echo: bool = True
    chatter: frozenset[bytes] = frozenset()
    chatty: bool = False
    round_trip: float = 0.001
    offers: tuple[str, ...] = ()
    tls: bool = False
    text_only: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """The parts of a request to the target: `host` is the value of the Host field, `target` the request-target."""

    host: str = "localhost"
    target: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    subprotocol: str | None = None
    scheme: str = "ws"

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """The fields that every request to this target has besides the five of the handshake."""
        wanted = (("Sec-WebSocket-Protocol", self.subprotocol),) if self.subprotocol else ()
        return (*wanted, *self.headers)


@dataclass(slots=True, kw_only=True)
class Session:
    """One attempt at one case: the means that the case may use, and everything that it records.

    `role` is the role of the target under test. The role that we play belongs to each connection: `Connection.role`.
    """

    case: str
    role: Role
    dial: Dialer
    transcript: Transcript
    random: random.Random
    address: Address = Address()
    facts: Facts = Facts()
    limits: Limits = Limits()
    conversations: list[Conversation] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    departures: list[str] = field(default_factory=list)
    choices: list[str] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    closers: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    octets_read: int = 0
    lost: bool = False
    waited_out: bool = False
    #: One function for each connection: a closing handshake, if the connection is still open. Called only by runs with
    #: the option for it (see `Connection.close_if_open`).
    farewells: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    def deadline(self, seconds: float | None = None) -> float:
        """Return the time, on the run's clock, that is `seconds` (the patience by default) from now."""
        return trio.current_time() + (self.limits.patience if seconds is None else seconds)

    def note(self, key: str, value: object) -> None:
        """Record a fact that has no influence on the verdict."""
        self.notes.append((key, str(value)))

    def depart(self, reason: str) -> None:
        """Record that the target followed the rule in a way that the RFC permits but discourages: DEPARTED."""
        self.departures.append(reason)

    def choose(self, what: str) -> None:
        """Record which of several permitted ways the target chose: the verdict is INFORMATIONAL."""
        self.choices.append(what)

    def fail(self, expected: str, observed: str, entry: int | None = None) -> NoReturn:
        """Raise the Violation that fails the case; `entry` decided, by default the last entry."""
        raise Violation(expected, observed, self.transcript.last if entry is None else entry)

    @contextlib.contextmanager
    def arranging(self, what: str) -> Iterator[None]:
        """Mark steps that only lead up to the requirement: a Violation inside becomes Unreached."""
        try:
            yield
        except Violation as violation:
            raise Unreached(Reason.ARRANGING, f"{what}: {violation.observed}", violation.entry) from None

    def event(
        self, summary: str, connection: int = 1, octets: bytes = b"", *, kind: EntryKind = EntryKind.EVENT
    ) -> int:
        """Record an event that is not octets of either end; return the entry's number.

        `kind` is "fin" or "rst" if we end our direction of the stream, or the stream.
        """
        return self.transcript.add(Direction.EVENT, kind, summary, octets, connection)

    async def connect(
        self,
        target_role: Role | None = None,
        *,
        tls: bool = True,
        server_name: str | None = None,
        verify: bool = True,
    ) -> tuple[Stream, Conversation]:
        """Open a stream to the target, which plays `target_role` on it (by default its role in this session).

        The options are those of `Dialer`. Raises Unreached, reason LOST, if nothing accepts the connection, and
        TlsFailed if the TLS handshake fails with an option other than its default.
        """
        conversation = Conversation(number=len(self.conversations) + 1, case=self.case, role=target_role or self.role)
        special = not tls or server_name is not None or not verify
        try:
            with trio.fail_after(self.limits.patience * 2):
                stream = await self.dial(tls=tls, server_name=server_name, verify=verify)
        except Unreachable as problem:
            if special and isinstance(problem, TlsFailed):
                raise
            self.lost = True
            raise Unreached(Reason.LOST, f"the target no longer accepts connections: {problem}") from None
        except trio.TooSlowError:
            self.lost = True
            problem_text = "TCP, or TLS on it, was not set up in time"
            raise Unreached(Reason.LOST, f"the target no longer accepts connections: {problem_text}") from None
        self.conversations.append(conversation)
        conversation.tls = stream.tls
        self.streams.append(stream)
        return stream, conversation

    def count(self, octets: int) -> None:
        """Count received octets; raises Unreached, reason ARRANGING, above the limit."""
        self.octets_read += octets
        if self.octets_read > self.limits.octets:
            raise Unreached(
                Reason.ARRANGING,
                f"the target sent more than {self.limits.octets} octets; reading stopped there",
            )

    def on_close(self, closer: Callable[[], Awaitable[None]]) -> None:
        """Have `aclose` call `closer` before it closes the streams."""
        self.closers.append(closer)

    async def aclose(self) -> None:
        """Call the functions given to `on_close`, then close every stream that the case left open."""
        with trio.CancelScope(shield=True):
            for close in (*self.closers, *(stream.aclose for stream in self.streams)):
                with contextlib.suppress(Reset, OSError):
                    await close()


class ProvidedCase(Protocol):
    """The properties of a case that a subject may look at when it provides itself."""

    @property
    def id(self) -> str:
        """The case's id."""

    @property
    def offer(self) -> str | None:
        """The Sec-WebSocket-Extensions value that the case needs the target to accept, if any."""


class CaseSubject:
    """Base class of the objects that cases work with: `Connection`, `Opening`, `Incoming`.

    The annotation of a case's first parameter names its subject's class; the run calls the class's `provide` before
    the case starts. A package of cases can add a subject: a subclass with `roles` and `provide`.
    """

    #: The roles of the targets that cases with this subject can be run against.
    roles: ClassVar[frozenset[Role]]

    session: Session

    @classmethod
    async def provide(cls, session: Session, case: ProvidedCase) -> CaseSubject:
        """Return the subject of `case` in `session`; raises Unreached if the target does not get that far."""
        raise NotImplementedError(f"{cls.__name__} does not say how it is provided")

    def note(self, key: str, value: object) -> None:
        """Record a fact that has no influence on the verdict."""
        self.session.note(key, value)

    def depart(self, reason: str) -> None:
        """Record that the target followed the rule in a way that the RFC permits but discourages: DEPARTED."""
        self.session.depart(reason)

    def depart_if(self, condition: bool, reason: str) -> None:
        """Call `depart` if `condition` holds; keeps branches out of cases."""
        if condition:
            self.session.depart(reason)

    def choose(self, what: object) -> None:
        """Record which of several permitted ways the target chose: the verdict is INFORMATIONAL."""
        self.session.choose(str(what))

    def expect(self, condition: bool, expected: str, observed: str, entry: int | None = None) -> None:
        """Fail the case unless `condition` holds; `entry` decided, by default the last entry."""
        if not condition:
            self.session.fail(expected, observed, entry)

    def arranging(self, what: str) -> AbstractContextManager[None]:
        """Mark steps that only lead up to the requirement: a failure inside makes the case inconclusive."""
        return self.session.arranging(what)
