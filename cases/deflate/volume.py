"""Four or a thousand compressed messages: five kinds of data, eight agreements, many sizes (RFC 7692 section 7.2)."""

from __future__ import annotations

from collections.abc import Mapping

from wsconform import BROWSER_OFFER, Connection, Need, Profile, case, each, echo_volume, replayed

from .data import KINDS, Kind

#: Offers to a server; a client is asked to use the same parameters for its own direction. All but the last are those
#: of Autobahn, whose client never uses context takeover.
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

#: Lengths of messages, and the maximum payload of a frame, in octets (None: one frame per message).
_WHOLE = (16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072)
_CUT = (*((length, 256) for length in _WHOLE[5:]), *((131072, frame) for frame in (1024, 4096, 32768)))
ROWS: Mapping[str, tuple[int, int | None]] = {
    **{str(length): (length, None) for length in _WHOLE},
    **{f"{length}_in_{frame}": (length, frame) for length, frame in _CUT},
}

#: Messages per connection: few show whether compression works, many whether it keeps working.
FEW, MANY = 4, 1000

_HINT = "append 00 00 ff ff to the payload data of the whole message and inflate it; keep to the agreed window"


def _base_offer(kind: Kind, row: tuple[int, int | None]) -> str:
    return _BASE


def _requested(offer: str, row: tuple[int, int | None]) -> str:
    return offer


async def _expect_echoes(ws: Connection, kind: Kind, row: tuple[int, int | None], count: int) -> None:
    length, frame = row
    ws.note("agreed", ws.conversation.deflate)
    await echo_volume(ws, replayed(ws, kind.payloads(length, count), kind.opcode, count, frame))


@case("7692-7.2.2-1", "7692-5-15", needs=Need.ECHO, offer=_base_offer, heavy=True, alone=False, allow=60, hint=_HINT)
@each(kind=KINDS, row=ROWS)
async def compressed_messages_are_echoed(ws: Connection, kind: Kind, row: tuple[int, int | None]) -> None:
    """Compressed messages of any contents, length and frame size are delivered unchanged.

    Every octet of each echo is compared, after inflating if the echo is compressed.
    """
    await _expect_echoes(ws, kind, row, FEW)


@case(
    "7692-5-15",
    "7692-5-7",
    "7692-7.2.2-1",
    needs=Need.ECHO,
    offer=_requested,
    heavy=True,
    alone=False,
    allow=60,
    hint=_HINT,
)
@each(offer=OFFERS, row=ROWS)
async def agreed_parameters_are_respected(ws: Connection, offer: str, row: tuple[int, int | None]) -> None:
    """Once windows and takeover are agreed, compressed messages are delivered in both directions."""
    ws.note("requested", offer)
    await _expect_echoes(ws, KINDS["json"], row, FEW)


@case(
    "7692-7.2.2-1",
    "7692-5-15",
    needs=Need.ECHO,
    offer=_base_offer,
    heavy=True,
    allow=600,
    profile=Profile.FULL,
    hint=_HINT,
)
@each(kind=KINDS, row=ROWS)
async def thousand_compressed_messages_are_echoed(ws: Connection, kind: Kind, row: tuple[int, int | None]) -> None:
    """A thousand compressed messages on one connection are all delivered unchanged."""
    await _expect_echoes(ws, kind, row, MANY)


@case(
    "7692-5-15",
    "7692-5-7",
    "7692-7.2.2-1",
    needs=Need.ECHO,
    offer=_requested,
    heavy=True,
    allow=600,
    profile=Profile.FULL,
    hint=_HINT,
)
@each(offer=OFFERS, row=ROWS)
async def agreed_parameters_are_respected_for_a_thousand_messages(
    ws: Connection, offer: str, row: tuple[int, int | None]
) -> None:
    """The agreed windows and takeover apply to all of a thousand messages on one connection."""
    ws.note("requested", offer)
    await _expect_echoes(ws, KINDS["json"], row, MANY)
