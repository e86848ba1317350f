"""Monitors of a server's opening handshakes (RFC 6455 sections 4.2.2, 4.3, 4.4, 9.1, 10.7, 11.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wsconform import (
    Conversation,
    Head,
    Provocation,
    Sample,
    Verdict,
    accept_value,
    decodes_to_16_octets,
    head_end,
    is_token,
    monitor,
    parse_head,
)

#: A version in the grammar of section 4.3; the limit of 255 is checked separately.
_VERSION = re.compile(rb"0|[1-9][0-9]{0,2}")

_ACCEPT = re.compile(rb"[A-Za-z0-9+/]{27}=")

#: First octets of whole frames from a server: Text, Binary, Close, Ping, Pong.
_FRAME_STARTS = (b"\x81", b"\x82", b"\x88", b"\x89", b"\x8a")

#: The 5xx for an unknown method and for an unsupported HTTP version.
_APPROPRIATE = (501, 505)


def final_heads(conversation: Conversation) -> list[tuple[int, Head]]:
    """Return the final responses with their entries. 101 is final; the other 1xx are not."""
    return [(entry, head) for entry, head in conversation.heads if head.status == 101 or not 100 <= head.status < 200]


def accepted(conversation: Conversation) -> Iterator[tuple[int, Head]]:
    """Return every 101 with its entry, except those that switch to another protocol that the request named."""
    return iter(conversation.once(_accepted))


def _accepted(conversation: Conversation) -> list[tuple[int, Head]]:
    found = list[tuple[int, Head]]()
    for entry, head in conversation.heads:
        if head.status != 101:
            continue
        name = (head.fields.get("Upgrade") or b"websocket").lower()
        if b"websocket" in name or b"upgrade: " + name + b"\r\n" not in b"".join(conversation.requests).lower():
            found.append((entry, head))
    return found


def answered(conversation: Conversation) -> Iterator[tuple[int, Head, Head]]:
    """Return every 101 with its entry and the request that it answers; nothing if the request cannot be determined."""
    return iter(conversation.once(_answered))


def _answered(conversation: Conversation) -> list[tuple[int, Head, Head]]:
    octets, requests = b"".join(conversation.requests), list[Head]()
    finals, entries = final_heads(conversation), {entry for entry, _ in accepted(conversation)}
    while entries and len(requests) < len(finals) and (end := head_end(octets)) >= 0:
        head, octets = parse_head(octets[:end]), octets[end:]
        requests.append(head)
        length = head.fields.get("Content-Length")
        octets = octets[int(length) :] if length is not None and length.isdigit() else octets
    return [
        (entry, response, request)
        for (entry, response), request in zip(finals, requests, strict=False)
        if entry in entries
    ]


def judged(good: bool, observed: str, entry: int) -> Sample:
    """Return a passed sample if `good`, else a failed one with the text `observed`."""
    return Sample("" if good else observed, Verdict.PASSED if good else Verdict.FAILED, entry)


def _field_text(values: tuple[bytes, ...]) -> str:
    return " and ".join(value.decode("latin-1") or "(empty)" for value in values) or "(missing)"


@monitor("6455-4.2.2-24", hint='begin the response with "HTTP/1.1 101 ", end each line with CRLF, fold none')
def acceptance_is_a_valid_response(conversation: Conversation) -> Iterator[Sample]:
    """Every 101 is a well-formed HTTP/1.1 response.

    A response of an older version to a request of that version is left out; a case judges that it is a 101 at all.
    """
    for entry, head in accepted(conversation):
        if head.version != b"HTTP/1.1" and b" HTTP/1.1\r\n" not in b"".join(conversation.requests):
            continue
        problems = head.defects if head.version == b"HTTP/1.1" else (head.version.decode("latin-1"), *head.defects)
        yield judged(not problems, ", ".join(problems), entry)


@monitor("6455-4.2.2-25", hint='send "Upgrade: websocket" and nothing else in that field')
def acceptance_upgrades_to_websocket(conversation: Conversation) -> Iterator[Sample]:
    """Every 101 has Upgrade: websocket, in any case of letters, and names no other protocol."""
    for entry, head in accepted(conversation):
        values = head.fields.get_all("Upgrade")
        if len(values) == 1 and values[0].lower() == b"websocket":
            yield Sample(f"Upgrade: {_field_text(values)}", entry=entry)
        else:
            yield Sample(f"Upgrade: {_field_text(values)}", Verdict.FAILED, entry)


@monitor("6455-4.2.2-26", hint='send "Connection: Upgrade"')
def acceptance_lists_upgrade_in_connection(conversation: Conversation) -> Iterator[Sample]:
    """Every 101 lists "Upgrade" in Connection; further options depart."""
    for entry, head in accepted(conversation):
        options = head.fields.elements("Connection")
        lowered = [option.lower() for option in options]
        verdict = Verdict.PASSED if lowered == [b"upgrade"] else Verdict.DEPARTED
        if b"upgrade" not in lowered:
            verdict = Verdict.FAILED
        yield Sample(f"Connection: {_field_text((b', '.join(options),) if options else ())}", verdict, entry)


@monitor("6455-4.2.2-27", hint="compute the accept value from the key of the request that you answer")
def acceptance_answers_the_key(conversation: Conversation) -> Iterator[Sample]:
    """Every 101 carries the accept value of its request's key, if the request has exactly one valid key."""
    for entry, response, request in answered(conversation):
        keys = request.fields.get_all("Sec-WebSocket-Key")
        if len(keys) == 1 and decodes_to_16_octets(keys[0]):
            got = response.fields.get_all("Sec-WebSocket-Accept")
            yield judged(accept_value(keys[0]) in got, f"{_field_text(got)} for the key {_field_text(keys)}", entry)


