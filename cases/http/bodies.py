"""Handshakes with a body: the target reads the body or refuses the request, and never reads the body as frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from wsconform import Answer, HttpConnection, Opening, Request, case, each

from .steps import expect_body_unread_as_frames, expect_http_or_end, expect_reaction, smuggled_ping

Body = Callable[[Opening], bytes]

BODIES: Mapping[str, Body] = {"five_octets": lambda opening: b"Hello", "a_ping": smuggled_ping}

#: The values of Content-Length, one for each line: an invalid length, or two that differ.
INVALID_LENGTHS: Mapping[str, tuple[str, ...]] = {
    "letters": ("abc",),
    "negative": ("-1",),
    "list": ("5, 6",),
    "two_lines": ("5", "6"),
    "plus_sign": ("+5",),
    "hexadecimal": ("0x5",),
}

#: Transfer-Encoding without chunked as its last coding. In a request this leaves the length of the body unknown.
ENDLESS = {"gzip": "gzip", "chunked_not_last": "chunked, identity"}


def _chunked(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


@case("9110-7.8-10", hint="read a body of the upgrade request before you switch, or refuse the request")
@each(body=BODIES)
async def body_of_the_handshake_is_not_read_as_frames(opening: Opening, body: Body) -> None:
    """A handshake with a Content-Length is refused, or its body is consumed before frames are read.

    A target that switches too early reads the body as its first frame. It then fails the connection, or answers a Ping
    that was never sent as a frame.
    """
    octets = body(opening)
    request = opening.request.with_field("Content-Length", str(len(octets)))
    await expect_body_unread_as_frames(opening, replace(request, body=octets).encode())


@case("9110-7.8-10", hint="read a chunked body before you switch, or refuse the request")
@each(body=BODIES)
async def chunked_body_of_the_handshake_is_not_read_as_frames(opening: Opening, body: Body) -> None:
    """A handshake with a chunked body is refused, or the chunks are consumed before frames are read."""
    request = opening.request.with_field("Transfer-Encoding", "chunked")
    await expect_body_unread_as_frames(opening, replace(request, body=_chunked(body(opening))).encode())


@case("9110-7.8-10", hint="Transfer-Encoding overrides Content-Length: read the chunks, or refuse the request")
async def chunked_body_with_a_length_is_not_read_as_frames(opening: Opening) -> None:
    """A handshake with both Transfer-Encoding and Content-Length is refused, or its chunks are consumed.

    A target that concludes from the contradiction that there is no body reads the chunks as frames.
    """
    request = opening.request.with_field("Transfer-Encoding", "chunked").with_field("Content-Length", "3")
    await expect_body_unread_as_frames(opening, replace(request, body=_chunked(smuggled_ping(opening))).encode())


@case("9112-6.3-2", hint="answer a request whose length is invalid or repeated with 400, and close")
@each(values=INVALID_LENGTHS)
async def body_with_an_invalid_length_is_not_read_as_frames(opening: Opening, values: tuple[str, ...]) -> None:
    """A request with an invalid Content-Length, or with two that differ, is refused; its body is never read as frames.

    The body is a Ping. A target that treats the unknown length as no body answers it.
    """
    request = opening.request.replacing("Content-Length", *values)
    await expect_body_unread_as_frames(opening, replace(request, body=smuggled_ping(opening)).encode())


@case("9112-6.3-4", hint="if chunked is not the last transfer coding of a request, answer 400 and close")
@each(codings=ENDLESS)
async def transfer_coding_without_final_chunked_is_a_bad_request(opening: Opening, codings: str) -> None:
    """A request whose last transfer coding is not chunked gets a 400, because its body has no known end.

    A 501, the status for an unknown coding, is as good. A target that answers 101 reads the body as frames, or ignores
    it.
    """
    request = opening.request.with_field("Transfer-Encoding", codings)
    answer, _ = await opening.expect_refused(replace(request, body=smuggled_ping(opening)), best=(400, 501))
    opening.depart_if(answer.status not in (400, 501), f"400 is due, the target's refusal was {answer}")


@case("9110-7.8-9", hint="answer Expect: 100-continue with 100 first, or with a final 4xx")
async def expect_100_continue_is_answered_before_the_101(opening: Opening) -> None:
    """A request with Upgrade and Expect: 100-continue gets the 100 before the 101.

    The body is held back until the 100 arrives. A 101 in its place comes too early.
    """
    request = opening.request.with_field("Expect", "100-continue").with_field("Content-Length", "4")
    wire = await opening.dial()
    await wire.send(request.encode(), "the head of a request that expects 100")
    first = await wire.answer(interim_too=True)
    opening.note("first answer", first)
    opening.expect(not first.accepted, "100 before 101", str(first), first.entry)
    await _expect_no_early_switch(opening, wire, first)


async def _expect_no_early_switch(opening: Opening, wire: HttpConnection, first: Answer) -> None:
    """Send the body, unless `first` was final; a 101 is right now only if `first` was the 100."""
    if first.status >= 200 or first.ending is not None:
        return
    await wire.send(b"body", "the body")
    second = await wire.answer()
    expect_reaction(opening, second, "the body")
    opening.note("second answer", second)
    opening.expect(first.status == 100 or not second.accepted, "100 before 101", str(second), second.entry)


@case("9112-9.3-1", hint="after an error response, read the body that was announced, or close")
async def body_after_an_error_is_not_the_next_request(opening: Opening) -> None:
    """After an error response the target reads and drops the body of the request, or closes the connection.

    A correct handshake follows the body directly. A target that does not read the body reads "HelloGET" as the method.
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
    """Expect `second` to accept the correct handshake `good`; an end of the connection is as good."""
    if second.head is None:
        return
    expected = "the second request to be answered with 101, or the connection to be closed"
    opening.expect(second.accepted, expected, str(second), second.entry)
    opening.accept(second, wire, good)
