"""Offers of permessage-deflate that a server must decline, and its choice among several (RFC 7692 sections 5 and 7)."""

from __future__ import annotations

from wsconform import (
    DEFLATE,
    RSV1,
    Connection,
    Frame,
    Need,
    Opening,
    Provocation,
    Reason,
    Unreached,
    case,
    deflate_answers,
    each,
    parse_extensions,
)

from .messages import HELLO
from .our_offers import (
    accepted_deflate,
    answer_to,
    described,
    request_offering,
    require_supported,
    with_extensions,
)

_DECLINE = "decline the offer: answer 101 without permessage-deflate"
_NEXT = "decline the invalid offer, and go on with the next one of the list"

UNDEFINED = {
    "bare": "foo",
    "with_value": "foo=1",
    "half_a_name": "max_window_bits=10",
    "old_name": "s2c_max_window_bits=10",
    "longer_name": "server_max_window_bits2=10",
    "after_a_known_one": "server_no_context_takeover; foo",
    "before_a_known_one": "foo; client_max_window_bits",
    "level": "client_max_window_bits; level=9",
}

#: Invalid values of window bits; many are spelled so that a lenient number parser reads them as 8 to 15.
INVALID_BITS = {
    "7": "7",
    "16": "16",
    "0": "0",
    "08": "08",
    "015": "015",
    "minus_10": "-10",
    "plus_10": "+10",
    "1e1": "1e1",
    "hexadecimal": "0xA",
    "fraction": "10.0",
    "underscore": "1_0",
    "abc": "abc",
    "trailing_letter": "10a",
    "two_to_32_and_10": "4294967306",
    "two_to_64_and_10": "18446744073709551626",
}

VALUELESS = {
    "server_no_takeover_1": "server_no_context_takeover=1",
    "server_no_takeover_true": "server_no_context_takeover=true",
    "client_no_takeover_1": "client_no_context_takeover=1",
    "client_no_takeover_true": "client_no_context_takeover=true",
    "client_no_takeover_quoted": 'client_no_context_takeover="0"',
    "server_window_missing": "server_max_window_bits",
}

REPEATED = {
    "server_no_takeover": "server_no_context_takeover; server_no_context_takeover",
    "server_no_takeover_apart": "server_no_context_takeover; client_max_window_bits; server_no_context_takeover",
    "client_no_takeover": "client_no_context_takeover; client_no_context_takeover",
    "server_window_equal": "server_max_window_bits=10; server_max_window_bits=10",
    "server_window_larger": "server_max_window_bits=10; server_max_window_bits=15",
    "server_window_smaller": "server_max_window_bits=15; server_max_window_bits=10",
    "client_window_bare": "client_max_window_bits; client_max_window_bits",
    "client_window_equal": "client_max_window_bits=10; client_max_window_bits=10",
    "client_window_different": "client_max_window_bits=10; client_max_window_bits=15",
    "client_window_bare_and_value": "client_max_window_bits; client_max_window_bits=10",
}


@case("7692-7-1", "7692-5-12", hint=_DECLINE)
@each(parameters=UNDEFINED)
async def undefined_parameter_is_declined(opening: Opening, parameters: str) -> None:
    """An offer with a parameter that is not defined for offers is declined: the 101 does not name the extension.

    A target that ignores unknown parameters agrees to a configuration that it does not understand.
    """
    await _expect_declined(opening, f"{DEFLATE}; {parameters}")


@case("7692-7-2", "7692-5-12", hint=_DECLINE)
@each(value=INVALID_BITS)
async def invalid_server_max_window_bits_is_declined(opening: Opening, value: str) -> None:
    """An offer is declined if its server_max_window_bits is not a decimal number from 8 to 15 without leading zeros.

    Some number parsers accept these spellings: with a sign, a fraction or an exponent, or by overflow.
    """
    await _expect_declined(opening, f"{DEFLATE}; server_max_window_bits={value}")


@case("7692-7-2", "7692-5-12", hint=_DECLINE)
@each(value=INVALID_BITS)
async def invalid_client_max_window_bits_is_declined(opening: Opening, value: str) -> None:
    """An offer is declined if its client_max_window_bits has a value that is not a number from 8 to 15.

    The value is only a hint, so a target that ignores it may forget to validate it.
    """
    await _expect_declined(opening, f"{DEFLATE}; client_max_window_bits={value}")


@case("7692-7-2", "7692-5-12", hint=_DECLINE)
@each(parameter=VALUELESS)
async def missing_or_unexpected_value_is_declined(opening: Opening, parameter: str) -> None:
    """An offer is declined if a parameter without a value has one, or a parameter with a value lacks it."""
    await _expect_declined(opening, f"{DEFLATE}; {parameter}")


@case("7692-7-3", "7692-5-12", hint=_DECLINE)
@each(parameters=REPEATED)
async def repeated_parameter_is_declined(opening: Opening, parameters: str) -> None:
    """An offer that repeats a parameter is declined, whether the values are equal or not.

    A target that stores parameters in a dictionary does not notice the repetition.
    """
    await _expect_declined(opening, f"{DEFLATE}; {parameters}")


async def _expect_declined(opening: Opening, offer: str) -> None:
    """Expect a 101 without the extension; a refusal of the handshake (4xx) is a departure."""
    answer, wire = await opening.exchange(request_offering(opening, offer))
    reacted = answer.accepted or 400 <= answer.status < 500
    opening.expect(reacted, f"101 without {DEFLATE}", str(answer), answer.entry)
    accepted = accepted_deflate(answer)
    opening.expect(accepted is None, f"101 without {DEFLATE}", with_extensions(answer), answer.entry)
    opening.depart_if(not answer.accepted, f"refuses the handshake ({answer}) instead of declining the offer")
    if not answer.accepted:
        wire.conversation.provoked = Provocation.HANDSHAKE


