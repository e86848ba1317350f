"""Sec-WebSocket-Key and what is computed from it (RFC 6455 sections 4.2.1 item 5, 4.2.2 item 5.4)."""

from __future__ import annotations

import base64

from wsconform import Answer, HttpConnection, Opening, Provocation, Request, case, each

from .answers import expect_reaction, said

#: The key of section 1.3, and the accept that goes with it.
EXAMPLE = "dGhlIHNhbXBsZSBub25jZQ=="
EXAMPLE_ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

#: The key of section 4.1 before erratum 3150: its last character has pad bits that are not zero.
PADDED_ODDLY = "AQIDBAUGBwgJCgsMDQ4PEC=="

_DECODE = "decode the key strictly as base64 and refuse it unless that gives 16 octets"
_HASH = "append the GUID to the key's characters, hash that with SHA-1, and encode the digest in base64"

NO_BASE64 = {
    "exclamation_mark": "dGhlIHNhbXBs!SBub25jZQ==",
    "hyphen": "dGhlIHNhbXBs-SBub25jZQ==",
    "base64url": "-_-_-_-_-_-_-_-_-_-_-w==",
    "no_pad": "dGhlIHNhbXBsZSBub25jZQ",
    "half_a_pad": "dGhlIHNhbXBsZSBub25jZQ=",
    "pad_too_long": "dGhlIHNhbXBsZSBub25jZQ===",
    "pad_inside": "dGhlIHNhbXBs==Bub25jZQ==",
    "space_inside": "dGhlIHNhbXBs ZSBub25jZQ==",
    "tab_inside": "dGhlIHNhbXBs\tZSBub25jZQ==",
    "quoted": f'"{EXAMPLE}"',
    "hexadecimal": "000102030405060708090a0b0c0d0e0f",
    "obs_text": "dGhlIHNhbXBs\xe9SBub25jZQ==",
}

NONCES = {
    "zeros": bytes(16),
    "ones": b"\xff" * 16,
    "plus_signs": base64.b64decode("+" * 21 + "w=="),
    "counted": bytes(range(16)),
    "printable": b"the other nonce!",
    "line_ends": b"\r\n" * 8,
}


@case("6455-4.2.1-16", "6455-4.2.1-1", hint="refuse a handshake without Sec-WebSocket-Key")
async def request_without_a_key_is_refused(opening: Opening) -> None:
    """A request without Sec-WebSocket-Key is not the handshake of this protocol.

    A target that hashes nothing, or the empty string, into its accept answers 101.
    """
    await opening.expect_refused(opening.request.without("Sec-WebSocket-Key"))


@case("6455-4.2.1-17", "6455-4.2.1-1", hint=_DECODE, reading="a-key-that-is-none")
@each(octets=(0, 1, 8, 12, 14, 15, 17, 18, 20, 24, 32, 64))
async def key_of_another_length_is_refused(opening: Opening, octets: int) -> None:
    """A key is sixteen octets in base64; any other number is not the handshake that section 4.2.1 describes.

    15, 17 and 18 octets make about as many characters as 16 do, so that counting characters is not enough.
    A server need not decode the key, so one that hashes what stands there departs; an empty key is none at all.
    """
    key = base64.b64encode(bytes(range(octets)))
    await _expect_refused_or_hashed(opening, opening.request.replacing("Sec-WebSocket-Key", key))


@case("6455-4.2.1-18", "6455-4.2.1-1", hint=_DECODE, reading="a-key-that-is-none")
@each(key=NO_BASE64)
async def key_that_is_not_base64_is_refused(opening: Opening, key: str) -> None:
    """A key must be base64 with its pad: no other alphabet, nothing inside, no pad more or less.

    Decoders that skip what they do not know take most of these for sixteen octets. A server need not decode the
    key, so one that hashes the characters as they stand departs; an accept of anything else fails.
    """
    await _expect_refused_or_hashed(opening, opening.request.replacing("Sec-WebSocket-Key", key))


@case("6455-4.2.1-19", hint="hash the key as it was sent, not what a decoder made of it")
async def key_with_odd_pad_bits_is_refused_or_hashed_as_sent(opening: Opening) -> None:
    """A key whose unused bits are not zero still gives sixteen octets; its accept is that of the characters sent.

    A target that decodes the key and encodes it again hashes another string, and gives itself away.
    """
    asked = opening.request.replacing("Sec-WebSocket-Key", PADDED_ODDLY)
    answer, wire = await opening.expect_accepted_or_refused(asked)
    _expect_accept_if_accepted(opening, answer, wire, asked)


