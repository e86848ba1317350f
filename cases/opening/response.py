"""The server's response, and fields that a server must not insist on (RFC 6455 sections 4.2.1, 4.2.2)."""

from __future__ import annotations

from dataclasses import replace

from wsconform import Answer, Frame, HttpConnection, Opening, Request, case, each

from .answers import EXTENSIONS, SUBPROTOCOL, chosen_subprotocols, field_text

_OPAQUE = "treat octets above 7F in a field as opaque, or refuse them; never decode them with replacement"

#: Octets that are not UTF-8: an invalid first octet, an overlong form, a surrogate, cut short, too large.
NOT_UTF8 = {
    "ff_fe": b"\xff\xfe",
    "overlong": b"\xc0\xaf",
    "surrogate": b"\xed\xa0\x80",
    "cut_short": b"\xe2\x82",
    "over_10ffff": b"\xf4\x90\x80\x80",
}


@case("6455-4.2.2-1", "6455-4.2.2-27", hint="require only the five fields of section 4.1")
async def minimal_handshake_is_accepted(opening: Opening) -> None:
    """A request with the five required fields of a handshake, and no optional one, is accepted.

    A target that insists on anything else locks out correct clients.
    """
    await opening.expect_accepted(opening.request.without("Origin", SUBPROTOCOL, EXTENSIONS))


@case("6455-4.1-31", hint="if you require an Origin, answer 403; a request without it is not malformed")
async def handshake_without_origin_is_accepted(opening: Opening) -> None:
    """A handshake without Origin is accepted, because only browsers have to send the field.

    A target whose policy requires an Origin answers 403.
    """
    asked = opening.request.without("Origin")
    answer, wire = await opening.exchange(asked)
    _accept_unless_forbidden(opening, answer, wire, asked)


@case(
    "6455-7.2.2-1",
    "6455-4.2.1-1",
    hint="after a refusal speak HTTP or close; never read frames",
    reading="connection-after-a-refusal",
)
@each(
    wrong={
        "version": {"Sec-WebSocket-Version": ("25",)},
        "no_key": {"Sec-WebSocket-Key": ()},
        "no_upgrade": {"Upgrade": ()},
    }
)
async def octets_after_a_refusal_are_not_read_as_frames(opening: Opening, wrong: dict[str, tuple[str, ...]]) -> None:
    """After a refusal the connection is closed or still speaks HTTP; later octets are never read as frames.

    A Ping and a text are sent. A target whose frame reader keeps running answers them.
    """
    answer, wire = await opening.expect_refused(_with(opening.request, wrong), best=(400, 426))
    opening.note("after the refusal", "kept open" if answer.ending is None else f"closed ({answer.ending.value})")
    frames = b"".join(frame.masked(b"\x37\xfa\x21\x3d").encode() for frame in (Frame.ping(b"?"), Frame.text("Hello")))
    await wire.send(frames, "a Ping and a text")
    await wire.expect_end(opening.session.limits.prompt)
    rest = wire.leftover
    observed = f"{len(rest)} octets that begin with {rest[:8].hex(' ')}"
    # A server that reads this as HTTP answers in text, with or without a head. The first octet of a frame from a
    # server is outside the range of that text.
    opening.expect(not rest or b"\n" <= rest[:1] < b"\x80", "no frame", observed)


@case("6455-8.1-4", hint=_OPAQUE)
@each(octets=NOT_UTF8)
async def subprotocol_that_is_not_utf8_matches_nothing(opening: Opening, octets: bytes) -> None:
    """A subprotocol name that is not UTF-8 is refused, or matches none of the target's names.

    Echoing it would agree on a name that neither end can write as text.
    """
    answer, _ = await opening.expect_accepted_or_refused(opening.request.replacing(SUBPROTOCOL, b"x-" + octets))
    _expect_no_trace(opening, answer, octets)
    names = chosen_subprotocols(answer)
    opening.expect(not names, "no subprotocol", f"{SUBPROTOCOL}: {field_text(*names)}", answer.entry)


@case("6455-8.1-4", hint=_OPAQUE)
@each(octets=NOT_UTF8)
async def origin_that_is_not_utf8_is_refused_or_opaque(opening: Opening, octets: bytes) -> None:
    """An Origin that is not UTF-8 is refused, or is opaque: the response does not repeat it.

    A target that decodes it without handling errors crashes and never answers.
    """
    asked = opening.request.replacing("Origin", b"http://" + octets + b".example")
    answer, _ = await opening.expect_accepted_or_refused(asked)
    _expect_no_trace(opening, answer, octets)


@case("6455-8.1-4", hint="refuse a request-target that is not ASCII with 400")
@each(octets=NOT_UTF8)
async def resource_name_that_is_not_utf8_is_refused_or_opaque(opening: Opening, octets: bytes) -> None:
    """A resource name with octets that are not UTF-8 is refused, or is opaque: the response does not repeat them.

    They stand in the query. A target that decodes the whole query without handling errors crashes.
    """
    mark = b"&x=" if b"?" in opening.request.target else b"?x="
    asked = replace(opening.request, target=opening.request.target + mark + octets)
    answer, _ = await opening.expect_accepted_or_refused(asked)
    _expect_no_trace(opening, answer, octets)


def _with(request: Request, changes: dict[str, tuple[str, ...]]) -> Request:
    for name, values in changes.items():
        request = request.replacing(name, *values)
    return request


def _accept_unless_forbidden(opening: Opening, answer: Answer, wire: HttpConnection, asked: Request) -> None:
    if answer.status == 403:
        opening.note("answered with", "403: the target requires an Origin")
    else:
        opening.accept(answer, wire, asked)


def _expect_no_trace(opening: Opening, answer: Answer, octets: bytes) -> None:
    """Expect no field of a 101 to contain `octets`, raw or decoded to text. A refusal may contain them."""
    lines = answer.head.fields.lines if answer.head and answer.accepted else ()
    traces = (octets, octets.decode("latin-1").encode(), "\N{REPLACEMENT CHARACTER}".encode())
    name = next((name for name, value in lines if any(trace in value for trace in traces)), b"")
    opening.expect(not name, "a 101 with nothing of the octets", f"a trace of them in {field_text(name)}", answer.entry)
