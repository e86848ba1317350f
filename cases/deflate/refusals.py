"""Answers about permessage-deflate on which a client must fail the connection (RFC 7692 sections 5 and 7).

Each is a 101 derived from the client's offer, correct except in one respect, with a Ping right after it: a client that
does not validate the answer sends a Pong. A client may close with 1010 (missing extension) or just drop the connection.
"""

from __future__ import annotations

from wsconform import DEFLATE, RSV1, TEXT, Connection, Frame, Incoming, Need, Reason, Unreached, case, each

from .messages import AGAIN, HELLO
from .offers import INVALID_BITS, UNDEFINED
from .our_answers import (
    acceptance_with,
    deflate_offers,
    expect_answer_rejected,
    is_opened,
    require_no_offer,
    require_offered,
    response_with,
)
from .our_offers import WINDOW_BITS

_FAIL = "fail the connection if the answer does not fit your offer; otherwise each end reads frames by other rules"


@case("7692-5-9", hint="accept one extension that uses RSV1, and fail the connection on a second one")
@each(
    answer={
        "after": "{}, x-webkit-deflate-frame",
        "before": "x-webkit-deflate-frame, {}",
        "per_frame": "{}, deflate-frame",
        "bzip2": "{}, permessage-bzip2",
    }
)
async def second_use_of_rsv1_fails_the_connection(incoming: Incoming, answer: str) -> None:
    """An answer with permessage-deflate and another extension that uses RSV1 is invalid: the bit has two meanings."""
    accepted = acceptance_with(incoming)
    await incoming.expect_failed(response_with(incoming, answer.replace("{}", accepted)))


@case("7692-7-10", "7692-5-9", hint="fail the connection if the answer lists permessage-deflate twice")
@each(
    answers={
        "equal": ("{}, {}",),
        "other_parameters": ("{}, {}; server_no_context_takeover",),
        "two_lines": ("{}", "{}"),
        "apart": ("{}, x-not-offered, {}",),
    }
)
async def permessage_deflate_listed_twice_fails_the_connection(incoming: Incoming, answers: tuple[str, ...]) -> None:
    """An answer lists permessage-deflate only once; a second element would mean that messages are compressed twice."""
    accepted = acceptance_with(incoming)
    await incoming.expect_failed(response_with(incoming, *(line.replace("{}", accepted) for line in answers)))


@case("7692-5-14", hint=_FAIL)
@each(name=("permessage-bzip2", "permessage-lz4", "perframe-deflate", "permessage-deflate2", "deflate"))
async def compression_that_was_not_offered_fails_the_connection(incoming: Incoming, name: str) -> None:
    """An answer that accepts a compression extension that the client did not offer is invalid.

    Some of these names are a prefix of the offered name, a part of it, or longer.
    """
    await incoming.expect_failed(response_with(incoming, name))


@case("7692-5-14", hint=_FAIL)
async def permessage_deflate_without_an_offer_fails_the_connection(incoming: Incoming) -> None:
    """An answer that accepts permessage-deflate is invalid if the client did not offer it."""
    require_no_offer(incoming)
    await incoming.expect_failed(response_with(incoming, DEFLATE))


@case("7692-7-6", hint=_FAIL)
@each(
    parameters=UNDEFINED
    | {
        "before_a_known_one": "foo; client_no_context_takeover",
        "level": "client_no_context_takeover; level=9",
        "mem_level": "mem_level=8",
    }
)
async def undefined_parameter_fails_the_connection(incoming: Incoming, parameters: str) -> None:
    """An answer with a parameter that is not defined for answers fails the connection.

    The client cannot know how the server will compress.
    """
    await expect_answer_rejected(incoming, parameters)


@case("7692-7-7", hint=_FAIL)
@each(
    parameter={
        "server_no_takeover_1": "server_no_context_takeover=1",
        "server_no_takeover_true": "server_no_context_takeover=true",
        "client_no_takeover_0": "client_no_context_takeover=0",
        "client_no_takeover_true": "client_no_context_takeover=true",
        "server_window_missing": "server_max_window_bits",
        "client_window_missing": "client_max_window_bits",
    }
)
async def missing_or_unexpected_value_fails_the_connection(incoming: Incoming, parameter: str) -> None:
    """An answer is invalid if a parameter without a value has one, or a parameter with a value lacks it.

    client_max_window_bits may lack its value in an offer, but not in an answer.
    """
    await expect_answer_rejected(incoming, parameter)


@case("7692-7-7", hint=_FAIL)
@each(value=INVALID_BITS | {"010": "010"})
async def invalid_server_max_window_bits_fails_the_connection(incoming: Incoming, value: str) -> None:
    """The server_max_window_bits of an answer must be a decimal number from 8 to 15 without leading zeros."""
    await expect_answer_rejected(incoming, f"server_max_window_bits={value}")


@case("7692-7-7", hint=_FAIL)
@each(value=INVALID_BITS | {"010": "010"})
async def invalid_client_max_window_bits_fails_the_connection(incoming: Incoming, value: str) -> None:
    """The client_max_window_bits of an answer must be a decimal number from 8 to 15 without leading zeros.

    A client that ignores an invalid value compresses with a window that was not agreed.
    """
    await expect_answer_rejected(incoming, f"client_max_window_bits={value}")


