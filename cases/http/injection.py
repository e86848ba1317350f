"""Octets that can split one field into two: CR, LF, NUL, whitespace before the colon (RFC 9112 2.2, 5.1)."""

from __future__ import annotations

from wsconform import Answer, Fields, Opening, Request, case, each

from .steps import expect_bad_request, expect_reaction

DAMAGE = {"NUL": b"\0", "CR": b"\r", "LF": b"\n"}


@case("9110-5.5-2", hint="refuse a field value with CR, LF or NUL, or replace the octet with a space")
@each(octet=DAMAGE, name=("Sec-WebSocket-Protocol", "Origin", "X-Test"))
async def control_octet_in_a_value_is_not_reflected(opening: Opening, octet: bytes, name: str) -> None:
    """A value with CR, LF or NUL is refused or cleaned; the raw value never appears in the response."""
    word = (opening.session.address.subprotocol or "chat").encode()
    damaged = word + octet + b"x" if name == "Sec-WebSocket-Protocol" else b"http://a.test" + octet + b"x"
    answer, _ = await opening.exchange(opening.request.replacing(name, damaged))
    expect_reaction(opening, answer, f"{name} with a control octet")
    opening.note("answered with", answer)
    opening.expect(
        not _is_reflected(answer, damaged), "a refusal, or no match", "the value is in the response", answer.entry
    )


def _is_reflected(answer: Answer, damaged: bytes) -> bool:
    """Return whether the response's head contains the damaged value, or a subprotocol that the value led to."""
    if answer.head is None:
        return False
    chosen = answer.accepted and bool(answer.field("Sec-WebSocket-Protocol"))
    return damaged in answer.head.octets or (chosen and not damaged.startswith(b"http:"))


@case("9112-2.2-3", hint="refuse a request with a CR that no LF follows")
@each(name=("Sec-WebSocket-Version", "Sec-WebSocket-Key", "Upgrade", "Connection"))
async def bare_cr_does_not_end_a_line(opening: Opening, name: str) -> None:
    """A bare CR in a field makes the request invalid, or is read as a space; in both cases the field's value is wrong.

    A target that ends the line at the CR sees a correct field and another one after it, and answers 101.
    """
    value = opening.request.fields.get(name) or b""
    await opening.expect_refused(opening.request.replacing(name, value + b"\rX: y"))


@case("9112-5.1-1", hint="refuse a field name with whitespace before its colon; do not strip it")
@each(
    name=("Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "X-Test"),
    blank={"space": b" ", "tab": b"\t"},
)
async def whitespace_before_the_colon_is_a_bad_request(opening: Opening, name: str, blank: bytes) -> None:
    """Whitespace between field name and colon gets a 400.

    Recipients have disagreed on how to read such a line, and have been attacked that way.
    """
    request = opening.request if name in opening.request.fields else opening.request.with_field(name, "v")
    lines = ((key + blank * (key == name.encode()), value) for key, value in request.fields.lines)
    await expect_bad_request(opening, Request(target=request.target, fields=Fields(tuple(lines))))
