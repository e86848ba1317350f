"""Monitors of every response, and of a client's requests, as HTTP/1.1 messages (RFC 9110, RFC 9112)."""

from __future__ import annotations

from collections.abc import Iterator

from wsconform import Conversation, Defect, Fields, Head, Role, Sample, Verdict, monitor

#: Fields that hold one value and appear once.
SINGLETONS = (
    "Host",
    "Origin",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Accept",
    "Content-Length",
    "Content-Type",
    "Date",
    "Location",
    "Server",
    "User-Agent",
)

LISTS = (
    "Connection",
    "Upgrade",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Version",
)


def _heads(conversation: Conversation) -> Iterator[tuple[int, Head]]:
    """Yield the target's heads; of a server only those that begin with HTTP/."""
    for entry, head in conversation.heads:
        if conversation.role is Role.CLIENT or head.octets.startswith(b"HTTP/"):
            yield entry, head


def _responses(conversation: Conversation, status: int) -> Iterator[tuple[int, Head]]:
    return ((entry, head) for entry, head in _heads(conversation) if head.status == status)


def _sample(right: bool, wrong: str, entry: int) -> Sample:
    return Sample("", Verdict.PASSED, entry) if right else Sample(wrong, Verdict.FAILED, entry)


def _lists_upgrade(fields: Fields) -> bool:
    return b"upgrade" in (option.lower() for option in fields.elements("Connection"))


@monitor("9110-5.3-1", hint="set a field that takes one value, do not append to it")
def singleton_fields_are_not_repeated(conversation: Conversation) -> Iterator[Sample]:
    """A field that is not a list is not repeated, and Upgrade has no two different values."""
    for entry, head in _heads(conversation):
        repeated = [name for name in SINGLETONS if len(head.fields.get_all(name)) > 1]
        if len({value.lower() for value in head.fields.get_all("Upgrade")}) > 1:
            repeated.append("Upgrade")
        yield _sample(not repeated, f"{', '.join(repeated)} repeated", entry)


@monitor("9110-5.6.1.1-1", hint="join the elements of a list with commas, and leave empty ones out")
def lists_have_no_empty_elements(conversation: Conversation) -> Iterator[Sample]:
    """No list of the target begins or ends with a comma, or has two commas in a row."""
    for entry, head in _heads(conversation):
        values = [(name, value) for name in LISTS for value in head.fields.get_all(name)]
        wrong = [name for name, value in values if b"," in value and not all(map(bytes.strip, value.split(b",")))]
        if values:
            yield _sample(not wrong, f"an empty element in {', '.join(wrong)}", entry)


@monitor("9110-7.6.1-1", "9110-7.8-6", hint='send "Connection: Upgrade" in every message with Upgrade')
def upgrade_is_listed_in_connection(conversation: Conversation) -> Iterator[Sample]:
    """A message with Upgrade, be it a 101, a 426 or a request, has the option "upgrade" in Connection."""
    for entry, head in _heads(conversation):
        if "Upgrade" in head.fields:
            yield _sample(_lists_upgrade(head.fields), "Upgrade without the connection option", entry)


@monitor("9110-7.8-3", "9110-15.2.2-1", hint='send "Upgrade: websocket" in every 101')
def status_101_names_the_protocol(conversation: Conversation) -> Iterator[Sample]:
    """Every 101 has Upgrade, which names a protocol that the request named."""
    asked = b"\n".join(conversation.requests).lower()
    for entry, head in _responses(conversation, 101):
        named = [value.lower() for value in head.fields.get_all("Upgrade") if value]
        if not named:
            yield Sample("101 without Upgrade", Verdict.FAILED, entry)
        else:
            yield _sample(all(name in asked for name in named), "101 to a protocol that was not requested", entry)


@monitor("9110-7.8-5", "9110-15.5.22-1", hint='send "Upgrade: websocket" and "Connection: Upgrade" in every 426')
def status_426_names_the_protocol(conversation: Conversation) -> Iterator[Sample]:
    """Every 426 names the required protocol in Upgrade."""
    for entry, head in _responses(conversation, 426):
        names = [name.lower() for name in head.fields.elements("Upgrade")]
        yield _sample(b"websocket" in names, "426 without Upgrade: websocket", entry)


@monitor("9110-8.6-1", hint="leave Content-Length out of a 101")
def status_101_has_no_content_length(conversation: Conversation) -> Iterator[Sample]:
    """No 101 carries Content-Length, not even 0."""
    for entry, head in _responses(conversation, 101):
        yield _sample("Content-Length" not in head.fields, "101 with Content-Length", entry)


@monitor("9112-6.1-1", hint="leave Transfer-Encoding out of a 101")
def status_101_has_no_transfer_encoding(conversation: Conversation) -> Iterator[Sample]:
    """No 101 carries Transfer-Encoding."""
    for entry, head in _responses(conversation, 101):
        yield _sample("Transfer-Encoding" not in head.fields, "101 with Transfer-Encoding", entry)


@monitor("9110-15.5.2-1", hint="name the required credentials in WWW-Authenticate")
def status_401_has_a_challenge(conversation: Conversation) -> Iterator[Sample]:
    """Every 401 carries WWW-Authenticate."""
    for entry, head in _responses(conversation, 401):
        yield _sample("WWW-Authenticate" in head.fields, "401 without WWW-Authenticate", entry)


@monitor("9112-2.2-1", hint="end lines with CR LF, and send no CR elsewhere")
def no_bare_cr_is_sent(conversation: Conversation) -> Iterator[Sample]:
    """Every CR in a head of the target is followed by LF."""
    for entry, head in _heads(conversation):
        yield _sample(Defect.BARE_CR not in head.defects, "a bare CR", entry)


@monitor("9112-5.2-1", hint="write a field on one line, however long")
def no_folded_field_is_sent(conversation: Conversation) -> Iterator[Sample]:
    """No line in a head of the target begins with a space or a tab."""
    for entry, head in _heads(conversation):
        yield _sample(Defect.OBS_FOLD not in head.defects, "a folded field", entry)


@monitor("9112-4-1", hint='write the space after the status code even if no reason follows: "HTTP/1.1 101 "')
def status_code_is_followed_by_a_space(conversation: Conversation) -> Iterator[Sample]:
    """Every status line has a space after the status code, with or without a reason phrase."""
    for entry, head in _heads(conversation):
        right = Defect.NO_SPACE not in head.defects
        yield _sample(right, "a status line that ends with the code", entry)


@monitor("9112-9.6-1", hint='after "Connection: close", answer no further request and close')
def nothing_follows_an_announced_close(conversation: Conversation) -> Iterator[Sample]:
    """After a final response with Connection: close the stream ends, without a further response."""
    heads = [(entry, head) for entry, head in _heads(conversation) if head.status >= 200]
    for position, (entry, head) in enumerate(heads):
        if b"close" not in (option.lower() for option in head.fields.elements("Connection")):
            continue
        if position + 1 < len(heads):
            yield Sample("a further response after Connection: close", Verdict.FAILED, entry)
        elif conversation.ending is not None:
            yield Sample("closed as announced", Verdict.PASSED, entry)
