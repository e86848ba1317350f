"""Handshakes with a body: its octets are read as a body, or the request is refused; they never become frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from wsconform import Answer, HttpConnection, Opening, Request, case, each

from .steps import expect_body_unread_as_frames, expect_http_or_end, expect_reaction, smuggled_ping

Body = Callable[[Opening], bytes]

BODIES: Mapping[str, Body] = {"five_octets": lambda opening: b"Hello", "a_ping": smuggled_ping}

#: Content-Length where it says a length wrong, or two.
INVALID_LENGTHS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "letters": (("Content-Length", "abc"),),
    "negative": (("Content-Length", "-1"),),
    "list": (("Content-Length", "5, 6"),),
    "two_lines": (("Content-Length", "5"), ("Content-Length", "6")),
    "plus_sign": (("Content-Length", "+5"),),
    "hexadecimal": (("Content-Length", "0x5"),),
}

#: Transfer-Encoding without chunked as its last coding: in a request this leaves the body's length unknown.
ENDLESS = {"gzip": "gzip", "chunked_not_last": "chunked, identity"}


def _chunked(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


@case("9110-7.8-10", hint="read a body of the upgrade request before you switch, or refuse the request")
@each(body=BODIES)
async def body_of_the_handshake_is_not_read_as_frames(opening: Opening, body: Body) -> None:
    """A handshake with a Content-Length is refused, or its body is consumed before frames are read.

    The body is read as the first frame by a target that switches too early, which then fails the connection
    or answers a Ping that nobody sent.
    """
    octets = body(opening)
    request = opening.request.with_field("Content-Length", str(len(octets)))
    await expect_body_unread_as_frames(opening, replace(request, body=octets).encode())


@case("9110-7.8-10", hint="a chunked body is a body: read it before you switch, or refuse the request")
@each(body=BODIES)
async def chunked_body_of_the_handshake_is_not_read_as_frames(opening: Opening, body: Body) -> None:
    """A handshake with a chunked body is refused, or the chunks are consumed before frames are read."""
    request = opening.request.with_field("Transfer-Encoding", "chunked")
    await expect_body_unread_as_frames(opening, replace(request, body=_chunked(body(opening))).encode())


@case("9110-7.8-10", hint="Transfer-Encoding counts before Content-Length: read the chunks, or refuse the request")
async def chunked_body_with_a_length_is_not_read_as_frames(opening: Opening) -> None:
    """A handshake that says its body's length in both ways is refused, or its chunks are consumed.

    A target that sees in the contradiction a request without a body reads the chunks as frames.
    """
    request = opening.request.with_field("Transfer-Encoding", "chunked").with_field("Content-Length", "3")
    await expect_body_unread_as_frames(opening, replace(request, body=_chunked(smuggled_ping(opening))).encode())


@case("9112-6.3-2", hint="refuse a request whose length is invalid or said twice with 400, and close")
@each(lines=INVALID_LENGTHS)
async def body_with_an_invalid_length_is_not_read_as_frames(opening: Opening, lines: tuple[tuple[str, str], ...]) -> None:
    """A request with a Content-Length that is invalid, or with two that differ, is refused; its body is no frame."""
    request = opening.request
    for name, value in lines:
        request = request.with_field(name, value)
    await expect_body_unread_as_frames(opening, replace(request, body=smuggled_ping(opening)).encode())


@case("9112-6.3-4", hint="where chunked is not the last transfer coding of a request, answer 400 and close")
@each(codings=ENDLESS)
async def transfer_coding_without_final_chunked_is_a_bad_request(opening: Opening, codings: str) -> None:
    """A request whose last transfer coding is not chunked has a body without an end: it gets a 400.

    A 501 is due to a coding that is not understood, and as good. A 101 takes the body for frames, or for none.
    """
    request = opening.request.with_field("Transfer-Encoding", codings)
    answer, _ = await opening.expect_refused(replace(request, body=smuggled_ping(opening)), best=(400, 501))
    opening.depart_if(answer.status not in (400, 501), f"400 is due, the target's refusal was {answer}")


@case("9110-7.8-9", hint="answer Expect: 100-continue with 100 first, or with a final 4xx")
async def expect_100_continue_is_answered_before_the_101(opening: Opening) -> None:
    """A request with Upgrade and Expect: 100-continue gets the 100 before the 101.

    The body is held back until the 100, as the client has asked for: a 101 instead of it comes too early.
    """
    request = opening.request.with_field("Expect", "100-continue").with_field("Content-Length", "4")
    wire = await opening.dial()
    await wire.send(request.encode(), "the head of a request that expects 100")
    first = await wire.answer(interim_too=True)
    opening.note("first answer", first)
    opening.expect(not first.accepted, "100 before 101", str(first), first.entry)
    await _send_body_and_weigh(opening, wire, first)


async def _send_body_and_weigh(opening: Opening, wire: HttpConnection, first: Answer) -> None:
    """Send the body; a 101 now is right only if `first` was the 100."""
    if first.status >= 200 or first.ending is not None:
        return
    await wire.send(b"body", "the body")
    second = await wire.answer()
    expect_reaction(opening, second, "the body")
    opening.note("second answer", second)
    opening.expect(first.status == 100 or not second.accepted, "100 before 101", str(second), second.entry)


@case("9112-9.3-1", hint="after an error response, read the body that was announced, or close")
async def body_after_an_error_is_not_the_next_request(opening: Opening) -> None:
    """After an error response the body of the request is read and dropped, or the connection closed.

    A correct handshake follows the body directly: a target that skips the body reads "HelloGET" as its method.
    """
    post = replace(opening.request, method=b"POST", body=b"Hello").with_field("Content-Length", "5")
    good = opening.fresh_request()
    with opening.arranging("a POST that is refused"):
        first, wire = await opening.exchange(post, tail=good.encode())
        opening.expect(not first.accepted, "a refusal", str(first), first.entry)
        expect_reaction(opening, first, "POST")
    opening.note("first answer", first)
    second = await wire.answer()
    expect_http_or_end(opening, first, second, good)
    _expect_good_request_seen(opening, second, wire, good)


def _expect_good_request_seen(opening: Opening, second: Answer, wire: HttpConnection, good: Request) -> None:
    if second.head is None:
        return
    expected = "the second request to be answered with 101, or the connection to be closed"
    opening.expect(second.accepted, expected, str(second), second.entry)
    opening.accept(second, wire, good)
