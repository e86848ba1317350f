"""One attempt at one case, and the verdict on it: nothing else decides."""

from __future__ import annotations

import contextlib
import random
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import trio

from ..catalogue import case as catalogue
from ..catalogue.case import Case, Need, Subject, binding
from ..endpoint.handshake_with_client import Incoming, accept_connection
from ..endpoint.handshake_with_server import Opening, open_connection
from ..endpoint.session import Address, Facts, Limits, Session, Unreached, Violation
from ..evidence.result import Finding, Reason, Result, ResultKind, TranscriptEntry, Verdict
from ..evidence.transcript import Conversation, Transcript
from ..registry.registry import Registry
from ..registry.requirement import Role
from ..transport.stream import Dialer, TlsFailed
from ..wire.close import CloseBody

#: Seconds that a case may take beyond six times the patience, whatever the target does.
HARD = 10.0

#: What a case may end in where the target stops at a message that it takes none of.
_STOPPED = frozenset({Verdict.FAILED, Verdict.INCONCLUSIVE})

Provide = Callable[[Case, Session], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Bench:
    """What all attempts at one target share."""

    role: Role
    dial: Dialer
    address: Address
    facts: Facts
    seed: int = 6455
    whole: bool = False
    #: Whether a case that leaves its connection open ends with a closing handshake, to be seen in its transcript.
    farewell: bool = False


@dataclass(frozen=True, slots=True)
class Attempted:
    """One attempt, judged; `waited_out` says that a limit on a wait was met, `lost` that the target was gone.

    `index` returns where an entry, known by its number, stands in `transcript`; None if it was left out.
    """

    verdict: Verdict
    finding: Finding | None
    reason: Reason | None
    notes: tuple[tuple[str, str], ...]
    micros: int
    transcript: tuple[TranscriptEntry, ...]
    conversations: tuple[Conversation, ...]
    waited_out: bool = False
    lost: bool = False
    index: Callable[[int | None], int | None] = field(default=lambda number: number, compare=False, repr=False)


async def provide(case: Case, session: Session) -> object:
    """Return what `case` is handed: its subject, an open connection dialled or accepted, as the target's role asks."""
    match case.subject:
        case Subject.OPENING:
            return Opening(session)
        case Subject.INCOMING:
            return await Incoming.receive(session)
        case Subject.CONNECTION if session.role is Role.CLIENT:
            return await accept_connection(session, case.offer)
        case Subject.CONNECTION:
            return await open_connection(session, case.offer)


def out_of_reach(case: Case, facts: Facts) -> tuple[Reason, str] | None:
    """Say why `case` cannot be put to a target with `facts`; None if it can."""
    if Need.ECHO in case.needs and not facts.echo:
        return Reason.NEEDS_ECHO, "the target's application does not echo"
    if Need.TLS in case.needs and not facts.tls:
        return Reason.NOT_OFFERED, "the target is not reached over TLS"
    if Need.CLEARTEXT in case.needs and facts.tls:
        return Reason.NOT_OFFERED, "the target is reached over TLS"
    return None


async def attempt(case: Case, bench: Bench, limits: Limits, provide: Provide = provide) -> Attempted:
    """Put `case` once and judge it."""
    transcript = Transcript(trio.current_time, whole=bench.whole)
    # Attempts share their random octets, so that a second attempt repeats the first.
    rng = random.Random(f"{bench.seed}:{case.id}")
    session = Session(case.id, bench.role, bench.dial, transcript, rng, bench.address, bench.facts, limits)
    verdict, finding, reason = Verdict.ERROR, None, None
    try:
        with trio.fail_after(limits.patience * 6 + HARD + case.allow):
            subject = await provide(case, session)
            await case.function(subject, **case.parameters)
        verdict, finding = _met(session)
        if bench.farewell:
            await _take_leave(session)
    except Violation as violation:
        verdict = Verdict.FAILED
        if bench.farewell:
            await _take_leave(session)
        entry = transcript.index(violation.entry)
        finding = Finding(violation.expected, violation.observed, entry)
    except Unreached as unreached:
        reason = unreached.reason
        verdict = Verdict.SKIPPED if reason is Reason.NOT_OFFERED else Verdict.INCONCLUSIVE
        finding = Finding("to reach the requirement", unreached.text, transcript.index(unreached.entry))
    except TlsFailed as failed:
        verdict, reason = Verdict.INCONCLUSIVE, Reason.ARRANGING
        finding = Finding("a TLS connection", str(failed))
    except trio.TooSlowError:
        verdict, reason = Verdict.INCONCLUSIVE, Reason.ARRANGING
        finding = Finding("the case to end", f"not ended after {transcript.micros / 1e6:.0f} s; given up")
    except Exception as error:  # whatever else goes wrong is our own fault, and says nothing about the target
        finding = Finding("the suite to work", broken(error), None)
    finally:
        # Closing may wait for a client's process to end, which is no part of the case.
        micros = transcript.micros
        await session.aclose()
        for conversation in session.conversations:
            conversation.forget_http()
    if verdict in _STOPPED and (declined := _declined(session)) is not None:
        verdict, reason = Verdict.SKIPPED, Reason.NEEDS_ECHO
        text = f"the target takes no binary messages: Close {declined[1]}"
        finding = Finding("to reach the requirement", text, transcript.index(declined[0]))
    return Attempted(
        verdict,
        finding,
        reason,
        tuple(session.notes),
        micros,
        transcript.entries(),
        tuple(session.conversations),
        session.waited_out,
        session.lost,
        transcript.index,
    )


def _declined(session: Session) -> tuple[int, CloseBody] | None:
    """Return the Close of a target that takes text alone: it may, whatever the message was sent for.

    Of one that took the probe's binary message, 1003 is an answer like any other.
    """
    if session.facts.text_only is False:
        return None
    return next((close for each in session.conversations if (close := each.declined_binary)), None)


async def _take_leave(session: Session) -> None:
    # What happens now is seen by reports; the verdict stands.
    for farewell in session.farewells:
        with contextlib.suppress(Unreached, Violation), trio.move_on_after(session.limits.prompt * 2):
            await farewell()


def _met(session: Session) -> tuple[Verdict, Finding | None]:
    if session.departures:
        return Verdict.DEPARTED, Finding("what the RFC favours", "; ".join(session.departures))
    if session.choices:
        return Verdict.INFORMATIONAL, Finding("either way", "; ".join(session.choices))
    return Verdict.PASSED, None


def broken(error: Exception) -> str:
    """Say what went wrong in the suite itself, and where."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({frame.filename.rpartition('/')[2]}:{frame.lineno})"


def result_of(entry: catalogue.Item, attempted: Attempted, role: Role, registry: Registry) -> Result:
    """Return `attempted` as the result of `entry`, a case or monitor that binds a target of `role`."""
    needed = binding(entry, role, registry)
    assert needed is not None
    return Result(
        case=entry.id,
        title=entry.title,
        role=role,
        requirement=needed.id,
        level=needed.level,
        verdict=attempted.verdict,
        finding=attempted.finding,
        reason=attempted.reason,
        notes=attempted.notes,
        cites=entry.requirements,
        micros=attempted.micros,
        transcript=attempted.transcript,
        hint=entry.hint,
        reading=entry.reading if isinstance(entry, Case) else "",
        kind=ResultKind.CASE if isinstance(entry, Case) else ResultKind.MONITOR,
        extra={"why": entry.why} if entry.why else {},
    )
