"""The header fields of a request or response in any HTTP version (RFC 9110 section 5)."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

CRLF = b"\r\n"
TCHAR = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

Field = tuple[bytes, bytes]


def is_token(octets: bytes) -> bool:
    """Return whether `octets` are a token (RFC 9110 section 5.6.2)."""
    return bool(octets) and not octets.translate(None, TCHAR)


@functools.lru_cache(maxsize=256)
def _key(name: str) -> bytes:
    """Return the look-up key for `name`. Cached, because monitors look up the same few names in every head."""
    return name.lower().encode()


def _octets(text: str | bytes) -> bytes:
    return text.encode("latin-1") if isinstance(text, str) else text


@dataclass(frozen=True, slots=True)
class Fields:
    """Header fields in order, with names as written. Look-up ignores case."""

    lines: tuple[Field, ...] = ()
    # Filled by the first look-up. Dozens follow, because every monitor examines every head.
    _named: dict[bytes, tuple[bytes, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, fields: Iterable[tuple[str | bytes, str | bytes]]) -> Self:
        """Return fields from pairs of name and value; `str` is encoded as Latin-1."""
        return cls(tuple((_octets(name), _octets(value)) for name, value in fields))

    def get_all(self, name: str) -> tuple[bytes, ...]:
        """Return the values of all lines called `name`, without surrounding whitespace."""
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
        """Return the non-empty elements of a list field, from all its lines (RFC 9110 section 5.6.1)."""
        parts = (part.strip(b" \t") for value in self.get_all(name) for part in value.split(b","))
        return tuple(part for part in parts if part)

    def __contains__(self, name: str) -> bool:
        return bool(self.get_all(name))

    def with_(self, name: str | bytes, value: str | bytes) -> Fields:
        """Return these fields with one more line at the end."""
        return Fields((*self.lines, (_octets(name), _octets(value))))

    def without(self, *names: str) -> Fields:
        """Return these fields without all lines that have one of `names`."""
        gone = {name.lower().encode() for name in names}
        return Fields(tuple(line for line in self.lines if line[0].lower() not in gone))

    def replacing(self, name: str, *values: str | bytes) -> Fields:
        """Return these fields with `values` in place of the first line called `name`, and without its other lines."""
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
        """Return the octets of the field lines, without the empty line after them."""
        return b"".join(name + separator + value + line_end for name, value in self.lines)


#: No field lines at all.
NO_FIELDS = Fields()
