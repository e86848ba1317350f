"""Run the catalogue against endpoints of this process, over memory streams and under a clock that jumps.

Nothing waits for real time, so one case costs about two milliseconds of CPU.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import ssl
import subprocess
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

import trio
import trio.testing
import trustme

from wsconform.catalogue.case import Case, Item, Monitor, Need, binding
from wsconform.catalogue.load import load_catalogue
from wsconform.catalogue.selection import matches
from wsconform.endpoint.session import Address, Facts
from wsconform.evidence.result import Reason, Result, Verdict
from wsconform.fixtures.eccentrics import Eccentric
from wsconform.fixtures.mutants import Mutant
from wsconform.fixtures.mutants.snapshot import Snapshot
from wsconform.fixtures.reference import ReferenceClient, ReferenceServer, connect, serve
from wsconform.fixtures.variants import Endpoint
from wsconform.registry.registry import load_registry
from wsconform.registry.requirement import Role
from wsconform.run.judge import Bench, Provide, provide
from wsconform.run.options import RunOptions
from wsconform.run.runner import Runner
from wsconform.transport.stream import Stream, TlsFacts, TrioStream
from wsconform.transport.tls import TlsStream, wrap_tls

HOST = "localhost"

REFERENCES: dict[Role, Endpoint] = {Role.SERVER: ReferenceServer, Role.CLIENT: ReferenceClient}

#: The verdicts that count as failures of a mutant.
FAILED = frozenset({Verdict.FAILED, Verdict.DEPARTED, Verdict.INCONCLUSIVE, Verdict.ERROR})

#: Case families that would take hours, because each case exchanges a thousand compressed messages.
THOUSANDS = ("deflate.volume.thousand_*", "deflate.volume.agreed_parameters_are_respected_for_a_thousand_messages*")
#: The members of these families that run all the same: those with the shortest messages. Other families, which have
#: the same members, prove longer messages and fragments with a few messages.
AFFORDABLE = ("*-16]", "*-256]")

#: In a sample, the share of the case families that are compared in full with every mutant: one in so many. The families
#: follow from the commit, so a family has its turn once in 32 commits on average.
TURNS = 32

A = TypeVar("A")
R = TypeVar("R")


@functools.cache
def catalogue(role: Role) -> tuple[Item, ...]:
    """Return the cases and monitors for targets of `role`."""
    registry = load_registry()
    return tuple(entry for entry in load_catalogue() if binding(entry, role, registry))


def families(entries: Iterable[Item]) -> dict[str, list[Item]]:
    """Return the members of each family among `entries`, by the family's id."""
    found: dict[str, list[Item]] = {}
    for entry in entries:
        found.setdefault(entry.family, []).append(entry)
    return found


def affordable(entries: Iterable[Item]) -> tuple[Item, ...]:
    """Return those of `entries` that do not take hours."""
    return tuple(
        entry
        for entry in entries
        if not any(matches(family, entry.id) for family in THOUSANDS)
        or any(matches(member, entry.id) for member in AFFORDABLE)
    )


@functools.cache
def plan(role: Role, heavy: bool, tls: bool) -> tuple[Item, ...]:
    """Return the cases and monitors that a whole run has for a mutant of `role`; `heavy` and `tls` as `run_cases`."""
    return runnable(affordable(catalogue(role)), heavy=heavy, tls=tls)


def plan_of(mutant: Mutant) -> tuple[Item, ...]:
    """Return the cases and monitors that a whole run has for `mutant`."""
    return plan(mutant.role, mutant.heavy, mutant.tls)


def runnable(entries: Iterable[Item], *, heavy: bool, tls: bool) -> tuple[Item, ...]:
    """Return all monitors and those cases of `entries` that `run_cases` runs: heavy ones only if `heavy`.

    With `tls` these are the cases that need TLS, without it all others.
    """
    return tuple(
        entry
        for entry in entries
        if isinstance(entry, Monitor) or ((heavy or not entry.heavy) and (Need.TLS in entry.needs) is tls)
    )


