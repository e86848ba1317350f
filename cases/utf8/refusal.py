"""How a case tells that text was refused."""

from __future__ import annotations

from collections.abc import Sequence

from wsconform import Closure, Connection, Frame, Provocation


async def expect_text_refused(ws: Connection, *frames: Frame, pieces: Sequence[int] | None = None) -> Closure:
    """Send `frames`, which hold invalid text, and a good text behind them; expect the connection to be failed.

    Neither text may be delivered. The second one is what proves, without waiting, that the first was let pass:
    it takes the same way through the target. A Ping would not, as a target may answer it while the text
    still waits to be read and checked (docs/readings/when-text-is-checked.md).
    """
    await ws.send(*frames, Frame.text("behind"), pieces=pieces)
    closure = await ws.expect_connection_failed(Provocation.UTF8, probe=False)
    ws.note("status code", closure.status_code)
    return closure
