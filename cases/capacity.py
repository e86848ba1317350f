"""Capacity: how much a target takes of messages, fragments, header fields and request lines; noted, never blamed."""

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

#: Octets of messages: where limits usually are, and one octet past them.
UP_TO_16_MIB = (1 << 16, _MEBIBYTE, _MEBIBYTE + 1, 4 * _MEBIBYTE, 4 * _MEBIBYTE + 1, 16 * _MEBIBYTE)
UP_TO_64_MIB = (*UP_TO_16_MIB, 16 * _MEBIBYTE + 1, 32 * _MEBIBYTE, 64 * _MEBIBYTE)

#: Frames of one message, each of an octet but the last, which is empty; by the most of them.
_FRAMES = (16, 64, 128, 256, 1024, 4096, 16384, 65536, 262144)
FRAMES = {most: tuple(frames for frames in _FRAMES if frames <= most) for most in (16384, 262144)}

#: Octets of messages that are zeros, inflated, by the most mebibytes.
INFLATED = {
    most: tuple(octets for octets in UP_TO_64_MIB if octets <= most * _MEBIBYTE and octets not in (4194305, 16777217))
    for most in (4, 16)
}

#: Octets of one field's value, numbers of fields, and octets of a request line.
FIELD = (4096, 8000, 8190, 16384, 32768, 65536, 131072, 262144, _MEBIBYTE)
FIELDS = (50, 64, 96, 128, 200, 256, 500, 1000, 2000)
REQUEST_LINE = (2048, 4096, 8000, 8190, 16384, 65536, 262144, _MEBIBYTE)


def say(taken: int, unit: str, refused: int | None = None, how: str = "") -> str:
    """Return a note of capacity: the most that was taken, and the least that was not, with how it was refused."""
    return f"{taken} {unit} or more" if refused is None else f"{taken} {unit}; {refused} refused: {how}"


async def find_limit(
    ws: Connection, what: Capability, sizes: Sequence[int], message_of: Callable[[int], Message], unit: str = "octets"
) -> str:
    """Send a message of each of `sizes` until one is refused; note what is found under `what`, and return it.

    Fails where an echo is another than what was sent, or the target falls silent.
    """
    taken, found = 0, ""
    for size in sizes:
        if (how := await refusal(ws, message_of(size))) is not None:
            found = say(taken, unit, size, how)
            break
        taken = size
    found = found or say(taken, unit)
    ws.note(what, found)
    return found


def _of_frames(frames: int) -> Message:
    return Message(TEXT, RepeatedOctets(b"abcdefghijklmnopqrstuvwxyz-", frames - 1), fragment=1)


def _of_zeros(octets: int) -> Message:
    # No window is needed for zeros: what refers back by one octet is right in all of them.
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
    """Put a handshake of each of `sizes` until one is not accepted, and note what is found; silence fails the case."""
    taken, found = 0, ""
    for size in sizes:
        asked = request_of(opening.fresh_request(), size)
        answer, wire = await opening.exchange(asked)
        expect_reaction(opening, answer, f"{size} {unit}")
        if not answer.accepted:
            found = say(taken, unit, size, str(answer))
            break
        accept_if_switched(opening, answer, wire, asked)
        taken = size
    opening.note(what, found or say(taken, unit))


def _with_field(request: Request, octets: int) -> Request:
    return replace(request, fields=Fields(((b"X-Pad", b"p" * octets), *request.fields.lines)))


def _with_fields(request: Request, count: int) -> Request:
    pads = tuple((b"X-Pad-%d" % number, b"p") for number in range(count - len(request.fields.lines)))
    return replace(request, fields=Fields((*pads, *request.fields.lines)))


def _with_line(request: Request, octets: int) -> Request:
    around = len(b"GET  HTTP/1.1\r\n")
    return replace(request, target=with_query(request.target, octets - around - len(request.target)))


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
    """A message in ever more frames is put together until it is refused, and the target lives on."""
    await find_limit(ws, Capability.FRAGMENTS, FRAMES[up_to], _of_frames, "frames")
    await expect_target_alive(ws.session)


@case("6455-10.4-4", offer=BROWSER_OFFER, heavy=True, measures=True, allow=120, profile=_full_above(4))
@each(up_to=tuple(INFLATED))
async def inflated_message_is_taken_or_refused(ws: Connection, up_to: int) -> None:
    """A message that inflates to ever more zeros is delivered, all of them, until one is refused."""
    await find_limit(ws, Capability.COMPRESSED_MESSAGE, INFLATED[up_to], _of_zeros)
    await expect_target_alive(ws.session)


@case(
    "9110-5.4-1",
    alone=True,
    measures=True,
    hint="answer more than you process with 431; never drop a part of it in silence",
)
async def length_of_a_header_field_is_limited_or_not(opening: Opening) -> None:
    """A field of ever more octets is read, or the handshake is refused: no request is left without an answer."""
    await _find_limit_of_requests(opening, Capability.FIELD, FIELD, _with_field, "octets")


@case(
    "9110-5.4-1",
    alone=True,
    measures=True,
    hint="answer more than you process with 431; never drop a part of it in silence",
)
async def number_of_header_fields_is_limited_or_not(opening: Opening) -> None:
    """Ever more fields are read, or the handshake is refused: no request is left without an answer."""
    await _find_limit_of_requests(opening, Capability.FIELDS, FIELDS, _with_fields, "fields")


@case("9112-3-2", alone=True, measures=True, hint="answer a request-target that is too long with 414")
async def length_of_a_request_line_is_limited_or_not(opening: Opening) -> None:
    """A request line of ever more octets is read, or the handshake is refused, and no request is left unanswered."""
    await _find_limit_of_requests(opening, Capability.REQUEST_LINE, REQUEST_LINE, _with_line, "octets")
