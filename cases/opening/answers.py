"""Helpers that several modules of this folder use to read and judge a server's answer."""

from __future__ import annotations

from wsconform import Answer, Extension, HttpConnection, MalformedExtensions, Opening, Provocation, Request, offered

EXTENSIONS, SUBPROTOCOL = "Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"


def field_text(*values: bytes | None) -> str:
    """Return field values as text for a finding, joined by "and"; "none" if there are no values."""
    lines = [value.decode("latin-1") or "(empty)" for value in values if value is not None]
    return " and ".join(lines) or "none"


def accepted_extensions(opening: Opening, answer: Answer) -> tuple[Extension, ...]:
    """Return the extensions that a 101 accepts, () for another status. A malformed field fails the case."""
    if answer.head is None or not answer.accepted:
        return ()
    try:
        return offered(answer.head.fields)
    except MalformedExtensions as problem:
        opening.expect(False, f"a well-formed {EXTENSIONS}", str(problem), answer.entry)
        return ()


def chosen_subprotocols(answer: Answer) -> tuple[bytes, ...]:
    """Return the values of Sec-WebSocket-Protocol in a 101, one for each line; () for another status."""
    return answer.head.fields.get_all(SUBPROTOCOL) if answer.head and answer.accepted else ()


def accept_unless_not_found(opening: Opening, answer: Answer, wire: HttpConnection, asked: Request) -> None:
    """Expect a correct 101 to `asked`, whose query is not the target's own. A 404 shows that the query was read."""
    if answer.status == 404:
        opening.choose("404: the target tells resources apart by their query")
    else:
        opening.accept(answer, wire, asked)


def expect_reaction(opening: Opening, answer: Answer) -> None:
    """Expect a response or the end of the connection. Silence fails the case."""
    silent = answer.head is None and answer.ending is None
    opening.expect(not silent, "an answer to the handshake", "no reaction", answer.entry)


def note_refusal(opening: Opening, answer: Answer, wire: HttpConnection) -> None:
    """Record a refusal, and that our handshake provoked it; do nothing if `answer` is a 101."""
    if not answer.accepted:
        wire.conversation.provoked = Provocation.HANDSHAKE
        opening.note("refused with", answer)
