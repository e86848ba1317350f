"""The output of a run on a terminal: snapshots at 80 columns, in UTF-8 and ASCII, from fixed results."""

from __future__ import annotations

import io
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.support.journals import HELLO, HOSTILE, came, happened, opened, result, sent, target
from wsconform.console.ladder import ladder
from wsconform.console.printer import Printer, PrinterOptions, rerun_command
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
    """Return the violation of a target that echoes frames with an unknown opcode."""
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
    rerun      wsconform run echo-go -c 'framing.opcodes.unknown_opcode_fails_the_connection[0x3]' -v
? utf8.text.invalid_text_fails_the_connection_in_any_frame[überlong]
    RFC 6455 5.1 MUST
    Überlong forms are refused – as § 8.1 asks.
    expected   to reach the requirement
    observed   an echo: nothing for 5 s and nothing more, and nothing more, and
               nothing more, and nothing more, either (arranging)
        |        (nothing for 5 s)        |   5.2 s                            ?
    rerun      wsconform run echo-go -c 'utf8.text.invalid_text_fails_the_connection_in_any_frame[überlong]' -v
✓ control.ping.pong_repeats_the_data                           RFC 6455 5.1 MUST
    A frame masked against the rule of its direction is refused, not repaired.
    attempts   failed, then passed
    rerun      wsconform run echo-go -c control.ping.pong_repeats_the_data -v
115 passed · 2 violations · 1 expected violation · 2 informational
  1 inconclusive · 1 skipped · journal wsconform-out/journal.jsonl
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
    rerun      wsconform run echo-go -c 'framing.opcodes.unknown_opcode_fails_the_connection[0x3]' -v
? utf8.text.invalid_text_fails_the_connection_in_any_frame[\\xfcberlong]
    RFC 6455 5.1 MUST
    \\xdcberlong forms are refused \\u2013 as \\xa7 8.1 asks.
    expected   to reach the requirement
    observed   an echo: nothing for 5 s and nothing more, and nothing more, and
               nothing more, and nothing more, either (arranging)
        |        (nothing for 5 s)        |   5.2 s                            ?
    rerun      wsconform run echo-go -c 'utf8.text.invalid_text_fails_the_connection_in_any_frame[\\xfcberlong]' -v
. control.ping.pong_repeats_the_data                           RFC 6455 5.1 MUST
    A frame masked against the rule of its direction is refused, not repaired.
    attempts   failed, then passed
    rerun      wsconform run echo-go -c control.ping.pong_repeats_the_data -v
115 passed - 2 violations - 1 expected violation - 2 informational
  1 inconclusive - 1 skipped - journal wsconform-out/journal.jsonl
