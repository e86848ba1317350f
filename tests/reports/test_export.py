"""Exports of a recorded case: each format is read back, and the script is run against the reference."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.support import journals
from tests.support.command import LONG, Say, serving
from tests.support.journals import REQUEST, RESPONSE, happened, opened, target
from tests.support.packets import packets
from tests.support.recorded_case import CASE, LARGE, TALK, octets_of, result
from wsconform.evidence.result import Direction, EntryKind, Octets, Result, TranscriptEntry
from wsconform.journal.journal import TargetRecord, TargetResults, dumps, read
from wsconform.registry.requirement import Role
from wsconform.reports.export import capture, hexdump, script, shell
from wsconform.reports.export.exchange import CannotExport, Exchange, StepKind, accept_value, field
from wsconform.wire.frame import Frame

# --- steps


def test_entries_of_one_write_form_one_step() -> None:
    steps = Exchange(target(), result()).steps()
    kinds = [step.kind for step in steps]
    assert kinds == [
        StepKind.SEND,
        StepKind.HEAD,
        StepKind.SEND,
        StepKind.RECEIVE,
        StepKind.SEND,
        StepKind.RECEIVE,
        StepKind.FIN,
        StepKind.END,
    ]
    assert steps[2].octets.head == TALK[2].octets.head + TALK[3].octets.head
    assert len(steps[2].summaries) == 2


def cut(whose: Direction) -> Result:
    """Return a result with one entry of which the journal has only head and tail."""
    return result(
        *opened(),
        TranscriptEntry(
            micros=1000, direction=whose, kind=EntryKind.FRAME, summary="Binary 76800", octets=Octets.of(LARGE)
        ),
    )


@pytest.mark.parametrize("render", [script.render, shell.render, capture.render])
def test_our_octets_must_be_complete(render: Any) -> None:
    with pytest.raises(CannotExport) as caught:
        render(target(), cut(Direction.OURS))
    assert str(caught.value) == (
        f"{CASE}: of 76800 octets of ours (entry 3) the journal has only head and tail; run"
        f" `wsconform run node-ws -c '{CASE}' --whole` and export from the new journal"
    )


def test_only_a_capture_needs_all_octets_of_the_target() -> None:
    with pytest.raises(CannotExport, match="octets of the target's"):
        capture.render(target(), cut(Direction.TARGET))
    for render in (script.render, shell.render):
        assert b"Binary 76800" in render(target(), cut(Direction.TARGET))


def test_entries_that_no_journal_keeps_cannot_be_exported() -> None:
    gap = replace(happened(5, "12 entries left out"), kind=EntryKind.GAP)
    with pytest.raises(CannotExport, match="and no journal keeps them; run the case again with `wsconform replay`"):
        script.render(target(), result(*opened(), gap))


def test_a_case_without_octets_cannot_be_exported() -> None:
    with pytest.raises(CannotExport, match="nothing was sent or received in this case"):
        script.render(target(), result(happened(1, "FIN", Direction.TARGET)))


# --- hex


def test_a_dump_holds_every_octet_with_its_offset() -> None:
    text = hexdump.render(target(), result()).decode("ascii")
    for arrow, direction in ((">", Direction.OURS), ("<", Direction.TARGET)):
        rows = re.findall(rf"^{arrow} ([0-9a-f]{{8}})  (.{{48}})  \|.*\|$", text, re.M)
        octets = b"".join(bytes.fromhex(digits) for _, digits in rows)
        assert octets == octets_of(TALK, direction)
        lengths = [len(bytes.fromhex(digits)) for _, digits in rows]
        assert [int(at, 16) for at, _ in rows] == [sum(lengths[:n]) for n in range(len(lengths))]
    assert "# 1.0 ms  ours: 0x3 masked 5 " in text
    assert "# 5000.9 ms  target: FIN" in text


def test_a_dump_counts_octets_that_were_cut() -> None:
    text = hexdump.render(target(), cut(Direction.TARGET)).decode("ascii")
    assert "# 76608 octets are not in the journal, SHA-256 of all " in text
    assert f"< {len(RESPONSE) + 76800 - 64:08x}  " in text


def test_hostile_text_stays_in_its_line() -> None:
    for each in journals.hostile().targets:
        for one in each.results:
            lines = hexdump.render(each.target, one).decode("ascii").splitlines()
            assert all(re.match(r"[#<>] |$", line) for line in lines)


# --- the script


@dataclass(frozen=True)
class ScriptOutput:
    """The output of a script: the connection, arrow and text of each line."""

    lines: tuple[tuple[int, str, str], ...]

    @classmethod
    def of(cls, out: str) -> ScriptOutput:
        """Parse the output of a script."""
        found = (re.fullmatch(r" *[0-9.]+ ms  (\d+) ([<>]) (.*)", line) for line in out.splitlines())
        return cls(tuple((int(match[1]), match[2], match[3]) for match in found if match))

    def texts(self, arrow: str) -> list[str]:
        """Return the texts of one end, by arrow."""
        return [text for _, each, text in self.lines if each == arrow]


def run_script(octets: bytes, folder: Path, *words: str) -> ScriptOutput:
    """Run a script in `folder` and return its output."""
    (folder / "case.py").write_bytes(octets)
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "case.py", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return ScriptOutput.of(done.stdout)


@pytest.mark.parametrize(
    "case",
    [
        "masking.wrongly_masked_frame_fails_the_connection[text]",
        "closing.after_close.frame_behind_close_is_not_acted_upon[text]",
        "fragmentation.assembly.frames_after_a_final_fragment_are_a_new_message",
        "opening.key.accept_of_the_rfc_example_key_is_correct",
        "closing.tcp.connection_ends_when_a_fin_follows_our_close[1000]",
        "control.ping.ping_inside_a_large_message_is_answered",
    ],
)
def test_the_script_repeats_the_recorded_exchange(case: str, say: Say, tmp_path: Path) -> None:
    """Run against the reference, which answers the same octets with the same octets."""
    with serving() as port:
        assert say("run", f"ws://127.0.0.1:{port}/", "-c", case, "--whole")[0] == 0
        code, out, err = say("export", "wsconform-out", case)
        assert (code, err) == (0, "")
        output = run_script(out.encode(), tmp_path)
    ((recorded,),) = (each.results for each in read(tmp_path / "wsconform-out" / "journal.jsonl").targets)
    frames = [e for e in recorded.transcript if e.direction is Direction.TARGET and e.kind == "frame"]
    received = [text for text in output.texts("<") if " octets  " in text]
    # The case ended as soon as it was decided; the script reads for another second.
    assert [text.split(" octets  ")[1] for text in received][: len(frames)] == [_few(e.octets.head) for e in frames]
    ours = b"".join(e.octets.head for e in recorded.transcript if e.direction is Direction.OURS)
    sent = [text for text in output.texts(">") if " octets  " in text]
    assert sum(int(text.split()[0]) for text in sent) == len(ours)
    ended = [e.summary for e in recorded.transcript if e.direction is Direction.TARGET and e.kind.ends_stream]
    assert [text.split()[0] for text in output.texts("<") if text.split()[0] in ("FIN", "RST")] == ended


def _few(octets: bytes) -> str:
    return octets[:32].hex(" ") + (" ..." if len(octets) > 32 else "")


def test_the_script_prints_answers_that_differ_from_the_record(tmp_path: Path) -> None:
    """The target sends a Close instead of the recorded echo; the script continues and prints it."""
    with serving() as port:
        octets = script.render(target(address=f"ws://127.0.0.1:{port}/"), result())
        output = run_script(octets.replace(b"SILENCE = 5.0", b"SILENCE = 0.2"), tmp_path)
    received = output.texts("<")
    assert "HTTP/1.1 101 Switching Protocols" in received
    assert any(text.startswith("Close  ") for text in received)


def test_the_script_takes_another_target_as_arguments(tmp_path: Path) -> None:
    with serving() as port:
        output = run_script(
            script.render(target(address="ws://gone.invalid:9/"), result()), tmp_path, "127.0.0.1", str(port)
        )
    assert output.texts("<")


def test_the_script_for_a_client_listens_and_answers_its_key(tmp_path: Path) -> None:
    request, response = REQUEST, RESPONSE
    assert field(response, "Sec-WebSocket-Accept") == accept_value(field(request, "Sec-WebSocket-Key") or b"")
    transcript = (
        TranscriptEntry(
            micros=1,
            direction=Direction.TARGET,
            kind=EntryKind.REQUEST,
            summary="GET /chat HTTP/1.1",
            octets=Octets.of(request),
        ),
        TranscriptEntry(
            micros=2,
            direction=Direction.OURS,
            kind=EntryKind.RESPONSE,
            summary="HTTP/1.1 101 Switching Protocols",
            octets=Octets.of(response),
        ),
        TranscriptEntry(
            micros=3000,
            direction=Direction.OURS,
            kind=EntryKind.FRAME,
            summary='Text 5 "Hello"',
            octets=Octets.of(Frame.text("Hello").encode()),
        ),
        TranscriptEntry(
            micros=4000,
            direction=Direction.TARGET,
            kind=EntryKind.FRAME,
            summary="Text masked 5",
            octets=Octets.of(bytes(11)),
        ),
        TranscriptEntry(
            micros=5000,
            direction=Direction.OURS,
            kind=EntryKind.FRAME,
            summary="Close 2 1000",
            octets=Octets.of(Frame.close(1000).encode()),
        ),
        TranscriptEntry(
            micros=6000,
            direction=Direction.TARGET,
            kind=EntryKind.FRAME,
            summary="Close masked 2 1000",
            octets=Octets.of(bytes(8)),
        ),
    )
    record = target(role=Role.CLIENT, address="ws://127.0.0.1:9001/")
    (tmp_path / "case.py").write_bytes(script.render(record, result(*transcript, role=Role.CLIENT)))
    with subprocess.Popen(
        [sys.executable, "-I", "case.py", "127.0.0.1", str(free_port())],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        with connect(url) as client:
            assert client.recv(timeout=LONG) == "Hello"
            client.send("Hello")
            assert list(client) == []
        out, _ = process.communicate(timeout=LONG)
    assert process.returncode == 0
    received = ScriptOutput.of(out).texts("<")
    assert [text.split("  ")[0] for text in received if "octets" in text] == ["Text masked", "Close masked"]


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


def test_hostile_text_stays_in_its_comment(tmp_path: Path) -> None:
    for each in journals.hostile().targets:
        for one in each.results:
            plain = replace(one, transcript=tuple(e for e in one.transcript if e.octets.sha256 is None))
            compile(script.render(each.target, plain), "case.py", "exec")


def test_a_comment_mentions_masked_credentials() -> None:
    masked = REQUEST.replace(b"\r\n\r\n", b"\r\nAuthorization: *******\r\n\r\n")
    first = TranscriptEntry(
        micros=210,
        direction=Direction.OURS,
        kind=EntryKind.REQUEST,
        summary="GET /chat HTTP/1.1",
        octets=Octets.of(masked),
    )
    assert b"# Credentials were replaced with asterisks" in script.render(target(), result(first))
    assert b"Credentials" not in script.render(target(), result())
    assert b"# Credentials were replaced with asterisks" in shell.render(target(), result(first))


def test_a_target_named_by_its_address_is_named_once() -> None:
    text = shell.render(target(name="ws://127.0.0.1:9001/"), result()).decode()
    assert "# Recorded at ws://127.0.0.1:9001/: violation.\n" in text


# --- netcat


def test_the_shell_lines_send_the_same_octets(tmp_path: Path) -> None:
    """The test's netcat stores its input, and its `sleep` returns at once."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, body in (("nc", 'echo "$@" > words; cat > octets'), ("sleep", "true")):
        (tools / name).write_text(f"#!/bin/sh\n{body}\n")
        (tools / name).chmod(0o755)
    every = TranscriptEntry(
        micros=4000,
        direction=Direction.OURS,
        kind=EntryKind.OCTETS,
        summary="256 octets",
        octets=Octets.of(bytes(range(256))),
    )
    (tmp_path / "case.sh").write_bytes(
        shell.render(target(address="ws://127.0.0.1:9001/"), result(*TALK[:5], every, *TALK[6:]))
    )
    done = subprocess.run(
        ["sh", "-eu", "case.sh"],
        cwd=tmp_path,
        env={"PATH": f"{tools}:/usr/bin:/bin"},
        capture_output=True,
        timeout=LONG,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "octets").read_bytes() == octets_of((*TALK[:5], every, *TALK[6:]), Direction.OURS)
    assert (tmp_path / "words").read_text().split() == ["-N", "127.0.0.1", "9001"]


