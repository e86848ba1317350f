"""The opening handshake with a server: send any request, read the answer (RFC 6455 section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import trio

from ..evidence.result import Direction, Reason
from ..evidence.transcript import Conversation, Ending, Provocation
from ..registry.requirement import Role
from ..transport.stream import Reset, Stream, send_pieces
from ..wire.handshake import DEFLATE, Extension, MalformedExtensions, accept_value, encode_key, offered
from ..wire.http1 import Head, Request, base_request, chunked_end, head_end, parse_head
from ..words import counted
from .connection import Connection
from .session import CaseSubject, ProvidedCase, Session, Unreached

#: Most octets that we read of a head, and of a body.
_HEAD_LIMIT, _BODY_LIMIT = 1 << 20, 1 << 22

#: The offer of the cases about permessage-deflate, which is the offer of browsers.
BROWSER_OFFER = f"{DEFLATE}; client_max_window_bits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to one request.

    `head` is the final response (101 is final, other 1xx are in `interim`), None without a response. `ending` is how
    the target ended the stream, None while it is open. `entry` is the transcript entry that decides.
    """

    head: Head | None = None
    interim: tuple[Head, ...] = ()
    body: bytes = b""
    ending: Ending | None = None
    entry: int | None = None

    @property
    def status(self) -> int:
        """The final status code; 0 without a response."""
        return self.head.status if self.head else 0

    @property
    def accepted(self) -> bool:
        """Whether the status is 101."""
        return self.status == 101

    def field(self, name: str) -> bytes | None:
        """The first value of the field `name`, or None."""
        return self.head.fields.get(name) if self.head else None

    def __str__(self) -> str:
        if self.head is None:
            received = "no response" if self.entry is None else "octets that are not a response"
            return f"{received}, then the end of the connection ({self.ending.value})" if self.ending else received
        status = self.head.status or self.head.start[1].decode("latin-1")
        return f"{status} {self.head.reason.decode('latin-1')}".strip() or "a response without a status code"


