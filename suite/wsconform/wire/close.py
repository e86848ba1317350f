"""The body of a Close frame, and the status codes that may be sent (RFC 6455 sections 5.5.1, 7.4)."""

from __future__ import annotations

from dataclasses import dataclass

#: Codes that section 7.4.1 or the registry of section 11.7 defines, and that may be sent.
ASSIGNED = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014})

#: The code of a target that accepts only text messages, or only binary messages.
UNACCEPTABLE = 1003

#: Codes that an API reports and that section 7.4.1 bans from the wire.
FORBIDDEN_CODES = frozenset({1005, 1006, 1015})


def is_sendable(code: int) -> bool:
    """Return whether an endpoint may send `code` in a Close frame (sections 7.4.1, 7.4.2)."""
    return code in ASSIGNED or 3000 <= code <= 4999


@dataclass(frozen=True, slots=True)
class CloseBody:
    """The payload of a Close frame."""

    octets: bytes

    @property
    def code(self) -> int | None:
        """The status code (section 5.5.1); None if the body has fewer than two octets."""
        return int.from_bytes(self.octets[:2], "big") if len(self.octets) >= 2 else None

    @property
    def reason(self) -> bytes:
        """The octets after the status code; section 5.5.1 requires UTF-8."""
        return self.octets[2:]

    @property
    def is_malformed(self) -> bool:
        """Whether the body has a single octet, which is not a status code."""
        return len(self.octets) == 1

    def __str__(self) -> str:
        """Return the body as shown in transcripts: `1002 "reason"`, `empty` or `1 octet`."""
        if not self.octets:
            return "empty"
        if self.is_malformed:
            return "1 octet"
        reason = f' "{self.reason.decode(errors="replace")}"' if self.reason else ""
        return f"{self.code}{reason}"
