"""The parameters of the permessage-deflate that a 101 accepts, and support for them (RFC 7692 sections 5 and 7.1)."""

from __future__ import annotations

from wsconform import BROWSER_OFFER, DEFLATE, RSV1, Connection, Frame, Need, Opening, Profile, case, each

from .messages import HELLO
from .our_offers import (
    WINDOW_BITS,
    answer_to,
    compressible_text,
    described,
    echo_compressed,
    echo_plain_and_compressed,
    expect_accepted_or_declined,
    expect_legal_parameters,
    open_offering,
    request_offering,
    require_supported,
)

_ACKNOWLEDGE = "repeat in the 101 each of the client's requests that you accept, or decline the offer"
_SUPPORTED = "decline an offer that your compressor cannot satisfy"

#: One legal offer of every kind.
LEGAL = {
    "plain": DEFLATE,
    "browser": BROWSER_OFFER,
    "server_no_takeover": f"{DEFLATE}; server_no_context_takeover",
    "client_no_takeover": f"{DEFLATE}; client_no_context_takeover",
    "no_takeover": f"{DEFLATE}; client_no_context_takeover; server_no_context_takeover",
    "all_parameters": f"{DEFLATE}; server_no_context_takeover; client_no_context_takeover; "
    "server_max_window_bits=10; client_max_window_bits=11",
    "other_order": f"{DEFLATE}; client_max_window_bits=15; server_max_window_bits=15; client_no_context_takeover",
}

#: Lengths in octets of the messages that are sent under each configuration.
_SIZES = (1, 2, 125, 126, 1000, 65535, 65536, 1 << 18, 300)

CONFIGURATIONS = (
    LEGAL
    | {f"server_window_{bits}": f"{DEFLATE}; server_max_window_bits={bits}" for bits in range(9, 16)}
    | {f"client_window_{bits}": f"{DEFLATE}; client_max_window_bits={bits}" for bits in WINDOW_BITS}
    | {
        f"windows_{bits}_no_takeover": f"{LEGAL['no_takeover']}; server_max_window_bits={bits}; "
        f"client_max_window_bits={bits}"
        for bits in (9, 12)
    }
)

#: The configurations that run in every profile.
_OFTEN_SEEN = (LEGAL["no_takeover"], f"{DEFLATE}; server_max_window_bits=9", f"{DEFLATE}; client_max_window_bits=10")


@case("7692-5-6", hint="accept permessage-deflate only with parameters of RFC 7692 section 7.1, or decline the offer")
@each(offer=LEGAL)
async def answer_has_only_legal_parameters(opening: Opening, offer: str) -> None:
    """A 101 that accepts the offer has only parameters and values that are defined for answers."""
    answer, _ = await opening.exchange(request_offering(opening, offer))
    expect_legal_parameters(opening, answer)


@case("7692-7-4", "7692-7.1.1.1-1", hint="accept or decline the offer, and accept the handshake")
@each(offer={"alone": LEGAL["server_no_takeover"], "browser": f"{BROWSER_OFFER}; server_no_context_takeover"})
async def server_no_context_takeover_may_be_offered(opening: Opening, offer: str) -> None:
    """An offer may carry server_no_context_takeover; the handshake is accepted whether or not the offer is."""
    await expect_accepted_or_declined(opening, offer)


@case("7692-7.1.1.1-2", hint=_ACKNOWLEDGE)
@each(
    offer={
        "alone": LEGAL["server_no_takeover"],
        "both": LEGAL["no_takeover"],
        "browser": f"{BROWSER_OFFER}; server_no_context_takeover",
    }
)
async def server_no_context_takeover_is_acknowledged(opening: Opening, offer: str) -> None:
    """An offer with server_no_context_takeover is declined, or accepted with the parameter in the answer.

    A client that makes this request keeps no window between messages. If the server takes over its window all the
    same, the client cannot inflate the second message.
    """
    answer, accepted = await answer_to(opening, offer)
    missing = accepted is not None and accepted.get("server_no_context_takeover") is None
    expected = "server_no_context_takeover in the answer, or the offer declined"
    opening.expect(not missing, expected, described(accepted), answer.entry)


