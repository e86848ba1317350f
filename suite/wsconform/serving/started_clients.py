"""A client that we start: its command filled in, its process group ended for certain, its exit and output kept."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import trio

from ..problem import Problem
from ..transport.program import Output, Started, StartFailed

#: Most characters of a client's output that a result keeps.
TAIL = 2000

_PLACES = ("{url}", "{case}", "{number}", "{agent}", "{cacert}")


@dataclass(frozen=True, slots=True)
class Command:
    """A client's command with places to fill in; `folder` is where it runs, `cacert` the file of our authority."""

    words: tuple[str, ...]
    folder: Path | None = None
    cacert: Path | None = None

    def __post_init__(self) -> None:
        """Raise Problem where the client could not learn its address."""
        if not any("{url}" in word for word in self.words):
            raise Problem(
                f"{shlex.join(self.words)}: the client's command has no {{url}}; write it where the client takes its"
                " address, as in: wsconform serve -- ./client {url}"
            )

    def filled(self, url: str, agent: str, case: str = "", number: int = 0) -> tuple[str, ...]:
        """Return the words with every place filled in."""
        values = (url, case, str(number), agent, str(self.cacert or ""))
        return tuple(_replaced(word, dict(zip(_PLACES, values, strict=True))) for word in self.words)

    def environment(self) -> dict[str, str]:
        """Return what the client's environment has beside ours: our authority, under the names that libraries know."""
        if self.cacert is None:
            return {}
        path = str(self.cacert)
        return {"SSL_CERT_FILE": path, "NODE_EXTRA_CA_CERTS": path, "WSCONFORM_CACERT": path}


def _replaced(word: str, values: Mapping[str, str]) -> str:
    # One pass, so that a value that looks like a place is not filled in again.
    parts, rest = list[str](), word
    while rest:
        found = [(at, place) for place in values if (at := rest.find(place)) >= 0]
        if not found:
            break
        at, place = min(found)
        parts += [rest[:at], values[place]]
        rest = rest[at + len(place) :]
    return "".join([*parts, rest])


class Launched(Started):
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
        """Prepare to run `words`; what it prints is kept in the file `log`, too, if one is named."""
        super().__init__(
            words, nursery, _output(log), host="", port=0, ready_within=0, folder=folder, environment=environment
        )
        self._child: trio.Process | None = None
        self._ended_by_us = ""

    async def launch(self) -> None:
        """Start the process; raises Problem in one line where that cannot be."""
        try:
            await self._launch()
        except StartFailed as problem:
            raise Problem(str(problem).replace("check --start", "check the command after --")) from None
        self._child = self._process

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._child is not None and self._child.poll() is None

    async def wait(self) -> None:
        """Wait until the process has ended."""
        if self._child is not None:
            await self._child.wait()

    async def finish(self, within: float, why: str = "") -> None:
        """Let the process end by itself `within` so many seconds, then end it and what it started, `why` told."""
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

    def told(self) -> str:
        """Return in words how the process ended."""
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

    def evidence(self) -> dict[str, str]:
        """Return what a result keeps of the client: how it ended, and the last that it printed."""
        printed = "\n".join(self.output.last_lines(20))[-TAIL:]
        return {"client": self.told()} | ({"client output": printed} if printed else {})


def log_file(folder: Path | None, agent: str) -> Path | None:
    """Return where the output of the client called `agent` is kept; None without a folder."""
    name = "".join(character if character.isalnum() or character in "-_." else "-" for character in agent)
    return folder / f"{name.strip('.-') or 'client'}.log" if folder else None


def _output(log: Path | None) -> Output:
    try:
        return Output(log)
    except OSError:
        return Output()
