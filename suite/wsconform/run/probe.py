"""The probe: before any case runs, learn whether a server answers, echoes, chatters, how fast, and its extensions."""

from __future__ import annotations

import random
import statistics
from dataclasses import dataclass

import trio

from ..endpoint.connection import Connection
from ..endpoint.handshake_with_server import BROWSER_OFFER, Answer, HttpConnection, Opening, open_connection
from ..endpoint.session import Facts, Limits, Session, Unreached, Violation
from ..evidence.transcript import Conversation, Transcript
from ..journal.journal import TargetRecord
from ..registry.requirement import Role
from ..transport.stream import Dialer
from ..wire.close import UNACCEPTABLE, CloseBody
from ..wire.frame import BINARY, CLOSE, PING, PONG, TEXT, Frame
from .target import Target

_ROUNDS = 5


class ProbeFailed(Exception):
    """The target cannot be tested; the message is one line: the target's behaviour and advice."""


@dataclass(frozen=True, slots=True)
class Probed:
    """The results of a probe: `facts` for cases, `record` for the journal, `conversations` for monitors."""

    facts: Facts
    record: TargetRecord
    conversations: tuple[Conversation, ...] = ()


async def probe(target: Target, dial: Dialer, limits: Limits) -> Probed:
    """Probe the server `target` through `dial`; raises ProbeFailed, and Unreachable if nothing listens."""
    transcript = Transcript(trio.current_time)
    session = Session(
        case="probe",
        role=Role.SERVER,
        dial=dial,
        transcript=transcript,
        random=random.Random(0),
        address=target.address(),
        facts=Facts(tls=target.tls),
        limits=limits,
    )
    try:
        await dial_once(session)
        return await _look(target, session)
    except Unreached as problem:
        raise ProbeFailed(f"{target.url}: {problem.text}") from None
    except Violation as problem:
        raise ProbeFailed(f"{target.url}: expected {problem.expected}, got {problem.observed}") from None
    finally:
        await session.aclose()


async def dial_once(session: Session) -> None:
    """Open a stream and close it; raises the dialer's own error, which is the clearest, or ProbeFailed at a silence."""
    with trio.move_on_after(session.limits.patience * 2) as scope:
        stream = await session.dial()
        await stream.aclose()
    if scope.cancelled_caught:
        waited = session.limits.patience * 2
        where = session.address.host
        raise ProbeFailed(f"{where}: no connection within {waited:g} s, nor a refusal; check host and port")


async def _look(target: Target, session: Session) -> Probed:
    opening = Opening(session)
    answer, wire = await opening.exchange()
    if not answer.accepted:
        raise ProbeFailed(f"{target.url}: {_refusal(target, answer, wire)}")
    ws = wire.upgrade(answer)
    greeting, trips = await _round_trips(ws)
    echo = await _echoes(ws, target.app)
    text_only = await takes_text_alone(ws) if echo else None
    second = await open_connection(session)
    # If the target answers no Ping, the cases will judge that; the probe records its messages and goes on.
    greeting_again, _ = await _round_trips(second, rounds=1)
    facts = Facts(
        echo=echo,
        chatter=frozenset(greeting & greeting_again),
        chatty=greeting != greeting_again,
        round_trip=statistics.median(trips) if trips else session.limits.prompt,
        offers=await _offers(session),
        tls=target.tls,
        text_only=text_only,
    )
    info = dict(target.info)
    if (server := answer.field("Server")) is not None:
        info.setdefault("server", server.decode("latin-1"))
    record = TargetRecord(
        name=target.name,
        role=target.role,
        address=str(target.url),
        transport="tls" if target.tls else "tcp",
        info=info,
        offers=facts.offers,
        echo=echo,
        round_trip=round(facts.round_trip, 6),
    )
    return Probed(facts, record, tuple(session.conversations))


async def _round_trips(ws: Connection, rounds: int = _ROUNDS) -> tuple[set[bytes], list[float]]:
    messages, trips = set[bytes](), list[float]()
    for number in range(rounds):
        data, start = b"probe %d" % number, trio.current_time()
        await ws.send(Frame.ping(data))
        deadline = ws.session.deadline()
        while (received := await ws.next(deadline)) is not None and (received.opcode, received.payload) != (
            PONG,
            data,
        ):
            if received.opcode in (TEXT, BINARY):
                messages.add(received.payload)
        if received is None:
            break
        trips.append(trio.current_time() - start)
    return messages, trips


async def _echoes(ws: Connection, app: str | None) -> bool:
    if app is not None:
        return app == "echo"
    message = Frame.text("wsconform probe: does this come back?")
    await ws.send(message)
    deadline = ws.session.deadline(ws.session.limits.prompt)
    while (received := await ws.next(deadline)) is not None:
        if received.opcode == TEXT and received.payload == message.payload:
            return True
        if received.opcode not in (PING, PONG, TEXT, BINARY):
            return False
    return False


async def takes_text_alone(ws: Connection) -> bool:
    """Send a binary message to a target that echoes; return whether it closes with 1003 (RFC 6455 section 7.4.1)."""
    await ws.send(Frame.binary(b"wsconform probe"))
    deadline = ws.session.deadline(ws.session.limits.prompt)
    while (received := await ws.next(deadline)) is not None and received.opcode not in (BINARY, CLOSE):
        pass
    return received is not None and received.opcode == CLOSE and CloseBody(received.payload).code == UNACCEPTABLE


async def _offers(session: Session) -> tuple[str, ...]:
    try:
        ws = await open_connection(session, BROWSER_OFFER)
    except Unreached:
        return ()
    return tuple(str(extension) for extension in ws.conversation.extensions)


def _refusal(target: Target, answer: Answer, wire: HttpConnection) -> str:
    seen = wire.conversation.before_head
    if answer.head is None and seen.startswith((b"\x15\x03", b"\x16\x03")):
        return "answers in TLS; use wss:// for it"
    if answer.head is None and seen.startswith(b"HTTP/"):
        return "begins an answer to the opening handshake and does not end it; is it slow? Raise --patience"
    if answer.head is None and seen:
        start = seen[:24].decode("latin-1")
        return f"answers with something that is not HTTP ({start!r}); is this the right port?"
    if answer.head is None:
        return f"answers the opening handshake with {answer}; is this a WebSocket server?"
    advice = {
        401: "give its credentials with --header 'Authorization: ...'",
        403: "it may want --header 'Origin: ...' or credentials",
        404: "name the path of its WebSocket endpoint",
        426: "it wants another protocol or version",
    }.get(answer.status, "is this the address of a WebSocket endpoint?")
    return f"answers the opening handshake with {answer}, not 101; {advice}"