@case("7692-7.1.1.1-3", hint="support server_no_context_takeover: start each message with a new compressor")
async def server_no_context_takeover_is_supported(opening: Opening) -> None:
    """A server that compresses should be able to do so without context takeover, and so accept such an offer."""
    await require_supported(opening, BROWSER_OFFER)
    _, accepted = await answer_to(opening, LEGAL["server_no_takeover"])
    opening.depart_if(accepted is None, "declines an offer with server_no_context_takeover")


@case("7692-7-4", "7692-7.1.1.2-1", hint="accept the offer, with or without this parameter")
@each(offer={"alone": LEGAL["client_no_takeover"], "browser": f"{BROWSER_OFFER}; client_no_context_takeover"})
async def client_no_context_takeover_may_be_offered(opening: Opening, offer: str) -> None:
    """An offer may carry client_no_context_takeover; the server may accept it with or without it, or decline."""
    await expect_accepted_or_declined(opening, offer)


@case(
    "7692-7-4",
    "7692-7.1.2.1-1",
    hint="decline a window that you do not support, and accept the handshake",
)
@each(bits=WINDOW_BITS)
async def server_max_window_bits_may_be_offered(opening: Opening, bits: int) -> None:
    """An offer may carry server_max_window_bits with a value of 8 to 15; the server accepts or declines it."""
    await expect_accepted_or_declined(opening, f"{DEFLATE}; server_max_window_bits={bits}")


@case(
    "7692-7.1.2.1-2",
    "7692-7.1.2.1-3",
    "7692-7.1.2.1-5",
    hint="answer server_max_window_bits with the same value or a smaller one, 8 to 15; or decline",
    reading="largest-window-unsaid",
)
@each(bits=WINDOW_BITS, extra={"alone": "", "client_window": "; client_max_window_bits"})
async def server_max_window_bits_is_acknowledged(opening: Opening, bits: int, extra: str) -> None:
    """An offer with server_max_window_bits is declined, or accepted with a value that is not larger.

    If a target ignores the parameter and accepts the rest, the client inflates with too small a window.
    """
    answer, accepted = await answer_to(opening, f"{DEFLATE}; server_max_window_bits={bits}{extra}")
    value = accepted.get("server_max_window_bits") if accepted else str(bits)
    expected = f"server_max_window_bits of 8 to {bits} in the answer, or the offer declined"
    opening.expect(value in tuple(map(str, range(8, bits + 1))), expected, described(accepted), answer.entry)


@case(
    "7692-7-4",
    "7692-7.1.2.2-1",
    hint="accept the handshake, with or without client_max_window_bits",
)
@each(
    parameters={"no_value": "server_no_context_takeover; client_max_window_bits"}
    | {str(bits): f"client_max_window_bits={bits}" for bits in WINDOW_BITS}
)
async def client_max_window_bits_may_be_offered(opening: Opening, parameters: str) -> None:
    """An offer may carry client_max_window_bits, without a value or with one of 8 to 15."""
    await expect_accepted_or_declined(opening, f"{DEFLATE}; {parameters}")


@case("7692-7.1.2.2-2", hint="give client_max_window_bits a value of 8 to 15 in the answer, or omit it")
@each(value={"no_value": ""} | {str(bits): f"={bits}" for bits in WINDOW_BITS})
async def client_max_window_bits_in_the_answer_has_a_value(opening: Opening, value: str) -> None:
    """A client_max_window_bits in the answer has a value of 8 to 15, even if the one in the offer has none.

    A target that copies the parameter from the offer sends it without a value.
    """
    answer, accepted = await answer_to(opening, f"{DEFLATE}; client_max_window_bits{value}")
    given = accepted.get("client_max_window_bits") if accepted else None
    valid = given is None or given in map(str, WINDOW_BITS)
    opening.expect(valid, "client_max_window_bits of 8 to 15, or none", described(accepted), answer.entry)


