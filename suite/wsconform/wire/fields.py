"""Field lines of a message's head, whatever the HTTP version: names, values, look-up (RFC 9110 section 5)."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

CRLF = b"\r\n"
TCHAR = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

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


#: No field lines at all.
NO_FIELDS = Fields()
