"""The opening handshake, whatever the HTTP version: key, accept, subprotocols, extensions (RFC 6455 sections 4, 9)."""

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

#: The parameters that RFC 7692 section 7.1 defines, and whether a value is wanted, in (an offer, an answer).
_DEFLATE_PARAMETERS = {
    "server_no_context_takeover": ("never", "never"),
    "client_no_context_takeover": ("never", "never"),
    "server_max_window_bits": ("always", "always"),
    "client_max_window_bits": ("maybe", "always"),
}


def encode_key(nonce: bytes) -> bytes:
    """Return `nonce` (16 octets) as Sec-WebSocket-Key writes it."""
    return base64.b64encode(nonce)


def decodes_to_16_octets(key: bytes) -> bool:
    """Return whether `key` is the base64 of 16 octets, padded (section 4.2.1 item 5)."""
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        return False


def accept_value(key: bytes) -> bytes:
    """Return the Sec-WebSocket-Accept that answers `key`, the field's value as sent (section 4.2.2 item 5.4)."""
    return base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())


@dataclass(frozen=True, slots=True)
class Extension:
    """One element of Sec-WebSocket-Extensions: a name, and parameters in order (None: no value)."""

    name: str
    parameters: tuple[tuple[str, str | None], ...] = ()

    def get(self, name: str) -> str | None:
        """Return the value of the first parameter called `name`; "" for one without a value, None for no such one."""
        return next((value or "" for key, value in self.parameters if key == name), None)

    def __str__(self) -> str:
        tail = "".join(f"; {key}" if value is None else f"; {key}={value}" for key, value in self.parameters)
        return self.name + tail


class MalformedExtensions(ValueError):
    """A Sec-WebSocket-Extensions value breaks the grammar of section 9.1; the text says where."""


_TOKEN = re.compile(b"[" + re.escape(TCHAR) + b"]+")


class _Scanner:
    """Walks over one field value."""

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

    def token(self, what: str) -> str:
        self.skip()
        found = _TOKEN.match(self.octets, self.position)
        if found is None:
            raise MalformedExtensions(f"{what} is missing at octet {self.position}")
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
                raise MalformedExtensions("a quoted string has no end")
            value += octet
            self.position += 1
        self.position += 1
        if not is_token(bytes(value)):
            raise MalformedExtensions(f"the quoted value {bytes(value)!r} is no token")
        return value.decode("ascii")


# Monitors read the same few values with every handshake of a run.
@functools.lru_cache(maxsize=1024)
def parse_extensions(value: bytes) -> tuple[Extension, ...]:
    """Read one whole Sec-WebSocket-Extensions value strictly; empty list elements are passed over.

    Raises MalformedExtensions where it breaks sections 4.3 and 9.1, and for a value without any element.
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
            raise MalformedExtensions(f"octet {scanner.position} is no separator")
    if not extensions:
        raise MalformedExtensions("the list is empty")
    return tuple(extensions)


def offered(fields: Fields) -> tuple[Extension, ...]:
    """Return the extensions that Sec-WebSocket-Extensions lists over all its lines; may raise MalformedExtensions."""
    values = fields.get_all("Sec-WebSocket-Extensions")
    return parse_extensions(b", ".join(values)) if values else ()


def deflate_problem(extension: Extension, *, answer: bool) -> str | None:
    """Say what RFC 7692 section 7.1 forbids in a permessage-deflate offer, or answer; None if all is well."""
    seen = set[str]()
    for name, value in extension.parameters:
        if name not in _DEFLATE_PARAMETERS:
            return f"the parameter {name} is not defined"
        if name in seen:
            return f"the parameter {name} stands twice"
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
    """Say why `answer` cannot be an answer to `offer` (RFC 7692 section 7.1); None if it can."""
    if (problem := deflate_problem(answer, answer=True)) is not None:
        return problem
    if offer.get("server_no_context_takeover") is not None and answer.get("server_no_context_takeover") is None:
        return "server_no_context_takeover was asked for and is missing"
    asked, given = offer.get("server_max_window_bits"), answer.get("server_max_window_bits")
    if asked and (not given or int(given) > int(asked)):
        return f"server_max_window_bits={given or 15} is more than the {asked} asked for"
    if answer.get("client_max_window_bits") and offer.get("client_max_window_bits") is None:
        return "client_max_window_bits was not offered"
    return None


def deflate_mirrored(ours: Sequence[Extension], theirs: Iterable[Extension]) -> Extension | None:
    """Return a server's answer to a client's offers `theirs` that asks of it what `ours` would ask of a server.

    `ours` are offers in order of preference; none of them asks for anything where there is none. What the client
    asks of us is granted, and its hint that it does without takeover taken, which some insist on; the window that it
    permits is used only where `ours` ask for it; None where no offer allows that.
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
