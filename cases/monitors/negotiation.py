"""Monitors of the extensions in handshakes, and of frames that use them (RFC 6455 sections 4.2.2, 5.8, 9)."""

from __future__ import annotations

from collections.abc import Iterator

from wsconform import (
    DEFINED_OPCODES,
    DEFLATE,
    Conversation,
    Extension,
    Head,
    MalformedExtensions,
    Role,
    Sample,
    Verdict,
    deflate_answers,
    deflate_problem,
    monitor,
    offered,
)

from .opening import accepted, answered, judged

NAME = "Sec-WebSocket-Extensions"

#: Window sizes, in bits, that RFC 7692 section 7.3 advises against.
_SMALL = ("8", "9")


def _field_text(head: Head) -> str:
    return " and ".join(value.decode("latin-1") or "(empty)" for value in head.fields.get_all(NAME))


def _heads_with_extensions(conversation: Conversation) -> Iterator[tuple[int, Head]]:
    """Return the heads in which the target lists extensions: a server's 101s, or a client's requests."""
    return iter(conversation.heads) if conversation.role is Role.CLIENT else accepted(conversation)


@monitor("6455-4.2.2-23", hint="if you accept no extension, leave the field out")
def extensions_are_never_empty(conversation: Conversation) -> Iterator[Sample]:
    """No 101 has a Sec-WebSocket-Extensions without an element."""
    for entry, head in accepted(conversation):
        values = head.fields.get_all(NAME)
        yield judged(all(value.strip(b", \t") for value in values), f"{NAME} with an empty value", entry)


@monitor("6455-4.3-7", "6455-4.3-6", hint="write name; parameter; parameter=token, with commas only between elements")
def extensions_follow_the_grammar(conversation: Conversation) -> Iterator[Sample]:
    """Every Sec-WebSocket-Extensions is a list of names with parameters, whose values are tokens once unquoted."""
    for entry, head in _heads_with_extensions(conversation):
        values = [value for value in head.fields.get_all(NAME) if value.strip(b", \t")]
        if values:
            parts = [part.strip(b" \t") for value in values for part in value.split(b",")]
            yield judged(all(parts) and _is_well_formed(head), _field_text(head), entry)


def _is_well_formed(head: Head) -> bool:
    try:
        offered(head.fields)
    except MalformedExtensions:
        return False
    return True


@monitor("6455-4.2.2-21", "6455-9-2", hint="accept only extensions that the request offers")
def only_offered_extensions_are_accepted(conversation: Conversation) -> Iterator[Sample]:
    """No 101 lists an extension that its request did not offer; names are compared without regard to case."""
    for entry, response, request in answered(conversation):
        try:
            asked = {extension.name.lower() for extension in offered(request.fields)}
            extra = [each.name for each in offered(response.fields) if each.name.lower() not in asked]
        except MalformedExtensions:
            continue
        yield judged(not extra, f"accepted but not offered: {', '.join(extra)}", entry)


@monitor("6455-9.1-12", hint="name each extension that you accept once")
def deflate_is_accepted_at_most_once(conversation: Conversation) -> Iterator[Sample]:
    """No 101 lists permessage-deflate twice."""
    for entry, head in accepted(conversation):
        if DEFLATE.encode() in b",".join(head.fields.get_all(NAME)) and _is_well_formed(head):
            count = sum(extension.name == DEFLATE for extension in offered(head.fields))
            yield judged(count <= 1, f"{count} times {DEFLATE}", entry)


@monitor("6455-9.1-8", "6455-9-3", hint="use only the four parameters of RFC 7692 section 7.1, and their values")
def deflate_parameters_are_defined(conversation: Conversation) -> Iterator[Sample]:
    """Each permessage-deflate, in an offer or in a 101, has parameters and values that RFC 7692 defines."""
    for entry, head in _heads_with_extensions(conversation):
        if _is_well_formed(head):
            for extension in offered(head.fields):
                if extension.name == DEFLATE:
                    problem = deflate_problem(extension, answer=conversation.role is Role.SERVER)
                    yield judged(problem is None, problem or "", entry)


@monitor("6455-5.8-1", "7692-5-13", hint="set RSV bits and compress only if your 101 named the extension")
def frames_use_only_negotiated_extensions(conversation: Conversation) -> Iterator[Sample]:
    """If the 101 listed no extension, no frame has a reserved bit or a reserved opcode."""
    named = conversation.role is Role.SERVER and any(NAME in head.fields for _, head in accepted(conversation))
    if not conversation.opened or conversation.extensions or named:
        return
    for entry, frame in conversation.frames:
        if frame.rsv or frame.opcode not in DEFINED_OPCODES:
            yield Sample(str(frame), Verdict.FAILED, entry)
            return
    if conversation.frames:
        yield Sample()


def _deflates(head: Head) -> list[Extension]:
    return [each for each in offered(head.fields) if each.name == DEFLATE] if _is_well_formed(head) else []


def _accepted_deflates(conversation: Conversation) -> Iterator[tuple[int, Extension, list[Extension]]]:
    """Return each permessage-deflate of a 101, with its entry and the offers that it may answer, all of them valid.

    If an offer should have been declined, the case that made it judges the answer.
    """
    return iter(conversation.once(_answers_with_deflate))


def _answers_with_deflate(conversation: Conversation) -> list[tuple[int, Extension, list[Extension]]]:
    found = list[tuple[int, Extension, list[Extension]]]()
    for entry, response, request in answered(conversation):
        offers = _deflates(request)
        if offers and all(deflate_problem(offer, answer=False) is None for offer in offers):
            found += [(entry, extension, offers) for extension in _deflates(response)]
    return found


@monitor(
    "7692-7.1.1.1-2",
    "7692-7.1.2.1-2",
    "7692-7.1.2.1-3",
    "7692-7.1.2.2-4",
    hint="choose one offer, grant its parameters, and limit the client only if the offer permits it",
)
def deflate_fits_one_of_the_offers(conversation: Conversation) -> Iterator[Sample]:
    """Each permessage-deflate in a 101 has parameters with which it answers one of the offers."""
    for entry, extension, offers in _accepted_deflates(conversation):
        problems = [deflate_answers(extension, offer) for offer in offers]
        yield judged(None in problems, f"{extension} to {', '.join(map(str, offers))}: {problems[0]}", entry)


@monitor("7692-7.3-1", hint="use a window of 10 bits or more; a smaller one finds hardly any matches")
def windows_have_at_least_10_bits(conversation: Conversation) -> Iterator[Sample]:
    """The target neither requests a window of less than 10 bits (1024 octets), nor agrees to one without a request."""
    if conversation.role is Role.SERVER:
        for entry, extension, offers in _accepted_deflates(conversation):
            yield from _windows(extension, entry, offers)
    else:
        for entry, head in conversation.heads:
            for extension in _deflates(head):
                yield from _windows(extension, entry, [])


def _windows(extension: Extension, entry: int, offers: list[Extension]) -> Iterator[Sample]:
    for name in ("server_max_window_bits", "client_max_window_bits"):
        value = extension.get(name)
        asked = any(offer.get(name) in _SMALL for offer in offers)
        small = value in _SMALL and not asked
        label = f"{name} {value or ('absent' if value is None else 'without a value')}"
        yield Sample(label, Verdict.DEPARTED if small else Verdict.PASSED, entry)
