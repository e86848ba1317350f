"""Responses that a client must accept (RFC 6455 section 4.1, RFC 9110, RFC 9112)."""

from __future__ import annotations

from collections.abc import Callable

from wsconform import PING, Connection, Fields, Frame, Incoming, Need, Received, Response, accept_value, case, each

SPELLINGS: dict[str, Callable[[bytes], bytes]] = {
    "lower": bytes.lower,
    "upper": bytes.upper,
    "mixed": lambda name: bytes(
        octet ^ 0x20 if at % 2 and chr(octet).isalpha() else octet for at, octet in enumerate(name)
    ),
}


@case("6455-4.1-47", "9110-7.8-2")
@each(value=("WebSocket", "WEBSOCKET"))
async def upgrade_is_matched_without_regard_to_case(incoming: Incoming, value: str) -> None:
    """The client matches "websocket" in the Upgrade of the response without regard to case."""
    await incoming.expect_open(incoming.response.replacing("Upgrade", value))


@case("6455-4.1-50")
@each(
    values={
        "lower": ("upgrade",),
        "upper": ("UPGRADE",),
        "last_of_a_list": ("keep-alive, Upgrade",),
        "second_line": ("keep-alive", "Upgrade"),
    }
)
async def upgrade_option_is_found_in_connection(incoming: Incoming, values: tuple[str, ...]) -> None:
    """The client finds the option "upgrade" in Connection without regard to case, at any position of the list."""
    await incoming.expect_open(incoming.response.replacing("Connection", *values))


@case("6455-4.1-53", "9110-5.5-1")
@each(before={"spaces_and_tab": b"  \t", "no_space": b""}, after={"space_and_tab": b" \t", "nothing": b""})
async def whitespace_around_accept_is_ignored(incoming: Incoming, before: bytes, after: bytes) -> None:
    """Whitespace around Sec-WebSocket-Accept is not part of its value."""
    right = b"Sec-WebSocket-Accept: " + accept_value(incoming.key)
    padded = b"Sec-WebSocket-Accept:" + before + accept_value(incoming.key) + after
    await incoming.expect_open(incoming.response.encode().replace(right, padded))


@case("6455-4.1-59")
@each(spelling=SPELLINGS)
async def field_names_are_matched_without_regard_to_case(
    incoming: Incoming, spelling: Callable[[bytes], bytes]
) -> None:
    """The field names of the response are matched without regard to case."""
    fields = Fields(tuple((spelling(name), value) for name, value in incoming.response.fields.lines))
    await incoming.expect_open(Response(fields=fields))


@case("6455-4.1-60")
async def order_of_fields_has_no_significance(incoming: Incoming) -> None:
    """The fields of the response are accepted in any order, with others between them.

    A client that reads them by position refuses the response.
    """
    upgrade, connection, accept = incoming.response.fields.lines
    date = (b"Date", b"Tue, 24 Nov 2026 20:00:00 GMT")
    lines = (accept, date, (b"Server", b"wsconform"), connection, (b"X-Pad", b"y" * 40), upgrade)
    await incoming.expect_open(Response(fields=Fields(lines)))


@case("6455-4.1-61", "9112-6.3-1")
@each(pieces={"one_segment": None, "octet_by_octet": (1,)})
async def frames_right_after_the_response_are_read(incoming: Incoming, pieces: tuple[int, ...] | None) -> None:
    """Octets after the empty line of the response are read as frames, even if one segment brings both.

    A client whose HTTP reader drops those octets never answers the Ping.
    """
    ping = Frame.ping(b"glued").encode()
    ws = await incoming.answer(tail=ping, pieces=pieces)
    await ws.expect_pong(b"glued")


@case("6455-4.2.2-30", needs=Need.ECHO)
async def messages_right_after_the_response_are_delivered(incoming: Incoming) -> None:
    """Messages that a server sends right after its response are delivered.

    The fifty messages come in the segment of the response, because a server may send as soon as its handshake is
    complete.
    """
    messages = [Frame.text(f"message {number}") for number in range(50)]
    ws = await incoming.answer(tail=b"".join(message.encode() for message in messages))
    await ws.expect_echo(*messages)


