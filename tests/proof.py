"""The catalogue over memory streams, under a clock that jumps: what proves cases and mutants in next to no time."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Sequence

import trio
import trio.testing
import trustme

from wsconform.catalogue import Case, Entry, Monitor, Need
from wsconform.fixtures.reference import ReferenceServer, serve
from wsconform.judge import Bench
from wsconform.requirement import Role, load_registry
from wsconform.result import Result, Verdict
from wsconform.runner import Options, Runner
from wsconform.session import Address, Facts, Limits
from wsconform.transport import Stream, TrioStream, wrap_tls

HOST = "localhost"

#: Verdicts that count as failed when a mutant is compared with what it claims.
FAILED = frozenset({Verdict.FAILED, Verdict.DEPARTED, Verdict.INCONCLUSIVE, Verdict.ERROR})


@functools.cache
def tls_contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return a server's and a client's TLS context that know each other."""
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST).configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


class InMemory:
    """Dials connections to a server that lives in the same process; each has a task of its own."""

    def __init__(self, nursery: trio.Nursery, server: type[ReferenceServer], *, tls: bool = False) -> None:
        self._nursery, self._server, self._tls = nursery, server, tls

    async def dial(self, *, tls: bool = True, server_name: str = HOST, verify: bool = True) -> Stream:
        """Open a connection, as `Target.dialer` does."""
        ours, theirs = trio.testing.memory_stream_pair()
        contexts = tls_contexts() if self._tls else None
        self._nursery.start_soon(self._serve, theirs, contexts[0] if contexts else None)
        if contexts is None or not tls:
            return TrioStream(ours)
        client = contexts[1]
        if not verify:
            client = ssl.create_default_context()
            client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        return await wrap_tls(TrioStream(ours), client, server_name, "memory")

    async def _serve(self, stream: trio.abc.HalfCloseableStream, tls: ssl.SSLContext | None) -> None:
        # A server that falls over its own flaw drops the connection, as a real one would.
        try:
            await serve(stream, self._server, tls=tls)
        except Exception:
            await trio.aclose_forcefully(stream)


def put(
    entries: Sequence[Entry], server: type[ReferenceServer], *, heavy: bool = False, tls: bool = False
) -> dict[str, Result]:
    """Put `entries` to `server` and return the results by case id; heavy cases only if `heavy`, TLS cases if `tls`."""
    results: dict[str, Result] = {}

    def keep(result: Result) -> None:
        results[result.case] = result

    plan = [
        entry
        for entry in entries
        if isinstance(entry, Monitor)
        or ((heavy or not entry.heavy) and (not tls or Need.TLS in entry.needs) and _fits(entry, tls))
    ]

    async def run() -> None:
        async with trio.open_nursery() as nursery:
            dialer = InMemory(nursery, server, tls=tls)
            address = Address(f"{HOST}:9001", "/", scheme="wss" if tls else "ws")
            bench = Bench(Role.SERVER, dialer.dial, address, Facts(echo=True, tls=tls))
            options = Options(jobs=16, limits=Limits(), confirm=False)
            await Runner(bench, load_registry(), options, keep).run(plan)
            nursery.cancel_scope.cancel()

    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))
    return results


def _fits(entry: Case, tls: bool) -> bool:
    return (Need.TLS in entry.needs) <= tls


def failed(results: dict[str, Result]) -> set[str]:
    """Return the ids of the results that count as failed."""
    return {id for id, result in results.items() if result.verdict in FAILED}