class HttpConnection:
    """One HTTP connection to the target: sends requests, reads responses."""

    def __init__(self, session: Session, stream: Stream, conversation: Conversation) -> None:
        self.session, self.stream, self.conversation = session, stream, conversation
        self._buffer = bytearray()

    async def send(self, octets: bytes, summary: str, pieces: Sequence[int] | None = None) -> None:
        """Send `octets`, recorded with `summary`; if the target is gone, that is recorded, too."""
        self.conversation.requests.append(octets)
        self.session.transcript.add(Direction.OURS, "request", summary, octets, self.conversation.number)
        try:
            await send_pieces(self.stream, octets, pieces) if pieces else await self.stream.send(octets)
        except Reset as problem:
            self.session.event(f"could not send: {problem}", self.conversation.number)

    async def answer(self, seconds: float | None = None, *, to_head: bool = False, interim_too: bool = False) -> Answer:
        """Read the next final response with its body, for at most `seconds` (the patience).

        `to_head`: the request was HEAD, so the response has no body. `interim_too`: also return a 1xx response as an
        answer, for a case that has to react to it.
        """
        deadline, interim = self.session.deadline(seconds), list[Head]()
        while True:
            while (end := head_end(self._buffer)) < 0:
                if len(self._buffer) > _HEAD_LIMIT or not await self._pull(deadline):
                    return self._no_answer(tuple(interim))
            octets = bytes(self._buffer[:end])
            del self._buffer[:end]
            head, entry = self._record(octets)
            if head.status != 101 and 100 <= head.status < 200 and not interim_too:
                interim.append(head)
                continue
            body = b"" if head.status == 101 else await self._body(head, deadline, to_head)
            return Answer(head=head, interim=tuple(interim), body=body, ending=self.conversation.ending, entry=entry)

    def _record(self, octets: bytes) -> tuple[Head, int]:
        junk = octets.find(b"HTTP/")
        if junk > 0 and not self.conversation.heads:
            self.conversation.before_head, octets = octets[:junk], octets[junk:]
            self._add("octets", f"{counted(junk, 'octet')} before the response", self.conversation.before_head)
        head = parse_head(octets)
        entry = self._add("response", octets.split(b"\n", 1)[0].strip().decode("latin-1"), octets)
        self.conversation.heads.append((entry, head))
        return head, entry

    def _no_answer(self, interim: tuple[Head, ...]) -> Answer:
        entry = None
        if self._buffer:
            summary = f"{counted(len(self._buffer), 'octet')} that are not a response"
            entry = self._add("octets", summary, bytes(self._buffer))
            if not self.conversation.heads:
                self.conversation.before_head = bytes(self._buffer)
            self._buffer.clear()
        return Answer(interim=interim, ending=self.conversation.ending, entry=entry)

    async def _body(self, head: Head, deadline: float, to_head: bool) -> bytes:
        length = head.body_length(to_head=to_head)
        while len(self._buffer) < _BODY_LIMIT:
            if length is None:
                if not await self._pull(deadline):
                    break
                continue
            end = chunked_end(bytes(self._buffer)) if length < 0 else length
            if 0 <= end <= len(self._buffer):
                break
            if not await self._pull(deadline):
                end = len(self._buffer)
                break
        else:
            end = len(self._buffer)
        if length is None:
            end = len(self._buffer)
        body = bytes(self._buffer[:end])
        del self._buffer[:end]
        if body:
            self._add("octets", f"{counted(len(body), 'octet')} of the response's body", body)
        return body

    async def _pull(self, deadline: float) -> bool:
        if self.conversation.ending is not None:
            return False
        octets = b""
        with trio.move_on_at(deadline) as scope:
            try:
                octets = await self.stream.receive()
            except Reset as problem:
                self._ended(Ending.RST, str(problem))
                return False
        if scope.cancelled_caught:
            self.session.waited_out = True
            return False
        if not octets:
            self._ended(Ending.FIN, "FIN")
            return False
        self.session.count(len(octets))
        self._buffer += octets
        return True

    def _ended(self, ending: Ending, summary: str) -> None:
        self.conversation.ending = ending
        self.conversation.end_entry = self._add(ending.value.lower(), summary, b"")

    def _add(self, kind: str, summary: str, octets: bytes) -> int:
        number = self.conversation.number
        return self.session.transcript.add(Direction.TARGET, kind, summary, octets, number)

    async def expect_end(self, seconds: float | None = None) -> Ending | None:
        """Read until the target ends the stream and return how; None if it is open after `seconds` (the patience)."""
        deadline = self.session.deadline(seconds)
        while await self._pull(deadline):
            pass
        return self.conversation.ending

    @property
    def leftover(self) -> bytes:
        """The octets received after the last response."""
        return bytes(self._buffer)

    def upgrade(self, answer: Answer) -> Connection:
        """Return the open connection that `answer`, a 101, begins."""
        assert answer.head is not None
        self.conversation.opened = True
        try:
            self.conversation.extensions = offered(answer.head.fields)
        except MalformedExtensions:
            self.conversation.extensions = ()
        return Connection(self.session, self.stream, self.conversation, self.leftover)


