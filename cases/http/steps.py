"""Steps that several cases about HTTP share: changing requests, and judging answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wsconform import CRLF, Answer, Connection, Frame, Head, HttpConnection, Opening, Request

from ..opening.answers import accept_unless_not_found

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
    """Return `target` with a query that makes it longer by `octets`, which is three or more."""
    return target + (b"&" if b"?" in target else b"?") + b"p=" + b"q" * (octets - 3)


def outcome(answer: Answer) -> str:
    """Return the status of `answer` as text, and of a 101 also the subprotocol and the extensions."""
    if answer.head is None or not answer.accepted:
        return str(answer)
    chosen = (b", ".join(answer.head.fields.get_all(f"Sec-WebSocket-{name}")) for name in ("Protocol", "Extensions"))
    return " / ".join([str(answer), *(value.decode("latin-1") or "none" for value in chosen)])


def announces_close(head: Head | None) -> bool:
    """Return whether a response has Connection: close, which announces the end (RFC 9112 section 9.6)."""
    return head is not None and b"close" in (option.lower() for option in head.fields.elements("Connection"))


def expect_reaction(opening: Opening, answer: Answer, to: str) -> None:
    """Expect a response or the end of the connection. Silence fails the case."""
    silent = answer.head is None and answer.ending is None
    opening.expect(not silent, f"a reaction to {to}", "no reaction", answer.entry)


async def expect_bad_request(opening: Opening, request: Request | bytes) -> Answer:
    """Expect the 400 that RFC 9112 asks for; another refusal is a departure, a 101 or silence fails."""
    answer, _ = await opening.expect_refused(request)
    opening.depart_if(answer.status != 400, f"400 is due, the target's refusal was {answer}")
    return answer


async def expect_accepted_or(opening: Opening, octets: bytes, statuses: tuple[int, ...], reason: str) -> None:
    """Expect `octets`, with the key of `opening.request`, to be accepted. One of `statuses` departs with `reason`."""
    answer, wire = await opening.exchange(octets)
    if answer.status in statuses:
        opening.depart(f"{reason}: {answer}")
    else:
        opening.accept(answer, wire, opening.request)


def depart_or_accept(opening: Opening, answer: Answer, wire: HttpConnection, asked: Request, too_long: str) -> None:
    """Depart with the reason `too_long` on 400, 414 or 431; otherwise expect a correct 101, or a 404."""
    if answer.status in (400, 414, 431):
        opening.depart(f"{too_long}: {answer}")
    else:
        accept_unless_not_found(opening, answer, wire, asked)


async def exchange_refused(opening: Opening, change: Change, *, tail: bytes = b"") -> tuple[Answer, HttpConnection]:
    """Send a handshake spoilt by `change`, then `tail`. If it is not refused, the case is inconclusive."""
    with opening.arranging("a handshake that is refused"):
        answer, wire = await opening.exchange(change(opening.request), tail=tail)
        opening.expect(not answer.accepted, "the handshake to be refused", str(answer), answer.entry)
        expect_reaction(opening, answer, "the handshake")
    return answer, wire


def expect_http_or_end(opening: Opening, first: Answer, second: Answer, asked: Request | None = None) -> None:
    """Expect that the octets after `first` were read as a request: `second` answers it, or the connection ended.

    Without `asked`, a 101 fails; with it, those octets were a handshake, and the case checks a 101 itself. How the
    connection ended, announced or not, is recorded. Silence shows that nothing was read as frames, so it departs;
    another case judges whether an announced end came.
    """
    wrong, announced = "octets that are not HTTP", announces_close(first.head)
    if second.head is None:
        opening.expect(second.entry is None, "an HTTP response", wrong, second.entry)
        reason = "although its end was announced" if announced else "and the request is not answered"
        opening.depart_if(second.ending is None, f"the connection stays open, {reason}")
        if second.ending is not None:
            opening.note("after the first response", "closed" if announced else "closed without an announcement")
        return
    opening.expect(second.head.octets.startswith(b"HTTP/"), "an HTTP response", wrong, second.entry)
    opening.note("the second request", second)
    if asked is None:
        opening.expect(not second.accepted, "an ordinary response", str(second), second.entry)


def expect_refused_or_same(opening: Opening, plain: Answer, answer: Answer) -> None:
    """Expect `answer`, to a folded field, to be a 400, or to have the outcome of `plain`, to the unfolded field.

    A target that closes without a response departs.
    """
    expect_reaction(opening, answer, "a folded field")
    opening.note("unfolded", outcome(plain))
    opening.note("folded", outcome(answer))
    opening.depart_if(answer.head is None, "the folded field is refused without a response")
    refused = answer.status == 400 or answer.head is None
    expected = f"400, or the answer to the unfolded field: {outcome(plain)}"
    opening.expect(refused or outcome(answer) == outcome(plain), expected, outcome(answer), answer.entry)


def accept_if_switched(opening: Opening, answer: Answer, wire: HttpConnection, asked: Request) -> None:
    """If `answer` is a 101, expect it to fit the key of `asked`; otherwise do nothing."""
    if answer.accepted:
        opening.accept(answer, wire, asked)


def choose_if(opening: Opening, condition: bool, choice: str) -> None:
    """If `condition` holds, record the target's `choice`, which makes the verdict informational."""
    if condition:
        opening.choose(choice)


def smuggled_ping(opening: Opening) -> bytes:
    """Return the octets of a masked Ping, for use as the body of a request."""
    return Frame.ping(b"body, not frame").masked(opening.session.random.randbytes(4)).encode()


async def expect_body_unread_as_frames(opening: Opening, octets: bytes) -> None:
    """Send a handshake with a body; expect a refusal, or an open connection on which the body has no effect."""
    answer, wire = await opening.exchange(octets)
    expect_reaction(opening, answer, "a handshake with a body")
    if not answer.accepted:
        opening.note("refused with", answer)
        return
    opening.note("answered with", "101")
    ws: Connection = wire.upgrade(answer)
    await ws.expect_no_reaction("the body of the request")
