"""HTTP/1.1 requests and responses, well formed or not (RFC 9112 sections 2 to 6, as far as a handshake needs them).

Reading is tolerant: octets that break the grammar are kept, and listed in `Head.defects`, so that a monitor can judge
them and a case can go on.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, replace

from .fields import CRLF, NO_FIELDS, Field, Fields, is_token
from .handshake import accept_value

HEXDIG = frozenset(b"0123456789abcdefABCDEF")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request to send, legal or not."""

    method: bytes = b"GET"
    target: bytes = b"/"
    version: bytes = b"HTTP/1.1"
    fields: Fields = NO_FIELDS
    body: bytes = b""
    line_end: bytes = CRLF
    separator: bytes = b": "

    def with_field(self, name: str | bytes, value: str | bytes) -> Request:
        """Return this request with one more field line."""
        return replace(self, fields=self.fields.with_(name, value))

    def without(self, *names: str) -> Request:
        """Return this request without the fields called `names`."""
        return replace(self, fields=self.fields.without(*names))

    def replacing(self, name: str, *values: str | bytes) -> Request:
        """Return this request with `values` as the only lines called `name`."""
        return replace(self, fields=self.fields.replacing(name, *values))

    def encode(self) -> bytes:
        """Return the request's octets, its body included."""
        line = b" ".join(part for part in (self.method, self.target, self.version) if part)
        return line + self.line_end + self.fields.encode(self.line_end, self.separator) + self.line_end + self.body


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A response to send, legal or not."""

    status: int = 101
    reason: bytes = b"Switching Protocols"
    version: bytes = b"HTTP/1.1"
    fields: Fields = NO_FIELDS
    body: bytes = b""
    line_end: bytes = CRLF

    def with_field(self, name: str | bytes, value: str | bytes) -> Response:
        """Return this response with one more field line."""
        return replace(self, fields=self.fields.with_(name, value))

    def without(self, *names: str) -> Response:
        """Return this response without the fields called `names`."""
        return replace(self, fields=self.fields.without(*names))

    def replacing(self, name: str, *values: str | bytes) -> Response:
        """Return this response with `values` as the only lines called `name`."""
        return replace(self, fields=self.fields.replacing(name, *values))

    def encode(self) -> bytes:
        """Return the response's octets, its body included."""
        line = self.version + b" %d " % self.status + self.reason
        return line + self.line_end + self.fields.encode(self.line_end) + self.line_end + self.body


def base_request(host: str, target: str, key: bytes, extra: Iterable[tuple[str, str]] = ()) -> Request:
    """Return the opening request of RFC 6455 section 4.1 with its five required fields, and `extra` after them."""
    fields = (
        ("Host", host),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", key),
        ("Sec-WebSocket-Version", "13"),
    )
    return Request(target=target.encode("latin-1", "replace"), fields=Fields.of((*fields, *extra)))


def base_response(key: bytes) -> Response:
    """Return the response of RFC 6455 section 4.2.2 to `key`: 101 with its three required fields."""
    return Response(
        fields=Fields.of(
            (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept_value(key)))
        )
    )


class Defect(enum.StrEnum):
    """A violation of the grammar in a head (RFC 9112 sections 2.2, 4, 5)."""

    BARE_LF = "bare LF"
    BARE_CR = "bare CR"
    NUL = "NUL"
    OBS_FOLD = "obs-fold"
    NO_NAME = "field line without a name"
    NO_SPACE = "no space after the status code"


@dataclass(frozen=True, slots=True)
class Head:
    """A received head: the three parts of the start line, the fields, the octets, and the violations of the grammar."""

    start: tuple[bytes, bytes, bytes]
    fields: Fields
    octets: bytes
    defects: tuple[Defect, ...] = ()

    @property
    def version(self) -> bytes:
        """The HTTP version of a response's status line."""
        return self.start[0]

    @property
    def status(self) -> int:
        """The status code of a response; 0 if it does not consist of three digits."""
        code = self.start[1]
        return int(code) if len(code) == 3 and code.isdigit() else 0

    @property
    def reason(self) -> bytes:
        """The reason phrase of a response."""
        return self.start[2]

    @property
    def method(self) -> bytes:
        """The method of a request."""
        return self.start[0]

    @property
    def target(self) -> bytes:
        """The request-target of a request."""
        return self.start[1]

    def body_length(self, *, to_head: bool = False) -> int | None:
        """Return the body length of a response in octets, -1 if chunked, None if it ends with the connection.

        See RFC 9112 section 6.3; `to_head` is True for a response to a HEAD request.
        """
        if to_head or self.status < 200 or self.status in (204, 304):
            return 0
        if b"chunked" in (value.lower() for value in self.fields.elements("Transfer-Encoding")):
            return -1
        length = self.fields.get("Content-Length")
        # A number with more digits is not a length, and int() refuses very long ones.
        return int(length) if length is not None and length.isdigit() and len(length) <= 19 else None


def head_end(octets: bytes | bytearray) -> int:
    """Return the length of the head at the start of `octets`, its empty line included; -1 if it is incomplete."""
    ends = [octets.find(mark) + len(mark) for mark in (b"\r\n\r\n", b"\n\n", b"\n\r\n") if mark in octets]
    return min(ends, default=-1)


def parse_head(octets: bytes) -> Head:
    """Read the head in `octets`, which ends with an empty line; every violation of the grammar becomes a defect."""
    defects: list[Defect] = []
    if b"\n" in octets.replace(CRLF, b""):
        defects.append(Defect.BARE_LF)
    if b"\r" in octets.replace(CRLF, b""):
        defects.append(Defect.BARE_CR)
    if b"\0" in octets:
        defects.append(Defect.NUL)
    first, *rest = octets.replace(CRLF, b"\n").split(b"\n")
    lines: list[Field] = []
    for line in rest:
        if not line:
            break
        name, colon, value = line.partition(b":")
        if line[0] in b" \t":
            defects.append(Defect.OBS_FOLD)
            if lines:
                lines[-1] = (lines[-1][0], lines[-1][1] + b" " + line.strip(b" \t"))
            continue
        if not colon or not is_token(name):
            defects.append(Defect.NO_NAME)
        lines.append((name.strip(b" \t"), value.strip(b" \t")))
    parts = [*first.split(b" ", 2), b"", b""]
    if first.count(b" ") < 2:
        defects.append(Defect.NO_SPACE)
    return Head((parts[0], parts[1], parts[2]), Fields(tuple(lines)), octets, tuple(dict.fromkeys(defects)))


def chunked_end(octets: bytes) -> int:
    """Return the length of the chunked body at the start of `octets`; -1 if it is incomplete or malformed."""
    position = 0
    while True:
        line_end = octets.find(CRLF, position)
        if line_end < 0:
            return -1
        size_text = octets[position:line_end].split(b";")[0].strip(b" \t")
        # int() accepts signs, prefixes and underscores, too; a negative size would cause an endless loop.
        if not size_text or not HEXDIG.issuperset(size_text):
            return -1
        size = int(size_text, 16)
        position = line_end + 2
        if size == 0:
            trailer = octets.find(CRLF, position)
            while trailer > position:
                position = trailer + 2
                trailer = octets.find(CRLF, position)
            return -1 if trailer < 0 else trailer + 2
        position += size + 2
        if len(octets) < position:
            return -1
