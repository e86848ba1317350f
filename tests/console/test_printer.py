"""What a run says on a terminal: snapshots at 80 columns, in UTF-8 and ASCII, from results that do not change."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import pytest

from tests.support.journals import HELLO, HOSTILE, came, happened, opened, result, sent, target
from wsconform.console.ladder import ladder
from wsconform.console.printer import Printer, PrinterOptions, again_command
from wsconform.console.style import Out, Style
from wsconform.evidence.result import (
    Attempt,
    Direction,
    EntryKind,
    Finding,
    Mark,
    Octets,
    Reason,
    Result,
    TranscriptEntry,
    Verdict,
)
from wsconform.journal.gate import FailOn, Policy, TargetOutcome, rule
from wsconform.registry.registry import load_registry
from wsconform.registry.requirement import Level
from wsconform.wire.frame import Frame

UNKNOWN = "framing.opcodes.unknown_opcode_fails_the_connection"


def unknown(opcode: int) -> Result:
    """Return the violation of a target that echoes what it does not know."""
    frame = Frame(opcode, b"Hello")
    return result(
        f"{UNKNOWN}[{opcode:#x}]",
        title="An opcode without a meaning is neither skipped nor guessed at.",
        requirement="6455-5.2-6",
        verdict=Verdict.FAILED,
        finding=Finding(
            "the connection to be failed", f"a frame of opcode {opcode:#x} with our payload, after 0.4 ms", 3
        ),
        hint="refuse opcodes 3-7 and 11-15 before reading the payload",
        transcript=(*opened(), sent(1000, frame), came(1400, frame)),
    )


RESULTS = (
    *(result(f"framing.header.passes[{number}]", transcript=()) for number in range(60)),
    unknown(3),
    unknown(0xB),
    *(result(f"closing.handshake.passes[{number}]", transcript=()) for number in range(54)),
    result(
        "closing.handshake.reply_repeats_the_status_code", verdict=Verdict.FAILED, expected="answers 1000 to every code"
    ),
    result(
        "closing.codes.empty",
        level=Level.MAY,
        verdict=Verdict.INFORMATIONAL,
        finding=Finding("either way", "an empty Close"),
    ),
    result(
        "closing.tcp.who", level=Level.MAY, verdict=Verdict.INFORMATIONAL, finding=Finding("either way", "the target")
    ),
    result(
        "utf8.text.invalid_text_fails_the_connection_in_any_frame[überlong]",
        title="Überlong forms are refused – as § 8.1 asks.",
        verdict=Verdict.INCONCLUSIVE,
        reason=Reason.ARRANGING,
        finding=Finding(
            "to reach the requirement", "an echo: nothing for 5 s " + "and nothing more, " * 4 + "either", 2
        ),
        transcript=(*opened(), happened(5_200_000, "nothing for 5 s")),
    ),
    result(
        "control.ping.pong_repeats_the_data",
        flaky=True,
        attempts=(Attempt(Verdict.FAILED, Finding("a Pong", "none"), 1),),
        transcript=(),
    ),
    result("deflate.offer.is_accepted", verdict=Verdict.SKIPPED, reason=Reason.NOT_OFFERED, transcript=()),
)

UTF8 = """\
echo-go 1.8.3 · server · ws://127.0.0.1:9001/ · HTTP/1.1 · echo · catalogue 1.4
  seed 6455
  framing   60 ✓    2 ✗
  closing   54 ✓    1 ✗ expected    2 i
  control    1 ✓
  deflate    1 –
  utf8       1 ?
✗ framing.opcodes.unknown_opcode_fails_the_connection[0x3] (and [0xb])
    RFC 6455 5.2 MUST
    An opcode without a meaning is neither skipped nor guessed at.
    expected   the connection to be failed
    observed   a frame of opcode 0x3 with our payload, after 0.4 ms
        | 0x3 masked 5 "Hello" --------> |   1.0 ms  83 85 37 fa 21 3d 7f 9f ..
        | <--------------- 0x3 5 "Hello" |   1.4 ms  83 05 48 65 6c 6c 6f      ✗
    hint       refuse opcodes 3-7 and 11-15 before reading the payload
    again      wsconform run echo-go -c 'framing.opcodes.unknown_opcode_fails_the_connection[0x3]' -v
