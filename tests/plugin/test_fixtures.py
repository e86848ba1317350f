"""Fixtures for tests of users, and a whole project that uses them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import serving, url
from tests.support.plugin_run import MODULE, here

pytest_plugins = ["pytester"]


@pytest.fixture(scope="module")
def good() -> Iterator[str]:
    """The address of the reference."""
    with serving() as port:
        yield url(port)


DIALS = """
    import pytest
    from wsconform import Frame

    def test_echo(ws_dial):
        ws_dial().echo(Frame.text("Hello"), Frame.binary(b"x"))

    def test_raw_frames(ws_dial, ws_target):
        ws = ws_dial()
        ws.send(Frame(0x3))
        assert ws.expect_connection_failed().status_code == 1002
        assert ws_target.url.host == "127.0.0.1"

    def test_received(ws_dial, ws_transcript):
        ws = ws_dial()
        ws.send_octets(ws.connection.encode(Frame.ping(b"hey")))
        assert ws.receive().payload == b"hey"
        assert ws.receive(within=0.001) is None
        assert [e.kind for e in ws_transcript.entries] == ["request", "response", "octets", "frame"]

    def test_two_connections(ws_dial):
        one, two = ws_dial(), ws_dial(offer="permessage-deflate")
        assert two.connection.conversation.deflate is not None
        one.expect_closed_cleanly()
        two.expect_alive()
        assert two.run(lambda c: c.settle()) == []

    def test_no_reaction(ws_dial):
        ws = ws_dial()
        ws.half_close()
        ws.expect_ended()
"""


def test_a_raw_connection_to_the_target(pytester: pytest.Pytester, good: str) -> None:
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    pytester.makepyfile(DIALS)
    here(pytester, "--ws-target", good).assert_outcomes(passed=5)
    here(pytester, "--ws-target", "reference").assert_outcomes(passed=5)


def test_a_failure_shows_the_transcript_of_the_connections(pytester: pytest.Pytester, good: str) -> None:
    pytester.makepyfile(
        """
        from wsconform import Frame

        def test_wrong(ws_dial):
            ws = ws_dial()
            ws.send(Frame.text("Hello"))
            ws.expect_pong(b"Hello")
        """
    )
    result = here(pytester, "--ws-target", good, "--ws-patience", "50ms")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*Violation: expected a Pong of 5 octets with the Ping's application data; observed nothing for 0.05 s*",
            "*- wsconform: transcript of the connections -*",
            '        | Text masked 5 "Hello" -* |*',
            '        | <-* Text 5 "Hello" |*',
        ]
    )


def test_a_test_runs_once_for_each_target(pytester: pytest.Pytester, good: str) -> None:
    pytester.makeconftest(f"def pytest_wsconform_targets(config): return {{'one': {good!r}, 'two': {good!r}}}")
    pytester.makepyfile("def test_url(ws_target): assert ws_target.name in ('one', 'two')")
    result = here(pytester, "-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*::test_url[[]one] PASSED *", "*::test_url[[]two] PASSED *"])


def test_a_test_that_needs_a_target_fails_in_one_line_without_one(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_url(ws_target): pass\ndef test_mine(): pass")
    result = here(pytester)
    result.stdout.fnmatch_lines(["*no target: give --ws-target ws://HOST:PORT/, or name one in*"])
    assert result.ret != 0


def test_a_target_that_is_gone(pytester: pytest.Pytester) -> None:
    with serving() as port:
        pass
    pytester.makepyfile("def test_dial(ws_dial): ws_dial()")
    result = here(pytester, "--ws-target", url(port))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*AssertionError: {url(port)}: no connection: *nothing listens there*"])


def test_a_raw_server_for_a_client(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    pytester.makepyfile(
        """
        import subprocess, sys
        import pytest
        from wsconform import Frame

        @pytest.fixture
        def client(ws_listen):
            words = [sys.executable, "-m", "wsconform.fixtures.reference", "client", ws_listen.url]
            with subprocess.Popen(words) as process:
                yield process
                process.kill()

        @pytest.mark.usefixtures("client")
        def test_echo(ws_listen):
            ws = ws_listen.accept()
            ws.echo(Frame.text("Hello"))
            ws.expect_closed_cleanly()

        def test_a_wrong_answer_is_refused(ws_listen, client):
            incoming = ws_listen.incoming()
            assert incoming.request.fields.get("Sec-WebSocket-Version") == b"13"
            ws_listen.answer(incoming, b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n").expect_ended()

        def test_no_client_connects(ws_listen):
            with pytest.raises(AssertionError, match="no client"):
                ws_listen.accept()
        """
    )
    result = here(pytester, "--ws-patience", "30s", "-k", "not no_client_connects")
    result.assert_outcomes(passed=2, deselected=1)
    here(pytester, "--ws-patience", "50ms", "-k", "no_client_connects").assert_outcomes(passed=1, deselected=2)


CONFTEST = """
    import subprocess, sys
    import pytest
    from wsconform.plugin import FromFixture

    @pytest.fixture(scope="session")
    def server():
        words = [sys.executable, "-u", "-m", "wsconform.fixtures.reference", "server", "--port", "0"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            print("STARTED")
            yield process.stdout.readline().split()[-1]
            process.terminate()

    def pytest_wsconform_targets(config):
        return {"mine": FromFixture("server")}
"""


def test_a_project_that_starts_its_server_in_a_fixture(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(
        test_mine="""
        from wsconform import Frame

        def test_echo(ws_dial):
            ws_dial().echo(Frame.text("Hello"))
        """
    )
    pytester.makeini("[pytest]\naddopts = --strict-markers\nfilterwarnings = error\n")
    result = pytester.runpytest_subprocess("--pyargs", "test_mine.py", MODULE, "-s", "--ws-out", "out")
    assert result.ret == 0, result.stdout.str()
    assert result.stdout.str().count("STARTED") == 1
    result.stdout.fnmatch_lines(["wsconform: mine; *", "mine: MUST *", "Conforms at MUST."])
    assert '"name":"mine"' in Path("out/journal.jsonl").read_text(encoding="utf-8")


def test_a_fixture_of_a_narrow_scope_is_rejected(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST.replace('scope="session"', 'scope="module"'))
    result = here(pytester, "--pyargs", MODULE, "-x")
    result.stdout.fnmatch_lines(["fixture server: must last for the session; write @pytest.fixture(scope=*"])


def test_a_fixture_that_returns_no_address(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest
        from wsconform.plugin import FromFixture

        @pytest.fixture(scope="session")
        def server():
            return 9001

        def pytest_wsconform_targets(config):
            return {"mine": FromFixture("server")}
        """
    )
    result = here(pytester, "--pyargs", MODULE, "-x")
    result.stdout.fnmatch_lines(["fixture server: must be an address such as ws://HOST:PORT/, and is 9001"])
