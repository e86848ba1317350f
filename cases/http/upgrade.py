"""The meaning of Upgrade, and the octet at which the new protocol begins (RFC 9110 7.8, RFC 9112 6.3)."""

from __future__ import annotations

from dataclasses import replace

from wsconform import Answer, Frame, HttpConnection, Opening, case, each

from .steps import exchange_refused, expect_http_or_end, expect_reaction, ordinary_request

#: Request fields that lead middleware to add octets to a response.
TEMPTATIONS = {
    "page": ("Accept", "text/html"),
    "compression": ("Accept-Encoding", "gzip"),
    "trailers": ("TE", "trailers"),
}


@case("9110-7.8-1", hint="send no Close frame after a response that refuses the handshake")
async def ignored_upgrade_gets_an_ordinary_response(opening: Opening) -> None:
    """A server that ignores Upgrade answers in HTTP and goes on in HTTP: no frame follows the response.

    The upgrade is requested for an unknown path. An ordinary GET follows, and its answer must come next.
    """
    request = replace(opening.request, target=b"/wsconform-no-such-resource")
    answer, wire = await opening.exchange(request)
    expect_reaction(opening, answer, "an upgrade of an unknown resource")
    opening.note("answered with", answer)
    await _expect_nothing_but_http(opening, answer, wire)


@case("9110-7.8-1", hint="end a refused handshake with the HTTP response, without a closing handshake")
async def refusal_is_not_followed_by_frames(opening: Opening) -> None:
    """A refused handshake never opened a WebSocket connection, so no Close frame follows the response."""
    answer, wire = await exchange_refused(opening, lambda request: request.replacing("Upgrade", "wsconform-unknown"))
    await _expect_nothing_but_http(opening, answer, wire)


async def _expect_nothing_but_http(opening: Opening, answer: Answer, wire: HttpConnection) -> None:
    """Expect an ordinary GET after `answer` to be answered in HTTP. A target that upgrades this path is not judged."""
    if answer.accepted:
        opening.note("not decided", "the target upgrades this path as well")
        return
    second, _ = await opening.exchange(ordinary_request(opening), wire=wire)
    expect_http_or_end(opening, answer, second)


@case("9110-7.8-4", hint='compare each name in Upgrade with "websocket" as a whole')
@each(protocol=("h2c", "TLS/1.0", "wsconform-unknown", "websockets", "notwebsocket", "web socket", "websocket2"))
async def upgrade_to_another_protocol_does_not_open_a_websocket(opening: Opening, protocol: str) -> None:
    """A server does not switch to WebSocket if Upgrade names another protocol, even if all other fields are right."""
    answer, _ = await opening.exchange(opening.request.replacing("Upgrade", protocol))
    expect_reaction(opening, answer, f"Upgrade: {protocol}")
    named = (answer.field("Upgrade") or b"").lower()
    switched = answer.accepted and (named == b"websocket" or answer.field("Sec-WebSocket-Accept") is not None)
    opening.expect(not switched, "no switch to WebSocket", str(answer), answer.entry)
    opening.note("answered with", answer)


@case(
    "9112-6.3-1", hint="send nothing, no body and no line break, between the empty line of the 101 and the first frame"
)
@each(field=TEMPTATIONS)
async def switching_response_ends_at_its_empty_line(opening: Opening, field: tuple[str, str]) -> None:
    """A 101 ends at its empty line; the next octets belong to the first frame.

    The request invites additions by a layer above HTTP, such as a page, or the end of a compressed or a chunked body.
    Added octets would shift all frames, so the Pong to our Ping would not be found.
    """
    ws = await opening.expect_accepted(opening.request.with_field(*field))
    await ws.send(Frame.ping(b"first"))
    await ws.expect_pong(b"first")
