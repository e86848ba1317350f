"""The end of a connection at clients: which end closes TCP, and when (RFC 6455 sections 5.5.1, 7.1.1, 7.2.1, 7.3)."""

from __future__ import annotations

from wsconform import Closure, Connection, Ending, Frame, Incoming, Need, Provocation, case, each


@case("6455-5.5.1-18", "6455-7.1.1-8", hint="after the closing handshake wait for the server's FIN")
@each(closer=("server", "client_in_reply"))
async def client_leaves_the_end_of_tcp_to_the_server(ws: Connection, closer: str) -> None:
    """After the closing handshake a client waits for the server to end TCP; ending it first departs."""
    ws.ends_tcp = False
    await ws.send(Frame.close(1000 if closer == "server" else 1001))
    closure = await _finish_closing_handshake(ws, ws.session.limits.prompt)
    ws.depart_if(closure.ending is not None, f"ends TCP first ({closure})")
    await ws.half_close()


@case("6455-5.5.1-19", "6455-7.1.1-6")
async def client_ends_tcp_if_the_server_does_not(ws: Connection) -> None:
    """If the server does not end TCP, the client may end it after a time of its own choice, which is recorded."""
    ws.ends_tcp = False
    await ws.send(Frame.close(1000))
    closure = await _finish_closing_handshake(ws)
    patience = ws.session.limits.patience
    ws.choose(f"ends TCP after {closure.end_after:.1f} s" if closure.end_after else f"open after {patience:g} s")


@case("6455-7.2.1-2")
@each(in_a_message={"idle": False, "in_a_message": True})
async def lost_connection_is_ended(ws: Connection, in_a_message: bool) -> None:
    """If the server's direction ends without a Close, the client gives the connection up and ends its own direction."""
    await ws.send(*([Frame.text("Hel", fin=False)] if in_a_message else [Frame.ping(b"last")]))
    await ws.half_close()
    await ws.expect_stream_end()


@case("6455-5.5.1-11", "6455-7.3-1")
async def close_right_after_the_handshake_is_answered(incoming: Incoming) -> None:
    """A server may close at any time: a Close right after the 101 gets its reply."""
    ws = await incoming.answer(tail=Frame.close(1001).encode())
    closure = await ws.expect_close_reply()
    ws.expect(closure.status_code not in (1002, 1007), "a reply that claims no error", str(closure), closure.entry)


@case("6455-7.3-1", needs=Need.ECHO)
async def close_while_the_client_sends_is_answered(ws: Connection) -> None:
    """A Close that arrives while the client sends a large message gets its reply."""
    await ws.send(Frame.binary(bytes(1 << 18)), Frame.close(1001))
    closure = await ws.expect_close_reply()
    ws.expect(closure.status_code not in (1002, 1007), "a reply that claims no error", str(closure), closure.entry)


@case("9112-9.8-1", needs=Need.TLS, reading="closure-alerts", hint="shut the TLS session down before the socket")
async def closure_alert_precedes_the_end_of_tls(incoming: Incoming) -> None:
    """A client that ends a TLS connection in HTTP, here after a refusal, sends close_notify first.

    After a 101 the connection is no longer one of HTTP. close_notify is then a SHOULD, which another case tests.
    """
    ws = await _refuse(incoming)
    await ws.half_close()
    await _expect_closure_alert(ws)


async def _finish_closing_handshake(ws: Connection, seconds: float | None = None) -> Closure:
    """Read to the end, for at most `seconds`, and return the closure. If no Close came, the case is inconclusive."""
    closure = await ws.read_to_end(seconds)
    with ws.arranging("a closing handshake"):
        ws.expect(closure.close is not None, "a Close in reply", str(closure), closure.entry)
    return closure


async def _refuse(incoming: Incoming) -> Connection:
    """Answer the client's handshake with 403 and return the connection."""
    ws = await incoming.answer(incoming.plain(403, "Forbidden"))
    incoming.conversation.provoked = Provocation.HANDSHAKE
    return ws


async def _expect_closure_alert(ws: Connection) -> None:
    """Expect close_notify, then FIN."""
    closure = await ws.expect_stream_end()
    tls = ws.conversation.tls
    ws.expect(closure.ending is Ending.FIN and tls is not None and tls.closed is True, "close_notify", str(closure))


@case("6455-4.1-22", hint="Host is the URI's host and, unless it is the scheme's default, its port")
async def host_names_the_port(incoming: Incoming) -> None:
    """Host is the URI's host, followed by the URI's port unless it is the scheme's default."""
    _expect_host_of_the_uri(incoming)
    ws = await incoming.open()
    await ws.expect_closed_cleanly()


def _expect_host_of_the_uri(incoming: Incoming) -> None:
    values = incoming.request.fields.get_all("Host")
    ours = incoming.session.address.host
    port = ours.rpartition(":")[2] if ":" in ours.rpartition("]")[2] else ""
    expected = f"one Host ending in :{port}" if port else "one Host without a port"
    observed = b", ".join(values).decode("latin-1") or "(missing)"
    right = len(values) == 1 and (
        values[0].endswith(f":{port}".encode()) if port else b":" not in values[0].rpartition(b"]")[2]
    )
    incoming.expect(right and b"@" not in values[0], expected, f"Host: {observed}")
