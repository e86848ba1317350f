"""Responses on which a client must fail the connection (RFC 6455 sections 4.1, 7.2.1).

Each is a correct 101 but for one error, with a Ping right after it. A client that does not check answers the Ping.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

from wsconform import GUID, Incoming, Response, accept_value, case, each

from ..deflate.our_answers import require_offered


@case("6455-4.1-45", "6455-7.2.1-1", "6455-7.1.7-1")
async def missing_upgrade_fails_the_connection(incoming: Incoming) -> None:
    """A 101 without Upgrade fails the connection."""
    await incoming.expect_failed(incoming.response.without("Upgrade"))


@case("6455-4.1-46", "6455-7.2.1-1")
@each(
    values={
        "h2c": ("h2c",),
        "websocket2": ("websocket2",),
        "list": ("websocket, foo",),
        "with_version": ("websocket/13",),
        "empty": ("",),
        "two_lines": ("websocket", "h2c"),
    }
)
async def other_upgrade_fails_the_connection(incoming: Incoming, values: tuple[str, ...]) -> None:
    """An Upgrade that is not just "websocket" fails the connection."""
    await incoming.expect_failed(incoming.response.replacing("Upgrade", *values))


@case("6455-4.1-48", "6455-7.2.1-1")
async def missing_connection_fails_the_connection(incoming: Incoming) -> None:
    """A 101 without Connection fails the connection."""
    await incoming.expect_failed(incoming.response.without("Connection"))


@case("6455-4.1-49", "6455-7.2.1-1")
@each(value={"keep_alive": "keep-alive", "close": "close", "upgraded": "upgraded", "two_words": "up grade"})
async def connection_without_upgrade_fails_the_connection(incoming: Incoming, value: str) -> None:
    """A Connection without the option "upgrade" fails the connection.

    "upgraded" and "up grade" catch clients that search for a part of the word.
    """
    await incoming.expect_failed(incoming.response.replacing("Connection", value))


@case("6455-4.1-51", "6455-7.2.1-1", hint="compare Sec-WebSocket-Accept with your own result; a missing one is wrong")
async def missing_accept_fails_the_connection(incoming: Incoming) -> None:
    """A 101 without Sec-WebSocket-Accept fails the connection."""
    await incoming.expect_failed(incoming.response.without("Sec-WebSocket-Accept"))


def _swap_one_case(value: bytes) -> bytes:
    at = next(at for at, octet in enumerate(value) if chr(octet).isalpha())
    return value[:at] + bytes((value[at] ^ 0x20,)) + value[at + 1 :]


def _hash(octets: bytes) -> bytes:
    return base64.b64encode(hashlib.sha1(octets, usedforsecurity=False).digest())


def _decoded(key: bytes) -> bytes:
    try:
        return base64.b64decode(key)
    except ValueError:
        # A monitor reports a key that is not base64. No client expects the accept value of an empty key.
        return b""


WRONG_ACCEPTS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda key: b"",
    "of_another_key": lambda key: accept_value(base64.b64encode(b"another key here")),
    "one_letter_in_other_case": lambda key: _swap_one_case(accept_value(key)),
    "without_padding": lambda key: accept_value(key)[:-1],
    "with_a_tail": lambda key: accept_value(key) + b"x",
    "hexadecimal": lambda key: hashlib.sha1(key + GUID, usedforsecurity=False).hexdigest().encode(),
    "of_the_decoded_key": lambda key: _hash(_decoded(key) + GUID),
    "with_lower_case_guid": lambda key: _hash(key + GUID.lower()),
    "the_key_itself": lambda key: key,
}


@case("6455-4.1-52", "6455-7.2.1-1", hint="compare Sec-WebSocket-Accept octet by octet with your own result")
@each(wrong=WRONG_ACCEPTS)
async def wrong_accept_fails_the_connection(incoming: Incoming, wrong: Callable[[bytes], bytes]) -> None:
    """A Sec-WebSocket-Accept that is not the hash of key and GUID fails the connection."""
    await incoming.expect_failed(incoming.response.replacing("Sec-WebSocket-Accept", wrong(incoming.key)))


@case("6455-11.3.3-2", "6455-7.2.1-1")
@each(order=("right_wrong", "wrong_right"))
async def two_accepts_fail_the_connection(incoming: Incoming, order: str) -> None:
    """Two Sec-WebSocket-Accept fields fail the connection, even if one of them is right."""
    values = {"right": accept_value(incoming.key), "wrong": accept_value(b"x")}
    response = incoming.response.replacing("Sec-WebSocket-Accept", *(values[name] for name in order.split("_")))
    await incoming.expect_failed(response)


@case("6455-11.3.3-2")
async def repeated_accept_is_refused(incoming: Incoming) -> None:
    """The right Sec-WebSocket-Accept on two lines is refused, because the field may appear only once.

    Accepting it departs.
    """
    right = accept_value(incoming.key)
    ws = await incoming.answer(incoming.response.replacing("Sec-WebSocket-Accept", right, right))
    seen = await ws.settle()
    incoming.depart_if(ws.ended is None and not ws.conversation.closes(), "accepts two equal values")
    incoming.note("frames before the end", len(seen))


@case("6455-4.1-54", "6455-4.1-55", "6455-7.2.1-1", reading="unoffered-extensions")
async def unoffered_extension_fails_the_connection(incoming: Incoming) -> None:
    """An extension in the response that the client did not offer fails the connection.

    If the client ignores the field and goes on, the two ends disagree on the framing.
    """
    await incoming.expect_failed(incoming.response.with_field("Sec-WebSocket-Extensions", "x-not-offered"))


MALFORMED_EXTENSIONS = {
    "trailing_semicolon": "permessage-deflate;",
    "no_name": "; x",
    "no_parameter_name": "permessage-deflate; =10",
    "space_in_the_name": "permessage deflate",
    "unterminated_quote": 'permessage-deflate; a="b',
    "space_in_a_value": "permessage-deflate; a=b c",
    "slash": "permessage-deflate/1",
    "brackets": "permessage-deflate; a=[1]",
}


@case("6455-9.1-2", "6455-7.2.1-1")
@each(value=MALFORMED_EXTENSIONS)
async def malformed_extensions_fail_the_connection(incoming: Incoming, value: str) -> None:
    """A Sec-WebSocket-Extensions that breaks its grammar fails the connection."""
    await incoming.expect_failed(incoming.response.with_field("Sec-WebSocket-Extensions", value))


@case("6455-4.1-56", "6455-7.2.1-1")
async def unrequested_subprotocol_fails_the_connection(incoming: Incoming) -> None:
    """A subprotocol in the response that the client did not request fails the connection."""
    await incoming.expect_failed(incoming.response.with_field("Sec-WebSocket-Protocol", "x-not-requested"))


@case("6455-4.1-58", "6455-7.2.1-1")
@each(value={"list": "chat, superchat", "empty": ""})
async def malformed_subprotocol_fails_the_connection(incoming: Incoming, value: str) -> None:
    """A Sec-WebSocket-Protocol that is a list, or empty, breaks the rules for the server's handshake."""
    await incoming.expect_failed(incoming.response.with_field("Sec-WebSocket-Protocol", value))