@monitor("6455-4.2.2-28", hint="encode the 20 octets of the digest in plain base64, on one line, without quotes")
def accept_is_28_characters_of_base64(conversation: Conversation) -> Iterator[Sample]:
    """Every Sec-WebSocket-Accept is 27 characters of base64 and one "="."""
    for entry, head in accepted(conversation):
        for value in head.fields.get_all("Sec-WebSocket-Accept"):
            yield judged(_ACCEPT.fullmatch(value) is not None, _field_text((value,)), entry)


@monitor("6455-11.3.3-1", hint="set Sec-WebSocket-Accept only once")
def accept_is_not_repeated(conversation: Conversation) -> Iterator[Sample]:
    """No 101 has more than one Sec-WebSocket-Accept."""
    for entry, head in accepted(conversation):
        values = head.fields.get_all("Sec-WebSocket-Accept")
        yield judged(len(values) <= 1, f"{len(values)} Sec-WebSocket-Accept lines", entry)


@monitor("6455-4.2.2-31", hint="send the response before any frame, even before a Close")
def nothing_comes_before_the_response(conversation: Conversation) -> Iterator[Sample]:
    """The first octets from a server are those of an HTTP response, never a frame."""
    early, heads = conversation.before_head, conversation.heads
    if heads:
        yield judged(not early, f"octets before the response: {early[:8].hex(' ')}", heads[0][0])
    elif early.startswith(_FRAME_STARTS):
        yield Sample(f"a frame and no response: {early[:8].hex(' ')}", Verdict.FAILED)


@monitor("6455-4.2.2-18", hint="if no subprotocol is agreed, leave the field out")
def subprotocol_is_never_empty(conversation: Conversation) -> Iterator[Sample]:
    """No 101 has a Sec-WebSocket-Protocol without a value."""
    for entry, head in accepted(conversation):
        values = head.fields.get_all("Sec-WebSocket-Protocol")
        yield judged(all(values), "Sec-WebSocket-Protocol with an empty value", entry)


@monitor("6455-4.3-9", "6455-4.2.2-19", hint="answer with one of the names, not with the list")
def subprotocol_is_one_token(conversation: Conversation) -> Iterator[Sample]:
    """Every Sec-WebSocket-Protocol of a 101 is a single token."""
    for entry, head in accepted(conversation):
        for value in head.fields.get_all("Sec-WebSocket-Protocol"):
            yield judged(is_token(value), _field_text((value,)), entry)


@monitor("6455-11.3.4-2", hint="set Sec-WebSocket-Protocol only once")
def subprotocol_is_not_repeated(conversation: Conversation) -> Iterator[Sample]:
    """No 101 has more than one Sec-WebSocket-Protocol."""
    for entry, head in accepted(conversation):
        values = head.fields.get_all("Sec-WebSocket-Protocol")
        yield judged(len(values) <= 1, f"Sec-WebSocket-Protocol: {_field_text(values)}", entry)


@monitor("6455-4.3-8", hint="write versions as plain numbers, separated by commas: 13, 8")
def advertised_versions_are_numbers(conversation: Conversation) -> Iterator[Sample]:
    """Every Sec-WebSocket-Version of an error response is a list of numbers from 0 to 255."""
    for entry, head in final_heads(conversation):
        if head.status != 101 and "Sec-WebSocket-Version" in head.fields:
            values = head.fields.get_all("Sec-WebSocket-Version")
            versions = [version.strip(b" \t") for value in values for version in value.split(b",")]
            good = all(_VERSION.fullmatch(version) and int(version) <= 255 for version in versions)
            yield judged(good, f"Sec-WebSocket-Version: {_field_text(values)}", entry)


@monitor("6455-11.6-1", hint="list 13; do not list 9 to 12, which were never assigned")
def advertised_versions_are_not_reserved(conversation: Conversation) -> Iterator[Sample]:
    """No Sec-WebSocket-Version of an error response lists a version from 9 to 12, or above 255."""
    for entry, head in final_heads(conversation):
        versions = head.fields.elements("Sec-WebSocket-Version")
        if head.status != 101 and versions:
            numbers = [int(version) for version in versions if version.isdigit() and len(version) < 19]
            good = not any(9 <= number <= 12 or number > 255 for number in numbers)
            yield judged(good, f"Sec-WebSocket-Version: {_field_text(versions)}", entry)


@monitor("6455-10.7-4", hint="answer an invalid handshake with 400, or another 4xx that names the error")
def invalid_handshakes_get_a_client_error(conversation: Conversation) -> Iterator[Sample]:
    """An invalid handshake is answered with an appropriate status, preferably a 4xx."""
    if conversation.provoked is not Provocation.HANDSHAKE:
        return
    finals = final_heads(conversation)
    if not finals:
        if conversation.ending is not None:
            yield Sample("closed without a response", Verdict.DEPARTED, conversation.end_entry)
        return
    entry, head = finals[0]
    if head.status != 101:
        appropriate = head.status < 500 or head.status in _APPROPRIATE
        yield Sample(str(head.status), Verdict.PASSED if appropriate else Verdict.DEPARTED, entry)
