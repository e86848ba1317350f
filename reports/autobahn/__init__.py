"""The older suite's report, `index.json` and one JSON file a case, for scripts that read those.

A journal of any run serves: an older id is there if a case of ours that stands for it was put, and of several the worst
result speaks. A run with `--autobahn-spec` has the ids that its file selects. What the words mean with us is told in
`wsconform.autobahn.ids` (behavior) and `closing` (behaviorClose).

Absent, as with the older suite, are cases that were not run: left out by selection, profile or budget, or never asked
for by a client. A case that a server did not live to see is FAILED.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from wsconform.autobahn.ids import (
    FAILED,
    INFORMATIONAL,
    NAMELESS,
    NON_STRICT,
    OK,
    SELECTED,
    UNIMPLEMENTED,
    Selected,
    behavior,
    order,
)
from wsconform.catalogue.aliases import autobahn_cases
from wsconform.escape import terminal
from wsconform.evidence.result import Reason, Result, Verdict
from wsconform.journal.journal import Journal
from wsconform.registry.requirement import Role

from ..columns import Column, gather
from .case import Told, record, tell
from .page import page

__all__ = ["render"]

_GRAVITY = (FAILED, NON_STRICT, INFORMATIONAL, OK, UNIMPLEMENTED)
_LONGEST = 120
_NOT_RUN = frozenset({Reason.EXCLUDED, Reason.BUDGET})


def render(journals: Sequence[Journal], folder: Path, path: Path | None) -> Path:
    """Write the files into `path`, or `autobahn` in `folder`, and return the path of index.json. Raises OSError."""
    place = path or folder / "autobahn"
    place.mkdir(parents=True, exist_ok=True)
    ids = dict(sorted(autobahn_cases().items(), key=lambda item: order(item[0])))
    index, told, stems = dict[str, dict[str, object]](), dict[str, list[Told]](), _Stems()
    for column in gather(journals).columns:
        cases = list(_told(column, ids))
        if not cases:
            continue
        agent = _agent(column, told)
        stem, entries = stems.of(agent), dict[str, object]()
        for each in cases:
            file = f"{stem}_case_{each.id.replace('.', '_')}.json"
            _write(place / file, record(each, agent, _started(column)))
            entries[each.id] = {
                "behavior": each.behavior,
                "behaviorClose": each.closing.word,
                "duration": each.milliseconds,
                "remoteCloseCode": each.code,
                "reportfile": file,
            }
        told[agent], index[agent] = cases, entries
    (place / "index.html").write_text(page(told), encoding="utf-8", newline="\n")
    # Last, so that who waits for it finds the others.
    _write(place / "index.json", index)
    return place / "index.json"


def _agent(column: Column, taken: Container[str]) -> str:
    """Return the target's name, or what its Server field says, where the older suite's file gives it none."""
    name = column.name
    if NAMELESS in column.target.info:
        name = column.target.info.get("server") or "UnknownServer"
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name} ({number})"
    return found


def _write(place: Path, value: object) -> None:
    text = json.dumps(value, indent=3, separators=(",", ": "), sort_keys=True, ensure_ascii=True)
    place.write_text(text, encoding="ascii", newline="\n")


def _told(column: Column, ids: Mapping[str, Sequence[str]]) -> Iterator[Told]:
    selection = column.target.info.get(SELECTED)
    chosen = Selected.read(selection) if selection else Selected(("*",))
    selected = chosen.of(ids)
    results = {older: [*_put(column, ids[older])] for older in selected}
    if column.target.role is Role.SERVER:
        numbers = {older: number for number, older in enumerate(ids, 1)}
    else:
        served = chosen.numbered(ids) if selection else [older for older in selected if results[older]]
        numbers = {older: number for number, older in enumerate(served, 1)}
    for older in selected:
        if results[older]:
            yield tell(older, numbers[older], min(results[older], key=lambda each: _GRAVITY.index(behavior(each))))


def _put(column: Column, cases: Iterable[str]) -> Iterator[Result]:
    for case in cases:
        result = column.cases.get(case)
        if result is None or (result.verdict is Verdict.SKIPPED and result.reason in _NOT_RUN):
            continue
        if result.role is Role.CLIENT and result.reason is Reason.LOST and not result.transcript:
            continue
        yield result


def _started(column: Column) -> str:
    """The run's start, which the journal has to the second: "2026-11-22T09:50:14.000Z"."""
    return re.sub(r"(:\d\d)Z$", r"\1.000Z", column.header.start)


class _Stems:
    """What file names begin with, by agent; names that the older suite would have taken for one are kept apart."""

    def __init__(self) -> None:
        self._taken: dict[str, str] = {}

    def of(self, agent: str) -> str:
        # A name of any length makes a file's that systems take.
        stem = re.sub("[^a-z0-9]", " ", agent.lower()).strip().replace(" ", "_")[:_LONGEST]
        found, number = stem, 1
        while found in self._taken:
            number += 1
            found = f"{stem}_{number}"
        if found != stem:
            told = f"-r autobahn: {agent} and {self._taken[stem]} have one file name; the files of {agent} begin with"
            sys.stderr.write(f"{terminal(told)} {found}_case_\n")
        self._taken[found] = agent
        return found