@case("6455-4.1-58", "9112-5.1-4", "6455-7.2.1-1")
@each(line={"no_colon": b"garbage", "no_name": b": v", "not_a_token": b"X(Y): v"})
async def malformed_field_line_is_refused_or_ignored(incoming: Incoming, line: bytes) -> None:
    """A malformed field line makes the response invalid; ignoring the line is lenient and departs."""
    octets = incoming.response.encode().replace(b"\r\nUpgrade", b"\r\n" + line + b"\r\nUpgrade", 1)
    ws = await incoming.answer(octets)
    await ws.settle()
    incoming.depart_if(ws.ended is None and not ws.conversation.closes(), "ignores the line")


@case("9110-5.5-2", "6455-4.1-58", "6455-7.2.1-1")
@each(octet={"NUL": b"\0", "bare_CR": b"\r"})
async def control_octet_in_a_value_is_refused_or_replaced(incoming: Incoming, octet: bytes) -> None:
    """NUL or a bare CR in a field value is refused, or replaced by a space."""
    ws = await incoming.answer(incoming.response.with_field("X-Test", b"a" + octet + b"b"))
    await ws.settle()
    incoming.note("reaction", "refused" if ws.ended else "replaced or ignored")


@case("9112-2.2-3", "6455-7.2.1-1")
async def bare_cr_does_not_end_a_line(incoming: Incoming) -> None:
    """A bare CR in the value of Upgrade does not begin a new field, so the value is not "websocket"."""
    octets = incoming.response.encode().replace(b"Upgrade: websocket", b"Upgrade: websocket\rX: y")
    await incoming.expect_failed(octets)


@case("9112-2.2-5")
async def indented_first_field_is_not_used(incoming: Incoming) -> None:
    """A line that begins with whitespace right after the status line is skipped, or makes the response invalid."""
    right = b"Sec-WebSocket-Accept: " + accept_value(incoming.key) + b"\r\n"
    octets = incoming.response.encode().replace(right, b"").replace(b"\r\n", b"\r\n " + right, 1)
    await incoming.expect_failed(octets)


