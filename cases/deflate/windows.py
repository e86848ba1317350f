"""The window of our messages: as large as agreed, or 32768 octets by default (RFC 7692 section 7.1.2)."""

from __future__ import annotations

import itertools

from wsconform import (
    BINARY,
    BROWSER_OFFER,
    DEFLATE,
    BlockWriter,
    Connection,
    Frame,
    Incoming,
    Match,
    Need,
    Reason,
    Unreached,
    case,
    each,
)

from .messages import compressed, open_with, our_window, require_takeover, require_window

_WHOLE = 1 << 15
_HINT = "inflate with a window of 32768 octets unless the answer has max_window_bits for the sender"
_AGREED = "inflate with a window no smaller than the answer gives; a value in the offer is only a hint"


def _far_match(ws: Connection, distance: int, length: int = 258) -> tuple[list[Frame], list[Frame]]:
    """Return a message with a match of `length` octets from `distance` octets back, and the message it inflates to."""
    before = ws.random_octets(distance)
    octets = BlockWriter().stored(before).fixed(Match(length, distance)).message()
    return [compressed(octets, BINARY)], [Frame.binary(before + (before * 2)[:length])]


def _over_messages(ws: Connection, distance: int, count: int) -> tuple[list[Frame], list[Frame]]:
    """Return `count` messages of `distance` octets in all and one that refers to their start; and the same inflated."""
    cuts = [distance * number // count for number in range(count + 1)]
    octets = ws.random_octets(distance)
    parts = [octets[start:end] for start, end in itertools.pairwise(cuts)]
    sent = [compressed(BlockWriter().stored(part).message(), BINARY) for part in parts]
    sent.append(compressed(BlockWriter().fixed(Match(200, distance)).message(), BINARY))
    return sent, [Frame.binary(part) for part in (*parts, octets[:200])]


@case(
    *("7692-7.2.2-10", "7692-7.2.2-11", "7692-7.1.2.1-4", "7692-7.1.2.2-7", "7692-5-4"),
    needs=Need.ECHO,
    offer=DEFLATE,
    hint=_HINT,
)
@each(distance=(32506, 32507, 32767, 32768), length=(3, 258))
async def reference_inside_a_message_may_span_the_full_window(ws: Connection, distance: int, length: int) -> None:
    """If no smaller window was agreed, a match may lie 32768 octets back.

    zlib never refers back farther than 32506 octets, so a target tested with zlib alone may have a smaller window.
    """
    require_window(ws, _WHOLE)
    sent, inflated = _far_match(ws, distance, length)
    await ws.send(*sent)
    await ws.expect_echo(*inflated)


@case(
    *("7692-7.2.2-10", "7692-7.2.2-11", "7692-7.1.2.1-4", "7692-7.1.2.2-7", "7692-5-4"),
    needs=Need.ECHO,
    offer=DEFLATE,
    hint=_HINT,
)
@each(distance=(32506, 32768), count=(1, 2, 33))
async def reference_across_messages_may_span_the_full_window(ws: Connection, distance: int, count: int) -> None:
    """The window spans messages: the last one refers to the first octet of the earlier ones, up to 32768 octets back.

    A target that keeps fewer octets of earlier messages than of the current one fails here.
    """
    require_takeover(ws)
    require_window(ws, _WHOLE)
    sent, inflated = _over_messages(ws, distance, count)
    await ws.send(*sent)
    await ws.expect_echo(*inflated)


@case(
    "7692-5-7",
    "7692-7.2.1-17",
    needs=Need.ECHO,
    offer="permessage-deflate; client_max_window_bits=10",
    hint=_AGREED,
)
async def client_max_window_bits_in_the_offer_alone_does_not_bind(ws: Connection) -> None:
    """client_max_window_bits=10 in the offer is a hint: if the answer permits a larger window, the client may use it.

    A server that limits its window to the hint, without the parameter in its answer, cannot resolve our match.
    """
    require_window(ws, 1 << 11)
    await _expect_window_supported(ws, our_window(ws), 4)


@case("7692-5-7", "7692-7.2.2-13", needs=Need.ECHO, offer=BROWSER_OFFER, hint=_AGREED)
@each(form={"in_one_message": 0, "over_messages": 3})
async def window_limited_by_the_server_may_be_used_in_full(ws: Connection, form: int) -> None:
    """If the answer has client_max_window_bits, the server inflates with a window of that size; we use all of it.

    A server whose window is smaller than its own answer promises fails.
    """
    _require_limited_window(ws)
    await _expect_window_supported(ws, our_window(ws), form)


@case("7692-5-7", "7692-7.2.2-13", needs=Need.ECHO, offer="permessage-deflate; client_max_window_bits=9", hint=_AGREED)
@each(form={"in_one_message": 0, "over_messages": 3})
async def window_limited_at_our_request_may_be_used_in_full(ws: Connection, form: int) -> None:
    """If the answer has client_max_window_bits at our request, we use all of the window that it gives."""
    _require_limited_window(ws)
    await _expect_window_supported(ws, our_window(ws), form)


@case("7692-5-15", "7692-7.2.2-12", needs=Need.ECHO, hint=_AGREED)
@each(bits=(8, 9, 10, 15), form={"in_one_message": 0, "over_messages": 3})
async def window_limited_by_our_answer_may_be_used_in_full(incoming: Incoming, bits: int, form: int) -> None:
    """If our answer has server_max_window_bits, the client may inflate with a window of that size; we use all of it.

    A client whose window is smaller than the agreed one fails.
    """
    _require_room(incoming, bits)
    with incoming.arranging("server_max_window_bits in our answer"):
        ws = await open_with(incoming, "server_max_window_bits", str(bits))
    await _expect_window_supported(ws, 1 << bits, form)


def _require_limited_window(ws: Connection) -> None:
    agreed = ws.conversation.deflate
    if agreed is None or agreed.get("client_max_window_bits") is None:
        raise Unreached(Reason.NOT_OFFERED, "the target does not limit our window")


def _require_room(incoming: Incoming, bits: int) -> None:
    requested = incoming.accepted_deflate().get("server_max_window_bits")
    if requested and int(requested) < bits:
        raise Unreached(Reason.NOT_OFFERED, f"the client limits our window to {1 << int(requested)} octets")


async def _expect_window_supported(ws: Connection, window: int, form: int) -> None:
    """Send a message that refers back `window` octets: to itself if `form` is 0, else over `form` earlier messages."""
    if form:
        require_takeover(ws)
    sent, inflated = _over_messages(ws, window, form) if form else _far_match(ws, window, 200)
    await ws.send(*sent)
    await ws.expect_echo(*inflated)