? utf8.text.invalid_text_fails_the_connection_in_any_frame[überlong]
    RFC 6455 5.1 MUST
    Überlong forms are refused – as § 8.1 asks.
    expected   to reach the requirement
    observed   an echo: nothing for 5 s and nothing more, and nothing more, and
               nothing more, and nothing more, either (arranging)
        |        (nothing for 5 s)        |   5.2 s                            ?
    again      wsconform run echo-go -c 'utf8.text.invalid_text_fails_the_connection_in_any_frame[überlong]' -v
✓ control.ping.pong_repeats_the_data                           RFC 6455 5.1 MUST
    A frame masked against the rule of its direction is refused, not repaired.
    attempts   failed, then passed
    again      wsconform run echo-go -c control.ping.pong_repeats_the_data -v
115 requirements met · 2 violations · 1 expected violation · 2 noted
  1 not reached · 1 out of reach · journal wsconform-out/journal.jsonl
Does not conform at MUST: 2 violations are not in expected.toml; 1 inconclusive; 1 flaky case. 11.2 s
"""

ASCII = """\
echo-go 1.8.3 - server - ws://127.0.0.1:9001/ - HTTP/1.1 - echo - catalogue 1.4
  seed 6455
  framing   60 .    2 F
  closing   54 .    1 F expected    2 i
  control    1 .
  deflate    1 -
  utf8       1 ?
F framing.opcodes.unknown_opcode_fails_the_connection[0x3] (and [0xb])
    RFC 6455 5.2 MUST
    An opcode without a meaning is neither skipped nor guessed at.
    expected   the connection to be failed
    observed   a frame of opcode 0x3 with our payload, after 0.4 ms
        | 0x3 masked 5 "Hello" --------> |   1.0 ms  83 85 37 fa 21 3d 7f 9f ..
        | <--------------- 0x3 5 "Hello" |   1.4 ms  83 05 48 65 6c 6c 6f      F
    hint       refuse opcodes 3-7 and 11-15 before reading the payload
    again      wsconform run echo-go -c 'framing.opcodes.unknown_opcode_fails_the_connection[0x3]' -v
? utf8.text.invalid_text_fails_the_connection_in_any_frame[\\xfcberlong]
    RFC 6455 5.1 MUST
    \\xdcberlong forms are refused \\u2013 as \\xa7 8.1 asks.
    expected   to reach the requirement
    observed   an echo: nothing for 5 s and nothing more, and nothing more, and
               nothing more, and nothing more, either (arranging)
        |        (nothing for 5 s)        |   5.2 s                            ?
    again      wsconform run echo-go -c 'utf8.text.invalid_text_fails_the_connection_in_any_frame[\\xfcberlong]' -v
. control.ping.pong_repeats_the_data                           RFC 6455 5.1 MUST
    A frame masked against the rule of its direction is refused, not repaired.
    attempts   failed, then passed
    again      wsconform run echo-go -c control.ping.pong_repeats_the_data -v
115 requirements met - 2 violations - 1 expected violation - 2 noted
  1 not reached - 1 out of reach - journal wsconform-out/journal.jsonl
