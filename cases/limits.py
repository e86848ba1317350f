"""Limits: what is too much is stopped, and the target lives on (RFC 6455 section 10.4, RFC 7692 section 8)."""

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

#: 37 octets: no power of two is a multiple, so that what is lost or moved shows.
_PATTERN = b"0123456789abcdefghijklmnopqrstuvwxyz-"

#: Headers that announce what never comes.
ANNOUNCED = {
    "2^63-1_binary": Frame(BINARY, announced=(1 << 63) - 1),
    "2^63-1_text": Frame(TEXT, announced=(1 << 63) - 1),
    "2^63-1_first_fragment": Frame(TEXT, fin=False, announced=(1 << 63) - 1),
    "2^62_text": Frame(TEXT, announced=1 << 62),
    "2^32_binary": Frame(BINARY, announced=1 << 32),
    "2^31_binary": Frame(BINARY, announced=1 << 31),
    "65535_text": Frame(TEXT, announced=65535, form=LengthForm.MEDIUM),
}

#: From this factor on between the first and the last parts of a stream, the time that a frame takes grows with it.
_TOO_SLOW = 100.0


async def _is_answered(ws: Connection, marker: bytes) -> bool:
    """Return True for the Pong to `marker`, False for an end of the connection; silence fails the case."""
    deadline = ws.session.deadline(ws.session.limits.patience * 4)
    while (received := await ws.next(deadline)) is not None and received.opcode != CLOSE:
        if (received.opcode, received.payload) == (PONG, marker):
            return True
    if received is None and ws.ended is None:
        ws.session.fail("progress, or the end of the connection", "neither a Pong nor an end")
    return False


async def _expect_steady_progress(ws: Connection, fragments: bytes, times: int) -> None:
    """Send `fragments`, which make no message whole, `times` times, each time up to a Ping and its Pong.

    Ends early where the target ends the connection. Fails where it falls silent, or where the last parts
    take a hundred times what the first took: the best of three each, so that a pause elsewhere does not count.
    """
    seconds: list[float] = []
    for number in range(times):
        start, marker = trio.current_time(), b"part %d" % number
        await ws.send_octets(fragments)
        await ws.send(Frame.ping(marker))
        if not await _is_answered(ws, marker):
            ws.note("stopped by the target after", f"{len(fragments) * (number + 1)} octets")
            return
        seconds.append(trio.current_time() - start)
    # What is too short to be measured counts as a millisecond.
    factor = min(seconds[-3:]) / max(*seconds[:3], 0.001)
    ws.note("octets taken", len(fragments) * times)
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
    """Send `octets` (frames, few enough to be sent without reading) `times` times; return how many octets were taken.

    Nothing is read meanwhile. A target that has stopped reading is given `prompt` seconds, once.
    """
    for number in range(times):
        with trio.move_on_after(ws.session.limits.prompt) as scope:
            await ws.send_unrecorded(octets)
        if scope.cancelled_caught:
            return len(octets) * number
    return len(octets) * times


async def _expect_ping_flood_survived(ws: Connection, times: int) -> None:
    """Send `times` hundred Pings of 125 octets without reading, then read; expect that the target lives.

    One that took them all answers the last, or has ended the connection; one that stopped reading goes on when
    we read. A server has to serve others.
    """
    pings = ws.encode(*(Frame.ping(b"%03d" % number + bytes(122)) for number in range(100)))
    taken = await _send_unread(ws, pings, times)
    ws.note("Pings taken before one Pong was read", f"{taken // (len(pings) // 100)} of {times * 100}")
    if taken == len(pings) * times:
        await ws.send(Frame.ping(b"the last one"))
        await _is_answered(ws, b"the last one")
    else:
        await ws.read_to_end(ws.session.limits.prompt)
    await expect_target_alive(ws.session)


async def _expect_stopped(ws: Connection) -> None:
    """Expect that the connection ends and that no message is delivered, however long the target works on the first.

    A good message is sent behind it, and its delivery counts as that of the first. A Pong would prove nothing,
    where messages are inflated elsewhere than Pings are answered.
    """
    ws.conversation.provoked = Provocation.LIMIT
    await ws.send(Frame.text("behind"))
    deadline = ws.session.deadline(ws.session.limits.patience * 4)
    while (received := await ws.next(deadline)) is not None and received.opcode != CLOSE:
        if received.opcode in (TEXT, BINARY) and not ws.is_chatter(received):
            ws.session.fail("the message to be stopped", f"a delivery: {received}", received.entry)
    ended = received is not None or ws.ended is not None
    ws.expect(ended, "the message to be stopped", "neither a delivery nor an end of the connection")
    ws.note("stopped with", received or "no Close")


