"""Our end of an open connection: the subject of most cases, with `send`, `expect_*`, `arranging` and `note`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import trio

from ..evidence.result import Reason
from ..evidence.transcript import Closure, Provocation
from ..registry.requirement import Role
from ..wire.close import CloseBody
from ..wire.frame import BINARY, CLOSE, PING, PONG, TEXT, Frame
from ..words import counted
from .channel import Received
from .dialogue import Dialogue
from .own_limit import TOO_BIG, limit_text, may_be_too_big
from .session import ProvidedCase, Session, Unreached

_FAILED = "the connection to be failed"


class Connection(Dialogue):
    """Our end of an open connection: the subject of cases about frames, for targets of both roles."""

    roles: ClassVar[frozenset[Role]] = frozenset({Role.SERVER, Role.CLIENT})

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
