"""What several of these modules ask with, and read out of an answer (RFC 7692 sections 5 and 7.1)."""

from __future__ import annotations

from wsconform import (
    DEFLATE,
    Answer,
    Connection,
    Extension,
    Frame,
    MalformedExtensions,
    Opening,
    Reason,
    Request,
    Unreached,
    parse_extensions,
)

from ..opening.answers import EXTENSIONS, field_text

WINDOWS = range(8, 16)


def offering(opening: Opening, *lines: str) -> Request:
    """Return a correct request that offers `lines`, a field line each."""
    return opening.fresh_request().replacing(EXTENSIONS, *lines)


def agreed(answer: Answer) -> Extension | None:
    """Return the permessage-deflate that a 101 accepts; None where it accepts none.

    A list that cannot be read is another case's to judge, and Unreached.
    """
    values = answer.head.fields.get_all(EXTENSIONS) if answer.head and answer.accepted else ()
    if not any(value.strip(b", \t") for value in values):
        return None
    try:
        return next((each for each in parse_extensions(b", ".join(values)) if each.name == DEFLATE), None)
    except MalformedExtensions as problem:
        raise Unreached(Reason.NOT_OFFERED, f"{EXTENSIONS} cannot be read: {problem}", answer.entry) from None


def told(accepted: Extension | None) -> str:
    """Return `accepted` for a finding or a note."""
    return "none" if accepted is None else str(accepted)


async def answer_to(opening: Opening, offer: str) -> tuple[Answer, Extension | None]:
    """Make a legal `offer`; return the answer and what it accepts of permessage-deflate.

    A refusal of the handshake (4xx), which is for another case to judge, is Unreached.
    """
    answer, _ = await opening.exchange(offering(opening, offer))
    if 400 <= answer.status < 500:
        raise Unreached(Reason.NOT_OFFERED, f"the target answers {offer} with {answer}", answer.entry)
    opening.expect(answer.accepted, "101, with the offer accepted or declined", str(answer), answer.entry)
    return answer, agreed(answer)


async def require_supported(opening: Opening, offer: str) -> None:
    """Go on where the target accepts `offer` when there is no other; else Unreached."""
    _, accepted = await answer_to(opening, offer)
    if accepted is None:
        raise Unreached(Reason.NOT_OFFERED, f"the target declines {offer}")


async def expect_accepted_or_declined(opening: Opening, offer: str) -> None:
    """Expect 101 for a legal `offer`, whatever is accepted of it; to refuse the handshake (4xx) is not favoured."""
    answer, _ = await opening.exchange(offering(opening, offer))
    reacted = answer.accepted or 400 <= answer.status < 500
    opening.expect(reacted, "101, with the offer accepted or declined", str(answer), answer.entry)
    opening.depart_if(not answer.accepted, f"refuses the handshake ({answer}) instead of declining the offer")
    opening.note("accepted", told(agreed(answer)))


async def open_with(opening: Opening, offer: str) -> Connection:
    """Open a connection with compression as `offer` asks for it; Unreached where the target does not take it up."""
    answer, wire = await opening.exchange(offering(opening, offer))
    if not answer.accepted or agreed(answer) is None:
        raise Unreached(Reason.NOT_OFFERED, f"the target answers {offer} with {declined(answer)}", answer.entry)
    opening.note("accepted", told(agreed(answer)))
    return wire.upgrade(answer)


def declined(answer: Answer) -> str:
    """Return what an answer says of extensions, for a finding about an offer that should be declined."""
    return f"{answer}, {EXTENSIONS}: {field_text(answer.field(EXTENSIONS))}"


def words(size: int) -> bytes:
    """Return `size` octets of text that compresses well, and refers back near and far while it does."""
    text = bytearray()
    number = 0
    while len(text) < size:
        number += 1
        text += f"{number} of the {number * number % 997} green bottles on the wall have fallen; ".encode()
    return bytes(text[:size])


async def echo_compressed(ws: Connection, *payloads: bytes) -> None:
    """Send each of `payloads` as a compressed Text, one after the other, and expect its echo."""
    for payload in payloads:
        await ws.send_compressed(Frame.text(payload))
        await ws.expect_echo(Frame.text(payload))
