"""Sec-WebSocket-Extensions: the offers that a server may accept, and how it answers them (RFC 6455 4.2.2, 9.1)."""

from __future__ import annotations

from wsconform import (
    BROWSER_OFFER,
    DEFLATE,
    Answer,
    Extension,
    Frame,
    Opening,
    Request,
    case,
    deflate_answers,
    each,
    parse_extensions,
)

from .answers import EXTENSIONS, accepted_extensions, field_text

_UNKNOWN = "ignore the extensions that you do not know, and accept the handshake without them"
_ANSWER = "list only the offers that you accept in the response"

#: Long enough that a target compresses it if it compresses anything.
_COMPRESSIBLE = Frame.text("wsconform " * 400)


@case("6455-4.1-38", hint="use an extension only if the client's offer and your answer both name it")
async def no_extension_is_used_without_an_offer(opening: Opening) -> None:
    """If the client offers no extension, the server answers with none, and no frame has a reserved bit set.

    The text that is sent is long and repetitive, so any target that compresses at all would compress its echo.
    """
    ws = await opening.expect_accepted(opening.request.without(EXTENSIONS))
    entry, head = ws.conversation.heads[-1]
    opening.expect(
        EXTENSIONS not in head.fields, f"no {EXTENSIONS} in the 101", str(head.fields.get(EXTENSIONS)), entry
    )
    await ws.send(_COMPRESSIBLE)
    await ws.settle()
    bits = [(entry, frame.rsv) for entry, frame in ws.conversation.frames if frame.rsv]
    opening.expect(not bits, "every RSV bit zero", f"RSV bits {bits[:1]}", bits[0][0] if bits else None)


@case("6455-4.2.1-23", hint=_UNKNOWN)
@each(
    offer={
        "parameters": 'x-unknown; p=1; q="z"',
        "bare": "x-unknown",
        "several": "x-unknown, x-other; a, x-third; b=c",
        "same_twice": "x-unknown; a=1, x-unknown; a=2",
        "long_name": "x-" + "unknown" * 30,
        "odd_token": "!#$%&'*+-.^_`|~0",
    }
)
async def unknown_extensions_do_not_invalidate_the_handshake(opening: Opening, offer: str) -> None:
    """Extensions that the target does not know are ignored, and the connection is opened without them.

    Refusing them locks out every client that knows one extension more. Repeating them agrees to an extension that the
    target does not implement.
    """
    answer, _ = await opening.exchange(_offering(opening, offer))
    opening.expect(answer.accepted, "101", str(answer), answer.entry)
    named = {extension.name for extension in parse_extensions(offer.encode())}
    known = [extension.name for extension in accepted_extensions(opening, answer) if extension.name in named]
    opening.expect(not known, "101 without the unknown extensions", f"101 that accepts {known}", answer.entry)


@case("6455-4.2.2-21", "6455-9-2", hint=_ANSWER)
@each(offer={"nothing": None, "unknown": "x-unknown", "deflate": BROWSER_OFFER, "other_deflate": "x-deflate-frame"})
async def only_offered_extensions_are_accepted(opening: Opening, offer: str | None) -> None:
    """The response lists only extensions that the request listed.

    A target that always names its own extension makes a correct client fail the connection.
    """
    answer, _ = await opening.exchange(_offering(opening, offer))
    opening.expect(answer.accepted, "101", str(answer), answer.entry)
    named = {extension.name for extension in parse_extensions(offer.encode())} if offer else set()
    extra = [str(extension) for extension in accepted_extensions(opening, answer) if extension.name not in named]
    opening.expect(not extra, "no extension that was not offered", f"101 that accepts {extra}", answer.entry)


@case("6455-4.2.2-22", "6455-9.1-12", "7692-5-2", hint=_ANSWER)
@each(
    offer={
        "windows": f"{DEFLATE}; server_max_window_bits=10, {DEFLATE}; client_max_window_bits, x-unknown",
        "takeover": f"x-unknown, {DEFLATE}; server_no_context_takeover, {DEFLATE}",
        "mixed": f"{DEFLATE}; server_no_context_takeover; server_max_window_bits=12, x-unknown, {DEFLATE}",
        "equal": f"{DEFLATE}, {DEFLATE}",
        "window_first": f"{DEFLATE}; server_max_window_bits=10, {DEFLATE}",
        "three": f"{DEFLATE}; client_max_window_bits=9, {DEFLATE}; client_no_context_takeover, {DEFLATE}",
    }
)
async def answer_derives_from_one_of_the_offers(opening: Opening, offer: str) -> None:
    """The target answers at most one of several offers of an extension, with parameters that fit that offer.

    A target that answers each of them, or mixes their parameters, agrees to something that was not offered.
    """
    answer, _ = await opening.exchange(_offering(opening, offer))
    opening.expect(answer.accepted, "101", str(answer), answer.entry)
    accepted = [extension for extension in accepted_extensions(opening, answer) if extension.name == DEFLATE]
    listed = ", ".join(map(str, accepted)) or "none"
    opening.expect(len(accepted) <= 1, f"one {DEFLATE} at most", listed, answer.entry)
    offers = [each for each in parse_extensions(offer.encode()) if each.name == DEFLATE]
    fits = all(any(deflate_answers(one, other) is None for other in offers) for one in accepted)
    opening.expect(fits, "an answer to one of the offers", listed, answer.entry)
    opening.note("accepted", listed)


