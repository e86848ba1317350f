"""What a 101 may say of permessage-deflate, parameter by parameter, and that it is kept (RFC 7692 sections 5, 7.1)."""

from __future__ import annotations

from wsconform import (
    BROWSER_OFFER,
    DEFLATE,
    RSV1,
    Connection,
    Frame,
    Need,
    Opening,
    Profile,
    case,
    deflate_problem,
    each,
)

from ..opening.answers import accepted_extensions
from .made import HELLO
from .negotiated import (
    WINDOWS,
    answer_to,
    echo_compressed,
    expect_accepted_or_declined,
    offering,
    open_with,
    require_supported,
    told,
    words,
)

_ACKNOWLEDGE = "say in the 101 each of the client's requests that you accept, or decline the offer"
_SUPPORTED = "accept only what you can do: decline an offer that your compressor has no setting for"

#: Every kind of legal offer, alone.
LEGAL = {
    "plain": DEFLATE,
    "browser": BROWSER_OFFER,
    "server_takeover": f"{DEFLATE}; server_no_context_takeover",
    "client_takeover": f"{DEFLATE}; client_no_context_takeover",
    "no_takeover": f"{DEFLATE}; client_no_context_takeover; server_no_context_takeover",
    "all_parameters": f"{DEFLATE}; server_no_context_takeover; client_no_context_takeover; "
    "server_max_window_bits=10; client_max_window_bits=11",
    "other_order": f"{DEFLATE}; client_max_window_bits=15; server_max_window_bits=15; client_no_context_takeover",
}

#: Lengths of the messages that a configuration is tried with, in octets.
_SIZES = (1, 2, 125, 126, 1000, 65535, 65536, 1 << 18, 300)

CONFIGURATIONS = (
    LEGAL
    | {f"server_window_{bits}": f"{DEFLATE}; server_max_window_bits={bits}" for bits in range(9, 16)}
    | {f"client_window_{bits}": f"{DEFLATE}; client_max_window_bits={bits}" for bits in WINDOWS}
    | {
        f"windows_{bits}_no_takeover": f"{LEGAL['no_takeover']}; server_max_window_bits={bits}; "
        f"client_max_window_bits={bits}"
        for bits in (9, 12)
    }
)

#: Of these, what is put in every profile.
_OFTEN_SEEN = (LEGAL["no_takeover"], f"{DEFLATE}; server_max_window_bits=9", f"{DEFLATE}; client_max_window_bits=10")


@case("7692-5-6", hint="name permessage-deflate, with parameters of RFC 7692 section 7.1 alone, or leave it out")
@each(offer=LEGAL)
async def accepted_offer_is_named_with_legal_parameters(opening: Opening, offer: str) -> None:
    """To accept an offer the 101 names the extension, with parameters and values that are defined for answers."""
    answer, _ = await opening.exchange(offering(opening, offer))
    accepted = [each for each in accepted_extensions(opening, answer) if each.name == DEFLATE]
    problems = [problem for each in accepted if (problem := deflate_problem(each, answer=True))]
    opening.expect(not problems, f"a legal {DEFLATE}, or none", ", ".join(problems), answer.entry)
    opening.note("accepted", ", ".join(map(str, accepted)) or "none")


@case("7692-7-4", "7692-7.1.1.1-1", hint="an offer is a question: accept it or decline it, and accept the handshake")
@each(offer={"alone": LEGAL["server_takeover"], "browser": f"{BROWSER_OFFER}; server_no_context_takeover"})
async def server_no_context_takeover_may_be_offered(opening: Opening, offer: str) -> None:
    """An offer may carry server_no_context_takeover; the handshake is accepted whatever comes of it."""
    await expect_accepted_or_declined(opening, offer)