def test_octets_that_look_like_options_are_octets(tmp_path: Path) -> None:
    octets = b"-n\n--\n" + b"-" * 250
    transcript = (
        *opened(),
        TranscriptEntry(
            micros=4000,
            direction=Direction.OURS,
            kind=EntryKind.OCTETS,
            summary="hyphens",
            octets=Octets.of(octets, whole=True),
        ),
    )
    text = shell.render(target(), result(*transcript)).decode()
    lines = "\n".join(line for line in text.splitlines() if "printf" in line)
    done = subprocess.run(["sh", "-eu", "-c", lines], capture_output=True, timeout=LONG, check=False)
    assert (done.returncode, done.stdout) == (0, octets_of(transcript, Direction.OURS))


def test_a_connection_without_octets_of_ours_is_a_valid_command() -> None:
    text = shell.render(target(), result(happened(10, "our FIN"))).decode()
    done = subprocess.run(["sh", "-n"], input=text, text=True, capture_output=True, timeout=LONG, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("host", "message"), [("example.org", "$HOST:$PORT"), ("[::1]", "[$HOST]:$PORT")])
def test_shell_lines_over_tls_go_through_openssl(host: str, message: str) -> None:
    text = shell.render(target(transport="tls", address=f"wss://{host}/"), result()).decode()
    assert f'openssl s_client -quiet -connect "{message}"' in text
    assert f'HOST="${{HOST:-{host.strip("[]")}}}" PORT="${{PORT:-443}}"' in text


