"""A transcript as the rows of a ladder: sender, time, a summary of one line, and the decoded octets."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wsconform.escape import shown
from wsconform.evidence.result import Direction, Octets, Result, TranscriptEntry
from wsconform.wire.close import CloseBody
from wsconform.wire.frame import (
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Header,
    LengthForm,
    apply_mask,
    opcode_name,
    read_header,
)

_SIDES = {Direction.OURS: "ours", Direction.TARGET: "target", Direction.EVENT: "event"}
_WIDTH = 16
# A head of printable ASCII in lines that end with CRLF: a hex dump would add nothing.
_PLAIN = re.compile(rb"(?:[ -~]+\r\n)+\r\n")
_PLAIN_PARTS = re.compile(rb"[ -~\r\n]*")


#: The most entries that a ladder shows. Of a longer one: head, deciding entry with its neighbours, and tail.
MOST, HEAD, AROUND, TAIL = 60, 24, 5, 12

#: The parts of a packed row.
Packed = str | int | list["Packed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One entry, ready to be shown; its texts, and each of `lines`, contain printable characters only.

    `side` is ours, target or event; `fields` are a frame's header fields and payload; `lines` is the text of a request
    or response; `octets` are shown as a hex dump, and are empty if that would add nothing; `masked` is the offset of a
    frame's masked payload, after its key, 0 for a frame without a key.
    """

    side: str
    time: str
    summary: str
    connection: int
    decided: bool
    fields: tuple[tuple[str, str], ...]
    lines: tuple[str, ...]
    octets: Octets
    masked: int = 0

    @property
    def opens(self) -> bool:
        """Whether the row can be opened to show more than the summary."""
        return bool(self.fields or self.lines or self.octets.head)

    @property
    def weight(self) -> int:
        """The approximate size of the row's markup, in characters."""
        octets = len(self.octets.head) + len(self.octets.tail)
        names_and_values = sum(len(name) + len(value) + 38 for name, value in self.fields)
        return 250 + names_and_values + octets * 6 + sum(len(line) + 5 for line in self.lines)

    @property
    def dump(self) -> tuple[str, ...]:
        """The lines of the hex dump."""
        return tuple(_dump(self.octets))

    def packed(self, css: str, symbol: str) -> list[Packed]:
        """Return the row as a single file packs it; the script builds the template's markup from it.

        `css` and `symbol` are those of the result's mark. A masked payload is packed unmasked, so that it can be
        deflated: of the random octets only the masking key remains in the file.
        """
        head, cut = self.octets.head, list[Packed]()
        if self.masked:
            head = head[: self.masked] + apply_mask(head[self.masked :], head[self.masked - 4 : self.masked])
        if self.octets.sha256 is not None:
            cut = [self.octets.length, self.octets.sha256[:16], self.octets.tail.hex()]
        decided: list[Packed] = [css, symbol] if self.decided else []
        fields: list[Packed] = [[name, value] for name, value in self.fields]
        row: list[Packed] = [self.side, self.time, self.summary, self.connection, decided, fields]
        return [*row, "\n".join(self.lines), head.hex(), self.masked, cut]


def rows(result: Result) -> tuple[Row, ...]:
    """Return the rows of `result`'s transcript; the deciding entry is marked if the result has a finding.

    Of more than `MOST` entries some are left out; a row in their place counts them.
    """
    deciding = result.finding.entry if result.finding else None
    found: list[Row] = []
    expected = 0
    for place in _kept(len(result.transcript), deciding):
        if place > expected:
            found.append(_gap(place - expected))
        found.append(_row(result.transcript[place], place == deciding))
        expected = place + 1
    return tuple(found)


def _kept(count: int, deciding: int | None) -> list[int]:
    if count <= MOST:
        return list(range(count))
    kept = {*range(HEAD), *range(count - TAIL, count)}
    if deciding is not None and 0 <= deciding < count:
        kept |= set(range(max(0, deciding - AROUND), min(count, deciding + AROUND + 1)))
    # A gap of one entry would need as much space as the entry itself.
    kept |= {place for place in range(1, count - 1) if place - 1 in kept and place + 1 in kept}
    return sorted(kept)


