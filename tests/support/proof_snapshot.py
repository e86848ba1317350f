"""Rewrite the snapshot of the mutants' failures, `kills.toml`, from runs of the catalogue against the mutants.

Run as `python -m tests.support.proof_snapshot [PATTERN]` (`make proof-snapshot [CASE=PATTERN]`). With a pattern only
the cases that it matches run, which takes seconds; the rest of the snapshot stays. Mutants and cases that no longer
exist are removed. A mutant that is not in the snapshot yet gets the whole catalogue. Monitors judge a whole run, so
only a run without a pattern updates them; it takes as long as `make proof`.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Sequence

from tests.support.proof import failed, in_parallel, plan_of, run_cases
from wsconform.catalogue.case import Case, Item
from wsconform.catalogue.selection import matches
from wsconform.fixtures.mutants import Mutant, load_mutants
from wsconform.fixtures.mutants.snapshot import SNAPSHOT, Snapshot, parse_snapshot, render_snapshot

__all__ = ["main", "merged", "to_run"]


@functools.cache
def mutants() -> dict[str, Mutant]:
    """Return every mutant by its name."""
    return {mutant.name: mutant for mutant in load_mutants()}


@functools.cache
def snapshot() -> Snapshot:
    """Return the snapshot as it was before this command."""
    return parse_snapshot(SNAPSHOT.read_text(encoding="utf-8"))


def to_run(plan: Sequence[Item], pattern: str | None, *, known: bool) -> tuple[Item, ...]:
    """Return the items of `plan` to run against a mutant: all, unless there is a pattern and the mutant is `known`."""
    if pattern is None or not known:
        return tuple(plan)
    return tuple(item for item in plan if isinstance(item, Case) and matches(pattern, item.id))


def merged(claimed: Iterable[str], ran: Iterable[Item], found: Iterable[str]) -> set[str]:
    """Return the ids in the snapshot, `claimed`, with those that `ran` replaced by the failures that were `found`."""
    return set(claimed) - {item.id for item in ran} | set(found)


def failures_of(pattern: str | None, name: str) -> set[str]:
    """Run the cases that `pattern` matches against the mutant called `name`, and return the ids that it fails now."""
    mutant = mutants()[name]
    plan = plan_of(mutant)
    claimed = snapshot().claimed(name, [item.id for item in plan])
    items = to_run(plan, pattern, known=name in snapshot())
    if not items:
        return set(claimed)
    return merged(claimed, items, failed(run_cases(items, mutant.endpoint, heavy=mutant.heavy, tls=mutant.tls)))


def main(arguments: Sequence[str]) -> int:
    """Rewrite the snapshot, with a line of progress for each mutant whose failures change; return the exit code."""
    if len(arguments) > 1:
        print("usage: python -m tests.support.proof_snapshot [PATTERN]", file=sys.stderr)
        return 2
    pattern = arguments[0] if arguments else None
    names = list(mutants())
    ids = {name: [item.id for item in plan_of(mutant)] for name, mutant in mutants().items()}
    if pattern is not None and not any(matches(pattern, id) for each in ids.values() for id in each):
        print(f'proof-snapshot: no case matches "{pattern}"; see `wsconform list cases`', file=sys.stderr)
        return 2
    failures: dict[str, set[str]] = {}
    for name, found in zip(names, in_parallel(functools.partial(failures_of, pattern), names, chunk=4), strict=True):
        failures[name] = found
        change = len(found ^ snapshot().claimed(name, ids[name]))
        if change or pattern is None:
            print(f"[{len(failures)}/{len(names)}] {name}: fails {len(found)}, {change} changed", flush=True)
    SNAPSHOT.write_text(render_snapshot(failures, ids), encoding="utf-8")
    print(f"Wrote {SNAPSHOT.name}. Review it with `git diff`.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