@case("7692-7.1.2.2-3", hint="answer client_max_window_bits with the hint's value or a smaller one")
@each(bits=range(8, 15))
async def client_max_window_bits_does_not_exceed_the_hint(opening: Opening, bits: int) -> None:
    """If the offer gives the size of the client's window, the answer does not name a larger one.

    A server may ignore the hint, but a larger value than the hint has no effect.
    """
    _, accepted = await answer_to(opening, f"{DEFLATE}; client_max_window_bits={bits}")
    given = accepted.get("client_max_window_bits") if accepted else None
    larger = given in tuple(map(str, range(bits + 1, 16)))
    opening.depart_if(larger, f"client_max_window_bits={given}, although the hint was {bits}")


@case("7692-7.1.2.2-4", hint="send client_max_window_bits only if the offer that you accept has it")
@each(
    offer={
        "plain": DEFLATE,
        "server_window": f"{DEFLATE}; server_max_window_bits=10",
        "server_no_takeover": LEGAL["server_no_takeover"],
        "no_takeover": LEGAL["no_takeover"],
        "in_an_unknown_extension": f"x-unknown; client_max_window_bits=10, {DEFLATE}",
    }
)
async def client_max_window_bits_is_not_sent_unless_offered(opening: Opening, offer: str) -> None:
    """The answer has no client_max_window_bits if the offer had none: the client would have to fail the connection.

    One member has the parameter in an offer of another extension, which does not permit it in this answer.
    """
    answer, accepted = await answer_to(opening, offer)
    given = accepted.get("client_max_window_bits") if accepted else None
    opening.expect(given is None, "no client_max_window_bits", described(accepted), answer.entry)


@case(
    "7692-5-7",
    needs=Need.ECHO,
    allow=20,
    profile=lambda offer: Profile.QUICK if offer in _OFTEN_SEEN else Profile.STANDARD,
    hint=_SUPPORTED,
)
@each(offer=CONFIGURATIONS)
async def accepted_configuration_is_supported(opening: Opening, offer: str) -> None:
    """The target supports the configuration that it accepts: it echoes compressed messages of 1 octet to 256 KiB.

    A target that accepts parameters by copying them fails with windows that its compressor does not support.
    """
    ws = await open_offering(opening, offer)
    await echo_compressed(ws, *(compressible_text(size) for size in _SIZES))


@case("7692-5-7", needs=Need.ECHO, allow=20, hint=_SUPPORTED)
@each(
    offer={
        "alone": f"{DEFLATE}; server_max_window_bits=8",
        "no_takeover": f"{LEGAL['no_takeover']}; server_max_window_bits=8; client_max_window_bits=8",
    }
)
async def accepted_window_of_eight_bits_is_supported(opening: Opening, offer: str) -> None:
    """A server that accepts a window of 8 bits, which zlib does not support, can compress with it."""
    ws = await open_offering(opening, offer)
    await echo_compressed(ws, *(compressible_text(size) for size in _SIZES))


@case("7692-5-15", offer=BROWSER_OFFER, needs=Need.ECHO, hint="inflate messages with RSV1 after you accepted the offer")
@each(size={"short": 5, "long": 4000})
async def agreed_compression_works_beside_plain_messages(ws: Connection, size: int) -> None:
    """After the handshake both ends use the framing of section 6: a message is compressed if RSV1 is set.

    Plain and compressed messages alternate, so that a target that expects only one kind fails.
    """
    await echo_plain_and_compressed(ws, *(f"message {number} ".encode() * size for number in range(3)))


@case("7692-5-15", offer=BROWSER_OFFER, needs=Need.ECHO)
async def agreed_compression_works_from_the_first_message_on(ws: Connection) -> None:
    """The first frame after the handshake may be compressed."""
    await ws.send(Frame.text(HELLO, rsv=RSV1))
    await ws.expect_echo(Frame.text("Hello"))
