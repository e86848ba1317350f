"""The window of what we send: as large as was agreed, 32768 octets where nothing was (section 7.1.2)."""

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

from .made import compressed, open_with, our_window, require_takeover, require_window

_WHOLE = 1 << 15
_HINT = "inflate with a window of 2 to the 15 unless the answer has max_window_bits for the sender"
_AGREED = "inflate with the window of the answer at least; what the offer said is a hint"


def _far_match(ws: Connection, distance: int, length: int = 258) -> tuple[list[Frame], list[Frame]]:
    """Return one message with a match of `length` octets from `distance` back, and what it inflates to."""
    before = ws.random_octets(distance)
    octets = BlockWriter().stored(before).fixed(Match(length, distance)).message()
    return [compressed(octets, BINARY)], [Frame.binary(before + (before * 2)[:length])]


def _over_messages(ws: Connection, distance: int, count: int) -> tuple[list[Frame], list[Frame]]:
    """Return `count` messages of `distance` octets together, one that refers to their start, and what they mean."""
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
async def message_refers_as_far_back_as_can_be_said(ws: Connection, distance: int, length: int) -> None:
    """Where no smaller window was agreed, a match may lie 32768 octets back.

    zlib itself never goes beyond 32506, so that a target that was tried with zlib alone may have a smaller window.
    """
    require_window(ws, _WHOLE)
    sent, meant = _far_match(ws, distance, length)
    await ws.send(*sent)
    await ws.expect_echo(*meant)


@case(
    *("7692-7.2.2-10", "7692-7.2.2-11", "7692-7.1.2.1-4", "7692-7.1.2.2-7", "7692-5-4"),
    needs=Need.ECHO,
    offer=DEFLATE,
    hint=_HINT,
)
@each(distance=(32506, 32768), count=(1, 2, 33))
async def reference_over_messages_goes_as_far_back(ws: Connection, distance: int, count: int) -> None:
    """The window spans messages: the last one refers to the first octet of those before, 32768 octets back.

    A target that keeps less of earlier messages than of the present one shows here.
    """
    require_takeover(ws)
    require_window(ws, _WHOLE)
    sent, meant = _over_messages(ws, distance, count)
    await ws.send(*sent)
    await ws.expect_echo(*meant)


@case(
    "7692-5-7",
    "7692-7.2.1-17",
    needs=Need.ECHO,
    offer="permessage-deflate; client_max_window_bits=10",
    hint=_AGREED,
)
async def windows_hint_of_the_offer_binds_nobody(ws: Connection) -> None:
    """client_max_window_bits=10 in the offer is a hint: what the answer leaves larger, the client may use.

    A server that takes the hint for an agreement, without saying so in its answer, cannot find what lies farther back.
    """
    require_window(ws, 1 << 11)
    await _use(ws, our_window(ws), 4)


@case("7692-5-7", "7692-7.2.2-13", needs=Need.ECHO, offer=BROWSER_OFFER, hint=_AGREED)
@each(form={"in_one_message": 0, "over_messages": 3})
async def window_that_the_server_chose_is_used_to_its_end(ws: Connection, form: int) -> None:
    """Where the answer has client_max_window_bits, the server may have a window of that size; we use all of it.

    An inflater with a window smaller than the server itself said shows.
    """
    _require_chosen_window(ws)
    await _use(ws, our_window(ws), form)


@case("7692-5-7", "7692-7.2.2-13", needs=Need.ECHO, offer="permessage-deflate; client_max_window_bits=9", hint=_AGREED)
@each(form={"in_one_message": 0, "over_messages": 3})
async def window_that_we_asked_for_is_used_to_its_end(ws: Connection, form: int) -> None:
    """Where the answer has client_max_window_bits, as we had asked, we use all of the window that it says."""
    _require_chosen_window(ws)
    await _use(ws, our_window(ws), form)


@case("7692-5-15", "7692-7.2.2-12", needs=Need.ECHO, hint=_AGREED)
@each(bits=(8, 9, 10, 15), form={"in_one_message": 0, "over_messages": 3})
async def window_that_we_promised_is_used_to_its_end(incoming: Incoming, bits: int, form: int) -> None:
    """Where our answer has server_max_window_bits, the client may have a window of that size; we use all of it.

    A client whose inflater has less than 2 to the agreed number of octets shows.
    """
    _require_room(incoming, bits)
    with incoming.arranging("server_max_window_bits in our answer"):
        ws = await open_with(incoming, "server_max_window_bits", str(bits))
    await _use(ws, 1 << bits, form)


def _require_chosen_window(ws: Connection) -> None:
    agreed = ws.conversation.deflate
    if agreed is None or agreed.get("client_max_window_bits") is None:
        raise Unreached(Reason.NOT_OFFERED, "the target did not choose a window for us")


def _require_room(incoming: Incoming, bits: int) -> None:
    wanted = incoming.accepted_deflate().get("server_max_window_bits")
    if wanted and int(wanted) < bits:
        raise Unreached(Reason.NOT_OFFERED, f"the client wants a window of {1 << int(wanted)} octets")


async def _use(ws: Connection, window: int, form: int) -> None:
    if form:
        require_takeover(ws)
    sent, meant = _over_messages(ws, window, form) if form else _far_match(ws, window, 200)
    await ws.send(*sent)
    await ws.expect_echo(*meant)
