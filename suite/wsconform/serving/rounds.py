"""Clients that run their own loop over the cases: started once, and again for what is left when they end early."""

from __future__ import annotations

from collections.abc import Callable

import trio

from ..catalogue.case import Case
from ..problem import Exit, Problem
from .launched import Launched
from .server import Server

#: Seconds without any connection after which a driver counts as hanging.
QUIET = 30.0

#: Seconds that a driver has to end by itself after its reports were asked for.
_EXIT_WITHIN = 2.0

#: After so many rounds that brought nothing the driver is not started again.
_FRUITLESS = 2


class Rounds:
    """Starts a driver until every case of the plan was put, then for what was not a pass once more."""

    def __init__(
        self, server: Server, start: Callable[[], Launched], *, quiet: float = QUIET, exits: bool = True
    ) -> None:
        """`start` makes a process that is not launched yet; `exits` says that a driver is meant to end by itself."""
        self._server, self._start, self._quiet = server, start, quiet
        self._exit_within = _EXIT_WITHIN if exits else 0.0
        self.rounds = 0
        self.last: Launched | None = None

    async def run(self) -> bool:
        """Run the rounds; return whether every case was put. Raises Problem where the driver never runs a case."""
        await self._until_none_left(self._never_put)
        if self.last is not None and not self._server.clients:
            raise Problem(f"{self.last.command[0]}: ran no case: {self._why(self.last)}", Exit.UNTESTABLE)
        complete = not self._never_put()
        await self._until_none_left(self._to_put_again)
        return complete

    def _never_put(self) -> list[Case]:
        runs, cases = self._server.clients, self._server.plan.cases
        return [case for case in cases if not runs or any(not run.is_attempted(case) for run in runs)]

    def _to_put_again(self) -> list[Case]:
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
        """Start the driver, numbers counting `cases`, and end it when it is done, has ended, or does nothing."""
        server = self._server
        whole = len(cases) == len(server.plan.cases)
        server.numbered = server.plan.numbered if whole else tuple(cases)
        self.rounds += 1
        server.teller.detail(f"Round {self.rounds}: {len(cases)} cases")
        client = self.last = self._start()
        await client.launch()
        server.stir()
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
                await server.updated()
                nursery.cancel_scope.cancel()
        finally:
            await client.finish(0.0 if why else self._exit_within, why or "its cases were done")
        await self._drained()

    async def _drained(self) -> None:
        """Wait until the cases that still run are over: without their client that takes no longer than a wait."""
        while self._server.active:
            await self._server.stirred()

    def _why(self, client: Launched) -> str:
        lines = client.output.last_lines(1)
        return client.told() + (f'; the last that it printed: "{lines[0][:200]}"' if lines else "")
