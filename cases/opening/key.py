"""Sec-WebSocket-Key and the Sec-WebSocket-Accept computed from it (RFC 6455 sections 4.2.1 item 5, 4.2.2 item 5.4)."""

from __future__ import annotations

import base64

from wsconform import Answer, HttpConnection, Opening, Request, case, each

from .answers import expect_reaction, field_text, note_refusal

#: The key of section 1.3, and its accept value.
EXAMPLE = "dGhlIHNhbXBsZSBub25jZQ=="
EXAMPLE_ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

#: The key of section 4.1 before erratum 3150: its last character has pad bits that are not zero.
ODD_PAD_BITS = "AQIDBAUGBwgJCgsMDQ4PEC=="

_DECODE = "decode the key strictly as base64 and refuse it unless the result has 16 octets"
_HASH = "append the GUID to the key's characters, hash that with SHA-1, and encode the digest in base64"

NOT_BASE64 = {
    "exclamation_mark": "dGhlIHNhbXBs!SBub25jZQ==",
    "hyphen": "dGhlIHNhbXBs-SBub25jZQ==",
    "base64url": "-_-_-_-_-_-_-_-_-_-_-w==",
    "no_pad": "dGhlIHNhbXBsZSBub25jZQ",
    "one_pad_of_two": "dGhlIHNhbXBsZSBub25jZQ=",
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
    """A request without Sec-WebSocket-Key is not a WebSocket handshake and is refused.

    A target that hashes nothing, or the empty string, for its accept value answers 101.
    """
    await opening.expect_refused(opening.request.without("Sec-WebSocket-Key"))


@case("6455-4.2.1-17", "6455-4.2.1-1", hint=_DECODE, reading="a-key-that-is-none")
@each(octets=(0, 1, 8, 12, 14, 15, 17, 18, 20, 24, 32, 64))
async def key_of_another_length_is_refused(opening: Opening, octets: int) -> None:
    """A key that does not encode sixteen octets is refused.

    Section 4.2.1 asks for sixteen octets in base64. 15, 17 and 18 octets make about as many characters as 16 do, so
    counting characters is not enough. A server need not decode the key, so a target that hashes the characters as they
    stand departs. An empty key counts as a missing one, so a 101 to it fails.
    """
    key = base64.b64encode(bytes(range(octets)))
    await _expect_refused_or_hashed(opening, opening.request.replacing("Sec-WebSocket-Key", key))


@case("6455-4.2.1-18", "6455-4.2.1-1", hint=_DECODE, reading="a-key-that-is-none")
@each(key=NOT_BASE64)
async def key_that_is_not_base64_is_refused(opening: Opening, key: str) -> None:
    """A key that is not base64 with its padding is refused.

    Another alphabet, characters in between, and too much or too little padding are not base64. Decoders that skip
    unknown characters decode most of these keys to sixteen octets. A server need not decode the key, so a target that
    hashes the characters as they stand departs; any other accept value fails.
    """
    await _expect_refused_or_hashed(opening, opening.request.replacing("Sec-WebSocket-Key", key))


@case("6455-4.2.1-19", hint="hash the key as it was sent, not a decoded and re-encoded copy")
async def key_with_odd_pad_bits_is_refused_or_hashed_as_sent(opening: Opening) -> None:
    """A key whose unused bits are not zero encodes sixteen octets; its accept value is that of the characters sent.

    A target that decodes the key and encodes it again hashes another string.
    """
    asked = opening.request.replacing("Sec-WebSocket-Key", ODD_PAD_BITS)
    answer, wire = await opening.expect_accepted_or_refused(asked)
    _expect_accept_if_accepted(opening, answer, wire, asked)


@case("6455-11.3.1-2", "6455-4.2.1-1", hint="count the Sec-WebSocket-Key lines before you use or join them")
@each(second={"different": "AQIDBAUGBwgJCgsMDQ4PEA==", "equal": EXAMPLE})
async def repeated_key_is_refused(opening: Opening, second: str) -> None:
    """A request with two Sec-WebSocket-Key lines is refused.

    A target that reads only the first, or only the last, answers 101. Two equal lines leave no doubt about the key, so
    a 101 with the accept value of that key departs.
    """
    await _expect_refused_unless_equal(opening, EXAMPLE, second)


@case("6455-4.2.2-9", "6455-4.2.2-27", hint=_HASH)
async def accept_of_the_rfc_example_key_is_correct(opening: Opening) -> None:
    """The key of the RFC's example is answered with the accept value of the RFC's example.

    The value is computed from the key's characters. A hash of the decoded octets, a hash in hexadecimal, or one with
    another GUID differs.
    """
    answer, _ = await opening.exchange(opening.request.replacing("Sec-WebSocket-Key", EXAMPLE))
    opening.expect(answer.accepted, "101", str(answer), answer.entry)
    got = answer.field("Sec-WebSocket-Accept")
    opening.expect(got == EXAMPLE_ACCEPT, EXAMPLE_ACCEPT.decode(), field_text(got), answer.entry)


@case("6455-4.2.2-27", "6455-4.2.2-9", hint=_HASH)
@each(nonce=NONCES)
async def accept_answers_the_key(opening: Opening, nonce: bytes) -> None:
    """The accept value is computed from the key that was sent.

    These nonces break a target that treats the decoded octets as text.
    """
    key = base64.b64encode(nonce)
    await opening.expect_accepted(opening.request.replacing("Sec-WebSocket-Key", key))


@case("6455-4.2.2-27", hint="compute the accept value anew for every connection")
@each(number=range(1, 9))
async def accept_answers_a_random_key(opening: Opening, number: int) -> None:
    """The accept value is computed from the key that was sent, here one of eight random keys.

    A constant, or the accept value of an earlier connection, cannot answer them all.
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
    """Spaces and tabs around the key belong to HTTP, not to the key.

    A target that hashes them sends an accept value that no client takes.
    """
    await opening.expect_accepted(opening.request.replacing("Sec-WebSocket-Key", value))


async def _expect_refused_unless_equal(opening: Opening, first: str, second: str) -> None:
    """Expect a refusal of a request with both keys; if they are equal, a 101 that answers this key departs."""
    request = opening.request.replacing("Sec-WebSocket-Key", first, second)
    if first != second:
        await opening.expect_refused(request)
        return
    answer, wire = await opening.expect_accepted_or_refused(request)
    _expect_accept_if_accepted(opening, answer, wire, opening.request.replacing("Sec-WebSocket-Key", first))
    opening.depart_if(answer.accepted, "two lines with the same key are accepted")


async def _expect_refused_or_hashed(opening: Opening, asked: Request) -> None:
    """Expect a refusal. A 101 with the accept value of the characters sent departs, unless the key is empty."""
    answer, wire = await opening.exchange(asked)
    empty = not asked.fields.get("Sec-WebSocket-Key")
    opening.expect(not (empty and answer.accepted), "the handshake to be refused", str(answer), answer.entry)
    expect_reaction(opening, answer)
    # Octets beyond ASCII have no agreed reading as characters, so their accept value is undefined.
    if (asked.fields.get("Sec-WebSocket-Key") or b"").isascii():
        _expect_accept_if_accepted(opening, answer, wire, asked)
    opening.depart_if(answer.accepted, "the value is not a valid key, and is hashed as it stands")
    note_refusal(opening, answer, wire)


def _expect_accept_if_accepted(opening: Opening, answer: Answer, wire: HttpConnection, asked: Request) -> None:
    if answer.accepted:
        opening.accept(answer, wire, asked)
