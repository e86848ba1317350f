"""The body of a Close frame: empty, of one octet, octet order, reasons (RFC 6455 section 5.5.1)."""

from __future__ import annotations

from wsconform import CLOSE, FORBIDDEN_CODES, Connection, Frame, case, each

from .replies import ACCUSING, CONTENT, expect_fair_reply

REASONS = {
    "1_octet": "x",
    "bye": "bye",
    "hello_world": "Hello World!",
    "122_octets": "a" * 122,
    "123_octets": "*" * 123,
    "two_octet_characters": "ÄÖÜß" * 15,
    "three_octet_characters": "€" * 41,
    "four_octet_characters": "\U0001f44b" * 30,
    "zero": "\0",
    "byte_order_mark": "\ufeffbye",
    "noncharacter": "\uffff\ufdd0",
    "last_character": "\U0010ffff",
}

NOT_UTF8 = {
    "bad_continuation": b"\xc3\x28",
    "surrogate": "κ\u1f79σμε".encode() + b"\xed\xa0\x80edited",
    "lone_continuation": b"\x80",
    "overlong": b"\xc0\xaf",
    "above_10ffff": b"\xf4\x90\x80\x80",
    "cut_short": b"bye\xe2\x82",
    "octet_ff": b"\xff",
    "latin_1": "Grüße".encode("latin-1"),
    "bad_at_the_end_of_123": b"a" * 121 + b"\xc3\x28",
}

#: Codes, and the codes that their two octets mean in the other order: some are valid (3852 and 3087), some are not.
SWAPPED = {"1000": (1000, 59395), "3852": (3852, 3087), "4111": (4111, 3856), "1001": (1001, 59651)}


@case(
    "6455-5.5.1-12",
    "6455-5.5.1-11",
    "6455-5.5.1-1",
    hint="a Close without a body is complete; reply with an empty one, or with 1000",
)
async def empty_close_is_answered(ws: Connection) -> None:
    """A Close frame without a body is valid and is answered.

    A target that treats the missing code as an error replies with 1002. A target that sends the "no status" code
    of its API replies with 1005.
    """
    await ws.send(Frame.close())
    closure = await ws.expect_close_reply()
    wrong = closure.status_code in ACCUSING or closure.status_code in FORBIDDEN_CODES
    ws.expect(not wrong, "an empty Close, or 1000", f"Close {closure.close}", closure.entry)


@case("6455-5.5.1-3", hint="answer a Close body of one octet with Close 1002", reading="close-body-of-one-octet")
@each(octet=(b"\x00", b"\x03", b"a", b"\xff"))
async def close_body_of_one_octet_is_malformed(ws: Connection, octet: bytes) -> None:
    """A Close body of one octet, half a status code, is an error and is not copied into the reply.

    The connection ends in any case, so the reply decides. A target that replies with 1002 noticed the error.
    A target that replies with 1000 did not check, and a target that replies with one octet copied the body unread.
    """
    await ws.send(Frame(CLOSE, octet))
    closure = await ws.expect_ended()
    malformed = closure.close is not None and closure.close.is_malformed
    ws.expect(not malformed, "a reply without a Close body of one octet", f"Close {closure.close}", closure.entry)
    ws.depart_if(closure.status_code in CONTENT, f"Close {closure.close} in reply to half a status code")


@case("6455-5.5.1-4", hint="read the status code most significant octet first")
@each(codes=SWAPPED)
async def status_code_is_read_as_big_endian(ws: Connection, codes: tuple[int, int]) -> None:
    """The first two octets of a Close body are read as the status code, most significant octet first.

    A target that reads them in the other order returns the swapped code, or finds an invalid code
    and replies with 1002.
    """
    code, swapped = codes
    await ws.send(Frame.close(code))
    closure = await ws.expect_close_reply()
    misread = closure.status_code == swapped or closure.status_code in ACCUSING
    ws.expect(not misread, f"{code}, or another code that the target chooses", f"Close {closure.close}", closure.entry)


@case("6455-5.5.1-12", "6455-5.5.1-5", hint="allow up to 123 octets of UTF-8 behind the status code")
@each(reason=REASONS)
async def reason_is_accepted(ws: Connection, reason: str) -> None:
    """A reason of up to 123 octets of UTF-8 after the status code is accepted.

    Each reason is valid. A wrong UTF-8 check, or a limit that is off by one, refuses some of them with 1007 or 1002.
    """
    await ws.send(Frame.close(1000, reason))
    expect_fair_reply(ws, await ws.expect_close_reply(), 1000)


@case("6455-5.5.1-12", "6455-5.5.1-5", hint="accept a reason after any status code")
@each(code=(1001, 1011, 3000, 4999))
async def reason_is_accepted_with_any_code(ws: Connection, code: int) -> None:
    """A reason is accepted after every status code that may be sent.

    A target that accepts reasons only after some codes replies with 1002.
    """
    await ws.send(Frame.close(code, "going away"))
    expect_fair_reply(ws, await ws.expect_close_reply(), code)


@case("6455-5.5.1-7", hint="check the reason as UTF-8 and answer 1007 if it is not", reading="close-reason-not-utf8")
@each(reason=NOT_UTF8)
async def reason_that_is_not_utf8_is_an_error(ws: Connection, reason: bytes) -> None:
    """A reason that is not UTF-8 is an error, and is not sent back.

    The connection ends in any case, so the reply decides. A target that replies with 1007 or 1002 noticed the error.
    A target that replies with 1000 did not check, and a target that replies with the same octets copied them unread.
    """
    await ws.send(Frame.close(1000, reason))
    closure = await ws.expect_ended()
    copied = closure.close is not None and reason in closure.close.reason
    ws.expect(not copied, "the reason not to be sent back", f"Close {closure.close}", closure.entry)
    ws.depart_if(closure.status_code in CONTENT, f"Close {closure.close} in reply to a reason that is not UTF-8")
