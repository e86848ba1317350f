"""Endpoints that share no code with ours: `websockets` and `wsproto` (without their I/O) on trio streams."""

from __future__ import annotations

from collections.abc import Sequence

import trio
import wsproto
from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.uri import parse_uri
from wsproto import events
from wsproto.extensions import PerMessageDeflate

from tests.support.scripted import FarEnd

HOST = "localhost"

#: The messages that a client sends to an echo: type and payload.
MESSAGES: tuple[tuple[str, bytes], ...] = (
    ("text", "Hello, κόσμε".encode()),
    ("binary", bytes(range(256)) * 300),
    ("text", b""),
    ("binary", b"\0" * 126),
)


async def _flush(protocol: ClientProtocol | ServerProtocol, stream: trio.abc.HalfCloseableStream) -> None:
    for octets in protocol.data_to_send():
        await (stream.send_all(octets) if octets else stream.send_eof())


async def _feed(protocol: ClientProtocol | ServerProtocol, stream: trio.abc.HalfCloseableStream) -> bool:
    octets = bytes(await stream.receive_some())
    if octets:
        protocol.receive_data(octets)
    else:
        protocol.receive_eof()
    return bool(octets)


async def websockets_server(end: FarEnd, *, deflate: bool = False) -> None:
    """Run an echo server with `websockets`."""
    server = ServerProtocol(extensions=[ServerPerMessageDeflateFactory()] if deflate else None, max_size=None)
    going = True
    while going:
        going = await _feed(server, end.stream)
        for event in server.events_received():
            if isinstance(event, Request):
                server.send_response(server.accept(event))
            elif isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                _echo_with(server, event)
        await _flush(server, end.stream)


def _echo_with(server: ServerProtocol, frame: Frame) -> None:
    payload = bytes(frame.data)
    if frame.opcode is Opcode.TEXT and frame.fin and not is_text(payload):
        # `websockets` leaves the validation of UTF-8 to the layer above its protocol, so it happens here.
        server.fail(CloseCode.INVALID_DATA)
        return
    sends = {Opcode.TEXT: server.send_text, Opcode.BINARY: server.send_binary}
    sends.get(frame.opcode, server.send_continuation)(payload, frame.fin)


def is_text(octets: bytes) -> bool:
    """Return whether Python's decoder accepts `octets`."""
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


async def wsproto_server(end: FarEnd, *, deflate: bool = False) -> None:
    """Run an echo server with `wsproto`."""
    server = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
    while octets := bytes(await end.stream.receive_some()):
        replies: list[events.Event] = []
        try:
            server.receive_data(octets)
            for event in server.events():
                replies += _wsproto_replies(event, deflate=deflate)
        except wsproto.utilities.RemoteProtocolError as problem:
            replies += [problem.event_hint] if problem.event_hint is not None else []
        for reply in replies:
            await end.stream.send_all(server.send(reply))
        if server.state in (
            wsproto.connection.ConnectionState.CLOSED,
            wsproto.connection.ConnectionState.LOCAL_CLOSING,
        ):
            await end.stream.send_eof()
            return


def _wsproto_replies(event: events.Event, *, deflate: bool) -> list[events.Event]:
    match event:
        case events.Request():
            return [events.AcceptConnection(extensions=[PerMessageDeflate()] if deflate else [])]
        case events.Message():
            return [event]
        case events.Ping() | events.CloseConnection():
            return [event.response()]
    return []


class Talk:
    """The observations of a foreign client: extensions, echoes and Pongs in order, and the status code of the Close."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, bytes]] = []
        self.pongs: list[bytes] = []
        self.code: int | None = None
        self.extensions = ""


async def websockets_client(stream: trio.abc.HalfCloseableStream, *, deflate: bool = False) -> Talk:
    """With `websockets`: open, send `MESSAGES` and a fragmented message, ping, and close with 1000."""
    factories = [ClientPerMessageDeflateFactory()] if deflate else None
    client, talk = ClientProtocol(parse_uri(f"ws://{HOST}:9001/"), extensions=factories, max_size=None), Talk()
    client.send_request(client.connect())
    await _flush(client, stream)
    going, waiting, parts = True, len(MESSAGES) + 2, list[Frame]()
    while going:
        going = await _feed(client, stream)
        for event in client.events_received():
            if isinstance(event, Response):
                assert client.handshake_exc is None, client.handshake_exc
                talk.extensions = event.headers.get("Sec-WebSocket-Extensions", "")
                _send_all(client)
            elif isinstance(event, Frame) and event.opcode is Opcode.PONG:
                talk.pongs.append(bytes(event.data))
                waiting -= 1
            elif isinstance(event, Frame) and event.opcode is not Opcode.CLOSE:
                parts.append(event)
                if event.fin:
                    kind = "text" if parts[0].opcode is Opcode.TEXT else "binary"
                    talk.messages.append((kind, b"".join(bytes(part.data) for part in parts)))
                    parts, waiting = [], waiting - 1
            if not waiting:
                client.send_close(1000, "bye")
                waiting = -1
        await _flush(client, stream)
    talk.code = client.close_code
    return talk


def _send_all(client: ClientProtocol) -> None:
    for kind, payload in MESSAGES:
        (client.send_text if kind == "text" else client.send_binary)(payload)
    client.send_text(b"frag", fin=False)
    client.send_ping(b"are you there?")
    client.send_continuation(b"ment", fin=True)


async def wsproto_client(stream: trio.abc.HalfCloseableStream, *, deflate: bool = False) -> Talk:
    """With `wsproto`: open, send `MESSAGES` and a fragmented message, ping, and close with 1000."""
    client, talk = wsproto.WSConnection(wsproto.ConnectionType.CLIENT), Talk()
    offers: Sequence[wsproto.extensions.Extension] = [PerMessageDeflate()] if deflate else []
    await stream.send_all(client.send(events.Request(host=f"{HOST}:9001", target="/", extensions=offers)))
    waiting, kind, parts = len(MESSAGES) + 2, "", b""
    while octets := bytes(await stream.receive_some()):
        client.receive_data(octets)
        for event in client.events():
            match event:
                case events.AcceptConnection():
                    talk.extensions = ", ".join(extension.name for extension in event.extensions)
                    await stream.send_all(_all_octets(client))
                case events.Pong():
                    talk.pongs.append(bytes(event.payload))
                    waiting -= 1
                case events.TextMessage() | events.BytesMessage():
                    kind = "text" if isinstance(event, events.TextMessage) else "binary"
                    parts += event.data.encode() if isinstance(event.data, str) else bytes(event.data)
                    if event.message_finished:
                        talk.messages.append((kind, parts))
                        parts, waiting = b"", waiting - 1
                case events.CloseConnection():
                    talk.code = event.code
            if not waiting:
                await stream.send_all(client.send(events.CloseConnection(1000, "bye")))
                waiting = -1
    return talk


def _all_octets(client: wsproto.WSConnection) -> bytes:
    octets = b""
    for kind, payload in MESSAGES:
        message: events.Event = events.TextMessage(payload.decode()) if kind == "text" else events.BytesMessage(payload)
        octets += client.send(message)
    octets += client.send(events.TextMessage("frag", message_finished=False))
    octets += client.send(events.Ping(b"are you there?"))
    return octets + client.send(events.TextMessage("ment"))
