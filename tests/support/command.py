"""The command as a process, and servers for it in threads of the test process."""

from __future__ import annotations

import os
import queue
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import trio

from wsconform.fixtures.reference import ReferenceServer, serve
from wsconform.fixtures.reference.frames import Failure
from wsconform.wire.frame import Header

#: A few quick cases about masking, which most of these tests run.
CASES = ("-c", "masking.wrongly_masked_frame_fails_the_connection")
CASE = "masking.wrongly_masked_frame_fails_the_connection[text]"
LONG = 60

#: A shared cache of compiled modules: compiling them for each command would take most of its time.
COMPILED = Path(__file__).parents[2] / "build" / "pycache"


class TakesAnyMask(ReferenceServer):
    """A server that fails CASES, because it accepts frames masked or not."""

    def check_mask(self, header: Header) -> Failure | None:
        return None


@dataclass(frozen=True)
class Ended:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The only line on stderr; the test fails if there are more or fewer."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


#: Prefixes of environment variables that change the output of a command: CI systems, colours, the terminal's width.
SURROUNDINGS = ("BUILD_NUMBER", "CI", "COLUMNS", "FORCE_COLOR", "GITHUB_", "NO_COLOR", "PY_COLORS")


def environment(**changes: str) -> dict[str, str]:
    """Return the environment of this process without variables that colour, configure or localise a command."""
    unwanted = (*SURROUNDINGS, "WSCONFORM_", "TERM", "LC_", "LANG", "PYTHONIOENCODING")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**kept, "PYTHONIOENCODING": "utf-8", "PYTHONPYCACHEPREFIX": str(COMPILED), **changes}


def wsconform(*words: str, folder: Path, env: Mapping[str, str] | None = None) -> Ended:
    """Run the command in `folder` with `words`, `env` over the environment."""
    done = subprocess.run(
        [sys.executable, "-m", "wsconform", *words],
        cwd=folder,
        env=environment(**(env or {})),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LONG,
        check=False,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def url(port: int, scheme: str = "ws") -> str:
    """Return the address of a server on this machine."""
    return f"{scheme}://127.0.0.1:{port}/"


def closed_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


#: The type of the fixture `say`, which runs the command in the test process.
Say = Callable[..., tuple[int, str, str]]

Handler = Callable[[trio.SocketStream, trio.CancelScope], Awaitable[None]]


@contextmanager
def serving(
    server: type[ReferenceServer] = ReferenceServer, *, tls: ssl.SSLContext | None = None, at_most: int | None = None
) -> Iterator[int]:
    """Serve `server` on a free port, which is yielded; stop after `at_most` connections."""
    accepted = 0

    async def handle(stream: trio.SocketStream, stop: trio.CancelScope) -> None:
        nonlocal accepted
        accepted += 1
        if at_most is not None and accepted > at_most:
            stop.cancel()
            return
        await serve(stream, server, tls=tls)

    with _listening(handle) as port:
        yield port


@contextmanager
def answering(octets: bytes) -> Iterator[int]:
    """Answer the first octets on every connection with `octets`, and close it; yield the port."""

    async def handle(stream: trio.SocketStream, _: trio.CancelScope) -> None:
        with suppress(trio.BrokenResourceError):
            await stream.receive_some(65536)
            await stream.send_all(octets)
            await stream.send_eof()
            while await stream.receive_some(65536):
                pass

    with _listening(handle) as port:
        yield port


@contextmanager
def _listening(handle: Handler) -> Iterator[int]:
    ready: queue.Queue[tuple[int, trio.CancelScope, trio.lowlevel.TrioToken]] = queue.Queue()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")

            async def each(stream: trio.SocketStream) -> None:
                await handle(stream, nursery.cancel_scope)

            port = int(listener.socket.getsockname()[1])
            ready.put((port, nursery.cancel_scope, trio.lowlevel.current_trio_token()))
            await trio.serve_listeners(each, [listener])

    thread = threading.Thread(target=trio.run, args=(main,), daemon=True)
    thread.start()
    port, scope, token = ready.get(timeout=LONG)
    try:
        yield port
    finally:
        with suppress(trio.RunFinishedError):
            trio.from_thread.run_sync(scope.cancel, trio_token=token)
        thread.join(LONG)


@contextmanager
def running(*words: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command during the block, and kill it at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "wsconform", *words],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()
