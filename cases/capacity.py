"""Capacity: how large messages, header fields and request lines may be for the target; noted, never a failure."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from wsconform import (
    BINARY,
    BROWSER_OFFER,
    TAIL,
    TEXT,
    Capability,
    Connection,
    Fields,
    Message,
    Opening,
    Profile,
    RepeatedOctets,
    Request,
    case,
    each,
    expect_target_alive,
    refusal,
)

from .http.steps import accept_if_switched, expect_reaction, with_query

_MEBIBYTE = 1 << 20

#: Octets of messages: common limits, and one octet more.
UP_TO_16_MIB = (1 << 16, _MEBIBYTE, _MEBIBYTE + 1, 4 * _MEBIBYTE, 4 * _MEBIBYTE + 1, 16 * _MEBIBYTE)
UP_TO_64_MIB = (*UP_TO_16_MIB, 16 * _MEBIBYTE + 1, 32 * _MEBIBYTE, 64 * _MEBIBYTE)

#: Numbers of frames of one message, by the largest. Each frame has one octet, except the last, which is empty.
_FRAMES = (16, 64, 128, 256, 1024, 4096, 16384, 65536, 262144)
FRAMES = {most: tuple(frames for frames in _FRAMES if frames <= most) for most in (16384, 262144)}

#: Octets of messages of zeros before compression, by the largest number of mebibytes.
INFLATED = {
    most: tuple(octets for octets in UP_TO_64_MIB if octets <= most * _MEBIBYTE and octets not in (4194305, 16777217))
    for most in (4, 16)
}

#: Octets of one field's value, numbers of fields, and octets of a request line.
FIELD = (4096, 8000, 8190, 16384, 32768, 65536, 131072, 262144, _MEBIBYTE)
FIELDS = (50, 64, 96, 128, 200, 256, 500, 1000, 2000)
REQUEST_LINE = (2048, 4096, 8000, 8190, 16384, 65536, 262144, _MEBIBYTE)


def format_capacity(accepted: int, unit: str, refused: int | None = None, how: str = "") -> str:
    """Return the text of a note: the largest size that was accepted, and the size that was refused, and how."""
    return f"{accepted} {unit} or more" if refused is None else f"{accepted} {unit}; {refused} refused: {how}"


async def find_limit(
    ws: Connection, what: Capability, sizes: Sequence[int], message_of: Callable[[int], Message], unit: str = "octets"
) -> str:
    """Send `message_of` each of `sizes` until the target refuses one; note the capacity as `what` and return the note.

    Fail the case if an echo differs from its message, or if the target is silent.
    """
    accepted, found = 0, ""
    for size in sizes:
        if (how := await refusal(ws, message_of(size))) is not None:
            found = format_capacity(accepted, unit, size, how)
            break
        accepted = size
    found = found or format_capacity(accepted, unit)
    ws.note(what, found)
    return found


def _of_frames(frames: int) -> Message:
    return Message(TEXT, RepeatedOctets(b"abcdefghijklmnopqrstuvwxyz-", frames - 1), fragment=1)


def _compressed_zeros(octets: int) -> Message:
    # Zeros refer back by one octet only, so the message is valid for every window that the target agreed to.
    deflater, block = zlib.compressobj(9, wbits=-9), bytes(1 << 16)
    whole, rest = divmod(octets, len(block))
    parts = [deflater.compress(block) for _ in range(whole)]
    deflated = b"".join((*parts, deflater.compress(bytes(rest)), deflater.flush(zlib.Z_SYNC_FLUSH)))
    return Message(BINARY, RepeatedOctets(b"\0", octets), deflated.removesuffix(TAIL))


def _full_above(most: int) -> Callable[..., Profile]:
    return lambda up_to: Profile.FULL if up_to > most else Profile.STANDARD


async def _find_limit_of_requests(
    opening: Opening, what: Capability, sizes: Sequence[int], request_of: Callable[[Request, int], Request], unit: str
) -> None:
    """Send `request_of` each of `sizes` until the target refuses one, and note the capacity as `what`.

    Fail the case if the target is silent.
    """
    accepted, found = 0, ""
    for size in sizes:
        request = request_of(opening.fresh_request(), size)
        answer, wire = await opening.exchange(request)
        expect_reaction(opening, answer, f"{size} {unit}")
        if not answer.accepted:
            found = format_capacity(accepted, unit, size, str(answer))
            break
        accept_if_switched(opening, answer, wire, request)
        accepted = size
    opening.note(what, found or format_capacity(accepted, unit))


def _with_field(request: Request, octets: int) -> Request:
    return replace(request, fields=Fields(((b"X-Pad", b"p" * octets), *request.fields.lines)))


def _with_fields(request: Request, count: int) -> Request:
    pads = tuple((b"X-Pad-%d" % number, b"p") for number in range(count - len(request.fields.lines)))
    return replace(request, fields=Fields((*pads, *request.fields.lines)))


def _with_line(request: Request, octets: int) -> Request:
    others = len(b"GET  HTTP/1.1\r\n")
    return replace(request, target=with_query(request.target, octets - others - len(request.target)))


@case(
    "6455-10.4-2",
    heavy=True,
    measures=True,
    allow=300,
    profile=_full_above(16384),
    hint="bound the number of fragments, or join them once",
)
@each(up_to=tuple(FRAMES))
async def number_of_fragments_is_limited_or_not(ws: Connection, up_to: int) -> None:
    """Messages of more and more frames are echoed until one is refused, and the target still works afterwards."""
    await find_limit(ws, Capability.FRAGMENTS, FRAMES[up_to], _of_frames, "frames")
    await expect_target_alive(ws.session)


@case("6455-10.4-4", offer=BROWSER_OFFER, heavy=True, measures=True, allow=120, profile=_full_above(4))
@each(up_to=tuple(INFLATED))
async def compressed_message_is_echoed_or_refused(ws: Connection, up_to: int) -> None:
    """Compressed messages of more and more zeros are echoed until one is refused, and the target still works."""
    await find_limit(ws, Capability.COMPRESSED_MESSAGE, INFLATED[up_to], _compressed_zeros)
    await expect_target_alive(ws.session)


@case(
    "9110-5.4-1",
    alone=True,
    measures=True,
    hint="answer fields that exceed a limit with 431; do not drop a part of them silently",
)
async def length_of_a_header_field_is_limited_or_not(opening: Opening) -> None:
    """Handshakes with a longer and longer field are accepted until one is refused; each is answered."""
    await _find_limit_of_requests(opening, Capability.FIELD, FIELD, _with_field, "octets")


@case(
    "9110-5.4-1",
    alone=True,
    measures=True,
    hint="answer fields that exceed a limit with 431; do not drop a part of them silently",
)
async def number_of_header_fields_is_limited_or_not(opening: Opening) -> None:
    """Handshakes with more and more fields are accepted until one is refused; each is answered."""
    await _find_limit_of_requests(opening, Capability.FIELDS, FIELDS, _with_fields, "fields")


@case("9112-3-2", alone=True, measures=True, hint="answer a request-target that is too long with 414")
async def length_of_a_request_line_is_limited_or_not(opening: Opening) -> None:
    """Handshakes with a longer and longer request line are accepted until one is refused; each is answered."""
    await _find_limit_of_requests(opening, Capability.REQUEST_LINE, REQUEST_LINE, _with_line, "octets")
