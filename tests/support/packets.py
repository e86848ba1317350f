"""The packets of a capture, read by an independent library and checked."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import pcapng  # type: ignore[import-untyped]


@dataclass(frozen=True, kw_only=True)
class Packet:
    """One packet of a capture: addresses, fields of the TCP header, payload, comment."""

    micros: int
    source: tuple[bytes, int]
    destination: tuple[bytes, int]
    number: int
    acknowledged: int
    flags: int
    payload: bytes
    comment: str


def packets(octets: bytes) -> Iterator[Packet]:
    """Yield the TCP packets of a capture, and check lengths and checksums."""
    for block in pcapng.FileScanner(io.BytesIO(octets)):
        if not isinstance(block, pcapng.blocks.EnhancedPacket):
            continue
        assert block.interface.link_type == 101
        packet = bytes(block.packet_data)
        assert len(packet) == block.captured_len == block.packet_len
        version = packet[0] >> 4
        size, addresses = (20, packet[12:20]) if version == 4 else (40, packet[8:40])
        half = len(addresses) // 2
        if version == 4:
            assert checksum(packet[:20]) == 0
            assert struct.unpack("!H", packet[2:4])[0] == len(packet)
        else:
            assert struct.unpack("!H", packet[4:6])[0] == len(packet) - 40
        segment = packet[size:]
        pseudo = struct.pack("!xBH", 6, len(segment)) if version == 4 else struct.pack("!IxxxB", len(segment), 6)
        assert checksum(addresses + pseudo + segment) == 0
        source, destination, number, acknowledged, offset, flags = struct.unpack("!HHIIBB", segment[:14])
        yield Packet(
            micros=round(block.timestamp * 1_000_000),
            source=(addresses[:half], source),
            destination=(addresses[half:], destination),
            number=number,
            acknowledged=acknowledged,
            flags=flags,
            payload=segment[offset >> 4 << 2 :],
            comment=str(block.options.get("opt_comment", "")),
        )


def checksum(octets: bytes) -> int:
    """Return the Internet checksum; it is 0 over octets that include a correct checksum."""
    words = octets + b"\0" * (len(octets) % 2)
    total = sum(words[at] << 8 | words[at + 1] for at in range(0, len(words), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
