"""A Python script that sends the same octets and prints what comes; it needs the standard library and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wsconform.escape import shown
from wsconform.evidence.result import Result
from wsconform.journal.journal import TargetRecord

from .exchange import Exchange, Kind, Step, accept_value, field

_ROW = 24

_HEAD = '''\
#!/usr/bin/env python3
{about}
# Any Python from 3.8 on runs this. {other}

import base64
import hashlib
import socket
import ssl
import struct
import sys
import time

HOST = sys.argv[1] if len(sys.argv) > 1 else {host!r}
PORT = int(sys.argv[2]) if len(sys.argv) > 2 else {port}
SILENCE = 5.0  # seconds that what was recorded is waited for
BEGAN = time.monotonic()


def say(number, arrow, text):
    print("%9.1f ms  %d %s %s" % ((time.monotonic() - BEGAN) * 1000, number, arrow, text), flush=True)


def told(octets):
    few = " ".join("%02x" % octet for octet in octets[:32]) + (" ..." if len(octets) > 32 else "")
    return "%d octets  %s" % (len(octets), few)


class Connection:
    def __init__(self, number, stream):
        self.number, self.stream = number, stream
        self.came, self.used, self.start, self.ended, self.key = b"", 0, 0, False, b""
        self.head_seen = self.framed = False

    def send(self, octets):
        say(self.number, ">", told(octets))
        try:
            self.stream.settimeout(SILENCE)
            self.stream.sendall(octets)
        except OSError as problem:
            say(self.number, ">", "could not send: %s" % problem)

    def pull(self, seconds):
        """Read once; return whether octets came."""
        if self.ended:
            return False
        self.stream.settimeout(seconds)
        try:
            octets = self.stream.recv(65536)
        except socket.timeout:
            say(self.number, "<", "nothing for %g s" % seconds)
            return False
        except OSError as problem:
            self.ended = True
            say(self.number, "<", "RST (%s)" % problem)
            return False
        if not octets:
            self.ended = True
            say(self.number, "<", "FIN")
            return False
        self.came += octets
        self.tell()
        return True

    def tell(self):
        """Print each head, and each frame behind it, that has come whole."""
        if not self.head_seen:
            head, found, _ = self.came[self.used:].partition(b"\\r\\n\\r\\n")
            if not found:
                return
            self.head_seen, self.used = True, self.used + len(head) + 4
            self.start, self.framed = self.used, b" 101 " in head[:13] or not head.startswith(b"HTTP/")
            for line in head.decode("latin-1").split("\\r\\n"):
                say(self.number, "<", line)
                name, _, value = line.partition(":")
                if name.strip().lower() == "sec-websocket-key":
                    self.key = value.strip().encode("latin-1")
        while self.framed:
            octets = self.came[self.used:]
            size = frame_size(octets)
            if size is None or size > len(octets):
                return
            say(self.number, "<", "%s  %s" % (frame_told(octets), told(octets[:size])))
            self.used += size

    def head(self):
        """Wait for the next head."""
        self.head_seen = self.framed = False
        self.tell()
        while not self.head_seen and self.pull(SILENCE):
            pass

    def receive(self, total):
        """Wait until `total` octets have come behind the latest head."""
        while len(self.came) - self.start < total and self.pull(SILENCE):
            pass

    def finish(self):
        say(self.number, ">", "FIN")
        try:
            self.stream.shutdown(socket.SHUT_WR)
        except OSError as problem:
            say(self.number, ">", "could not end it: %s" % problem)

    def reset(self):
        say(self.number, ">", "RST")
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.stream.close()
        self.ended = True

    def rest(self, seconds):
        """Read until the other end ends the stream, or is silent."""
        while self.pull(seconds):
            pass
        if self.came[self.used:]:
            say(self.number, "<", "left over: " + told(self.came[self.used:]))


def frame_size(octets):
    if len(octets) < 2:
        return None
    masked, length, size = octets[1] & 0x80, octets[1] & 0x7F, 2
    if length > 125:
        size += 2 if length == 126 else 8
        if len(octets) < size:
            return None
        length = int.from_bytes(octets[2:size], "big")
    return size + (4 if masked else 0) + length


def frame_told(octets):
    names = {{0: "Continuation", 1: "Text", 2: "Binary", 8: "Close", 9: "Ping", 10: "Pong"}}
    opcode = octets[0] & 0x0F
    words = [names.get(opcode, "opcode 0x%X" % opcode)]
    words += ["FIN=0"] if not octets[0] & 0x80 else []
    words += ["RSV%d" % n for n, bit in ((1, 0x40), (2, 0x20), (3, 0x10)) if octets[0] & bit]
    words += ["masked"] if octets[1] & 0x80 else []
    return " ".join(words)


def accept(key):
    return base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())


{opening}
'''

_DIAL = """\
def connect(number):
    stream = socket.create_connection((HOST, PORT), timeout=10)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Connection(number, stream)