@functools.cache
def tls_contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return a server's TLS context and that of a client that trusts the server's certificate."""
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST).configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


class InMemory:
    """Opens connections to an endpoint in this process, which runs in a task for each connection."""

    def __init__(self, nursery: trio.Nursery, endpoint: Endpoint, *, tls: bool = False) -> None:
        self._nursery, self._endpoint, self._tls = nursery, endpoint, tls

    async def dial(self, *, tls: bool = True, server_name: str | None = None, verify: bool = True) -> Stream:
        """Open a connection to the server, as `Target.dialer` does, or accept one from the client."""
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
        # An endpoint that raises an exception because of its flaw drops the connection, as a real one would.
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


def run_cases(
    entries: Sequence[Item], endpoint: Endpoint, *, heavy: bool = False, tls: bool = False, provide: Provide = provide
) -> dict[str, Result]:
    """Run those of `entries` that `runnable` selects against `endpoint`, a server or client.

    Return the results by case id. `provide` makes the subjects of the cases.
    """
    results: dict[str, Result] = {}

    def keep(result: Result) -> None:
        results[result.case] = result

    role = Role.CLIENT if issubclass(endpoint, ReferenceClient) else Role.SERVER
    selected = runnable(entries, heavy=heavy, tls=tls)

    async def run() -> None:
        async with trio.open_nursery() as nursery:
            dialer = InMemory(nursery, endpoint, tls=tls)
            address = Address(host=f"{HOST}:9001", scheme="wss" if tls else "ws")
            bench = Bench(
                role=role,
                dial=dialer.dial,
                address=address,
                facts=Facts(echo=True, tls=tls),
                options=RunOptions(jobs=16, confirm=False),
            )
            await Runner(bench, load_registry(), keep, provide=provide).run(selected)
            nursery.cancel_scope.cancel()

    # Trio shuffles the tasks that are ready. With a fixed seed their order, and so each result, is always the same.
    trio._core._run._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    trio._core._run._r.seed(6455)
    trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))
    return results


def failed(results: dict[str, Result]) -> set[str]:
    """Return the ids of the results that count as failures of a mutant."""
    return {id for id, result in results.items() if result.verdict in FAILED}


def accused(results: dict[str, Result], eccentric: Eccentric) -> dict[str, str]:
    """Return the errors in the results of `eccentric`: one sentence by case id.

    Wrong are violations, errors and inconclusive results (unless it stops at a limit that it declares), departures that
    it does not declare, and declared departures that were not found.
    """
    wrong: dict[str, str] = {}
    for id, result in results.items():
        declared = any(matches(pattern, id) for pattern in eccentric.departs)
        departed = result.verdict in (Verdict.FAILED, Verdict.DEPARTED)
        if _breaks_the_gate(result, limits=eccentric.limits):
            wrong[id] = f"accused: {result.finding}"
        elif departed and not declared:
            wrong[id] = f"departs, but does not declare it: {result.finding}"
        elif declared and not departed:
            wrong[id] = "declares a departure that was not found"
    return wrong


def _breaks_the_gate(result: Result, *, limits: bool) -> bool:
    if result.verdict is Verdict.INCONCLUSIVE:
        return not (limits and result.reason is Reason.LIMIT)
    return result.verdict is Verdict.ERROR or (result.verdict is Verdict.FAILED and result.level.weight == "must")


def in_parallel(function: Callable[[A], R], arguments: Sequence[A], *, chunk: int = 1) -> Iterator[R]:
    """Yield the result of `function` for each of `arguments`, in their order, from a process for each core.

    `function` and its result must be picklable. The processes are forked, so they share the modules and the catalogue.
    """
    workers = len(os.sched_getaffinity(0))
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork")) as pool:
        yield from pool.map(function, arguments, chunksize=chunk)


def differences(results: dict[str, Result], claimed: Collection[str]) -> dict[str, str]:
    """Return how the failures among `results` differ from the ids that the snapshot claims: a sentence by case id."""
    wrong: dict[str, str] = {}
    for id, result in results.items():
        finding = f": {result.finding}" if result.finding else ""
        if id in claimed and result.verdict not in FAILED:
            wrong[id] = f"claimed but passed (kills.toml lists it, the verdict is {result.verdict.name}{finding})"
        elif id not in claimed and result.verdict in FAILED:
            wrong[id] = (
                f"failed but not claimed (kills.toml does not list it, the verdict is {result.verdict.name}{finding})"
            )
    return wrong


def unfounded_kills(mutant: Mutant, snapshot: Snapshot) -> list[str]:
    """Return the errors in the `kills` of `mutant`: a sentence for each pattern that matches a case that passes.

    A pattern may match nothing that runs against this mutant, since the same patterns serve both roles, but one of
    them has to match something that it fails.
    """
    entries = plan_of(mutant)
    failing = snapshot.claimed(mutant.name, (entry.id for entry in entries))
    wrong, founded = [], False
    for pattern in mutant.kills:
        matched = [entry for entry in entries if matches(pattern, entry.id)]
        founded = founded or any(entry.id in failing for entry in matched)
        passing = [entry.id for entry in matched if isinstance(entry, Case) and entry.id not in failing]
        if passing:
            more = f" and {len(passing) - 1} more" if len(passing) > 1 else ""
            wrong.append(f'{mutant.name}: kills "{pattern}", but passes {passing[0]}{more}; narrow the pattern')
    if not founded:
        wrong.append(f"{mutant.name}: no pattern of `kills` matches a case or monitor that it fails")
    return wrong


def shard(names: Iterable[str]) -> list[str]:
    """Return the part of `names` that the environment variable WSCONFORM_PROOF_SHARD selects: "N/M", every M-th.

    Without the variable return all. Raises ValueError if it is not a part of a whole.
    """
    text = os.environ.get("WSCONFORM_PROOF_SHARD", "1/1")
    number, slash, count = text.partition("/")
    if not (slash and number.isdecimal() and count.isdecimal() and 0 < int(number) <= int(count)):
        raise ValueError(f'WSCONFORM_PROOF_SHARD: "{text}" is not a part such as 2/4')
    return list(names)[int(number) - 1 :: int(count)]


def proof_seed() -> str:
    """Return the seed that selects the case families that a sample compares in full.

    It is the environment variable WSCONFORM_PROOF_SEED, else the id of the commit, else (outside a repository) a
    constant.
    """
    if seed := os.environ.get("WSCONFORM_PROOF_SEED"):
        return seed
    try:
        words = ("git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD")
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "wsconform"


def is_compared_in_full(family: str, seed: str) -> bool:
    """Return whether a sample with this `seed` has every member of `family` for every mutant: for one seed in TURNS."""
    return zlib.crc32(f"{seed} {family}".encode()) % TURNS == 0


def sample(mutant: Mutant, snapshot: Snapshot, seed: str) -> tuple[Item, ...]:
    """Return the part of the plan of `mutant` that is compared if there is no time for all of it.

    It has all monitors, which cost nothing; all members of each family that the snapshot lists for the mutant, or whose
    turn it is; and one member of every other family in the areas of those that it fails, since most failures of a flaw
    are in the same area. Whether that is the first or the last member is always the same for a mutant and a family.
    """
    plan = plan_of(mutant)
    failing = snapshot.claimed(mutant.name, (entry.id for entry in plan))
    areas = {area(id) for id in failing}
    chosen: list[Item] = []
    for family, members in families(plan).items():
        first = members[0]
        if (
            isinstance(first, Monitor)
            or any(member.id in failing for member in members)
            or is_compared_in_full(family, seed)
        ):
            chosen += members
        elif not first.heavy and area(family) in areas:
            last = zlib.crc32(f"{mutant.name} {family}".encode()) % 2
            chosen.append(members[-last])
    return tuple(chosen)


def area(id: str) -> str:
    """Return the first part of the id of a case or family, which names the folder of the case."""
    return id.partition(".")[0]
