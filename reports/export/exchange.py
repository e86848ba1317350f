"""What was said in one case, as steps that another tool can take: octets out, octets to wait for, ends of streams."""

from __future__ import annotations

import base64
import enum
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from wsconform.escape import shown
from wsconform.evidence.result import Direction, EntryKind, Octets, Result, TranscriptEntry
from wsconform.journal.journal import TargetRecord
from wsconform.registry.requirement import Role

__all__ = ["CannotExport", "Exchange", "Kind", "Step", "accept_value", "field"]

#: Entries of ours that follow each other within so many microseconds left in one write, as far as a journal can tell.
_TOGETHER = 1000

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


_NOTHING = Octets()


class CannotExport(ValueError):
    """The journal does not hold what this export needs; one line says what is missing, and what to do."""


class Kind(enum.Enum):
    """What a step is."""

    SEND = "send"
    RECEIVE = "receive"
    #: The target's head of a response or request: as long as it is, up to the empty line.
    HEAD = "head"
    FIN = "fin"
    RST = "rst"
    #: The target ended the stream.
    END = "end"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened on a connection (numbered from 1), `micros` after the case began.

    `summaries` tell each entry of the transcript that went into it, `pieces` are their octets.
    """

    kind: Kind
    connection: int
    micros: int
    octets: Octets = _NOTHING
    summaries: tuple[str, ...] = ()
    pieces: tuple[bytes, ...] = ()

    @property
    def is_ours(self) -> bool:
        """Whether we did it."""
        return self.kind in (Kind.SEND, Kind.FIN, Kind.RST)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One result of one target, ready to be written down; `start` is when the run began (ISO 8601)."""

    target: TargetRecord
    result: Result
    start: str = ""

    @property
    def host(self) -> str:
        """The target's host; for a client, the host that it was told."""
        host = urlsplit(self.target.address).hostname or ""
        return host if re.fullmatch(r"[A-Za-z0-9.:_-]+", host) else "127.0.0.1"

    @property
    def port(self) -> int:
        """The target's port; for a client, ours."""
        try:
            port = urlsplit(self.target.address).port
        except ValueError:
            port = None
        return port or (443 if self.tls else 80)

    @property
    def tls(self) -> bool:
        """Whether TLS was below what the journal recorded."""
        return self.target.transport == "tls"

    @property
    def we_dial(self) -> bool:
        """Whether the connections were ours to open."""
        return self.result.role is not Role.CLIENT

    def about(self) -> Iterator[str]:
        """Return lines that say what this is: the case, where it was recorded, what was found."""
        result, target = self.result, self.target
        yield shown(result.case)
        if result.title:
            yield shown(result.title)
        where = ", ".join(dict.fromkeys((shown(target.name), shown(target.address))))
        yield f"Recorded at {where}: {result.mark.words}."
        if result.finding:
            yield f"  expected  {shown(result.finding.expected)}"
            yield f"  observed  {shown(result.finding.observed)}"
        if any(b": ***" in entry.octets.head for entry in result.transcript):
            yield "Credentials were masked with asterisks before they were recorded; put your own in their place."

    def steps(self, *, theirs_whole: bool = False) -> list[Step]:
        """Return what happened in order, our octets whole; what left in one write is one step.

        Raises CannotExport where octets of ours are missing, or of the target's if `theirs_whole`.
        """
        found = list[Step]()
        for number, entry in enumerate(self.result.transcript):
            self._check(number, entry, theirs_whole=theirs_whole)
            for step in _steps(entry):
                last = found[-1] if found else None
                if last and _left_together(last, step):
                    octets = Octets.of(last.octets.head + step.octets.head, whole=True)
                    found[-1] = replace(
                        last,
                        octets=octets,
                        summaries=(*last.summaries, *step.summaries),
                        pieces=(*last.pieces, *step.pieces),
                    )
                else:
                    found.append(step)
        if not any(step.kind is not Kind.END for step in found):
            raise CannotExport(f"{self.result.case}: nothing was sent or received in this case")
        return found

    def _check(self, number: int, entry: TranscriptEntry, *, theirs_whole: bool) -> None:
        again = f"wsconform run {self.target.name} -c '{self.result.case}' --whole"
        if entry.kind is EntryKind.GAP:
            raise CannotExport(
                f"{self.result.case}: {entry.summary}, which no journal keeps; `wsconform replay` puts the case again"
            )
        if entry.octets.sha256 is None or (entry.direction is Direction.TARGET and not theirs_whole):
            return
        whose = "ours" if entry.direction is Direction.OURS else "the target's"
        raise CannotExport(
            f"{self.result.case}: of {entry.octets.length} octets of {whose} (entry {number + 1}) the journal has head"
            f" and tail; run `{again}` and export from that journal"
        )


def _steps(entry: TranscriptEntry) -> Iterator[Step]:
    told = (entry.summary,) if entry.summary else ()
    match entry.direction:
        case Direction.OURS:
            yield Step(Kind.SEND, entry.connection, entry.micros, entry.octets, (entry.summary,), (entry.octets.head,))
        case Direction.TARGET if entry.kind in ("request", "response"):
            yield Step(Kind.HEAD, entry.connection, entry.micros, entry.octets, told)
        case Direction.TARGET if entry.octets.length:
            yield Step(Kind.RECEIVE, entry.connection, entry.micros, entry.octets, told)
        case Direction.TARGET:
            yield Step(Kind.END, entry.connection, entry.micros, summaries=told)
        case Direction.EVENT if entry.kind is EntryKind.FIN:
            yield Step(Kind.FIN, entry.connection, entry.micros, summaries=told)
        case Direction.EVENT if entry.kind is EntryKind.RST:
            yield Step(Kind.RST, entry.connection, entry.micros, summaries=told)
        case _:
            return


def _left_together(last: Step, step: Step) -> bool:
    return (
        last.kind is step.kind is Kind.SEND
        and last.connection == step.connection
        and step.micros - last.micros <= _TOGETHER
    )


def field(head: bytes, name: str) -> bytes | None:
    """Return the value of the field `name` in the head of a request or response, None if it has none."""
    found = re.search(rb"(?im)^" + name.encode() + rb"[ \t]*:[ \t]*([^\r\n]*)", head)
    return found[1].strip() if found else None


def accept_value(key: bytes) -> bytes:
    """Return the Sec-WebSocket-Accept that answers `key` (RFC 6455 section 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key + _GUID).digest())