def test_a_client_cannot_be_exported_for_netcat() -> None:
    with pytest.raises(CannotExport, match="netcat cannot answer a client's key; use --as python"):
        shell.render(target(role=Role.CLIENT), result(role=Role.CLIENT))


@pytest.mark.parametrize("host", ["$(touch${IFS}x)", "`x`", 'a";x;"'])
def test_a_hostile_address_is_not_run(host: str) -> None:
    text = shell.render(target(address=f"ws://{host}/"), result()).decode()
    assert f"HOST:-{host}" not in text


# --- the command


def write(folder: Path, *columns: tuple[TargetRecord, Result]) -> None:
    """Write a journal into `folder`."""
    journal = journals.journal()
    targets = tuple(
        TargetResults(record, (one, journals.result("a.b[1]"), journals.result("a.b[2]"))) for record, one in columns
    )
    (folder / "j.jsonl").write_text(dumps(replace(journal, targets=targets)))


def test_the_command_writes_to_a_file_or_to_stdout(say: Say, tmp_path: Path) -> None:
    write(tmp_path, (target(), result()))
    code, out, err = say("export", "j.jsonl", CASE, "--as", "hex")
    assert (code, err) == (0, "")
    assert out.startswith(f"# {CASE}\n")
    assert say("export", "j.jsonl", CASE, "--as", "pcapng", "-o", "x.pcapng") == (0, "", "")
    assert list(packets((tmp_path / "x.pcapng").read_bytes()))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("j.jsonl", CASE), "j.jsonl: has 2 targets; name one with --target: one, two"),
        (("j.jsonl", CASE, "--target", "tow"), 'j.jsonl: has no target tow; did you mean "two"?'),
        (("j.jsonl", "a.b", "--target", "one"), 'j.jsonl: one: "a.b" matches 2 cases: a.b[1], a.b[2]; name one'),
        (
            ("j.jsonl", "framing.opcodes.unkown", "--target", "one"),
            f'j.jsonl: one: no case there matches "framing.opcodes.unkown"; did you mean "{CASE}"?',
        ),
        (
            ("j.jsonl", CASE, "--target", "one", "--as", "pcap"),
            '--as pcap: there is no export of this kind; did you mean "pcapng"?',
        ),
        (
            ("j.jsonl", CASE, "--target", "one", "-o", "no/such/file"),
            "-o no/such/file: cannot be written: No such file or directory; name another file",
        ),
        (("j.jsonl", CASE, "--target", "two"), f"{CASE}: of 76800 octets of ours (entry 3) the journal has only head"),
        (("gone", CASE), "gone: cannot be read: "),
    ],
)
def test_a_failed_export_prints_one_line(words: tuple[str, ...], message: str, say: Say, tmp_path: Path) -> None:
    write(tmp_path, (target("one"), result()), (target("two"), cut(Direction.OURS)))
    code, out, err = say("export", *words)
    assert (code, out) == (2, "")
    assert err.startswith(message)
    assert len(err.splitlines()) == 1
