"""Invented journals for tests of reports: plausible ones of any size, and one full of hostile text."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from wsconform.evidence.result import (
    Attempt,
    Direction,
    EntryKind,
    Finding,
    Octets,
    Reason,
    Result,
    TranscriptEntry,
    Verdict,
)
from wsconform.journal.journal import Footer, Header, Journal, TargetRecord, TargetResults
from wsconform.registry.requirement import Level, Role
from wsconform.wire.close import CloseBody
from wsconform.wire.frame import CLOSE, RSV1, Frame, LengthForm

KEY = bytes.fromhex("37fa213d")
OURS, TARGET, EVENT = Direction.OURS, Direction.TARGET, Direction.EVENT
NAMES = ("node-ws", "tungstenite", "echo-go", "libwebsockets", "beast", "civetweb", "aiohttp", "tornado")
REQUEST = (
    b"GET /chat HTTP/1.1\r\nHost: 127.0.0.1:9001\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "\x1b[31mred\x07\x00\x9b2J",
    "abc\u202etxt.exe\u2066",
    "| a | `b` | **c** |\n\n# head\n- [x](javascript:alert(1))",
    "]]>&amp;<![CDATA[",
    "\ud800\udfff\ufffe",
    "{{ 7 * 7 }}{% raw %}</style></template>",
    "%2e%2e/../../etc/passwd?#frag[0x3]",
    b"\xff\xfe\x80\xed\xa0\x80".decode("latin-1"),
)


def summary_of(frame: Frame) -> str:
    """Return the summary of a frame in a transcript."""
    if frame.opcode == CLOSE:
        return f"{frame} {CloseBody(frame.payload)}"
    return f'{frame} "{frame.payload[:24].decode(errors="replace")}"' if frame.payload else str(frame)


def sent(micros: int, frame: Frame) -> TranscriptEntry:
    """Return the entry of a masked frame that we sent."""
    masked = frame.masked(KEY)
    return TranscriptEntry(
        micros=micros,
        direction=OURS,
        kind=EntryKind.FRAME,
        summary=summary_of(masked),
        octets=Octets.of(masked.encode()),
    )


def came(micros: int, frame: Frame) -> TranscriptEntry:
    """Return the entry of a frame that the target sent."""
    return TranscriptEntry(
        micros=micros,
        direction=TARGET,
        kind=EntryKind.FRAME,
        summary=summary_of(frame),
        octets=Octets.of(frame.encode()),
    )


_ENDS = {"FIN": EntryKind.FIN, "our FIN": EntryKind.FIN, "RST": EntryKind.RST, "our RST": EntryKind.RST}


def happened(micros: int, what: str, direction: Direction = EVENT) -> TranscriptEntry:
    """Return the entry of an event, or of an end of the stream: the target's has direction TARGET."""
    return TranscriptEntry(micros=micros, direction=direction, kind=_ENDS.get(what, EntryKind.EVENT), summary=what)


def opened() -> tuple[TranscriptEntry, ...]:
    """Return the entries of an opening handshake."""
    return (
        TranscriptEntry(
            micros=210, direction=OURS, kind=EntryKind.REQUEST, summary="GET /chat HTTP/1.1", octets=Octets.of(REQUEST)
        ),
        TranscriptEntry(
            micros=890,
            direction=TARGET,
            kind=EntryKind.RESPONSE,
            summary="HTTP/1.1 101 Switching Protocols",
            octets=Octets.of(RESPONSE),
        ),
    )


def result(case: str = "framing.masking.unmasked_frame_is_refused", **fields: object) -> Result:
    """Return a passed result of `case`; `fields` replace other fields of Result."""
    default = Result(
        case=case,
        title="A frame masked against the rule of its direction is refused, not repaired.",
        role=Role.SERVER,
        requirement="6455-5.1-3",
        level=Level.MUST,
        verdict=Verdict.PASSED,
        cites=("6455-5.1-3",),
        micros=2400,
        transcript=(*opened(), sent(1200, Frame.text("Hello")), came(1400, Frame.close(1002))),
    )
    return replace(default, **fields)  # type: ignore[arg-type]


def target(name: str = "node-ws", **fields: object) -> TargetRecord:
    """Return the record of a target; `fields` replace its other fields."""
    default = TargetRecord(
        name=name,
        role=Role.SERVER,
        address="ws://127.0.0.1:9001/",
        info={"language": "JavaScript", "version": "8.18.0", "homepage": "https://ws.example/"},
        offers=("permessage-deflate; client_max_window_bits=15",),
        echo=True,
        round_trip=0.00042,
        notes={"largest message": "1048576 octets", "who ends TCP": "the target"},
    )
    return replace(default, **fields)  # type: ignore[arg-type]


