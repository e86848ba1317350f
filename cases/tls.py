"""WebSocket over TLS: the session starts first, carries all octets, and is closed properly (RFC 6455 4.2.2, 7.1.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wsconform import (
    Answer,
    Connection,
    Ending,
    Frame,
    HttpConnection,
    Need,
    Opening,
    Provocation,
    Request,
    TlsFacts,
    TlsFailed,
    case,
    each,
)

from .http.steps import announces_close

_HEADER, _ALERT, _LARGEST = 5, 21, (1 << 14) + 2048
_WARNING, _UNRECOGNIZED_NAME = 1, 112

HTTP_ENDS: Mapping[str, Callable[[Request], Request]] = {
    "refusal": lambda request: request.without("Sec-WebSocket-Key"),
    "ordinary_get": lambda request: request.without("Upgrade").replacing("Connection", "close"),
}


@case("6455-4.2.2-2", needs=Need.TLS, hint="begin with the TLS handshake, and close if it fails")
@each(upgrade={"handshake": True, "ordinary_get": False})
async def cleartext_on_the_tls_port_is_not_served(opening: Opening, upgrade: bool) -> None:
    """A cleartext request to an HTTPS port gets an alert, the end of the connection, or an HTTP error.

    The request is correct otherwise, so a target that detects cleartext and goes on without TLS serves it.
    """
    wire = await opening.dial(tls=False)
    request = opening.request if upgrade else opening.request.without("Upgrade", "Connection")
    answer, _ = await opening.exchange(request, wire=wire)
    alert = wire.conversation.before_head[:1] == bytes([_ALERT])
    opening.note("answered with", "an alert" if alert else answer)
    silent = answer.head is None and answer.ending is None and not alert
    opening.expect(not silent, "an alert, an error or the end of the connection", "no reaction", answer.entry)
    served = answer.accepted or 200 <= answer.status < 300
    opening.expect(not served, "no service in cleartext", str(answer), answer.entry)


@case("6455-4.2.2-3", needs=Need.TLS, hint="refuse an unknown server name, or go on with a default certificate")
async def unhosted_server_name_is_refused_or_served(opening: Opening) -> None:
    """A server name that is not hosted ends the TLS handshake, or is served with a default certificate.

    Either way the target reacts, and serves the next client.
    """
    result = await _dial_as(opening, "unhosted.invalid")
    await _expect_served_or_refused(opening, result)
    await opening.expect_accepted(opening.fresh_request())


@case("6066-3-2", needs=Need.TLS, hint="answer an unknown server name with the fatal alert, or continue without one")
async def unknown_server_name_gets_no_warning_alert(opening: Opening) -> None:
    """For an unknown name the handshake ends with a fatal unrecognized_name, or continues; a warning alert departs."""
    result = await _dial_as(opening, "unknown.test")
    await _expect_served_or_refused(opening, result)
    other = isinstance(result, TlsFailed) and "UNRECOGNIZED_NAME" not in result.alert
    opening.depart_if(other, f"the handshake ends without the unrecognized_name alert: {result}")
    opening.depart_if(isinstance(result, HttpConnection) and _warned(result), "a warning-level unrecognized_name came")


async def _dial_as(opening: Opening, name: str) -> HttpConnection | TlsFailed:
    """Open TLS with the server name `name`, accepting any certificate; return the connection, or the TLS failure."""
    try:
        return await opening.dial(server_name=name, verify=False)
    except TlsFailed as failed:
        return failed


async def _expect_served_or_refused(opening: Opening, result: HttpConnection | TlsFailed) -> None:
    if isinstance(result, TlsFailed):
        opening.note("TLS handshake", result.alert or "ended")
        return
    answer, _ = await opening.exchange(wire=result)
    opening.note("TLS handshake", "continued")
    opening.note("opening handshake", answer)
    silent = answer.head is None and answer.ending is None
    opening.expect(not silent, "a reaction to the handshake", "no reaction", answer.entry)


def _records(octets: bytes) -> list[tuple[int, bytes]] | None:
    """Return the content type and fragment of each TLS record in `octets`; None if they are not records.

    The last record may be cut short.
    """
    records, at = list[tuple[int, bytes]](), 0
    while at + _HEADER <= len(octets):
        kind, major, length = octets[at], octets[at + 1], int.from_bytes(octets[at + 3 : at + _HEADER], "big")
        if kind not in range(20, 25) or major != 3 or length > _LARGEST:
            return None
        records.append((kind, octets[at + _HEADER : at + _HEADER + length]))
        at += _HEADER + length
    return records


def _warned(wire: HttpConnection) -> bool:
    warning = (_ALERT, bytes((_WARNING, _UNRECOGNIZED_NAME)))
    return warning in (_records(bytes(_facts(wire).octets)) or [])


def _facts(wire: HttpConnection) -> TlsFacts:
    return wire.conversation.tls or TlsFacts()


@case("6455-4.2.2-4", needs=Need.TLS, hint="write the response and all frames to the TLS stream, never to the socket")
async def everything_runs_inside_tls(opening: Opening) -> None:
    """After the TLS handshake everything that the target sends, its opening handshake included, is in TLS records."""
    answer, wire = await opening.exchange()
    _expect_records(opening, wire, answer)
    ws = opening.accept(answer, wire, opening.request)
    await ws.send(Frame.ping(b"inside"), Frame.close(1000))
    await ws.read_to_end()
    _expect_records(opening, wire, answer)


def _expect_records(opening: Opening, wire: HttpConnection, answer: Answer) -> None:
    facts = _facts(wire)
    opening.note("octets examined", len(facts.octets))
    opening.expect(_records(bytes(facts.octets)) is not None, "TLS records alone", "octets in cleartext", answer.entry)


@case("6455-7.1.1-3", needs=Need.TLS, reading="closure-alerts", hint="shut the TLS session down before the socket")
async def closing_handshake_ends_the_tls_session_too(ws: Connection) -> None:
    """After the closing handshake the TLS session is closed as well: close_notify comes before FIN.

    Without it the other end cannot distinguish a complete stream from a truncated one.
    """
    await ws.send(Frame.close(1000))
    closure = await ws.expect_stream_end()
    facts = ws.conversation.tls or TlsFacts()
    ws.note("ended with", closure)
    ws.depart_if(facts.closed is not True, f"TCP ends ({_ending_text(closure.ending)}) without close_notify")


@case("9112-9.8-2", needs=Need.TLS, reading="closure-alerts", hint="shut the TLS session down on errors as well")
async def failed_connection_ends_the_tls_session_too(ws: Connection) -> None:
    """If the target fails the connection, it still sends close_notify before FIN; a FIN alone departs."""
    await ws.send(Frame(0xF))
    closure = await ws.expect_connection_failed(Provocation.PROTOCOL)
    facts = ws.conversation.tls or TlsFacts()
    ws.depart_if(facts.closed is not True, f"TCP ends ({_ending_text(closure.ending)}) without close_notify")


@case("9112-9.8-2", needs=Need.TLS, reading="closure-alerts", hint="send close_notify before you close the socket")
@each(change=HTTP_ENDS)
async def closure_alert_follows_the_last_response(opening: Opening, change: Callable[[Request], Request]) -> None:
    """A server that closes after a response sends a closure alert before it closes.

    If neither end sent Connection: close, the connection may persist, and there is nothing to judge.
    """
    request = change(opening.request)
    with opening.arranging("a response that ends the connection"):
        answer, wire = await opening.exchange(request)
        opening.expect(answer.head is not None, "a response", str(answer), answer.entry)
        due = announces_close(answer.head) or request.fields.get("Connection") == b"close"
        ending = await wire.expect_end() if due else answer.ending
        opening.expect(ending is not None or not due, "the end of the connection", "still open")
    opening.note("response", answer)
    opening.note("connection", _ending_text(ending))
    right = ending is None or _facts(wire).closed is True
    opening.expect(right, "close_notify", f"{_ending_text(ending)} without it")


def _ending_text(ending: Ending | None) -> str:
    return ending.value if ending else "open"