class Opening(CaseSubject):
    """The subject of cases about a server's opening handshake: `request` is correct; a case changes it at will."""

    roles: ClassVar[frozenset[Role]] = frozenset({Role.SERVER})

    def __init__(self, session: Session) -> None:
        self.session = session
        self.request = self.fresh_request()

    @classmethod
    async def provide(cls, session: Session, case: ProvidedCase) -> Opening:
        """Return an Opening with a correct request; the case itself dials."""
        return cls(session)

    def fresh_request(self) -> Request:
        """Return a correct request with a new key."""
        address = self.session.address
        key = encode_key(self.session.random.randbytes(16))
        return base_request(address.host, address.target, key, address.fields)

    @property
    def key(self) -> bytes:
        """The Sec-WebSocket-Key of `request`."""
        return self.request.fields.get("Sec-WebSocket-Key") or b""

    async def dial(self, *, tls: bool = True, server_name: str | None = None, verify: bool = True) -> HttpConnection:
        """Open a connection to the target, a server; the options are those of `Dialer`."""
        stream, conversation = await self.session.connect(Role.SERVER, tls=tls, server_name=server_name, verify=verify)
        return HttpConnection(self.session, stream, conversation)

    async def exchange(
        self,
        request: Request | bytes | None = None,
        *,
        pieces: Sequence[int] | None = None,
        tail: bytes = b"",
        wire: HttpConnection | None = None,
    ) -> tuple[Answer, HttpConnection]:
        """Send `request` (`self.request` by default) and then `tail`, on a new connection or on `wire`.

        Returns the answer, whatever it is, and the connection.
        """
        wire = wire or await self.dial()
        sent = request if request is not None else self.request
        octets = sent if isinstance(sent, bytes) else sent.encode()
        line = octets.split(b"\n", 1)[0].strip()
        await wire.send(octets + tail, line[:100].decode("latin-1"), pieces)
        return await wire.answer(to_head=line.startswith(b"HEAD ")), wire

    async def expect_accepted(
        self,
        request: Request | None = None,
        *,
        pieces: Sequence[int] | None = None,
        tail: bytes = b"",
        wire: HttpConnection | None = None,
    ) -> Connection:
        """Expect a 101 with the Sec-WebSocket-Accept of the request's key; return the open connection."""
        sent = request or self.request
        answer, wire = await self.exchange(sent, pieces=pieces, tail=tail, wire=wire)
        return self.accept(answer, wire, sent)

    def accept(self, answer: Answer, wire: HttpConnection, request: Request) -> Connection:
        """Expect `answer` to accept `request`, with the right Sec-WebSocket-Accept; return the open connection."""
        expected = "101 with the right Sec-WebSocket-Accept"
        self.expect(answer.accepted, expected, str(answer), answer.entry)
        right = accept_value(request.fields.get("Sec-WebSocket-Key") or b"")
        got = answer.field("Sec-WebSocket-Accept")
        self.expect(got == right, expected, f"101 with Sec-WebSocket-Accept: {_value_text(got)}", answer.entry)
        return wire.upgrade(answer)

    async def expect_refused(
        self, request: Request | bytes, *, best: Sequence[int] = (400,), pieces: Sequence[int] | None = None
    ) -> tuple[Answer, HttpConnection]:
        """Expect a status other than 101, or the end of the connection (section 4.2.1); silence fails the case.

        A status that is not in `best` is noted.
        """
        answer, wire = await self.exchange(request, pieces=pieces)
        wire.conversation.provoked = Provocation.HANDSHAKE
        self.expect(not answer.accepted, "the handshake to be refused", str(answer), answer.entry)
        silent = answer.head is None and answer.ending is None
        self.expect(not silent, "the handshake to be refused", _unanswered(answer), answer.entry)
        if answer.status not in best:
            self.note("refused with", answer)
        return answer, wire

    async def expect_accepted_or_refused(self, request: Request, *, tail: bytes = b"") -> tuple[Answer, HttpConnection]:
        """Expect an answer, or the end of the connection, and note it; silence fails the case."""
        answer, wire = await self.exchange(request, tail=tail)
        silent = answer.head is None and answer.ending is None
        self.expect(not silent, "an answer to the handshake", _unanswered(answer), answer.entry)
        self.note("answered with", answer)
        return answer, wire


def _unanswered(answer: Answer) -> str:
    return "no reaction" if answer.entry is None else str(answer)


def _value_text(value: bytes | None) -> str:
    return "(missing)" if value is None else value.decode("latin-1")


async def open_connection(session: Session, offer: str | None = None) -> Connection:
    """Open a connection for a case that is not about the handshake: any 101 counts.

    `offer` is the value of Sec-WebSocket-Extensions. Raises Unreached if the target refuses the handshake, and
    Unreached with reason NOT_OFFERED if it does not accept `offer`.
    """
    opening = Opening(session)
    request = opening.request.with_field("Sec-WebSocket-Extensions", offer) if offer else opening.request
    answer, wire = await opening.exchange(request)
    if not answer.accepted:
        raise Unreached(Reason.ARRANGING, f"the opening handshake: {answer}", answer.entry)
    connection = wire.upgrade(answer)
    if offer and connection.conversation.deflate is None:
        raise Unreached(Reason.NOT_OFFERED, f"the target did not accept {Extension(DEFLATE)}", answer.entry)
    return connection


async def expect_target_alive(session: Session) -> None:
    """Expect that the target still works: a server accepts another connection and answers on it.

    A client cannot be asked; the next case shows whether it still works.
    """
    if session.role is Role.SERVER:
        await (await open_connection(session)).expect_alive()
