"""One attempt at one case, and its verdict. Nothing else decides.

A `Violation` (raised by `expect_*` methods alone) is FAILED, an `Unreached` is INCONCLUSIVE or SKIPPED, a normal return
is PASSED, DEPARTED or INFORMATIONAL; any other exception is an ERROR of the suite.
"""

from __future__ import annotations

import contextlib
import random
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import trio

from ..catalogue.case import Case, Item, Need, binding
from ..endpoint.session import Address, Facts, Limits, Session, Unreached, Violation
from ..evidence.result import Finding, Reason, Result, ResultKind, TranscriptEntry, Verdict
from ..evidence.transcript import Conversation, Transcript, position
from ..registry.registry import Registry
from ..registry.requirement import Role
from ..transport.stream import Dialer, TlsFailed
from ..wire.close import CloseBody
from .options import RunOptions

#: Seconds that a case may take beyond six times the patience, whatever the target does.
HARD_DEADLINE = 10.0

#: The verdicts that a text-only target can cause by rejecting a binary message.
_STOPPED = frozenset({Verdict.FAILED, Verdict.INCONCLUSIVE})

Provide = Callable[[Case, Session], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Everything that all attempts at one target share."""

    role: Role
    dial: Dialer
    address: Address
    facts: Facts
    options: RunOptions = field(default_factory=RunOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """One judged attempt.

    `waited_out`: it reached the limit of a wait. `lost`: the target accepted no connection any more. `omitted`: the
    numbers of the entries that `transcript` lacks (see `Transcript.omitted`).
    """

    verdict: Verdict
    finding: Finding | None = None
    reason: Reason | None = None
    notes: tuple[tuple[str, str], ...] = ()
    micros: int = 0
    transcript: tuple[TranscriptEntry, ...] = ()
    conversations: tuple[Conversation, ...] = ()
    waited_out: bool = False
    lost: bool = False
    omitted: range = range(0)

    def position(self, number: int | None) -> int | None:
        """Return the position in `transcript` of the entry with `number`; None if it was not kept."""
        return position(number, self.omitted)


async def provide(case: Case, session: Session) -> object:
    """Return the subject of `case`, provided by its own class."""
    return await case.subject.provide(session, case)


def skip_reason(case: Case, facts: Facts) -> tuple[Reason, str] | None:
    """Return why `case` cannot run against a target with `facts`, as a reason and in words; None if it can."""
    if Need.ECHO in case.needs and not facts.echo:
        return Reason.NEEDS_ECHO, "the target's application does not echo"
    if Need.TLS in case.needs and not facts.tls:
        return Reason.NOT_OFFERED, "the target is not reached over TLS"
    if Need.CLEARTEXT in case.needs and facts.tls:
        return Reason.NOT_OFFERED, "the target is reached over TLS"
    return None


def not_run(verdict: Verdict, reason: Reason, text: str) -> Attempted:
    """Return an attempt that never began: `text` is why, `verdict` SKIPPED or INCONCLUSIVE."""
    return Attempted(verdict=verdict, reason=reason, finding=Finding("the case to run", text))


async def attempt(case: Case, bench: Bench, limits: Limits, provide: Provide = provide) -> Attempted:
    """Run `case` once, within `limits`, and judge it."""
    transcript = Transcript(trio.current_time, whole=bench.options.whole)
    # Attempts share their random octets, so that a second attempt repeats the first.
    rng = random.Random(f"{bench.options.seed}:{case.id}")
    session = Session(
        case=case.id,
        role=bench.role,
        dial=bench.dial,
        transcript=transcript,
        random=rng,
        address=bench.address,
        facts=bench.facts,
        limits=limits,
    )
    verdict, finding, reason = Verdict.ERROR, None, None
    try:
        with trio.fail_after(limits.patience * 6 + HARD_DEADLINE + case.allow):
            subject = await provide(case, session)
            await case.function(subject, **case.parameters)
        verdict, finding = _conforming(session)
        if bench.options.farewell:
            await _say_farewell(session)
    except Violation as violation:
        verdict = Verdict.FAILED
        if bench.options.farewell:
            await _say_farewell(session)
        finding = Finding(violation.expected, violation.observed, transcript.index(violation.entry))
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
    except Exception as error:  # anything else is our own fault and shows nothing about the target
        finding = Finding("the suite to work", describe_error(error), None)
    finally:
        # Closing may wait for a client's process to end, which is not part of the case.
        micros = transcript.micros
        await session.aclose()
        for conversation in session.conversations:
            conversation.forget_http()
    if verdict in _STOPPED and (declined := _declined_binary(session)) is not None:
        verdict, reason = Verdict.SKIPPED, Reason.NEEDS_ECHO
        text = f"the target accepts no binary messages: Close {declined[1]}"
        finding = Finding("to reach the requirement", text, transcript.index(declined[0]))
    return Attempted(
        verdict=verdict,
        finding=finding,
        reason=reason,
        notes=tuple(session.notes),
        micros=micros,
        transcript=transcript.entries(),
        conversations=tuple(session.conversations),
        waited_out=session.waited_out,
        lost=session.lost,
        omitted=transcript.omitted,
    )


def _declined_binary(session: Session) -> tuple[int, CloseBody] | None:
    """Return the Close 1003 with which a text-only target rejected our binary message, as section 7.4.1 permits.

    None if the probe saw the target accept a binary message: then 1003 is an answer like any other.
    """
    if session.facts.text_only is False:
        return None
    return next((close for each in session.conversations if (close := each.declined_binary)), None)


async def _say_farewell(session: Session) -> None:
    """End the open connections with a closing handshake, for the transcript; the verdict stands."""
    for farewell in session.farewells:
        with contextlib.suppress(Unreached, Violation), trio.move_on_after(session.limits.prompt * 2):
            await farewell()


def _conforming(session: Session) -> tuple[Verdict, Finding | None]:
    """Return the verdict of a case that returned normally."""
    if session.departures:
        return Verdict.DEPARTED, Finding("the behaviour that the RFC recommends", "; ".join(session.departures))
    if session.choices:
        return Verdict.INFORMATIONAL, Finding("either way", "; ".join(session.choices))
    return Verdict.PASSED, None


def describe_error(error: Exception) -> str:
    """Return one line about an exception of the suite itself: its type, its text, and the file and line."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({frame.filename.rpartition('/')[2]}:{frame.lineno})"


def result_of(item: Item, attempted: Attempted, role: Role, registry: Registry) -> Result:
    """Return `attempted` as the result of `item`, a case or monitor that binds a target of `role`."""
    decisive = binding(item, role, registry)
    assert decisive is not None
    return Result(
        case=item.id,
        title=item.title,
        role=role,
        requirement=decisive.id,
        level=decisive.level,
        verdict=attempted.verdict,
        finding=attempted.finding,
        reason=attempted.reason,
        notes=attempted.notes,
        cites=item.requirements,
        micros=attempted.micros,
        transcript=attempted.transcript,
        hint=item.hint,
        reading=item.reading if isinstance(item, Case) else "",
        kind=ResultKind.CASE if isinstance(item, Case) else ResultKind.MONITOR,
        extra={"why": item.why} if item.why else {},
    )
