"""Markdown for a job summary: a table of targets, then the results that fail the gate, cut to the allowed size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from wsconform.escape import markdown, markdown_code
from wsconform.evidence.result import Mark
from wsconform.journal.journal import Journal
from wsconform.journal.tally import Group, group_findings, headline, passed_of_run

from .columns import Column, Gathered, gather
from .rerun import rerun_command

#: The longest summary, in octets of UTF-8. CI services reject a summary of 1 MiB.
MOST = 900 * 1024

_LISTED = (Mark.VIOLATION, Mark.ERROR, Mark.INCONCLUSIVE)
_COLUMNS = (Mark.VIOLATION, Mark.DEPARTURE, Mark.INFORMATIONAL, Mark.INCONCLUSIVE, Mark.SKIPPED, Mark.ERROR)


def render(journals: Sequence[Journal], folder: Path, path: Path | None) -> Path:
    """Write Markdown to `path`, or to summary.md in `folder`, and return its path. Raises OSError."""
    place = path or folder / "summary.md"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(dumps(gather(journals)), encoding="utf-8", newline="\n")
    return place


def dumps(gathered: Gathered, *, most: int = MOST) -> str:
    """Return the summary, cut to `most` octets; after a cut its last line counts the missing blocks."""
    blocks = list(_blocks(gathered))
    sizes = [len(block.encode()) + 1 for block in blocks]
    if sum(sizes) <= most:
        return "\n".join([*blocks, ""])
    room = most - len(_cut(len(blocks)).encode()) - 2
    kept: list[str] = []
    for block, size in zip(blocks, sizes, strict=True):
        room -= size
        if room < 0:
            break
        kept.append(block)
    return "\n".join([*kept, _cut(len(blocks) - len(kept)), ""])


def _cut(blocks: int) -> str:
    return f"\n**Cut to the size limit of a job summary: {blocks} blocks are left out; the journal has all of them.**"


def _blocks(gathered: Gathered) -> Iterator[str]:
    """Yield the parts of the summary. Each is complete by itself, so that any number can be cut from the end."""
    yield "## WebSocket conformance\n"
    if not gathered.columns:
        yield "No target was tested."
        return
    head = [
        "target",
        "MUST (passed / run)",
        "SHOULD (passed / run)",
        *(f"{mark.symbol} {mark.words}" for mark in _COLUMNS),
    ]
    yield _row(head) + "\n" + _row(["---", *("---:" for _ in head[1:])])
    for column in gathered.columns:
        yield _row(
            [
                markdown(column.name),
                _passed_of_run(column, "must"),
                _passed_of_run(column, "should"),
                *(str(column.counts[mark] or "") for mark in _COLUMNS),
            ]
        )
    for column in gathered.columns:
        yield from _target(gathered, column)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _passed_of_run(column: Column, weight: str) -> str:
    passed, run = passed_of_run(column.results, weight)
    return f"{passed} / {run}" if run else ""


def _target(gathered: Gathered, column: Column) -> Iterator[str]:
    listed = [result for result in column.results if result.mark in _LISTED]
    if not listed and not column.cut_off:
        return
    yield f"\n### {markdown(column.name)}\n\n{headline(column.results)}"
    if column.cut_off:
        yield f"\n**{markdown(column.cut_off[0].upper() + column.cut_off[1:])}.**"
    groups = group_findings(listed)
    for group in sorted(groups, key=lambda group: _LISTED.index(group.first.mark)):
        yield _finding(gathered, column, group)


def _finding(gathered: Gathered, column: Column, group: Group) -> str:
    result = group.first
    requirement = gathered.requirement(result.requirement)
    cited = markdown(gathered.citation(result.requirement, result.level))
    lines = [
        f"\n**{result.mark.symbol}** {markdown_code(result.case)}{_others(group)}"
        f" · {f'[{cited}]({requirement.url})' if requirement else cited}{_aside(group)}",
        f"- {markdown(result.title)}" if result.title.strip() else "",
    ]
    if result.finding:
        lines += [
            f"- expected: {markdown(result.finding.expected)}",
            f"- observed: {markdown(result.finding.observed)}",
        ]
    if result.hint:
        lines.append(f"- hint: {markdown(result.hint)}")
    lines.append(f"- rerun: {markdown_code(rerun_command(column, result.case))}")
    return "\n".join([lines[0], "", *(line for line in lines[1:] if line)])


def _others(group: Group) -> str:
    if not group.others:
        return ""
    shown = ", ".join(markdown_code(other) for other in group.others[:8])
    return f" (and {shown}{f' and {len(group.others) - 8} more' if len(group.others) > 8 else ''})"


def _aside(group: Group) -> str:
    result = group.first
    words = [result.reason.value] if result.reason else []
    if result.expected is not None:
        words.append(f"expected: {result.expected or 'no reason given'}")
    if any(each.flaky for each in group.results):
        words.append("flaky")
    return "".join(f" · {markdown(word)}" for word in words)
