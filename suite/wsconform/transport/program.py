"""A target that we start ourselves: its own process group, its output kept, and an end that is certain."""

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

__all__ = ["Output", "StartFailed", "Started"]

#: Seconds that a process group gets to end by itself after SIGTERM, and that SIGKILL is waited for.
GRACE: Final = 2.0
_AFTER_KILL: Final = 1.0

#: Seconds between two looks at whether a target listens, or has ended.
_BETWEEN: Final = 0.01
#: Seconds that one try to connect may take.
_TRY: Final = 1.0
#: How often a target that dies is started again before it counts as lost.
MOST_RESTARTS: Final = 20

# Reads until our process is gone, however it went, and ends the group then: even SIGKILL leaves no target behind.
_GUARD: Final = 'read -r _; kill -s TERM -- "-$1"; sleep 2; kill -s KILL -- "-$1"'


class StartFailed(Exception):
    """The target could not be started; the text is one line: what, where, what to do."""


class Output:
    """What a target prints: the first and the last of it, in memory and in a file, whatever the amount (octets)."""

    HEAD: Final = 1 << 20
    TAIL: Final = 1 << 16

    def __init__(self, path: Path | None = None) -> None:
        """Keep the output in the file at `path`, which is written over; raises OSError."""
        self.path = path
        self._file = path.open("wb", buffering=0) if path else None
        self._room = self.HEAD
        self._tail = deque[bytes]()
        self._in_tail = 0
        self._left_out = 0

    def write(self, octets: bytes) -> None:
        """Take what came."""
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
        """Write the end of what was too much for the file, and say how much is missing."""
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
        """Return the last lines, what is no UTF-8 replaced."""
        text = b"".join(self._tail)[-self.TAIL :].decode(errors="replace")
        return tuple(line for line in text.splitlines() if line.strip())[-count:]


class Started:
    """A started target; `start` waits until it listens, `end` leaves nothing of it behind."""

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
        """Prepare to run `command` in `folder` for a target at `host` and `port`; times are seconds.

        `environment` are variables that it gets beside ours.
        """
        self.command, self.output, self.restarts = tuple(command), output, 0
        self._nursery, self._folder = nursery, folder
        self._environment = {**os.environ, **environment} if environment else None
        self._host, self._port, self._ready_within, self._grace = host, port, ready_within, grace
        self._process: trio.Process | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._lock = trio.Lock()
        self._drained = trio.Event()

    @property
    def pid(self) -> int | None:
        """The process id, which is the process group's as well; None while there is no process."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the target and wait until it takes a connection; raises StartFailed."""
        if await self._listens():
            raise StartFailed(
                f"{self._where}: something listens there already; end it, or leave out --start to test it as it is"
            )
        await self._launch()
        try:
            await self._ready()
        except BaseException:
            await self.end()
            raise

    async def restart(self) -> bool:
        """End what is left and start again; return whether the target listens. Does nothing if it already does."""
        async with self._lock:
            # Several connections may notice the same loss; the first one mends it for all.
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

    async def end(self) -> None:
        """End the process group: SIGTERM, and SIGKILL for what is left after the grace."""
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
        if guard is not None:
            guard.kill()
            guard.wait()
            if guard.stdin:
                guard.stdin.close()

    @property
    def _where(self) -> str:
        return f"[{self._host}]:{self._port}" if ":" in self._host else f"{self._host}:{self._port}"

    async def _launch(self) -> None:
        try:
            process: trio.Process = await trio.lowlevel.open_process(
                list(self.command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env=self._environment,
                start_new_session=True,
            )
        except (OSError, ValueError) as problem:
            words = getattr(problem, "strerror", None) or problem
            raise StartFailed(f"{self.command[0]}: cannot be started: {words}; check --start") from None
        self._process = process
        with contextlib.suppress(OSError):
            self._guard = subprocess.Popen(
                ["/bin/sh", "-c", _GUARD, "sh", str(process.pid)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        assert process.stdout is not None
        self._drained = trio.Event()
        self._nursery.start_soon(self._read, process.stdout, self._drained)

    async def _read(self, stream: trio.abc.ReceiveStream, drained: trio.Event) -> None:
        try:
            async with stream:
                while octets := await stream.receive_some(1 << 16):
                    self.output.write(bytes(octets))
        finally:
            drained.set()

    async def _ready(self) -> None:
        with trio.move_on_after(self._ready_within):
            while True:
                if not self._is_running():
                    # What it said on its way out may still be in the pipe.
                    with trio.move_on_after(_TRY):
                        await self._drained.wait()
                    raise StartFailed(f"{self.command[0]}: ended before it listened at {self._where}{self._status()}")
                if await self._listens():
                    return
                await trio.sleep(_BETWEEN)
        raise StartFailed(
            f"{self.command[0]}: does not listen at {self._where} after {self._ready_within:g} s;"
            " check its port, or give it longer with --ready-within"
        )

    def _is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

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
            with trio.fail_after(_TRY):
                stream = await trio.open_tcp_stream(self._host, self._port)
            await stream.aclose()
        except (OSError, trio.TooSlowError):
            return False
        return True


def _send(group: int, number: signal.Signals) -> bool:
    """Signal a process group; return whether there is one."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        # macOS says so of a group in which only zombies are left.
        return False
    return True


async def _is_gone(process: trio.Process, seconds: float) -> bool:
    with trio.move_on_after(seconds):
        while process.poll() is None or _is_populated(process.pid):
            await trio.sleep(_BETWEEN)
        return True
    return False


def _is_populated(group: int) -> bool:
    """Whether a process group has members that run: a zombie that nobody reaps is none."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    if sys.platform != "linux":
        return True
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                # The name, in parentheses, may hold anything; state, parent and group follow it (proc(5)).
                state, _, member = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:3]
                if int(member) == group and state not in ("Z", "X"):
                    return True
    return False