def _gap(count: int) -> Row:
    return Row(
        side="event",
        time="",
        summary=f"{count} entries left out here; the journal has them",
        connection=0,
        decided=False,
        fields=(),
        lines=(),
        octets=Octets(),
    )


def _row(entry: TranscriptEntry, decided: bool) -> Row:
    header = read_header(entry.octets.head) if entry.kind == "frame" else None
    is_head = entry.kind in ("request", "response")
    return Row(
        side=_SIDES[entry.direction],
        time=f"{entry.micros / 1000:.1f} ms",
        summary=shown(entry.summary) or shown(entry.kind),
        connection=entry.connection,
        decided=decided,
        fields=tuple(_fields(header, entry.octets)) if header else (),
        lines=_lines(entry.octets) if is_head else (),
        octets=Octets() if is_head and _is_plain(entry.octets) else entry.octets,
        masked=header.size if header and header.key is not None else 0,
    )


def _fields(header: Header, octets: Octets) -> list[tuple[str, str]]:
    form = header.form.value
    padded = "" if header.form is LengthForm.minimal(header.length) else ", more than it needs"
    found = [
        ("FIN", str(int(header.fin))),
        ("RSV1-3", f"{header.rsv:03b}"),
        ("opcode", f"{header.opcode:#x} {opcode_name(header.opcode)}".partition(" 0x")[0]),
        ("MASK", "0" if header.key is None else "1"),
        ("length", f"{header.length} in {form} bits{padded}"),
    ]
    if header.key is not None:
        found.append(("masking key", header.key.hex(" ")))
    payload = octets.head[header.size : header.size + header.length]
    if header.key is not None:
        payload = apply_mask(payload, header.key)
    found += _payload(header, payload, partial=len(payload) < header.length)
    return [(name, shown(value)) for name, value in found]


def _payload(header: Header, payload: bytes, *, partial: bool) -> list[tuple[str, str]]:
    if not payload:
        return []
    found = []
    if header.opcode == CLOSE and header.fin:
        body = CloseBody(payload)
        found.append(("status code", "malformed" if body.is_malformed else str(body.code)))
        payload = b"" if body.is_malformed else body.reason
        if not payload:
            return found
        return [*found, ("reason", _text(payload, partial))]
    if header.opcode in (TEXT, PING, PONG, CONTINUATION) and not header.rsv:
        return [("payload data", _text(payload, partial))]
    return [("payload data", payload[:64].hex(" ") + (" …" if partial or len(payload) > 64 else ""))]


def _text(octets: bytes, partial: bool) -> str:
    return f"“{octets.decode(errors='backslashreplace')}”{' …' if partial else ''}"


def _is_plain(octets: Octets) -> bool:
    if octets.sha256 is None:
        return _PLAIN.fullmatch(octets.head) is not None
    return _PLAIN_PARTS.fullmatch(octets.head + octets.tail) is not None


def _lines(octets: Octets) -> tuple[str, ...]:
    between = octets.length - len(octets.head) - len(octets.tail)
    more = (f"… {between} octets are not kept …", *_split(octets.tail)) if octets.sha256 else ()
    return (*_split(octets.head), *more) if octets.head else ()


def _split(octets: bytes) -> tuple[str, ...]:
    text = octets.decode("latin-1").replace("\r\n", "\n").rstrip("\n")
    return tuple(shown(line) for line in text.split("\n"))


def _dump(octets: Octets) -> list[str]:
    lines = _hex(octets.head, 0)
    if octets.sha256 is not None:
        between = octets.length - len(octets.head) - len(octets.tail)
        lines.append(f"      … {between} octets are not kept; all {octets.length} have SHA-256 {octets.sha256[:16]}…")
        lines += _hex(octets.tail, octets.length - len(octets.tail))
    return lines


def _hex(octets: bytes, offset: int) -> list[str]:
    lines = []
    for start in range(0, len(octets), _WIDTH):
        piece = octets[start : start + _WIDTH]
        letters = "".join(chr(octet) if 0x20 <= octet < 0x7F else "·" for octet in piece)
        lines.append(f"{offset + start:04x}  {piece.hex(' '):<{_WIDTH * 3 - 1}}  {letters}")
    return lines
