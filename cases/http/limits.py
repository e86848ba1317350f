"""Requests that are larger than usual: what has to fit, how the rest is refused (RFC 9110 5.4, RFC 9112 section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from wsconform import Fields, Opening, case, each

from .steps import accept_if_switched, depart_or_accept, expect_reaction, with_query

#: Names and lengths (octets) of fields that nobody needs.
PADDING: Mapping[str, tuple[int, int]] = {
    "16_kB": (1, 16 << 10),
    "64_kB": (1, 64 << 10),
    "1_MiB": (1, 1 << 20),
    "100_fields": (100, 8),
    "1000_fields": (1000, 8),
}


@case("9110-5.4-1", alone=True, hint="answer more than you process with 431; never drop a part of it in silence")
@each(padding=PADDING)
async def large_field_section_is_refused_or_read_whole(opening: Opening, padding: tuple[int, int]) -> None:
    """Fields that are larger than the server will process are answered with a 4xx.

    The handshake's own fields come last, so that they are among what a silent limit would cut off.
    """
    count, octets = padding
    request = opening.request
    pads = tuple((b"X-Pad-%d" % number, b"p" * octets) for number in range(count))
    answer, wire = await opening.exchange(replace(request, fields=Fields(pads + request.fields.lines)))
    expect_reaction(opening, answer, "a large field section")
    opening.note("answered with", answer)
    accept_if_switched(opening, answer, wire, request)
    opening.depart_if(answer.head is None, "the connection is closed without a response")
    right = answer.head is None or answer.accepted or 400 <= answer.status < 500
    opening.expect(right, "101 or a 4xx", str(answer), answer.entry)


@case("9112-3-1", hint="have room for a request line of 8000 octets at the least")
@each(octets={"4000": 4000, "7900": 7900, "line_of_8000": 8000 - len("GET / HTTP/1.1\r\n")})
async def long_request_line_is_accepted(opening: Opening, octets: int) -> None:
    """Request lines of at least 8000 octets are supported."""
    request = opening.request
    asked = replace(request, target=with_query(request.target, octets - len(request.target) + 1))
    answer, wire = await opening.exchange(asked)
    depart_or_accept(opening, answer, wire, asked, "a request line of no more than 8000 octets is too long")


@case("9112-3-2", alone=True, hint="answer a request-target that is too long with 414")
@each(octets={"64_kB": 64 << 10, "1_MiB": 1 << 20})
async def too_long_request_target_is_refused(opening: Opening, octets: int) -> None:
    """A request-target that is longer than the server reads gets a 414, and the server lives on."""
    request = opening.request
    answer, _ = await opening.exchange(replace(request, target=with_query(request.target, octets)))
    expect_reaction(opening, answer, f"a request-target of {octets} octets")
    opening.note("answered with", answer)
    opening.depart_if(answer.head is None, "the connection is closed without a response")
    right = answer.head is None or answer.accepted or 400 <= answer.status < 500
    opening.expect(right, "414, or the target to be read", str(answer), answer.entry)
    await opening.expect_accepted(opening.fresh_request())
