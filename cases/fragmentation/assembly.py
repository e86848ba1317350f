"""Valid fragments: a message is the concatenation of its fragments (RFC 6455 sections 5.4, 6.2)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from wsconform import BINARY, BROWSER_OFFER, PONG, RSV1, TEXT, Connection, Frame, Need, Profile, case, each

DATA = {"text": TEXT, "binary": BINARY}

_TEXT = "Grüße, 世界 🌍"
_OCTETS = _TEXT.encode()

#: "Hello" as section 7.2.3.1 of RFC 7692 compresses it.
_COMPRESSED = bytes.fromhex("f248cdc9c90700")

_EMPTY = {
    "three_empty": (b"", b"", b""),
    "first_empty": (b"", b"Hello"),
    "last_empty": (b"Hello", b""),
    "first_and_last_empty": (b"", b"middle frame payload", b""),
    "middle_empty": (b"Hel", b"", b"lo"),
    "all_but_one_empty": (b"",) * 20 + (b"Hello",) + (b"",) * 20,
}
EMPTY_FRAGMENTS = {
    f"{kind}_{name}": (opcode, payloads) for kind, opcode in DATA.items() for name, payloads in _EMPTY.items()
} | {"binary_octet_ff_between": (BINARY, (b"", b"\xff", b""))}


def _fragments(opcode: int, *payloads: bytes) -> list[Frame]:
    """Return the frames of one message with a fragment for each of `payloads`."""
    last = len(payloads) - 1
    return [Frame(0 if number else opcode, payload, fin=number == last) for number, payload in enumerate(payloads)]


def _pieces(octets: bytes, count: int) -> list[bytes]:
    """Return `octets` in `count` pieces whose lengths differ by at most one octet."""
    cuts = [len(octets) * number // count for number in range(count + 1)]
    return [octets[start:end] for start, end in itertools.pairwise(cuts)]


async def _expect_echo_and_pong(ws: Connection, message: Frame, data: bytes) -> None:
    """Expect the echo and the Pong in either order: neither has to wait for the other."""
    await ws.expect_echo(message)
    if not any(frame.opcode == PONG and frame.payload == data for _, frame in ws.conversation.frames):
        await ws.expect_pong(data)


async def _stay_quiet(ws: Connection, seconds: float) -> None:
    """Send nothing for `seconds` except Pongs to the target's Pings; return early if the target ends the connection."""
    deadline = ws.session.deadline(seconds)
    while await ws.next(deadline) is not None:
        pass


@case("6455-5.4-1", needs=Need.ECHO)
@each(opcode=DATA)
async def message_in_one_frame_is_delivered(ws: Connection, opcode: int) -> None:
    """An unfragmented message is one frame with FIN set and the opcode of its type.

    Two are sent in a row. A target that waits for a continuation echoes neither.
    """
    await ws.echo(Frame(opcode, b"Hello"), Frame(opcode, b"again"))


@case("6455-5.4-3", "6455-6.2-4", needs=Need.ECHO)
@each(opcode=DATA, count=(2, 3, 10))
async def fragments_are_reassembled(ws: Connection, opcode: int, count: int) -> None:
    """A fragmented message is delivered once, as the concatenation of its fragments.

    All octets of the message differ, so a fragment that is lost, repeated or moved changes the echo.
    """
    message = Frame(opcode, bytes(range(0x20, 0x7F)))
    await ws.send(*_fragments(opcode, *_pieces(message.payload, count)))
    await ws.expect_echo(message)


@case("6455-5.4-3", "6455-6.2-4", needs=Need.ECHO, allow=10)
@each(opcode=DATA)
async def thousand_fragments_are_reassembled(ws: Connection, opcode: int) -> None:
    """A thousand fragments of one octet are one message of a thousand octets.

    If the target closes with 1009, the case is inconclusive.
    """
    message = Frame(opcode, bytes(0x20 + number % 90 for number in range(1000)))
    await ws.send(*_fragments(opcode, *_pieces(message.payload, 1000)))
    await ws.expect_echo(message)


@case("6455-5.4-3", "6455-6.2-4", needs=Need.ECHO)
async def long_message_in_fragments_is_reassembled(ws: Connection) -> None:
    """A text of 65536 octets in fragments of 1300, which fit into a packet each, is one message of 65536 octets.

    The last fragment is shorter than the others.
    """
    message = Frame.text(b"*" * 65536)
    await ws.send(*_fragments(TEXT, *(message.payload[at : at + 1300] for at in range(0, 65536, 1300))))
    await ws.expect_echo(message)


@case("6455-5.4-8", needs=Need.ECHO, allow=10)
async def fragments_keep_their_order(ws: Connection) -> None:
    """Five hundred numbered fragments are delivered in the order in which they were sent.

    Each fragment contains its number, and the echo is compared octet by octet.
    """
    payloads = [b"%d," % number for number in range(500)]
    await ws.send(*_fragments(TEXT, *payloads))
    await ws.expect_echo(Frame.text(b"".join(payloads)))


