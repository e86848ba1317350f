"""The catalogue over memory streams, under a clock that jumps: what proves cases and mutants in next to no time."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Sequence

import trio
import trio.testing
import trustme

from wsconform.catalogue.case import Item, Monitor, Need, binding
from wsconform.catalogue.load import load_catalogue
from wsconform.endpoint.session import Address, Facts, Limits
from wsconform.evidence.result import Result, Verdict
from wsconform.fixtures.reference import ReferenceClient, connect, serve
from wsconform.fixtures.variants import Endpoint
from wsconform.registry.registry import load_registry
from wsconform.registry.requirement import Role
from wsconform.run.judge import Bench
from wsconform.run.runner import Options, Runner
from wsconform.transport.stream import Stream, TlsFacts, TrioStream
from wsconform.transport.tls import TlsStream, wrap_tls

HOST = "localhost"

#: Verdicts that count as failed when a mutant is compared with what it claims.
FAILED = frozenset({Verdict.FAILED, Verdict.DEPARTED, Verdict.INCONCLUSIVE, Verdict.ERROR})


@functools.cache
def catalogue(role: Role) -> tuple[Item, ...]:
    """Return the entries for targets of `role`."""
    registry = load_registry()
    return tuple(entry for entry in load_catalogue() if binding(entry, role, registry))


def families(role: Role) -> dict[str, list[Item]]:
    """Return the members of each family for targets of `role`, by the family's id."""
    found: dict[str, list[Item]] = {}
    for entry in catalogue(role):
        found.setdefault(entry.family, []).append(entry)
    return found


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
    """Connections to endpoints that live in the same process; each has a task of its own."""

    def __init__(self, nursery: trio.Nursery, endpoint: Endpoint, *, tls: bool = False) -> None:
        self._nursery, self._endpoint, self._tls = nursery, endpoint, tls

    async def dial(self, *, tls: bool = True, server_name: str | None = None, verify: bool = True) -> Stream:
        """Open a connection to the server, as `Target.dialer` does, or take one from the client."""
        ours, theirs = trio.testing.memory_stream_pair()
        self._nursery.start_soon(self._live, theirs)
        if not self._tls or not tls:
            return TrioStream(ours)
        if issubclass(self._endpoint, ReferenceClient):
            return await _accept_tls(ours)
        client = tls_contexts()[1]
        if not verify:
            client = ssl.create_default_context()
            client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        return await wrap_tls(TrioStream(ours), client, server_name or HOST, "memory")

    async def _live(self, stream: trio.abc.HalfCloseableStream) -> None:
        # An endpoint that falls over its own flaw drops the connection, as a real one would.
        try:
            if issubclass(self._endpoint, ReferenceClient):
                context = tls_contexts()[1] if self._tls else None
                await connect(stream, self._endpoint, host=f"{HOST}:9001", tls=context)
            else:
                await serve(stream, self._endpoint, tls=tls_contexts()[0] if self._tls else None)
        except Exception:
            await trio.aclose_forcefully(stream)


async def _accept_tls(stream: trio.abc.Stream) -> Stream:
    wrapped = trio.SSLStream(stream, tls_contexts()[0], server_side=True)
    await wrapped.do_handshake()
    return TlsStream(TrioStream(stream), wrapped, TlsFacts(version=str(wrapped.version())))


def put(entries: Sequence[Item], endpoint: Endpoint, *, heavy: bool = False, tls: bool = False) -> dict[str, Result]:
    """Put `entries` to `endpoint`, server or client, and return the results by case id.

    Heavy cases are put only if `heavy`; cases that need TLS, and none but them, if `tls`.
    """
    results: dict[str, Result] = {}

    def keep(result: Result) -> None:
        results[result.case] = result

    role = Role.CLIENT if issubclass(endpoint, ReferenceClient) else Role.SERVER
    plan = [
        entry
        for entry in entries
        if isinstance(entry, Monitor) or ((heavy or not entry.heavy) and (Need.TLS in entry.needs) is tls)
    ]

    async def run() -> None:
        async with trio.open_nursery() as nursery:
            dialer = InMemory(nursery, endpoint, tls=tls)
            address = Address(host=f"{HOST}:9001", scheme="wss" if tls else "ws")
            bench = Bench(role, dialer.dial, address, Facts(echo=True, tls=tls))
            options = Options(jobs=16, limits=Limits(), confirm=False)
            await Runner(bench, load_registry(), options, keep).run(plan)
            nursery.cancel_scope.cancel()

    # Trio throws dice for the order of ready tasks; here they fall alike each time, so that a claim holds or does not.
    trio._core._run._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    trio._core._run._r.seed(6455)
    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))
    return results


def failed(results: dict[str, Result]) -> set[str]:
    """Return the ids of the results that count as failed."""
    return {id for id, result in results.items() if result.verdict in FAILED}
