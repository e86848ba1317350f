"""The check that invalid text fails the connection."""

from __future__ import annotations

from collections.abc import Sequence

from wsconform import Closure, Connection, Frame, Provocation


async def expect_text_refused(ws: Connection, *frames: Frame, pieces: Sequence[int] | None = None) -> Closure:
    """Send `frames`, which contain invalid text, and a valid text behind them; expect the connection to be failed.

    Neither text may be delivered. If the second text is echoed, the target accepted the first, because both
    take the same path through the target. A Pong would not prove this: a target may answer a Ping before it has
    checked the text (docs/readings/when-text-is-checked.md). Return how the connection ended.
    """
    await ws.send(*frames, Frame.text("behind"), pieces=pieces)
    closure = await ws.expect_connection_failed(Provocation.UTF8, probe=False)
    ws.note("status code", closure.status_code)
    return closure
