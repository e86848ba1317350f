"""Circumstances in which every case about an open connection must hold: earlier exchanges, and other segments.

A circumstance stands between the opening handshake and the case: `provide` opens the connection, arranges the
circumstance on it, and hands the case the same connection. The whole conversation stays recorded, so monitors judge it
like any other. A case knows nothing of the circumstance. If its verdict changes, it looked at something that came
before its stimulus, or relied on the segments in which its octets were sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

from wsconform import BROWSER_OFFER, Connection, Frame
from wsconform.catalogue.case import Case, Item
from wsconform.endpoint.session import Session
from wsconform.run.judge import provide as provide_subject
from wsconform.transport.stream import Stream, TlsFacts

#: The text that most cases send, so that a case that finds an earlier echo mistakes it for its own.
TEXT = "Hello"

#: Octets of each segment, and octets at the start of a write that are cut: enough for all headers of most cases.
_PIECE, _CUT = 3, 300

#: A case that cites one of these is about a reserved bit without an extension that defines it.
_WITHOUT_EXTENSION = frozenset({"6455-5.2-3", "6455-5.2-4", "6455-5.2-5"})


class InThrees:
    """A stream that sends the first octets of each write in segments of three, and the rest in one segment."""

    def __init__(self, inner: Stream) -> None:
        self._inner = inner
        self.tls: TlsFacts | None = inner.tls

    async def send(self, octets: bytes) -> None:
        for start in range(0, min(len(octets), _CUT), _PIECE):
            await self._inner.send(octets[start : min(start + _PIECE, _CUT)])
            await self._inner.barrier()
        if len(octets) > _CUT:
            await self._inner.send(octets[_CUT:])

    async def send_each(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            await self.send(piece)

    async def receive(self) -> bytes:
        return await self._inner.receive()

    async def send_eof(self) -> None:
        await self._inner.send_eof()

    async def barrier(self) -> None:
        await self._inner.barrier()

    async def abort(self) -> None:
        await self._inner.abort()

    async def aclose(self) -> None:
        await self._inner.aclose()


@dataclass(frozen=True, slots=True)
class Circumstance:
    """How to arrange a circumstance on an open connection, and the extension offer if the case makes none."""

    arrange: Callable[[Connection], Awaitable[None]]
    offer: str | None = None

    def applies(self, case: Item) -> bool:
        """Return whether `case` has an open connection as its subject and must hold in this circumstance."""
        if not isinstance(case, Case) or case.subject is not Connection:
            return False
        needs_none = case.offer is None and bool(_WITHOUT_EXTENSION.intersection(case.requirements))
        return self.offer is None or not needs_none

    async def provide(self, case: Case, session: Session) -> object:
        """Open the connection of `case`, arrange the circumstance, and return the connection.

        Raises Unreached if the target does not take part.
        """
        ws = await provide_subject(replace(case, offer=case.offer or self.offer), session)
        assert isinstance(ws, Connection)
        with session.arranging("the circumstance"):
            await self.arrange(ws)
        return ws


async def _echo(ws: Connection) -> None:
    await ws.echo(Frame.text(TEXT))


async def _fragmented_message(ws: Connection) -> None:
    await ws.send(Frame.text(TEXT[:3], fin=False), Frame.continuation(TEXT[3:], fin=False), Frame.continuation(""))
    await ws.expect_echo(Frame.text(TEXT))


async def _compressed_message(ws: Connection) -> None:
    # Long and repetitive, so that the window holds more than the few octets that a case may count on.
    message = Frame.text(TEXT * 40)
    await ws.send_compressed(message)
    await ws.expect_echo(message)


async def _pong(ws: Connection) -> None:
    await ws.send(Frame.ping(TEXT.encode()))
    await ws.expect_pong(TEXT.encode())


async def _segments_of_three(ws: Connection) -> None:
    ws.stream = InThrees(ws.stream)


#: Circumstances by name.
CIRCUMSTANCES = {
    "behind_an_echo": Circumstance(_echo),
    "behind_a_fragmented_message": Circumstance(_fragmented_message),
    "behind_a_compressed_message": Circumstance(_compressed_message, offer=BROWSER_OFFER),
    "behind_a_pong": Circumstance(_pong),
    "in_segments_of_three_octets": Circumstance(_segments_of_three),
}
