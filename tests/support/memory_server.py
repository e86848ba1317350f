"""The suite as a server over memory streams, with a small plan, and clients that share no code with it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import trio
import trio.testing
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.utilities import RemoteProtocolError

from tests.support.scripted import a_case
from wsconform import Connection, Frame, Incoming
from wsconform.catalogue.case import Case, Monitor, Need, Sample
from wsconform.endpoint.session import Facts, Limits
from wsconform.evidence.result import Result, Verdict
from wsconform.evidence.transcript import Conversation
from wsconform.journal.journal import TargetRecord
from wsconform.registry.registry import load_registry
from wsconform.run.options import RunOptions
from wsconform.serving.agents import Rules
from wsconform.serving.listener import attend
from wsconform.serving.plan import Numbering, ServePlan
from wsconform.serving.server import CaseServer
from wsconform.transport.stream import TrioStream

URL, AUTHORITY = "ws://127.0.0.1:9001", "127.0.0.1:9001"

#: Requirements that bind a client: a MUST, and a SHOULD.
MUST, SHOULD = "6455-5.1-6", "6455-4.1-7"


async def _echo(ws: Connection) -> None:
    await ws.echo(Frame.text("Hello"))


async def _refuse(incoming: Incoming) -> None:
    await incoming.expect_failed(incoming.response.replacing("Sec-WebSocket-Accept", "wrong"))


async def _twice(ws: Connection) -> None:
    await ws.session.connect()


async def _silent(ws: Connection) -> None:
    await ws.expect_pong(b"never asked for")


async def _choose(ws: Connection) -> None:
    await ws.echo(Frame.text("Hello"))
    ws.choose("this way")


REFUSES = a_case(_refuse, "handshake.wrong_accept", subject=Incoming, requirements=(MUST,))


def client_case(body: Callable[..., Awaitable[None]], id: str, **options: Any) -> Case:
    return a_case(body, id, requirements=(MUST,), **options)


ECHO = client_case(_echo, "toy.echo", aliases=("autobahn:1.1.1",))
CHOICE = client_case(_choose, "toy.choice")
TWICE = client_case(_twice, "toy.twice")
SILENT = client_case(_silent, "toy.silent")
TLS_ONLY = client_case(_echo, "toy.tls", needs=frozenset({Need.TLS}))
ALONE = client_case(_echo, "toy.alone", alone=True)


def frames(conversation: Conversation) -> Iterator[Sample]:
    """A monitor that accepts every frame of the client."""
    for entry, _ in conversation.frames:
        yield Sample("frame", Verdict.PASSED, entry)


MONITOR = Monitor(id="monitors.toy", function=frames, requirements=(MUST,), title="Frames come.", why="")


class ResultLog:
    """Receives results and lines, and keeps them."""

    def __init__(self) -> None:
        self.targets: list[TargetRecord] = []
        self.results: list[tuple[str, Result]] = []
        self.lines: list[str] = []
        self.details: list[str] = []

    def target(self, target: TargetRecord) -> None:
        """Keep a record."""
        self.targets.append(target)

    def result(self, target: str, result: Result) -> None:
        """Keep a result."""
        self.results.append((target, result))

    def ready(self, line: str) -> None:
        """Keep a line."""
        self.lines.append(line)

    def say(self, line: str) -> None:
        """Keep a line."""
        self.lines.append(line)

    def detail(self, line: str) -> None:
        """Keep a line."""
        self.details.append(line)

    def verdicts(self, target: str) -> dict[str, Verdict]:
        """Return the verdict of the last result of each case."""
        return {result.case: result.verdict for name, result in self.results if name == target}


@dataclass
class MemoryServer:
    """A server whose connections are pairs of memory streams."""

    nursery: trio.Nursery
    server: CaseServer
    log: ResultLog
    peers: int = 0

    def enter(self) -> trio.StapledStream[Any, Any]:
        """Return the client's end of a new connection."""
        theirs, ours = trio.testing.memory_stream_pair()
        self.peers += 1
        self.nursery.start_soon(attend, TrioStream(ours), f"127.0.0.1:{50000 + self.peers}", None, self.server)
        return theirs

    async def ask(self, path: str, **options: Any) -> Answer:
        """Open one WebSocket connection, send no message, and return everything received."""
        return await talk(self.enter(), path, **options)

    async def run(self, which: str, agent: str = "toy", **options: Any) -> Answer:
        """Run a case as a client that echoes."""
        return await talk(self.enter(), f"/runCase?{which}&agent={agent}", echo=True, **options)

    async def get(self, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        """Return status, fields and body of the answer to a request without an upgrade."""
        stream = self.enter()
        await stream.send_all(f"{method} {path} HTTP/1.1\r\nHost: {AUTHORITY}\r\n\r\n".encode())
        octets = await read_all(stream)
        head, _, body = octets.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        return int(first.split()[1]), dict(line.split(": ", 1) for line in lines), body

    async def json(self, path: str) -> Any:
        """Return the JSON at `path`."""
        status, _, body = await self.get(path)
        assert status == 200, body
        return json.loads(body)


@dataclass
class Answer:
    """Everything that a client received on one connection: the status of a refusal, or the messages and the Close."""

    status: int = 0
    body: bytes = b""
    messages: list[str | bytes] = field(default_factory=list)
    close: int | None = None


async def read_all(stream: trio.abc.ReceiveStream) -> bytes:
    """Return all octets up to the end of the stream."""
    octets = b""
    try:
        while more := await stream.receive_some():
            octets += bytes(more)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass
    return octets


async def talk(
    stream: trio.abc.HalfCloseableStream,
    path: str,
    *,
    echo: bool = False,
    host: str = AUTHORITY,
    change: Callable[[Any], Any] = lambda data: data,
) -> Answer:
    """Be a wsproto client on `stream` until the connection ends; with `echo`, send back messages through `change`."""
    ws, answer = WSConnection(ConnectionType.CLIENT), Answer(101)
    await stream.send_all(ws.send(Request(host=host, target=path)))
    async with stream:
        try:
            while octets := bytes(await stream.receive_some()):
                ws.receive_data(octets)
                reply = b"".join(_reaction(ws, event, answer, echo, change) for event in ws.events())
                if reply:
                    await stream.send_all(reply)
        except (trio.BrokenResourceError, trio.ClosedResourceError, RemoteProtocolError):
            pass
    return answer


def _reaction(ws: WSConnection, event: Event, answer: Answer, echo: bool, change: Callable[[Any], Any]) -> bytes:
    match event:
        case RejectConnection():
            answer.status = event.status_code
        case AcceptConnection():
            pass
        case TextMessage() | BytesMessage():
            answer.messages.append(event.data if isinstance(event.data, str) else bytes(event.data))
            if echo:
                return ws.send(type(event)(data=change(event.data)))
        case Ping():
            return ws.send(event.response())
        case CloseConnection():
            answer.close = event.code
            return ws.send(event.response())
        case _:
            answer.body += bytes(getattr(event, "data", b""))
    return b""


def run_with_server(
    body: Callable[[MemoryServer], Awaitable[None]],
    cases: Sequence[Case] = (ECHO,),
    monitors: Sequence[Monitor] = (),
    *,
    confirm: bool = False,
    facts: Facts | None = None,
    patience: float = 5.0,
    real: bool = False,
    numbering: Numbering | None = None,
    **options: Any,
) -> ResultLog:
    """Run `body` with a server of `cases`; return the log of its results and lines.

    The clock jumps; tests with sockets need the real one (`real`).
    """
    log = ResultLog()

    async def run() -> None:
        rules = Rules(
            url=URL,
            authority=AUTHORITY,
            facts=facts or Facts(echo=True),
            options=RunOptions(limits=Limits(patience=patience)),
            confirm=confirm,
        )
        plan = ServePlan.of((*cases, *monitors), load_registry(), numbering)
        async with trio.open_nursery() as nursery:
            server = CaseServer(plan, rules, log, log, **options)
            with trio.fail_after(10_000):
                await body(MemoryServer(nursery, server, log))
            nursery.cancel_scope.cancel()

    trio.run(run, clock=None if real else trio.testing.MockClock(autojump_threshold=0))
    return log
