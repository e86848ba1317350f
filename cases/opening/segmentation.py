"""The opening handshake in TCP segments of any size (RFC 6455 sections 2.1, 4.1, 4.2.1)."""

from __future__ import annotations

from wsconform import CLOSE, Answer, Connection, Frame, HttpConnection, Opening, case, each

from .answers import expect_reaction

_COLLECT = "collect octets until the empty line has arrived, then parse the head"

#: The request is cut in two after the first occurrence of these octets, compared in lower case.
CUTS = {
    "method": b"ge",
    "method_and_space": b"get ",
    "request_target": b"get /",
    "space_before_version": b" http",
    "version": b"http/1.",
    "request_line": b"http/1.1",
    "request_line_cr": b"http/1.1\r",
    "request_line_crlf": b"http/1.1\r\n",
    "host_name": b"\r\nho",
    "host_colon": b"\r\nhost:",
    "host_blank": b"\r\nhost: ",
    "upgrade_name": b"\r\nupg",
    "upgrade_value": b"\r\nupgrade: webs",
    "upgrade_cr": b"\r\nupgrade: websocket\r",
    "connection_name": b"\r\nconn",
    "connection_value": b"\r\nconnection: upg",
    "key_name": b"\r\nsec-websocket-k",
    "key_colon": b"\r\nsec-websocket-key:",
    "version_name": b"\r\nsec-websocket-ver",
    "version_value": b"\r\nsec-websocket-version: 1",
    "version_cr": b"\r\nsec-websocket-version: 13\r",
}

#: The request is cut in two this many octets before its end.
ENDS = {"before_the_end": 4, "between_cr_and_lf": 3, "between_the_lines": 2, "before_the_last_lf": 1}


@case("6455-4.2.1-26", hint=_COLLECT)
async def request_octet_by_octet_is_understood(opening: Opening) -> None:
    """A handshake that arrives one octet at a time is accepted.

    A target that expects the request in one read refuses its first octet.
    """
    await opening.expect_accepted(pieces=(1,))


@case("6455-4.2.1-26", hint=_COLLECT)
@each(after=CUTS)
async def request_in_two_pieces_is_understood(opening: Opening, after: bytes) -> None:
    """A handshake that is cut in two at any place is accepted.

    Each cut splits a part of the request that a target which parses single segments would misread.
    """
    octets = opening.request.encode()
    cut = octets.lower().index(after) + len(after)
    await opening.expect_accepted(pieces=(cut, len(octets)))


@case("6455-4.2.1-26", hint=_COLLECT)
@each(characters=(1, 8, 12, 23, 24))
async def request_cut_inside_the_key_is_understood(opening: Opening, characters: int) -> None:
    """A handshake that is cut inside its key's value, or right after it, is accepted.

    A target that hashes the octets received so far sends another accept value.
    """
    octets = opening.request.encode()
    cut = octets.index(opening.key) + characters
    await opening.expect_accepted(pieces=(cut, len(octets)))


@case("6455-4.2.1-26", hint=_COLLECT)
@each(octets=ENDS)
async def request_cut_inside_its_end_is_understood(opening: Opening, octets: int) -> None:
    """The two line ends that end a head may arrive in separate segments.

    A target that looks for them only in the latest segment waits for ever.
    """
    whole = opening.request.encode()
    await opening.expect_accepted(pieces=(len(whole) - octets, len(whole)))


@case("6455-4.2.1-26", hint=_COLLECT)
@each(octets=(80, 70, 50, 16, 3, 2))
async def request_in_small_pieces_is_understood(opening: Opening, octets: int) -> None:
    """A handshake that arrives in many pieces of one size is accepted.

    The pieces end in the middle of lines and of words.
    """
    await opening.expect_accepted(pieces=(octets,))


@case("6455-4.1-41", hint="answer the handshake first; keep octets after the request for the frame reader")
@each(frame={"text": Frame.text("Hello"), "ping": Frame.ping(b"Hello"), "close": Frame.close(1000)})
async def early_frame_is_not_answered_before_the_handshake(opening: Opening, frame: Frame) -> None:
    """A client must not send a frame yet; if one does, the response still comes before any frame from the server.

    Whether the target reads the frame, drops it or refuses the handshake is recorded. Afterwards the target accepts
    another connection.
    """
    asked = opening.request
    answer, wire = await opening.exchange(asked, tail=frame.masked(b"\x37\xfa\x21\x3d").encode())
    before = wire.conversation.before_head
    opening.expect(not before, "no octet before the response", f"{len(before)} octets before it", answer.entry)
    expect_reaction(opening, answer)
    opening.note("answered with", answer)
    await _note_fate_of_the_frame(opening, answer, wire)
    await opening.expect_accepted(opening.fresh_request())


async def _note_fate_of_the_frame(opening: Opening, answer: Answer, wire: HttpConnection) -> None:
    if answer.accepted:
        opening.note("the frame was", await _fate(opening.accept(answer, wire, opening.request)))


async def _fate(ws: Connection) -> str:
    """Send a Ping after the early frame and return how the target treated the frame."""
    await ws.send(Frame.ping(b"after it"))
    deadline = ws.session.deadline(ws.session.limits.prompt)
    while (received := await ws.next(deadline)) is not None:
        if received.payload == b"after it":
            return "ignored"
        if received.opcode == CLOSE:
            return f"answered with {received}"
        if received.payload == b"Hello":
            return "read"
    return f"answered with the end of the connection ({ws.ended.value})" if ws.ended else "ignored, and a Ping too"