"""
_DIAL_TLS = """\
def connect(number):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    stream = socket.create_connection((HOST, PORT), timeout=10)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Connection(number, context.wrap_socket(stream, server_hostname=HOST))
"""
_LISTEN = """\
listener = socket.create_server((HOST, PORT))
print("Start the client now: ws://%s:%d/" % (HOST, PORT), flush=True)


def connect(number):
    stream, _ = listener.accept()
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Connection(number, stream)
"""
_LISTEN_TLS = """\
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain("cert.pem", "key.pem")
listener = socket.create_server((HOST, PORT))
print("Start the client now: wss://%s:%d/" % (HOST, PORT), flush=True)


def connect(number):
    stream, _ = listener.accept()
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Connection(number, context.wrap_socket(stream, server_side=True))
"""


def render(target: TargetRecord, result: Result, start: str = "") -> bytes:
    """Return the script as ASCII text; raises CannotExport where octets of ours are missing."""
    exchange = Exchange(target, result, start)
    steps = exchange.steps()
    if exchange.we_dial:
        opening = _DIAL_TLS if exchange.tls else _DIAL
        other = "Another target: python FILE HOST PORT."
    else:
        opening = _LISTEN_TLS if exchange.tls else _LISTEN
        other = "It listens for the client; elsewhere: python FILE HOST PORT."
        if exchange.tls:
            other += " It needs cert.pem and key.pem."
    head = _HEAD.format(
        about="\n".join(f"# {line}" for line in exchange.about()),
        other=other,
        host=exchange.host,
        port=exchange.port,
        opening=opening,
    )
    return "\n".join([head, *_body(steps, exchange), ""]).encode("ascii", "backslashreplace")


def _body(steps: Sequence[Step], exchange: Exchange) -> Iterator[str]:
    opened = dict[int, str]()
    behind_head = dict[int, int]()
    keys = dict[int, bytes]()
    for step in steps:
        name = f"connection_{step.connection}"
        if step.connection not in opened:
            opened[step.connection] = name
            yield f"{name} = connect({step.connection})"
        told = "; ".join(shown(summary) for summary in step.summaries)
        match step.kind:
            case Kind.SEND:
                yield from _sent(name, step, keys.get(step.connection))
            case Kind.HEAD:
                behind_head[step.connection] = 0
                keys[step.connection] = field(step.octets.head, "Sec-WebSocket-Key") or b""
                yield f"{name}.head()  # {told}"
            case Kind.RECEIVE:
                total = behind_head[step.connection] = behind_head.get(step.connection, 0) + step.octets.length
                yield f"{name}.receive({total})  # {told}"
            case Kind.FIN:
                yield f"{name}.finish()"
            case Kind.RST:
                yield f"{name}.reset()"
            case Kind.END:
                yield f"{name}.rest(SILENCE)  # {told}"
    ended = {step.connection for step in steps if step.kind in (Kind.END, Kind.RST)}
    for number, name in opened.items():
        if number not in ended:
            yield f"{name}.rest(1.0)"
    yield from (f"{name}.stream.close()" for name in opened.values())
    if not exchange.we_dial:
        yield "listener.close()"


def _sent(name: str, step: Step, key: bytes | None) -> Iterator[str]:
    """The call that sends what left in one write, a piece for each entry of the transcript."""
    lines = list[str]()
    for summary, octets in zip(step.summaries, step.pieces, strict=True):
        piece = _literal(octets)
        value = field(octets, "Sec-WebSocket-Accept")
        if key and value is not None and value == accept_value(key):
            # A client makes a new key each time, and the answer has to be to that one.
            piece = ["(", *(f"    {line}" for line in piece), f").replace({_quoted(value)}, accept({name}.key))"]
        lines += [f"# {shown(summary)}", f"{'+ ' if lines else ''}{piece[0]}", *piece[1:]]
    yield f"{name}.send("
    yield from (f"    {line}" for line in lines)
    yield ")"


def _literal(octets: bytes) -> list[str]:
    """`octets` as an expression, a line or several: text where they are a head, else hexadecimal digits."""
    if octets.isascii() and b"\r\n" in octets and all(octet >= 0x20 or octet in b"\r\n\t" for octet in octets):
        return [_quoted(line) for line in octets.splitlines(keepends=True)]
    rows = [f'"{octets[at : at + _ROW].hex(" ")}"' for at in range(0, len(octets), _ROW)]
    if len(rows) < 2:
        return [f"bytes.fromhex({rows[0] if rows else repr('')})"]
    return ["bytes.fromhex(", *(f"    {row}" for row in rows), ")"]


def _quoted(octets: bytes) -> str:
    text = repr(octets)
    return text if '"' in text else f'b"{text[2:-1]}"'
