"""How far back a target refers when it compresses: windows and takeover as agreed, measured (RFC 7692 section 7.2.1).

What is measured are the distances in the target's own DEFLATE blocks. Its messages are inflated with the largest window
and with takeover, whatever was agreed, so that a breach shows as one even though the message could be read.
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
from .negotiated import WINDOWS, agreed, offering, open_with, told
from .replies import accepting, deflate_offers, is_opened, replying

_KEEP = "give your compressor the window that was agreed, or decline a window that it cannot make"
_FRESH = "start every message with a new compressor where no context takeover is agreed for you"


def _bits(ws: Connection, side: str) -> int:
    """Return the window that was agreed for `side`, in bits; 15 where nothing was said about it."""
    extension = ws.conversation.deflate
    value = extension.get(f"{side}_max_window_bits") if extension else None
    return next((bits for bits in WINDOWS if str(bits) == value), 15)


# --- servers


@case("7692-7.2.1-18", needs=Need.ECHO, heavy=True, allow=20, hint=_KEEP)
@each(
    offer={str(bits): f"{DEFLATE}; server_max_window_bits={bits}" for bits in range(9, 16)}
    | {
        "9_no_takeover": f"{DEFLATE}; server_no_context_takeover; server_max_window_bits=9",
        "11_both": f"{DEFLATE}; server_max_window_bits=11; client_max_window_bits=11",
        "browser": BROWSER_OFFER,
    }
)
async def window_of_the_server_is_kept(opening: Opening, offer: str) -> None:
    """Once server_max_window_bits is agreed, no reference of the server goes back farther than that window.

    The probe repeats itself at known distances on both sides of every size; a compressor with a larger window cannot
    leave them alone. What counts is the value of the answer.
    """
    ws = await open_with(opening, offer)
    await expect_window(ws, _bits(ws, "server"))


@case("7692-7-4", "7692-7.2.1-18", needs=Need.ECHO, heavy=True, allow=20, hint=_KEEP)
@each(bits=(8, 9))
async def small_window_is_declined_or_kept(opening: Opening, bits: int) -> None:
    """A window that many compressors cannot make is declined, or accepted and kept.

    zlib makes no raw stream of 8 bits, and takes 9 instead, or fails: an answer that repeats the 8 promises too much.
    """
    answer, wire = await opening.exchange(offering(opening, f"{DEFLATE}; server_max_window_bits={bits}"))
    reacted = answer.accepted or 400 <= answer.status < 500
    opening.expect(reacted, "101, with the offer accepted or declined", str(answer), answer.entry)
    opening.depart_if(not answer.accepted, f"refuses the handshake ({answer}) instead of declining the offer")
    await _expect_window_if_accepted(opening, answer, wire)


async def _expect_window_if_accepted(opening: Opening, answer: Answer, wire: HttpConnection) -> None:
    accepted = agreed(answer)
    opening.note("accepted", told(accepted))
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
async def server_starts_with_an_empty_window(opening: Opening, offer: str) -> None:
    """Once server_no_context_takeover is agreed, every message of the server can be inflated by itself.

    The messages differ in one number, and a window taken over would be used for all the rest.
    """
    ws = await open_with(opening, offer)
    accepted = ws.conversation.deflate
    promised = accepted is not None and accepted.get("server_no_context_takeover") is not None
    _require(promised, "the target does not agree to server_no_context_takeover")
    await expect_fresh_windows(ws, similar(5))


def _require(condition: bool, otherwise: str) -> None:
    """Go on where `condition` holds; else Unreached, and `otherwise` says why."""
    if not condition:
        raise Unreached(Reason.NOT_OFFERED, otherwise)


# --- clients


@case("7692-7.2.1-16", "7692-7.1.2.2-6", needs=Need.ECHO, heavy=True, allow=20, hint=_KEEP)
@each(bits=range(9, 16), beside={"takeover": "", "no_takeover": "; client_no_context_takeover"})
async def window_of_the_client_is_kept(incoming: Incoming, bits: int, beside: str) -> None:
    """Once client_max_window_bits is agreed, no reference of the client goes back farther than that window.

    A client that offers the parameter supports every value of it, and a compressor that is set up before the answer
    comes has the wrong window.
    """
    _require_a_hint(incoming)
    ws = await incoming.expect_open(replying(incoming, accepting(incoming, f"client_max_window_bits={bits}{beside}")))
    await expect_window(ws, bits)


@case("7692-7.1.2.2-6", "7692-7.2.1-16", needs=Need.ECHO, heavy=True, allow=20, hint=_KEEP)
async def smallest_window_of_the_client_is_kept_or_refused(incoming: Incoming) -> None:
    """A window of 8 bits, which zlib cannot make, is kept; to fail the connection over it is not favoured."""
    _require_a_hint(incoming)
    ws, opened = await is_opened(incoming, replying(incoming, accepting(incoming, "client_max_window_bits=8")))
    incoming.depart_if(not opened, "fails the connection over client_max_window_bits=8, which it offered to support")
    await _expect_window_if(opened, ws, 8)


async def _expect_window_if(opened: bool, ws: Connection, bits: int) -> None:
    if opened:
        await expect_window(ws, bits)


def _require_a_hint(incoming: Incoming) -> None:
    offered = any(offer.get("client_max_window_bits") is not None for offer in deflate_offers(incoming))
    _require(offered, "the client does not offer client_max_window_bits")


@case("7692-7.2.2-14", "7692-7.2.1-16", needs=Need.ECHO, heavy=True, allow=20, hint=_KEEP)
@each(more={"smaller": -1, "equal": 0, "larger": 1})
async def agreed_window_counts_and_not_the_hint(incoming: Incoming, more: int) -> None:
    """Where the client says how large its window will be, the answer's value is the one that binds it."""
    values = [offer.get("client_max_window_bits") for offer in deflate_offers(incoming)]
    bits = next((bits for bits in WINDOWS if str(bits) in values), 0) + more
    _require(bits in WINDOWS, "the client gives no value to client_max_window_bits, or none beside which is another")
    ws = await incoming.expect_open(replying(incoming, accepting(incoming, f"client_max_window_bits={bits}")))
    await expect_window(ws, bits)


@case("7692-7.2.1-12", needs=Need.ECHO, hint=_FRESH)
@each(beside={"alone": "", "server_too": "; server_no_context_takeover"})
async def client_starts_with_an_empty_window(incoming: Incoming, beside: str) -> None:
    """Once client_no_context_takeover is agreed, every message of the client can be inflated by itself.

    The messages differ in one number, and a window taken over would be used for all the rest.
    """
    answer = accepting(incoming, f"client_no_context_takeover{beside}")
    ws = await incoming.expect_open(replying(incoming, answer))
    await expect_fresh_windows(ws, similar(5))


@case("7692-7.1.1.2-3", needs=Need.ECHO, hint=_FRESH)
@each(size=(1000, 30000))
async def client_no_context_takeover_is_supported(incoming: Incoming, size: int) -> None:
    """A client supports client_no_context_takeover in an answer: it goes on, and sends the same message twice in full.

    With takeover the second one would be a single reference to the first.
    """
    ws = await incoming.expect_open(replying(incoming, accepting(incoming, "client_no_context_takeover")))
    await expect_fresh_windows(ws, similar(1, size) * 2)
