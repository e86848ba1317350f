"""What a case works with: the target's facts, the limits, the transcript, and the three ways to end early."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import NoReturn

import trio

from ..evidence.result import Direction, EntryKind, Reason
from ..evidence.transcript import Conversation, Transcript
from ..registry.requirement import Role
from ..transport.stream import Dialer, Reset, Stream, TlsFailed, Unreachable


class Violation(Exception):
    """The target did otherwise than the requirement asks; raised by `expect_*` alone."""

    def __init__(self, expected: str, observed: str, entry: int | None = None) -> None:
        super().__init__(f"expected {expected}; observed {observed}")
        self.expected, self.observed, self.entry = expected, observed, entry


class Unreached(Exception):
    """The case did not get as far as its requirement, or cannot."""

    def __init__(self, reason: Reason, text: str, entry: int | None = None) -> None:
        super().__init__(text)
        self.reason, self.text, self.entry = reason, text, entry


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a case waits (seconds) and how much it reads (octets, over all its connections).

    `patience` is the longest silence, and the time in which a connection has to fail or close;
    `prompt` is what the registry's rules call "at once".
    """

    patience: float = 5.0
    prompt: float = 1.0
    octets: int = 1 << 28
    messages: int = 100_000


@dataclass(frozen=True, slots=True)
class Facts:
    """What the probe found out. `chatter` are messages that come unasked; `chatty`: others come too, at any time.

    `text_only` says whether the target closes with 1003 over a binary message; None: nobody has asked it.
    """

    echo: bool = True
    chatter: frozenset[bytes] = frozenset()
    chatty: bool = False
    round_trip: float = 0.001
    offers: tuple[str, ...] = ()
    tls: bool = False
    text_only: bool | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """Where and how the target is asked: `host` as the Host field says it, `target` the request-target."""

    host: str = "localhost"
    target: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    subprotocol: str | None = None
    scheme: str = "ws"

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """The fields that every request to this target carries beside the five of the handshake."""
        wanted = (("Sec-WebSocket-Protocol", self.subprotocol),) if self.subprotocol else ()
        return (*wanted, *self.headers)


@dataclass(slots=True)
class Session:
    """One attempt at one case: what it may use, and what it leaves behind."""

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
    octets_read: int = 0
    lost: bool = False
    waited_out: bool = False
    #: What ends each open connection in good order, for a run that asks for that (see `Connection.take_leave`).
    farewells: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    @property
    def our_role(self) -> Role:
        """The role that we play."""
        return self.role.other

    def deadline(self, seconds: float | None = None) -> float:
        """Return the time, on the run's clock, at which `seconds` (the patience by default) are over."""
        return trio.current_time() + (self.limits.patience if seconds is None else seconds)

    def note(self, key: str, value: object) -> None:
        """Write down something worth knowing that decides nothing."""
        self.notes.append((key, str(value)))

    def depart(self, reason: str) -> None:
        """Say that the target kept the rule in a way that the RFC permits and does not favour."""
        self.departures.append(reason)

    def choose(self, what: str) -> None:
        """Write down which way the target went where the RFC leaves the choice: the verdict is INFORMATIONAL."""
        self.choices.append(what)

    def fail(self, expected: str, observed: str, entry: int | None = None) -> NoReturn:
        """Raise the Violation that fails the case; `entry` decided, the last one by default."""
        raise Violation(expected, observed, self.transcript.last if entry is None else entry)

    @contextlib.contextmanager
    def arranging(self, what: str) -> Iterator[None]:
        """Mark steps that only lead up to the requirement: what fails inside makes the case inconclusive."""
        try:
            yield
        except Violation as violation:
            raise Unreached(Reason.ARRANGING, f"{what}: {violation.observed}", violation.entry) from None

    def event(
        self, summary: str, connection: int = 1, octets: bytes = b"", *, kind: EntryKind = EntryKind.EVENT
    ) -> int:
        """Record something that is neither side's octets; return the entry's number."""
        return self.transcript.add(Direction.EVENT, kind, summary, octets, connection)

    async def connect(self, **options: object) -> tuple[Stream, Conversation]:
        """Open a stream to the target; `options` go to the dialer (`tls`, `server_name`).

        Raises Unreached, reason LOST, where nothing listens any more, and TlsFailed if there were `options`.
        """
        conversation = Conversation(number=len(self.conversations) + 1, case=self.case, role=self.role)
        try:
            with trio.fail_after(self.limits.patience * 2):
                stream = await self.dial(**options)
        except Unreachable as problem:
            if options and isinstance(problem, TlsFailed):
                raise
            self.lost = True
            raise Unreached(Reason.LOST, f"the target takes no connection any more: {problem}") from None
        except trio.TooSlowError:
            self.lost = True
            what = "TCP, or TLS on it, was not set up in time"
            raise Unreached(Reason.LOST, f"the target takes no connection any more: {what}") from None
        self.conversations.append(conversation)
        conversation.tls = stream.tls
        self.streams.append(stream)
        return stream, conversation

    def count(self, octets: int) -> None:
        """Count octets that came; raises Unreached, reason ARRANGING, past the cap."""
        self.octets_read += octets
        if self.octets_read > self.limits.octets:
            raise Unreached(
                Reason.ARRANGING,
                f"the target sent more than {self.limits.octets} octets; reading stopped there",
            )

    async def aclose(self) -> None:
        """Close every stream that the case left open."""
        with trio.CancelScope(shield=True):
            for stream in self.streams:
                with contextlib.suppress(Reset, OSError):
                    await stream.aclose()


class CaseSubject:
    """What everything that a case is handed has in common: how a case notes, departs, and fails."""

    session: Session

    def note(self, key: str, value: object) -> None:
        """Write down something worth knowing that decides nothing."""
        self.session.note(key, value)

    def depart(self, reason: str) -> None:
        """Say that the target kept the rule in a way that the RFC permits and does not favour."""
        self.session.depart(reason)

    def depart_if(self, condition: bool, reason: str) -> None:
        """`depart` where `condition` holds; keeps branches out of cases."""
        if condition:
            self.session.depart(reason)

    def choose(self, what: object) -> None:
        """Write down which way the target went where the RFC leaves the choice: the verdict is INFORMATIONAL."""
        self.session.choose(str(what))

    def expect(self, condition: bool, expected: str, observed: str, entry: int | None = None) -> None:
        """Fail the case unless `condition` holds; `entry` decided, the last one by default."""
        if not condition:
            self.session.fail(expected, observed, entry)

    def arranging(self, what: str) -> AbstractContextManager[None]:
        """Mark steps that only lead up to the requirement: what fails inside makes the case inconclusive."""
        return self.session.arranging(what)
