"""Offers of permessage-deflate that a server has to decline, and which of several it takes (RFC 7692 sections 5, 7)."""

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

from .made import HELLO
from .negotiated import agreed, answer_to, declined, offering, require_supported, told

_DECLINE = "answer 101 without permessage-deflate: leaving it out is how an offer is declined"
_NEXT = "decline the offer that is not in order, and go on with the next one of the list"

UNDEFINED = {
    "bare": "foo",
    "with_value": "foo=1",
    "half_a_name": "max_window_bits=10",
    "old_name": "s2c_max_window_bits=10",
    "longer_name": "server_max_window_bits2=10",
    "behind_a_known_one": "server_no_context_takeover; foo",
    "before_a_known_one": "foo; client_max_window_bits",
    "level": "client_max_window_bits; level=9",
}

#: Values that no window has, spelled so that one reader of numbers or another takes them for 8 to 15.
NO_WINDOW = {
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
    "letter_behind": "10a",
    "two_to_32_and_10": "4294967306",
    "two_to_64_and_10": "18446744073709551626",
}

VALUELESS = {
    "server_takeover_1": "server_no_context_takeover=1",
    "server_takeover_true": "server_no_context_takeover=true",
    "client_takeover_1": "client_no_context_takeover=1",
    "client_takeover_true": "client_no_context_takeover=true",
    "client_takeover_quoted": 'client_no_context_takeover="0"',
    "server_window_missing": "server_max_window_bits",
}

