"""Sending to the target and reading from it, without a verdict (RFC 6455 sections 5 to 7)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import trio

from ..evidence.result import EntryKind
from ..evidence.transcript import Closure, Conversation
from ..registry.requirement import Role
from ..transport.stream import Stream
from ..wire.close import CloseBody, is_sendable
from ..wire.frame import BINARY, CLOSE, PING, PONG, TEXT, Frame
from .channel import Channel, Received
from .session import Session

# The longest wait for one answer, as a multiple of the patience, if the target keeps sending other frames.
_PATIENCES = 4


class Dialogue(Channel):
    """An open connection on which a case sends and reads; `Connection` adds the expectations."""

    def __init__(self, session: Session, stream: Stream, conversation: Conversation, leftover: bytes = b"") -> None:
        super().__init__(session, stream, conversation, leftover)
        session.farewells.append(self.close_if_open)

    # --- send

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
