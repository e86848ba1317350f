"""The whole command against every hostile server: it ends with a known exit code, and its outputs are well-formed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from xml.etree import ElementTree

import pytest
import trio

from tests.support.command import LONG, Ended, wsconform
from wsconform.fixtures.hostile import HOSTILE
from wsconform.fixtures.hostile import serve as serve_hostile
from wsconform.journal.journal import read

#: A few cases of every kind, and a short patience.
CHOICE = (
    *("-c", "closing.handshake.close_is_answered"),
    *("-c", "framing.opcodes.unknown_opcode_fails_the_connection[0x3-*]"),
    *("-c", "control.ping.ping_of_every_length_is_answered"),
    *("-c", "opening.key.*"),
    *("-c", "deflate.mixing.ping_is_answered_with_its_own_octets"),
    *("-c", "monitors.*"),
    *("--patience", "0.2s"),
    *("-r", "html", "-r", "junit", "-r", "json", "-r", "md"),
)

#: The possible exit codes: 3 if nothing can be tested or the target is lost, 1 if there is a violation.
STATUS = {
    **{key: {3} for key in ("endless_response", "silent_accept", "immediate_reset", "half_open", "other_protocol")},
    **{key: {3} for key in ("tls_expected", "plain_http_200", "plain_http_404", "dies_midway")},
    **{key: {0, 1} for key in ("thousand_headers", "hostile_server_field", "compressed_bomb")},
    # On a busy machine the drip of the 101 may take longer than the probe waits.
    "slow_drip": {0, 1, 3},
    **{key: {1} for key in ("endless_after_close", "echo_then_garbage", "never_closes")},
    # These may flood the probe so much that it fails.
    **{key: {1, 3} for key in ("huge_length", "endless_pings", "endless_bombs", "endless_compressed")},
}


@contextmanager
def hostile(name: str) -> Iterator[int]:
    """Serve the behaviour `name` in a thread; yield the port."""
    ready: queue.Queue[tuple[int, trio.CancelScope, trio.lowlevel.TrioToken]] = queue.Queue()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            port = await nursery.start(serve_hostile, name)
            ready.put((port, nursery.cancel_scope, trio.lowlevel.current_trio_token()))

    thread = threading.Thread(target=trio.run, args=(main,), daemon=True)
    thread.start()
    port, scope, token = ready.get(timeout=LONG)
    try:
        yield port
    finally:
        with suppress(trio.RunFinishedError):
            trio.from_thread.run_sync(scope.cancel, trio_token=token)
        thread.join(LONG)


def test_every_behaviour_has_an_expected_status() -> None:
    assert set(STATUS) == set(HOSTILE)


@pytest.mark.parametrize("name", HOSTILE)
def test_survives_a_hostile_server(name: str, tmp_path: Path) -> None:
    with hostile(name) as port:
        ended = wsconform("run", f"ws://127.0.0.1:{port}/", *CHOICE, folder=tmp_path)
    assert ended.code in STATUS[name], ended
    assert_is_harmless(ended)
    if ended.code != 3:
        assert read(tmp_path / "wsconform-out" / "journal.jsonl").footer is not None
        ElementTree.parse(tmp_path / "wsconform-out" / "junit.xml")
        page = (tmp_path / "wsconform-out" / "report" / "index.html").read_text("utf-8")
        assert "<script>alert" not in page
        assert "\x1b" not in page


def assert_is_harmless(ended: Ended) -> None:
    text = ended.out + ended.err
    assert "Traceback" not in text
    controls = {char for char in text if ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0} - {"\n"}
    assert controls == set()