@case("7692-7.1.1.1-2", hint=_ACKNOWLEDGE)
@each(
    offer={
        "alone": LEGAL["server_takeover"],
        "beside_the_client": LEGAL["no_takeover"],
        "browser": f"{BROWSER_OFFER}; server_no_context_takeover",
    }
)
async def server_no_context_takeover_is_acknowledged(opening: Opening, offer: str) -> None:
    """An offer with server_no_context_takeover is declined, or accepted with the parameter in the answer.

    A client that asks for it keeps no window from message to message: without the parameter it cannot read on.
    """
    answer, accepted = await answer_to(opening, offer)
    missing = accepted is not None and accepted.get("server_no_context_takeover") is None
    expected = "server_no_context_takeover in the answer, or the offer declined"
    opening.expect(not missing, expected, told(accepted), answer.entry)


@case("7692-7.1.1.1-3", hint="support server_no_context_takeover: start each message with a new compressor")
async def server_no_context_takeover_is_supported(opening: Opening) -> None:
    """A server that compresses should be able to do without takeover: such an offer is accepted, not declined."""
    await require_supported(opening, BROWSER_OFFER)
    _, accepted = await answer_to(opening, LEGAL["server_takeover"])
    opening.depart_if(accepted is None, "declines an offer with server_no_context_takeover")


@case("7692-7-4", "7692-7.1.1.2-1", hint="this is a hint: accept the offer with the parameter or without")
@each(offer={"alone": LEGAL["client_takeover"], "browser": f"{BROWSER_OFFER}; client_no_context_takeover"})
async def client_no_context_takeover_may_be_offered(opening: Opening, offer: str) -> None:
    """An offer may carry client_no_context_takeover; the answer has it, or has it not, or there is none."""
    await expect_accepted_or_declined(opening, offer)


@case(
    "7692-7-4",
    "7692-7.1.2.1-1",
    hint="decline a window that you do not support, and accept the handshake",
)
@each(bits=WINDOWS)
async def window_of_the_server_may_be_offered(opening: Opening, bits: int) -> None:
    """An offer may carry server_max_window_bits with a value of 8 to 15; the handshake is accepted in any case."""
    await expect_accepted_or_declined(opening, f"{DEFLATE}; server_max_window_bits={bits}")


@case(
    "7692-7.1.2.1-2",
    "7692-7.1.2.1-3",
    "7692-7.1.2.1-5",
    hint="answer server_max_window_bits with the same value or a smaller one, 8 to 15; or decline",
    reading="largest-window-unsaid",
)
@each(bits=WINDOWS, beside={"alone": "", "client_window": "; client_max_window_bits"})
async def window_of_the_server_is_acknowledged(opening: Opening, bits: int, beside: str) -> None:
    """An offer with server_max_window_bits is declined, or accepted with a value that is not larger.

    A target that does not know the parameter and accepts the rest leaves the client with too small a window.
    """
    answer, accepted = await answer_to(opening, f"{DEFLATE}; server_max_window_bits={bits}{beside}")
    value = accepted.get("server_max_window_bits") if accepted else str(bits)
    expected = f"server_max_window_bits of 8 to {bits} in the answer, or the offer declined"
    opening.expect(value in tuple(map(str, range(8, bits + 1))), expected, told(accepted), answer.entry)


@case(
    "7692-7-4",
    "7692-7.1.2.2-1",
    hint="accept the handshake, and take client_max_window_bits up or not",
)
@each(
    parameters={"no_value": "server_no_context_takeover; client_max_window_bits"}
    | {str(bits): f"client_max_window_bits={bits}" for bits in WINDOWS}
)
async def window_of_the_client_may_be_offered(opening: Opening, parameters: str) -> None:
    """An offer may carry client_max_window_bits, without a value or with one of 8 to 15."""
    await expect_accepted_or_declined(opening, f"{DEFLATE}; {parameters}")


@case("7692-7.1.2.2-2", hint="give client_max_window_bits a value of 8 to 15 in the answer, or leave it out")
@each(value={"none": ""} | {str(bits): f"={bits}" for bits in WINDOWS})
async def window_of_the_client_has_a_value(opening: Opening, value: str) -> None:
    """A client_max_window_bits in the answer has a value of 8 to 15, though the one in the offer may have none.

    A target that sends the client's own parameter back forgets that it has to choose.
    """
    answer, accepted = await answer_to(opening, f"{DEFLATE}; client_max_window_bits{value}")
    given = accepted.get("client_max_window_bits") if accepted else None
    right = given is None or given in map(str, WINDOWS)
    opening.expect(right, "client_max_window_bits of 8 to 15, or none", told(accepted), answer.entry)


