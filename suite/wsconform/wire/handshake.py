"""The opening handshake in any HTTP version: key, accept, subprotocols, extensions (RFC 6455 sections 4, 9)."""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .fields import TCHAR, Fields, is_token

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
DEFLATE = "permessage-deflate"

#: The parameters of RFC 7692 section 7.1, and whether they have a value, in (an offer, an answer).
_DEFLATE_PARAMETERS = {
    "server_no_context_takeover": ("never", "never"),
    "client_no_context_takeover": ("never", "never"),
    "server_max_window_bits": ("always", "always"),
    "client_max_window_bits": ("maybe", "always"),
}


def encode_key(nonce: bytes) -> bytes:
    """Return the Sec-WebSocket-Key for `nonce` (16 octets)."""
    return base64.b64encode(nonce)


def decodes_to_16_octets(key: bytes) -> bool:
    """Return whether `key` is the padded base64 form of 16 octets (section 4.2.1 item 5)."""
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        return False


def accept_value(key: bytes) -> bytes:
    """Return the Sec-WebSocket-Accept for `key`, the value of Sec-WebSocket-Key as sent (section 4.2.2 item 5.4)."""
    return base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())


@dataclass(frozen=True, slots=True)
class Extension:
    """One element of Sec-WebSocket-Extensions: a name, and parameters in order, with None for a missing value."""

    name: str
    parameters: tuple[tuple[str, str | None], ...] = ()

    def get(self, name: str) -> str | None:
        """Return the value of the first parameter called `name`: "" if it has no value, None if it does not exist."""
        return next((value or "" for key, value in self.parameters if key == name), None)

    def __str__(self) -> str:
        tail = "".join(f"; {key}" if value is None else f"; {key}={value}" for key, value in self.parameters)
        return self.name + tail


class MalformedExtensions(ValueError):
    """A Sec-WebSocket-Extensions value breaks the grammar of section 9.1; the text has the position."""


_TOKEN = re.compile(b"[" + re.escape(TCHAR) + b"]+")


class _Scanner:
    """A position in one field value, and methods that advance it."""

    def __init__(self, octets: bytes) -> None:
        self.octets, self.position = octets, 0

    def skip(self) -> None:
        while self.peek() in (b" ", b"\t"):
            self.position += 1

    def peek(self) -> bytes:
        return self.octets[self.position : self.position + 1]

    def take(self, octet: bytes) -> bool:
        self.skip()
        if self.peek() != octet:
            return False
        self.position += 1
        self.skip()
        return True

    def token(self, name: str) -> str:
        self.skip()
        found = _TOKEN.match(self.octets, self.position)
        if found is None:
            raise MalformedExtensions(f"{name} is missing at octet {self.position}")
        self.position = found.end()
        return found[0].decode("ascii")

    def value(self) -> str:
        if not self.take(b'"'):
            return self.token("a parameter's value")
        value = bytearray()
        while (octet := self.peek()) != b'"':
            if octet == b"\\":
                self.position += 1
                octet = self.peek()
            if not octet:
                raise MalformedExtensions("a quoted string is not closed")
            value += octet
            self.position += 1
        self.position += 1
        if not is_token(bytes(value)):
            raise MalformedExtensions(f"the quoted value {bytes(value)!r} is not a token")
        return value.decode("ascii")


# Monitors parse the same few values for every handshake of a run.
@functools.lru_cache(maxsize=1024)
def parse_extensions(value: bytes) -> tuple[Extension, ...]:
    """Parse a complete Sec-WebSocket-Extensions value strictly; empty list elements are ignored.

    Raises MalformedExtensions if the value breaks the grammar of sections 4.3 and 9.1, or has no element.
    """
    scanner, extensions = _Scanner(value), list[Extension]()
    while True:
        while scanner.take(b","):
            pass
        if scanner.position >= len(value):
            break
        name, parameters = scanner.token("an extension's name"), list[tuple[str, str | None]]()
        while scanner.take(b";"):
            key = scanner.token("a parameter's name")
            parameters.append((key, scanner.value() if scanner.take(b"=") else None))
        extensions.append(Extension(name, tuple(parameters)))
        scanner.skip()
        if scanner.position < len(value) and not scanner.take(b","):
            raise MalformedExtensions(f"octet {scanner.position} is not a separator")
    if not extensions:
        raise MalformedExtensions("the list is empty")
    return tuple(extensions)


def offered(fields: Fields) -> tuple[Extension, ...]:
    """Return the extensions in all lines of Sec-WebSocket-Extensions; raises MalformedExtensions."""
    values = fields.get_all("Sec-WebSocket-Extensions")
    return parse_extensions(b", ".join(values)) if values else ()


def deflate_problem(extension: Extension, *, answer: bool) -> str | None:
    """Return the violation of RFC 7692 section 7.1 in a permessage-deflate offer, or answer; None if it is valid."""
    seen = set[str]()
    for name, value in extension.parameters:
        if name not in _DEFLATE_PARAMETERS:
            return f"the parameter {name} is not defined"
        if name in seen:
            return f"the parameter {name} appears twice"
        seen.add(name)
        wanted = _DEFLATE_PARAMETERS[name][answer]
        if value is None and wanted == "always":
            return f"{name} has no value"
        if value is not None and wanted == "never":
            return f"{name} has a value"
        if value is not None and value not in map(str, range(8, 16)):
            return f"{name}={value} is outside 8 to 15"
    return None


def deflate_answers(answer: Extension, offer: Extension) -> str | None:
    """Return why `answer` is not a valid answer to `offer` (RFC 7692 section 7.1); None if it is valid."""
    if (problem := deflate_problem(answer, answer=True)) is not None:
        return problem
    if offer.get("server_no_context_takeover") is not None and answer.get("server_no_context_takeover") is None:
        return "server_no_context_takeover was requested and is missing"
    asked, given = offer.get("server_max_window_bits"), answer.get("server_max_window_bits")
    if asked and (not given or int(given) > int(asked)):
        return f"server_max_window_bits={given or 15} is more than the requested {asked}"
    if answer.get("client_max_window_bits") and offer.get("client_max_window_bits") is None:
        return "client_max_window_bits was not offered"
    return None


def deflate_mirrored(ours: Sequence[Extension], theirs: Iterable[Extension]) -> Extension | None:
    """Return our answer, as a server, to the offers `theirs` of a client, or None if no offer permits one.

    `ours` are the offers that we would make as a client, in order of preference. The answer requests the same from the
    client as `ours` would request from a server; without `ours` it requests nothing. All requests of the client are
    granted, and its hint `client_no_context_takeover` is accepted, because some clients insist on it. The permission to
    limit the client's window is used only if `ours` request it.
    """
    sound = [each for each in theirs if each.name == DEFLATE and deflate_problem(each, answer=False) is None]
    for wanted in ours or (Extension(DEFLATE),):
        bits = wanted.get("server_max_window_bits")
        for offer in sound:
            permitted = offer.get("client_max_window_bits")
            if bits and (permitted is None or int(permitted or 15) < int(bits)):
                continue
            granted = ("server_no_context_takeover", "server_max_window_bits", "client_no_context_takeover")
            parameters = [each for each in offer.parameters if each[0] in granted]
            if wanted.get("server_no_context_takeover") is not None and offer.get("client_no_context_takeover") is None:
                parameters.append(("client_no_context_takeover", None))
            if bits:
                parameters.append(("client_max_window_bits", bits))
            return Extension(DEFLATE, tuple(parameters))
    return None
