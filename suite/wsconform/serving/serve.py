"""One session of serving: the port opened, clients driven or waited for, and everything written down."""

from __future__ import annotations

import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import assert_never

import trio

from ..catalogue.case import Item
from ..endpoint.session import Facts
from ..evidence.result import Reason
from ..journal.expected import Expectations
from ..journal.gate import Policy, TargetOutcome
from ..journal.journal import EndReason, Footer, JournalWriter, TargetRecord
from ..journal.tally import counts
from ..problem import Exit, Problem
from ..registry.registry import Registry
from ..registry.requirement import Role
from ..run.keeper import NullListener, RunListener
from ..run.runner import Options
from ..transport.listen import open_listeners
from .agents import Rules
from .browsers import fresh_profile, page_url
from .keeper import Keeper
from .launched import Launched, log_file
from .listener import Listener
from .percase import PerCase
from .plan import Numbering, Plan
from .rounds import Rounds
from .server import Server, Teller
from .setting import Driver, EachCase, OnPage, Setting, Waiting


async def _no_update() -> None:
    await trio.lowlevel.checkpoint()


class Serving:
    """One session; `outcomes` fill while it goes."""

    def __init__(
        self,
        entries: Sequence[Item],
        registry: Registry,
        setting: Setting,
        writer: JournalWriter,
        teller: Teller,
        *,
        expectations: Expectations | None = None,
        policy: Policy | None = None,
        watcher: RunListener | None = None,
        update: Callable[[], Awaitable[None]] = _no_update,
        keep_all: bool = False,
        numbering: Numbering | None = None,
        stale: Callable[[Sequence[str]], Sequence[str]] = lambda ran: (),
    ) -> None:
        """`update` writes the reports of what there is so far, for clients that ask for it.

        `policy` says what counts as a failure where the session is to stop after so many.
        `stale` is asked at the end for what of the expectations holds no more, now that these clients ran.
        """
        self.plan, self.setting, self.teller = Plan.of(entries, registry, numbering), setting, teller
        self._entries, self._writer, self._update = entries, writer, update
        self._watcher: RunListener = watcher or NullListener()
        self._expectations, self._policy = expectations or Expectations(), (policy or Policy()).for_counting_failures()
        self._keeper = Keeper(writer, len(entries), self._expectations, self._watcher, keep_all=keep_all)
        self.why = EndReason.DONE
        self.seconds = 0.0
        self.url = setting.url
        self.stale: tuple[str, ...] = ()
        self._stale = stale

    @property
    def outcomes(self) -> list[TargetOutcome]:
        """What became of each client."""
        return list(self._keeper.outcomes.values())

    @property
    def interrupted(self) -> bool:
        """Whether a signal ended the session before every client had run every case."""
        return self.why is EndReason.INTERRUPTED

    async def run(self, *, signals: bool = True) -> EndReason:
        """Serve until it is over, and write all but the journal's header; return why it ended.

        SIGINT and SIGTERM end the session with everything written, if `signals`. Raises Problem where the port
        cannot be opened, or a client that was asked for not be started.
        """
        began = trio.current_time()
        listeners = await open_listeners(self.setting.listen, self.setting.port)
        port = int(listeners[0].socket.getsockname()[1])
        self.url = replace(self.setting.url, port=self.setting.url.port or port)
        server = self._server()
        try:
            async with trio.open_nursery() as nursery:
                if signals:
                    await nursery.start(self._heed_signals, nursery.cancel_scope)
                listener = Listener(server, listeners, self.setting.tls.context if self.setting.tls else None)
                nursery.start_soon(listener.serve)
                with trio.move_on_after(self._budget()) as budget:
                    await self._drive(server, nursery)
                if budget.cancelled_caught:
                    self.why = EndReason.BUDGET
                nursery.cancel_scope.cancel()
        finally:
            with trio.CancelScope(shield=True):
                self._end(server)
            self.seconds = trio.current_time() - began
            self.stale = tuple(self._stale([outcome.name for outcome in self.outcomes])) if self.outcomes else ()
            self._writer.footer(
                Footer(
                    why=self.why.value,
                    end=_now(),
                    seconds=round(self.seconds, 6),
                    counts=self._counts(),
                    stale=self.stale,
                )
            )
        return self.why

    def _budget(self) -> float:
        return float("inf") if self.setting.budget is None else self.setting.budget

    def _server(self) -> Server:
        setting = self.setting
        base = str(self.url).rstrip("/")
        started = not isinstance(setting.driven, Waiting)
        rules = Rules(
            base,
            self.url.authority,
            Facts(echo=setting.echo, tls=setting.tls is not None),
            setting.limits,
            setting.seed,
            setting.whole,
            confirm=started and setting.confirm,
            farewell=setting.farewell,
            info=setting.info,
        )
        return Server(
            self.plan,
            rules,
            self._keeper,
            self.teller,
            update=_no_update if started else self._update,
            started_only=isinstance(setting.driven, EachCase),
        )

    async def _heed_signals(
        self, scope: trio.CancelScope, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received:
            task_status.started()
            async for _ in received:
                self.why = EndReason.INTERRUPTED
                scope.cancel()
                return

    # --- the ways to drive a client

    async def _drive(self, server: Server, nursery: trio.Nursery) -> None:
        driven = self.setting.driven
        try:
            match driven:
                case Waiting():
                    await self._wait(server, driven)
                case EachCase():
                    await self._each_case(server, driven, nursery)
                case Driver():
                    log = log_file(self.setting.folder, driven.agent)
                    words = driven.command.filled(server.rules.url, driven.agent)
                    environment = driven.command.environment()

                    def start() -> Launched:
                        return Launched(words, nursery, folder=driven.command.folder, environment=environment, log=log)

                    await self._rounds(Rounds(server, start, quiet=driven.quiet), driven.agent, server)
                case OnPage():
                    await self._browser(server, driven, nursery)
                case _:
                    assert_never(driven)
        except Problem as problem:
            if problem.exit is not Exit.UNTESTABLE or isinstance(driven, Waiting):
                raise
            self._keeper.fail(driven.agent, problem.text, self._record(driven.agent))

    def _record(self, agent: str) -> TargetRecord:
        transport = "tls" if self.setting.tls else "tcp"
        return TargetRecord(name=agent, role=Role.CLIENT, address=str(self.url).rstrip("/"), transport=transport)

    async def _wait(self, server: Server, driven: Waiting) -> None:
        page = f"http{str(self.url).removeprefix('ws').rstrip('/')}/"
        self.teller.ready(f"Ok, will run {len(self.plan.numbered)} test cases for any clients connecting")
        self.teller.ready(f"at {server.rules.url}, in a browser at {page}; ends with /stopServer, or Ctrl-C")
        async with trio.open_nursery() as nursery:

            async def idle(seconds: float) -> None:
                await server.until_idle(seconds)
                server.stop()

            if driven.idle is not None:
                nursery.start_soon(idle, driven.idle)
            await server.stopped.wait()
            nursery.cancel_scope.cancel()

    async def _each_case(self, server: Server, driven: EachCase, nursery: trio.Nursery) -> None:
        setting = self.setting
        clients = PerCase(server, driven.command, driven.agent, nursery, within=driven.within, folder=setting.folder)
        seen = await clients.probe()
        options = Options(
            jobs=driven.jobs,
            limits=setting.limits,
            confirm=setting.confirm,
            retries=setting.retries,
            max_failures=setting.max_failures,
            is_failure=lambda result: self._policy.breaks(self._expectations.explained(driven.agent, result)),
        )
        left_out = {case.id for case in self.plan.left_out(driven.agent)}
        await clients.run([entry for entry in self._entries if entry.id not in left_out], options, seen)
        if clients.lost:
            text = f"{driven.agent}: clients that were started did not connect any more; the last cases were not put"
            self._keeper.fail(driven.agent, text, self._record(driven.agent))

    async def _browser(self, server: Server, driven: OnPage, nursery: trio.Nursery) -> None:
        command, log = driven.browser.found(), log_file(self.setting.folder, driven.agent)
        tls, url = self.setting.tls, page_url(server.rules.url, driven.agent, driven.jobs)
        with fresh_profile() as profile:
            words = driven.browser.words(
                command, profile, url, tls.trust(self.url.host, self.url.port) if tls else None
            )

            def start() -> Launched:
                return Launched(words, nursery, log=log)

            await self._rounds(Rounds(server, start, quiet=driven.quiet, exits=False), driven.agent, server)

    async def _rounds(self, rounds: Rounds, agent: str, server: Server) -> None:
        if not await rounds.run():
            left = sum(not run.is_attempted(case) for run in server.clients for case in self.plan.cases)
            told = rounds.last.told() if rounds.last else ""
            for run in server.clients:
                text = f"{run.name}: {left} cases were not put: the driver was started {rounds.rounds} times ({told})"
                self._keeper.fail(run.name, text, self._record(run.name))

    # --- the end

    def _end(self, server: Server) -> None:
        complete = bool(server.clients) and not any(
            run.is_open(case) for run in server.clients for case in self.plan.cases
        )
        match self.why:
            case EndReason.INTERRUPTED if complete:
                # A signal is how such a server is ended; nothing was cut off by it.
                self.why = EndReason.DONE
                server.finish(None)
            case EndReason.INTERRUPTED:
                server.finish(None)
            case EndReason.BUDGET:
                server.finish("the time budget was over before it was", Reason.BUDGET)
            case _:
                server.finish("the client did not ask for this case before the end")
        for outcome in self.outcomes:
            if not outcome.problem:
                outcome.why = self.why.value
            self._watcher.ended(outcome)

    def _counts(self) -> dict[str, dict[str, int]]:
        found = {outcome.name: counts(outcome.results) for outcome in self.outcomes}
        return {name: {mark.words: count for mark, count in each.items() if count} for name, each in found.items()}


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
