"""Monitors of every request of a client (RFC 6455 section 4.1, RFC 9110, RFC 9112)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wsconform import (
    DEFINED_OPCODES,
    Conversation,
    Head,
    MalformedExtensions,
    Role,
    Sample,
    Verdict,
    decodes_to_16_octets,
    monitor,
    offered,
)

from .frames import ends_whole

#: Extensions in IANA's registry.
REGISTERED = frozenset({"permessage-deflate", "bbf-usp-protocol"})

_KEY = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_ORIGIN = re.compile(rb"null|[a-z][a-z0-9+.-]*://[^/\s]+(?: [a-z][a-z0-9+.-]*://[^/\s]+)*")
_AUTHORITY = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::\d+)?")


def _request(conversation: Conversation) -> Iterator[tuple[int, Head]]:
    if conversation.role is Role.CLIENT:
        yield from conversation.heads[:1]


def _is_odd(conversation: Conversation) -> bool:
    """Return whether we sent octets or frames that a client may treat as an error, whatever the case tests."""
    return conversation.sent_raw or any(
        frame.rsv
        or frame.key is not None
        or frame.opcode not in DEFINED_OPCODES
        or (frame.is_control and (not frame.fin or len(frame.payload) > 125))
        for frame in conversation.sent
    )


def _judge(holds: bool, entry: int, observed: str) -> Sample:
    return Sample("" if holds else observed, Verdict.PASSED if holds else Verdict.FAILED, entry)


def _values_text(values: tuple[bytes, ...]) -> str:
    return ", ".join(value.decode("latin-1") for value in values) or "(missing)"


@monitor("6455-4.1-18")
def request_is_valid_http(conversation: Conversation) -> Iterator[Sample]:
    """The opening handshake is a valid HTTP request: line ends, field names, no folds, no control octets."""
    for entry, head in _request(conversation):
        spaces = head.octets.split(b"\r\n", 1)[0].count(b" ")
        defects = [*head.defects, *(["not three words in the request line"] if spaces != 2 else [])]
        yield _judge(not defects, entry, ", ".join(defects))


@monitor("6455-4.1-17", "6455-4.1-1")
def request_comes_first_and_whole(conversation: Conversation) -> Iterator[Sample]:
    """Once connected, the client sends one whole request, and nothing before it."""
    for entry, head in _request(conversation):
        yield _judge(bool(re.match(rb"[A-Za-z]+ ", head.octets)), entry, f"begins with {head.octets[:12]!r}")


@monitor("6455-4.1-19")
def method_is_get(conversation: Conversation) -> Iterator[Sample]:
    """The request's method is GET."""
    for entry, head in _request(conversation):
        yield _judge(head.method == b"GET", entry, f"method {head.method.decode('latin-1')}")


@monitor("6455-4.1-20")
def version_is_http_1_1(conversation: Conversation) -> Iterator[Sample]:
    """The request's HTTP version is 1.1 or a later 1.x."""
    for entry, head in _request(conversation):
        good = re.fullmatch(rb"HTTP/1\.[1-9]", head.reason) is not None
        yield _judge(good, entry, f"version {head.reason.decode('latin-1')}")


@monitor("6455-4.1-21", "9112-3.2.1-1")
def target_is_the_resource_name(conversation: Conversation) -> Iterator[Sample]:
    """The request-target is the resource name. An absolute http or https URI departs."""
    for entry, head in _request(conversation):
        if re.match(rb"https?://", head.target):
            yield Sample("absolute-form", Verdict.DEPARTED, entry)
        else:
            yield _judge(head.target.startswith(b"/"), entry, f"request-target {head.target.decode('latin-1')}")


@monitor("6455-4.1-24")
def upgrade_names_websocket(conversation: Conversation) -> Iterator[Sample]:
    """The request's Upgrade includes "websocket"."""
    for entry, head in _request(conversation):
        names = head.fields.elements("Upgrade")
        yield _judge(b"websocket" in [name.lower() for name in names], entry, f"Upgrade: {_values_text(names)}")


