"""Making a target available: its command is started, or the embedded reference endpoint is served."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path

import trio

from ..transport.program import Output, TargetProgram
from .target import Target, TargetError, Url

__all__ = ["REFERENCE", "Reach", "Serve", "reached", "reference_target"]

#: The name of the embedded reference endpoint as a target.
REFERENCE = "reference"

Serve = Callable[..., Awaitable[None]]


def reference_target() -> tuple[Target, Serve]:
    """Return the embedded endpoint as a target without a port yet, and the function that serves it.

    Raises TargetError if no installed package provides one.
    """
    for point in entry_points(group="wsconform.reference", name="server"):
        serve: Serve = point.load()
        return Target(name=REFERENCE, url=Url("ws", "127.0.0.1", 0, "/"), app="echo"), serve
    raise TargetError("no reference endpoint is installed; name an address such as ws://HOST:PORT/")


@dataclass(frozen=True, slots=True)
class Reach:
    """A target that accepts connections at a known address, and the program that we started for it, if any."""

    target: Target
    started: TargetProgram | None = None


@contextlib.asynccontextmanager
async def reached(
    target: Target,
    nursery: trio.Nursery,
    *,
    folder: Path | None = None,
    serve: Serve | None = None,
    output: Output | None = None,
) -> AsyncIterator[Reach]:
    """Start the command of `target`, or the embedded endpoint `serve`; end it, and all tasks in `nursery`, afterwards.

    Raises StartFailed.
    """
    started = None
    if serve is not None:
        port = await nursery.start(serve)
        target = replace(target, url=replace(target.url, port=port))
    output = output or Output()
    if target.start:
        started = TargetProgram(
            target.start,
            nursery,
            output,
            host=target.url.host,
            port=target.url.port,
            ready_within=target.ready_within,
            folder=folder,
        )
    try:
        if started:
            await started.start()
        yield Reach(target, started)
    finally:
        if started:
            await started.end()
        output.close()
        nursery.cancel_scope.cancel()
