"""Reports in the format of Autobahn|Testsuite, `index.json` and a JSON file for each case, for scripts that read them.

The journal of any run will do: an Autobahn id is in the report if a case of ours that corresponds to it ran, and the
worst result of several such cases counts. A run with `--autobahn-spec` has the ids that its file selects. The modules
`wsconform.autobahn.ids` (behavior) and `closing` (behaviorClose) define when each word is used.

As with Autobahn, cases that did not run are absent: excluded by selection, profile or budget, or never requested by a
client. A case that did not run because the server was lost is FAILED.
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
from .case import AutobahnCase, evaluate, record
from .page import page

__all__ = ["render"]

_WORST_FIRST = (FAILED, NON_STRICT, INFORMATIONAL, OK, UNIMPLEMENTED)
_LONGEST = 120
_NOT_RUN = frozenset({Reason.EXCLUDED, Reason.BUDGET})


def render(journals: Sequence[Journal], folder: Path, path: Path | None) -> Path:
    """Write the files into `path`, or `autobahn` in `folder`, and return the path of index.json. Raises OSError."""
    place = path or folder / "autobahn"
    place.mkdir(parents=True, exist_ok=True)
    ids = dict(sorted(autobahn_cases().items(), key=lambda item: order(item[0])))
    index, agents, stems = dict[str, dict[str, object]](), dict[str, list[AutobahnCase]](), _Stems()
    for column in gather(journals).columns:
        cases = list(_cases(column, ids))
        if not cases:
            continue
        agent = _agent(column, agents)
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
        agents[agent], index[agent] = cases, entries
    (place / "index.html").write_text(page(agents), encoding="utf-8", newline="\n")
    # Last, so that a script that waits for index.json finds the other files.
    _write(place / "index.json", index)
    return place / "index.json"


def _agent(column: Column, used: Container[str]) -> str:
    """Return the target's name, or the value of its Server field if its entry in the Autobahn spec has no name."""
    name = column.name
    if NAMELESS in column.target.info:
        name = column.target.info.get("server") or "UnknownServer"
    found, number = name, 1
    while found in used:
        number += 1
        found = f"{name} ({number})"
    return found


def _write(place: Path, value: object) -> None:
    text = json.dumps(value, indent=3, separators=(",", ": "), sort_keys=True, ensure_ascii=True)
    place.write_text(text, encoding="ascii", newline="\n")


def _cases(column: Column, ids: Mapping[str, Sequence[str]]) -> Iterator[AutobahnCase]:
    selection = column.target.info.get(SELECTED)
    chosen = Selected.read(selection) if selection else Selected(("*",))
    selected = chosen.of(ids)
    results = {id: [*_results(column, ids[id])] for id in selected}
    if column.target.role is Role.SERVER:
        numbers = {id: number for number, id in enumerate(ids, 1)}
    else:
        served = chosen.numbered(ids) if selection else [id for id in selected if results[id]]
        numbers = {id: number for number, id in enumerate(served, 1)}
    for id in selected:
        if results[id]:
            yield evaluate(id, numbers[id], min(results[id], key=lambda each: _WORST_FIRST.index(behavior(each))))


def _results(column: Column, cases: Iterable[str]) -> Iterator[Result]:
    """Yield the results of those of `cases` that ran."""
    for case in cases:
        result = column.cases.get(case)
        if result is None or (result.verdict is Verdict.SKIPPED and result.reason in _NOT_RUN):
            continue
        if result.role is Role.CLIENT and result.reason is Reason.LOST and not result.transcript:
            continue
        yield result


def _started(column: Column) -> str:
    """Return the run's start with milliseconds, which the journal does not have: "2026-11-22T09:50:14.000Z"."""
    return re.sub(r"(:\d\d)Z$", r"\1.000Z", column.header.start)


class _Stems:
    """Assigns each agent a distinct beginning of its file names, even if Autobahn would give two agents the same."""

    def __init__(self) -> None:
        self._agents: dict[str, str] = {}

    def of(self, agent: str) -> str:
        # Cut, because file systems limit the length of a file name.
        stem = re.sub("[^a-z0-9]", " ", agent.lower()).strip().replace(" ", "_")[:_LONGEST]
        found, number = stem, 1
        while found in self._agents:
            number += 1
            found = f"{stem}_{number}"
        if found != stem:
            same = f"-r autobahn: {agent} and {self._agents[stem]} have the same file name"
            message = f"{same}; the files of {agent} begin with {found}_case_"
            sys.stderr.write(f"{terminal(message)}\n")
        self._agents[found] = agent
        return found
