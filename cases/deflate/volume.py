"""Compressed messages, few and a thousand: five kinds of data, eight agreements, eighteen sizes (RFC 7692 7.2)."""

from __future__ import annotations

from collections.abc import Mapping

from wsconform import BROWSER_OFFER, Connection, Need, Profile, case, each, echo_volume, replayed

from .data import KINDS, Kind

#: What is asked of a server; a client is asked to keep its own direction to the same. All but the last are the older
#: suite's, which never takes over a window of its own from a client to a server.
_BASE = "permessage-deflate; client_no_context_takeover; client_max_window_bits"
OFFERS: Mapping[str, str] = {
    "nothing": _BASE,
    "no_takeover": f"{_BASE}; server_no_context_takeover",
    "window_9": f"{_BASE}; server_max_window_bits=9",
    "window_15": f"{_BASE}; server_max_window_bits=15",
    "no_takeover_window_9": f"{_BASE}; server_no_context_takeover; server_max_window_bits=9",
    "no_takeover_window_15": f"{_BASE}; server_no_context_takeover; server_max_window_bits=15",
    "three_offers": (
        f"{_BASE}; server_no_context_takeover; server_max_window_bits=9, {_BASE}; server_no_context_takeover, {_BASE}"
    ),
    "takeover": BROWSER_OFFER,
}

#: Lengths of messages, and the most octets of a frame (None: one frame each).
_WHOLE = (16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072)
_CUT = (*((length, 256) for length in _WHOLE[5:]), *((131072, frame) for frame in (1024, 4096, 32768)))
ROWS: Mapping[str, tuple[int, int | None]] = {
    **{str(length): (length, None) for length in _WHOLE},
    **{f"{length}_in_{frame}": (length, frame) for length, frame in _CUT},
}

#: Messages of a connection: few find out whether it works, many whether it goes on working.
FEW, MANY = 4, 1000

_HINT = "append 00 00 ff ff to the payload of all frames and inflate; keep the window as it was agreed"


def _base(kind: Kind, row: tuple[int, int | None]) -> str:
    return _BASE


def _asked(offer: str, row: tuple[int, int | None]) -> str:
    return offer


async def _expect_echoes(ws: Connection, kind: Kind, row: tuple[int, int | None], count: int) -> None:
    length, frame = row
    ws.note("agreed", ws.conversation.deflate)
    await echo_volume(ws, replayed(ws, kind.payloads(length, count), kind.opcode, count, frame))


@case("7692-7.2.2-1", "7692-5-15", needs=Need.ECHO, offer=_base, heavy=True, alone=False, allow=60, hint=_HINT)
@each(kind=KINDS, row=ROWS)
async def compressed_messages_come_back(ws: Connection, kind: Kind, row: tuple[int, int | None]) -> None:
    """Compressed messages are delivered as they were, whatever they hold, however long, and in whatever frames.

    All of each echo is compared, after it was inflated where it came compressed.
    """
    await _expect_echoes(ws, kind, row, FEW)


@case(
    "7692-5-15",
    "7692-5-7",
    "7692-7.2.2-1",
    needs=Need.ECHO,
    offer=_asked,
    heavy=True,
    alone=False,
    allow=60,
    hint=_HINT,
)
@each(offer=OFFERS, row=ROWS)
async def agreement_is_kept(ws: Connection, offer: str, row: tuple[int, int | None]) -> None:
    """After a handshake that agrees on windows and takeover, compressed messages are delivered in either direction."""
    ws.note("asked for", offer)
    await _expect_echoes(ws, KINDS["json"], row, FEW)


@case(
    "7692-7.2.2-1",
    "7692-5-15",
    needs=Need.ECHO,
    offer=_base,
    heavy=True,
    allow=600,
    profile=Profile.FULL,
    hint=_HINT,
)
@each(kind=KINDS, row=ROWS)
async def thousand_compressed_messages_come_back(ws: Connection, kind: Kind, row: tuple[int, int | None]) -> None:
    """A thousand compressed messages on one connection are delivered, the last as the first."""
    await _expect_echoes(ws, kind, row, MANY)


@case(
    "7692-5-15",
    "7692-5-7",
    "7692-7.2.2-1",
    needs=Need.ECHO,
    offer=_asked,
    heavy=True,
    allow=600,
    profile=Profile.FULL,
    hint=_HINT,
)
@each(offer=OFFERS, row=ROWS)
async def agreement_is_kept_for_a_thousand_messages(ws: Connection, offer: str, row: tuple[int, int | None]) -> None:
    """What was agreed on windows and takeover holds for a thousand messages on one connection."""
    ws.note("asked for", offer)
    await _expect_echoes(ws, KINDS["json"], row, MANY)