@case("6455-9.1-12", hint="name each extension that you accept once")
@each(offer={"bare": DEFLATE, "browser": BROWSER_OFFER, "takeover": f"{DEFLATE}; server_no_context_takeover"})
async def accepted_extension_is_named_once(opening: Opening, offer: str) -> None:
    """The response names an accepted extension once, and does not name a declined one.

    Two elements would be two extensions in a row, each with its own compression.
    """
    answer, _ = await opening.exchange(_offering(opening, offer))
    opening.expect(answer.accepted, "101", str(answer), answer.entry)
    accepted = [str(extension) for extension in accepted_extensions(opening, answer) if extension.name == DEFLATE]
    opening.expect(len(accepted) <= 1, f"one {DEFLATE} at most", ", ".join(accepted), answer.entry)


@case("6455-9-1", hint="accept the handshake whether or not you accept an offer")
@each(
    offer={
        "deflate": BROWSER_OFFER,
        "unknown": 'x-unknown; p="z"',
        "unknown_first": f"x-unknown, {BROWSER_OFFER}",
        "deflate_first": f"{BROWSER_OFFER}, x-unknown",
    }
)
async def handshake_is_accepted_whatever_is_offered(opening: Opening, offer: str) -> None:
    """The connection is opened whether the server accepts all, some or none of the offered extensions.

    A target that refuses the handshake because it accepts none of the offers treats an offer as a demand.
    """
    ws = await opening.expect_accepted(_offering(opening, offer))
    opening.note("accepted", ", ".join(map(str, ws.conversation.extensions)) or "none")


@case("6455-11.3.2-1", "6455-9.1-4", hint="join the lines with commas before you read the list")
@each(
    lines={
        "deflate_last": ("x-unknown", BROWSER_OFFER),
        "deflate_first": (BROWSER_OFFER, "x-unknown"),
        "three_lines": ("x-unknown", "x-other; a=1", BROWSER_OFFER),
        "both_known": (f"{DEFLATE}; server_no_context_takeover", DEFLATE),
    }
)
async def offers_on_several_lines_are_one_list(opening: Opening, lines: tuple[str, ...]) -> None:
    """Sec-WebSocket-Extensions on several lines of a request makes one list.

    The answer to several lines is compared with the answer to one line. A target that reads only one line loses offers.
    """
    wanted, _ = await opening.exchange(_offering(opening, ", ".join(lines)))
    answer, _ = await opening.exchange(opening.fresh_request().replacing(EXTENSIONS, *lines))
    same = _outcome(opening, answer) == _outcome(opening, wanted)
    opening.expect(same, *_expected_and_observed(wanted, answer), answer.entry)


@case("6455-9.1-10", hint="accept the first offer in the list that you can serve")
@each(
    offers={
        "takeover_first": (f"{DEFLATE}; server_no_context_takeover", DEFLATE),
        "takeover_last": (DEFLATE, f"{DEFLATE}; server_no_context_takeover"),
    }
)
async def order_of_offers_is_a_preference(opening: Opening, offers: tuple[str, ...]) -> None:
    """A client lists its offers in order of preference; the server's choice is recorded.

    An answer to one of these offers has the parameter; an answer to the other need not have it.
    """
    answer, _ = await opening.exchange(_offering(opening, ", ".join(offers)))
    opening.expect(answer.accepted, "101", str(answer), answer.entry)
    accepted = accepted_extensions(opening, answer)
    opening.choose(f"of {', '.join(offers)} the target accepts {', '.join(map(str, accepted)) or 'none'}")


def _offering(opening: Opening, offer: str | None) -> Request:
    request = opening.fresh_request()
    return request.without(EXTENSIONS) if offer is None else request.replacing(EXTENSIONS, offer)


def _outcome(opening: Opening, answer: Answer) -> tuple[bool, tuple[Extension, ...]]:
    """Return whether the handshake was accepted, and with which extensions."""
    return answer.accepted, accepted_extensions(opening, answer)


def _expected_and_observed(wanted: Answer, answer: Answer) -> tuple[str, str]:
    """Return the expected answer and the observed one, each as text for a finding."""
    expected, observed = (f"{each}, {EXTENSIONS}: {field_text(each.field(EXTENSIONS))}" for each in (wanted, answer))
    return expected, observed
