"""HTTP/1.1 heads, well formed or not: any request or response can be written, whatever arrives is read.

RFC 9112 sections 2 to 6, as far as an opening handshake needs it. Reading is tolerant: what breaks the
grammar is kept, and listed in `Head.defects`, so that a monitor can judge it and a case can go on.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Self

CRLF = b"\r\n"
TCHAR = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
HEXDIG = frozenset(b"0123456789abcdefABCDEF")

Field = tuple[bytes, bytes]


def is_token(octets: bytes) -> bool:
    """Return whether `octets` are one token (RFC 9110 section 5.6.2)."""
    return bool(octets) and not octets.translate(None, TCHAR)


@functools.lru_cache(maxsize=256)
def _key(name: str) -> bytes:
    """Return `name` as fields are looked up by; monitors ask every head for the same few."""
    return name.lower().encode()


def _octets(text: str | bytes) -> bytes:
    return text.encode("latin-1") if isinstance(text, str) else text


@dataclass(frozen=True, slots=True)
class Fields:
    """Header fields in order, names as written; look-up is by name without regard to case."""

    lines: tuple[Field, ...] = ()
    # Filled by the first look-up; dozens follow it, as every monitor asks every head for something.
    _named: dict[bytes, tuple[bytes, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, fields: Iterable[tuple[str | bytes, str | bytes]]) -> Self:
        """Return fields from pairs of name and value; `str` is written as Latin-1."""
        return cls(tuple((_octets(name), _octets(value)) for name, value in fields))

    def get_all(self, name: str) -> tuple[bytes, ...]:
        """Return the values of every line called `name`, without the whitespace around them."""
        if not self._named:
            for key, value in self.lines:
                known = key.lower()
                self._named[known] = (*self._named.get(known, ()), value.strip(b" \t"))
        return self._named.get(_key(name), ())

    def get(self, name: str) -> bytes | None:
        """Return the value of the first line called `name`, or None."""
        values = self.get_all(name)
        return values[0] if values else None

    def elements(self, name: str) -> tuple[bytes, ...]:
        """Return the elements of a list field over all its lines, empty ones left out (RFC 9110 section 5.6.1)."""
        parts = (part.strip(b" \t") for value in self.get_all(name) for part in value.split(b","))
        return tuple(part for part in parts if part)

    def __contains__(self, name: str) -> bool:
        return bool(self.get_all(name))

    def with_(self, name: str | bytes, value: str | bytes) -> Fields:
        """Return these fields and one line more at the end."""
        return Fields((*self.lines, (_octets(name), _octets(value))))

    def without(self, *names: str) -> Fields:
        """Return these fields less every line called one of `names`."""
        gone = {name.lower().encode() for name in names}
        return Fields(tuple(line for line in self.lines if line[0].lower() not in gone))

    def replacing(self, name: str, *values: str | bytes) -> Fields:
        """Return these fields with `values` in the place of the first line called `name`, and no other such line."""
        wanted, lines, done = name.lower().encode(), list[Field](), False
        for key, value in self.lines:
            if key.lower() != wanted:
                lines.append((key, value))
            elif not done:
                lines += ((key, _octets(new)) for new in values)
                done = True
        if not done:
            lines += ((name.encode(), _octets(new)) for new in values)
        return Fields(tuple(lines))

    def encode(self, line_end: bytes = CRLF, separator: bytes = b": ") -> bytes:
        """Return the field lines' octets, the empty line not included."""
        return b"".join(name + separator + value + line_end for name, value in self.lines)


@dataclass(frozen=True, slots=True)
class Request:
    """A request, legal or not; `head_octets` writes exactly what stands here."""

    method: bytes = b"GET"
    target: bytes = b"/"
    version: bytes = b"HTTP/1.1"
    fields: Fields = Fields()
    body: bytes = b""
    line_end: bytes = CRLF
    separator: bytes = b": "

    def with_field(self, name: str | bytes, value: str | bytes) -> Request:
        """Return this request with one field line more."""
        return replace(self, fields=self.fields.with_(name, value))

    def without(self, *names: str) -> Request:
        """Return this request less the fields called `names`."""
        return replace(self, fields=self.fields.without(*names))

    def replacing(self, name: str, *values: str | bytes) -> Request:
        """Return this request with `values` as the only lines called `name`."""
        return replace(self, fields=self.fields.replacing(name, *values))

    def encode(self) -> bytes:
        """Return the request's octets, its body included."""
        line = b" ".join(part for part in (self.method, self.target, self.version) if part)
        return line + self.line_end + self.fields.encode(self.line_end, self.separator) + self.line_end + self.body


