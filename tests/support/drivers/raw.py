"""Clients over bare sockets, of which some misbehave. Arguments: MODE URL [AGENT].

`loop` runs all cases; `first` runs the same case whenever it is started; `early` ends at the first handshake that
fails, with an exception; `hang` stops for ever after its first case; `one` runs the one case at URL; `shout` does, and
echoes in capitals; `learn` shouts the first three times that it is started, which it counts in the file `starts`;
`twice` connects a second time for its case; `quit` ends with code 7 without connecting; `linger` does not end after
its case; `deaf` never connects.
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
    """The server did not answer as section 4.2.2 asks."""


class Client:
    """One connection: an opening handshake, then messages echoed until it ends."""

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
        """Read some octets more; EOFError at the end."""
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
        """Return opcode and payload of the next frame; EOFError where it breaks a rule, or there is none."""
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
    """Make a connection to a control address; return the messages."""
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
    """Run all cases, or `most`; a handshake that fails ends the loop unless it is `brave`."""
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
    """Do what `mode` says."""
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
