"""Run the whole catalogue against every mutant and rewrite the snapshot of their failures, `kills.toml`.

Run as `python -m tests.support.proof_snapshot` (`make proof-snapshot`). It takes about 27 minutes on 2 cores.
"""

from __future__ import annotations

import functools
import sys

from tests.support.proof import failed, in_parallel, plan_of, run_cases
from wsconform.fixtures.mutants import Mutant, load_mutants
from wsconform.fixtures.mutants.snapshot import SNAPSHOT, render_snapshot


@functools.cache
def mutants() -> dict[str, Mutant]:
    """Return every mutant by its name."""
    return {mutant.name: mutant for mutant in load_mutants()}


def failures_of(name: str) -> set[str]:
    """Run the whole catalogue against the mutant called `name`, and return the ids that it fails."""
    mutant = mutants()[name]
    return failed(run_cases(plan_of(mutant), mutant.endpoint, heavy=mutant.heavy, tls=mutant.tls))


def main() -> int:
    """Rewrite the snapshot, with a line of progress for each mutant; return the exit code."""
    names = list(mutants())
    ids = {name: [entry.id for entry in plan_of(mutant)] for name, mutant in mutants().items()}
    failures: dict[str, set[str]] = {}
    for name, found in zip(names, in_parallel(failures_of, names), strict=True):
        failures[name] = found
        print(f"[{len(failures)}/{len(names)}] {name}: fails {len(found)} of {len(ids[name])}", flush=True)
    SNAPSHOT.write_text(render_snapshot(failures, ids), encoding="utf-8")
    print(f"Wrote {SNAPSHOT}. Review it with `git diff`.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