@monitor("6455-4.1-25")
def connection_names_upgrade(conversation: Conversation) -> Iterator[Sample]:
    """The request's Connection includes the option "Upgrade"."""
    for entry, head in _request(conversation):
        options = head.fields.elements("Connection")
        yield _judge(
            b"upgrade" in [option.lower() for option in options], entry, f"Connection: {_values_text(options)}"
        )


@monitor("6455-4.1-26", "6455-11.3.1-1")
def key_is_sent_once(conversation: Conversation) -> Iterator[Sample]:
    """The request has exactly one Sec-WebSocket-Key."""
    for entry, head in _request(conversation):
        count = len(head.fields.get_all("Sec-WebSocket-Key"))
        yield _judge(count == 1, entry, f"{count} Sec-WebSocket-Key fields")


@monitor("6455-4.1-27", "6455-4.3-1")
def key_is_16_octets_in_base64(conversation: Conversation) -> Iterator[Sample]:
    """Sec-WebSocket-Key is the base64 of 16 octets, padded, with zero pad bits."""
    for entry, head in _request(conversation):
        for key in head.fields.get_all("Sec-WebSocket-Key"):
            good = _KEY.fullmatch(key) is not None and decodes_to_16_octets(key)
            if good and key[21:22] not in b"AQgw":
                yield Sample("pad bits that are not zero", Verdict.DEPARTED, entry)
            else:
                yield _judge(good, entry, f"key {key.decode('latin-1')}")


@monitor("6455-4.1-32", "6455-11.3.5-2")
def version_is_13_and_sent_once(conversation: Conversation) -> Iterator[Sample]:
    """The request has exactly one Sec-WebSocket-Version, with the value 13."""
    for entry, head in _request(conversation):
        values = head.fields.get_all("Sec-WebSocket-Version")
        yield _judge(values == (b"13",), entry, f"Sec-WebSocket-Version: {_values_text(values)}")


@monitor("6455-4.1-33")
def reserved_versions_are_never_sent(conversation: Conversation) -> Iterator[Sample]:
    """A request never asks for the reserved versions 9 to 12."""
    for entry, head in _request(conversation):
        values = head.fields.elements("Sec-WebSocket-Version")
        reserved = [value for value in values if value in (b"9", b"10", b"11", b"12")]
        yield _judge(not reserved, entry, f"version {_values_text(tuple(reserved))}")


@monitor("9110-7.2-1", "9112-3.2-1")
def host_is_sent_once(conversation: Conversation) -> Iterator[Sample]:
    """The request has exactly one Host, whose value is the authority without userinfo."""
    for entry, head in _request(conversation):
        values = head.fields.get_all("Host")
        good = len(values) == 1 and _AUTHORITY.fullmatch(values[0]) is not None
        yield _judge(good, entry, f"Host: {_values_text(values)}")


@monitor("9110-9.3.1-1")
def request_has_no_body(conversation: Conversation) -> Iterator[Sample]:
    """The GET of the handshake carries no content."""
    for entry, head in _request(conversation):
        length = head.fields.get("Content-Length")
        with_body = "Transfer-Encoding" in head.fields or length not in (None, b"0")
        yield _judge(not with_body, entry, f"Content-Length: {_values_text((length,) if length else ())}")


@monitor("9110-10.1.1-1")
def request_without_a_body_has_no_expect(conversation: Conversation) -> Iterator[Sample]:
    """A request without content does not expect a 100."""
    for entry, head in _request(conversation):
        yield _judge("Expect" not in head.fields, entry, "Expect in a request without content")


@monitor("6455-9.1-7")
def offered_extensions_are_registered(conversation: Conversation) -> Iterator[Sample]:
    """The extensions offered have names in IANA's registry; private names depart."""
    for entry, head in _request(conversation):
        try:
            names = [extension.name for extension in offered(head.fields)]
        except MalformedExtensions as problem:
            yield Sample(f"malformed offer: {problem}", Verdict.FAILED, entry)
            continue
        for name in names:
            yield Sample(name, Verdict.PASSED if name in REGISTERED else Verdict.DEPARTED, entry)