@dataclass(frozen=True, slots=True)
class Response:
    """A response, legal or not, to be written."""

    status: int = 101
    reason: bytes = b"Switching Protocols"
    version: bytes = b"HTTP/1.1"
    fields: Fields = Fields()
    body: bytes = b""
    line_end: bytes = CRLF

    def with_field(self, name: str | bytes, value: str | bytes) -> Response:
        """Return this response with one field line more."""
        return replace(self, fields=self.fields.with_(name, value))

    def without(self, *names: str) -> Response:
        """Return this response less the fields called `names`."""
        return replace(self, fields=self.fields.without(*names))

    def replacing(self, name: str, *values: str | bytes) -> Response:
        """Return this response with `values` as the only lines called `name`."""
        return replace(self, fields=self.fields.replacing(name, *values))

    def encode(self) -> bytes:
        """Return the response's octets, its body included."""
        line = self.version + b" %d " % self.status + self.reason
        return line + self.line_end + self.fields.encode(self.line_end) + self.line_end + self.body


@dataclass(frozen=True, slots=True)
class Head:
    """A head as it was read: the start line's three parts, the fields, the octets, and what is wrong with them."""

    start: tuple[bytes, bytes, bytes]
    fields: Fields
    octets: bytes
    defects: tuple[str, ...] = ()

    @property
    def version(self) -> bytes:
        """The HTTP version of a response's status line."""
        return self.start[0]

    @property
    def status(self) -> int:
        """The status code of a response; 0 where there are not three digits."""
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
        """Return the octets of a response's body, -1 for chunked, None for "until the end" (RFC 9112 section 6.3)."""
        if to_head or self.status < 200 or self.status in (204, 304):
            return 0
        if b"chunked" in (value.lower() for value in self.fields.elements("Transfer-Encoding")):
            return -1
        length = self.fields.get("Content-Length")
        # More digits than a length can need (and than int() takes) are no length.
        return int(length) if length is not None and length.isdigit() and len(length) <= 19 else None


def head_end(octets: bytes | bytearray) -> int:
    """Return how many octets the head at the start of `octets` has, its empty line included; -1 while incomplete."""
    ends = [octets.find(mark) + len(mark) for mark in (b"\r\n\r\n", b"\n\n", b"\n\r\n") if mark in octets]
    return min(ends, default=-1)


def parse_head(octets: bytes) -> Head:
    """Read the head in `octets`, whose last line is empty; whatever breaks the grammar becomes a defect."""
    defects: list[str] = []
    if b"\n" in octets.replace(CRLF, b""):
        defects.append("bare LF")
    if b"\r" in octets.replace(CRLF, b""):
        defects.append("bare CR")
    if b"\0" in octets:
        defects.append("NUL")
    first, *rest = octets.replace(CRLF, b"\n").split(b"\n")
    lines: list[Field] = []
    for line in rest:
        if not line:
            break
        name, colon, value = line.partition(b":")
        if line[0] in b" \t":
            defects.append("obs-fold")
            if lines:
                lines[-1] = (lines[-1][0], lines[-1][1] + b" " + line.strip(b" \t"))
            continue
        if not colon or not is_token(name):
            defects.append("field line without a name")
        lines.append((name.strip(b" \t"), value.strip(b" \t")))
    parts = [*first.split(b" ", 2), b"", b""]
    if first.count(b" ") < 2:
        defects.append("no space after the status code")
    return Head((parts[0], parts[1], parts[2]), Fields(tuple(lines)), octets, tuple(dict.fromkeys(defects)))


class HeadReader:
    """Collects octets until a head is whole."""

    def __init__(self, limit: int = 1 << 20) -> None:
        self._buffer = bytearray()
        self._limit = limit

    @property
    def octets(self) -> bytes:
        """What has come and is not part of a head yet."""
        return bytes(self._buffer)

    @property
    def is_too_long(self) -> bool:
        """Whether more octets came than a head may have here."""
        return len(self._buffer) > self._limit

    def receive(self, octets: bytes) -> Head | None:
        """Take `octets`; return the head once it is whole, leaving what follows it in `octets`."""
        self._buffer += octets
        end = head_end(self._buffer)
        if end < 0:
            return None
        head = parse_head(bytes(self._buffer[:end]))
        del self._buffer[:end]
        return head


def chunked_end(octets: bytes) -> int:
    """Return how many octets the chunked body at the start of `octets` has; -1 while incomplete or malformed."""
    position = 0
    while True:
        line_end = octets.find(CRLF, position)
        if line_end < 0:
            return -1
        size_text = octets[position:line_end].split(b";")[0].strip(b" \t")
        # int() takes signs, prefixes and underscores too; a negative size would lead backwards, for ever.
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
