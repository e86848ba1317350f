"""Sizes: long messages in one frame, in fragments and in small writes, and many messages (RFC 6455 5.2, 5.4)."""

from __future__ import annotations

from dataclasses import dataclass

from wsconform import BINARY, TEXT, Connection, Message, Need, Profile, RepeatedOctets, case, each, echo_volume


@dataclass(frozen=True, slots=True)
class Kind:
    """An opcode with two ways to fill a payload: a pattern whose length is not a power of two, and one octet."""

    opcode: int
    pattern: bytes
    octet: bytes

    def of(self, octets: int) -> Message:
        """Return a message of `octets` octets that repeats the pattern, so that lost or moved octets are visible."""
        return Message(self.opcode, RepeatedOctets(self.pattern, octets))

    def repeated(self, octets: int) -> Message:
        """Return a message of one octet that is repeated `octets` times."""
        return Message(self.opcode, RepeatedOctets(self.octet, octets))


KINDS = {
    "text": Kind(TEXT, b"BAsd7&jh23", b"*"),
    "binary": Kind(BINARY, b"\x00\xfe\x23\xfa\xf0", b"\xfe"),
}

_MEBIBYTE = 1 << 20

#: Octets of a message.
OCTETS = (1 << 16, 1 << 18, _MEBIBYTE, 4 * _MEBIBYTE, 8 * _MEBIBYTE, 16 * _MEBIBYTE)
#: Octets of each frame of a message of four mebibytes.
FRAGMENTS = (64, 256, 1024, 4096, 16384, 65536, 262144, _MEBIBYTE, 4 * _MEBIBYTE)
#: Octets of each write of a message of a mebibyte.
WRITES = (64, 128, 256, 512, 1024, 2048)
#: Octets of each of a thousand messages.
MANY = (0, 16, 64, 256, 1024, 4096)

#: The parameters that the standard profile runs.
SAMPLE = frozenset({1 << 16, _MEBIBYTE, 4096, 512, 0, 256})


def _octets_in(kind: Kind, octets: int) -> Profile:
    return Profile.STANDARD if octets in SAMPLE else Profile.FULL


def _fragment_in(kind: Kind, fragment: int) -> Profile:
    return Profile.STANDARD if fragment in SAMPLE else Profile.FULL


def _write_in(kind: Kind, write: int) -> Profile:
    return Profile.STANDARD if write in SAMPLE else Profile.FULL


def _message_in_fragments(kind: Kind, fragment: int) -> Message:
    # Autobahn fills binary messages with the octet of text, too, except in the shortest fragments.
    octet = kind.octet if fragment == FRAGMENTS[0] else b"*"
    cut = fragment if fragment < FRAGMENTS[-1] else None
    return Message(kind.opcode, RepeatedOctets(octet, FRAGMENTS[-1]), fragment=cut)


@case("6455-5.2-11", "6455-5.2-16", needs=Need.ECHO, heavy=True, allow=120, profile=_octets_in)
@each(kind=KINDS, octets=OCTETS)
async def long_message_comes_back(ws: Connection, kind: Kind, octets: int) -> None:
    """A message of up to 16 MiB in one frame is echoed unchanged.

    The whole echo is compared. If the target has a limit and closes with 1009, the case is inconclusive.
    """
    await echo_volume(ws, [kind.of(octets)])


@case("6455-5.4-3", needs=Need.ECHO, heavy=True, allow=120, profile=_fragment_in)
@each(kind=KINDS, fragment=FRAGMENTS)
async def long_message_in_fragments_comes_back(ws: Connection, kind: Kind, fragment: int) -> None:
    """A message of 4 MiB is echoed unchanged, in any number of frames: from 65536 frames of 64 octets to one frame.

    The message ends with an empty frame. The target may have a limit for octets or frames.
    """
    await echo_volume(ws, [_message_in_fragments(kind, fragment)])


@case("6455-6.2-1", needs=Need.ECHO, heavy=True, allow=120, profile=_write_in)
@each(kind=KINDS, write=WRITES)
async def long_message_in_small_writes_comes_back(ws: Connection, kind: Kind, write: int) -> None:
    """A message of 1 MiB in one frame is echoed unchanged if it is sent in small writes."""
    await echo_volume(ws, [kind.of(_MEBIBYTE)], piece=write)


@case("6455-6.2-6", needs=Need.ECHO, heavy=True, allow=120, profile=_octets_in)
@each(kind=KINDS, octets=MANY)
async def thousand_messages_come_back(ws: Connection, kind: Kind, octets: int) -> None:
    """A thousand messages are echoed in order; we send later ones, many in one segment, while echoes arrive."""
    await echo_volume(ws, [kind.repeated(octets)] * 1000)
