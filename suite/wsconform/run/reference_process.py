"""The embedded reference endpoint in a process of its own, so that neither end of a run waits for the other's turn."""

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
    """Give `plan` with its endpoint served by a child of this process, which ends with the context, or with us.

    The plan stays as it is where it has no endpoint to serve, and where no process can be made of this one: that has
    to be done before anything runs beside the main thread. What a plan serves is then served beside the cases.
    """
    if plan.serve is None or not hasattr(os, "fork") or threading.active_count() > 1:
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
        _be_the_child(plan.serve, theirs, alive)
    os.close(theirs)
    os.close(alive)
    try:
        with os.fdopen(ours, "rb") as told:
            port = told.readline()
        url = plan.target.url
        yield replace(plan, target=replace(plan.target, url=replace(url, port=int(port))), serve=None) if port else plan
    finally:
        os.close(held)
        os.waitpid(child, 0)


def _be_the_child(serve: Serve, told: int, alive: int) -> None:
    """Serve until the other end of `alive` is closed, and leave nothing of what our parent was doing."""
    try:
        # Ctrl-C is for the parent, who lets go of us when it has written everything down.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        trio.run(_serve, serve, told, alive)
    finally:
        os._exit(0)


async def _serve(serve: Serve, told: int, alive: int) -> None:
    async with trio.open_nursery() as nursery:
        port = await nursery.start(serve)
        os.write(told, b"%d\n" % port)
        await trio.lowlevel.wait_readable(alive)
        nursery.cancel_scope.cancel()