def header(**fields: object) -> Header:
    """Return the header of a run; `fields` replace its fields."""
    default = Header(
        catalogue="1.4",
        documents=("RFC6455", "RFC7692", "RFC8441"),
        command="wsconform run",
        seed=6455,
        platform="Linux x86_64, CPython 3.11.7",
        start="2027-01-12T09:30:00Z",
    )
    return replace(default, **fields)  # type: ignore[arg-type]


def journal(*columns: tuple[TargetRecord, Sequence[Result]], why: str | None = "done") -> Journal:
    """Return a journal of these targets and results; without `why` it has no footer."""
    return Journal(
        header(),
        tuple(TargetResults(record, tuple(results)) for record, results in columns),
        Footer(why=why, end="2027-01-12T09:30:11Z", seconds=11.2) if why is not None else None,
    )


@dataclass(frozen=True, kw_only=True)
class Family:
    """An invented family: its citation, its stimulus, and the answer of a bad target."""

    id: str
    title: str
    requirement: str
    level: Level
    stimulus: Frame
    echo: Frame
    parameters: tuple[str, ...] = ("",)
    expected: str = "the connection to be failed"
    observed: str = "our payload came back after 0.4 ms"
    hint: str = ""
    why: str = ""


HELLO = Frame.text("Hello")
FAMILIES = (
    Family(
        id="framing.opcodes.unknown_opcode_fails_the_connection",
        title="An opcode without a meaning is neither skipped nor guessed at.",
        requirement="6455-5.2-6",
        level=Level.MUST,
        stimulus=Frame(0x3, b"Hello"),
        echo=Frame(0x3, b"Hello"),
        parameters=tuple(f"[{opcode:#x}]" for opcode in (3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF)),
        hint="refuse opcodes 3-7 and 11-15 before reading the payload",
        why="A target that takes an unknown opcode for one that it knows hands octets to an application that never\n"
        "agreed to them.\n\nA later extension could then not be distinguished from an error.",
    ),
    Family(
        id="framing.masking.wrongly_masked_frame_fails_the_connection",
        title="A frame masked against the rule of its direction is refused, not repaired.",
        requirement="6455-5.1-3",
        level=Level.MUST,
        stimulus=HELLO,
        echo=HELLO,
        why="Nothing else about the frame is wrong, so a target that ignores the MASK bit echoes the message.",
    ),
    Family(
        id="framing.reserved.rsv_bit_without_an_extension_fails_the_connection",
        title="A reserved bit means nothing unless an extension gave it a meaning.",
        requirement="6455-5.2-3",
        level=Level.MUST,
        stimulus=Frame.text("Hello", rsv=RSV1),
        echo=HELLO,
        parameters=("[RSV1]", "[RSV2]", "[RSV3]"),
    ),
    Family(
        id="framing.lengths.padded_length_is_not_taken",
        title="A length in more octets than it needs breaks the sender's rule.",
        requirement="6455-5.2-15",
        level=Level.PROSE,
        stimulus=Frame(0x1, b"Hello", form=LengthForm.LONG),
        echo=HELLO,
        observed="the message was taken as if its length were written in 7 bits",
    ),
    Family(
        id="fragmentation.interleaved.second_message_before_the_first_ends_fails",
        title="A message begins only when the one before it has ended.",
        requirement="6455-5.4-4",
        level=Level.PROSE,
        stimulus=Frame.text("Hel", fin=False),
        echo=HELLO,
    ),
    Family(
        id="fragmentation.control.ping_between_fragments_is_answered",
        title="A control frame between the fragments of a message is dealt with at once.",
        requirement="6455-5.4-10",
        level=Level.MUST,
        stimulus=Frame.ping(b"now"),
        echo=Frame.pong(b"later"),
        expected="a Pong with the data of our Ping",
        observed="a Pong with other data",
    ),
    Family(
        id="control.ping.pong_repeats_the_data",
        title="A Pong has the data of the Ping that it answers, octet for octet.",
        requirement="6455-5.5.3-1",
        level=Level.PROSE,
        stimulus=Frame.ping(bytes(range(125))),
        echo=Frame.pong(b""),
        parameters=("[0]", "[1]", "[125]"),
        expected="a Pong with the data of our Ping",
        observed="a Pong without data",
    ),
    Family(
        id="closing.handshake.reply_comes_as_soon_as_practical",
        title="A Close is answered without waiting for anything else.",
        requirement="6455-5.5.1-13",
        level=Level.SHOULD,
        stimulus=Frame.close(1000),
        echo=Frame.close(1000),
        expected="a Close within 1 s",
        observed="a Close after 4.2 s",
    ),
    Family(
        id="closing.codes.forbidden_status_code_is_refused",
        title="A status code that must not stand on the wire is a protocol error.",
        requirement="6455-7.4.1-10",
        level=Level.PROSE,
        stimulus=Frame.close(1005),
        echo=Frame.close(1005),
        parameters=("[999]", "[1004]", "[1005]", "[1006]", "[1015]"),
        expected="Close 1002 or the end of the connection",
        observed="the same status code, sent back",
    ),
    Family(
        id="utf8.text.invalid_text_fails_the_connection",
        title="Invalid UTF-8 never reaches an application as text.",
        requirement="6455-8.1-1",
        level=Level.MUST,
        stimulus=Frame.text(b"\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80edited"),
        echo=Frame.text(b"\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80edited"),
        expected="Close 1007 or the end of the connection",
    ),
    Family(
        id="opening.fields.version_other_than_13_is_refused",
        title="A version that the server does not speak is answered with those that it does.",
        requirement="6455-4.2.2-11",
        level=Level.MUST,
        stimulus=HELLO,
        echo=HELLO,
        parameters=("[0]", "[8]", "[14]", "[255]"),
        expected="426 with Sec-WebSocket-Version: 13",
        observed="101 Switching Protocols",
    ),
    Family(
        id="limits.large_message_comes_back",
        title="A message of one mebioctet is received and comes back as it was sent.",
        requirement="6455-5.4-13",
        level=Level.MUST,
        stimulus=Frame.binary(bytes(range(256)) * 40),
        echo=Frame.binary(bytes(range(256)) * 40),
        expected="our message",
        observed="another message",
    ),
)

