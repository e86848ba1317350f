"""Requests larger than usual: sizes that must be accepted, and refusals of larger ones (RFC 9110 5.4, RFC 9112 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from wsconform import Fields, Opening, case, each

from .steps import accept_if_switched, depart_or_accept, expect_reaction, with_query

#: The number of unknown fields that are added, and the length of each value in octets.
PADDING: Mapping[str, tuple[int, int]] = {
    "16_kB": (1, 16 << 10),
    "64_kB": (1, 64 << 10),
    "1_MiB": (1, 1 << 20),
    "100_fields": (100, 8),
    "1000_fields": (1000, 8),
}


@case("9110-5.4-1", alone=True, hint="answer fields beyond your limit with 431; never drop a part of them silently")
@each(padding=PADDING)
async def large_field_section_is_refused_or_read_whole(opening: Opening, padding: tuple[int, int]) -> None:
    """Fields that are larger than the server processes are answered with a 4xx.

    The handshake's own fields come last, so a silent limit would cut them off.
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


@case("9112-3-1", hint="accept request lines of at least 8000 octets")
@each(octets={"4000": 4000, "7900": 7900, "line_of_8000": 8000 - len("GET / HTTP/1.1\r\n")})
async def long_request_line_is_accepted(opening: Opening, octets: int) -> None:
    """Request lines of at least 8000 octets are accepted."""
    request = opening.request
    asked = replace(request, target=with_query(request.target, octets - len(request.target) + 1))
    answer, wire = await opening.exchange(asked)
    depart_or_accept(opening, answer, wire, asked, "a request line of at most 8000 octets is refused as too long")


@case("9112-3-2", alone=True, hint="answer a request-target that is too long with 414")
@each(octets={"64_kB": 64 << 10, "1_MiB": 1 << 20})
async def too_long_request_target_is_refused(opening: Opening, octets: int) -> None:
    """A request-target that is longer than the server reads gets a 414, and the server keeps serving."""
    request = opening.request
    answer, _ = await opening.exchange(replace(request, target=with_query(request.target, octets)))
    expect_reaction(opening, answer, f"a request-target of {octets} octets")
    opening.note("answered with", answer)
    opening.depart_if(answer.head is None, "the connection is closed without a response")
    right = answer.head is None or answer.accepted or 400 <= answer.status < 500
    opening.expect(right, "414, or the target to be read", str(answer), answer.entry)
    await opening.expect_accepted(opening.fresh_request())