Does not conform at MUST: 2 violations are not in expected.toml; 1 inconclusive; 1 flaky case. 11.2 s
"""


@dataclass
class Printed:
    """The text on stdout and on stderr."""

    out: str
    err: str


def print_run(
    *results: Result,
    style: Style | None = None,
    policy: Policy | None = None,
    quiet: bool = False,
    verbose: bool = False,
    expected: str = "expected.toml",
    **outcome: object,
) -> Printed:
    """Return the output of a run with `results`."""
    style, policy = style or Style(), policy or Policy()
    out, err = io.StringIO(), io.StringIO()
    options = PrinterOptions(
        catalogue="1.4",
        seed=6455,
        rerun=rerun_command({}),
        errors=Out(err),
        journal=Path("wsconform-out/journal.jsonl"),
        quiet=quiet,
        verbose=verbose,
    )
    printer = Printer(Out(out), style, load_registry(), policy, options)
    info = {"language": "Go", "version": "1.8.3"}
    outcome_of_target = TargetOutcome(name="echo-go", planned=len(results), **outcome)  # type: ignore[arg-type]
    printer.began(target("echo-go", info=info), len(results))
    for each in results:
        outcome_of_target.record(each)
        printer.judged("echo-go", each)
    printer.ended(outcome_of_target)
    ruling = rule([outcome_of_target], (), policy, expected=expected)
    printer.summary([outcome_of_target], ruling, ["journal wsconform-out/journal.jsonl"], 11.2)
    return Printed(out.getvalue(), err.getvalue())


def test_a_run_in_utf8() -> None:
    assert print_run(*RESULTS) == Printed(UTF8, "")


def test_a_run_in_ascii() -> None:
    assert print_run(*RESULTS, style=Style(ascii=True)) == Printed(ASCII, "")
    assert ASCII.isascii()


def test_only_commands_and_ids_may_be_wider_than_the_terminal() -> None:
    for text in (UTF8, ASCII):
        wide = [line for line in text.splitlines() if len(line) > 80]
        kinds = {line.split()[0] for line in wide}
        assert kinds == {"rerun", "Does"}, wide


def test_colour_changes_nothing_but_colour() -> None:

    colored = print_run(*RESULTS, style=Style(color=True)).out
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == UTF8
    assert "\x1b[31m✗\x1b[0m" in colored
    assert colored.count("\x1b[31m✗\x1b[0m") == 4, "two areas, a finding's title, and the entry that decided"


def test_at_most_ten_findings_and_every_family_before_a_second_of_any() -> None:
    many = [replace(unknown(3), case=f"a.family{n % 12}[{n}]", hint=f"{n}") for n in range(36)]
    for number, each in enumerate(many):
        finding = Finding("x", f"observed in words of its own {'abcdefghijklmnopqrstuvwxyzäöü0123456'[number]}", 3)
        many[number] = replace(each, finding=finding)
    lines = print_run(*many).out.splitlines()
    titles = [line.split()[1] for line in lines if line.startswith("✗")]
    assert titles == [f"a.family{n}[{n}]" for n in range(10)]
    assert "26 more findings. All of them: wsconform report -r html wsconform-out/journal.jsonl" in lines


def test_departures_are_shown_if_they_break_the_gate() -> None:
    departure = result("a.b", level=Level.SHOULD, verdict=Verdict.FAILED, finding=Finding("this", "that"))
    usual = print_run(departure)
    assert "! a.b" not in usual.out
    assert usual.out.splitlines()[-1] == "Conforms at MUST. 11.2 s"
    strict = print_run(departure, policy=Policy(FailOn.SHOULD), expected="")
    assert "! a.b " in strict.out
    assert strict.out.splitlines()[-1] == "Does not conform at SHOULD: 1 departure. 11.2 s"


def test_quiet_prints_the_verdict_and_untested_targets() -> None:
    assert print_run(*RESULTS, quiet=True).out == UTF8.splitlines()[-1] + "\n"
    untested = print_run(quiet=True, problem="127.0.0.1:9001: nothing listens there", why="target-lost")
    assert untested == Printed("echo-go could not be tested. 11.2 s\n", "127.0.0.1:9001: nothing listens there\n")


def test_verbose_shows_whole_ladders_of_passes_too() -> None:
    out = print_run(result("a.b", notes=(("status code", "1002"),)), verbose=True).out
    assert "✓ a.b" in out
    assert "| GET /chat HTTP/1.1 ---" in out
    assert '| Text masked 5 "Hello" -------> |' in out
    assert "    note       status code: 1002" in out


def test_the_output_of_a_started_target_is_shown_with_a_failure() -> None:
    printed = ("listening", "panic: \x1b[31mindex")

    def printed_for(given: Result, why: str = "done", restarts: int = 0) -> str:
        return print_run(given, why=why, restarts=restarts, output=printed, log="out/echo-go.log").out

    assert printed_for(unknown(3)).count("    last output of echo-go (out/echo-go.log):\n    | listening\n") == 1
    assert "    | panic: \\x1b[31mindex\n" in printed_for(unknown(3))
    assert "listening" not in printed_for(result())
    assert "echo-go: exited and was restarted 2 times\n" in printed_for(result(), restarts=2)
    assert "listening" in printed_for(result(), restarts=1)
    assert "echo-go: no longer accepts connections\n" in printed_for(result(), why="target-lost")


@pytest.mark.parametrize("text", HOSTILE)
def test_untrusted_text_is_escaped(text: str) -> None:
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
            shown = print_run(hostile, style=style, verbose=verbose, output=(text,), log=text, problem=text)
            for line in (shown.out + shown.err).split("\n"):
                assert line.replace("\xa0", " ").isprintable(), ascii(line)
                assert not style.ascii or line.isascii()


# --- ladders


def lines(*entries: TranscriptEntry, decided: int | None = None, whole: bool = False, width: int = 80) -> list[str]:
    """Return a ladder's lines."""
    return ladder(entries, decided, Mark.VIOLATION, Style(width=width), whole=whole)


def test_a_ladder_shows_the_entries_around_the_deciding_one() -> None:
    frames = [sent(number * 1000, Frame.text(str(number))) for number in range(20)]
    shown = lines(*opened(), *frames, decided=12)
    assert shown[0].strip() == "(6 entries before)"
    assert [line.split('"')[1] for line in shown[1:-1]] == ["4", "5", "6", "7", "8", "9", "10", "11", "12"]
    assert [line.endswith("✗") for line in shown[1:-1]] == [False] * 6 + [True] + [False] * 2
    assert shown[-1].strip() == "(7 entries after)"
    assert len(lines(*opened(), *frames, decided=12, whole=True)) == 22


def test_the_opening_handshake_is_left_out_unless_it_decided_the_case() -> None:
    assert not any("GET" in line for line in lines(*opened(), sent(1, HELLO), decided=2))
    assert any("GET" in line for line in lines(*opened(), decided=1))


def test_several_connections_are_numbered() -> None:
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


def test_all_octets_are_shown_if_there_is_room() -> None:
    (line,) = lines(sent(1, HELLO), width=120)
    assert line.endswith("81 85 37 fa 21 3d 7f 9f 4d 51 58")


# --- style


class Stream(io.StringIO):
    """A stream that claims to be a terminal with the given encoding."""

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


def test_after_the_reader_goes_away_lines_are_dropped() -> None:

    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        out = Out(stream)
        out.line("one")
        out.line("two")
