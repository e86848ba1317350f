"""A recorded case for other tools: each form read back, and the script run, which has to say and hear the same."""

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
from wsconform.evidence.result import Direction, Octets, Result, TranscriptEntry
from wsconform.journal.journal import TargetRecord, TargetResults, dumps, read
from wsconform.registry.requirement import Role
from wsconform.reports.export import capture, hexdump, script, shell
from wsconform.reports.export.exchange import CannotExport, Exchange, StepKind, accept_value, field
from wsconform.wire.frame import Frame

# --- steps


def test_what_left_together_is_one_step() -> None:
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
    """Return a result of which the journal keeps head and tail of one entry."""
    return result(*opened(), TranscriptEntry(1000, whose, "frame", "Binary 76800", Octets.of(LARGE)))


@pytest.mark.parametrize("render", [script.render, shell.render, capture.render])
def test_octets_of_ours_that_were_cut_are_missed(render: Any) -> None:
    with pytest.raises(CannotExport) as caught:
        render(target(), cut(Direction.OURS))
    assert str(caught.value) == (
        f"{CASE}: of 76800 octets of ours (entry 3) the journal has head and tail; run"
        f" `wsconform run node-ws -c '{CASE}' --whole` and export from that journal"
    )


def test_octets_of_the_targets_that_were_cut_are_missed_by_a_capture_alone() -> None:
    with pytest.raises(CannotExport, match="octets of the target's"):
        capture.render(target(), cut(Direction.TARGET))
    for render in (script.render, shell.render):
        assert b"Binary 76800" in render(target(), cut(Direction.TARGET))


@pytest.mark.parametrize("words", ["12 entries left out", "1000 messages sent, in 1000 frames of 70000 octets"])
def test_what_no_journal_keeps_cannot_be_exported(words: str) -> None:
    with pytest.raises(CannotExport, match="which no journal keeps; `wsconform replay` puts the case again"):
        script.render(target(), result(*opened(), happened(5, words)))


def test_a_case_in_which_nothing_was_said() -> None:
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


def test_a_dump_says_what_was_cut() -> None:
    text = hexdump.render(target(), cut(Direction.TARGET)).decode("ascii")
    assert "# 76608 octets are left out, SHA-256 of all " in text
    assert f"< {len(RESPONSE) + 76800 - 64:08x}  " in text


def test_hostile_text_stays_in_its_line() -> None:
    for each in journals.hostile().targets:
        for one in each.results:
            lines = hexdump.render(each.target, one).decode("ascii").splitlines()
            assert all(re.match(r"[#<>] |$", line) for line in lines)


# --- the script


@dataclass(frozen=True)
class Said:
    """What a script printed: each line's connection, arrow and text."""

    lines: tuple[tuple[int, str, str], ...]

    @classmethod
    def of(cls, out: str) -> Said:
        """Read what a script printed."""
        found = (re.fullmatch(r" *[0-9.]+ ms  (\d+) ([<>]) (.*)", line) for line in out.splitlines())
        return cls(tuple((int(match[1]), match[2], match[3]) for match in found if match))

    def texts(self, arrow: str) -> list[str]:
        """Return what one side said."""
        return [text for _, each, text in self.lines if each == arrow]


def run_script(octets: bytes, folder: Path, *words: str) -> Said:
    """Run a script in `folder`; return what it printed."""
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
    return Said.of(done.stdout)


