"""The request's method, resource name, Upgrade and Connection (RFC 6455 section 4.2.1 items 1, 3 and 4)."""

from __future__ import annotations

from dataclasses import replace

from wsconform import Answer, HttpConnection, Opening, Provocation, Reason, Request, Unreached, case, each

from .answers import accept_unless_not_found, expect_reaction

_TOKENS = "split all lines of the field at commas, strip whitespace, and compare each element without regard to case"

BODILESS = (b"HEAD", b"OPTIONS", b"DELETE", b"TRACE", b"get", b"Get", b"GETX", b"WEBSOCKET")
WITH_BODY = (b"POST", b"PUT", b"PATCH")

OTHER_PROTOCOLS = {
    "h2c": "h2c",
    "tls": "TLS/1.0",
    "plural": "websockets",
    "hyphen": "web-socket",
    "digit": "websocket2",
    "prefix": "xwebsocket",
    "space": "web socket",
    "empty": "",
}


@case("6455-4.2.1-3", "6455-4.2.1-1", hint="compare the method with GET, with regard to case, before anything else")
@each(method={method.decode(): method for method in BODILESS})
async def request_without_get_is_refused(opening: Opening, method: bytes) -> None:
    """Only a GET request can be an opening handshake, and the case of the method counts.

    Everything else in the request is correct, so a target that looks only at the fields answers 101.
    """
    await opening.expect_refused(replace(opening.request, method=method), best=(400, 405, 501))


@case("6455-4.2.1-3", "6455-4.2.1-1", hint="compare the method with GET, with regard to case, before anything else")
@each(method={method.decode(): method for method in WITH_BODY})
async def request_with_a_method_for_bodies_is_refused(opening: Opening, method: bytes) -> None:
    """A handshake with POST, PUT or PATCH is refused, even with an empty body.

    Content-Length: 0 makes the request complete, so only the method is wrong.
    """
    request = replace(opening.request, method=method).with_field("Content-Length", "0")
    await opening.expect_refused(request, best=(400, 405, 501))


@case("6455-4.2.1-6", hint="route by the path before '?', and pass the query to the application")
@each(
    query={
        "pairs": b"a=b&c",
        "empty": b"",
        "slash_and_question_mark": b"next=/chat?room",
        "percent_encoded": b"name=%E2%82%AC%20%2F",
        "long": b"token=" + b"0123456789abcdef" * 64,
    }
)
async def query_is_part_of_the_resource_name(opening: Opening, query: bytes) -> None:
    """A query after the path is read as part of the resource name, and the handshake succeeds.

    A 404 alone is not a violation: the target may tell resources apart by their query.
    """
    mark = b"&" if b"?" in opening.request.target else b"?"
    asked = replace(opening.request, target=opening.request.target + mark + query)
    answer, wire = await opening.exchange(asked)
    _accept_unless_too_long(opening, answer, wire, asked)


@case("6455-4.2.1-9", "6455-4.2.1-1", hint="answer a request without Upgrade as ordinary HTTP")
async def request_without_upgrade_is_refused(opening: Opening) -> None:
    """A request without Upgrade is not answered with a switch of protocols.

    The other four fields are all there, so a target that only looks for the key answers 101.
    """
    await opening.expect_refused(opening.request.without("Upgrade"), best=(400, 426))


@case("6455-4.2.1-10", "6455-4.2.1-1", hint='compare whole elements of Upgrade with "websocket", not parts of them')
@each(value=OTHER_PROTOCOLS)
async def upgrade_to_another_protocol_is_refused(opening: Opening, value: str) -> None:
    """A request whose Upgrade does not name websocket is refused.

    The near misses catch a target that looks for a substring, or only for the presence of the field. A target that
    speaks the protocol named may switch to that protocol.
    """
    answer, wire = await opening.exchange(opening.request.replacing("Upgrade", value))
    _expect_no_switch_to_websocket(opening, answer, wire, value)


@case("6455-4.2.1-11", "9110-7.8-2", hint="convert Upgrade to lower case before you compare it")
@each(value=("WebSocket", "WEBSOCKET", "wEbSoCkEt"))
async def upgrade_is_matched_without_regard_to_case(opening: Opening, value: str) -> None:
    """The value "websocket" in the request's Upgrade is matched without regard to case.

    A target that compares octet by octet refuses a correct handshake.
    """
    await opening.expect_accepted(opening.request.replacing("Upgrade", value))