@case("7692-7-8", hint=_FAIL)
@each(
    parameters={
        "server_no_takeover": "server_no_context_takeover; server_no_context_takeover",
        "client_no_takeover": "client_no_context_takeover; client_no_context_takeover",
        "server_window_equal": "server_max_window_bits=10; server_max_window_bits=10",
        "server_window_larger": "server_max_window_bits=10; server_max_window_bits=12",
        "server_window_smaller": "server_max_window_bits=12; server_max_window_bits=10",
        "client_window_equal": "client_max_window_bits=10; client_max_window_bits=10",
        "client_window_different": "client_max_window_bits=10; client_max_window_bits=12",
        "apart": "client_no_context_takeover; server_max_window_bits=15; client_no_context_takeover",
    }
)
async def repeated_parameter_fails_the_connection(incoming: Incoming, parameters: str) -> None:
    """An answer that repeats a parameter fails the connection, whether the values are equal or not."""
    await expect_answer_rejected(incoming, parameters)


@case("7692-7.1.2.2-5", hint="fail the connection on client_max_window_bits if you did not offer it")
@each(bits=(10, 15))
async def client_max_window_bits_that_was_not_offered_fails_the_connection(incoming: Incoming, bits: int) -> None:
    """An answer with client_max_window_bits is invalid if the client did not offer that parameter."""
    require_offered(incoming, "client_max_window_bits", offered=False)
    await expect_answer_rejected(incoming, f"client_max_window_bits={bits}")


@case(
    "7692-7.1.2.1-7",
    hint="fail the connection if the answer permits the server a larger window than you requested",
    reading="largest-window-unsaid",
)
@each(more={"one_bit_larger": 1, "largest": 7, "missing": 0})
async def larger_server_window_than_requested_fails_the_connection(incoming: Incoming, more: int) -> None:
    """If the client requests a server window, an answer with a larger window, or without the parameter, is invalid.

    `more` is the number of bits by which the window is larger (15 bits at most); 0 omits the parameter.
    """
    answer = _acceptance_with_larger_window(incoming, more)
    await incoming.expect_failed(response_with(incoming, answer))


def _acceptance_with_larger_window(incoming: Incoming, more: int) -> str:
    """Return a field value that accepts the offer with a server window `more` bits larger than the client requests.

    If `more` is 0, it lacks the parameter. Raise Unreached if the client does not limit the window.
    """
    require_offered(incoming, "server_max_window_bits", offered=True)
    values = [offer.get("server_max_window_bits") for offer in deflate_offers(incoming)]
    asked = max((bits for bits in WINDOW_BITS if str(bits) in values), default=15)
    if more and asked == 15:
        raise Unreached(Reason.NOT_OFFERED, "the client asks for the largest window")
    parameter = f"server_max_window_bits={min(asked + more, 15)}"
    answer = acceptance_with(incoming, parameter)
    return answer if more else answer.removesuffix(f"; {parameter}")


@case("7692-7.1.1.1-5", hint="fail the connection if you requested server_no_context_takeover and the answer lacks it")
async def missing_server_no_context_takeover_fails_the_connection(incoming: Incoming) -> None:
    """If the client requests server_no_context_takeover, an answer without it is invalid.

    A client that goes on departs; it must then inflate messages that refer to earlier ones.
    """
    require_offered(incoming, "server_no_context_takeover", offered=True)
    parameter = "server_no_context_takeover"
    answer = acceptance_with(incoming, parameter).removesuffix(f"; {parameter}")
    ws, opened = await is_opened(incoming, response_with(incoming, answer))
    incoming.depart_if(opened, "goes on, although the server did not agree to give up context takeover")
    await _expect_takeover_if_open(ws, opened)


async def _expect_takeover_if_open(ws: Connection, opened: bool) -> None:
    """Send two messages, the second of which refers to the first; expect their echoes if the connection is `opened`."""
    await ws.send(Frame(TEXT, HELLO, rsv=RSV1), Frame(TEXT, AGAIN, rsv=RSV1))
    echoes = [Frame.text("Hello"), Frame.text("Hello")] if opened else []
    await ws.expect_echo(*echoes)


async def _open_declined(incoming: Incoming) -> Connection:
    """Decline the client's offer and return the open connection; raise Unreached if the client does not offer it."""
    deflate_offers(incoming)
    ws = await incoming.answer()
    incoming.conversation.opened = True
    return ws


@case("7692-5-13", needs=Need.ECHO, hint="compress only if the answer names permessage-deflate")
async def declined_offer_leaves_messages_uncompressed(incoming: Incoming) -> None:
    """After the server has declined the client's offer, both ends send messages without compression."""
    ws = await _open_declined(incoming)
    await ws.echo(Frame.text("wsconform " * 400), Frame.text("short"), Frame.binary(bytes(1000)))
    bits = [(entry, frame.rsv) for entry, frame in ws.conversation.frames if frame.rsv]
    incoming.expect(not bits, "every RSV bit zero", f"RSV bits {bits[:1]}", bits[0][0] if bits else None)


@case("7692-5-13", hint="treat RSV1 as an error if the server did not accept your offer")
async def compressed_message_after_a_declined_offer_fails_the_connection(incoming: Incoming) -> None:
    """After the server has declined, a message with RSV1 fails the connection, as if nothing was offered."""
    ws = await _open_declined(incoming)
    await ws.send(Frame.text(HELLO, rsv=RSV1))
    await ws.expect_connection_failed()