@case("9112-4-3", "6455-7.2.1-1")
@each(
    line={
        "HTTP_2": b"HTTP/2 101 Switching Protocols",
        "ICY": b"ICY 101 Switching Protocols",
        "four_digits": b"HTTP/1.1 0101 Switching Protocols",
        "letter_in_the_code": b"HTTP/1.1 1O1 Switching Protocols",
    }
)
async def malformed_status_line_fails_the_connection(incoming: Incoming, line: bytes) -> None:
    """A status line that is malformed, or of another major version, fails the connection."""
    octets = incoming.response.encode().replace(b"HTTP/1.1 101 Switching Protocols", line)
    await incoming.expect_failed(octets)


@case("9112-4-3", "6455-11.1.1-3")
async def http_1_0_response_is_refused(incoming: Incoming) -> None:
    """A server of HTTP/1.0 cannot answer 101, so the client refuses it; accepting it departs."""
    ws = await incoming.answer(Response(version=b"HTTP/1.0", fields=incoming.response.fields))
    await ws.settle()
    incoming.depart_if(ws.ended is None and not ws.conversation.closes(), "accepts a 101 of HTTP/1.0")


@case("6455-4.1-58")
async def status_line_without_a_space_is_accepted_or_refused(incoming: Incoming) -> None:
    """A status line that ends after its code breaks the grammar.

    A recipient may be lenient about it; the client's reaction is recorded.
    """
    octets = incoming.response.encode().replace(b" Switching Protocols", b"", 1)
    ws = await incoming.answer(octets)
    await ws.settle()
    incoming.note("reaction", "refused" if ws.ended else "accepted")


@case("6455-4.1-56", "6455-8.1-4")
async def subprotocol_that_is_not_utf8_fails_the_connection(incoming: Incoming) -> None:
    """A Sec-WebSocket-Protocol that is not UTF-8 matches no requested subprotocol and fails the connection."""
    await incoming.expect_failed(incoming.response.with_field("Sec-WebSocket-Protocol", b"\xff\xfe"))


@case("6455-4.3-10")
async def whitespace_in_extensions_is_ignored(incoming: Incoming) -> None:
    """Spaces around ";" in the extensions of the response are ignored."""
    value = str(incoming.accepted_deflate()).replace(";", " ; ") + " ; server_no_context_takeover"
    known = "server_no_context_takeover" in str(incoming.accepted_deflate())
    response = incoming.response.with_field(
        "Sec-WebSocket-Extensions", value if not known else value.rpartition(" ; ")[0]
    )
    await incoming.expect_open(response)


@case("6455-4.2.2-29", "6455-11.3.2-2")
@each(values={"one_line": ("{}, ",), "two_lines": ("{}", ",")})
async def empty_elements_of_extensions_are_ignored(incoming: Incoming, values: tuple[str, ...]) -> None:
    """Empty elements beside the accepted extension, on one line or two, are ignored; refusing them departs."""
    accepted = str(incoming.accepted_deflate())
    lines = tuple(value.replace("{}", accepted) for value in values)
    ws = await incoming.answer(incoming.response.replacing("Sec-WebSocket-Extensions", *lines))
    await ws.settle()
    incoming.depart_if(ws.ended is not None, "refuses the empty element")


@case("6455-9.1-5", "7692-5.2-1")
@each(value={"quoted": '"15"', "quoted_pair": '"1\\5"', "ten": '"10"'})
async def quoted_value_is_read_as_a_token(incoming: Incoming, value: str) -> None:
    """A quoted parameter value means the same as the bare token; refusing it departs."""
    require_offered(incoming, "server_max_window_bits", offered=False)
    answer = f"{incoming.accepted_deflate()}; server_max_window_bits={value}"
    ws = await incoming.answer(incoming.response.with_field("Sec-WebSocket-Extensions", answer))
    await ws.settle()
    incoming.depart_if(ws.ended is not None or bool(ws.conversation.closes()), "refuses the quoted value")


@case("6455-9.1-6", "6455-7.2.1-1")
@each(value={"empty": '""', "space_inside": '"1 5"'})
async def quoted_value_that_is_not_a_token_fails_the_connection(incoming: Incoming, value: str) -> None:
    """A quoted value that is not a token without its quotes is malformed and fails the connection."""
    answer = f"{incoming.accepted_deflate()}; server_max_window_bits={value}"
    await incoming.expect_failed(incoming.response.with_field("Sec-WebSocket-Extensions", answer))