@case("7692-7.1.2.2-3", hint="answer client_max_window_bits with the hint's value or a smaller one")
@each(bits=range(8, 15))
async def window_of_the_client_is_not_above_its_hint(opening: Opening, bits: int) -> None:
    """Where the offer says how large the client's window is, an answer does not make it larger.

    The hint may be ignored, but then the parameter says nothing.
    """
    _, accepted = await answer_to(opening, f"{DEFLATE}; client_max_window_bits={bits}")
    given = accepted.get("client_max_window_bits") if accepted else None
    larger = given in tuple(map(str, range(bits + 1, 16)))
    opening.depart_if(larger, f"client_max_window_bits={given} where {bits} was the hint")


@case("7692-7.1.2.2-4", hint="name client_max_window_bits only where the offer that you accept has it")
@each(
    offer={
        "plain": DEFLATE,
        "server_window": f"{DEFLATE}; server_max_window_bits=10",
        "server_takeover": LEGAL["server_takeover"],
        "no_takeover": LEGAL["no_takeover"],
        "beside_an_unknown": f"x-unknown; client_max_window_bits=10, {DEFLATE}",
    }
)
async def window_of_the_client_is_not_limited_unasked(opening: Opening, offer: str) -> None:
    """The answer has no client_max_window_bits where the offer had none: the client has to fail the connection on it.

    One of these has the parameter in an offer of another extension, which is not the one that is answered.
    """
    answer, accepted = await answer_to(opening, offer)
    given = accepted.get("client_max_window_bits") if accepted else None
    opening.expect(given is None, "no client_max_window_bits", told(accepted), answer.entry)


@case(
    "7692-5-7",
    needs=Need.ECHO,
    allow=20,
    profile=lambda offer: Profile.QUICK if offer in _OFTEN_SEEN else Profile.STANDARD,
    hint=_SUPPORTED,
)
@each(offer=CONFIGURATIONS)
async def accepted_configuration_is_supported(opening: Opening, offer: str) -> None:
    """What the target accepts it can do: compressed messages of 1 octet to 256 kB come back whole.

    A target that accepts parameters by copying them falls over the windows that its compressor cannot make.
    """
    ws = await open_with(opening, offer)
    await echo_compressed(ws, *(words(size) for size in _SIZES))


@case("7692-5-7", needs=Need.ECHO, allow=20, hint=_SUPPORTED)
@each(
    offer={
        "alone": f"{DEFLATE}; server_max_window_bits=8",
        "no_takeover": f"{LEGAL['no_takeover']}; server_max_window_bits=8; client_max_window_bits=8",
    }
)
async def accepted_window_of_eight_bits_is_supported(opening: Opening, offer: str) -> None:
    """A server that accepts a window of 8 bits, which zlib does not make, can compress with it."""
    ws = await open_with(opening, offer)
    await echo_compressed(ws, *(words(size) for size in _SIZES))


@case(
    "7692-5-15", offer=BROWSER_OFFER, needs=Need.ECHO, hint="once permessage-deflate is agreed, inflate what has RSV1"
)
@each(size={"short": 5, "long": 4000})
async def agreed_compression_works_beside_plain_messages(ws: Connection, size: int) -> None:
    """After the handshake both sides use the framing of section 6: a message is compressed where RSV1 says so.

    Compressed and plain messages take turns, so that neither way can be the only one.
    """
    for number in range(3):
        payload = f"message {number} ".encode() * size
        await ws.echo(Frame.text(payload))
        await echo_compressed(ws, payload)


@case("7692-5-15", offer=BROWSER_OFFER, needs=Need.ECHO)
async def agreed_compression_works_from_the_first_message_on(ws: Connection) -> None:
    """The first frame behind the handshake may be compressed."""
    await ws.send(Frame.text(HELLO, rsv=RSV1))
    await ws.expect_echo(Frame.text("Hello"))
