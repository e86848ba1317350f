"""Clients that the suite starts: the command with its placeholders, the process, its exit and its output."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import trio

from ..problem import Problem
from ..transport.program import Output, Program, StartFailed

#: Most characters of a client's output that a result keeps.
TAIL = 2000

_PLACEHOLDERS = ("{url}", "{case}", "{number}", "{agent}", "{cacert}")


@dataclass(frozen=True, slots=True)
class ClientCommand:
    """A client's command with placeholders; it runs in `folder`, and `cacert` is the file of our CA certificate."""

    words: tuple[str, ...]
    folder: Path | None = None
    cacert: Path | None = None

    def __post_init__(self) -> None:
        """Raise Problem if no word contains {url}: the client could not learn its address."""
        if not any("{url}" in word for word in self.words):
            raise Problem(
                f"{shlex.join(self.words)}: the client's command has no {{url}}; write it where the client takes its"
                " address, as in: wsconform serve -- ./client {url}"
            )

    def filled(self, url: str, agent: str, case: str = "", number: int = 0) -> tuple[str, ...]:
        """Return the words with every placeholder replaced."""
        values = (url, case, str(number), agent, str(self.cacert or ""))
        return tuple(_replaced(word, dict(zip(_PLACEHOLDERS, values, strict=True))) for word in self.words)

    def environment(self) -> dict[str, str]:
        """Return the variables to add to the client's environment: our CA's file, in the variables of TLS libraries."""
        if self.cacert is None:
            return {}
        path = str(self.cacert)
        return {"SSL_CERT_FILE": path, "NODE_EXTRA_CA_CERTS": path, "WSCONFORM_CACERT": path}


def _replaced(word: str, values: Mapping[str, str]) -> str:
    # One pass, so that a value that looks like a placeholder is not replaced again.
    parts, rest = list[str](), word
    while rest:
        found = [(at, placeholder) for placeholder in values if (at := rest.find(placeholder)) >= 0]
        if not found:
            break
        at, placeholder = min(found)
        parts += [rest[:at], values[placeholder]]
        rest = rest[at + len(placeholder) :]
    return "".join([*parts, rest])


class ClientProcess(Program):
    """One started client."""

    def __init__(
        self,
        words: Sequence[str],
        nursery: trio.Nursery,
        *,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        """Prepare to run `words`; the output is also written to the file `log`, if there is one."""
        super().__init__(words, nursery, _output(log), folder=folder, environment=environment)
        self._child: trio.Process | None = None
        self._ended_by_us = ""

    async def launch(self) -> None:
        """Start the process; raises Problem, in one line, if that fails."""
        try:
            await super().launch()
        except StartFailed as failed:
            raise Problem(f"{failed.problem}; check the command after --") from None
        self._child = self._process

    @property
    def is_running(self) -> bool:
        """Whether the process has started and has not ended."""
        return self._child is not None and self._child.poll() is None

    async def wait(self) -> None:
        """Wait until the process has ended."""
        if self._child is not None:
            await self._child.wait()

    async def finish(self, within: float, why: str = "") -> None:
        """Wait up to `within` seconds for the process to end by itself, then end its group.

        `why` is the reason that `exit_text` gives if the process was still running.
        """
        if self._child is None:
            return
        try:
            with trio.move_on_after(within):
                await self._child.wait()
        finally:
            if self.is_running:
                self._ended_by_us = why or f"it was still running {within:g} s after the case"
            await self.end()
            self.output.close()

    def exit_text(self) -> str:
        """Return how the process ended, in words."""
        if self._ended_by_us:
            return f"ended by the suite: {self._ended_by_us}"
        status = self._child.poll() if self._child else None
        if status is None:
            return "still running"
        if status < 0:
            try:
                return f"ended by {signal.Signals(-status).name}"
            except ValueError:
                return f"ended by signal {-status}"
        return f"exit code {status}"

    def last_line_text(self) -> str:
        """Return the last line of the output as the end of a message; "" if there is no output."""
        lines = self.output.last_lines(1)
        return f'; its last line of output: "{lines[0][:200]}"' if lines else ""

    def evidence(self) -> dict[str, str]:
        """Return the facts of the client that a result keeps: how it ended, and the end of its output."""
        printed = "\n".join(self.output.last_lines(20))[-TAIL:]
        return {"client": self.exit_text()} | ({"client output": printed} if printed else {})


def log_file(folder: Path | None, agent: str) -> Path | None:
    """Return the path of the log for the output of the client called `agent`; None without a folder."""
    name = "".join(character if character.isalnum() or character in "-_." else "-" for character in agent)
    return folder / f"{name.strip('.-') or 'client'}.log" if folder else None


def _output(log: Path | None) -> Output:
    try:
        return Output(log)
    except OSError:
        return Output()
