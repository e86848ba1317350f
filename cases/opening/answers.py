"""What several of these modules read out of an answer."""

from __future__ import annotations

from wsconform import Answer, Extension, HttpConnection, MalformedExtensions, Opening, Request, offered

EXTENSIONS, SUBPROTOCOL = "Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"


def said(*values: bytes | None) -> str:
    """Return field values for a finding, one for each line; "none" where there is none."""
    lines = [value.decode("latin-1") or "(empty)" for value in values if value is not None]
    return " and ".join(lines) or "none"


def taken(opening: Opening, answer: Answer) -> tuple[Extension, ...]:
    """Return the extensions that a 101 accepts, () for another status; fails the case where they cannot be read."""
    if answer.head is None or not answer.accepted:
        return ()
    try:
        return offered(answer.head.fields)
    except MalformedExtensions as problem:
        opening.expect(False, f"a well-formed {EXTENSIONS}", str(problem), answer.entry)
        return ()


def chosen(answer: Answer) -> tuple[bytes, ...]:
    """Return the values of Sec-WebSocket-Protocol in a 101, one for each line."""
    return answer.head.fields.get_all(SUBPROTOCOL) if answer.head and answer.accepted else ()


def accept_unless_elsewhere(opening: Opening, answer: Answer, wire: HttpConnection, asked: Request) -> None:
    """Expect a good 101 to `asked`, whose query is not the target's own; a 404 is a choice, for it was read."""
    if answer.status == 404:
        opening.choose("404: the target tells resources apart by their query")
    else:
        opening.accept(answer, wire, asked)


def expect_reaction(opening: Opening, answer: Answer) -> None:
    """Expect a response, or the end of the connection: not silence."""
    silent = answer.head is None and answer.ending is None
    opening.expect(not silent, "an answer to the handshake", "no reaction", answer.entry)
