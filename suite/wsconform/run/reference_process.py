"""The embedded reference endpoint in its own process, so that neither end of a run waits for the other's turn."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace

import trio

from .execution import Plan
from .start import Serve

__all__ = ["apart"]


@contextlib.contextmanager
def apart(plan: Plan) -> Iterator[Plan]:
    """Fork a child that serves the plan's embedded endpoint, and yield the plan with the child's port.

    The child exits with the context or with this process. If forking is unsafe because other threads run, yield the
    plan unchanged; the endpoint is then served in this process. A plan without an endpoint is yielded unchanged.
    """
    if plan.serve is None or threading.active_count() > 1:
        yield plan
        return
    ours, theirs = os.pipe()
    alive, held = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        os.close(ours)
        os.close(held)
        _run_child(plan.serve, theirs, alive)
    os.close(theirs)
    os.close(alive)
    try:
        with os.fdopen(ours, "rb") as announced:
            port = announced.readline()
        url = plan.target.url
        yield replace(plan, target=replace(plan.target, url=replace(url, port=int(port))), serve=None) if port else plan
    finally:
        os.close(held)
        os.waitpid(child, 0)


def _run_child(serve: Serve, announce: int, alive: int) -> None:
    """Serve until the other end of the pipe `alive` is closed, then exit without running the parent's clean-up.

    The port is written to the pipe `announce`.
    """
    try:
        # Ctrl-C is for the parent, which ends this process after it has written everything.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        trio.run(_serve, serve, announce, alive)
    finally:
        os._exit(0)


async def _serve(serve: Serve, announce: int, alive: int) -> None:
    async with trio.open_nursery() as nursery:
        port = await nursery.start(serve)
        os.write(announce, b"%d\n" % port)
        await trio.lowlevel.wait_readable(alive)
        nursery.cancel_scope.cancel()
