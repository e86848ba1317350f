"""The exit code of the command in each situation, run as a process."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

import wsconform as package
from tests.support.command import CASES, TakesAnyMask, answering, closed_port, serving, url, wsconform


def server_context(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    """Return the TLS context of a server that `authority` vouches for."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


@dataclass(frozen=True)
class Situation:
    """A command, its surroundings, and the expected exit code and output."""

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
    """Serve over TLS with a certificate of an unknown authority."""
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
        ("run", *CASES), 1, files=(("expected.toml", STALE),), last="FAILED: 1 expectation no longer holds."
    ),
    "stale, allowed": Situation(
        ("run", "--allow", "stale", *CASES), 0, files=(("expected.toml", STALE),), last="Conforms at MUST."
    ),
    "broken expectation": Situation(
        ("run", *CASES),
        2,
        'expected.toml: *: "masking.*": the reason is missing; write why this failure is accepted',
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
        "localhost:9001: there is no target of this name; for an address write ws://localhost:9001",
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
    "a certificate of an unknown authority": Situation(
        ("run", "wss://127.0.0.1:{port}/", *CASES),
        3,
        "127.0.0.1:{port}: the certificate does not verify: unable to get local issuer certificate;"
        " name its CA's file with --cacert, or use --insecure",
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
        "nothing is selected: no case matches all selectors; see `wsconform list cases`",
    ),
    "no case ran": Situation(("run", "-c", "tls.*"), 5, last="No case ran against reference."),
    "unknown key": Situation(
        ("run",),
        2,
        'wsconform.toml: targets.echo-go.rolle: unknown key; did you mean "role"?',
        files=(("wsconform.toml", '[targets.echo-go]\nrolle = "server"\n'),),
    ),
    "no TOML": Situation(
        ("list", "targets"),
        2,
        "{folder}/wsconform.toml: is not TOML: Invalid statement (at line 1, column 1)",
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
        """wsconform run: --patience: '5' is not a duration; write "5s", "0.5s" or "5m"; see `wsconform run --help`""",
    ),
    "no header field": Situation(
        ("run", "-H", "Authorization"),
        2,
        "wsconform run: -H: 'Authorization' is not a header field; write 'Name: value'; see `wsconform run --help`",
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
        "-o taken: cannot be created: File exists; name another folder",
        files=(("taken", ""),),
    ),
    "-o in a file": Situation(
        ("run", "-o", "taken/out", *CASES),
        2,
        "-o taken/out: cannot be created: Not a directory; name another folder",
        files=(("taken", ""),),
    ),
    "the journal is a folder": Situation(
        ("run", "-o", ".", *CASES),
        2,
        "journal.jsonl: cannot be written: Is a directory; name another folder with -o",
        files=(("journal.jsonl/x", ""),),
    ),
    "unknown report": Situation(
        ("run", "-r", "jumit", *CASES), 2, '-r jumit: unknown kind of report; did you mean "junit"?'
    ),
    "report into a file": Situation(
        ("run", "-r", "junit=taken/junit.xml", *CASES),
        2,
        "-r junit=taken/junit.xml: taken is not writable; name another path",
        files=(("taken", ""),),
    ),
    "no journal": Situation(
        ("report", "gone.jsonl", "-r", "junit"),
        2,
        "gone.jsonl: cannot be read: [Errno 2] No such file or directory: 'gone.jsonl';"
        " name a journal.jsonl that a run wrote",
    ),
    "an invalid journal": Situation(
        ("report", "notes.txt", "-r", "junit"),
        2,
        "notes.txt: line 1: not JSON; the file is not a journal, or is damaged",
        files=(("notes.txt", "milk, bread\n"),),
    ),
    "report of nothing": Situation(
        ("report", "notes.txt"),
        2,
        "wsconform report: no report is named; add -r KIND, such as -r html; see `wsconform report --help`",
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


def test_an_error_of_wsconform_has_exit_code_4(tmp_path: Path) -> None:
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
    assert ended.out.splitlines()[-1].startswith("wsconform failed; this says nothing about the target.")
