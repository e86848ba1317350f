"""The end of the connection that Autobahn expects in each of its cases, written as `expectedClose` in its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["ExpectedClose", "expected_close"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedClose:
    """The expected end: whether the tester sends the first Close, and the codes with which the peer may close.

    `clean` requires Close frames in both directions; `judged` is False if the end is recorded but not judged.
    """

    by_tester: bool = True
    codes: tuple[int, ...] = (1000,)
    clean: bool = True
    judged: bool = True
    #: Whether the tester's own Close is the error, so that the peer's Close has to report it.
    bad_close: bool = False
    #: Whether a peer that does not close first fails the case.
    fatal: bool = False

    def record(self) -> dict[str, object]:
        """Return `expectedClose` as Autobahn writes it."""
        fatal = {"closedByWrongEndpointIsFatal": True} if self.fatal else {}
        return {"closeCode": list(self.codes), "closedByMe": self.by_tester, "requireClean": self.clean, **fatal}


_USUAL = ExpectedClose()
_ERROR = ExpectedClose(by_tester=False, codes=(1002,), clean=False)
_TEXT = ExpectedClose(by_tester=False, codes=(1007,), clean=False, fatal=True)
_BAD = ExpectedClose(codes=(1002,), clean=False, bad_close=True)

#: The last numbers of the ids under 6.6 to 6.21 with invalid UTF-8. The others there have valid UTF-8.
_INVALID: Mapping[int, str] = {
    6: "1 3 4 6 8 10",
    8: "1 2",
    10: "1 2 3",
    11: "5",
    12: "1 2 3 4 5 6 7 8",
    13: "1 2 3 4 5",
    14: "1 2 3 4 5 6 7 8 9 10",
    15: "1",
    16: "1 2 3",
    17: "1 2 3 4 5",
    18: "1 2 3 4 5",
    19: "1 2 3 4 5",
    20: "1 2 3 4 5 6 7",
    21: "1 2 3 4 5 6 7 8",
}

#: The tester's code in 7.7.1, 7.7.2, ...; the peer may repeat it or send 1000.
_REPEATED = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
#: The tester's code in 7.13.1 and 7.13.2, above all assigned ranges.
_BEYOND = {1: 5000, 2: 65535}


def expected_close(id: str) -> ExpectedClose:
    """Return the end that Autobahn's case `id` expects."""
    group, *rest = (int(part) for part in id.split("."))
    match group, rest:
        case (2, [5]) | (3 | 4, _):
            return _ERROR
        case (5, [number]) if number in (1, 2) or 9 <= number <= 18:
            return _ERROR
        case 6, [3 | 4, _]:
            return _TEXT
        case (6, [kind, number]) if str(number) in _INVALID.get(kind, "").split():
            return _TEXT
        case 7, [1, 6]:
            return ExpectedClose(judged=False)
        case (7, [13, number]) if number in _BEYOND:
            return ExpectedClose(codes=(1000, _BEYOND[number], 1002), clean=False, judged=False)
        case (7, [3, 2 | 6]) | (7, [9, _]):
            return _BAD
        case 7, [5, 1]:
            return ExpectedClose(codes=(1002, 1007), clean=False, bad_close=True)
        case (7, [7, number]) if number <= len(_REPEATED):
            return ExpectedClose(codes=(1000, _REPEATED[number - 1]))
    return _USUAL
