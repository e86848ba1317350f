"""Clients over plain sockets; some misbehave. Arguments: MODE URL [AGENT].

- `loop` runs all cases; `early` does, but ends with an exception at the first handshake that fails; `hang` stops
  forever after its first case; `first` runs the same case whenever it is started.
- `one` runs the case at URL; `shout` does, and echoes in capitals; `learn` shouts at its first three starts, which it
  counts in the file `starts`; `twice` connects a second time for its case; `linger` does not exit after its case.
- `quit` exits with code 7 without connecting; `deaf` never connects.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

KEY, ACCEPT = b"dGhlIHNhbXBsZSBub25jZQ==", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


class HandshakeFailed(Exception):
    """The server's answer is not a correct acceptance (RFC 6455 section 4.2.2)."""


class Client:
    """One connection: an opening handshake, then echoes until it ends."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=60)
        self.buffer = b""
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self.socket.sendall(
            f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {KEY.decode()}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self.buffer:
            self.more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        if not head.startswith(b"HTTP/1.1 101 ") or ACCEPT not in head:
            self.socket.close()
            raise HandshakeFailed(head.split(b"\r\n")[0].decode())

    def more(self) -> None:
        """Read more octets; raises EOFError at the end of the stream."""
        octets = self.socket.recv(65536)
        if not octets:
            raise EOFError
        self.buffer += octets

    def take(self, count: int) -> bytes:
        """Return the next `count` octets."""
        while len(self.buffer) < count:
            self.more()
        octets, self.buffer = self.buffer[:count], self.buffer[count:]
        return octets

    def send(self, opcode: int, payload: bytes) -> None:
        """Send a frame, masked."""
        key, length = os.urandom(4), len(payload)
        header = bytes([0x80 | opcode, 0x80 | length]) if length < 126 else bytes([0x80 | opcode, 0xFE])
        header += length.to_bytes(2, "big") if length >= 126 else b""
        self.socket.sendall(header + key + bytes(octet ^ key[at % 4] for at, octet in enumerate(payload)))

    def read(self) -> tuple[int, bytes]:
        """Return opcode and payload of the next frame; raises EOFError if the frame is invalid, or at the end."""
        first, second = self.take(2)
        if second & 0x80 or first & 0x70 or not first & 0x80:
            self.send(8, b"\x03\xea")
            raise EOFError
        length = second & 0x7F
        if length > 125:
            length = int.from_bytes(self.take(2 if length == 126 else 8), "big")
        return first & 0x0F, self.take(length)

    def echo(self, *, shout: bool = False) -> list[bytes]:
        """Send messages back until the connection ends; return them."""
        messages = []
        try:
            while True:
                opcode, payload = self.read()
                if opcode == 9:
                    self.send(10, payload)
                elif opcode == 8:
                    self.send(8, payload[:2])
                elif opcode in (1, 2):
                    messages.append(payload)
                    self.send(opcode, payload.upper() if shout else payload)
        except (EOFError, OSError):
            self.socket.close()
        return messages


def ask(url: str) -> list[bytes]:
    """Connect to a control address; return the messages."""
    client, messages = Client(url), []
    try:
        while True:
            opcode, payload = client.read()
            if opcode == 1:
                messages.append(payload)
            if opcode == 8:
                client.send(8, payload)
    except EOFError:
        client.socket.close()
    return messages


def loop(url: str, agent: str, *, brave: bool, most: int | None = None) -> None:
    """Run all cases, or the first `most`; unless `brave`, stop at the first handshake that fails."""
    count = int(ask(f"{url}/getCaseCount")[0])
    for number in range(1, (min(count, most) if most else count) + 1):
        try:
            Client(f"{url}/runCase?case={number}&agent={agent}").echo()
        except (HandshakeFailed, EOFError, OSError):
            if not brave:
                raise
    if most:
        signal.pause()
    ask(f"{url}/updateReports?agent={agent}")


def main(mode: str, url: str = "", agent: str = "raw") -> None:
    """Behave as the module's docstring describes for `mode`."""
    print(f"raw client, {mode}", flush=True)
    match mode:
        case "loop":
            loop(url, agent, brave=True)
        case "first":
            case = "masking.wrongly_masked_frame_fails_the_connection%5Btext%5D"
            Client(f"{url}/runCase?casetuple={case}&agent={agent}").echo()
        case "early":
            loop(url, agent, brave=False)
        case "hang":
            loop(url, agent, brave=True, most=1)
        case "one":
            Client(url).echo()
        case "shout":
            Client(url).echo(shout=True)
        case "learn":
            starts = Path("starts")
            before = starts.read_text() if starts.exists() else ""
            starts.write_text(f"{before}.")
            Client(url).echo(shout=len(before) < 3)
        case "twice":
            first = Client(url)
            try:
                Client(url)
            except HandshakeFailed as problem:
                print(problem, flush=True)
            first.echo()
        case "quit":
            print("no configuration", file=sys.stderr)
            sys.exit(7)
        case "linger":
            Client(url).echo()
            signal.pause()
        case "deaf":
            signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
