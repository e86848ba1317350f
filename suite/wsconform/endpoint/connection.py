"""Our end of an open connection: the subject of most cases, with `send`, `expect_*`, `arranging` and `note`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import trio

from ..evidence.result import EntryKind, Reason
from ..evidence.transcript import Closure, Conversation, Provocation
from ..registry.requirement import Role
from ..transport.stream import Stream
from ..wire.close import CloseBody, is_sendable
from ..wire.frame import BINARY, CLOSE, PING, PONG, TEXT, Frame
from ..words import counted
from .channel import Channel, Received
from .own_limit import TOO_BIG, limit_text, may_be_too_big
from .session import ProvidedCase, Session, Unreached

_FAILED = "the connection to be failed"

# The longest wait for one answer, as a multiple of the patience, if the target keeps sending other frames.
_PATIENCES = 4


class Connection(Channel):
    """Our end of an open connection: the subject of cases about frames, for targets of both roles."""

    roles: ClassVar[frozenset[Role]] = frozenset({Role.SERVER, Role.CLIENT})

    def __init__(self, session: Session, stream: Stream, conversation: Conversation, leftover: bytes = b"") -> None:
        super().__init__(session, stream, conversation, leftover)
        session.farewells.append(self.close_if_open)

    @classmethod
    async def provide(cls, session: Session, case: ProvidedCase) -> Connection:
        """Dial a server, or accept a client's connection, and complete a correct opening handshake.

        Raises Unreached if the handshake fails, or if the target does not accept `case.offer` (reason NOT_OFFERED).
        """
        # A handshake makes a Connection, so its modules import this one.
        from .handshake_with_client import accept_connection  # noqa: PLC0415
        from .handshake_with_server import open_connection  # noqa: PLC0415

        opener = accept_connection if session.role is Role.CLIENT else open_connection
        return await opener(session, case.offer)

    # --- arrange and act

    async def send(
        self,
        *frames: Frame,
        masked: bool | None = None,
        key: bytes | None = None,
        pieces: Sequence[int] | None = None,
        tail: bytes = b"",
    ) -> None:
        """Send `frames`, then the raw octets `tail`, in one segment.

        Frames are masked as our role requires, with fresh keys, unless `masked` or `key` (4 octets) override it.
        `pieces` are the sizes of the segments in octets; the last size is repeated.
        """
        await self.send_prepared([self.prepare(frame, masked, key) for frame in frames], pieces, tail)

    async def send_compressed(self, *messages: Frame) -> None:
        """Send `messages` (Text or Binary, unfragmented) compressed, in one segment; see `compressed`."""
        await self.send(*(self.compressed(message) for message in messages))

    async def send_octets(self, octets: bytes, pieces: Sequence[int] | None = None) -> None:
        """Send raw `octets`, which need not be frames; `pieces` are the sizes of the segments."""
        await self.send_prepared([], pieces, octets)

    def encode(self, *frames: Frame) -> bytes:
        """Return the octets that `send` would send for `frames`."""
        return b"".join(self.prepare(frame).encode() for frame in frames)

    async def half_close(self) -> None:
        """End our direction of the stream (FIN) and stay able to read; after that, Pings and Close are not answered."""
        if not self.half_closed:
            self.half_closed = True
            self.mark_our_end(self.session.event("our FIN", self.number, kind=EntryKind.FIN))
            await self.stream.send_eof()

    async def break_off(self) -> None:
        """Reset the stream (RST)."""
        self.mark_our_end(self.session.event("our RST", self.number, kind=EntryKind.RST))
        self.conversation.broken_by_us = True
        await self.stream.abort()

    # --- receive, without a verdict

    async def settle(self) -> list[Received]:
        """Send a Ping and return everything received before its Pong.

        The stream keeps the order, so a reaction to anything that we sent before is in the list. If the target ends
        the connection instead, the list ends there. Fails the case if neither happens.
        """
        marker = self._marker()
        await self.send(Frame.ping(marker))
        deadline, seen = self.session.deadline(), list[Received]()
        while (received := await self.next(deadline)) is not None:
            if received.opcode == PONG and received.payload == marker:
                return seen
            seen.append(received)
            if received.opcode == CLOSE:
                return seen
        if self.ended is None:
            self.session.fail("a Pong to our Ping", self._silence())
        return seen

    async def is_ending(self) -> bool:
        """Send a Ping and return whether the target ends the connection instead of answering it.

        Messages that come before the Pong remain to be read. A target that stays silent has not ended the connection.
        """
        marker, kept = self._marker(), list[Received]()
        await self.send(Frame.ping(marker))
        deadline = self.session.deadline()
        while (received := await self.next(deadline)) is not None:
            if received.opcode == PONG and received.payload == marker:
                break
            if received.opcode != PING:
                kept.append(received)
            if received.opcode == CLOSE:
                break
        self._inbox.extendleft(reversed(kept))
        return self.ended is not None or any(received.opcode == CLOSE for received in kept)

    async def read_to_end(self, seconds: float | None = None) -> Closure:
        """Read until the target ends the stream, at most `seconds` (the patience); answer its Close.

        The received frames are in `conversation.frames`; there is no verdict.
        """
        return await self._close_and_end(self.session.deadline(seconds))

    async def _close_and_end(self, deadline: float, *, after_close: float | None = None) -> Closure:
        start, body, close_at, entry = trio.current_time(), None, None, None
        while (received := await self.next(deadline)) is not None:
            if received.opcode == CLOSE and body is None:
                body, close_at = CloseBody(received.payload), trio.current_time() - start
                entry = received.entry
                await self._answer_close(body)
                if after_close is not None:
                    deadline = min(deadline, trio.current_time() + after_close)
        end_at = trio.current_time() - start if self.ended else None
        closure = Closure(
            close=body,
            ending=self.ended,
            close_after=close_at,
            end_after=end_at,
            end_entry=self.conversation.end_entry,
            close_entry=entry,
        )
        self.conversation.closure = closure
        return closure

    async def _answer_close(self, body: CloseBody) -> None:
        if self.answers_close and not (self.sent_close or self.half_closed):
            await self.send(Frame.close(body.code if body.code and is_sendable(body.code) else None))
        if self.role is Role.SERVER and self.answers_close and self.ends_tcp:
            await self.half_close()

    async def close_if_open(self) -> None:
        """Carry out a closing handshake with code 1000, unless either end has begun to end the connection; no verdict.

        A connection on which we sent raw octets is left as it is: they may have ended it, or begun a frame.
        """
        ours = self.sent_close or self.half_closed or self.conversation.broken_by_us or self.conversation.sent_raw
        theirs = self.ended is not None or any(frame.opcode == CLOSE for _, frame in self.conversation.frames)
        if not ours and not theirs:
            await self.send(Frame.close(1000))
            await self._close_and_end(self.session.deadline(), after_close=self.session.limits.prompt)

    def _marker(self) -> bytes:
        return b"wsconform " + self.random_octets(4).hex().encode()

    def _last(self) -> float:
        return self.session.deadline(_PATIENCES * self.session.limits.patience)

    async def _next(self, last: float) -> Received | None:
        """Return the next message or control frame.

        Waits for the patience, and never longer than until `last`, however often the target sends something else.
        """
        return await self.next(min(last, self.session.deadline()))

    def _silence(self) -> str:
        return f"nothing for {self.session.limits.patience:g} s"

    def _state(self, last: float = math.inf) -> str:
        """Return why the wait ended: the end of the stream, silence, or nothing but other frames until `last`."""
        if self.ended:
            return f"the end of the connection ({self.ended.value})"
        if trio.current_time() < last:
            return self._silence()
        return f"nothing but other frames for {_PATIENCES * self.session.limits.patience:g} s"

    def is_chatter(self, received: Received) -> bool:
        """Return whether a message may have been sent by the target's application by itself, not as an answer."""
        if received.opcode not in (TEXT, BINARY):
            return False
        if not self.session.facts.echo or received.payload in self.session.facts.chatter:
            return True
        return self.session.facts.chatty and all(frame.payload != received.payload for frame in self.conversation.sent)

    # --- expect

    async def expect_echo(self, *messages: Frame) -> list[Received]:
        """Expect the echoes of `messages` (same type and payload), in order, in any fragmentation."""
        return [await self._expect_message(message) for message in messages]

    async def echo(self, *messages: Frame) -> None:
        """Send `messages` and expect their echoes."""
        await self.send(*messages)
        await self.expect_echo(*messages)

    async def _expect_message(self, message: Frame) -> Received:
        wanted = f"the echo, {Received(message.opcode, message.payload, 0)}"
        last = self._last()
        while (received := await self._next(last)) is not None:
            if (received.opcode, received.payload) == (message.opcode, message.payload):
                return received
            if received.opcode == CLOSE:
                self._stop_at_limit(received, len(message.payload))
                self.session.fail(wanted, f"{received}", received.entry)
            if received.opcode in (TEXT, BINARY) and not self.is_chatter(received):
                self.session.fail(wanted, _difference(message, received), received.entry)
        return self.session.fail(wanted, self._state(last))

    def _stop_at_limit(self, received: Received, octets: int = 0) -> None:
        # A compressed message may be small on the wire; `octets` is its size after inflating.
        sent = self.conversation.sent
        octets = max(octets, sum(len(frame.payload) for frame in sent))
        if CloseBody(received.payload).code == TOO_BIG and may_be_too_big(octets, len(sent)):
            raise Unreached(Reason.LIMIT, limit_text(str(received)), received.entry, refusal=str(received))

    async def expect_pong(self, data: bytes, *, keep_messages: bool = False) -> Received:
        """Expect a Pong with application data `data`, and return it.

        Other Pongs are ignored; if the right one does not come, the finding shows the last of them. With
        `keep_messages`, messages that come before the Pong stay to be read.
        """
        last, other, messages = self._last(), list[Received](), list[Received]()
        while (received := await self._next(last)) is not None:
            if received.opcode == PONG and received.payload == data:
                self._inbox.extendleft(reversed(messages))
                return received
            if keep_messages and received.opcode in (TEXT, BINARY):
                messages.append(received)
            if received.opcode == CLOSE:
                self._stop_at_limit(received)
                other.append(received)
                break
            if received.opcode == PONG:
                other.append(received)
        wanted = f"a Pong of {counted(len(data), 'octet')} with the Ping's application data"
        if other:
            self.session.fail(wanted, str(other[-1]), other[-1].entry)
        return self.session.fail(wanted, self._state(last))

    async def expect_pongs_in_order(self, data: Sequence[bytes], *, since: int) -> int:
        """Expect Pongs to Pings with `data` (all different), sent after entry `since`: in order, the last included.

        A target may answer the most recent Ping only (section 5.5.3), so any Pong but the last may be missing.
        Return how many Pongs came.
        """
        last = await self.expect_pong(data[-1])
        late = [received for received in await self.settle() if received.opcode == PONG]
        more = f"{len(late)} more, {', '.join(map(str, late))}"
        self.expect(not late, "no Pong behind the one to the last Ping", more)
        frames = [frame for entry, frame in self.frames_since(since) if frame.opcode == PONG and entry <= last.entry]
        pongs = [frame.payload for frame in frames]
        in_order = pongs == [each for each in data if each in pongs]
        self.expect(in_order, "Pongs to the Pings, in order", f"Pongs {pongs}", last.entry)
        return len(pongs)

    async def expect_alive(self) -> None:
        """Expect that the target still works: it sends an echo, or a Pong if its application does not echo."""
        marker = self._marker()
        if self.session.facts.echo:
            await self.echo(Frame.text(marker))
        else:
            await self.send(Frame.ping(marker))
            await self.expect_pong(marker)

    def _is_unsolicited(self, received: Received) -> bool:
        """Return whether a Pong is a heartbeat (section 5.5.3): its data is not that of a control frame of ours.

        False if it cannot be known: we sent raw octets, or a request with a body, which may contain a frame.
        """
        if received.opcode != PONG or self.conversation.sent_raw:
            return False
        if not all(request.endswith(b"\r\n\r\n") for request in self.conversation.requests):
            return False
        return all(frame.payload != received.payload for frame in self.conversation.sent if frame.opcode >= CLOSE)

    async def expect_no_reaction(self, to: str) -> None:
        """Expect no reaction `to` the frames just sent: nothing but Pings and unrelated frames before a later Pong."""
        for received in await self.settle():
            if received.opcode != PING and not self.is_chatter(received) and not self._is_unsolicited(received):
                self.session.fail(f"no reaction to {to}", str(received), received.entry)
        self.expect(self.ended is None, f"no reaction to {to}", self._state())

    async def expect_connection_failed(
        self,
        because: Provocation = Provocation.PROTOCOL,
        *,
        probe: bool = True,
        may_echo: Sequence[bytes] = (),
    ) -> Closure:
        """Expect the target to fail the connection: it processes nothing more, and ends it with or without a Close.

        A Ping sent now must stay unanswered; `probe=False` omits it, because inside an unfinished frame it would be
        payload. No message may be delivered except those in `may_echo`, sent legally before. Returns how the
        connection ended.
        """
        self.conversation.provoked = because
        marker, start = self._marker(), trio.current_time()
        if probe:
            await self.send(Frame.ping(marker))
        deadline, allowed = self.session.deadline(), list(may_echo)
        while (received := await self.next(deadline)) is not None and received.opcode != CLOSE:
            if probe and received.opcode == PONG and received.payload == marker:
                self.session.fail(_FAILED, "a Pong to the Ping sent after the error", received.entry)
            if received.opcode not in (PING, PONG):
                self._refuse_delivery(received, allowed)
        body = CloseBody(received.payload) if received else None
        close_after = trio.current_time() - start if received else None
        if body is not None:
            await self._answer_close(body)
        rest = await self._close_and_end(deadline)
        end_after = trio.current_time() - start if rest.ending else None
        entry = received.entry if received else None
        closure = Closure(
            close=body,
            ending=rest.ending,
            close_after=close_after,
            end_after=end_after,
            end_entry=rest.end_entry,
            close_entry=entry,
        )
        self.conversation.closure = closure
        if closure.ending is None:
            closed = f"Close {body}, but TCP" if body is not None else "TCP"
            self.session.fail(_FAILED, f"{closed} still open after {self.session.limits.patience:g} s")
        self.note("ended with", closure)
        return closure

    def _refuse_delivery(self, received: Received, allowed: list[bytes]) -> None:
        if received.payload in allowed:
            allowed.remove(received.payload)
        elif not self.is_chatter(received):
            self.session.fail(_FAILED, f"a delivery: {received}", received.entry)

    async def expect_close_reply(self) -> Closure:
        """Expect a Close in reply to ours, then read to the end of the stream; how the stream ends is not judged."""
        closure = await self._close_and_end(self.session.deadline(), after_close=self.session.limits.prompt)
        if closure.close is None:
            self.session.fail("a Close in reply to ours", self._state(), closure.end_entry)
        self.note("reply", closure)
        return closure

    async def expect_ended(self) -> Closure:
        """Expect the connection to end, with any Close or without one; returns how it ended."""
        closure = await self._close_and_end(self.session.deadline(), after_close=self.session.limits.prompt)
        if closure.close is None and closure.ending is None:
            self.session.fail("the connection to end", self._state())
        self.note("ended with", closure)
        return closure

    async def expect_stream_end(self, seconds: float | None = None) -> Closure:
        """Expect the target to end the stream within `seconds` (the patience); it may send anything before that."""
        closure = await self._close_and_end(self.session.deadline(seconds))
        if closure.ending is None:
            waited = self.session.limits.patience if seconds is None else seconds
            self.session.fail("the target to close TCP", f"{closure} after {waited:g} s")
        return closure

    async def expect_closed_cleanly(self) -> Closure:
        """Carry out a closing handshake with code 1000 and expect its reply."""
        await self.send(Frame.close(1000))
        return await self.expect_close_reply()


def _difference(wanted: Frame, received: Received) -> str:
    """Return how `received` differs from the echo `wanted`."""
    if received.payload == wanted.payload:
        return f"the payload in a message of another type: {received}"
    if len(received.payload) != len(wanted.payload) or len(wanted.payload) <= 24:
        return str(received)
    at = next(i for i, (a, b) in enumerate(zip(wanted.payload, received.payload, strict=True)) if a != b)
    return f"{received}, which differs from octet {at} on"