def _bomb(blocks: int) -> bytes:
    """Return a compressed message that inflates to `blocks` times 16 MiB of zeros, in about a thousandth of that."""
    deflater = zlib.compressobj(9, wbits=-15)
    block = deflater.compress(bytes(16 * _MEBIBYTE)) + deflater.flush(zlib.Z_FULL_FLUSH)
    return (block * blocks).removesuffix(TAIL)


@case("6455-10.4-1", alone=True, hint="allocate by what has come, never by what a header announces")
@each(frame=ANNOUNCED)
async def announced_length_hurts_nobody(opening: Opening, frame: Frame) -> None:
    """A header that announces more than memory holds costs the target nothing: others are served.

    No payload follows. The target may wait for it or end the connection; one that allocates
    the announced length dies, or answers nobody meanwhile.
    """
    ws = await open_connection(opening.session)
    await ws.send(frame)
    await expect_target_alive(opening.session)


@case("6455-10.4-2", heavy=True, allow=30, hint="bound the number of fragments, or join them once")
@each(payload={"empty": b"", "one_octet": b"x"})
async def many_small_fragments_are_taken_or_refused(ws: Connection, payload: bytes) -> None:
    """Twenty thousand fragments of next to nothing are accepted or refused, each in the same time as the first.

    A target that copies all it has with every fragment slows down, and one that calls itself for each falls over.
    """
    await ws.send(Frame.text(payload, fin=False))
    await _expect_steady_progress(ws, ws.encode(Frame.continuation(payload, fin=False)) * 200, 100)
    await expect_target_alive(ws.session)


@case(
    "6455-10.4-2", heavy=True, allow=300, profile=Profile.FULL, hint="bound the number of fragments, or join them once"
)
@each(payload={"empty": b"", "one_octet": b"x"})
async def endless_small_fragments_are_taken_or_refused(ws: Connection, payload: bytes) -> None:
    """Two hundred thousand fragments of next to nothing are accepted or refused, each in the same time as the first."""
    await ws.send(Frame.text(payload, fin=False))
    await _expect_steady_progress(ws, ws.encode(Frame.continuation(payload, fin=False)) * 2000, 100)
    await expect_target_alive(ws.session)


@case("6455-10.4-3", heavy=True, measures=True, allow=60)
@each(form=FORMS)
async def long_message_is_taken_or_refused(ws: Connection, form: tuple[Capability, Callable[[int], Message]]) -> None:
    """Messages of up to 16 MiB are delivered, octet for octet, until one is refused, in one frame as in fragments.

    A limit is favoured; where it is, is written down, and should be the same for both forms.
    """
    await find_limit(ws, form[0], UP_TO_16_MIB, form[1])
    await expect_target_alive(ws.session)


@case("6455-10.4-3", heavy=True, allow=300, profile=Profile.FULL)
@each(form=FORMS)
async def message_size_has_a_limit(ws: Connection, form: tuple[Capability, Callable[[int], Message]]) -> None:
    """Messages of up to 64 MiB are delivered until one is refused, in one frame as in fragments.

    A limit is favoured; a target that takes all of them is noted, not blamed.
    """
    ws.choose(await find_limit(ws, form[0], UP_TO_64_MIB, form[1]))
    await expect_target_alive(ws.session)


@case(
    "6455-10.4-4",
    offer=BROWSER_OFFER,
    heavy=True,
    allow=60,
    profile=Profile.FULL,
    hint="limit what is inflated, as it is",
)
async def compression_bomb_is_stopped(ws: Connection) -> None:
    """A mebibyte that inflates to a gibibyte is stopped before it has: the limit is about what is inflated.

    Delivering it, or the message behind it, says that all of it was inflated.
    """
    await ws.send(Frame.binary(_bomb(64), rsv=RSV1))
    await _expect_stopped(ws)
    await expect_target_alive(ws.session)


@case("6455-10.4-5", heavy=True, allow=30, hint="stop reading while answers cannot be written")
async def pings_without_reading_are_survived(ws: Connection) -> None:
    """Ten thousand Pings whose Pongs nobody reads do not bring the target down.

    It may stop reading, answer the latest only, or end the connection; another connection has to work.
    """
    await _expect_ping_flood_survived(ws, 100)


@case("6455-10.4-5", heavy=True, allow=120, profile=Profile.FULL, hint="stop reading while answers cannot be written")
async def flood_of_pings_without_reading_is_survived(ws: Connection) -> None:
    """Nearly a hundred thousand Pings whose Pongs nobody reads do not bring the target down."""
    # One connection of a case reads a hundred thousand frames at most, and the last Pong is to be among them.
    await _expect_ping_flood_survived(ws, 990)