@case("9110-8.6-2", hint="ignore the Content-Length of a 101, which has no body")
@each(length=("0", "5"))
async def content_length_of_a_101_is_ignored(incoming: Incoming, length: str) -> None:
    """A Content-Length in the 101 is ignored, and the octets after the 101 are read as frames."""
    await _expect_open_or_refused(incoming, incoming.response.with_field("Content-Length", length))


@case("9112-6.1-2")
async def transfer_coding_of_a_101_is_not_applied(incoming: Incoming) -> None:
    """A Transfer-Encoding in the 101 is ignored, and the octets after the 101 are read as frames."""
    await _expect_open_or_refused(incoming, incoming.response.with_field("Transfer-Encoding", "chunked"))


async def _reaction(ws: Connection) -> Received | None:
    """Return the client's first frame that is not a Ping; None if no such frame comes before the limit."""
    deadline = ws.session.deadline()
    while (received := await ws.next(deadline)) is not None and received.opcode == PING:
        pass
    return received


async def _expect_pong_or_end(incoming: Incoming, ws: Connection) -> Received | None:
    """Expect a frame from the client or the end of the connection; return the frame, or None."""
    answered = await _reaction(ws)
    incoming.expect(ws.ended is not None or answered is not None, "a Pong, or the end of the connection", "nothing")
    return answered


async def _expect_open_or_refused(incoming: Incoming, response: Response) -> None:
    """Expect the client to answer a Ping right after `response`; failing the handshake departs."""
    data = b"behind the head"
    ws = await incoming.answer(response, tail=Frame.ping(data).encode())
    answered = await _expect_pong_or_end(incoming, ws)
    right = answered is None or answered.payload == data
    incoming.expect(right, "a Pong with the Ping's data", str(answered))
    incoming.depart_if(answered is None, "fails the handshake")


@case("9110-15.2-1")
@each(
    interim={
        "100": b"HTTP/1.1 100 Continue\r\n\r\n",
        "102": b"HTTP/1.1 102 Processing\r\n\r\n",
        "103": b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n",
        "all_three": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n",
    }
)
async def interim_responses_are_skipped(incoming: Incoming, interim: bytes) -> None:
    """Responses of class 1xx before the 101 are read and skipped.

    A client that takes the first response for the final one fails a correct handshake.
    """
    await incoming.expect_open(interim + incoming.response.encode())


@case("9112-4-2")
@each(
    reason={
        "ok": b"OK",
        "long": b"Web Socket Protocol Handshake",
        "empty": b"",
        "obs_text": b"Umgeschaltet \xfcber",
    }
)
async def reason_phrase_is_ignored(incoming: Incoming, reason: bytes) -> None:
    """The reason phrase after the status code is ignored."""
    await incoming.expect_open(Response(reason=reason, fields=incoming.response.fields))


@case("9112-5.2-3", reading="folded-fields-in-answers")
@each(name=("upgrade", "unrelated"))
async def folded_field_is_read_as_one_line(incoming: Incoming, name: str) -> None:
    """The fold in a folded field line is replaced by a space before the line is read.

    Failing the handshake is the safer choice, but against the letter of the rule, so it departs.
    """
    octets = incoming.response.encode()
    folded = {
        "upgrade": octets.replace(b"Upgrade: websocket", b"Upgrade:\r\n websocket"),
        "unrelated": octets.replace(b"\r\nUpgrade", b"\r\nX-Test: one\r\n two\r\nUpgrade", 1),
    }
    ws = await incoming.answer(folded[name], tail=Frame.ping(b"folded").encode())
    answered = await _expect_pong_or_end(incoming, ws)
    incoming.depart_if(answered is None, "fails the handshake")


