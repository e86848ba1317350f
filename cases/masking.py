"""Masking: who masks, and what it costs to get it the wrong way round (RFC 6455 sections 5.1, 5.3)."""

from __future__ import annotations

from wsconform import Connection, Frame, Provocation, case, each

UNMASKED = {
    "text": Frame.text("Hello"),
    "empty_binary": Frame.binary(b""),
    "first_fragment": Frame.text("A", fin=False),
    "ping": Frame.ping(),
    "pong": Frame.pong(),
    "close": Frame.close(1000),
}


@case("6455-5.1-3", "6455-5.1-6", hint="look at the MASK bit of every frame before reading its payload")
@each(frame=UNMASKED)
async def wrongly_masked_frame_fails_the_connection(ws: Connection, frame: Frame) -> None:
    """A frame masked against the rule of its direction is refused, not repaired.

    Nothing else about the frame is wrong, so a target that ignores the MASK bit
    answers it and gives itself away.
    """
    await ws.send(frame, masked=not ws.role.masks)
    await ws.expect_connection_failed(Provocation.MASKING)
