"""Masking of secrets before they are recorded: credentials in opening handshakes and on the command line."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..evidence.result import Attempt, EntryKind, Octets, Result, TranscriptEntry

__all__ = ["Redactor", "masked_command"]

#: Fields that always hold credentials (RFC 9110 section 11, RFC 6265).
SECRET = ("authorization", "proxy-authorization", "cookie", "set-cookie")

_HANDSHAKE = (EntryKind.REQUEST, EntryKind.RESPONSE)


class Redactor:
    """Replaces each octet of secret field values in requests and responses by an asterisk."""

    def __init__(self, configured: Iterable[str] = ()) -> None:
        """Mask the fields of SECRET, and `configured`, the names of fields that the configuration adds to requests."""
        names = "|".join(re.escape(name) for name in dict.fromkeys((*SECRET, *(each.lower() for each in configured))))
        # A lenient reader starts a new line after a bare CR or LF, and a folded line (RFC 9112 section 5.2) continues
        # the value.
        self._field = re.compile(rf"(?im)^((?:{names})[ \t]*:[ \t]*)((?:[^\r\n]|\r?\n[ \t])+)".encode())

    def octets(self, octets: Octets) -> Octets:
        """Return `octets` with secrets masked; the digest is removed if secrets went into it."""
        head, found = self._field.subn(lambda m: m[1] + b"*" * len(m[2]), octets.head)
        tail = octets.tail
        if octets.sha256 is not None:
            # The tail may begin inside a secret value, so its first line is masked as a whole.
            first = end if (end := tail.find(b"\n")) >= 0 else len(tail)
            rest = self._field.sub(lambda m: m[1] + b"*" * len(m[2]), tail[first:])
            tail, found = b"*" * first + rest, found + 1
        if not found:
            return octets
        return replace(octets, head=head, tail=tail, sha256=None if octets.sha256 is None else "")

    def entries(self, entries: tuple[TranscriptEntry, ...]) -> tuple[TranscriptEntry, ...]:
        """Return the transcript `entries` with secrets masked."""
        return tuple(
            replace(entry, octets=self.octets(entry.octets)) if entry.kind in _HANDSHAKE else entry for entry in entries
        )

    def result(self, result: Result) -> Result:
        """Return `result` with secrets masked in the transcripts of all attempts."""
        attempts = tuple(self._attempt(attempt) for attempt in result.attempts)
        return replace(result, transcript=self.entries(result.transcript), attempts=attempts)

    def _attempt(self, attempt: Attempt) -> Attempt:
        return replace(attempt, transcript=self.entries(attempt.transcript))


def masked_command(words: Sequence[str]) -> str:
    """Return `words` as a command line to record, with the values of -H and --header masked."""
    shown, value_next = list[str](), False
    for word in words:
        if value_next:
            shown.append(_masked_field(word))
        elif word.startswith("--header="):
            shown.append("--header=" + _masked_field(word.removeprefix("--header=")))
        elif word.startswith("-H") and len(word) > 2:
            shown.append("-H" + _masked_field(word[2:]))
        else:
            shown.append(word)
        value_next = not value_next and word in ("-H", "--header")
    return shlex.join(shown)


def _masked_field(word: str) -> str:
    name, colon, _ = word.partition(":")
    return f"{name}: ***" if colon else "***"
