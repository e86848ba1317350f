"""The body of a Close frame, and the status codes that may stand on the wire (RFC 6455 sections 5.5.1, 7.4)."""

from __future__ import annotations

from dataclasses import dataclass

#: Codes that sections 7.4.1 and the registry of section 11.7 give a meaning and that may be sent.
ASSIGNED = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014})

#: What a target says that takes text alone, or binary messages alone.
UNACCEPTABLE = 1003

#: Codes that an API reports and that section 7.4.1 bans from the wire.
FORBIDDEN_CODES = frozenset({1005, 1006, 1015})


def is_sendable(code: int) -> bool:
    """Return whether an endpoint may put `code` into a Close frame (sections 7.4.1, 7.4.2)."""
    return code in ASSIGNED or 3000 <= code <= 4999


@dataclass(frozen=True, slots=True)
class CloseBody:
    """A Close frame's payload, read: `code` is None where there are not two octets for it."""

    octets: bytes

    @property
    def code(self) -> int | None:
        """The status code, big-endian (section 5.5.1)."""
        return int.from_bytes(self.octets[:2], "big") if len(self.octets) >= 2 else None

    @property
    def reason(self) -> bytes:
        """What follows the status code; UTF-8 if the sender kept section 5.5.1."""
        return self.octets[2:]

    @property
    def is_malformed(self) -> bool:
        """Whether the body has one octet, which is no status code."""
        return len(self.octets) == 1

    def __str__(self) -> str:
        """Say the body as a transcript does: `1002 "reason"`, `empty` or `1 octet`."""
        if not self.octets:
            return "empty"
        if self.is_malformed:
            return "1 octet"
        reason = f' "{self.reason.decode(errors="replace")}"' if self.reason else ""
        return f"{self.code}{reason}"
