"""How the older suite wants a connection to end, id by id: facts that its per-case JSON repeats as `expectedClose`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Asked", "asked"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a case asks of the end: whether the tester sends the first Close, with which codes the peer may close.

    `clean` asks for Close frames in both directions; `judged` is False where whatever happens is only written down.
    """

    by_tester: bool = True
    codes: tuple[int, ...] = (1000,)
    clean: bool = True
    judged: bool = True
    #: Whether the tester's own Close is the error, so that the peer's has to say so.
    bad_close: bool = False
    #: Whether a peer that leaves closing to the tester has failed altogether.
    fatal: bool = False

    def record(self) -> dict[str, object]:
        """Return `expectedClose` as the older suite writes it."""
        fatal = {"closedByWrongEndpointIsFatal": True} if self.fatal else {}
        return {"closeCode": list(self.codes), "closedByMe": self.by_tester, "requireClean": self.clean, **fatal}


_USUAL = Asked()
_ERROR = Asked(by_tester=False, codes=(1002,), clean=False)
_TEXT = Asked(by_tester=False, codes=(1007,), clean=False, fatal=True)
_BAD = Asked(codes=(1002,), clean=False, bad_close=True)

#: Last numbers of the ids below 6.6 to 6.21 whose text is not UTF-8; the others there are valid.
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

#: The tester's code in 7.7.1, 7.7.2, ...; the peer may repeat it or say 1000.
_REPEATED = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
#: The tester's code in 7.13.1 and 7.13.2, above every range.
_BEYOND = {1: 5000, 2: 65535}


def asked(id: str) -> Asked:
    """Return what the case called `id` asks of the end of its connection."""
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
            return Asked(judged=False)
        case (7, [13, number]) if number in _BEYOND:
            return Asked(codes=(1000, _BEYOND[number], 1002), clean=False, judged=False)
        case (7, [3, 2 | 6]) | (7, [9, _]):
            return _BAD
        case 7, [5, 1]:
            return Asked(codes=(1002, 1007), clean=False, bad_close=True)
        case (7, [7, number]) if number <= len(_REPEATED):
            return Asked(codes=(1000, _REPEATED[number - 1]))
    return _USUAL
