"""Payloads of compressed messages: data of five kinds that compress differently, identical in every run."""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wsconform import BINARY, TEXT

__all__ = ["KINDS", "LENGTH", "Kind"]

#: Length of the data of each kind, in characters (octets for binary kinds): a multiple of every message's length.
LENGTH = 1 << 19

_VOCABULARY = (
    "a able about above across after again against air all alone along already also always among and another any "
    "are around as ask at away back be because become been before began behind being below between boat both bread "
    "bridge bring but by call came can carry child city clear close cold come corner could country cut dark day did "
    "do door down draw each early earth east end enough even evening ever every eye face far farther father few field "
    "find fire first floor follow food for form found four friend from full garden gave get give glass go gone good "
    "great green ground grow had half hand has have he head hear heart held help her here high him his hold home horse "
    "hour house how hundred if in into is it just keep kind knew know land large last late learn leave left less let "
    "letter life light like line listen little live long look made make man many may mean men might mile mind moment "
    "more morning most mother mountain much must my name near need never new next night no north not nothing now of "
    "off often old on once one only open or other our out over own page paper part people place plain point question "
    "quiet rain read ready red rest river road room round run said same saw say sea second see seem set she ship short "
    "should show side since sit sky sleep slow small snow so some song soon sound south stand star stay step still "
    "stone stood stop street such summer sun table take talk tell than that the their them then there these they "
    "thing think this those thought three through time to together told too took town tree turn two under until up "
    "upon us very voice wait walk wall want war warm was watch water way we well went were west what wheel when where "
    "which while white who whole why will wind window winter with without woman wood word work world would write year "
    "yes yet you young your"
)
_WORDS = _VOCABULARY.split()
#: Letters outside ASCII, of two, three and four octets.
_FOREIGN = ("Grüße", "naïve", "Žluťoučký", "übung", "señal", "Ελλάδα", "мир", "日本語", "한국", "→", "€", "😀", "𝄞")


def _sentences(rng: random.Random, characters: int) -> str:
    # As in natural text, a few words are far more frequent than the others.
    weights = [1 / (rank + 3) for rank in range(len(_WORDS))]
    common = rng.sample(_WORDS, len(_WORDS))
    words = rng.choices(common, weights, k=characters // 4)
    parts, at = list[str](), 0
    while at < len(words):
        count = rng.randint(4, 18)
        parts.append(" ".join(words[at : at + count]).capitalize() + rng.choice((". ", ". ", ".\n", "; ", "? ")))
        at += count
    return "".join(parts)


def _json(rng: random.Random) -> str:
    agents = [" ".join(rng.choices(_WORDS, k=2)).title() for _ in range(4)]
    records, length = list[str](), 0
    while length < LENGTH:
        record = {
            "id": len(records),
            "agent": rng.choice(agents),
            "behavior": rng.choice(("OK", "OK", "OK", "NON-STRICT", "FAILED")),
            "behaviorClose": "OK",
            "duration": rng.randint(0, 9),
            "remoteCloseCode": 1000,
            "expected": {"messages": [], "close": None, "clean": True},
            "reportfile": None,
        }
        records.append(json.dumps(record, indent=4) + ",\n")
        length += len(records[-1])
    return "[" + "".join(records)


def _prose(rng: random.Random) -> bytes:
    return _sentences(rng, LENGTH).encode()


def _html(rng: random.Random) -> str:
    prose = _sentences(rng, LENGTH).split(". ")
    parts, length, at = ["<!DOCTYPE html>\n<html lang='mul'>\n<body>\n"], 0, 0
    while length < LENGTH:
        tag, css = rng.choice(("p", "p", "li", "td", "h2", "code")), rng.choice(("note", "wide", "row odd", "row even"))
        foreign = " ".join(rng.choices(_FOREIGN, k=rng.randint(0, 4)))
        parts.append(f'<{tag} class="{css}" id="s{at}">{prose[at % len(prose)]}, {foreign}.</{tag}>\n')
        length += len(parts[-1])
        at += 1
    return "".join(parts)


def _bitmap(rng: random.Random) -> bytes:
    """Return rows of an image: each differs a little from the row above, and has noise in its lowest bits."""
    width = 1536
    row = bytearray(rng.randint(0, 200) for _ in range(width))
    rows = list[bytes]()
    for _ in range(LENGTH // width + 1):
        at, change = rng.randrange(width - 64), rng.randint(0, 200)
        row[at : at + 64] = bytes((octet + change) // 2 for octet in row[at : at + 64])
        rows.append(bytes(row))
    smooth = b"".join(rows)[:LENGTH]
    noise = rng.randbytes(LENGTH).translate(bytes(octet & 7 for octet in range(256)))
    # No octet of `smooth` is above 200 and none of `noise` above 7, so the addition carries into no other octet.
    return (int.from_bytes(smooth, "little") + int.from_bytes(noise, "little")).to_bytes(LENGTH, "little")


def _document(rng: random.Random) -> bytes:
    """Return a document that consists of compressed streams with a little text between them."""
    parts, length, number = list[bytes](), 0, 0
    while length < LENGTH:
        size = rng.randint(2000, 9000)
        head = b"%d 0 obj\n<< /Type /XObject /Length %d /Filter /FlateDecode >>\nstream\n" % (number, size)
        table = b"".join(b"%010d 00000 n\n" % (length + line) for line in range(size // 100))
        parts += head, rng.randbytes(size), b"\nendstream\nendobj\n", table
        length += sum(map(len, parts[-4:]))
        number += 1
    return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of data: the opcode of its messages, and the function that generates it."""

    opcode: int
    make: Callable[[random.Random], str | bytes]

    def payloads(self, length: int, most: int) -> list[bytes]:
        """Return up to `most` consecutive payloads of `length` characters each (octets if the kind is binary).

        There are fewer if the data ends before; a caller that needs more repeats them.
        """
        data = _generated(self.make)
        count = min(most, LENGTH // length)
        pieces = (data[at : at + length] for at in range(0, count * length, length))
        return [piece.encode() if isinstance(piece, str) else piece for piece in pieces]


@functools.cache
def _generated(make: Callable[[random.Random], str | bytes]) -> str | bytes:
    return make(random.Random(make.__name__))[:LENGTH]


#: Each kind by its label in case ids.
KINDS: Mapping[str, Kind] = {
    "json": Kind(TEXT, _json),
    "bitmap": Kind(BINARY, _bitmap),
    "prose": Kind(BINARY, _prose),
    "html": Kind(TEXT, _html),
    "document": Kind(BINARY, _document),
}
