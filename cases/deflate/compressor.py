"""The target's own compressor: it respects the agreed window and context takeover (RFC 7692 section 7.2.1).

These cases measure the distances in the target's DEFLATE blocks. Its messages are inflated with the largest window and
with context takeover, regardless of the agreement, so that a reference that is too far back can be read and measured.
"""

from __future__ import annotations

from wsconform import (
    BROWSER_OFFER,
    DEFLATE,
    Answer,
    Connection,
    HttpConnection,
    Incoming,
    Need,
    Opening,
    Reason,
    Unreached,
    case,
    each,
)

from .distances import expect_fresh_windows, expect_window, similar
from .our_answers import acceptance_with, deflate_offers, is_opened, response_with
from .our_offers import WINDOW_BITS, accepted_deflate, described, open_offering, request_offering

_WINDOW = "give your compressor the agreed window, or decline a window that it does not support"
_FRESH = "start every message with a new compressor if no_context_takeover is agreed for you"


def _bits(ws: Connection, side: str) -> int:
    """Return the window agreed for `side` ("server" or "client"), in bits; 15 if the answer does not limit it."""
    extension = ws.conversation.deflate
    value = extension.get(f"{side}_max_window_bits") if extension else None
    return next((bits for bits in WINDOW_BITS if str(bits) == value), 15)


# --- servers


@case("7692-7.2.1-18", needs=Need.ECHO, heavy=True, allow=20, hint=_WINDOW)
@each(
    offer={str(bits): f"{DEFLATE}; server_max_window_bits={bits}" for bits in range(9, 16)}
    | {
        "9_no_takeover": f"{DEFLATE}; server_no_context_takeover; server_max_window_bits=9",
        "11_both": f"{DEFLATE}; server_max_window_bits=11; client_max_window_bits=11",
        "browser": BROWSER_OFFER,
    }
)
async def agreed_server_window_is_respected(opening: Opening, offer: str) -> None:
    """Once server_max_window_bits is agreed, the server refers back no farther than that window.

    The probe repeats itself at known distances below and above every window size, so a compressor with a larger window
    uses a repetition that is too far back. The value in the answer counts.
    """
    ws = await open_offering(opening, offer)
    await expect_window(ws, _bits(ws, "server"))


@case("7692-7-4", "7692-7.2.1-18", needs=Need.ECHO, heavy=True, allow=20, hint=_WINDOW)
@each(bits=(8, 9))
async def small_server_window_is_declined_or_respected(opening: Opening, bits: int) -> None:
    """A window that many compressors do not support is declined, or accepted and respected.

    zlib does not support a window of 8 bits in raw streams: it uses 9 instead, or fails. A server that compresses with
    zlib and answers with 8 breaks its promise.
    """
    answer, wire = await opening.exchange(request_offering(opening, f"{DEFLATE}; server_max_window_bits={bits}"))
    reacted = answer.accepted or 400 <= answer.status < 500
    opening.expect(reacted, "101, with the offer accepted or declined", str(answer), answer.entry)
    opening.depart_if(not answer.accepted, f"refuses the handshake ({answer}) instead of declining the offer")
    await _expect_window_if_accepted(opening, answer, wire)


async def _expect_window_if_accepted(opening: Opening, answer: Answer, wire: HttpConnection) -> None:
    accepted = accepted_deflate(answer)
    opening.note("accepted", described(accepted))
    if accepted is not None:
        ws = wire.upgrade(answer)
        await expect_window(ws, _bits(ws, "server"))


@case("7692-7.2.1-14", needs=Need.ECHO, hint=_FRESH)
@each(
    offer={
        "alone": f"{DEFLATE}; server_no_context_takeover",
        "both": f"{DEFLATE}; server_no_context_takeover; client_no_context_takeover",
        "window": f"{DEFLATE}; server_no_context_takeover; server_max_window_bits=12",
        "browser": f"{BROWSER_OFFER}; server_no_context_takeover",
    }
)
async def server_compresses_each_message_with_an_empty_window(opening: Opening, offer: str) -> None:
    """Once server_no_context_takeover is agreed, every message of the server can be inflated by itself.

    The messages differ in one number only, so a compressor that keeps its window refers to the previous message.
    """
    ws = await open_offering(opening, offer)
    accepted = ws.conversation.deflate
    promised = accepted is not None and accepted.get("server_no_context_takeover") is not None
    _require(promised, "the target does not agree to server_no_context_takeover")
    await expect_fresh_windows(ws, similar(5))


