"""Journals made up for tests of reports: plausible ones of any size, and one full of hostile text."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from wsconform.evidence.result import Attempt, Direction, Finding, Octets, Reason, Result, TranscriptEntry, Verdict
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


def told(frame: Frame) -> str:
    """Return a frame's summary in the words of a transcript."""
    if frame.opcode == CLOSE:
        return f"{frame} {CloseBody(frame.payload)}"
    return f'{frame} "{frame.payload[:24].decode(errors="replace")}"' if frame.payload else str(frame)


def sent(micros: int, frame: Frame) -> TranscriptEntry:
    """Return the entry of a frame of ours, masked."""
    masked = frame.masked(KEY)
    return TranscriptEntry(micros, OURS, "frame", told(masked), Octets.of(masked.encode()))


def came(micros: int, frame: Frame) -> TranscriptEntry:
    """Return the entry of a frame of the target's."""
    return TranscriptEntry(micros, TARGET, "frame", told(frame), Octets.of(frame.encode()))


def happened(micros: int, what: str, direction: Direction = EVENT) -> TranscriptEntry:
    """Return the entry of an event; a target's FIN or RST is one with direction TARGET."""
    kind = what.rsplit(maxsplit=1)[-1].lower() if what.rsplit(maxsplit=1)[-1] in ("FIN", "RST") else "event"
    return TranscriptEntry(micros, direction, kind, what)


def opened() -> tuple[TranscriptEntry, ...]:
    """Return the entries of an opening handshake."""
    return (
        TranscriptEntry(210, OURS, "request", "GET /chat HTTP/1.1", Octets.of(REQUEST)),
        TranscriptEntry(890, TARGET, "response", "HTTP/1.1 101 Switching Protocols", Octets.of(RESPONSE)),
    )