@case("6455-4.2.1-12", hint=_TOKENS)
@each(
    values={
        "last": ("h2c, websocket",),
        "first": ("websocket, h2c",),
        "no_spaces": ("h2c,websocket,foo/2",),
        "two_lines": ("h2c", "websocket"),
        "two_lines_first": ("websocket", "h2c"),
    }
)
async def websocket_is_found_in_an_upgrade_list(opening: Opening, values: tuple[str, ...]) -> None:
    """Upgrade is a list in order of preference, and websocket is found at any position in it.

    A target that speaks another of the protocols named may choose that protocol, which is recorded.
    """
    request = opening.request.replacing("Upgrade", *values)
    answer, _ = await opening.exchange(request)
    _expect_websocket_or_another_offered(opening, request, answer)


@case("6455-4.2.1-13", "6455-4.2.1-1", hint='look for the element "Upgrade" in Connection, and refuse without it')
@each(
    values={
        "missing": (),
        "keep_alive": ("keep-alive",),
        "close": ("close",),
        "empty": ("",),
        "prefix": ("upgrade-insecure-requests",),
        "suffix": ("keep-alive, x-upgrade",),
        "websocket": ("websocket",),
    }
)
async def connection_without_upgrade_is_refused(opening: Opening, values: tuple[str, ...]) -> None:
    """Upgrade counts only if Connection lists it, because an intermediary may have forwarded the field blindly.

    Values that merely contain "upgrade" catch a target that searches the text of the field.
    """
    await opening.expect_refused(opening.request.replacing("Connection", *values), best=(400, 426))


@case("6455-4.2.1-14", hint="convert every element of Connection to lower case before you compare it")
@each(value=("upgrade", "UPGRADE", "uPgRaDe"))
async def connection_is_matched_without_regard_to_case(opening: Opening, value: str) -> None:
    """The connection option "Upgrade" is matched without regard to case.

    A target that compares octet by octet refuses a correct handshake.
    """
    await opening.expect_accepted(opening.request.replacing("Connection", value))


@case("6455-4.2.1-15", hint=_TOKENS)
@each(
    values={
        "last": ("keep-alive, Upgrade",),
        "first": ("Upgrade,keep-alive",),
        "middle": ("keep-alive, Upgrade, x-other",),
        "blanks": ("keep-alive\t , \tUpgrade",),
        "two_lines": ("keep-alive", "Upgrade"),
        "two_lines_first": ("Upgrade", "keep-alive"),
    }
)
async def upgrade_is_found_in_a_connection_list(opening: Opening, values: tuple[str, ...]) -> None:
    """The option "Upgrade" is found at any position of Connection's list, on any line.

    Browsers send "keep-alive, Upgrade"; a target that compares the whole value locks them out.
    """
    await opening.expect_accepted(opening.request.replacing("Connection", *values))


def _expect_websocket_or_another_offered(opening: Opening, request: Request, answer: Answer) -> None:
    """Expect a 101 that names websocket, or another protocol of the list, which is recorded; a refusal departs."""
    offered = [name.lower() for name in request.fields.elements("Upgrade")]
    named = [name.lower() for name in answer.head.fields.elements("Upgrade")] if answer.head else []
    observed = f"101 with Upgrade: {b', '.join(named).decode('latin-1')}"
    opening.expect(answer.head is not None, "101, or a refusal", str(answer), answer.entry)
    one_of_them = len(named) == 1 and named[0] in offered
    opening.expect(not answer.accepted or one_of_them, "101 with Upgrade: websocket", observed, answer.entry)
    opening.depart_if(not answer.accepted, f"the list is refused with {answer}")
    if answer.accepted and named != [b"websocket"]:
        opening.choose(f"another protocol of the list: {observed}")


def _expect_no_switch_to_websocket(opening: Opening, answer: Answer, wire: HttpConnection, asked: str) -> None:
    """Expect a refusal, or a switch to the protocol `asked` for, which is recorded."""
    named = answer.field("Upgrade") if answer.accepted else None
    switched = named is not None and bool(asked) and named.lower() == asked.lower().encode()
    expect_reaction(opening, answer)
    opening.expect(switched or not answer.accepted, "the handshake to be refused", str(answer), answer.entry)
    if switched:
        opening.note("switched to", asked)
        return
    wire.conversation.provoked = Provocation.HANDSHAKE
    if answer.status not in (400, 426):
        opening.note("refused with", answer)


def _accept_unless_too_long(opening: Opening, answer: Answer, wire: HttpConnection, asked: Request) -> None:
    """Expect a correct 101 or a 404; a limit of the target (414, 431) makes the case inconclusive."""
    # `http.limits` tests how long a request line the target must accept (RFC 9112 section 3).
    if answer.status in (414, 431):
        raise Unreached(Reason.LIMIT, f"the request exceeds a limit of the target: {answer}", answer.entry)
    accept_unless_not_found(opening, answer, wire, asked)