@case("9112-2.2-2")
async def bare_line_feeds_are_accepted_or_refused(incoming: Incoming) -> None:
    """Lines that end in a bare LF may be read or refused; the client's choice is recorded."""
    response = Response(fields=incoming.response.fields, line_end=b"\n")
    ws = await incoming.answer(response, tail=Frame.ping(b"LF").encode())
    answered = await _reaction(ws)
    right = answered is None or answered.payload == b"LF"
    incoming.expect(right, "a Pong with the Ping's data, or none", str(answered))
    incoming.choose("refused, or not read to its end" if answered is None else "accepted")


@case("9110-5.5-3")
async def octets_beyond_ascii_in_a_value_are_opaque(incoming: Incoming) -> None:
    """Octets 80 to FF in the value of an unknown field do not affect the handshake."""
    response = incoming.response.with_field("X-Test", b"\xe9\xff")
    await _expect_open_or_refused(incoming, response)


@case("9110-5.6.1.2-1")
async def empty_list_elements_are_ignored(incoming: Incoming) -> None:
    """Empty elements in the Connection list of the response are ignored."""
    await _expect_open_or_refused(incoming, incoming.response.replacing("Connection", ", Upgrade,, keep-alive,"))


@case("9112-5.1-2")
async def space_before_a_colon_is_accepted_or_refused(incoming: Incoming) -> None:
    """Whitespace between the name Sec-WebSocket-Accept and its colon is accepted or refused; the choice is recorded."""
    octets = incoming.response.encode().replace(b"Sec-WebSocket-Accept:", b"Sec-WebSocket-Accept :")
    ws = await incoming.answer(octets, tail=Frame.ping(b"space").encode())
    answered = await _reaction(ws)
    right = answered is None or answered.payload == b"space"
    incoming.expect(right, "a Pong with the Ping's data, or none", str(answered))
    incoming.choose("refused" if answered is None else "accepted")


@case("9110-5.4-2", alone=True)
@each(size={"16_kB": 1 << 14, "1_MiB": 1 << 20})
async def oversized_response_is_accepted_or_refused(incoming: Incoming, size: int) -> None:
    """A response with very large fields is accepted, or the handshake fails cleanly.

    None of the response's octets is read as a frame.
    """
    ws = await incoming.answer(incoming.response.with_field("X-Pad", b"x" * size), tail=Frame.ping(b"big").encode())
    answered = await _expect_pong_or_end(incoming, ws)
    right = answered is None or answered.payload == b"big"
    incoming.expect(right, "a Pong with the Ping's data", str(answered))
    incoming.choose("refused" if answered is None else "accepted")


#: The response is cut in two after these octets: inside its lines, between CR and LF, and in the CRLFCRLF at its end.
CUTS = {
    "version": b"HTTP/1",
    "status_code": b"HTTP/1.1 10",
    "reason": b"HTTP/1.1 101 Switching",
    "CR_LF": b"Switching Protocols\r",
    "line_end": b"Switching Protocols\r\n",
    "upgrade_name": b"Upgr",
    "upgrade_value": b"Upgrade: webs",
    "connection_name": b"Connec",
    "connection_value": b"Connection: Upg",
    "accept_name": b"Sec-WebSocket-Acc",
    "accept_value": b"Sec-WebSocket-Accept: ab",
    "empty_line": b"\r\n\r",
}


@case("6455-4.1-61", "6455-2.1-1")
@each(cut=CUTS)
async def response_cut_in_two_is_recognised(incoming: Incoming, cut: bytes) -> None:
    """The response is recognised wherever TCP cuts it in two."""
    octets = incoming.response.encode()
    shared = cut.removesuffix(b"ab")
    at = octets.index(shared) + len(cut)
    await incoming.expect_open(octets, pieces=(at, len(octets)))


@case("6455-4.1-61", "6455-2.1-1")
@each(size=(1, 50, 70, 80))
async def response_in_small_segments_is_recognised(incoming: Incoming, size: int) -> None:
    """The response is recognised in segments of any size."""
    await incoming.expect_open(pieces=(size,))
