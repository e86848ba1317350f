"""Compression bombs: little that inflates to much is taken or stopped, and the target lives on (section 10.4)."""

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

from .made import compressed, fragments

_MEBIBYTE = 1 << 20


def _block() -> bytes:
    """Return blocks that yield a mebibyte of zeros, stand alone, and end at an octet."""
    deflater = zlib.compressobj(9, wbits=-9)
    return deflater.compress(bytes(_MEBIBYTE)) + deflater.flush(zlib.Z_FULL_FLUSH)


def _one_frame(mebibytes: int) -> list[Frame]:
    return [compressed((_block() * mebibytes).removesuffix(TAIL), BINARY)]


def _fragments(mebibytes: int) -> list[Frame]:
    octets = (_block() * mebibytes).removesuffix(TAIL)
    return fragments(*(octets[at : at + 125] for at in range(0, len(octets), 125)), opcode=BINARY)


def _behind_final_blocks(mebibytes: int) -> list[Frame]:
    deflater = zlib.compressobj(9, wbits=-9)
    final = deflater.compress(bytes(_MEBIBYTE)) + deflater.flush(zlib.Z_FINISH)
    return [compressed(final * mebibytes + b"\x00", BINARY)]


FORMS: dict[str, Callable[[int], list[Frame]]] = {
    "one_frame": _one_frame,
    "fragments": _fragments,
    "behind_final_blocks": _behind_final_blocks,
}

_HINT = "inflate in pieces, and stop with 1009 when there are more octets than a message may have"


async def _expect_taken_or_stopped(ws: Connection) -> str:
    """Expect a message, or the end of the connection; return which. Silence fails the case.

    Whether the message is whole is the affair of the cases about blocks.
    """
    deadline = ws.session.deadline(ws.session.limits.patience * 4)
    while (received := await ws.next(deadline)) is not None and received.opcode != CLOSE:
        if received.opcode == BINARY:
            return f"{len(received.payload)} octets delivered"
    if received is not None:
        await ws.read_to_end()
        return f"stopped with Close {CloseBody(received.payload)}"
    ws.expect(ws.ended is not None, "the message, or the end of the connection", "neither")
    return "stopped without a Close"


@case("6455-10.4-4", offer=BROWSER_OFFER, heavy=True, allow=60, hint=_HINT)
@each(form=FORMS, mebibytes=(1, 8))
async def bomb_is_taken_or_stopped(ws: Connection, form: Callable[[int], list[Frame]], mebibytes: int) -> None:
    """Eight kilobytes that inflate to eight mebibytes are delivered or stopped, and others are served.

    A limit is favoured, and where it is, is written down. A target that falls over, or waits for ever, fails.
    """
    ws.conversation.provoked = Provocation.LIMIT
    await ws.send(*form(mebibytes))
    ws.note("what became of it", await _expect_taken_or_stopped(ws))
    await expect_target_alive(ws.session)
