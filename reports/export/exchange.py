"""The transcript of a case as steps for another tool: octets to send, octets to wait for, ends of streams."""

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

__all__ = ["CannotExport", "Exchange", "Step", "StepKind", "accept_value", "field"]

#: Entries of ours with at most this distance, in microseconds, count as one write. The journal does not record writes.
_TOGETHER = 1000

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


_NOTHING = Octets()


class CannotExport(ValueError):
    """The journal lacks something that this export needs. The message names it and the remedy, in one line."""


class StepKind(enum.Enum):
    """The kind of a step."""

    SEND = "send"
    RECEIVE = "receive"
    #: The target sent the head of a request or response: of any length, up to the empty line.
    HEAD = "head"
    FIN = "fin"
    RST = "rst"
    #: The target ended its direction of the stream (FIN).
    END = "end"
    #: The target reset the stream (RST).
    RESET = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One act on a connection (numbered from 1), `micros` microseconds after the start of the case.

    `summaries` and `pieces` are the summaries and the octets of the transcript entries that the step combines.
    """

    kind: StepKind
    connection: int
    micros: int
    octets: Octets = _NOTHING
    summaries: tuple[str, ...] = ()
    pieces: tuple[bytes, ...] = ()

    @property
    def is_ours(self) -> bool:
        """Whether the act is ours."""
        return self.kind in (StepKind.SEND, StepKind.FIN, StepKind.RST)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One result of one target, ready for export; `start` is the start of the run (ISO 8601)."""

    target: TargetRecord
    result: Result
    start: str = ""

    @property
    def host(self) -> str:
        """The target's host; for a client, the host of the URL that it got."""
        host = urlsplit(self.target.address).hostname or ""
        return host if re.fullmatch(r"[A-Za-z0-9.:_-]+", host) else "127.0.0.1"

    @property
    def port(self) -> int:
        """The target's port; for a client, our port."""
        try:
            port = urlsplit(self.target.address).port
        except ValueError:
            port = None
        return port or (443 if self.tls else 80)

    @property
    def tls(self) -> bool:
        """Whether the recorded octets were sent over TLS."""
        return self.target.transport == "tls"

    @property
    def we_dial(self) -> bool:
        """Whether we open the connections."""
        return self.result.role is not Role.CLIENT

    def about(self) -> Iterator[str]:
        """Yield lines for the head of the export: the case, the target, the mark and the finding."""
        result, target = self.result, self.target
        yield shown(result.case)
        if result.title:
            yield shown(result.title)
        place = ", ".join(dict.fromkeys((shown(target.name), shown(target.address))))
        yield f"Recorded at {place}: {result.mark.words}."
        if result.finding:
            yield f"  expected  {shown(result.finding.expected)}"
            yield f"  observed  {shown(result.finding.observed)}"
        if any(b": ***" in entry.octets.head for entry in result.transcript):
            yield "Credentials were replaced with asterisks before they were recorded. Insert your own."

    def steps(self, *, theirs_whole: bool = False) -> list[Step]:
        """Return the steps in order; our octets are complete, and those of one write form one step.

        Raises CannotExport if octets of ours are missing from the journal, or octets of the target if `theirs_whole`.
        """
        found = list[Step]()
        for number, entry in enumerate(self.result.transcript):
            self._check(number, entry, theirs_whole=theirs_whole)
            for step in _steps(entry):
                last = found[-1] if found else None
                if last and _is_same_write(last, step):
                    octets = Octets.of(last.octets.head + step.octets.head, whole=True)
                    found[-1] = replace(
                        last,
                        octets=octets,
                        summaries=(*last.summaries, *step.summaries),
                        pieces=(*last.pieces, *step.pieces),
                    )
                else:
                    found.append(step)
        if all(step.kind in (StepKind.END, StepKind.RESET) for step in found):
            raise CannotExport(f"{self.result.case}: nothing was sent or received in this case")
        return found

    def _check(self, number: int, entry: TranscriptEntry, *, theirs_whole: bool) -> None:
        rerun = f"wsconform run {self.target.name} -c '{self.result.case}' --whole"
        if entry.kind is EntryKind.GAP:
            raise CannotExport(
                f"{self.result.case}: {entry.summary}, and no journal keeps them;"
                " run the case again with `wsconform replay`"
            )
        if entry.octets.sha256 is None or (entry.direction is Direction.TARGET and not theirs_whole):
            return
        whose = "ours" if entry.direction is Direction.OURS else "the target's"
        raise CannotExport(
            f"{self.result.case}: of {entry.octets.length} octets of {whose} (entry {number + 1}) the journal has only"
            f" head and tail; run `{rerun}` and export from the new journal"
        )


def _steps(entry: TranscriptEntry) -> Iterator[Step]:
    summaries = (entry.summary,) if entry.summary else ()
    match entry.direction:
        case Direction.OURS:
            yield _step(StepKind.SEND, entry, (entry.summary,), pieces=(entry.octets.head,))
        case Direction.TARGET if entry.kind in ("request", "response"):
            yield _step(StepKind.HEAD, entry, summaries)
        case Direction.TARGET if entry.octets.length:
            yield _step(StepKind.RECEIVE, entry, summaries)
        case Direction.TARGET if entry.kind is EntryKind.RST:
            yield _step(StepKind.RESET, entry, summaries)
        case Direction.TARGET:
            yield _step(StepKind.END, entry, summaries)
        case Direction.EVENT if entry.kind is EntryKind.FIN:
            yield _step(StepKind.FIN, entry, summaries)
        case Direction.EVENT if entry.kind is EntryKind.RST:
            yield _step(StepKind.RST, entry, summaries)
        case _:
            return


def _step(kind: StepKind, entry: TranscriptEntry, summaries: tuple[str, ...], pieces: tuple[bytes, ...] = ()) -> Step:
    return Step(
        kind=kind,
        connection=entry.connection,
        micros=entry.micros,
        octets=entry.octets,
        summaries=summaries,
        pieces=pieces,
    )


def _is_same_write(last: Step, step: Step) -> bool:
    return (
        last.kind is step.kind is StepKind.SEND
        and last.connection == step.connection
        and step.micros - last.micros <= _TOGETHER
    )


def field(head: bytes, name: str) -> bytes | None:
    """Return the value of the field `name` in the head of a request or response, None without the field."""
    found = re.search(rb"(?im)^" + name.encode() + rb"[ \t]*:[ \t]*([^\r\n]*)", head)
    return found[1].strip() if found else None


def accept_value(key: bytes) -> bytes:
    """Return the Sec-WebSocket-Accept that answers `key` (RFC 6455 section 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key + _GUID).digest())
