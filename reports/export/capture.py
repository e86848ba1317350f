"""A packet capture (pcapng) for Wireshark, with IP and TCP headers constructed around the octets of a case.

The journal has octets and times but no packets. The octets of each end and their times are as recorded, without TLS.
Addresses (unless the target's is a literal), our ports, sequence numbers and acknowledgements are constructed.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from wsconform.evidence.result import Result
from wsconform.journal.journal import TargetRecord

from .exchange import Exchange, Step, StepKind

__all__ = ["render"]

#: Link type 101 of the registry at tcpdump.org: packets begin with the IP header.
_RAW_IP = 101
_SEGMENT = 1460
_FIN, _SYN, _RST, _PSH, _ACK = 0x01, 0x02, 0x04, 0x08, 0x10
_IN, _OUT = 1, 2

_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_COMMENT, _APPLICATION, _NAME, _FLAGS = 1, 4, 2, 2
#: The most octets of a comment.
_LONGEST = 1 << 12

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def render(target: TargetRecord, result: Result, start: str = "") -> bytes:
    """Return the capture. Raises CannotExport if octets of either end are missing from the journal."""
    exchange = Exchange(target, result, start)
    steps = exchange.steps(theirs_whole=True)
    began = _micros(exchange.start)
    about = f"{exchange.result.case} at {exchange.target.name}, {exchange.target.address}: {exchange.result.mark.words}"
    parts = [_section(about), _interface()]
    theirs, ours = _addresses(exchange.host)
    streams: dict[int, TcpStream] = {}
    for step in steps:
        stream = streams.get(step.connection)
        if stream is None:
            stream = streams[step.connection] = TcpStream(
                ours=ours, theirs=theirs, our_port=49152 + step.connection, their_port=exchange.port
            )
            opening = stream.opened(by_us=exchange.we_dial)
            parts += [_packet(began + step.micros, packet, direction, "") for packet, direction in opening]
        comment = "; ".join(step.summaries)
        for packet, direction in stream.packets(step):
            parts.append(_packet(began + step.micros, packet, direction, comment))
            comment = ""
    return b"".join(parts)


@dataclass(slots=True, kw_only=True)
class TcpStream:
    """One TCP connection and its sequence numbers."""

    ours: Address
    theirs: Address
    our_port: int
    their_port: int
    #: Our next sequence number, then the target's.
    next: list[int] = field(default_factory=lambda: [1000, 5000])

    def opened(self, *, by_us: bool) -> Iterator[tuple[bytes, int]]:
        """Yield the three packets that open the connection, each with its direction."""
        first = 0 if by_us else 1
        yield self._packet(first, _SYN, b"", acknowledged=False)
        self.next[first] += 1
        yield self._packet(1 - first, _SYN | _ACK)
        self.next[1 - first] += 1
        yield self._packet(first, _ACK)

    def packets(self, step: Step) -> Iterator[tuple[bytes, int]]:
        """Yield the packets of `step` and the acknowledgement of the other end, each with its direction."""
        side = 0 if step.is_ours else 1
        match step.kind:
            case StepKind.SEND | StepKind.RECEIVE | StepKind.HEAD:
                octets = step.octets.head
                for at in range(0, len(octets), _SEGMENT):
                    part = octets[at : at + _SEGMENT]
                    last = at + _SEGMENT >= len(octets)
                    yield self._packet(side, _ACK | (_PSH if last else 0), part)
                    self.next[side] += len(part)
                yield self._packet(1 - side, _ACK)
            case StepKind.RST | StepKind.RESET:
                yield self._packet(side, _RST | _ACK)
            case StepKind.FIN | StepKind.END:
                yield self._packet(side, _FIN | _ACK)
                self.next[side] += 1
                yield self._packet(1 - side, _ACK)

    def _packet(self, side: int, flags: int, octets: bytes = b"", *, acknowledged: bool = True) -> tuple[bytes, int]:
        addresses = (self.ours, self.theirs) if side == 0 else (self.theirs, self.ours)
        ports = (self.our_port, self.their_port) if side == 0 else (self.their_port, self.our_port)
        acknowledge = self.next[1 - side] if acknowledged else 0
        segment = _tcp(addresses, ports, (self.next[side], acknowledge), flags, octets)
        return _ip(addresses, segment), _OUT if side == 0 else _IN


def _addresses(host: str) -> tuple[Address, Address]:
    """Return the target's address and ours: the literal in the target's URL, or addresses for documentation."""
    try:
        theirs = ipaddress.ip_address(host)
    except ValueError:
        named = "127.0.0.1" if host == "localhost" else "192.0.2.1"
        theirs = ipaddress.ip_address(named)
    if theirs.is_loopback:
        return theirs, theirs
    return theirs, ipaddress.ip_address("192.0.2.2" if theirs.version == 4 else "2001:db8::2")


def _micros(start: str) -> int:
    try:
        moment = datetime.fromisoformat(start.replace("Z", "+00:00"))
    except ValueError:
        return 0
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * 1_000_000


# --- IP (RFC 791, RFC 8200) and TCP (RFC 9293)


def _tcp(
    addresses: tuple[Address, Address], ports: tuple[int, int], numbers: tuple[int, int], flags: int, octets: bytes
) -> bytes:
    """Return a segment; `numbers` are its sequence number and its acknowledgement number."""
    sequence, acknowledge = (number & 0xFFFFFFFF for number in numbers)

    def header(checksum: int) -> bytes:
        return struct.pack("!HHIIBBHHH", *ports, sequence, acknowledge, 5 << 4, flags, 65535, checksum, 0)

    length = 20 + len(octets)
    pseudo = b"".join(address.packed for address in addresses)
    pseudo += struct.pack("!IxxxB", length, 6) if addresses[0].version == 6 else struct.pack("!xBH", 6, length)
    return header(_checksum(pseudo + header(0) + octets)) + octets


def _ip(addresses: tuple[Address, Address], segment: bytes) -> bytes:
    source, destination = (address.packed for address in addresses)
    if addresses[0].version == 6:
        return struct.pack("!IHBB", 6 << 28, len(segment), 6, 64) + source + destination + segment

    def header(checksum: int) -> bytes:
        fixed = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0x4000, 64, 6, checksum)
        return fixed + source + destination

    return header(_checksum(header(0))) + segment


def _checksum(octets: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    if len(octets) % 2:
        octets += b"\0"
    total: int = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


# --- pcapng (draft-ietf-opsawg-pcapng): blocks in little-endian order, which the section header declares


def _section(about: str) -> bytes:
    options = _comment(about) + _option(_APPLICATION, b"wsconform")
    return _block(_SECTION, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + options + _option(0, b""))


def _interface() -> bytes:
    options = _option(_NAME, b"wsconform") + _option(0, b"")
    return _block(_INTERFACE, struct.pack("<HHI", _RAW_IP, 0, 0) + options)


def _packet(micros: int, packet: bytes, direction: int, comment: str) -> bytes:
    fixed = struct.pack("<IIIII", 0, micros >> 32, micros & 0xFFFFFFFF, len(packet), len(packet))
    options = _comment(comment) if comment else b""
    options += _option(_FLAGS, struct.pack("<I", direction)) + _option(0, b"")
    return _block(_PACKET, fixed + _padded(packet) + options)


def _comment(text: str) -> bytes:
    octets = text.encode("utf-8", "replace")
    if len(octets) > _LONGEST:
        # The length of an option has 16 bits, and one write may have sent many frames.
        octets = octets[:_LONGEST].decode("utf-8", "ignore").encode() + b" ..."
    return _option(_COMMENT, octets)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + length + body + length


def _padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 4)
