"""Run the cases that a pattern matches against every mutant and every eccentric, and print which of them fail.

Run as `python -m tests.support.proof_case PATTERN` (`make proof CASE=PATTERN`). The exit code is 0 if the cases are
proven: the reference passes them, no eccentric is accused, and some mutant of each role fails each family. It is 1 if
they are not proven, and 2 if the pattern matches no case.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.support.proof import (
    FAILED,
    REFERENCES,
    accused,
    affordable,
    catalogue,
    families,
    in_parallel,
    run_cases,
    runnable,
)
from wsconform.catalogue.case import Case
from wsconform.catalogue.selection import matches
from wsconform.fixtures.eccentrics import Eccentric, load_eccentrics
from wsconform.fixtures.mutants import Mutant, load_mutants
from wsconform.fixtures.variants import Variant
from wsconform.registry.requirement import Role

__all__ = ["Failures", "Subject", "main", "report", "selected"]


@dataclass(frozen=True, slots=True)
class Subject:
    """An endpoint that the cases run against; `heavy` and `tls` as for `run_cases`."""

    variant: Variant
    heavy: bool = False
    tls: bool = False

    @property
    def is_mutant(self) -> bool:
        """Whether it should fail: eccentrics and the reference should not."""
        return isinstance(self.variant, Mutant)


@dataclass(frozen=True, slots=True)
class Failures:
    """The cases that failed against one endpoint: by id the verdict, or the reason that it should not have failed."""

    subject: Subject
    cases: Mapping[str, str]


@functools.cache
def subjects() -> tuple[Subject, ...]:
    """Return the reference in each role (over TCP and TLS), every mutant and every eccentric."""
    return (
        *(Subject(Variant(endpoint), not tls, tls) for endpoint in REFERENCES.values() for tls in (False, True)),
        *(Subject(mutant, mutant.heavy, mutant.tls) for mutant in load_mutants()),
        *(Subject(eccentric) for eccentric in load_eccentrics()),
    )


@functools.cache
def selected(pattern: str) -> dict[Role, tuple[Case, ...]]:
    """Return the cases that `pattern` matches, by the role of the target.

    ValueError if it matches no case. Monitors are left out: they judge the transcripts of a whole run.
    """
    matched = {role: [each for each in catalogue(role) if matches(pattern, each.id)] for role in REFERENCES}
    if not any(matched.values()):
        raise ValueError(f'no case matches "{pattern}"; see `wsconform list cases`')
    cases = {
        role: tuple(entry for entry in affordable(entries) if isinstance(entry, Case))
        for role, entries in matched.items()
    }
    if not any(cases.values()):
        raise ValueError(f'"{pattern}" matches only monitors, or cases that take hours; run `make proof` for monitors')
    return cases


def run_subject(pattern: str, index: int) -> dict[str, str]:
    """Run the cases that `pattern` matches against one of `subjects()`; return those that fail, as in `Failures`."""
    subject = subjects()[index]
    cases = runnable(selected(pattern)[subject.variant.role], heavy=subject.heavy, tls=subject.tls)
    if not cases:
        return {}
    results = run_cases(cases, subject.variant.endpoint, heavy=subject.heavy, tls=subject.tls)
    if isinstance(subject.variant, Eccentric):
        return accused(results, subject.variant)
    failed = {id: result for id, result in results.items() if result.verdict in FAILED}
    if subject.is_mutant:
        return {id: result.verdict.name.lower() for id, result in failed.items()}
    return {id: f"{result.verdict.name.lower()}: {result.finding}" for id, result in failed.items()}


def report(cases: Mapping[Role, Sequence[Case]], failures: Iterable[Failures]) -> tuple[list[str], bool]:
    """Return the lines that describe `failures` of these `cases`, and whether every family is proven."""
    lines: list[str] = []
    proven = True
    failures = list(failures)
    for role, entries in cases.items():
        mine = [each for each in failures if each.subject.variant.role is role]
        for family, members in families(entries).items():
            ids = [member.id for member in members]
            killers = [line for each in mine if each.subject.is_mutant for line in _killer(each, ids)]
            wrong = [line for each in mine if not each.subject.is_mutant for line in _wrong(each, ids)]
            lines.append(f"{family} against {role.value}s: cases: {len(ids)}, mutants that fail: {len(killers)}")
            lines += [*wrong, *killers] if killers else [*wrong, "  no mutant fails it: write a mutant for it"]
            proven = proven and bool(killers) and not wrong
    return lines, proven


def _killer(failures: Failures, ids: Sequence[str]) -> Iterable[str]:
    """Yield one line with the mutant, its verdicts at `ids` and its flaw, or none if it passes them."""
    verdicts = [failures.cases[id] for id in ids if id in failures.cases]
    if verdicts:
        flaw = (failures.subject.variant.endpoint.__doc__ or "").strip().partition("\n")[0]
        share = f" ({len(verdicts)} of {len(ids)})" if len(ids) > 1 else ""
        yield f"  {failures.subject.variant.name}: {', '.join(sorted(set(verdicts)))}{share}: {flaw}"


def _wrong(failures: Failures, ids: Sequence[str]) -> Iterable[str]:
    """Yield one line for each of `ids` that an eccentric or the reference wrongly fails."""
    for id in ids:
        if id in failures.cases:
            yield f"  WRONG: {failures.subject.variant.name}: {id}: {failures.cases[id]}"


def main(arguments: Sequence[str]) -> int:
    """Print the report for the one pattern in `arguments`; return the exit code."""
    if len(arguments) != 1:
        print("usage: python -m tests.support.proof_case PATTERN", file=sys.stderr)
        return 2
    (pattern,) = arguments
    try:
        cases = selected(pattern)
    except ValueError as problem:
        print(f"proof: {problem}", file=sys.stderr)
        return 2
    start = time.monotonic()
    found = in_parallel(functools.partial(run_subject, pattern), range(len(subjects())), chunk=8)
    failures = [Failures(subject, failed) for subject, failed in zip(subjects(), found, strict=True)]
    lines, proven = report(cases, failures)
    print("\n".join(lines))
    seconds = time.monotonic() - start
    print(f"{'Proven' if proven else 'NOT PROVEN'} against {len(subjects())} endpoints in {seconds:.0f} s.")
    return 0 if proven else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
