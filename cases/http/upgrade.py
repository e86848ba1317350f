"""What Upgrade asks for, and where the new protocol begins (RFC 9110 section 7.8, RFC 9112 section 6.3)."""

from __future__ import annotations

from dataclasses import replace

from wsconform import Answer, Frame, HttpConnection, Opening, case, each

from .steps import begin_refused, expect_http_or_end, expect_reaction, ordinary_request

#: Fields that make middleware add to a response.
TEMPTATIONS = {
    "page": ("Accept", "text/html"),
    "compression": ("Accept-Encoding", "gzip"),
    "trailers": ("TE", "trailers"),
}


@case("9110-7.8-1", hint="a response that refuses ends there: no Close frame follows it")
async def ignored_upgrade_gets_an_ordinary_response(opening: Opening) -> None:
    """A server may ignore Upgrade and answer in HTTP, and then goes on in HTTP: no frame follows the response.

    An unknown path is asked for the upgrade, then with an ordinary GET, whose answer must be the next thing to come.
    """
    request = replace(opening.request, target=b"/wsconform-no-such-resource")
    answer, wire = await opening.exchange(request)
    expect_reaction(opening, answer, "an upgrade of an unknown resource")
    opening.note("answered with", answer)
    await _expect_nothing_but_http(opening, answer, wire)


@case("9110-7.8-1", hint="the end of a refused handshake is the end of an HTTP response, not a closing handshake")
async def refusal_is_not_followed_by_frames(opening: Opening) -> None:
    """A refused handshake never opened a WebSocket connection, so no Close frame ends it."""
    answer, wire = await begin_refused(opening, lambda request: request.replacing("Upgrade", "wsconform-unknown"))
    await _expect_nothing_but_http(opening, answer, wire)


async def _expect_nothing_but_http(opening: Opening, answer: Answer, wire: HttpConnection) -> None:
    if answer.accepted:
        opening.note("not decided", "the target upgrades this path as well")
        return
    second, _ = await opening.exchange(ordinary_request(opening), wire=wire)
    expect_http_or_end(opening, answer, second)


@case("9110-7.8-4", hint='compare each name in Upgrade with "websocket" as a whole')
@each(protocol=("h2c", "TLS/1.0", "wsconform-unknown", "websockets", "notwebsocket", "web socket", "websocket2"))
async def upgrade_to_another_protocol_does_not_open_a_websocket(opening: Opening, protocol: str) -> None:
    """No server switches to WebSocket where Upgrade names something else, all other fields being right."""
    answer, _ = await opening.exchange(opening.request.replacing("Upgrade", protocol))
    expect_reaction(opening, answer, f"Upgrade: {protocol}")
    named = (answer.field("Upgrade") or b"").lower()
    switched = answer.accepted and (named == b"websocket" or answer.field("Sec-WebSocket-Accept") is not None)
    opening.expect(not switched, "no switch to WebSocket", str(answer), answer.entry)
    opening.note("answered with", answer)


@case("9112-6.3-1", hint="send nothing between the 101's empty line and the first frame, no body and no line break")
@each(field=TEMPTATIONS)
async def switching_response_ends_at_its_empty_line(opening: Opening, field: tuple[str, str]) -> None:
    """A 101 ends at its empty line; the first octets after it belong to the first frame.

    The request invites what some layer above HTTP may add to every response, a page, the end of a compressed or a
    chunked body. That would shift all frames, so that the Pong to a Ping is not there to be found.
    """
    ws = await opening.expect_accepted(opening.request.with_field(*field))
    await ws.send(Frame.ping(b"first"))
    await ws.expect_pong(b"first")
