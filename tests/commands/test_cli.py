"""The real command: situations and their exit codes, each with one clear line where nothing can be done."""

from __future__ import annotations

import ast
import importlib
import json
import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest
import trio

from tests.support.command import CASE, CASES, LONG, TakesAnyMask, closed_port, running, serving, url, wsconform
from wsconform.cli import COMMANDS, main
from wsconform.fixtures.reference import ReferenceServer
from wsconform.journal.journal import read


class Hangs(ReferenceServer):
    """A server whose connections stop answering when they have been told so; `reached` says that one has."""

    reached = threading.Event()
    count = 0

    async def converse(self) -> None:
        type(self).count += 1
        if self.count > 6:
            self.reached.set()
            await trio.sleep_forever()
        await super().converse()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_a_readable_journal(number: signal.Signals, tmp_path: Path) -> None:
    class Hanging(Hangs):
        reached = threading.Event()

    words = ("run", "{}", "-j", "1", "--patience", "600s", "-r", "junit", "-c", "masking.*")
    with serving(Hanging) as port, running(*(word.format(url(port)) for word in words), folder=tmp_path) as process:
        assert Hanging.reached.wait(LONG)
        process.send_signal(number)
        out, err = process.communicate(timeout=LONG)
    assert process.returncode == 130, err
    assert err == b""
    assert out.decode().splitlines()[-1].startswith("Interrupted.")
    journal = read(tmp_path / "wsconform-out" / "journal.jsonl")
    assert journal.footer is not None
    assert journal.footer.why == "interrupted"
    assert journal.targets[0].results
    assert (tmp_path / "wsconform-out" / "junit.xml").exists()


def test_an_interrupted_run_leaves_no_process_behind(tmp_path: Path) -> None:
    port = closed_port()
    program = tmp_path / "program.py"
    program.write_text(
        f"import socket\nserver, held = socket.create_server(('127.0.0.1', {port})), []\n"
        "while True:\n    held.append(server.accept()[0])\n"
    )
    words = ("run", url(port), "--start", f"{sys.executable} -S program.py", "--patience", "600s", *CASES)
    with running(*words, folder=tmp_path) as process:
        # The target takes connections and says nothing: the run is at its probe.
        while True:
            try:
                connection = socket.create_connection(("127.0.0.1", port), timeout=LONG)
                break
            except ConnectionRefusedError:
                assert process.poll() is None
        with connection:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=LONG)
            assert process.returncode == 130
            with suppress(ConnectionResetError):
                assert connection.recv(1) == b""


def test_configured_clients_are_left_out_and_named(tmp_path: Path) -> None:
    with serving() as port:
        (tmp_path / "wsconform.toml").write_text(
            f'[targets.one]\nurl = "{url(port)}"\n'
            '[targets.two]\nrole = "client"\nstart = ["node", "x.mjs", "{url}"]\n'
        )
        ended = wsconform("run", *CASES, folder=tmp_path)
    assert ended.code == 0
    assert ended.out.splitlines()[0] == "Left out, for `wsconform serve --target NAME` puts cases to clients: two."
    named = wsconform("run", "two", folder=tmp_path)
    assert named.code == 2
    assert named.error == (
        "wsconform.toml: targets.two: it is a client; put cases to it with `wsconform serve --target two`"
    )


def test_json_puts_the_journal_on_stdout_and_prose_on_stderr(tmp_path: Path) -> None:
    ended = wsconform("run", "--json", *CASES, folder=tmp_path)
    assert ended.code == 0
    assert ended.out == (tmp_path / "wsconform-out" / "journal.jsonl").read_text()
    kinds = [json.loads(line)["record"] for line in ended.out.splitlines()]
    assert kinds == ["header", "target", *["result"] * 6, "footer"]
    assert ended.err.splitlines()[-1].startswith("Conforms at MUST.")