@pytest.mark.parametrize(
    "case",
    [
        "masking.wrongly_masked_frame_fails_the_connection[text]",
        "closing.after_close.frame_behind_close_is_not_acted_upon[text]",
        "fragmentation.assembly.frames_after_a_final_fragment_are_a_new_message",
        "opening.key.accept_of_the_example_is_that_of_the_rfc",
        "closing.tcp.fin_behind_our_close_does_not_spoil_the_end[1000]",
        "control.ping.ping_inside_a_large_message_is_answered",
    ],
)
def test_the_script_says_and_hears_what_was_recorded(case: str, say: Say, tmp_path: Path) -> None:
    """Put to the reference again, which says the same to the same octets."""
    with serving() as port:
        assert say("run", f"ws://127.0.0.1:{port}/", "-c", case, "--whole")[0] == 0
        code, out, err = say("export", "wsconform-out", case)
        assert (code, err) == (0, "")
        said = run_script(out.encode(), tmp_path)
    ((recorded,),) = (each.results for each in read(tmp_path / "wsconform-out" / "journal.jsonl").targets)
    frames = [e for e in recorded.transcript if e.direction is Direction.TARGET and e.kind == "frame"]
    heard = [text for text in said.texts("<") if " octets  " in text]
    # The case was over when it had seen enough; the script goes on reading for a second.
    assert [text.split(" octets  ")[1] for text in heard][: len(frames)] == [_few(e.octets.head) for e in frames]
    ours = b"".join(e.octets.head for e in recorded.transcript if e.direction is Direction.OURS)
    told = [text for text in said.texts(">") if " octets  " in text]
    assert sum(int(text.split()[0]) for text in told) == len(ours)
    ended = [e.summary for e in recorded.transcript if e.direction is Direction.TARGET and e.kind == "event"]
    assert [text.split()[0] for text in said.texts("<") if text.split()[0] in ("FIN", "RST")] == ended


def _few(octets: bytes) -> str:
    return octets[:32].hex(" ") + (" ..." if len(octets) > 32 else "")


def test_a_target_that_is_mended_is_heard_all_the_same(tmp_path: Path) -> None:
    """The recorded echo does not come, a Close does: the script goes on and tells it."""
    with serving() as port:
        octets = script.render(target(address=f"ws://127.0.0.1:{port}/"), result())
        said = run_script(octets.replace(b"SILENCE = 5.0", b"SILENCE = 0.2"), tmp_path)
    heard = said.texts("<")
    assert "HTTP/1.1 101 Switching Protocols" in heard
    assert any(text.startswith("Close  ") for text in heard)


def test_another_target_may_be_named(tmp_path: Path) -> None:
    with serving() as port:
        said = run_script(
            script.render(target(address="ws://gone.invalid:9/"), result()), tmp_path, "127.0.0.1", str(port)
        )
    assert said.texts("<")


def test_the_script_for_a_client_listens_and_answers_its_key(tmp_path: Path) -> None:
    request, response = REQUEST, RESPONSE
    assert field(response, "Sec-WebSocket-Accept") == accept_value(field(request, "Sec-WebSocket-Key") or b"")
    talk = (
        TranscriptEntry(1, Direction.TARGET, "request", "GET /chat HTTP/1.1", Octets.of(request)),
        TranscriptEntry(2, Direction.OURS, "response", "HTTP/1.1 101 Switching Protocols", Octets.of(response)),
        TranscriptEntry(3000, Direction.OURS, "frame", 'Text 5 "Hello"', Octets.of(Frame.text("Hello").encode())),
        TranscriptEntry(4000, Direction.TARGET, "frame", "Text masked 5", Octets.of(bytes(11))),
        TranscriptEntry(5000, Direction.OURS, "frame", "Close 2 1000", Octets.of(Frame.close(1000).encode())),
        TranscriptEntry(6000, Direction.TARGET, "frame", "Close masked 2 1000", Octets.of(bytes(8))),
    )
    record = target(role=Role.CLIENT, address="ws://127.0.0.1:9001/")
    (tmp_path / "case.py").write_bytes(script.render(record, result(*talk, role=Role.CLIENT)))
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
    heard = Said.of(out).texts("<")
    assert [text.split("  ")[0] for text in heard if "octets" in text] == ["Text masked", "Close masked"]


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


def test_hostile_text_never_leaves_its_comment(tmp_path: Path) -> None:
    for each in journals.hostile().targets:
        for one in each.results:
            plain = replace(one, transcript=tuple(e for e in one.transcript if e.octets.sha256 is None))
            compile(script.render(each.target, plain), "case.py", "exec")


def test_masked_credentials_are_told() -> None:
    masked = REQUEST.replace(b"\r\n\r\n", b"\r\nAuthorization: *******\r\n\r\n")
    first = TranscriptEntry(210, Direction.OURS, "request", "GET /chat HTTP/1.1", Octets.of(masked))
    assert b"# Credentials were masked with asterisks" in script.render(target(), result(first))
    assert b"Credentials" not in script.render(target(), result())
    assert b"# Credentials were masked with asterisks" in shell.render(target(), result(first))


def test_a_target_named_by_its_address_is_named_once() -> None:
    text = shell.render(target(name="ws://127.0.0.1:9001/"), result()).decode()
    assert "# Recorded at ws://127.0.0.1:9001/: violation.\n" in text


