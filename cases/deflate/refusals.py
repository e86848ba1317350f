"""Answers about permessage-deflate on which a client has to fail the connection (RFC 7692 sections 5 and 7).

Each is a correct 101, made from what the client offers, but for one thing, with a Ping right behind it: a client that
does not look goes on and answers. A Close 1010, which says what is missing, is as good as the plain end.
"""

from __future__ import annotations

from wsconform import DEFLATE, RSV1, TEXT, Connection, Frame, Incoming, Need, Reason, Unreached, case, each

from .made import AGAIN, HELLO
from .negotiated import WINDOWS
from .offers import NO_WINDOW, UNDEFINED
from .replies import accepting, deflate_offers, is_opened, replying, require_no_offer, require_offered

_FAIL = "fail the connection on an answer that does not fit your offer; going on means reading frames by other rules"


@case("7692-5-9", hint="take one extension that uses RSV1, and fail the connection on a second one")
@each(
    answer={
        "behind": "{}, x-webkit-deflate-frame",
        "before": "x-webkit-deflate-frame, {}",
        "per_frame": "{}, deflate-frame",
        "bzip2": "{}, permessage-bzip2",
    }
)
async def second_use_of_rsv1_fails_the_connection(incoming: Incoming, answer: str) -> None:
    """permessage-deflate beside another extension that uses RSV1 is no answer: nobody knows what the bit means."""
    await incoming.expect_failed(replying(incoming, answer.replace("{}", accepting(incoming))))


@case("7692-7-10", "7692-5-9", hint="fail the connection where the answer lists permessage-deflate twice")
@each(
    answers={
        "equal": ("{}, {}",),
        "other_parameters": ("{}, {}; server_no_context_takeover",),
        "two_lines": ("{}", "{}"),
        "apart": ("{}, x-not-offered, {}",),
    }
)
async def deflate_twice_fails_the_connection(incoming: Incoming, answers: tuple[str, ...]) -> None:
    """An answer takes up one offer, and lists the extension once: two would be compression in compression."""
    accepted = accepting(incoming)
    await incoming.expect_failed(replying(incoming, *(line.replace("{}", accepted) for line in answers)))


@case("7692-5-14", hint=_FAIL)
@each(name=("permessage-bzip2", "permessage-lz4", "perframe-deflate", "permessage-deflate2", "deflate"))
async def other_compression_fails_the_connection(incoming: Incoming, name: str) -> None:
    """An answer that accepts a compression which the client did not offer is invalid.

    Some of these names begin like the one that was offered, or are a part of it.
    """
    await incoming.expect_failed(replying(incoming, name))


