"""Running ahead: the engine runs the cases of a target in a thread of its own, and items wait for their results."""

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

__all__ = ["Portal", "RunAhead", "Runnable", "Untested"]

T = TypeVar("T")


class Runnable(Protocol):
    """A run of one target: an Execution, or a ClientRun."""

    async def run(self, *, signals: bool = True) -> EndReason:
        """Run to the end, and return the reason for the end."""

    def interrupt(self) -> None:
        """End the run early."""


class Untested(Exception):
    """A case has no result, because its target could not be tested or was lost; the text is the reason."""


class Portal:
    """A thread that runs trio; other threads call functions in it and wait for their return."""

    def __init__(self) -> None:
        """Start the thread, which runs until `close`."""
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
        """Run `function` in the thread and return its value; its exceptions are raised here."""
        return trio.from_thread.run(function, *args, trio_token=self._token)

    def start_soon(self, function: Callable[[], Awaitable[None]]) -> None:
        """Start `function` in the thread and return at once; it must not raise."""
        assert self._nursery is not None
        trio.from_thread.run_sync(self._nursery.start_soon, function, trio_token=self._token)

    def call_now(self, function: Callable[[], None]) -> None:
        """Call the synchronous `function` in the thread and wait for its return."""
        trio.from_thread.run_sync(function, trio_token=self._token)

    def close(self) -> None:
        """Cancel all tasks of the thread and wait for its end."""
        with contextlib.suppress(trio.RunFinishedError):
            self.call_now(self._stop.set)
        self._thread.join()


class RunAhead(NullListener):
    """The run of one target in the background, and the results so far. It is the listener of its run."""

    def __init__(self, portal: Portal) -> None:
        """Run in `portal` after `start` is called."""
        self._portal = portal
        self._news = threading.Condition()
        self._execution: Runnable | None = None
        self._over = False
        self._broken = ""
        self._results: dict[str, Result] = {}
        self.delivered: dict[str, Result] = {}
        self.outcome: TargetOutcome | None = None

    def start(self, execution: Runnable) -> None:
        """Start `execution`, the run of one target with this as its listener, and return at once."""
        self._execution = execution
        self._portal.start_soon(self._run)

    async def _run(self) -> None:
        assert self._execution is not None
        try:
            await self._execution.run(signals=False)
        except Exception as error:  # it would end the thread, and items would wait forever
            self._broken = describe_error(_first(error))
        finally:
            with self._news:
                self._over = True
                self._news.notify_all()

    # --- called by the engine, in its thread

    def judged(self, target: str, result: Result) -> None:
        """Store the result and wake the items that wait."""
        with self._news:
            self._results[result.case] = result
            self._news.notify_all()

    def ended(self, outcome: TargetOutcome) -> None:
        """Store the outcome of the target."""
        self.outcome = outcome

    # --- called by pytest, in the main thread

    def wait_for_result(self, case: str) -> Result:
        """Wait for the result of `case` and return it; raises Untested if the run ended without one."""
        with self._news:
            self._news.wait_for(lambda: case in self._results or self._over)
            if case in self._results:
                self.delivered[case] = self._results[case]
                return self._results[case]
        if self._broken:
            raise Untested(f"wsconform failed: {self._broken}")
        problem = self.outcome.problem if self.outcome else ""
        raise Untested(problem or "the run ended before this case")

    def stop(self) -> None:
        """End the run, early if it is not over, and wait for its end."""
        if self._execution is not None and not self._over:
            self._portal.call_now(self._execution.interrupt)
        self.wait()

    def wait(self) -> None:
        """Wait for the end of the run."""
        if self._execution is not None:
            with self._news:
                self._news.wait_for(lambda: self._over)

    def changed_results(self) -> list[tuple[Result, Result]]:
        """Return pairs of the received and the final result, for each case whose result changed after its item."""
        return [
            (received, self._results[case])
            for case, received in self.delivered.items()
            if (received.verdict, received.reason) != (self._results[case].verdict, self._results[case].reason)
        ]


def _first(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