@monitor("6454-7.1-1", "6454-7.3-1")
def origin_is_well_formed(conversation: Conversation) -> Iterator[Sample]:
    """An Origin is "null" or a list of serialised origins, and is sent once."""
    for entry, head in _request(conversation):
        values = head.fields.get_all("Origin")
        if values:
            good = len(values) == 1 and _ORIGIN.fullmatch(values[0]) is not None
            yield _judge(good, entry, f"Origin: {_values_text(values)}")


@monitor("6455-9.1-9")
def declined_extensions_are_not_used(conversation: Conversation) -> Iterator[Sample]:
    """An extension that was offered and not accepted is not used: all RSV bits are zero."""
    if conversation.opened and not conversation.extensions:
        for entry, frame in conversation.frames:
            yield _judge(not frame.rsv, entry, f"RSV bits {frame.rsv:03b} on {frame}")


@monitor("6455-5.1-1", "6455-5.3-1", "6455-6.1-6")
def every_frame_is_masked(conversation: Conversation) -> Iterator[Sample]:
    """A client masks every frame that it sends."""
    for entry, frame in conversation.frames:
        yield _judge(frame.key is not None, entry, f"unmasked: {frame}")


@monitor("6455-5.5.1-9")
def every_close_is_masked(conversation: Conversation) -> Iterator[Sample]:
    """A client's Close is masked like any other frame."""
    for entry, frame in conversation.frames:
        if frame.opcode == 0x8:
            yield _judge(frame.key is not None, entry, f"unmasked: {frame}")


@monitor("6455-5.3-7")
def masking_leaves_the_stream_readable(conversation: Conversation) -> Iterator[Sample]:
    """The payload length excludes the masking key, so that no octets are left over after the client's Close."""
    if ends_whole(conversation) and conversation.end_entry is not None:
        residue = len(conversation.residue)
        yield _judge(not residue, conversation.end_entry, f"{residue} octets at the end are not a whole frame")


@monitor("6455-7.1.7-8", "6455-7.2.1-3", "6455-7.3-2")
def client_does_not_close_by_itself(conversation: Conversation) -> Iterator[Sample]:
    """A client closes the connection only if the protocol or its application requires it.

    Judged if no Close of ours, no end of TCP by us, and no error came before.
    """
    if not conversation.opened or conversation.provoked is not None or _is_odd(conversation):
        return
    left = conversation.left_at
    for entry, body in conversation.closes()[:1]:
        by_itself = (left is None or entry < left) and body.code in (None, 1000, 1001)
        yield _judge(not by_itself, entry, f"Close {body} without a cause")
    if not conversation.closes() and conversation.frames:
        yield Sample()


@monitor("whatwg-ws-5-2")
def browsers_send_no_pings(conversation: Conversation) -> Iterator[Sample]:
    """A browser sends no Pings of its own; another client may, which is recorded."""
    pings = [entry for entry, frame in conversation.frames if frame.opcode == 0x9]
    for _, head in conversation.heads[:1]:
        browser = (head.fields.get("User-Agent") or b"").startswith(b"Mozilla/") and "Origin" in head.fields
        for entry in pings:
            yield Sample("Ping from the client", Verdict.FAILED if browser else Verdict.INFORMATIONAL, entry)
    if conversation.frames and not pings:
        yield Sample("none")


@monitor("6455-4.1-40", "9110-7.8-8")
def nothing_follows_the_request(conversation: Conversation) -> Iterator[Sample]:
    """The client sends nothing after its request until the response has arrived."""
    for entry, head in _request(conversation):
        early = conversation.before_head
        yield _judge(not early, entry, f"{len(early)} octets after the request to {head.target.decode('latin-1')}")