REPEATED = {
    "server_takeover": "server_no_context_takeover; server_no_context_takeover",
    "server_takeover_apart": "server_no_context_takeover; client_max_window_bits; server_no_context_takeover",
    "client_takeover": "client_no_context_takeover; client_no_context_takeover",
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

    A target that skips what it does not know agrees to a configuration that it has not understood.
    """
    await _expect_declined(opening, f"{DEFLATE}; {parameters}")


@case("7692-7-2", "7692-5-12", hint=_DECLINE)
@each(value=NO_WINDOW)
async def window_of_the_server_that_is_none_is_declined(opening: Opening, value: str) -> None:
    """A server_max_window_bits that is no number from 8 to 15, in decimal and without leading zeros, is declined.

    Each spelling is one that some reader of numbers takes: with a sign, a fraction, an exponent, or wrapped around.
    """
    await _expect_declined(opening, f"{DEFLATE}; server_max_window_bits={value}")


@case("7692-7-2", "7692-5-12", hint=_DECLINE)
@each(value=NO_WINDOW)
async def window_of_the_client_that_is_none_is_declined(opening: Opening, value: str) -> None:
    """A client_max_window_bits with a value that is no number from 8 to 15 is declined.

    The value is only a hint, which makes a target that ignores it forget to look at it.
    """
    await _expect_declined(opening, f"{DEFLATE}; client_max_window_bits={value}")


@case("7692-7-2", "7692-5-12", hint=_DECLINE)
@each(parameter=VALUELESS)
async def value_against_the_definition_is_declined(opening: Opening, parameter: str) -> None:
    """A value where a parameter has none, or none where it has one, is declined."""
    await _expect_declined(opening, f"{DEFLATE}; {parameter}")


@case("7692-7-3", "7692-5-12", hint=_DECLINE)
@each(parameters=REPEATED)
async def repeated_parameter_is_declined(opening: Opening, parameters: str) -> None:
    """An offer that says a parameter twice is declined, whether or not it says the same.

    A target that keeps parameters in a table sees one of them, and not that there were two.
    """
    await _expect_declined(opening, f"{DEFLATE}; {parameters}")


async def _expect_declined(opening: Opening, offer: str) -> None:
    """Expect a 101 without the extension; a refusal of the handshake (4xx) is more than was asked for."""
    answer, wire = await opening.exchange(offering(opening, offer))
    reacted = answer.accepted or 400 <= answer.status < 500
    opening.expect(reacted, f"101 without {DEFLATE}", str(answer), answer.entry)
    accepted = agreed(answer)
    opening.expect(accepted is None, f"101 without {DEFLATE}", declined(answer), answer.entry)
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
        "undefined_beside": ("foo; server_max_window_bits=10", "server_no_context_takeover"),
    }
)
async def later_offer_is_open_behind_a_bad_one(opening: Opening, offers: tuple[str, str]) -> None:
    """An offer that has to be declined does not keep a later one of the list from being accepted.

    The answer, if there is one, has to fit the second offer; to take neither is written down.
    """
    bad, good = (f"{DEFLATE}; {parameters}".removesuffix("; ") for parameters in offers)
    answer, _ = await opening.exchange(offering(opening, f"{bad}, {good}"))
    opening.expect(answer.accepted, "101, with the second offer accepted or declined", str(answer), answer.entry)
    accepted = agreed(answer)
    problem = deflate_answers(accepted, *parse_extensions(good.encode())) if accepted else None
    opening.expect(problem is None, f"an answer to {good}, or none", f"{told(accepted)}: {problem}", answer.entry)
    opening.note("accepted", told(accepted))


@case("7692-5-3", hint="go through the offers in their order, and take the first that you can serve")
@each(
    first={
        "takeover": "server_no_context_takeover",
        "window": "server_max_window_bits=12",
        "both": "server_no_context_takeover; server_max_window_bits=12",
    },
    second={"plain": "", "browser": "client_max_window_bits"},
)
async def first_offer_that_is_supported_is_taken(opening: Opening, first: str, second: str) -> None:
    """Of two offers that the target supports it takes the first, which the client likes better.

    That it supports the first one is found out before, by offering it alone.
    """
    preferred, other = f"{DEFLATE}; {first}", f"{DEFLATE}; {second}".removesuffix("; ")
    await require_supported(opening, preferred)
    _, accepted = await answer_to(opening, f"{preferred}, {other}")
    problem = "declined" if accepted is None else deflate_answers(accepted, *parse_extensions(preferred.encode()))
    opening.depart_if(problem is not None, f"of {preferred} and {other} it takes {told(accepted)}")
    opening.note("accepted", told(accepted))


@case("7692-7-11")
@each(
    offer={
        "capitals": "Permessage-Deflate",
        "upper": DEFLATE.upper(),
        "parameter_capitals": f"{DEFLATE}; Server_Max_Window_Bits=10",
        "parameter_upper": f"{DEFLATE}; SERVER_NO_CONTEXT_TAKEOVER",
    }
)
async def names_in_another_case_of_letters_get_an_answer(opening: Opening, offer: str) -> None:
    """The RFCs do not say whether names of extensions and parameters are compared with case; the choice is noted."""
    answer, _ = await opening.expect_accepted_or_refused(offering(opening, offer))
    opening.choose(f"{offer} is answered with {declined(answer)}")


@case("7692-5-13", needs=Need.ECHO, hint="where you accepted no extension, compress nothing")
@each(parameters={"undefined": "foo", "small_window": "server_max_window_bits=7", "unknown_level": UNDEFINED["level"]})
async def declined_offer_leaves_messages_uncompressed(opening: Opening, parameters: str) -> None:
    """Where the offer was declined, messages come and go without compression.

    A target that sets compression up while it reads the offer, and declines it afterwards, still compresses.
    """
    ws = await _open_without(opening, f"{DEFLATE}; {parameters}")
    await ws.echo(Frame.text("wsconform " * 400), Frame.text("short"), Frame.binary(bytes(1000)))
    bits = [(entry, frame.rsv) for entry, frame in ws.conversation.frames if frame.rsv]
    opening.expect(not bits, "every RSV bit zero", f"RSV bits {bits[:1]}", bits[0][0] if bits else None)


@case("7692-5-13", hint="where you accepted no extension, RSV1 is an error")
@each(parameters={"undefined": "foo", "small_window": "server_max_window_bits=7"})
async def compressed_message_behind_a_declined_offer_fails_the_connection(opening: Opening, parameters: str) -> None:
    """Where the offer was declined, a message with RSV1 fails the connection, as where nothing was offered."""
    ws = await _open_without(opening, f"{DEFLATE}; {parameters}")
    await ws.send(Frame.text(HELLO, rsv=RSV1))
    await ws.expect_connection_failed()


async def _open_without(opening: Opening, offer: str) -> Connection:
    """Open a connection on which `offer` was declined; Unreached where it was not, or the handshake was refused."""
    answer, wire = await opening.exchange(offering(opening, offer))
    if not answer.accepted or agreed(answer) is not None:
        raise Unreached(Reason.NOT_OFFERED, f"{offer} is not declined, but answered with {declined(answer)}")
    return wire.upgrade(answer)
