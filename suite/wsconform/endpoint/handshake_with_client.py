"""The opening handshake with a client: read its request, send any answer (RFC 6455 section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import trio

from ..evidence.result import Direction, Reason
from ..evidence.transcript import Closure, Conversation, Provocation
from ..registry.requirement import Role
from ..transport.stream import Reset, Stream
from ..wire.close import CloseBody
from ..wire.frame import CLOSE, PONG, Frame
from ..wire.handshake import DEFLATE, Extension, MalformedExtensions, deflate_mirrored, offered, parse_extensions
from ..wire.http1 import Head, Response, base_response, head_end, parse_head
from ..words import counted
from .channel import Received
from .connection import Connection
from .session import CaseSubject, ProvidedCase, Session, Unreached

#: Most octets that we read of a request's head.
_HEAD_LIMIT = 1 << 20

#: The status code of a client that requires an extension that the server did not accept (RFC 6455 section 7.4.1).
_EXTENSION_MISSING = 1010

_FAILED = "the client to fail the connection"


async def read_head(stream: Stream, deadline: float, most: int = _HEAD_LIMIT) -> tuple[bytes, bytes]:
    """Read one head from `stream`; return its octets and the octets received after it.

    The head is empty if it was incomplete at the end of the stream, at `deadline`, or after `most` octets.
    """
    buffer = bytearray()
    while (end := head_end(buffer)) < 0 and len(buffer) < most:
        octets = b""
        with trio.move_on_at(deadline):
            try:
                octets = await stream.receive()
            except Reset:
                break
        if not octets:
            break
        buffer += octets
    return (bytes(buffer[:end]), bytes(buffer[end:])) if end >= 0 else (b"", bytes(buffer))


class Incoming(CaseSubject):
    """The subject of cases about a client's opening handshake: `request` as received, `response` correct.

    A case changes `response` at will.
    """

    roles: ClassVar[frozenset[Role]] = frozenset({Role.CLIENT})

    def __init__(self, session: Session, stream: Stream, conversation: Conversation, request: Head) -> None:
        self.session, self.stream, self.conversation = session, stream, conversation
        self.request = request
        self.response = base_response(self.key)
        self.answered = False

    @classmethod
    async def provide(cls, session: Session, case: ProvidedCase) -> Incoming:
        """Take the client's next connection and read its request; raises Unreached if none comes."""
        return await cls.receive(session)

    @classmethod
    async def receive(cls, session: Session) -> Incoming:
        """Accept the client's next connection and read its request; raises Unreached if no whole request comes."""
        stream, conversation = await session.connect(Role.CLIENT)
        octets, rest = await read_head(stream, session.deadline())
        if not octets:
            summary = f"{counted(len(rest), 'octet')} that are not a request"
            session.transcript.add(Direction.TARGET, "octets", summary, rest)
            raise Unreached(Reason.ARRANGING, "the client did not send a whole opening handshake")
        head = parse_head(octets)
        line = octets.split(b"\n", 1)[0].strip()[:100].decode("latin-1")
        entry = session.transcript.add(Direction.TARGET, "request", line, octets)
        conversation.heads.append((entry, head))
        conversation.requests.append(octets)
        if rest:
            # The client must wait for the response (section 4.1). A monitor judges that; no case does.
            session.transcript.add(Direction.TARGET, "octets", f"{counted(len(rest), 'octet')} after the request", rest)
            conversation.before_head = rest
        return cls(session, stream, conversation, head)

    # --- the request

    @property
    def key(self) -> bytes:
        """The client's Sec-WebSocket-Key; empty if it is missing."""
        return self.request.fields.get("Sec-WebSocket-Key") or b""

    @property
    def offers(self) -> tuple[Extension, ...]:
        """The extensions that the client offers; empty if its list is malformed."""
        try:
            return offered(self.request.fields)
        except MalformedExtensions:
            return ()

    # --- notes and verdicts

    def expect(self, condition: bool, expected: str, observed: str, entry: int | None = None) -> None:
        """Fail the case unless `condition` holds; `entry` decided, by default that of the request."""
        if not condition:
            self.session.fail(expected, observed, self.conversation.heads[0][0] if entry is None else entry)

    # --- the answer

    async def answer(
        self, response: Response | bytes | None = None, *, pieces: Sequence[int] | None = None, tail: bytes = b""
    ) -> Connection:
        """Send `response` (a correct 101 by default) and then `tail`; return our end of the connection."""
        sent = self.response if response is None else response
        octets = sent if isinstance(sent, bytes) else sent.encode()
        line = octets.split(b"\n", 1)[0].strip()[:100].decode("latin-1")
        self.session.transcript.add(Direction.OURS, "response", line, octets, self.conversation.number)
        if tail:
            self.conversation.sent_raw = True
            self.session.transcript.add(
                Direction.OURS, "octets", f"{counted(len(tail), 'octet')} after it", tail, self.conversation.number
            )
        self.answered = True
        self.conversation.extensions = self._agreed(octets)
        connection = Connection(self.session, self.stream, self.conversation)
        await connection.send_unrecorded(octets + tail, pieces)
        return connection

    def _agreed(self, octets: bytes) -> tuple[Extension, ...]:
        try:
            return offered(parse_head(octets).fields)
        except MalformedExtensions:
            return ()

    async def open(self, offer: str | None = None) -> Connection:
        """Accept the client correctly, with permessage-deflate if there is an `offer` (see `accepted_deflate`).

        Raises Unreached, reason NOT_OFFERED, if the client does not offer it.
        """
        response = self.response
        if offer is not None:
            response = response.with_field("Sec-WebSocket-Extensions", str(self.accepted_deflate(offer)))
        connection = await self.answer(response)
        self.conversation.opened = True
        return connection

    def accepted_deflate(self, offer: str = "") -> Extension:
        """Return an answer to the client's offer of permessage-deflate, made by `deflate_mirrored`.

        `offer` is the offer that the case would send to a server. Raises Unreached, reason NOT_OFFERED, if no offer of
        the client allows such an answer.
        """
        ours = parse_extensions(offer.encode()) if offer else ()
        answer = deflate_mirrored(ours, self.offers)
        if answer is None:
            raise Unreached(Reason.NOT_OFFERED, f"the client does not offer {DEFLATE} in a way that allows this")
        return answer

    async def expect_open(
        self, response: Response | bytes | None = None, *, pieces: Sequence[int] | None = None
    ) -> Connection:
        """Expect the client to accept `response`: it answers a Ping sent after it; return the open connection."""
        connection = await self.answer(response, pieces=pieces)
        self.conversation.opened = True
        data = b"open?"
        await connection.send(Frame.ping(data))
        await connection.expect_pong(data)
        return connection

    async def expect_failed(self, response: Response | bytes, *, pieces: Sequence[int] | None = None) -> Closure:
        """Expect the client to fail the connection on `response` (sections 4.1, 7.2.1): no frame, and the end of TCP.

        A Ping is sent directly after the response; a Close before the end is noted.
        """
        connection = await self.answer(response, tail=Frame.ping(b"open?").encode(), pieces=pieces)
        self.conversation.provoked = Provocation.HANDSHAKE
        return await self._expect_no_frames(connection)

    async def expect_not_open(self, response: Response | bytes) -> Closure:
        """Expect no frame after `response`, a final answer other than 101 (section 4.1).

        We end our direction, as the response announces, so the client need not end TCP; only a frame fails the case.
        """
        connection = await self.answer(response)
        self.conversation.provoked = Provocation.HANDSHAKE
        await connection.half_close()
        return await self._expect_no_frames(connection, must_end=False)

    async def _expect_no_frames(self, connection: Connection, *, must_end: bool = True) -> Closure:
        deadline, close, entry = self.session.deadline(), None, None
        start = trio.current_time()
        while (received := await connection.next(deadline)) is not None:
            if self.conversation.is_http_again:
                continue
            if received.opcode != CLOSE:
                self._refuse(received)
            close, entry = CloseBody(received.payload), received.entry
            self.note("a Close before the end", close)
            if close.code == _EXTENSION_MISSING:
                # Such a client opens the connection only to close it, and may wait for our Close (section 7.4.1).
                await connection.send(Frame.close(_EXTENSION_MISSING))
                await connection.half_close()
        ended = connection.ended
        if self.conversation.is_http_again:
            self.note("sent on the refused connection", "another request")
        if ended is None and must_end:
            self.session.fail(_FAILED, f"TCP still open after {self.session.limits.patience:g} s")
        after = trio.current_time() - start
        closure = Closure(
            close=close,
            ending=ended,
            close_after=None,
            end_after=after if ended else None,
            end_entry=self.conversation.end_entry,
            close_entry=entry,
        )
        self.conversation.closure = closure
        self.note("ended with", closure)
        return closure

    def _refuse(self, received: Received) -> None:
        observed = "a Pong to the Ping sent after our answer" if received.opcode == PONG else str(received)
        self.session.fail(_FAILED, observed, received.entry)

    def plain(self, status: int, reason: str, body: bytes = b"", *fields: tuple[str, str]) -> Response:
        """Return an ordinary HTTP response with `status`, Content-Length, `Connection: close`, `fields` and `body`."""
        response = Response(status=status, reason=reason.encode(), body=body)
        response = response.with_field("Content-Length", str(len(body))).with_field("Connection", "close")
        for name, value in fields:
            response = response.with_field(name, value)
        return response

    def with_upgrade(self, response: Response) -> Response:
        """Return `response` with all fields of a correct 101 added."""
        fields = response.fields.without("Connection")
        return replace(response, fields=replace(fields, lines=(*fields.lines, *self.response.fields.lines)))


async def accept_connection(session: Session, offer: str | None = None) -> Connection:
    """Accept the client's connection correctly, for a case that is not about the handshake; raises Unreached."""
    incoming = await Incoming.receive(session)
    if not incoming.key:
        raise Unreached(Reason.ARRANGING, "the client's request has no Sec-WebSocket-Key")
    return await incoming.open(offer)
