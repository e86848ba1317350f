"""A shell script: printf into netcat, or into openssl for TLS. Pauses take the place of waiting for the target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wsconform.escape import shown
from wsconform.evidence.result import Result
from wsconform.journal.journal import TargetRecord

from .exchange import CannotExport, Exchange, Step, StepKind

_PAUSE, _AT_THE_END = "sleep 0.3", "sleep 2"
_LINE = 100


def render(target: TargetRecord, result: Result, start: str = "") -> bytes:
    """Return a script for sh. Raises CannotExport for a client, and if octets of ours are missing from the journal."""
    exchange = Exchange(target, result, start)
    if not exchange.we_dial:
        raise CannotExport(f"{result.case}: netcat cannot answer a client's key; use --as python")
    steps = exchange.steps()
    numbers = list(dict.fromkeys(step.connection for step in steps))
    lines = [
        "#!/bin/sh",
        *(f"# {line}" for line in exchange.about()),
        "# For another target: HOST=... PORT=... sh FILE. netcat cannot wait for answers, the script pauses instead.",
        f'HOST="${{HOST:-{exchange.host}}}" PORT="${{PORT:-{exchange.port}}}"',
    ]
    if len(numbers) > 1:
        lines.append(f"# The {len(numbers)} connections run one after the other here; the case interleaved them.")
    for number in numbers:
        lines += ["", *_connection([step for step in steps if step.connection == number], exchange)]
    return ("\n".join(lines) + "\n").encode("ascii", "backslashreplace")


def _connection(steps: Sequence[Step], exchange: Exchange) -> Iterator[str]:
    yield "{"
    waited = True
    for step in steps:
        summary = "; ".join(shown(summary) for summary in step.summaries)
        match step.kind:
            case StepKind.SEND:
                if not waited:
                    yield f"  {_PAUSE}"
                waited = True
                yield f"  # {summary}"
                yield from (f"  printf '{part}'" for part in _parts(step.octets.head))
            case StepKind.RECEIVE | StepKind.HEAD | StepKind.END | StepKind.RESET:
                waited = False
                yield f"  # target: {summary}"
            case StepKind.FIN:
                yield "  # our FIN: the input of netcat ends"
            case StepKind.RST:
                yield "  # our RST: netcat cannot send one"
    ends = steps[-1].kind is StepKind.RST or any(step.kind is StepKind.FIN for step in steps)
    if not ends:
        yield f"  {_AT_THE_END}"
    elif not any(step.kind is StepKind.SEND and step.octets.head for step in steps):
        # Braces that contain only comments are a syntax error.
        yield "  :"
    if exchange.tls:
        host = "[$HOST]" if ":" in exchange.host else "$HOST"
        yield f'}} | openssl s_client -quiet -connect "{host}:$PORT" 2>/dev/null | od -A d -t x1z'
    else:
        yield f'}} | nc {"-N " if ends else ""}"$HOST" "$PORT" | od -A d -t x1z'


def _parts(octets: bytes) -> Iterator[str]:
    """Yield the octets as formats for printf: one for each line of HTTP, and cut to the length of a line."""
    part = ""
    for octet in octets:
        # A hyphen at the beginning would turn the format into an option.
        plain = 0x20 <= octet < 0x7F and (part or octet != 0x2D)
        part += _ESCAPES.get(octet) or (chr(octet) if plain else f"\\{octet:03o}")
        if octet == 0x0A or len(part) >= _LINE:
            yield part
            part = ""
    if part:
        yield part


#: Octets with a special meaning in formats of printf or in single quotes.
_ESCAPES = {0x0A: "\\n", 0x0D: "\\r", 0x25: "%%", 0x27: "\\047", 0x5C: "\\\\"}
