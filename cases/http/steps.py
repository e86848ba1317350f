"""Steps that several cases about HTTP share: requests that are changed, answers that are weighed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wsconform import CRLF, Answer, Connection, Frame, Head, HttpConnection, Opening, Request

from ..opening.answers import accept_unless_elsewhere

#: A change to a correct request.
Change = Callable[[Request], Request]

#: Handshakes that no server may accept, one thing wrong with each.
BAD_HANDSHAKES: Mapping[str, Change] = {
    "no_key": lambda request: request.without("Sec-WebSocket-Key"),
    "unknown_version": lambda request: request.replacing("Sec-WebSocket-Version", "99"),
    "other_protocol": lambda request: request.replacing("Upgrade", "wsconform-unknown"),
    "no_upgrade": lambda request: request.without("Upgrade"),
}

_HANDSHAKE_FIELDS = (
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
)


def ordinary_request(opening: Opening, target: bytes | None = None) -> Request:
    """Return a GET without any field of the handshake, for the endpoint's own path or for `target`."""
    request = opening.fresh_request().without(*_HANDSHAKE_FIELDS)
    return Request(target=request.target if target is None else target, fields=request.fields)


def with_line(request: Request, line: bytes, *, first: bool = False) -> bytes:
    """Return the octets of `request` with the raw field line `line` as its last one, or as its `first`."""
    octets = request.encode()
    at = octets.index(CRLF) + 2 if first else len(octets) - 2
    return octets[:at] + line + CRLF + octets[at:]


def with_query(target: bytes, octets: int) -> bytes:
    """Return `target` with a query that makes it longer by `octets`, three at the least."""
    return target + (b"&" if b"?" in target else b"?") + b"p=" + b"q" * (octets - 3)


def outcome(answer: Answer) -> str:
    """Tell what was answered: the status, and of a 101 the subprotocol and the extensions."""
    if answer.head is None or not answer.accepted:
        return str(answer)
    chosen = (b", ".join(answer.head.fields.get_all(f"Sec-WebSocket-{name}")) for name in ("Protocol", "Extensions"))
    return " / ".join([str(answer), *(value.decode("latin-1") or "none" for value in chosen)])


def says_close(head: Head | None) -> bool:
    """Return whether a response announces the end of the connection (RFC 9112 section 9.6)."""
    return head is not None and b"close" in (option.lower() for option in head.fields.elements("Connection"))


def expect_reaction(opening: Opening, answer: Answer, to: str) -> None:
    """Expect that the target answered or ended the connection; silence fails the case."""
    silent = answer.head is None and answer.ending is None
    opening.expect(not silent, f"a reaction to {to}", "no reaction", answer.entry)


async def expect_bad_request(opening: Opening, request: Request | bytes) -> Answer:
    """Expect the 400 that RFC 9112 asks for; another refusal is a departure, a 101 or silence fails."""
    answer, _ = await opening.expect_refused(request)
    opening.depart_if(answer.status != 400, f"400 is due, the target's refusal was {answer}")
    return answer


async def expect_accepted_or(opening: Opening, octets: bytes, statuses: tuple[int, ...], reason: str) -> None:
    """Expect `octets`, which carry the key of `opening.request`, to be accepted; one of `statuses` is a departure."""
    answer, wire = await opening.exchange(octets)
    if answer.status in statuses:
        opening.depart(f"{reason}: {answer}")
    else:
        opening.accept(answer, wire, opening.request)


def depart_or_accept(opening: Opening, answer: Answer, wire: HttpConnection, asked: Request, too_long: str) -> None:
    """Take 400, 414 and 431 for departures, `too_long` saying why; expect a good 101 otherwise, or a 404."""
    if answer.status in (400, 414, 431):
        opening.depart(f"{too_long}: {answer}")
    else:
        accept_unless_elsewhere(opening, answer, wire, asked)


async def begin_refused(opening: Opening, change: Change, *, tail: bytes = b"") -> tuple[Answer, HttpConnection]:
    """Send a handshake spoilt by `change`, `tail` right behind it; being refused is not what is tested here."""
    with opening.arranging("a handshake that is refused"):
        answer, wire = await opening.exchange(change(opening.request), tail=tail)
        opening.expect(not answer.accepted, "the handshake to be refused", str(answer), answer.entry)
        expect_reaction(opening, answer, "the handshake")
    return answer, wire


def expect_http_or_end(opening: Opening, first: Answer, second: Answer, asked: Request | None = None) -> None:
    """Expect that what followed `first` was taken as a request: `second` answers it, or the connection ended.

    A 101 among the answers has to fit `asked`. How a connection ended, announced or not, is noted. Silence shows that
    nothing was read as frames, so it departs; whether an announced end came is for another case to judge.
    """
    if second.head is None:
        opening.expect(second.entry is None, "an HTTP response", "octets that are none", second.entry)
        announced = "although its end was announced" if says_close(first.head) else "and the request is not answered"
        opening.depart_if(second.ending is None, f"the connection stays open, {announced}")
        if second.ending is not None:
            opening.note("after the first response", "closed" if says_close(first.head) else "closed without saying so")
        return
    opening.expect(second.head.octets.startswith(b"HTTP/"), "an HTTP response", "octets that are none", second.entry)
    opening.note("the second request", second)
    if asked is None:
        opening.expect(not second.accepted, "an ordinary response", str(second), second.entry)


def accept_if_switched(opening: Opening, answer: Answer, wire: HttpConnection, asked: Request) -> None:
    """Where `answer` is a 101, expect it to fit the key of `asked`; where it is not, leave it to the case."""
    if answer.accepted:
        opening.accept(answer, wire, asked)


def choose_if(opening: Opening, condition: bool, what: str) -> None:
    """Write down a choice of the target where `condition` holds; the verdict is NOTED then."""
    if condition:
        opening.choose(what)


def smuggled_ping(opening: Opening) -> bytes:
    """Return the octets of a masked Ping, to be sent where they are not a frame but a request's body."""
    return Frame.ping(b"body, not frame").masked(opening.session.random.randbytes(4)).encode()


async def expect_body_unread_as_frames(opening: Opening, octets: bytes) -> None:
    """Send a handshake with a body: it is refused, or the connection opens and takes no notice of the body."""
    answer, wire = await opening.exchange(octets)
    expect_reaction(opening, answer, "a handshake with a body")
    if not answer.accepted:
        opening.note("refused with", answer)
        return
    opening.note("answered with", "101")
    ws: Connection = wire.upgrade(answer)
    await ws.expect_no_reaction("the body of the request")