def result(case: str = "framing.masking.unmasked_frame_is_refused", **fields: object) -> Result:
    """Return a pass of `case`, other `fields` of Result as given."""
    made = Result(
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
    return replace(made, **fields)  # type: ignore[arg-type]


def target(name: str = "node-ws", **fields: object) -> TargetRecord:
    """Return a target's record, other `fields` as given."""
    made = TargetRecord(
        name,
        Role.SERVER,
        "ws://127.0.0.1:9001/",
        info={"language": "JavaScript", "version": "8.18.0", "homepage": "https://ws.example/"},
        offers=("permessage-deflate; client_max_window_bits=15",),
        echo=True,
        round_trip=0.00042,
        notes={"largest message": "1048576 octets", "who ends TCP": "the target"},
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def header(**fields: object) -> Header:
    """Return a run's header, other `fields` as given."""
    made = Header(
        catalogue="1.4",
        documents=("RFC6455", "RFC7692", "RFC8441"),
        command="wsconform run",
        seed=6455,
        platform="Linux x86_64, CPython 3.11.7",
        start="2027-01-12T09:30:00Z",
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def journal(*columns: tuple[TargetRecord, Sequence[Result]], why: str | None = "done") -> Journal:
    """Return a journal of these targets and results; without `why` it was cut off."""
    return Journal(
        header(),
        tuple(TargetResults(record, tuple(results)) for record, results in columns),
        Footer(why, "2027-01-12T09:30:11Z", 11.2) if why is not None else None,
    )


@dataclass(frozen=True)
class Family:
    """A made-up family: what it cites, what it sends, and how a bad target answers."""

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
        "framing.opcodes.unknown_opcode_fails_the_connection",
        "An opcode without a meaning is neither skipped nor guessed at.",
        "6455-5.2-6",
        Level.MUST,
        Frame(0x3, b"Hello"),
        Frame(0x3, b"Hello"),
        tuple(f"[{opcode:#x}]" for opcode in (3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF)),
        hint="refuse opcodes 3-7 and 11-15 before reading the payload",
        why="A target that takes an unknown opcode for one that it knows hands octets to an application that never\n"
        "agreed to them.\n\nA later extension could then not be told from an error.",
    ),
    Family(
        "framing.masking.wrongly_masked_frame_fails_the_connection",
        "A frame masked against the rule of its direction is refused, not repaired.",
        "6455-5.1-3",
        Level.MUST,
        HELLO,
        HELLO,
        why="Nothing else about the frame is wrong, so a target that ignores the MASK bit echoes the message.",
    ),
    Family(
        "framing.reserved.rsv_bit_without_an_extension_fails_the_connection",
        "A reserved bit means nothing unless an extension gave it a meaning.",
        "6455-5.2-3",
        Level.MUST,
        Frame.text("Hello", rsv=RSV1),
        HELLO,
        ("[RSV1]", "[RSV2]", "[RSV3]"),
    ),
    Family(
        "framing.lengths.padded_length_is_not_taken",
        "A length in more octets than it needs breaks the sender's rule.",
        "6455-5.2-15",
        Level.PROSE,
        Frame(0x1, b"Hello", form=LengthForm.LONG),
        HELLO,
        observed="the message was taken as if its length were written in 7 bits",
    ),
    Family(
        "fragmentation.interleaved.second_message_before_the_first_ends_fails",
        "A message begins only when the one before it has ended.",
        "6455-5.4-4",
        Level.PROSE,
        Frame.text("Hel", fin=False),
        HELLO,
    ),
    Family(
        "fragmentation.control.ping_between_fragments_is_answered",
        "A control frame between the fragments of a message is dealt with at once.",
        "6455-5.4-10",
        Level.MUST,
        Frame.ping(b"now"),
        Frame.pong(b"later"),
        expected="a Pong with the data of our Ping",
        observed="a Pong with other data",
    ),
    Family(
        "control.ping.pong_repeats_the_data",
        "A Pong has the data of the Ping that it answers, octet for octet.",
        "6455-5.5.3-1",
        Level.PROSE,
        Frame.ping(bytes(range(125))),
        Frame.pong(b""),
        ("[0]", "[1]", "[125]"),
        expected="a Pong with the data of our Ping",
        observed="a Pong without data",
    ),
    Family(
        "closing.handshake.reply_comes_as_soon_as_practical",
        "A Close is answered without waiting for anything else.",
        "6455-5.5.1-13",
        Level.SHOULD,
        Frame.close(1000),
        Frame.close(1000),
        expected="a Close within 1 s",
        observed="a Close after 4.2 s",
    ),
    Family(
        "closing.codes.forbidden_status_code_is_refused",
        "A status code that must not stand on the wire is a protocol error.",
        "6455-7.4.1-10",
        Level.PROSE,
        Frame.close(1005),
        Frame.close(1005),
        ("[999]", "[1004]", "[1005]", "[1006]", "[1015]"),
        expected="Close 1002 or the end of the connection",
        observed="the same status code, sent back",
    ),
    Family(
        "utf8.text.invalid_text_fails_the_connection",
        "Octets that are no UTF-8 never reach an application as text.",
        "6455-8.1-1",
        Level.MUST,
        Frame.text(b"\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80edited"),
        Frame.text(b"\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80edited"),
        expected="Close 1007 or the end of the connection",
    ),
    Family(
        "opening.fields.version_other_than_13_is_refused",
        "A version that the server does not speak is answered with those that it does.",
        "6455-4.2.2-11",
        Level.MUST,
        HELLO,
        HELLO,
        ("[0]", "[8]", "[14]", "[255]"),
        expected="426 with Sec-WebSocket-Version: 13",
        observed="101 Switching Protocols",
    ),
    Family(
        "limits.large_message_comes_back",
        "A message of one mebioctet is received and comes back as it was sent.",
        "6455-5.4-13",
        Level.MUST,
        Frame.binary(bytes(range(256)) * 40),
        Frame.binary(bytes(range(256)) * 40),
        expected="our message",
        observed="another message",
    ),
)

#: What a target does, to be drawn from: mostly what it should.
_CONDUCTS = ("refuse",) * 11 + ("fin", "fin", "echo", "depart", "note", "lost", "limit", "skip", "error", "reset")


def catalogue(cases: int) -> Iterator[tuple[Family, str]]:
    """Yield `cases` families and parameters, the made-up ones first, then variations of them."""
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


def put(family: Family, parameter: str, conduct: str) -> Result:
    """Return the result of a family's case at a target that behaves as `conduct` says."""
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
            told = (*start, came(1430, family.echo), sent(1600, Frame.close(1000)), came(1700, Frame.close(1000)))
            return replace(passed, verdict=Verdict.FAILED, finding=finding, transcript=told)
        case "depart":
            told = (*start, came(1433, Frame.close(1008)), happened(1500, "FIN", TARGET))
            found = Finding("the behaviour that the RFC recommends", "a status code of another kind, 1008")
            return replace(passed, verdict=Verdict.DEPARTED, finding=found, transcript=told)
        case "note":
            found = Finding("either way", "a bare FIN, no Close frame")
            told = (*start, happened(1500, "FIN", TARGET))
            return replace(passed, verdict=Verdict.INFORMATIONAL, finding=found, transcript=told)
        case "lost":
            found = Finding("to reach the requirement", "the target no longer accepts connections")
            told = (happened(30, "connection refused"),)
            return replace(passed, verdict=Verdict.INCONCLUSIVE, reason=Reason.LOST, finding=found, transcript=told)
        case "limit":
            found = Finding("to reach the requirement", "Close 1009: the target's own limit", 3)
            told = (*start, came(1433, Frame.close(1009)), happened(1500, "FIN", TARGET))
            return replace(passed, verdict=Verdict.INCONCLUSIVE, reason=Reason.LIMIT, finding=found, transcript=told)
        case "skip":
            found = Finding("an echo", "the target's application does not echo")
            return replace(passed, verdict=Verdict.SKIPPED, reason=Reason.NEEDS_ECHO, finding=found, transcript=())
        case "error":
            found = Finding("the suite to work", "ZeroDivisionError: division by zero (utf8.py:31)")
            return replace(passed, verdict=Verdict.ERROR, finding=found, transcript=start)
    return passed


def plausible(targets: int = 5, cases: int = 31, *, faults: int = 1) -> Journal:
    """Return a journal of `targets` by `cases`; of the targets' conducts `faults` in two are not plain passes."""
    columns = []
    for place in range(targets):
        name = NAMES[place] if place < len(NAMES) else f"target-{place + 1}"
        results = []
        for family, parameter in catalogue(cases):
            draw = zlib.crc32(f"{name} {family.id} {parameter if place % 3 else ''}".encode())
            good = draw // 64 % 8 >= faults * (place % 3)
            results.append(put(family, parameter, "refuse" if good else _CONDUCTS[draw % len(_CONDUCTS)]))
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
    """Return a journal whose every free text is hostile, one result for each text and verdict."""
    columns = []
    for place, text in enumerate(HOSTILE):
        results = []
        for number, verdict in enumerate(Verdict):
            other = HOSTILE[(place + number) % len(HOSTILE)]
            reason = {Verdict.INCONCLUSIVE: Reason.ARRANGING, Verdict.SKIPPED: Reason.ROLE}.get(verdict)
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
                        TranscriptEntry(1, OURS, "request", text, Octets.of(other.encode(errors="surrogatepass"))),
                        TranscriptEntry(
                            2, TARGET, "response", other, Octets.of(b"HTTP/1.1 200 \x1b[m<b>\r\n\xff: \x00\r\n\r\n")
                        ),
                        TranscriptEntry(3, TARGET, "frame", text, Octets.of(Frame.text(b"<b>\x1b\xff" * 90).encode())),
                        TranscriptEntry(4, TARGET, "octets", other, Octets.of(b"\x81")),
                        TranscriptEntry(5, EVENT, text, other, Octets(), 2),
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
    made = journal(*columns)
    shouted = header(catalogue=HOSTILE[0], command=HOSTILE[1], platform=HOSTILE[2], start=HOSTILE[4])
    return replace(made, header=shouted, footer=Footer(HOSTILE[3], HOSTILE[5]))
