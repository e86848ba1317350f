"""Programs that the suite starts: a process group of their own, their output kept, and a certain end.

`Program` runs any command. `TargetProgram` is a server under test: `start` waits until it listens.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import trio

__all__ = ["Output", "Program", "StartFailed", "TargetProgram"]

#: Seconds that a process group has to end by itself after SIGTERM, and seconds to wait after SIGKILL.
GRACE: Final = 2.0
_AFTER_KILL: Final = 1.0

#: Seconds between two checks whether a target listens, or has ended.
_POLL_INTERVAL: Final = 0.01
#: Seconds that one attempt to connect may take.
_CONNECT_WITHIN: Final = 1.0
#: How often a target that died is started again before it counts as lost.
MOST_RESTARTS: Final = 20

# A shell that blocks on a pipe from this process. The pipe closes when this process ends, even by SIGKILL; the shell
# then ends the program's group, so that no program outlives the run.
_GUARD: Final = 'read -r _; kill -s TERM -- "-$1"; sleep 2; kill -s KILL -- "-$1"'


class StartFailed(Exception):
    """The program could not be started.

    `problem` is the command or address and the reason, `advice` the action for the user; the text is both, in one line.
    """

    def __init__(self, problem: str, advice: str = "") -> None:
        super().__init__(f"{problem}; {advice}" if advice else problem)
        self.problem, self.advice = problem, advice


class Output:
    """The output of a program: its first and its last octets, in memory and in a file, whatever the amount."""

    HEAD: Final = 1 << 20
    TAIL: Final = 1 << 16

    def __init__(self, path: Path | None = None) -> None:
        """Keep the output in the file at `path`, which is overwritten; raises OSError."""
        self.path = path
        self._file = path.open("wb", buffering=0) if path else None
        self._room = self.HEAD
        self._tail = deque[bytes]()
        self._in_tail = 0
        self._left_out = 0

    def write(self, octets: bytes) -> None:
        """Append `octets`."""
        first, rest = octets[: self._room], octets[self._room :]
        self._room -= len(first)
        if first and self._file:
            # A full disk costs the log, not the run.
            with contextlib.suppress(OSError):
                self._file.write(first)
        self._tail.append(octets)
        self._in_tail += len(octets)
        while self._in_tail - len(self._tail[0]) >= self.TAIL:
            self._in_tail -= len(self._tail.popleft())
        self._left_out += len(rest)

    def close(self) -> None:
        """Append the last octets to the file, after a line with the number of octets that were left out."""
        if self._file is None:
            return
        with contextlib.suppress(OSError), self._file as file:
            if self._left_out:
                kept = b"".join(self._tail)[-self.TAIL :][-self._left_out :]
                if missing := self._left_out - len(kept):
                    file.write(b"\n[%d octets left out]\n" % missing)
                file.write(kept)
        self._file = None

    def last_lines(self, count: int = 10) -> tuple[str, ...]:
        """Return the last `count` lines that are not blank; octets that are not UTF-8 are replaced."""
        text = b"".join(self._tail)[-self.TAIL :].decode(errors="replace")
        return tuple(line for line in text.splitlines() if line.strip())[-count:]


class Program:
    """A started program; `end` ends its whole process group.

    By default the program reads nothing, and standard output and standard error go to `output`. With `pipes`,
    `stdin` and `stdout` are streams for the caller, and only standard error goes to `output`.
    """

    def __init__(
        self,
        command: Sequence[str],
        nursery: trio.Nursery,
        output: Output,
        *,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        grace: float = GRACE,
        pipes: bool = False,
    ) -> None:
        """Prepare to run `command` in `folder`; `nursery` gets the task that reads its output.

        `environment` is added to the environment of this process. `grace` is the time in seconds between SIGTERM and
        SIGKILL.
        """
        self.command, self.output = tuple(command), output
        self.stdin: trio.abc.SendStream | None = None
        self.stdout: trio.abc.ReceiveStream | None = None
        self._nursery, self._folder, self._grace, self._pipes = nursery, folder, grace, pipes
        self._environment = {**os.environ, **environment} if environment else None
        self._process: trio.Process | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._drained = trio.Event()

    @property
    def pid(self) -> int | None:
        """The process id, which is also the id of the process group; None while there is no process."""
        return self._process.pid if self._process else None

    async def launch(self) -> None:
        """Start the process; raises StartFailed."""
        try:
            process: trio.Process = await trio.lowlevel.open_process(
                list(self.command),
                stdin=subprocess.PIPE if self._pipes else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE if self._pipes else subprocess.STDOUT,
                cwd=self._folder,
                env=self._environment,
                start_new_session=True,
            )
        except (OSError, ValueError) as problem:
            reason = getattr(problem, "strerror", None) or problem
            raise StartFailed(f"{self.command[0]}: cannot be started: {reason}", "check --start") from None
        self._process = process
        with contextlib.suppress(OSError):
            self._guard = subprocess.Popen(
                ["/bin/sh", "-c", _GUARD, "sh", str(process.pid)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        logged = process.stdout
        if self._pipes:
            self.stdin, self.stdout, logged = process.stdin, process.stdout, process.stderr
        assert logged is not None
        self._drained = trio.Event()
        self._nursery.start_soon(self._log, logged, self._drained)

    async def end(self) -> None:
        """End the process group: SIGTERM, and SIGKILL if anything is left after the grace."""
        process, self._process = self._process, None
        guard, self._guard = self._guard, None
        if process is None:
            return
        with trio.CancelScope(shield=True):
            for number, seconds in ((signal.SIGTERM, self._grace), (signal.SIGKILL, _AFTER_KILL)):
                if not _send(process.pid, number) or await _is_gone(process, seconds):
                    break
            with trio.move_on_after(_AFTER_KILL):
                await process.wait()
                await self._drained.wait()
            await self._close_pipes()
        if guard is not None:
            guard.kill()
            guard.wait()
            if guard.stdin:
                guard.stdin.close()

    async def _close_pipes(self) -> None:
        for pipe in (self.stdin, self.stdout):
            if pipe is not None:
                await trio.aclose_forcefully(pipe)

    async def _log(self, stream: trio.abc.ReceiveStream, drained: trio.Event) -> None:
        try:
            async with stream:
                while octets := await stream.receive_some(1 << 16):
                    self.output.write(bytes(octets))
        finally:
            drained.set()

    def _is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None


class TargetProgram(Program):
    """A server under test; `start` waits until it accepts connections, `restart` starts it again after it died."""

    def __init__(
        self,
        command: Sequence[str],
        nursery: trio.Nursery,
        output: Output,
        *,
        host: str,
        port: int,
        ready_within: float,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        grace: float = GRACE,
    ) -> None:
        """Prepare to run `command` for a target at `host` and `port`; it has `ready_within` seconds to listen.

        The other parameters are those of `Program`.
        """
        super().__init__(command, nursery, output, folder=folder, environment=environment, grace=grace)
        self.restarts = 0
        self._host, self._port, self._ready_within = host, port, ready_within
        self._lock = trio.Lock()

    async def start(self) -> None:
        """Start the target and wait until it accepts a connection; raises StartFailed."""
        if await self._listens():
            raise StartFailed(
                f"{self._where}: something listens there already", "end it, or leave out --start to test it as it is"
            )
        await self.launch()
        try:
            await self._ready()
        except BaseException:
            await self.end()
            raise

    async def restart(self) -> bool:
        """End the rest of the group and start again, unless the target listens; return whether it listens then."""
        async with self._lock:
            # Several connections may notice the same loss; the first caller restarts the target for all of them.
            if self._is_running() and await self._listens():
                return True
            if self.restarts >= MOST_RESTARTS:
                return False
            self.restarts += 1
            await self.end()
            self.output.write(b"\n[started again]\n")
            try:
                await self.start()
            except StartFailed:
                return False
            return True

    @property
    def _where(self) -> str:
        return f"[{self._host}]:{self._port}" if ":" in self._host else f"{self._host}:{self._port}"

    async def _ready(self) -> None:
        with trio.move_on_after(self._ready_within):
            while True:
                if not self._is_running():
                    # The last lines that it printed may still be in the pipe.
                    with trio.move_on_after(_CONNECT_WITHIN):
                        await self._drained.wait()
                    raise StartFailed(f"{self.command[0]}: ended before it listened at {self._where}{self._status()}")
                if await self._listens():
                    return
                await trio.sleep(_POLL_INTERVAL)
        raise StartFailed(
            f"{self.command[0]}: does not listen at {self._where} after {self._ready_within:g} s",
            "check its port, or give it longer with --ready-within",
        )

    def _status(self) -> str:
        status = self._process.poll() if self._process else None
        if status is None:
            return ""
        if status < 0:
            with contextlib.suppress(ValueError):
                return f": {signal.Signals(-status).name}"
        return f": exit status {status}"

    async def _listens(self) -> bool:
        try:
            with trio.fail_after(_CONNECT_WITHIN):
                stream = await trio.open_tcp_stream(self._host, self._port)
            await stream.aclose()
        except (OSError, trio.TooSlowError):
            return False
        return True


def _send(group: int, number: signal.Signals) -> bool:
    """Signal a process group; return whether it exists."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        # On macOS: only zombies are left in the group.
        return False
    return True


async def _is_gone(process: trio.Process, seconds: float) -> bool:
    with trio.move_on_after(seconds):
        while process.poll() is None or _has_members(process.pid):
            await trio.sleep(_POLL_INTERVAL)
        return True
    return False


def _has_members(group: int) -> bool:
    """Return whether a process group has running members; a zombie that its parent never reaps does not count."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    if sys.platform != "linux":
        return True
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                # The name, in parentheses, may contain anything; state, parent and group follow it (proc(5)).
                state, _, member = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:3]
                if int(member) == group and state not in ("Z", "X"):
                    return True
    return False
