"""Offers of permessage-deflate that we make to a server, and its answers (RFC 7692 sections 5 and 7.1)."""

from __future__ import annotations

from functools import cache

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
    deflate_problem,
    parse_extensions,
)

from ..opening.answers import EXTENSIONS, accepted_extensions, field_text

#: The values that server_max_window_bits and client_max_window_bits may have.
WINDOW_BITS = range(8, 16)


def request_offering(opening: Opening, *lines: str) -> Request:
    """Return a correct request with one Sec-WebSocket-Extensions field line for each of `lines`."""
    return opening.fresh_request().replacing(EXTENSIONS, *lines)


def accepted_deflate(answer: Answer) -> Extension | None:
    """Return the permessage-deflate that a 101 accepts; None if it accepts none or the status is another.

    Raise Unreached if the list of extensions is malformed: another case judges that.
    """
    values = answer.head.fields.get_all(EXTENSIONS) if answer.head and answer.accepted else ()
    if not any(value.strip(b", \t") for value in values):
        return None
    try:
        extensions = parse_extensions(b", ".join(values))
        return next((extension for extension in extensions if extension.name == DEFLATE), None)
    except MalformedExtensions as problem:
        raise Unreached(Reason.NOT_OFFERED, f"{EXTENSIONS} is malformed: {problem}", answer.entry) from None


def described(accepted: Extension | None) -> str:
    """Return the text of `accepted` for a finding or a note; "none" if there is no extension."""
    return "none" if accepted is None else str(accepted)


async def answer_to(opening: Opening, offer: str) -> tuple[Answer, Extension | None]:
    """Make a legal `offer`; return the answer, and the permessage-deflate that it accepts.

    Raise Unreached if the target refuses the handshake (4xx): another case judges that.
    """
    answer, _ = await opening.exchange(request_offering(opening, offer))
    if 400 <= answer.status < 500:
        raise Unreached(Reason.NOT_OFFERED, f"the target answers {offer} with {answer}", answer.entry)
    opening.expect(answer.accepted, "101, with the offer accepted or declined", str(answer), answer.entry)
    return answer, accepted_deflate(answer)


async def require_supported(opening: Opening, offer: str) -> None:
    """Raise Unreached unless the target accepts `offer` when it is the only one."""
    _, accepted = await answer_to(opening, offer)
    if accepted is None:
        raise Unreached(Reason.NOT_OFFERED, f"the target declines {offer}")


async def expect_accepted_or_declined(opening: Opening, offer: str) -> None:
    """Expect 101 for a legal `offer`, accepted or not; a refusal of the handshake (4xx) is a departure."""
    answer, _ = await opening.exchange(request_offering(opening, offer))
    reacted = answer.accepted or 400 <= answer.status < 500
    opening.expect(reacted, "101, with the offer accepted or declined", str(answer), answer.entry)
    opening.depart_if(not answer.accepted, f"refuses the handshake ({answer}) instead of declining the offer")
    opening.note("accepted", described(accepted_deflate(answer)))


def expect_legal_parameters(opening: Opening, answer: Answer) -> None:
    """Expect that every permessage-deflate in `answer` has only parameters and values that RFC 7692 defines."""
    accepted = [extension for extension in accepted_extensions(opening, answer) if extension.name == DEFLATE]
    problems = ", ".join(filter(None, (deflate_problem(extension, answer=True) for extension in accepted)))
    opening.expect(not problems, f"a legal {DEFLATE}, or none", problems, answer.entry)
    opening.note("accepted", ", ".join(map(str, accepted)) or "none")


async def open_offering(opening: Opening, offer: str) -> Connection:
    """Make `offer`; return the connection, on which compression is agreed. Raise Unreached if the target declines."""
    answer, wire = await opening.exchange(request_offering(opening, offer))
    if not answer.accepted or accepted_deflate(answer) is None:
        raise Unreached(Reason.NOT_OFFERED, f"the target answers {offer} with {with_extensions(answer)}", answer.entry)
    opening.note("accepted", described(accepted_deflate(answer)))
    return wire.upgrade(answer)


def with_extensions(answer: Answer) -> str:
    """Return the status of `answer` and its Sec-WebSocket-Extensions, for a finding."""
    return f"{answer}, {EXTENSIONS}: {field_text(answer.field(EXTENSIONS))}"


@cache
def compressible_text(size: int) -> bytes:
    """Return `size` octets of text that compresses well, with repetitions at short and long distances."""
    text = bytearray()
    number = 0
    while len(text) < size:
        number += 1
        text += f"{number} of the {number * number % 997} green bottles on the wall have fallen; ".encode()
    return bytes(text[:size])


async def echo_compressed(ws: Connection, *payloads: bytes) -> None:
    """Send each of `payloads` as a compressed Text message, and expect its echo before the next is sent."""
    for payload in payloads:
        await ws.send_compressed(Frame.text(payload))
        await ws.expect_echo(Frame.text(payload))


async def echo_plain_and_compressed(ws: Connection, *payloads: bytes) -> None:
    """Send each of `payloads` as a plain Text message, then as a compressed one; expect each echo in turn."""
    for payload in payloads:
        await ws.echo(Frame.text(payload))
        await echo_compressed(ws, payload)
