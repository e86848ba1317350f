"""Started programs: readiness, output, pipes, a certain end, restarts. Real processes, no fixed pauses."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trio

from tests.support.command import LONG, environment
from wsconform.transport.program import Output, Program, StartFailed, TargetProgram

HOST = "127.0.0.1"


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as unused:
        unused.bind((HOST, 0))
        return int(unused.getsockname()[1])


def program(folder: Path, text: str) -> list[str]:
    """Write a Python program and return the command that runs it."""
    path = folder / "program.py"
    path.write_text(PRELUDE + textwrap.dedent(text))
    return [sys.executable, "-u", "-S", str(path)]


PRELUDE = """
import os, signal, socket, sys

def listen(port):
    server = socket.create_server(("127.0.0.1", port))
    while True:
        server.accept()[0].close()

def hold(port):
    # Keeps every connection open until the process ends.
    server, held = socket.create_server(("127.0.0.1", port)), []
    while True:
        held.append(server.accept()[0])
"""


@asynccontextmanager
async def prepared(
    command: list[str], port: int, output: Output | None = None, **options: float
) -> AsyncIterator[TargetProgram]:
    """Yield a target that is not started yet; end it afterwards."""
    settings = {"ready_within": float(LONG), **options}
    async with trio.open_nursery() as nursery:
        started = TargetProgram(command, nursery, output or Output(), host=HOST, port=port, **settings)  # type: ignore[arg-type]
        try:
            yield started
        finally:
            await started.end()
            nursery.cancel_scope.cancel()


def is_alive(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


async def test_waits_until_the_target_listens_and_makes_it_a_group_leader(tmp_path: Path) -> None:
    port = free_port()
    async with prepared(program(tmp_path, f"print('up'); listen({port})"), port) as started:
        await started.start()
        pid = started.pid
        assert pid is not None
        assert os.getpgid(pid) == pid
        assert os.getsid(pid) == pid, "Ctrl-C in a terminal must not reach it"
        stream = await trio.open_tcp_stream(HOST, port)
        await stream.aclose()
    assert started.pid is None
    assert not is_alive(pid)
    assert started.output.last_lines() == ("up",)


async def test_kills_children_that_ignore_sigterm(tmp_path: Path) -> None:
    port, other = free_port(), free_port()
    command = program(
        tmp_path,
        f"""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.fork() == 0:
            hold({other})
        listen({port})
        """,
    )
    async with prepared(command, port, grace=0.05) as started:
        await started.start()
        with trio.fail_after(LONG):
            while True:
                try:
                    stream = await trio.open_tcp_stream(HOST, other)
                    break
                except OSError:
                    await trio.lowlevel.checkpoint()
        async with stream:
            await started.end()
            with trio.fail_after(LONG):
                assert await _end_of(stream)


async def _end_of(stream: trio.SocketStream) -> bool:
    try:
        return await stream.receive_some() == b""
    except trio.BrokenResourceError:
        return True


async def test_ends_with_sigterm_if_that_is_enough(tmp_path: Path) -> None:
    port = free_port()
    command = program(
        tmp_path,
        f"""
        def on_sigterm(*_):
            print("goodbye")
            sys.exit()
        signal.signal(signal.SIGTERM, on_sigterm)
        listen({port})
        """,
    )
    async with prepared(command, port, grace=LONG) as started:
        await started.start()
    assert started.output.last_lines() == ("goodbye",)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("print('no such port', file=sys.stderr); sys.exit(7)", "exit status 7"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    ],
)
async def test_reports_a_target_that_exits_before_it_listens(text: str, status: str, tmp_path: Path) -> None:
    port = free_port()
    async with prepared(program(tmp_path, text), port) as started:
        with pytest.raises(StartFailed, match=rf"ended before it listened at 127.0.0.1:{port}: {status}$"):
            await started.start()
        if "status" in status:
            assert started.output.last_lines() == ("no such port",)


async def test_ends_a_target_that_does_not_listen_in_time(tmp_path: Path) -> None:
    port, other = free_port(), free_port()
    async with prepared(program(tmp_path, f"hold({other})"), port, ready_within=0.05) as started:
        with pytest.raises(
            StartFailed, match=r"does not listen at .* after 0\.05 s; check its port, or give it longer"
        ):
            await started.start()
        assert started.pid is None


async def test_starts_nothing_if_something_listens_already(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as listening:
        async with prepared(program(tmp_path, "listen(0)"), listening.getsockname()[1]) as started:
            with pytest.raises(StartFailed, match="something listens there already; end it"):
                await started.start()
            assert started.pid is None


@pytest.mark.parametrize("command", [["./no-such-program"], ["/"], ["a\0b"]])
async def test_reports_a_command_that_cannot_be_started(command: list[str]) -> None:
    async with prepared(command, free_port()) as started:
        with pytest.raises(StartFailed, match=r"cannot be started: .*; check --start$"):
            await started.start()


async def test_restarts_a_dead_target_once_for_several_callers(tmp_path: Path) -> None:
    port = free_port()
    async with prepared(program(tmp_path, f"print('up'); listen({port})"), port) as started:
        await started.start()
        first = started.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        with trio.fail_after(LONG):
            while is_alive(first):
                await trio.lowlevel.checkpoint()
        answers = list[bool]()

        async def ask() -> None:
            answers.append(await started.restart())

        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(ask)
        assert answers == [True] * 4
        assert started.restarts == 1
        assert started.pid != first
    assert started.output.last_lines() == ("up", "[started again]", "up")


async def test_restart_fails_if_the_target_exits_again(tmp_path: Path) -> None:
    port = free_port()
    mark = tmp_path / "was here"
    text = f"""
    if os.path.exists({str(mark)!r}): sys.exit(1)
    open({str(mark)!r}, "w").close()
    server = socket.create_server(("127.0.0.1", {port}))
    server.accept()
    """
    async with prepared(program(tmp_path, text), port) as started:
        await started.start()
        pid = started.pid
        assert pid is not None
        with trio.fail_after(LONG):
            while is_alive(pid):
                await trio.lowlevel.checkpoint()
        assert not await started.restart()


def test_the_target_does_not_outlive_a_killed_run(tmp_path: Path) -> None:
    """Even if our process gets SIGKILL, the target is ended: its connection ends."""
    port = free_port()
    target = program(tmp_path, f"hold({port})")
    ours = tmp_path / "ours.py"
    ours.write_text(
        "import sys, trio\n"
        "from wsconform.transport.program import Output, TargetProgram\n"
        "async def main():\n"
        "    async with trio.open_nursery() as nursery:\n"
        f"        address = dict(host='127.0.0.1', port={port}, ready_within=60)\n"
        f"        started = TargetProgram({target!r}, nursery, Output(), **address)\n"
        "        await started.start()\n"
        "        print('started', flush=True)\n"
        "        await trio.sleep_forever()\n"
        "trio.run(main)\n"
    )
    with subprocess.Popen([sys.executable, str(ours)], stdout=subprocess.PIPE, env=environment()) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
        with socket.create_connection((HOST, port), timeout=LONG) as connection:
            process.kill()
            process.wait(LONG)
            with suppress(ConnectionResetError):
                assert connection.recv(1) == b""


# --- pipes


async def test_pipes_give_the_caller_standard_input_and_output(tmp_path: Path) -> None:
    command = program(
        tmp_path,
        """
        print("ready", file=sys.stderr)
        for line in sys.stdin:
            print(line.strip().upper())
        """,
    )
    async with trio.open_nursery() as nursery:
        output = Output()
        started = Program(command, nursery, output, pipes=True)
        await started.launch()
        assert started.stdin is not None
        assert started.stdout is not None
        with trio.fail_after(LONG):
            for word in (b"one", b"two"):
                await started.stdin.send_all(word + b"\n")
                answer = b""
                while not answer.endswith(b"\n"):
                    answer += bytes(await started.stdout.receive_some())
                assert answer == word.upper() + b"\n"
        pid = started.pid
        await started.end()
        assert pid is not None
        assert not is_alive(pid)
        with pytest.raises(trio.ClosedResourceError):
            await started.stdout.receive_some()
        nursery.cancel_scope.cancel()
    # Standard error is still kept; standard output went to the caller.
    assert output.last_lines() == ("ready",)


async def test_a_program_with_pipes_ends_when_its_input_does(tmp_path: Path) -> None:
    async with trio.open_nursery() as nursery:
        started = Program(program(tmp_path, "print(len(sys.stdin.read()))"), nursery, Output(), pipes=True)
        await started.launch()
        assert started.stdin is not None
        assert started.stdout is not None
        with trio.fail_after(LONG):
            await started.stdin.send_all(b"12345")
            await started.stdin.aclose()
            assert b"".join([bytes(piece) async for piece in started.stdout]) == b"5\n"
        await started.end()
        nursery.cancel_scope.cancel()


async def test_without_pipes_there_are_no_streams_and_output_is_kept(tmp_path: Path) -> None:
    async with trio.open_nursery() as nursery:
        output = Output()
        started = Program(program(tmp_path, "print(repr(sys.stdin.read()))"), nursery, output)
        await started.launch()
        assert (started.stdin, started.stdout) == (None, None)
        with trio.fail_after(LONG):
            while not output.last_lines():
                await trio.lowlevel.checkpoint()
        await started.end()
        nursery.cancel_scope.cancel()
    assert output.last_lines() == ("''",)


# --- output


def test_keeps_the_first_and_last_octets_of_long_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Output, "HEAD", 10)
    monkeypatch.setattr(Output, "TAIL", 8)
    output = Output(tmp_path / "x.log")
    for number in range(100):
        output.write(b"%02d\n" % number)
    output.close()
    assert (tmp_path / "x.log").read_bytes() == b"00\n01\n02\n0\n[282 octets left out]\n7\n98\n99\n"
    assert output.last_lines(2) == ("98", "99")


@pytest.mark.parametrize("sizes", [(4, 4), (12,), (8, 4, 3), (30,), (9, 2)])
def test_writes_no_octet_twice(sizes: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Output, "HEAD", 10)
    monkeypatch.setattr(Output, "TAIL", 30)
    octets = bytes(range(65, 65 + sum(sizes)))
    output, rest = Output(tmp_path / "x.log"), octets
    for size in sizes:
        output.write(rest[:size])
        rest = rest[size:]
    output.close()
    output.close()
    assert (tmp_path / "x.log").read_bytes() == octets


def test_replaces_octets_that_are_not_utf8_in_lines() -> None:
    output = Output()
    output.write(b"a\xff\n\n  \nb\n")
    assert output.last_lines() == ("a\ufffd", "b")