# --- netcat


def test_the_shell_lines_send_the_same_octets(tmp_path: Path) -> None:
    """netcat is played by one that keeps what it gets, and no pause lasts."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, body in (("nc", 'echo "$@" > words; cat > octets'), ("sleep", "true")):
        (tools / name).write_text(f"#!/bin/sh\n{body}\n")
        (tools / name).chmod(0o755)
    every = TranscriptEntry(4000, Direction.OURS, "octets", "256 octets", Octets.of(bytes(range(256))))
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
    talk = (*opened(), TranscriptEntry(4000, Direction.OURS, "octets", "hyphens", Octets.of(octets, whole=True)))
    text = shell.render(target(), result(*talk)).decode()
    lines = "\n".join(line for line in text.splitlines() if "printf" in line)
    done = subprocess.run(["sh", "-eu", "-c", lines], capture_output=True, timeout=LONG, check=False)
    assert (done.returncode, done.stdout) == (0, octets_of(talk, Direction.OURS))


def test_a_connection_that_is_ended_without_an_octet_is_a_command_all_the_same() -> None:
    text = shell.render(target(), result(happened(10, "our FIN"))).decode()
    done = subprocess.run(["sh", "-n"], input=text, text=True, capture_output=True, timeout=LONG, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("host", "told"), [("example.org", "$HOST:$PORT"), ("[::1]", "[$HOST]:$PORT")])
def test_shell_lines_over_tls_go_through_openssl(host: str, told: str) -> None:
    text = shell.render(target(transport="tls", address=f"wss://{host}/"), result()).decode()
    assert f'openssl s_client -quiet -connect "{told}"' in text
    assert f'HOST="${{HOST:-{host.strip("[]")}}}" PORT="${{PORT:-443}}"' in text


def test_a_client_is_nothing_for_netcat() -> None:
    with pytest.raises(CannotExport, match="netcat cannot answer a client's key; take --as python"):
        shell.render(target(role=Role.CLIENT), result(role=Role.CLIENT))


@pytest.mark.parametrize("host", ["$(touch${IFS}x)", "`x`", 'a";x;"'])
def test_a_hostile_address_is_not_run(host: str) -> None:
    text = shell.render(target(address=f"ws://{host}/"), result()).decode()
    assert f"HOST:-{host}" not in text


# --- the command


def write(folder: Path, *columns: tuple[TargetRecord, Result]) -> None:
    """Write a journal into `folder`."""
    made = journals.journal()
    targets = tuple(
        TargetResults(record, (one, journals.result("a.b[1]"), journals.result("a.b[2]"))) for record, one in columns
    )
    (folder / "j.jsonl").write_text(dumps(replace(made, targets=targets)))


def test_the_command_writes_to_a_file_or_to_stdout(say: Say, tmp_path: Path) -> None:
    write(tmp_path, (target(), result()))
    code, out, err = say("export", "j.jsonl", CASE, "--as", "hex")
    assert (code, err) == (0, "")
    assert out.startswith(f"# {CASE}\n")
    assert say("export", "j.jsonl", CASE, "--as", "pcapng", "-o", "x.pcapng") == (0, "", "")
    assert list(packets((tmp_path / "x.pcapng").read_bytes()))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("j.jsonl", CASE), "j.jsonl: has 2 targets; name one with --target: one, two"),
        (("j.jsonl", CASE, "--target", "tow"), 'j.jsonl: has no target tow; did you mean "two"?'),
        (("j.jsonl", "a.b", "--target", "one"), 'j.jsonl: one: "a.b" takes 2 cases: a.b[1], a.b[2]; name one'),
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
        (("j.jsonl", CASE, "--target", "two"), f"{CASE}: of 76800 octets of ours (entry 3) the journal has head and"),
        (("gone", CASE), "gone: cannot be read: "),
    ],
)
def test_what_cannot_be_exported_is_said(words: tuple[str, ...], told: str, say: Say, tmp_path: Path) -> None:
    write(tmp_path, (target("one"), result()), (target("two"), cut(Direction.OURS)))
    code, out, err = say("export", *words)
    assert (code, out) == (2, "")
    assert err.startswith(told)
    assert len(err.splitlines()) == 1