Does not conform at MUST: 2 violations are not in expected.toml; 1 inconclusive; 1 flaky case. 11.2 s
"""


@dataclass
class Told:
    """What came out, on stdout and stderr."""

    out: str
    err: str


def told(
    *results: Result,
    style: Style | None = None,
    policy: Policy | None = None,
    quiet: bool = False,
    verbose: bool = False,
    expected: str = "expected.toml",
    **outcome: object,
) -> Told:
    """Return what a run says that found `results`."""
    style, policy = style or Style(), policy or Policy()
    out, err = io.StringIO(), io.StringIO()
    telling = PrinterOptions("1.4", 6455, again_command({}), Out(err), quiet, verbose)
    teller = Printer(Out(out), style, load_registry(), policy, telling)
    info = {"language": "Go", "version": "1.8.3"}
    made = TargetOutcome(name="echo-go", planned=len(results), **outcome)  # type: ignore[arg-type]
    teller.began(target("echo-go", info=info), len(results))
    for each in results:
        made.record(each)
        teller.judged("echo-go", each)
    teller.ended(made)
    ruling = rule([made], (), policy, expected=expected)
    teller.summary([made], ruling, ["journal wsconform-out/journal.jsonl"], 11.2)
    return Told(out.getvalue(), err.getvalue())


def test_a_run_in_utf8() -> None:
    assert told(*RESULTS) == Told(UTF8, "")


def test_a_run_in_ascii() -> None:
    assert told(*RESULTS, style=Style(ascii=True)) == Told(ASCII, "")
    assert ASCII.isascii()


def test_no_line_is_wider_than_the_terminal_but_what_is_there_to_be_pasted_or_found() -> None:
    for text in (UTF8, ASCII):
        wide = [line for line in text.splitlines() if len(line) > 80]
        kinds = {line.split()[0] for line in wide}
        assert kinds == {"again", "Does"}, wide


def test_colour_changes_nothing_but_colour() -> None:
    import re

    colored = told(*RESULTS, style=Style(color=True)).out
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == UTF8
    assert "\x1b[31m✗\x1b[0m" in colored
    assert colored.count("\x1b[31m✗\x1b[0m") == 4, "two areas, a finding's title, and the entry that decided"


def test_at_most_ten_findings_and_every_family_before_a_second_of_any() -> None:
    many = [replace(unknown(3), case=f"a.family{n % 12}[{n}]", hint=f"{n}") for n in range(36)]
    for number, each in enumerate(many):
        finding = Finding("x", f"observed in words of its own {'abcdefghijklmnopqrstuvwxyzäöü0123456'[number]}", 3)
        many[number] = replace(each, finding=finding)
    lines = told(*many).out.splitlines()
    titles = [line.split()[1] for line in lines if line.startswith("✗")]
    assert titles == [f"a.family{n}[{n}]" for n in range(10)]
    assert "and 26 findings more: the journal and every report have them all" in lines


def test_departures_are_told_where_they_break_the_gate() -> None:
    departure = result("a.b", level=Level.SHOULD, verdict=Verdict.FAILED, finding=Finding("this", "that"))
    usual = told(departure)
    assert "! a.b" not in usual.out
    assert usual.out.splitlines()[-1] == "Conforms at MUST. 11.2 s"
    strict = told(departure, policy=Policy(FailOn.SHOULD), expected="")
    assert "! a.b " in strict.out
    assert strict.out.splitlines()[-1] == "Does not conform at SHOULD: 1 departure. 11.2 s"


def test_quiet_says_the_verdict_and_what_could_not_be_tested() -> None:
    assert told(*RESULTS, quiet=True).out == UTF8.splitlines()[-1] + "\n"
    untested = told(quiet=True, problem="127.0.0.1:9001: nothing listens there", why="target-lost")
    assert untested == Told("echo-go could not be tested. 11.2 s\n", "127.0.0.1:9001: nothing listens there\n")


def test_verbose_shows_whole_ladders_of_passes_too() -> None:
    out = told(result("a.b", notes=(("status code", "1002"),)), verbose=True).out
    assert "✓ a.b" in out
    assert "| GET /chat HTTP/1.1 ---" in out
    assert '| Text masked 5 "Hello" -------> |' in out
    assert "    noted      status code: 1002" in out


def test_what_a_started_target_printed_stands_beside_a_failure() -> None:
    printed = ("listening", "panic: \x1b[31mindex")

    def said(given: Result, why: str = "done", restarts: int = 0) -> str:
        return told(given, why=why, restarts=restarts, output=printed, log="out/echo-go.log").out

    assert said(unknown(3)).count("    the last that echo-go printed (out/echo-go.log):\n    | listening\n") == 1
    assert "    | panic: \\x1b[31mindex\n" in said(unknown(3))
    assert "listening" not in said(result())
    assert "echo-go: died and was started again 2 times\n" in said(result(), restarts=2)
    assert "listening" in said(result(), restarts=1)
    assert "echo-go: takes no connection any more\n" in said(result(), why="target-lost")


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_strangers_neither_moves_nor_colours(text: str) -> None:
    hostile = result(
        f"a.b[{text}]",
        title=text,
        verdict=Verdict.FAILED,
        finding=Finding(text, text, 0),
        hint=text,
        requirement=text,
        notes=((text, text),),
        transcript=(
            TranscriptEntry(
                micros=1, direction=Direction.TARGET, kind=EntryKind.FRAME, summary=text, octets=Octets.of(b"\x1b[2J")
            ),
        ),
    )
    for verbose in (False, True):
        for style in (Style(), Style(ascii=True)):
            said = told(hostile, style=style, verbose=verbose, output=(text,), log=text, problem=text)
            for line in (said.out + said.err).split("\n"):
                assert line.replace("\xa0", " ").isprintable(), ascii(line)
                assert not style.ascii or line.isascii()


# --- ladders


def lines(*entries: TranscriptEntry, decided: int | None = None, whole: bool = False, width: int = 80) -> list[str]:
    """Return a ladder's lines."""
    return ladder(entries, decided, Mark.VIOLATION, Style(width=width), whole=whole)