@case("7692-7-5", hint=_NEXT)
@each(
    offers={
        "undefined": ("foo", ""),
        "small_window": ("server_max_window_bits=7", "client_max_window_bits"),
        "large_window": ("server_max_window_bits=16", "server_max_window_bits=15"),
        "repeated": ("client_no_context_takeover; client_no_context_takeover", "server_no_context_takeover"),
        "value": ("server_no_context_takeover=1", "server_no_context_takeover"),
        "undefined_and_window": ("foo; server_max_window_bits=10", "server_no_context_takeover"),
    }
)
async def valid_offer_after_an_invalid_one_may_be_accepted(opening: Opening, offers: tuple[str, str]) -> None:
    """An invalid offer does not prevent the server from accepting a later one of the list.

    If the server accepts, its answer must fit the second offer; if it accepts neither, this is noted.
    """
    bad, good = (f"{DEFLATE}; {parameters}".removesuffix("; ") for parameters in offers)
    answer, _ = await opening.exchange(request_offering(opening, f"{bad}, {good}"))
    opening.expect(answer.accepted, "101, with the second offer accepted or declined", str(answer), answer.entry)
    accepted = accepted_deflate(answer)
    problem = deflate_answers(accepted, *parse_extensions(good.encode())) if accepted else None
    opening.expect(problem is None, f"an answer to {good}, or none", f"{described(accepted)}: {problem}", answer.entry)
    opening.note("accepted", described(accepted))


@case("7692-5-3", hint="go through the offers in order, and accept the first that you support")
@each(
    first={
        "takeover": "server_no_context_takeover",
        "window": "server_max_window_bits=12",
        "both": "server_no_context_takeover; server_max_window_bits=12",
    },
    second={"plain": "", "browser": "client_max_window_bits"},
)
async def first_supported_offer_is_accepted(opening: Opening, first: str, second: str) -> None:
    """Of two offers that the target supports, it accepts the first, which the client prefers.

    Before that, the case offers the first one alone to find out whether the target supports it.
    """
    preferred, other = f"{DEFLATE}; {first}", f"{DEFLATE}; {second}".removesuffix("; ")
    await require_supported(opening, preferred)
    _, accepted = await answer_to(opening, f"{preferred}, {other}")
    problem = "declined" if accepted is None else deflate_answers(accepted, *parse_extensions(preferred.encode()))
    opening.depart_if(problem is not None, f"of {preferred} and {other} it accepts {described(accepted)}")
    opening.note("accepted", described(accepted))


@case("7692-7-11")
@each(
    offer={
        "capitals": "Permessage-Deflate",
        "upper": DEFLATE.upper(),
        "parameter_capitals": f"{DEFLATE}; Server_Max_Window_Bits=10",
        "parameter_upper": f"{DEFLATE}; SERVER_NO_CONTEXT_TAKEOVER",
    }
)
async def names_in_other_letter_case_get_an_answer(opening: Opening, offer: str) -> None:
    """The RFCs do not say whether names of extensions and parameters are case-sensitive; the choice is noted."""
    answer, _ = await opening.expect_accepted_or_refused(request_offering(opening, offer))
    opening.choose(f"{offer} is answered with {with_extensions(answer)}")


@case("7692-5-13", needs=Need.ECHO, hint="compress nothing if you accepted no extension")
@each(parameters={"undefined": "foo", "small_window": "server_max_window_bits=7", "unknown_level": UNDEFINED["level"]})
async def declined_offer_leaves_messages_uncompressed(opening: Opening, parameters: str) -> None:
    """After the server has declined the offer, both ends send messages without compression.

    A target that sets up compression while it parses the offer, and then declines, may still compress.
    """
    ws = await _open_declined(opening, f"{DEFLATE}; {parameters}")
    await ws.echo(Frame.text("wsconform " * 400), Frame.text("short"), Frame.binary(bytes(1000)))
    bits = [(entry, frame.rsv) for entry, frame in ws.conversation.frames if frame.rsv]
    opening.expect(not bits, "every RSV bit zero", f"RSV bits {bits[:1]}", bits[0][0] if bits else None)


@case("7692-5-13", hint="treat RSV1 as an error if you accepted no extension")
@each(parameters={"undefined": "foo", "small_window": "server_max_window_bits=7"})
async def compressed_message_after_a_declined_offer_fails_the_connection(opening: Opening, parameters: str) -> None:
    """After the server has declined the offer, a message with RSV1 fails the connection, as if nothing was offered."""
    ws = await _open_declined(opening, f"{DEFLATE}; {parameters}")
    await ws.send(Frame.text(HELLO, rsv=RSV1))
    await ws.expect_connection_failed()


async def _open_declined(opening: Opening, offer: str) -> Connection:
    """Open a connection on which the target declines `offer`.

    Raise Unreached if the target accepts it or refuses the handshake.
    """
    answer, wire = await opening.exchange(request_offering(opening, offer))
    if not answer.accepted or accepted_deflate(answer) is not None:
        raise Unreached(Reason.NOT_OFFERED, f"{offer} is not declined but answered with {with_extensions(answer)}")
    return wire.upgrade(answer)