@case("7692-5-14", hint=_FAIL)
async def deflate_without_an_offer_fails_the_connection(incoming: Incoming) -> None:
    """An answer that accepts permessage-deflate is invalid where the client offered none."""
    require_no_offer(incoming)
    await incoming.expect_failed(replying(incoming, DEFLATE))


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

    What the server means by it is anybody's guess, and so is how it will compress.
    """
    await incoming.expect_failed(replying(incoming, accepting(incoming, parameters)))


@case("7692-7-7", hint=_FAIL)
@each(
    parameter={
        "server_takeover_1": "server_no_context_takeover=1",
        "server_takeover_true": "server_no_context_takeover=true",
        "client_takeover_0": "client_no_context_takeover=0",
        "client_takeover_true": "client_no_context_takeover=true",
        "server_window_missing": "server_max_window_bits",
        "client_window_missing": "client_max_window_bits",
    }
)
async def value_against_the_definition_fails_the_connection(incoming: Incoming, parameter: str) -> None:
    """A value where a parameter has none, or none where it has one, fails the connection.

    client_max_window_bits may do without a value in an offer, and not in an answer.
    """
    await incoming.expect_failed(replying(incoming, accepting(incoming, parameter)))


@case("7692-7-7", hint=_FAIL)
@each(value=NO_WINDOW | {"010": "010"})
async def window_of_the_server_that_is_none_fails_the_connection(incoming: Incoming, value: str) -> None:
    """A server_max_window_bits that is no number from 8 to 15 in decimal, without leading zeros, is invalid."""
    await incoming.expect_failed(replying(incoming, accepting(incoming, f"server_max_window_bits={value}")))


@case("7692-7-7", hint=_FAIL)
@each(value=NO_WINDOW | {"010": "010"})
async def window_of_the_client_that_is_none_fails_the_connection(incoming: Incoming, value: str) -> None:
    """A client_max_window_bits that is no number from 8 to 15 in decimal, without leading zeros, is invalid.

    A client that takes the number for what it can use anyway compresses with a window that was not agreed.
    """
    await incoming.expect_failed(replying(incoming, accepting(incoming, f"client_max_window_bits={value}")))


@case("7692-7-8", hint=_FAIL)
@each(
    parameters={
        "server_takeover": "server_no_context_takeover; server_no_context_takeover",
        "client_takeover": "client_no_context_takeover; client_no_context_takeover",
        "server_window_equal": "server_max_window_bits=10; server_max_window_bits=10",
        "server_window_larger": "server_max_window_bits=10; server_max_window_bits=12",
        "server_window_smaller": "server_max_window_bits=12; server_max_window_bits=10",
        "client_window_equal": "client_max_window_bits=10; client_max_window_bits=10",
        "client_window_different": "client_max_window_bits=10; client_max_window_bits=12",
        "apart": "client_no_context_takeover; server_max_window_bits=15; client_no_context_takeover",
    }
)
async def repeated_parameter_fails_the_connection(incoming: Incoming, parameters: str) -> None:
    """An answer that says a parameter twice fails the connection, whether or not it says the same."""
    await incoming.expect_failed(replying(incoming, accepting(incoming, parameters)))


@case("7692-7.1.2.2-5", hint="fail the connection on client_max_window_bits where you did not offer it")
@each(bits=(10, 15))
async def window_of_the_client_that_was_not_offered_fails_the_connection(incoming: Incoming, bits: int) -> None:
    """client_max_window_bits answers an offer that has it; to a client that did not offer it the answer is invalid."""
    require_offered(incoming, "client_max_window_bits", offered=False)
    await incoming.expect_failed(replying(incoming, accepting(incoming, f"client_max_window_bits={bits}")))


@case(
    "7692-7.1.2.1-7",
    hint="fail the connection where the answer leaves the server more than you asked for",
    reading="largest-window-unsaid",
)
@each(answer={"one_more": 1, "largest": 7, "none": 0})
async def larger_window_than_asked_for_fails_the_connection(incoming: Incoming, answer: int) -> None:
    """Where the client asks for a window, an answer with a larger one, or with none, is no answer to its offer.

    `answer` is by how many bits it is larger, up to 15; 0 leaves the parameter out.
    """
    await incoming.expect_failed(replying(incoming, _with_a_larger_window(incoming, answer)))


def _with_a_larger_window(incoming: Incoming, more: int) -> str:
    """Return an answer with a window that is larger than the client asks for; Unreached where none is."""
    require_offered(incoming, "server_max_window_bits", offered=True)
    values = [offer.get("server_max_window_bits") for offer in deflate_offers(incoming)]
    asked = max((bits for bits in WINDOWS if str(bits) in values), default=15)
    if more and asked == 15:
        raise Unreached(Reason.NOT_OFFERED, "the client asks for the largest window there is")
    parameter = f"server_max_window_bits={min(asked + more, 15)}"
    return accepting(incoming, parameter) if more else accepting(incoming, parameter).removesuffix(f"; {parameter}")


@case("7692-7.1.1.1-5", hint="fail the connection where you asked for server_no_context_takeover and do not get it")
async def missing_server_no_context_takeover_fails_the_connection(incoming: Incoming) -> None:
    """Where the client asks for server_no_context_takeover, an answer without it is no answer to its offer.

    A client that goes on, and inflates with the window of the message before, does more than it had to.
    """
    require_offered(incoming, "server_no_context_takeover", offered=True)
    parameter = "server_no_context_takeover"
    answer = accepting(incoming, parameter).removesuffix(f"; {parameter}")
    ws, opened = await is_opened(incoming, replying(incoming, answer))
    incoming.depart_if(opened, "goes on, though the server did not agree to do without takeover")
    await ws.send(Frame(TEXT, HELLO, rsv=RSV1), Frame(TEXT, AGAIN, rsv=RSV1))
    await ws.expect_echo(*[Frame.text("Hello")] * 2 * opened)


async def _declined(incoming: Incoming) -> Connection:
    """Open the connection without the extension that the client offers; Unreached where it offers none."""
    deflate_offers(incoming)
    ws = await incoming.answer()
    incoming.conversation.opened = True
    return ws


@case("7692-5-13", needs=Need.ECHO, hint="compress only where the answer names permessage-deflate")
async def declined_offer_leaves_messages_uncompressed(incoming: Incoming) -> None:
    """Where the server declines the client's offer, messages come and go without compression."""
    ws = await _declined(incoming)
    await ws.echo(Frame.text("wsconform " * 400), Frame.text("short"), Frame.binary(bytes(1000)))
    bits = [(entry, frame.rsv) for entry, frame in ws.conversation.frames if frame.rsv]
    incoming.expect(not bits, "every RSV bit zero", f"RSV bits {bits[:1]}", bits[0][0] if bits else None)


@case("7692-5-13", hint="where the server did not accept your offer, RSV1 is an error")
async def compressed_message_behind_a_declined_offer_fails_the_connection(incoming: Incoming) -> None:
    """Where the server declined, a message with RSV1 fails the connection, as where nothing was offered."""
    ws = await _declined(incoming)
    await ws.send(Frame.text(HELLO, rsv=RSV1))
    await ws.expect_connection_failed()
