"""What a server's opening handshake looks like, and what a server must not ask for (RFC 6455 sections 4.2.1, 4.2.2)."""

from __future__ import annotations

from dataclasses import replace

from wsconform import Answer, Frame, HttpConnection, Opening, Request, case, each

from .answers import EXTENSIONS, SUBPROTOCOL, chosen, said

_OPAQUE = "treat octets over 7F in a field as opaque, or refuse them; never decode them with replacement"

#: Octets that are no UTF-8: never a lead octet, overlong, a surrogate, cut short, too large.
NOT_UTF8 = {
    "ff_fe": b"\xff\xfe",
    "overlong": b"\xc0\xaf",
    "surrogate": b"\xed\xa0\x80",
    "cut_short": b"\xe2\x82",
    "over_10ffff": b"\xf4\x90\x80\x80",
}


@case("6455-4.2.2-1", "6455-4.2.2-27", hint="nothing but the five fields of section 4.1 may be indispensable")
async def minimal_handshake_is_accepted(opening: Opening) -> None:
    """A request with the five fields of a handshake, and none that may be left out, is accepted.

    Whatever else a target insists on locks correct clients out.
    """
    await opening.expect_accepted(opening.request.without("Origin", SUBPROTOCOL, EXTENSIONS))


@case("6455-4.1-31", hint="where an Origin is required, answer 403: its absence is no malformed request")
async def handshake_without_origin_is_accepted(opening: Opening) -> None:
    """Only browsers have to send Origin, so its absence does not make a handshake invalid.

    A target that wants one all the same says 403, which is its own policy.
    """
    asked = opening.request.without("Origin")
    answer, wire = await opening.exchange(asked)
    _accept_unless_forbidden(opening, answer, wire, asked)


@case(
    "6455-7.2.2-1",
    "6455-4.2.1-1",
    hint="after a refusal speak HTTP or close; never read on as WebSocket",
    reading="connection-after-a-refusal",
)
@each(
    wrong={
        "version": {"Sec-WebSocket-Version": ("25",)},
        "no_key": {"Sec-WebSocket-Key": ()},
        "no_upgrade": {"Upgrade": ()},
    }
)
async def octets_after_a_refused_handshake_are_not_read_as_frames(opening: Opening, wrong: dict[str, tuple[str, ...]]) -> None:
    """After a refusal the connection is closed, or it is HTTP as before; what comes on it is never read as frames.

    A Ping and a text are sent: a target whose frame reader runs on answers them.
    """
    answer, wire = await opening.expect_refused(_with(opening.request, wrong), best=(400, 426))
    opening.note("after the refusal", "kept open" if answer.ending is None else f"closed ({answer.ending.value})")
    frames = b"".join(frame.masked(b"\x37\xfa\x21\x3d").encode() for frame in (Frame.ping(b"?"), Frame.text("Hello")))
    await wire.send(frames, "a Ping and a text")
    await wire.expect_end(opening.session.limits.prompt)
    rest = wire.leftover
    observed = f"{len(rest)} octets that begin with {rest[:8].hex(' ')}"
    # A server that takes this for HTTP answers in text, with or without a head; frames begin outside of it.
    opening.expect(not rest or b"\n" <= rest[:1] < b"\x80", "no frame", observed)


@case("6455-8.1-4", hint=_OPAQUE)
@each(octets=NOT_UTF8)
async def subprotocol_that_is_not_utf8_matches_nothing(opening: Opening, octets: bytes) -> None:
    """A name that is no UTF-8 is refused, or is no name that the target knows.

    To echo it would agree on something that neither end can write down.
    """
    answer, _ = await opening.expect_accepted_or_refused(opening.request.replacing(SUBPROTOCOL, b"x-" + octets))
    _expect_no_trace(opening, answer, octets)
    opening.expect(not chosen(answer), "no subprotocol", f"{SUBPROTOCOL}: {said(*chosen(answer))}", answer.entry)


@case("6455-8.1-4", hint=_OPAQUE)
@each(octets=NOT_UTF8)
async def origin_that_is_not_utf8_is_refused_or_opaque(opening: Opening, octets: bytes) -> None:
    """An Origin that is no UTF-8 is refused, or is opaque: what it says is not repeated.

    A target that decodes it without care falls over it, and never answers.
    """
    asked = opening.request.replacing("Origin", b"http://" + octets + b".example")
    answer, _ = await opening.expect_accepted_or_refused(asked)
    _expect_no_trace(opening, answer, octets)


@case("6455-8.1-4", hint="refuse a request-target that is not ASCII with 400")
@each(octets=NOT_UTF8)
async def resource_name_that_is_not_utf8_is_refused_or_opaque(opening: Opening, octets: bytes) -> None:
    """A resource name with octets that are no UTF-8 is refused, or is opaque: what it says is not repeated.

    They stand in the query, where a target that decodes all of it falls over them.
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
    """Expect no field of a 101 to have `octets` in it, as they were or as text was made of them; a refusal may."""
    lines = answer.head.fields.lines if answer.head and answer.accepted else ()
    traces = (octets, octets.decode("latin-1").encode(), "\N{REPLACEMENT CHARACTER}".encode())
    name = next((name for name, value in lines if any(trace in value for trace in traces)), b"")
    opening.expect(not name, "a 101 with nothing of the octets", f"a trace of them in {said(name)}", answer.entry)