@case("6455-11.3.1-2", "6455-4.2.1-1", hint="count the Sec-WebSocket-Key lines before you take the first, or join them")
@each(second={"different": "AQIDBAUGBwgJCgsMDQ4PEA==", "equal": EXAMPLE})
async def repeated_key_is_refused(opening: Opening, second: str) -> None:
    """Two Sec-WebSocket-Key lines are no valid handshake, whichever of them the accept would answer.

    A target that takes the first, or the last, answers 101. Two lines that say the same leave nothing in doubt, so
    that to answer their one key departs.
    """
    request = opening.request.replacing("Sec-WebSocket-Key", EXAMPLE, second)
    if second != EXAMPLE:
        await opening.expect_refused(request)
        return
    answer, wire = await opening.expect_accepted_or_refused(request)
    _expect_accept_if_accepted(opening, answer, wire, opening.request.replacing("Sec-WebSocket-Key", EXAMPLE))
    opening.depart_if(answer.accepted, "two lines with the same key are accepted")


@case("6455-4.2.2-9", "6455-4.2.2-27", hint=_HASH)
async def accept_of_the_rfc_example_key_is_correct(opening: Opening) -> None:
    """The key of the RFC's example is answered with the accept of the RFC's example.

    It is computed from the key's characters; a hash of the decoded octets, in hexadecimal or with another GUID differs.
    """
    answer, _ = await opening.exchange(opening.request.replacing("Sec-WebSocket-Key", EXAMPLE))
    opening.expect(answer.accepted, "101", str(answer), answer.entry)
    got = answer.field("Sec-WebSocket-Accept")
    opening.expect(got == EXAMPLE_ACCEPT, EXAMPLE_ACCEPT.decode(), said(got), answer.entry)


@case("6455-4.2.2-27", "6455-4.2.2-9", hint=_HASH)
@each(nonce=NONCES)
async def accept_answers_the_key(opening: Opening, nonce: bytes) -> None:
    """The accept is computed from whatever key was sent.

    These nonces are those that a target would trip over that treats the decoded octets as text.
    """
    key = base64.b64encode(nonce)
    await opening.expect_accepted(opening.request.replacing("Sec-WebSocket-Key", key))


@case("6455-4.2.2-27", hint="compute the accept anew for every connection")
@each(number=range(1, 9))
async def accept_answers_a_random_key(opening: Opening, number: int) -> None:
    """The accept is computed from whatever key was sent, here one of eight random ones.

    A constant, or the accept of an earlier connection, cannot answer them all.
    """
    await opening.expect_accepted()


@case("6455-4.2.2-10", hint="strip spaces and tabs from both ends of the value before you hash it")
@each(
    value={
        "mixed": f"\t {EXAMPLE} \t",
        "leading": f"    {EXAMPLE}",
        "trailing": f"{EXAMPLE}    ",
        "tabs": f"\t{EXAMPLE}\t",
    }
)
async def whitespace_around_the_key_is_not_part_of_it(opening: Opening, value: str) -> None:
    """Blanks around a field's value belong to HTTP, not to the key.

    A target that hashes them too sends an accept that no client takes.
    """
    await opening.expect_accepted(opening.request.replacing("Sec-WebSocket-Key", value))


async def _expect_refused_or_hashed(opening: Opening, asked: Request) -> None:
    """Expect a refusal; a 101 whose accept is that of the characters sent departs, unless there are none."""
    answer, wire = await opening.exchange(asked)
    empty = not asked.fields.get("Sec-WebSocket-Key")
    opening.expect(not (empty and answer.accepted), "the handshake to be refused", str(answer), answer.entry)
    expect_reaction(opening, answer)
    # Beyond ASCII nobody can say which characters these are, so that there is no accept to compare with.
    if (asked.fields.get("Sec-WebSocket-Key") or b"").isascii():
        _expect_accept_if_accepted(opening, answer, wire, asked)
    opening.depart_if(answer.accepted, "the value is hashed as it stands, though it is no key")
    if not answer.accepted:
        wire.conversation.provoked = Provocation.HANDSHAKE
        opening.note("refused with", answer)


def _expect_accept_if_accepted(opening: Opening, answer: Answer, wire: HttpConnection, asked: Request) -> None:
    if answer.accepted:
        opening.accept(answer, wire, asked)