#: The conducts of targets to draw from; most are correct.
_CONDUCTS = ("refuse",) * 11 + ("fin", "fin", "echo", "depart", "note", "lost", "limit", "skip", "error", "reset")


def catalogue(cases: int) -> Iterator[tuple[Family, str]]:
    """Yield families and parameters for this number of `cases`: those of FAMILIES first, then variations of them."""
    count, number = 0, 0
    while count < cases:
        for family in FAMILIES:
            shown = family if not number else replace(family, id=f"{family.id}_{number}")
            for parameter in family.parameters:
                if count == cases:
                    return
                yield shown, parameter
                count += 1
        number += 1


def judged(family: Family, parameter: str, conduct: str) -> Result:
    """Return the result of a family's case at a target with this `conduct`."""
    case = family.id + parameter
    start = (*opened(), sent(1210, family.stimulus))
    passed = result(
        case,
        title=family.title,
        requirement=family.requirement,
        cites=(family.requirement, "6455-5.1-6"),
        level=family.level,
        hint=family.hint,
        extra={"why": family.why} if family.why else {},
        transcript=(*start, came(1420, Frame.close(1002, "no")), happened(1500, "FIN", TARGET)),
    )
    finding = Finding(family.expected, family.observed, 3)
    match conduct:
        case "fin":
            return replace(passed, transcript=(*start, happened(1501, "FIN", TARGET)), notes=(("status code", "None"),))
        case "reset":
            return replace(passed, transcript=(*start, happened(1502, "RST", TARGET)))
        case "echo":
            entries = (*start, came(1430, family.echo), sent(1600, Frame.close(1000)), came(1700, Frame.close(1000)))
            return replace(passed, verdict=Verdict.FAILED, finding=finding, transcript=entries)
        case "depart":
            entries = (*start, came(1433, Frame.close(1008)), happened(1500, "FIN", TARGET))
            found = Finding("the behaviour that the RFC recommends", "a status code of another kind, 1008")
            return replace(passed, verdict=Verdict.DEPARTED, finding=found, transcript=entries)
        case "note":
            found = Finding("either way", "a bare FIN, no Close frame")
            entries = (*start, happened(1500, "FIN", TARGET))
            return replace(passed, verdict=Verdict.INFORMATIONAL, finding=found, transcript=entries)
        case "lost":
            found = Finding("to reach the requirement", "the target no longer accepts connections")
            entries = (happened(30, "connection refused"),)
            return replace(passed, verdict=Verdict.INCONCLUSIVE, reason=Reason.LOST, finding=found, transcript=entries)
        case "limit":
            found = Finding("to reach the requirement", "Close 1009: the target's own limit", 3)
            entries = (*start, came(1433, Frame.close(1009)), happened(1500, "FIN", TARGET))
            return replace(passed, verdict=Verdict.INCONCLUSIVE, reason=Reason.LIMIT, finding=found, transcript=entries)
        case "skip":
            found = Finding("an echo", "the target's application does not echo")
            return replace(passed, verdict=Verdict.SKIPPED, reason=Reason.NEEDS_ECHO, finding=found, transcript=())
        case "error":
            found = Finding("the suite to work", "ZeroDivisionError: division by zero (utf8.py:31)")
            return replace(passed, verdict=Verdict.ERROR, finding=found, transcript=start)
    return passed


