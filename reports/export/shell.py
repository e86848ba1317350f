"""Shell lines: printf into netcat, or into openssl over TLS; pauses stand for what has to be awaited."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wsconform.escape import shown
from wsconform.evidence.result import Result
from wsconform.journal.journal import TargetRecord

from .exchange import CannotExport, Exchange, Kind, Step

_PAUSE, _AT_THE_END = "sleep 0.3", "sleep 2"
_LINE = 100


def render(target: TargetRecord, result: Result, start: str = "") -> bytes:
    """Return a script for sh; raises CannotExport for a client, and where octets of ours are missing."""
    exchange = Exchange(target, result, start)
    if not exchange.we_dial:
        raise CannotExport(f"{result.case}: netcat cannot answer a client's key; take --as python")
    steps = exchange.steps()
    numbers = list(dict.fromkeys(step.connection for step in steps))
    lines = [
        "#!/bin/sh",
        *(f"# {line}" for line in exchange.about()),
        "# Another target: HOST=... PORT=... sh FILE. Pauses stand for what was awaited; netcat awaits nothing.",
        f'HOST="${{HOST:-{exchange.host}}}" PORT="${{PORT:-{exchange.port}}}"',
    ]
    if len(numbers) > 1:
        lines.append(f"# The {len(numbers)} connections follow each other here; they were interleaved.")
    for number in numbers:
        lines += ["", *_connection([step for step in steps if step.connection == number], exchange)]
    return ("\n".join(lines) + "\n").encode("ascii", "backslashreplace")


def _connection(steps: Sequence[Step], exchange: Exchange) -> Iterator[str]:
    yield "{"
    waited = True
    for step in steps:
        told = "; ".join(shown(summary) for summary in step.summaries)
        match step.kind:
            case Kind.SEND:
                if not waited:
                    yield f"  {_PAUSE}"
                waited = True
                yield f"  # {told}"
                yield from (f"  printf '{part}'" for part in _parts(step.octets.head))
            case Kind.RECEIVE | Kind.HEAD | Kind.END:
                waited = False
                yield f"  # target: {told}"
            case Kind.FIN:
                yield "  # our FIN: the end of these lines"
            case Kind.RST:
                yield "  # our RST: netcat cannot send one"
    ends = steps[-1].kind is Kind.RST or any(step.kind is Kind.FIN for step in steps)
    if not ends:
        yield f"  {_AT_THE_END}"
    elif not any(step.kind is Kind.SEND and step.octets.head for step in steps):
        # Braces around comments alone are no command.
        yield "  :"
    if exchange.tls:
        host = "[$HOST]" if ":" in exchange.host else "$HOST"
        yield f'}} | openssl s_client -quiet -connect "{host}:$PORT" 2>/dev/null | od -A d -t x1z'
    else:
        yield f'}} | nc {"-N " if ends else ""}"$HOST" "$PORT" | od -A d -t x1z'


def _parts(octets: bytes) -> Iterator[str]:
    """The octets as formats for printf, in pieces that a line takes, and a line of HTTP each."""
    part = ""
    for octet in octets:
        # At the beginning, a hyphen would make options of what follows.
        plain = 0x20 <= octet < 0x7F and (part or octet != 0x2D)
        part += _SAID.get(octet) or (chr(octet) if plain else f"\\{octet:03o}")
        if octet == 0x0A or len(part) >= _LINE:
            yield part
            part = ""
    if part:
        yield part


#: What printf, or the quotes around its format, would take for something else.
_SAID = {0x0A: "\\n", 0x0D: "\\r", 0x25: "%%", 0x27: "\\047", 0x5C: "\\\\"}
