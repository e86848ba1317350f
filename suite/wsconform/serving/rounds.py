"""Clients that loop over the cases themselves: started once, and started again for the cases that are left."""

from __future__ import annotations

from collections.abc import Callable

import trio

from ..catalogue.case import Case
from ..problem import Exit, Problem
from .server import CaseServer
from .started_clients import ClientProcess

#: Seconds without a connection after which a driver is ended.
QUIET = 30.0

#: Seconds that a driver has to end by itself after it has asked for the reports.
_EXIT_WITHIN = 2.0

#: Number of rounds in a row without a new result after which the driver is not started again.
_FRUITLESS = 2


class DriverRounds:
    """Starts a driver until every case of the plan has run, then again for the cases that have to be confirmed."""

    def __init__(
        self, server: CaseServer, start: Callable[[], ClientProcess], *, quiet: float = QUIET, exits: bool = True
    ) -> None:
        """`start` returns a process that is not launched yet; `exits`: the driver ends by itself when it is done."""
        self._server, self._start, self._quiet = server, start, quiet
        self._exit_within = _EXIT_WITHIN if exits else 0.0
        self.rounds = 0
        self.last: ClientProcess | None = None

    async def run(self) -> bool:
        """Run the rounds; return whether every case ran. Raises Problem if the driver never runs a case."""
        await self._until_none_left(self._cases_not_run)
        if self.last is not None and not self._server.clients:
            why = self.last.exit_text() + self.last.last_line_text()
            raise Problem(f"{self.last.command[0]}: ran no case: {why}", Exit.UNTESTABLE)
        complete = not self._cases_not_run()
        await self._until_none_left(self._cases_to_repeat)
        return complete

    def _cases_not_run(self) -> list[Case]:
        runs, cases = self._server.clients, self._server.plan.cases
        return [case for case in cases if not runs or any(not run.is_attempted(case) for run in runs)]

    def _cases_to_repeat(self) -> list[Case]:
        runs = self._server.clients
        return [
            case
            for case in self._server.plan.cases
            if any(run.is_open(case) and run.is_attempted(case) for run in runs)
        ]

    async def _until_none_left(self, left: Callable[[], list[Case]]) -> None:
        fruitless = 0
        while fruitless < _FRUITLESS and (cases := left()):
            await self._round(cases)
            fruitless = 0 if len(left()) < len(cases) else fruitless + 1

    async def _round(self, cases: list[Case]) -> None:
        """Start the driver for `cases`, which get new numbers, and end it when it is done, has exited, or is idle."""
        server = self._server
        whole = len(cases) == len(server.plan.cases)
        server.numbered = server.plan.numbered if whole else tuple(cases)
        self.rounds += 1
        server.output.detail(f"Round {self.rounds}: {len(cases)} cases")
        client = self.last = self._start()
        await client.launch()
        server.note_activity()
        why = ""
        try:
            async with trio.open_nursery() as nursery:

                async def idle() -> None:
                    nonlocal why
                    await server.until_idle(self._quiet)
                    why = f"no connection for {self._quiet:g} s"
                    nursery.cancel_scope.cancel()

                async def ended() -> None:
                    await client.wait()
                    nursery.cancel_scope.cancel()

                nursery.start_soon(idle)
                nursery.start_soon(ended)
                await server.until_update()
                nursery.cancel_scope.cancel()
        finally:
            await client.finish(0.0 if why else self._exit_within, why or "its cases were done")
        await self._drained()

    async def _drained(self) -> None:
        """Wait until the running cases are over; their client has ended, so none takes longer than its patience."""
        while self._server.active:
            await self._server.until_activity()
