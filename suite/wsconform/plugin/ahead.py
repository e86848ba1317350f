"""Running ahead: the engine in a thread of its own, from whose results items take theirs."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import trio

from ..evidence.result import Result
from ..journal.gate import TargetOutcome
from ..journal.journal import EndReason
from ..run.judge import describe_error
from ..run.keeper import NullListener

__all__ = ["Ahead", "Portal", "Runs", "Untested"]

T = TypeVar("T")


class Runs(Protocol):
    """What can be run ahead: an Execution, or a client served."""

    async def run(self, *, signals: bool = True) -> EndReason:
        """Run to the end."""

    def interrupt(self) -> None:
        """End early."""


class Untested(Exception):
    """A case has no result, because its target could not be tested, or not to the end; the text says why."""


class Portal:
    """A thread with trio in it: what is called from another thread waits there for what is done here."""

    def __init__(self) -> None:
        """Start the thread; it lasts until `close`."""
        self._ready: queue.Queue[trio.lowlevel.TrioToken] = queue.Queue()
        self._stop = trio.Event()
        self._nursery: trio.Nursery | None = None
        self._thread = threading.Thread(target=trio.run, args=(self._main,), name="wsconform", daemon=True)
        self._thread.start()
        self._token = self._ready.get()

    async def _main(self) -> None:
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            self._ready.put(trio.lowlevel.current_trio_token())
            await self._stop.wait()
            nursery.cancel_scope.cancel()

    def call(self, function: Callable[..., Awaitable[T]], *args: object) -> T:
        """Run `function` to its end and return what it returns, or raise what it raises."""
        return trio.from_thread.run(function, *args, trio_token=self._token)

    def soon(self, function: Callable[[], Awaitable[None]]) -> None:
        """Have `function` run beside everything else; it must not raise."""
        assert self._nursery is not None
        trio.from_thread.run_sync(self._nursery.start_soon, function, trio_token=self._token)

    def at_once(self, function: Callable[[], None]) -> None:
        """Call `function` in the thread."""
        trio.from_thread.run_sync(function, trio_token=self._token)

    def close(self) -> None:
        """End the thread, and whatever runs in it."""
        with contextlib.suppress(trio.RunFinishedError):
            self.at_once(self._stop.set)
        self._thread.join()


class Ahead(NullListener):
    """One target's run, whose results are taken one by one while it goes; the engine tells it as a watcher."""

    def __init__(self, portal: Portal) -> None:
        """Run in `portal`, once `start` was called."""
        self._portal = portal
        self._news = threading.Condition()
        self._execution: Runs | None = None
        self._over = False
        self._broken = ""
        self._results: dict[str, Result] = {}
        self.taken: dict[str, Result] = {}
        self.outcome: TargetOutcome | None = None

    def start(self, execution: Runs) -> None:
        """Begin `execution`, which is about one target and has this as its watcher; return at once."""
        self._execution = execution
        self._portal.soon(self._run)

    async def _run(self) -> None:
        assert self._execution is not None
        try:
            await self._execution.run(signals=False)
        except Exception as error:  # it would end the thread, and with it what waits for results
            self._broken = describe_error(_first(error))
        finally:
            with self._news:
                self._over = True
                self._news.notify_all()

    # --- told by the engine, in its thread

    def judged(self, target: str, result: Result) -> None:
        """Keep the result for whoever waits for it."""
        with self._news:
            self._results[result.case] = result
            self._news.notify_all()

    def ended(self, outcome: TargetOutcome) -> None:
        """Keep what became of the target."""
        self.outcome = outcome

    # --- asked by pytest, in the main thread

    def take(self, case: str) -> Result:
        """Wait for the result of `case`; raises Untested where there will be none."""
        with self._news:
            self._news.wait_for(lambda: case in self._results or self._over)
            if case in self._results:
                self.taken[case] = self._results[case]
                return self._results[case]
        if self._broken:
            raise Untested(f"the suite broke: {self._broken}")
        problem = self.outcome.problem if self.outcome else ""
        raise Untested(problem or "the run ended before this case was put")

    def stop(self) -> None:
        """End the run, early if it is not over, and wait until it has ended."""
        if self._execution is not None and not self._over:
            self._portal.at_once(self._execution.interrupt)
        self.wait()

    def wait(self) -> None:
        """Wait until the run has ended."""
        if self._execution is not None:
            with self._news:
                self._news.wait_for(lambda: self._over)

    def later(self) -> list[tuple[Result, Result]]:
        """Return the results that were taken and changed afterwards, the taken one and the last one of each."""
        return [
            (taken, self._results[case])
            for case, taken in self.taken.items()
            if (taken.verdict, taken.reason) != (self._results[case].verdict, self._results[case].reason)
        ]


def _first(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