def test_quiet_is_the_verdict_alone(tmp_path: Path) -> None:
    ended = wsconform("run", "-q", *CASES, folder=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert len(ended.out.splitlines()) == 1


def test_verbose_shows_every_ladder(tmp_path: Path) -> None:
    ended = wsconform("run", "-v", "-c", CASE, folder=tmp_path)
    assert f"✓ {CASE}" in ended.out
    assert '| Text 5 "Hello" -----' in ended.out


def test_secrets_reach_neither_journal_nor_terminal(tmp_path: Path) -> None:
    words = ("-H", "Authorization: Bearer hunter2", "--header=Cookie: id=hunter2", "-HX-Key: hunter2")
    with serving(TakesAnyMask) as port:
        ended = wsconform("run", url(port), *words, "-v", "-c", CASE, folder=tmp_path)
        short = wsconform("run", url(port), *words, "-c", CASE, folder=tmp_path)
    assert ended.code == short.code == 1
    journal = (tmp_path / "wsconform-out" / "journal.jsonl").read_text()
    for text in (ended.out, ended.err, short.out, journal):
        assert "hunter2" not in text
    assert b"hunter2".hex() not in journal
    assert b"X-Key: *******\r\n".hex() in journal
    assert "-H 'Authorization: ***' -H 'Cookie: ***' -H 'X-Key: ***' -c" in short.out


def test_the_command_that_is_shown_repeats_the_violation(tmp_path: Path) -> None:
    import shlex

    with serving(TakesAnyMask) as port:
        ended = wsconform("run", url(port), *CASES, folder=tmp_path)
        (line,) = {line.strip() for line in ended.out.splitlines() if "again  " in line and "[text]" in line}
        words = shlex.split(line.removeprefix("again"))
        again = wsconform(*words[1:], folder=tmp_path)
    assert again.code == 1
    assert f"✗ {CASE}" in again.out


def test_several_targets_are_told_apart_and_the_gravest_counts(tmp_path: Path) -> None:
    with serving() as good, serving(TakesAnyMask) as bad:
        (tmp_path / "wsconform.toml").write_text(
            f'[targets.good]\nurl = "{url(good)}"\n'
            f'[targets.bad]\nurl = "{url(bad)}"\n'
            f'[targets.gone]\nurl = "{url(closed_port())}"\n'
        )
        ended = wsconform("run", "-r", "junit=junit.xml", *CASES, folder=tmp_path)
    assert ended.code == 3
    lines = ended.out.splitlines()
    assert "good: MUST 6 of 6" in lines
    assert "bad: MUST 1 of 6" in lines
    assert "gone: not tested" in lines
    assert lines[-1].startswith("gone could not be tested. 5 violations.")
    journal = read(tmp_path / "wsconform-out" / "journal.jsonl")
    assert [each.target.name for each in journal.targets] == ["good", "bad", "gone"]
    assert journal.targets[2].target.untested.endswith("or name another port")
    assert journal.footer is not None
    assert journal.footer.why == "target-lost"
    assert (tmp_path / "junit.xml").exists()


def test_a_reader_who_goes_away_changes_nothing(tmp_path: Path) -> None:
    with running("run", *CASES, folder=tmp_path) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(LONG) == 0
    assert read(tmp_path / "wsconform-out" / "journal.jsonl").footer is not None


@pytest.mark.parametrize(
    ("words", "env", "colored"),
    [
        ((), {}, False),
        ((), {"FORCE_COLOR": "1"}, True),
        ((), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
        (("--color", "never"), {"FORCE_COLOR": "1"}, False),
        ((), {"WSCONFORM_COLOR": "always"}, True),
    ],
)
def test_color(words: tuple[str, ...], env: dict[str, str], colored: bool, tmp_path: Path) -> None:
    ended = wsconform("run", *words, *CASES, folder=tmp_path, env=env)
    assert ("\x1b[" in ended.out) is colored


@pytest.mark.parametrize(
    ("words", "env"),
    [(("--ascii",), {}), ((), {"PYTHONIOENCODING": "latin-1"}), ((), {"WSCONFORM_ASCII": "1"})],
)
def test_ascii(words: tuple[str, ...], env: dict[str, str], tmp_path: Path) -> None:
    ended = wsconform("run", *words, *CASES, folder=tmp_path, env=env)
    assert ended.code == 0
    assert ended.out.isascii()
    assert "  masking    6 .\n" in ended.out


@pytest.mark.parametrize("words", [(), ("expected",)])
def test_who_asks_for_nothing_is_shown_what_there_is(words: tuple[str, ...], tmp_path: Path) -> None:
    ended = wsconform(*words, folder=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("Usage: wsconform")
    assert "\nCommands:\n" in ended.err


def test_help_loads_nothing_heavy() -> None:
    """Each of these costs more than all that `--help` may take."""
    import subprocess

    code = (
        "import sys; from wsconform.cli import main; main(['--help'])\n"
        "heavy = {'trio', 'jinja2', 'pytest', 'wsconform.catalogue.case', 'wsconform.registry.requirement'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert ast.literal_eval(done.stdout.splitlines()[-1]) == []


def test_help_tells_of_each_command_what_the_command_tells_of_itself() -> None:
    for name, told in COMMANDS.items():
        command = importlib.import_module(f"wsconform.commands.{name}").command
        assert (command.name, command.short_help) == (name, told)


@pytest.mark.parametrize("word", ["run", "serve", "report"])
def test_help_names_the_kinds_of_reports_that_there_are(word: str) -> None:
    command = importlib.import_module(f"wsconform.commands.{word}").command
    (option,) = [each for each in command.params if "--report" in each.opts]
    assert isinstance(option, click.Option)
    kinds = sorted(point.name for point in entry_points(group="wsconform.reports"))
    assert (option.help or "").removeprefix("Also write ") == f"{', '.join(kinds)}."


def test_on_windows_the_command_says_that_it_needs_another_system(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert main(["list", "cases"]) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)
    assert "does not run on Windows; use Linux or macOS" in captured.err
