"""The real command: situations and their exit codes, each with one clear line where nothing can be done."""

from __future__ import annotations

import ast
import json
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio
import trustme

import wsconform as package
from tests.command import CASE, CASES, LONG, TakesAnyMask, answering, running, serving, wsconform
from wsconform.cli import COMMANDS
from wsconform.fixtures.reference import ReferenceServer
from wsconform.journal import read


def url(port: int, scheme: str = "ws") -> str:
    """Return the address of a server in this test."""
    return f"{scheme}://127.0.0.1:{port}/"


def closed_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


def server_context(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    """Return the TLS context of a server that `authority` vouches for."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


@dataclass(frozen=True)
class Situation:
    """What is run, in which surroundings, and how it has to end."""

    words: tuple[str, ...]
    code: int
    error: str = ""
    server: Callable[[], AbstractContextManager[int]] | None = None
    files: tuple[tuple[str, str], ...] = ()
    last: str = ""


HTTP_404 = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
HTTP_200 = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
KNOWN = '["*"]\n"masking.wrongly_masked_*" = "takes any mask"\n'
STALE = f'["*"]\n"{CASES[1]}" = "used to take any mask"\n'
BROKEN_ENTRY = '["*"]\n"masking.*" = ""\n'
CONFIGURED = '[targets.one]\nurl = "ws://127.0.0.1:9/"\n'


def tls_server() -> AbstractContextManager[int]:
    """Serve over TLS with a certificate that nobody knows."""
    return serving(tls=server_context(trustme.CA()))


SITUATIONS = {
    "held": Situation(("run", *CASES), 0, last="Conforms at MUST."),
    "held at another": Situation(("run", "{url}", *CASES), 0, server=serving, last="Conforms at MUST."),
    "violations": Situation(
        ("run", "{url}", *CASES),
        1,
        server=lambda: serving(TakesAnyMask),
        last="Does not conform at MUST: 5 violations.",
    ),
    "violations, never": Situation(
        ("run", "{url}", "--fail-on", "never", *CASES),
        0,
        server=lambda: serving(TakesAnyMask),
        last="Nothing breaks the gate (--fail-on never).",
    ),
    "expected violations": Situation(
        ("run", "{url}", *CASES),
        0,
        server=lambda: serving(TakesAnyMask),
        files=(("expected.toml", KNOWN),),
        last="Conforms at MUST.",
    ),
    "stale expectation": Situation(
        ("run", *CASES), 1, files=(("expected.toml", STALE),), last="The gate is broken: 1 expectation does not hold."
    ),
    "stale, allowed": Situation(
        ("run", "--allow", "stale", *CASES), 0, files=(("expected.toml", STALE),), last="Conforms at MUST."
    ),
    "broken expectation": Situation(
        ("run", *CASES),
        2,
        'expected.toml: *: "masking.*": there is no reason; say why this failure is expected',
        files=(("expected.toml", BROKEN_ENTRY),),
    ),
    "no expected.toml there": Situation(
        ("run", "--expected", "gone.toml", *CASES),
        2,
        "gone.toml: cannot be read: No such file or directory; name another file with --expected",
    ),
    "no ws URL": Situation(
        ("run", "http://127.0.0.1/x"),
        2,
        'http://127.0.0.1/x: not a ws or wss URL; did you mean "ws://127.0.0.1/x"?',
    ),
    "an address without scheme": Situation(
        ("run", "localhost:9001"),
        2,
        "localhost:9001: no target of this name; for an address write ws://localhost:9001",
    ),
    "unknown target": Situation(
        ("run", "ome", *CASES),
        2,
        'wsconform.toml: there is no target "ome"; did you mean "one"?',
        files=(("wsconform.toml", CONFIGURED),),
    ),
    "a configuration without targets": Situation(
        ("run",),
        2,
        "wsconform.toml: there is no target; add [targets.NAME] with its url, name an address,"
        " or run the embedded endpoint with `wsconform run reference`",
        files=(("wsconform.toml", 'profile = "quick"\n'),),
    ),
    "nothing listens": Situation(
        ("run", "ws://127.0.0.1:{closed}/", *CASES),
        3,
        "127.0.0.1:{closed}: nothing listens there; start the target first, or name another port",
        last="ws://127.0.0.1:{closed}/ could not be tested.",
    ),
    "no such host": Situation(
        ("run", "ws://no-such-host.invalid/", *CASES),
        3,
        'no-such-host.invalid: no such host; check the name, or use an address such as "127.0.0.1"',
    ),
    "TLS at a port without": Situation(
        ("run", "wss://127.0.0.1:{port}/", *CASES),
        3,
        "127.0.0.1:{port}: does not speak TLS; use ws:// for a target without TLS",
        server=serving,
    ),
    "no TLS at a port with": Situation(
        ("run", "{url}", *CASES),
        3,
        "{url}: answers in TLS; use wss:// for it",
        server=lambda: answering(b"\x15\x03\x01\x00\x02\x02\x46"),
    ),
    "a certificate that nobody knows": Situation(
        ("run", "wss://127.0.0.1:{port}/", *CASES),
        3,
        "127.0.0.1:{port}: the certificate does not verify: unable to get local issuer certificate;"
        " name its authority with --cacert, or use --insecure",
        server=tls_server,
    ),
    "the same, insecure": Situation(
        ("run", "wss://127.0.0.1:{port}/", "--insecure", *CASES), 0, server=tls_server, last="Conforms at MUST."
    ),
    "404": Situation(
        ("run", "{url}", *CASES),
        3,
        "{url}: answers the opening handshake with 404 Not Found, not 101; name the path of its WebSocket endpoint",
        server=lambda: answering(HTTP_404),
    ),
    "200": Situation(
        ("run", "{url}", *CASES),
        3,
        "{url}: answers the opening handshake with 200 OK, not 101; is this the address of a WebSocket endpoint?",
        server=lambda: answering(HTTP_200),
    ),
    "something else": Situation(
        ("run", "{url}", *CASES),
        3,
        "{url}: answers with something that is not HTTP ('SSH-2.0-x\\\\r\\\\n'); is this the right port?".replace(
            "\\\\", "\\"
        ),
        server=lambda: answering(b"SSH-2.0-x\r\n"),
    ),
    "a command that is not there": Situation(
        ("run", "ws://127.0.0.1:{closed}/", "--start", "./no-such-program", *CASES),
        3,
        "./no-such-program: cannot be started: No such file or directory; check --start",
    ),
    "something listens already": Situation(
        ("run", "{url}", "--start", "true", *CASES),
        3,
        "127.0.0.1:{port}: something listens there already; end it, or leave out --start to test it as it is",
        server=serving,
    ),
    "lost": Situation(
        # The probe and a look before it take five connections; the first case takes the last.
        ("run", "{url}", "-j", "1", "--patience", "1s", *CASES),
        3,
        server=lambda: serving(at_most=6),
        last="{url} was lost.",
    ),
    "unknown case": Situation(
        ("run", "-c", "masking.wrongly_masked_frame_fail_the_connection"),
        2,
        'no case matches "masking.wrongly_masked_frame_fail_the_connection"; did you mean'
        ' "masking.wrongly_masked_frame_fails_the_connection"? See `wsconform list cases`',
    ),
    "unknown section": Situation(
        ("run", "--section", "RFC6455:99"),
        2,
        "--section RFC6455:99: no case cites it; see `wsconform list requirements`",
    ),
    "nothing selected": Situation(
        ("run", "--level", "may", *CASES),
        5,
        "nothing is selected: no case is taken by all selectors together; see `wsconform list cases`",
    ),
    "nothing put": Situation(("run", "-c", "tls.*"), 5, last="Nothing was put to reference."),
    "unknown key": Situation(
        ("run",),
        2,
        'wsconform.toml: targets.echo-go.rolle: unknown key; did you mean "role"?',
        files=(("wsconform.toml", '[targets.echo-go]\nrolle = "server"\n'),),
    ),
    "no TOML": Situation(
        ("list", "targets"),
        2,
        "{folder}/wsconform.toml: not TOML: Invalid statement (at line 1, column 1)",
        files=(("wsconform.toml", "= 3\n"),),
    ),
    "environment not set": Situation(
        ("run", "one"),
        2,
        "wsconform.toml: targets.one.headers.Authorization: ${NOT_SET_AT_ALL} is not set in the environment;"
        " set it, or write the value",
        files=(("wsconform.toml", CONFIGURED + 'headers = { Authorization = "${NOT_SET_AT_ALL}" }\n'),),
    ),
    "no duration": Situation(
        ("run", "--patience", "5"),
        2,
        """wsconform run: --patience: '5' is no duration; write "5s", "0.5s" or "5m"; see `wsconform run --help`""",
    ),
    "no header field": Situation(
        ("run", "-H", "Authorization"),
        2,
        "wsconform run: -H: 'Authorization' is no header field; write 'Name: value'; see `wsconform run --help`",
    ),
    "unknown option": Situation(
        ("run", "--patiense", "5s"),
        2,
        'wsconform run: --patiense: there is no such option; did you mean "--patience"; see `wsconform run --help`',
    ),
    "unknown command": Situation(
        ("rum",), 2, 'wsconform: rum: there is no such command; did you mean "run"?; see `wsconform --help`'
    ),
    "-o is a file": Situation(
        ("run", "-o", "taken", *CASES),
        2,
        "-o taken: cannot be made: File exists; name another folder",
        files=(("taken", ""),),
    ),
    "-o in a file": Situation(
        ("run", "-o", "taken/out", *CASES),
        2,
        "-o taken/out: cannot be made: Not a directory; name another folder",
        files=(("taken", ""),),
    ),
    "the journal is a folder": Situation(
        ("run", "-o", ".", *CASES),
        2,
        "journal.jsonl: cannot be written: Is a directory; name another folder with -o",
        files=(("journal.jsonl/x", ""),),
    ),
    "unknown report": Situation(
        ("run", "-r", "jumit", *CASES), 2, '-r jumit: there is no report of this kind; did you mean "junit"?'
    ),
    "report into a file": Situation(
        ("run", "-r", "junit=taken/junit.xml", *CASES),
        2,
        "-r junit=taken/junit.xml: nothing can be written to taken; name another path",
        files=(("taken", ""),),
    ),
    "no journal": Situation(
        ("report", "gone.jsonl", "-r", "junit"),
        2,
        "gone.jsonl: cannot be read: [Errno 2] No such file or directory: 'gone.jsonl';"
        " name a journal.jsonl that a run wrote",
    ),
    "a journal that is none": Situation(
        ("report", "notes.txt", "-r", "junit"),
        2,
        "notes.txt: line 1: not JSON; the file is no journal, or damaged",
        files=(("notes.txt", "milk, bread\n"),),
    ),
    "report of nothing": Situation(
        ("report", "notes.txt"),
        2,
        "wsconform report: there is nothing to make; add -r KIND, such as -r html; see `wsconform report --help`",
        files=(("notes.txt", ""),),
    ),
    "probe of nothing": Situation(
        ("probe", "ws://127.0.0.1:{closed}/"),
        3,
        "127.0.0.1:{closed}: nothing listens there; start the target first, or name another port",
    ),
    "explain of nothing": Situation(
        ("explain", "masking.wrongly_masked_frame_fail"),
        2,
        'no case matches "masking.wrongly_masked_frame_fail"; did you mean'
        ' "masking.wrongly_masked_frame_fails_the_connection"?',
    ),
    "help": Situation(("--help",), 0),
    "version": Situation(("--version",), 0, last=f"wsconform {package.__version__}"),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_situation_has_its_exit_code(name: str, tmp_path: Path) -> None:
    situation = SITUATIONS[name]
    for file, text in situation.files:
        (tmp_path / file).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / file).write_text(text)
    with ExitStack() as stack:
        port = stack.enter_context(situation.server()) if situation.server else 0
        known = {"port": port, "url": url(port), "closed": closed_port(), "folder": tmp_path}

        def filled(text: str) -> str:
            for key, value in known.items():
                text = text.replace(f"{{{key}}}", str(value))
            return text

        ended = wsconform(*map(filled, situation.words), folder=tmp_path)
    assert ended.code == situation.code, ended
    assert "Traceback" not in ended.out + ended.err
    if situation.error:
        assert ended.error == filled(situation.error)
    else:
        assert ended.err == ""
    if situation.last:
        assert ended.out.splitlines()[-1].startswith(filled(situation.last)), ended.out


def test_the_suite_broke(tmp_path: Path) -> None:
    """A case that falls over its own mistake is found as anybody's cases are, and ends in 4."""
    cases = tmp_path / "brokencases"
    cases.mkdir()
    (cases / "__init__.py").write_text("")
    (cases / "broken.py").write_text(
        "from wsconform import Connection, case\n\n\n"
        '@case("6455-5.2-6")\n'
        "async def divides_by_nothing(ws: Connection) -> None:\n"
        '    """Nothing can be divided by nothing."""\n'
        "    1 / 0\n"
    )
    metadata = tmp_path / "brokencases-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: brokencases\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[wsconform.cases]\nbroken = brokencases\n")
    ended = wsconform("run", "-c", "broken.*", folder=tmp_path, env={"PYTHONPATH": str(tmp_path)})
    assert ended.code == 4, ended
    assert "ZeroDivisionError: division by zero (broken.py:7)" in ended.out
    assert ended.out.splitlines()[-1].startswith("The suite broke; that says nothing about the target.")


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
    assert journal.targets[2].target.notes["not tested"].endswith("or name another port")
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
        "print(sorted({'trio', 'jinja2', 'pytest', 'wsconform.catalogue', 'wsconform.requirement'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert ast.literal_eval(done.stdout.splitlines()[-1]) == []


def test_help_tells_of_each_command_what_the_command_tells_of_itself() -> None:
    import importlib

    for name, told in COMMANDS.items():
        command = importlib.import_module(f"wsconform.commands.{name}").command
        assert (command.name, command.short_help) == (name, told)