@case("6455-5.4-13", "6455-5.4-12", needs=Need.ECHO, hint="accept empty fragments, also as the first and as the last")
@each(message=EMPTY_FRAGMENTS)
async def fragment_may_be_empty(ws: Connection, message: tuple[int, Sequence[bytes]]) -> None:
    """A fragment may be empty; if all fragments are empty, so is the message.

    A target that mistakes an empty first fragment for "no message in progress" loses the message
    or refuses its continuation.
    """
    opcode, payloads = message
    await ws.send(*_fragments(opcode, *payloads), Frame.text("behind"))
    await ws.expect_echo(Frame(opcode, b"".join(payloads)), Frame.text("behind"))


@case("6455-5.4-13", "6455-5.4-3", needs=Need.ECHO)
@each(opcode=DATA)
async def both_fragmented_and_whole_messages_are_received(ws: Connection, opcode: int) -> None:
    """The same message is received in one frame and in two fragments, on one connection.

    It is sent in one frame, in two fragments, and in one frame again. The three echoes are equal.
    """
    message = Frame(opcode, b"Hello")
    await ws.send(message, *_fragments(opcode, b"Hel", b"lo"), message)
    await ws.expect_echo(message, message, message)


@case("6455-5.4-18", "6455-5.6-2", needs=Need.ECHO)
@each(after=range(len(_OCTETS) + 1))
async def boundary_between_fragments_has_no_meaning(ws: Connection, after: int) -> None:
    """A text is the same if it is split into two fragments after any of its octets, even inside a character.

    It is sent in one frame first, then in two fragments. An intermediary may split it like this.
    """
    await ws.send(Frame.text(_TEXT), *_fragments(TEXT, _OCTETS[:after], _OCTETS[after:]))
    await ws.expect_echo(Frame.text(_TEXT), Frame.text(_TEXT))


@case("6455-5.4-20", needs=Need.ECHO)
@each(
    payloads={"halves": (b"\xc3\x28\xff", b"\xfe\x80"), "text_last": (b"\xff", b"text"), "text_first": (b"t", b"\xf8")}
)
async def fragments_of_a_binary_message_are_binary(ws: Connection, payloads: Sequence[bytes]) -> None:
    """All fragments have the type of the first, so a continuation of a binary message is not text.

    The octets are not UTF-8, so a target that treats continuation frames as text refuses or changes them.
    """
    await ws.send(*_fragments(BINARY, *payloads))
    await ws.expect_echo(Frame.binary(b"".join(payloads)))


@case("6455-6.2-5", needs=Need.ECHO)
async def frames_after_a_final_fragment_are_a_new_message(ws: Connection) -> None:
    """The frame behind a final fragment starts a new message, fragmented or not.

    Five frames hold three messages. A target that ignores FIN joins one message to the next.
    """
    await ws.send(*_fragments(TEXT, b"a", b"b"), Frame.text("c"), *_fragments(TEXT, b"d", b"e"))
    await ws.expect_echo(Frame.text("ab"), Frame.text("c"), Frame.text("de"))


@case("6455-5.4-3", "6455-6.2-1", needs=Need.ECHO)
@each(pieces={"one_segment": None, "frame_by_frame": (15,), "octet_by_octet": (1,)})
async def fragments_may_come_in_any_segments(ws: Connection, pieces: Sequence[int] | None) -> None:
    """Fragments are reassembled whether they share one segment or are themselves split into segments."""
    await ws.send(*_fragments(TEXT, b"fragment1", b"fragment2"), pieces=pieces)
    await ws.expect_echo(Frame.text("fragment1fragment2"))


@case("6455-5.4-21", needs=Need.ECHO)
async def message_may_pause_between_fragments(ws: Connection) -> None:
    """The RFC sets no limit on the time between two fragments.

    A Pong between the fragments proves that the target has read everything so far and is waiting.
    """
    parts = _fragments(TEXT, b"fragment1", b"fragment2", b"fragment3", b"fragment4", b"fragment5")
    await ws.send(*parts[:2], Frame.ping(b"pongme 1!"))
    await ws.expect_pong(b"pongme 1!")
    await ws.send(*parts[2:4], Frame.ping(b"pongme 2!"), parts[4])
    await _expect_echo_and_pong(ws, Frame.text("fragment1fragment2fragment3fragment4fragment5"), b"pongme 2!")


@case("6455-5.4-21", needs=Need.ECHO, profile=Profile.FULL, allow=15)
async def message_may_pause_for_ten_seconds(ws: Connection) -> None:
    """A pause of ten seconds between two fragments is not an error.

    We answer the target's Pings meanwhile. If a target is configured to give up sooner, its documentation
    should mention the limit.
    """
    await ws.send(Frame.text("Hel", fin=False))
    await _stay_quiet(ws, 10)
    await ws.send(Frame.continuation("lo"))
    await ws.expect_echo(Frame.text("Hello"))


@case("7692-6.2-3", offer=BROWSER_OFFER, needs=Need.ECHO)
async def control_frame_does_not_disturb_a_compressed_message(ws: Connection) -> None:
    """A Ping between the fragments of a compressed message is answered, and its data are not inflated.

    The fragments are cut inside a DEFLATE symbol. A target that feeds every payload to its decompressor
    delivers another message.
    """
    await ws.send(
        Frame.text(_COMPRESSED[:3], fin=False, rsv=RSV1), Frame.ping(b"a"), Frame.continuation(_COMPRESSED[3:])
    )
    await _expect_echo_and_pong(ws, Frame.text("Hello"), b"a")
