"""Compression bombs: the target delivers or rejects them, and survives (RFC 6455 section 10.4)."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from wsconform import (
    BINARY,
    BROWSER_OFFER,
    CLOSE,
    TAIL,
    CloseBody,
    Connection,
    Frame,
    Provocation,
    case,
    each,
    expect_target_alive,
)

from .messages import compressed, fragments

_MEBIBYTE = 1 << 20


def _block() -> bytes:
    """Return blocks that inflate to a mebibyte of zeros; they are self-contained and end on an octet boundary."""
    deflater = zlib.compressobj(9, wbits=-9)
    return deflater.compress(bytes(_MEBIBYTE)) + deflater.flush(zlib.Z_FULL_FLUSH)


def _one_frame(mebibytes: int) -> list[Frame]:
    return [compressed((_block() * mebibytes).removesuffix(TAIL), BINARY)]


def _fragments(mebibytes: int) -> list[Frame]:
    octets = (_block() * mebibytes).removesuffix(TAIL)
    return fragments(*(octets[at : at + 125] for at in range(0, len(octets), 125)), opcode=BINARY)


def _final_blocks(mebibytes: int) -> list[Frame]:
    deflater = zlib.compressobj(9, wbits=-9)
    final = deflater.compress(bytes(_MEBIBYTE)) + deflater.flush(zlib.Z_FINISH)
    return [compressed(final * mebibytes + b"\x00", BINARY)]


FORMS: dict[str, Callable[[int], list[Frame]]] = {
    "one_frame": _one_frame,
    "fragments": _fragments,
    "final_blocks": _final_blocks,
}

_HINT = "inflate in pieces, and close with 1009 when a message exceeds your limit"


async def _expect_delivered_or_rejected(ws: Connection) -> str:
    """Expect a message, or the end of the connection; return a description of it. Silence fails the case.

    The contents of the message are not compared: the cases about blocks do that.
    """
    deadline = ws.session.deadline(ws.session.limits.patience * 4)
    while (received := await ws.next(deadline)) is not None and received.opcode != CLOSE:
        if received.opcode == BINARY:
            return f"{len(received.payload)} octets delivered"
    if received is not None:
        await ws.read_to_end()
        return f"rejected with Close {CloseBody(received.payload)}"
    ws.expect(ws.ended is not None, "the message, or the end of the connection", "neither")
    return "rejected without a Close"


@case("6455-10.4-4", offer=BROWSER_OFFER, heavy=True, allow=60, hint=_HINT)
@each(form=FORMS, mebibytes=(1, 8))
async def compression_bomb_is_delivered_or_rejected(
    ws: Connection, form: Callable[[int], list[Frame]], mebibytes: int
) -> None:
    """Eight kilobytes that inflate to eight mebibytes are delivered or rejected; the target still serves others.

    Section 10.4 recommends a limit; the outcome is noted. A target that crashes or hangs fails the case.
    """
    ws.conversation.provoked = Provocation.LIMIT
    await ws.send(*form(mebibytes))
    ws.note("outcome", await _expect_delivered_or_rejected(ws))
    await expect_target_alive(ws.session)