def plausible(targets: int = 5, cases: int = 31, *, faults: int = 1) -> Journal:
    """Return a journal with this number of `targets` and `cases`; more `faults` mean fewer passed results."""
    columns = []
    for place in range(targets):
        name = NAMES[place] if place < len(NAMES) else f"target-{place + 1}"
        results = []
        for family, parameter in catalogue(cases):
            draw = zlib.crc32(f"{name} {family.id} {parameter if place % 3 else ''}".encode())
            good = draw // 64 % 8 >= faults * (place % 3)
            results.append(judged(family, parameter, "refuse" if good else _CONDUCTS[draw % len(_CONDUCTS)]))
        columns.append((target(name, address=f"ws://127.0.0.1:{9001 + place}/"), results))
    _expect_the_first_failure([results for _, results in columns])
    return journal(*columns)


def _expect_the_first_failure(columns: list[list[Result]]) -> None:
    for results in columns:
        for number, each in enumerate(results):
            if each.verdict is Verdict.FAILED:
                attempts = (Attempt(Verdict.PASSED, None, 900),)
                results[number] = replace(each, expected="rewritten in 2.0", attempts=attempts, flaky=True)
                return


def hostile() -> Journal:
    """Return a journal in which every free text is hostile, with one result for each text and verdict."""
    columns = []
    for place, text in enumerate(HOSTILE):
        results = []
        for number, verdict in enumerate(Verdict):
            other = HOSTILE[(place + number) % len(HOSTILE)]
            reason = {Verdict.INCONCLUSIVE: Reason.ARRANGING, Verdict.SKIPPED: Reason.EXCLUDED}.get(verdict)
            results.append(
                result(
                    f"area{number}.{other}.case[{text}]",
                    title=text,
                    verdict=verdict,
                    finding=Finding(other, text, 2) if verdict is not Verdict.PASSED else None,
                    reason=reason,
                    requirement=f"0000-{text}-1" if number % 2 else "6455-5.1-3",
                    cites=(other,),
                    notes=((text, other),),
                    hint=other,
                    reading=text,
                    expected=text if verdict is Verdict.FAILED else None,
                    extra={"why": f"{text}\n\n{other}", text: other},
                    transcript=(
                        TranscriptEntry(
                            micros=1,
                            direction=OURS,
                            kind=EntryKind.REQUEST,
                            summary=text,
                            octets=Octets.of(other.encode(errors="surrogatepass")),
                        ),
                        TranscriptEntry(
                            micros=2,
                            direction=TARGET,
                            kind=EntryKind.RESPONSE,
                            summary=other,
                            octets=Octets.of(b"HTTP/1.1 200 \x1b[m<b>\r\n\xff: \x00\r\n\r\n"),
                        ),
                        TranscriptEntry(
                            micros=3,
                            direction=TARGET,
                            kind=EntryKind.FRAME,
                            summary=text,
                            octets=Octets.of(Frame.text(b"<b>\x1b\xff" * 90).encode()),
                        ),
                        TranscriptEntry(
                            micros=4, direction=TARGET, kind=EntryKind.OCTETS, summary=other, octets=Octets.of(b"\x81")
                        ),
                        TranscriptEntry(
                            micros=5,
                            direction=EVENT,
                            kind=EntryKind.EVENT,
                            summary=other,
                            octets=Octets(),
                            connection=2,
                        ),
                    ),
                )
            )
        columns.append(
            (
                target(
                    text,
                    address=text,
                    info={text: text, "homepage": "javascript:alert(1)"},
                    offers=(text,),
                    notes={text: text},
                ),
                results,
            )
        )
    default = journal(*columns)
    hostile_header = header(catalogue=HOSTILE[0], command=HOSTILE[1], platform=HOSTILE[2], start=HOSTILE[4])
    return replace(default, header=hostile_header, footer=Footer(why=HOSTILE[3], end=HOSTILE[5]))