def test_a_ladder_shows_what_stands_around_the_entry_that_decided() -> None:
    frames = [sent(number * 1000, Frame.text(str(number))) for number in range(20)]
    shown = lines(*opened(), *frames, decided=12)
    assert shown[0].strip() == "(6 entries before)"
    assert [line.split('"')[1] for line in shown[1:-1]] == ["4", "5", "6", "7", "8", "9", "10", "11", "12"]
    assert [line.endswith("✗") for line in shown[1:-1]] == [False] * 6 + [True] + [False] * 2
    assert shown[-1].strip() == "(7 entries after)"
    assert len(lines(*opened(), *frames, decided=12, whole=True)) == 22


def test_the_opening_handshake_is_left_out_unless_it_is_the_point() -> None:
    assert not any("GET" in line for line in lines(*opened(), sent(1, HELLO), decided=2))
    assert any("GET" in line for line in lines(*opened(), decided=1))


def test_several_connections_are_told_apart() -> None:
    second = replace(sent(2, HELLO), connection=2)
    shown = [line.strip() for line in lines(sent(1, HELLO), second)]
    assert (shown[0], shown[2]) == ("connection 1", "connection 2")


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_a_ladder_fits_its_width(width: int) -> None:
    long = TranscriptEntry(
        micros=12_345_678,
        direction=Direction.TARGET,
        kind=EntryKind.FRAME,
        summary="Text " * 20,
        octets=Octets.of(bytes(300)),
    )
    for line in lines(sent(1, HELLO), long, happened(3, "x" * 100), decided=1, width=width):
        assert len(line) <= width


def test_no_octet_is_left_out_where_there_is_room_for_all() -> None:
    (line,) = lines(sent(1, HELLO), width=120)
    assert line.endswith("81 85 37 fa 21 3d 7f 9f 4d 51 58")


# --- style


class Stream(io.StringIO):
    """A stream that says it is a terminal, and which encoding it has."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_a_terminal_is_coloured_unless_it_is_dumb() -> None:
    assert Style.of(Stream(), {"TERM": "xterm"}).color
    assert not Style.of(Stream(), {"TERM": "dumb"}).color
    assert not Style.of(io.StringIO(), {}).color


@pytest.mark.parametrize(("columns", "width"), [("100", 100), ("20", 60), ("400", 120), ("", 80), ("x", 80)])
def test_the_width_is_kept_within_reason(columns: str, width: int) -> None:
    assert Style.of(io.StringIO(), {"COLUMNS": columns}).width == width


def test_a_reader_who_goes_away_ends_the_lines_alone() -> None:
    import os

    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        out = Out(stream)
        out.line("one")
        out.line("two")