def _require(condition: bool, otherwise: str) -> None:
    """Raise Unreached with the reason `otherwise` unless `condition` holds."""
    if not condition:
        raise Unreached(Reason.NOT_OFFERED, otherwise)


# --- clients


@case("7692-7.2.1-16", "7692-7.1.2.2-6", needs=Need.ECHO, heavy=True, allow=20, hint=_WINDOW)
@each(bits=range(9, 16), extra={"takeover": "", "no_takeover": "; client_no_context_takeover"})
async def agreed_client_window_is_respected(incoming: Incoming, bits: int, extra: str) -> None:
    """Once client_max_window_bits is agreed, the client refers back no farther than that window.

    A client that offers the parameter must support each of its values. A client that sets up its compressor before the
    answer arrives has the wrong window.
    """
    _require_client_window_offered(incoming)
    answer = acceptance_with(incoming, f"client_max_window_bits={bits}{extra}")
    ws = await incoming.expect_open(response_with(incoming, answer))
    await expect_window(ws, bits)


@case("7692-7.1.2.2-6", "7692-7.2.1-16", needs=Need.ECHO, heavy=True, allow=20, hint=_WINDOW)
async def smallest_client_window_is_respected_or_rejected(incoming: Incoming) -> None:
    """A client window of 8 bits, which zlib does not support, is respected; failing the connection is a departure."""
    _require_client_window_offered(incoming)
    answer = acceptance_with(incoming, "client_max_window_bits=8")
    ws, opened = await is_opened(incoming, response_with(incoming, answer))
    incoming.depart_if(not opened, "fails the connection over client_max_window_bits=8, which it offered to support")
    await _expect_window_if(opened, ws, 8)


async def _expect_window_if(opened: bool, ws: Connection, bits: int) -> None:
    if opened:
        await expect_window(ws, bits)


def _require_client_window_offered(incoming: Incoming) -> None:
    offered = any(offer.get("client_max_window_bits") is not None for offer in deflate_offers(incoming))
    _require(offered, "the client does not offer client_max_window_bits")


@case("7692-7.2.2-14", "7692-7.2.1-16", needs=Need.ECHO, heavy=True, allow=20, hint=_WINDOW)
@each(more={"smaller": -1, "equal": 0, "larger": 1})
async def agreed_client_window_overrides_the_hint(incoming: Incoming, more: int) -> None:
    """If the offer gives a size for the client's window and the answer another, the client uses the latter."""
    values = [offer.get("client_max_window_bits") for offer in deflate_offers(incoming)]
    bits = next((bits for bits in WINDOW_BITS if str(bits) in values), 0) + more
    _require(bits in WINDOW_BITS, "the client offers client_max_window_bits without a value, or a value at the limit")
    answer = acceptance_with(incoming, f"client_max_window_bits={bits}")
    ws = await incoming.expect_open(response_with(incoming, answer))
    await expect_window(ws, bits)


@case("7692-7.2.1-12", needs=Need.ECHO, hint=_FRESH)
@each(extra={"alone": "", "server_too": "; server_no_context_takeover"})
async def client_compresses_each_message_with_an_empty_window(incoming: Incoming, extra: str) -> None:
    """Once client_no_context_takeover is agreed, every message of the client can be inflated by itself.

    The messages differ in one number only, so a compressor that keeps its window refers to the previous message.
    """
    answer = acceptance_with(incoming, f"client_no_context_takeover{extra}")
    ws = await incoming.expect_open(response_with(incoming, answer))
    await expect_fresh_windows(ws, similar(5))


@case("7692-7.1.1.2-3", needs=Need.ECHO, hint=_FRESH)
@each(size=(1000, 30000))
async def client_no_context_takeover_is_supported(incoming: Incoming, size: int) -> None:
    """A client supports client_no_context_takeover in an answer: it accepts the answer and gives up takeover.

    It sends the same message twice. With takeover, the second would be a single reference to the first.
    """
    answer = acceptance_with(incoming, "client_no_context_takeover")
    ws = await incoming.expect_open(response_with(incoming, answer))
    await expect_fresh_windows(ws, similar(1, size) * 2)
