"""A Python script that sends the recorded octets and prints the answers. It needs only the standard library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wsconform.escape import shown
from wsconform.evidence.result import Result
from wsconform.journal.journal import TargetRecord

from .exchange import Exchange, Step, StepKind, accept_value, field

_ROW = 24

_HEAD = '''\
#!/usr/bin/env python3
{about}
# Runs with Python 3.8 or later. {usage}

import base64
import hashlib
import socket
import ssl
import struct
import sys
import time

HOST = sys.argv[1] if len(sys.argv) > 1 else {host!r}
PORT = int(sys.argv[2]) if len(sys.argv) > 2 else {port}
SILENCE = 5.0  # seconds to wait for each recorded answer
BEGAN = time.monotonic()


def show(number, arrow, text):
    print("%9.1f ms  %d %s %s" % ((time.monotonic() - BEGAN) * 1000, number, arrow, text), flush=True)


def dump(octets):
    first = " ".join("%02x" % octet for octet in octets[:32]) + (" ..." if len(octets) > 32 else "")
    return "%d octets  %s" % (len(octets), first)


class Connection:
    def __init__(self, number, stream):
        self.number, self.stream = number, stream
        self.received, self.used, self.start, self.ended, self.key = b"", 0, 0, False, b""
        self.head_seen = self.framed = False

    def send(self, octets):
        show(self.number, ">", dump(octets))
        try:
            self.stream.settimeout(SILENCE)
            self.stream.sendall(octets)
        except OSError as problem:
            show(self.number, ">", "could not send: %s" % problem)

    def pull(self, seconds):
        """Read once. Return whether octets were received."""
        if self.ended:
            return False
        self.stream.settimeout(seconds)
        try:
            octets = self.stream.recv(65536)
        except socket.timeout:
            show(self.number, "<", "nothing for %g s" % seconds)
            return False
        except OSError as problem:
            self.ended = True
            show(self.number, "<", "RST (%s)" % problem)
            return False
        if not octets:
            self.ended = True
            show(self.number, "<", "FIN")
            return False
        self.received += octets
        self.show_received()
        return True

    def show_received(self):
        """Print each complete head, and each complete frame after it."""
        if not self.head_seen:
            head, found, _ = self.received[self.used:].partition(b"\\r\\n\\r\\n")
            if not found:
                return
            self.head_seen, self.used = True, self.used + len(head) + 4
            self.start, self.framed = self.used, b" 101 " in head[:13] or not head.startswith(b"HTTP/")
            for line in head.decode("latin-1").split("\\r\\n"):
                show(self.number, "<", line)
                name, _, value = line.partition(":")
                if name.strip().lower() == "sec-websocket-key":
                    self.key = value.strip().encode("latin-1")
        while self.framed:
            octets = self.received[self.used:]
            size = frame_size(octets)
            if size is None or size > len(octets):
                return
            show(self.number, "<", "%s  %s" % (describe_frame(octets), dump(octets[:size])))
            self.used += size

    def head(self):
        """Wait for the next head."""
        self.head_seen = self.framed = False
        self.show_received()
        while not self.head_seen and self.pull(SILENCE):
            pass

    def receive(self, total):
        """Wait until `total` octets have been received after the latest head."""
        while len(self.received) - self.start < total and self.pull(SILENCE):
            pass

    def finish(self):
        show(self.number, ">", "FIN")
        try:
            self.stream.shutdown(socket.SHUT_WR)
        except OSError as problem:
            show(self.number, ">", "could not send FIN: %s" % problem)

    def reset(self):
        show(self.number, ">", "RST")
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.stream.close()
        self.ended = True

    def rest(self, seconds):
        """Read until the other end closes the stream, or sends nothing for `seconds`."""
        while self.pull(seconds):
            pass
        if self.received[self.used:]:
            show(self.number, "<", "not a complete frame: " + dump(self.received[self.used:]))


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


def describe_frame(octets):
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
    """Return the script as ASCII text. Raises CannotExport if octets of ours are missing from the journal."""
    exchange = Exchange(target, result, start)
    steps = exchange.steps()
    if exchange.we_dial:
        opening = _DIAL_TLS if exchange.tls else _DIAL
        usage = "For another target: python FILE HOST PORT."
    else:
        opening = _LISTEN_TLS if exchange.tls else _LISTEN
        usage = "It listens for the client. For another address: python FILE HOST PORT."
        if exchange.tls:
            usage += " It needs cert.pem and key.pem."
    head = _HEAD.format(
        about="\n".join(f"# {line}" for line in exchange.about()),
        usage=usage,
        host=exchange.host,
        port=exchange.port,
        opening=opening,
    )
    return "\n".join([head, *_body(steps, exchange), ""]).encode("ascii", "backslashreplace")


def _body(steps: Sequence[Step], exchange: Exchange) -> Iterator[str]:
    opened = dict[int, str]()
    after_head = dict[int, int]()
    keys = dict[int, bytes]()
    for step in steps:
        name = f"connection_{step.connection}"
        if step.connection not in opened:
            opened[step.connection] = name
            yield f"{name} = connect({step.connection})"
        summary = "; ".join(shown(summary) for summary in step.summaries)
        match step.kind:
            case StepKind.SEND:
                yield from _send_call(name, step, keys.get(step.connection))
            case StepKind.HEAD:
                after_head[step.connection] = 0
                keys[step.connection] = field(step.octets.head, "Sec-WebSocket-Key") or b""
                yield f"{name}.head()  # {summary}"
            case StepKind.RECEIVE:
                total = after_head[step.connection] = after_head.get(step.connection, 0) + step.octets.length
                yield f"{name}.receive({total})  # {summary}"
            case StepKind.FIN:
                yield f"{name}.finish()"
            case StepKind.RST:
                yield f"{name}.reset()"
            case StepKind.END | StepKind.RESET:
                yield f"{name}.rest(SILENCE)  # {summary}"
    ended = {step.connection for step in steps if step.kind in (StepKind.END, StepKind.RESET, StepKind.RST)}
    for number, name in opened.items():
        if number not in ended:
            yield f"{name}.rest(1.0)"
    yield from (f"{name}.stream.close()" for name in opened.values())
    if not exchange.we_dial:
        yield "listener.close()"


def _send_call(name: str, step: Step, key: bytes | None) -> Iterator[str]:
    """Yield the call that sends the octets of one write, in one piece for each entry of the transcript."""
    lines = list[str]()
    for summary, octets in zip(step.summaries, step.pieces, strict=True):
        piece = _literal(octets)
        value = field(octets, "Sec-WebSocket-Accept")
        if key and value is not None and value == accept_value(key):
            # A client sends a new key each time, and the response has to answer that key.
            piece = ["(", *(f"    {line}" for line in piece), f").replace({_quoted(value)}, accept({name}.key))"]
        lines += [f"# {shown(summary)}", f"{'+ ' if lines else ''}{piece[0]}", *piece[1:]]
    yield f"{name}.send("
    yield from (f"    {line}" for line in lines)
    yield ")"


def _literal(octets: bytes) -> list[str]:
    """Return `octets` as the lines of an expression: text if they are an HTTP head, else hexadecimal digits."""
    if octets.isascii() and b"\r\n" in octets and all(octet >= 0x20 or octet in b"\r\n\t" for octet in octets):
        return [_quoted(line) for line in octets.splitlines(keepends=True)]
    rows = [f'"{octets[at : at + _ROW].hex(" ")}"' for at in range(0, len(octets), _ROW)]
    if len(rows) < 2:
        return [f"bytes.fromhex({rows[0] if rows else repr('')})"]
    return ["bytes.fromhex(", *(f"    {row}" for row in rows), ")"]


def _quoted(octets: bytes) -> str:
    text = repr(octets)
    return text if '"' in text else f'b"{text[2:-1]}"'
