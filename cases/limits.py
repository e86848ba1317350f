"""Limits: a target refuses input that is too large, and still works afterwards (RFC 6455 10.4, RFC 7692 section 8)."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import trio

from wsconform import (
    BINARY,
    BROWSER_OFFER,
    CLOSE,
    PONG,
    RSV1,
    TAIL,
    TEXT,
    Capability,
    Connection,
    Frame,
    LengthForm,
    Message,
    Opening,
    Profile,
    Provocation,
    RepeatedOctets,
    case,
    each,
    expect_target_alive,
    open_connection,
)

from .capacity import UP_TO_16_MIB, UP_TO_64_MIB, find_limit

_MEBIBYTE = 1 << 20
_FRAGMENT = 1 << 16

#: 37 octets: no power of two is a multiple of 37, so lost or moved octets are visible.
_PATTERN = b"0123456789abcdefghijklmnopqrstuvwxyz-"

#: Headers that announce a payload, of which no octet is sent.
ANNOUNCED = {
    "2^63-1_binary": Frame(BINARY, announced=(1 << 63) - 1),
    "2^63-1_text": Frame(TEXT, announced=(1 << 63) - 1),
    "2^63-1_first_fragment": Frame(TEXT, fin=False, announced=(1 << 63) - 1),
    "2^62_text": Frame(TEXT, announced=1 << 62),
    "2^32_binary": Frame(BINARY, announced=1 << 32),
    "2^31_binary": Frame(BINARY, announced=1 << 31),
    "65535_text": Frame(TEXT, announced=65535, form=LengthForm.MEDIUM),
}

#: If the last parts of a stream take this many times as long as the first, the time for each frame grows.
_TOO_SLOW = 100.0


async def _is_answered(ws: Connection, marker: bytes) -> bool:
    """Return True if a Pong with `marker` comes, False if the connection ends; fail the case otherwise."""
    deadline = ws.session.deadline(ws.session.limits.patience * 4)
    while (received := await ws.next(deadline)) is not None and received.opcode != CLOSE:
        if (received.opcode, received.payload) == (PONG, marker):
            return True
    if received is None and ws.ended is None:
        ws.session.fail("a Pong, or the end of the connection", "neither of the two")
    return False


async def _expect_steady_progress(ws: Connection, fragments: bytes, times: int) -> None:
    """Send the octets `fragments` `times` times, each time with a Ping, and wait for its Pong.

    `fragments` must not contain a final frame. Return early if the target ends the connection. Fail the case if the
    target is silent, or if the last parts take a hundred times as long as the first. The best of three parts is
    compared with the best of three, so that a pause of the machine does not count.
    """
    seconds: list[float] = []
    for number in range(times):
        start, marker = trio.current_time(), b"part %d" % number
        await ws.send_octets(fragments)
        await ws.send(Frame.ping(marker))
        if not await _is_answered(ws, marker):
            ws.note("the target ended the connection after", f"{len(fragments) * (number + 1)} octets")
            return
        seconds.append(trio.current_time() - start)
    # A time below one millisecond is too short to measure and counts as one millisecond.
    factor = min(seconds[-3:]) / max(*seconds[:3], 0.001)
    ws.note("octets accepted", len(fragments) * times)
    ws.expect(factor < _TOO_SLOW, "about the same time for every frame", f"the last took {factor:.0f} times the first")


def _one_frame(octets: int) -> Message:
    return Message(BINARY, RepeatedOctets(_PATTERN, octets))


def _fragments(octets: int) -> Message:
    return Message(BINARY, RepeatedOctets(_PATTERN, octets), fragment=_FRAGMENT)


FORMS: dict[str, tuple[Capability, Callable[[int], Message]]] = {
    "one_frame": (Capability.MESSAGE, _one_frame),
    "fragments": (Capability.FRAGMENTED_MESSAGE, _fragments),
}


async def _send_unread(ws: Connection, octets: bytes, times: int) -> int:
    """Send `octets` (whole frames) `times` times without reading; return how many octets could be sent.

    Stop when sending `octets` takes more than `prompt` seconds: the target has stopped reading.
    """
    for number in range(times):
        with trio.move_on_after(ws.session.limits.prompt) as scope:
            await ws.send_unrecorded(octets)
        if scope.cancelled_caught:
            return len(octets) * number
    return len(octets) * times


async def _expect_ping_flood_survived(ws: Connection, times: int) -> None:
    """Send `times` hundred Pings of 125 octets without reading, then read; expect that the target still works.

    If all Pings could be sent, expect a Pong to one more Ping, or the end of the connection. If the target stopped
    reading, read until nothing more comes. In both cases, another connection must be served.
    """
    pings = ws.encode(*(Frame.ping(b"%03d" % number + bytes(122)) for number in range(100)))
    sent = await _send_unread(ws, pings, times)
    ws.note("Pings sent before we read", f"{sent // (len(pings) // 100)} of {times * 100}")
    if sent == len(pings) * times:
        await ws.send(Frame.ping(b"the last one"))
        await _is_answered(ws, b"the last one")
    else:
        await ws.read_to_end(ws.session.limits.prompt)
    await expect_target_alive(ws.session)


async def _expect_message_refused(ws: Connection) -> None:
    """Expect that the connection ends and that no message is delivered, for up to four times the patience.

    A valid message follows the first. If it is delivered, the target accepted the first. A Pong would not
    prove that, because a target may answer Pings while it still inflates a message.
    """
    ws.conversation.provoked = Provocation.LIMIT
    await ws.send(Frame.text("behind"))
    deadline = ws.session.deadline(ws.session.limits.patience * 4)
    while (received := await ws.next(deadline)) is not None and received.opcode != CLOSE:
        if received.opcode in (TEXT, BINARY) and not ws.is_chatter(received):
            ws.session.fail("the message to be refused", f"a delivery: {received}", received.entry)
    ended = received is not None or ws.ended is not None
    ws.expect(ended, "the message to be refused", "neither a delivery nor the end of the connection")
    ws.note("refused with", received or "no Close")


def _bomb(blocks: int) -> bytes:
    """Return the payload of a compressed message that inflates to `blocks` times 16 MiB of zeros (about 1:1000)."""
    deflater = zlib.compressobj(9, wbits=-15)
    block = deflater.compress(bytes(16 * _MEBIBYTE)) + deflater.flush(zlib.Z_FULL_FLUSH)
    return (block * blocks).removesuffix(TAIL)


@case(
    "6455-10.4-1",
    alone=True,
    hint="allocate memory for octets that have arrived, not for the length that a header announces",
)
@each(frame=ANNOUNCED)
async def announced_length_does_not_stop_the_target(opening: Opening, frame: Frame) -> None:
    """A header that announces a huge payload does not keep the target from serving other connections.

    No payload follows. The target may wait for it or end the connection. A target that allocates
    the announced length exits, or does not answer meanwhile.
    """
    ws = await open_connection(opening.session)
    await ws.send(frame)
    await expect_target_alive(opening.session)


@case("6455-10.4-2", heavy=True, allow=30, hint="bound the number of fragments, or join them once")
@each(payload={"empty": b"", "one_octet": b"x"})
async def many_small_fragments_are_accepted_or_refused(ws: Connection, payload: bytes) -> None:
    """Twenty thousand empty or tiny fragments are accepted or refused, each in about the same time as the first.

    A target that copies the whole message for every fragment slows down. A target that recurses for every fragment
    runs out of stack.
    """
    await ws.send(Frame.text(payload, fin=False))
    await _expect_steady_progress(ws, ws.encode(Frame.continuation(payload, fin=False)) * 200, 100)
    await expect_target_alive(ws.session)


@case(
    "6455-10.4-2", heavy=True, allow=300, profile=Profile.FULL, hint="bound the number of fragments, or join them once"
)
@each(payload={"empty": b"", "one_octet": b"x"})
async def endless_small_fragments_are_accepted_or_refused(ws: Connection, payload: bytes) -> None:
    """200,000 empty or tiny fragments are accepted or refused, each in about the same time as the first."""
    await ws.send(Frame.text(payload, fin=False))
    await _expect_steady_progress(ws, ws.encode(Frame.continuation(payload, fin=False)) * 2000, 100)
    await expect_target_alive(ws.session)


@case("6455-10.4-3", heavy=True, measures=True, allow=60)
@each(form=FORMS)
async def long_message_is_echoed_or_refused(ws: Connection, form: tuple[Capability, Callable[[int], Message]]) -> None:
    """Longer and longer messages, up to 16 MiB, are echoed unchanged until one is refused.

    The RFC recommends a limit. The limit is noted, and should be the same for one frame and for fragments.
    """
    await find_limit(ws, form[0], UP_TO_16_MIB, form[1])
    await expect_target_alive(ws.session)


@case("6455-10.4-3", heavy=True, allow=300, profile=Profile.FULL)
@each(form=FORMS)
async def message_size_has_a_limit(ws: Connection, form: tuple[Capability, Callable[[int], Message]]) -> None:
    """Longer and longer messages, up to 64 MiB, are echoed until one is refused.

    The RFC recommends a limit. If the target accepts all messages, that is recorded and is not a failure.
    """
    ws.choose(await find_limit(ws, form[0], UP_TO_64_MIB, form[1]))
    await expect_target_alive(ws.session)


@case(
    "6455-10.4-4",
    offer=BROWSER_OFFER,
    heavy=True,
    allow=60,
    profile=Profile.FULL,
    hint="limit the size of inflated messages while you inflate them",
)
async def compression_bomb_is_stopped(ws: Connection) -> None:
    """A compressed message of 1 MiB that inflates to 1 GiB is refused before all of it has been inflated.

    A target that delivers it, or the message behind it, has inflated all of it.
    """
    await ws.send(Frame.binary(_bomb(64), rsv=RSV1))
    await _expect_message_refused(ws)
    await expect_target_alive(ws.session)


@case("6455-10.4-5", heavy=True, allow=30, hint="stop reading while Pongs cannot be written")
async def pings_without_reading_are_survived(ws: Connection) -> None:
    """Ten thousand Pings, whose Pongs we do not read, do not stop the target.

    It may stop reading, answer only the latest Ping, or end the connection. Another connection must work.
    """
    await _expect_ping_flood_survived(ws, 100)


@case("6455-10.4-5", heavy=True, allow=120, profile=Profile.FULL, hint="stop reading while Pongs cannot be written")
async def flood_of_pings_without_reading_is_survived(ws: Connection) -> None:
    """Nearly 100,000 Pings, whose Pongs we do not read, do not stop the target."""
    # We read at most 100,000 frames on one connection, and the Pong to the last Ping has to be one of them.
    await _expect_ping_flood_survived(ws, 990)
