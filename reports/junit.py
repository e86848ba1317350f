"""JUnit XML: a test suite for each target, a class for each area, and a failure for each result that fails the gate.

The gate is that of the run (`--fail-on`, `--allow`), which the journal's header records. After `--fail-on never` the
default gate applies. Stale entries of expected.toml form a test suite of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from wsconform.escape import shown, xml
from wsconform.evidence.result import Direction, Mark, Reason, Result
from wsconform.journal.journal import Header, Journal
from wsconform.journal.tally import by_area

from .columns import Column, Gathered, gather
from .rerun import rerun_command

# The text of a failure shows the last lines of the transcript, because cases are decided there.
_LINES = 40
_ARROWS = {Direction.OURS: "-->", Direction.TARGET: "<--", Direction.EVENT: "   "}


def render(journals: Sequence[Journal], folder: Path, path: Path | None) -> Path:
    """Write JUnit XML to `path`, or to junit.xml in `folder`, and return its path. Raises OSError."""
    place = path or folder / "junit.xml"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(dumps(gather(journals)), encoding="utf-8", newline="\n")
    return place


def dumps(gathered: Gathered) -> str:
    """Return the document as text."""
    lines = ['<?xml version="1.0" encoding="utf-8"?>', '<testsuites name="wsconform">']
    for column in gathered.columns:
        lines += _suite(gathered, column)
    lines += _stale(gathered)
    return "\n".join([*lines, "</testsuites>", ""])


def _suite(gathered: Gathered, column: Column) -> Iterator[str]:
    outcomes = [_outcome(result, column.header) for result in column.results]
    yield _tag(
        "testsuite",
        name=column.name,
        tests=str(len(outcomes)),
        failures=str(outcomes.count("failure")),
        errors=str(outcomes.count("error")),
        skipped=str(outcomes.count("skipped")),
        time=_seconds(sum(result.micros for result in column.results)),
        **({"timestamp": column.header.start.removesuffix("Z")} if column.header.start else {}),
    )
    yield from _properties(
        role=column.target.role.value,
        address=column.target.address,
        catalogue=column.header.catalogue,
        profile=column.header.profile,
        **({"incomplete": column.cut_off} if column.cut_off else {}),
    )
    for area, results in sorted(by_area(column.results).items()):
        for result in results:
            yield from _case(gathered, column, area, result)
    yield "</testsuite>"


def _stale(gathered: Gathered) -> Iterator[str]:
    """The suite of the stale entries of expected.toml that the journals record."""
    lines: dict[str, bool] = {}
    for column in gathered.columns:
        allowed = "stale" in column.header.allow or column.header.fail_on == "never"
        for line in column.footer.stale if column.footer else ():
            lines[line] = lines.get(line, True) and allowed
    if not lines:
        return
    skipped = sum(lines.values())
    yield _tag(
        "testsuite",
        name="expected.toml",
        tests=str(len(lines)),
        failures=str(len(lines) - skipped),
        errors="0",
        skipped=str(skipped),
        time=_seconds(0),
    )
    for line, allowed in lines.items():
        yield _tag("testcase", classname="expected.toml", name=line, time=_seconds(0))
        outcome = _tag("skipped", message=line) if allowed else _tag("failure", message=line, type="stale")
        yield f"{outcome}{xml(line)}</{'skipped' if allowed else 'failure'}>"
        yield "</testcase>"
    yield "</testsuite>"


def _case(gathered: Gathered, column: Column, area: str, result: Result) -> Iterator[str]:
    yield _tag("testcase", classname=area, name=result.case, time=_seconds(result.micros))
    yield from _properties(
        level=result.level.words,
        requirement=result.requirement,
        verdict=result.verdict.name.lower(),
        **({"reason": result.reason.value} if result.reason else {}),
        **({"flaky": "true"} if result.flaky else {}),
    )
    details = "\n".join(_details(gathered, column, result))
    match _outcome(result, column.header):
        case "skipped":
            yield f"{_tag('skipped', message=_skip_reason(result))}{xml(details)}</skipped>"
        case "passed":
            if result.mark is not Mark.PASSED:
                yield f"<system-out>{xml(details)}</system-out>"
        case outcome:
            kind = "flaky" if _is_flaky_failure(result, column.header) else result.mark.words.replace(" ", "-")
            yield f"{_tag(outcome, message=_message(result), type=kind)}{xml(details)}</{outcome}>"
    yield "</testcase>"


def _outcome(result: Result, header: Header) -> str:
    """Return JUnit's word for the result: passed, failure, error or skipped."""
    if result.mark is Mark.ERROR:
        return "error"
    if _is_flaky_failure(result, header):
        return "failure"
    breaks = {
        Mark.VIOLATION: True,
        Mark.DEPARTURE: header.fail_on == "should",
        Mark.INCONCLUSIVE: "inconclusive" not in header.allow,
    }
    if result.mark is Mark.SKIPPED or result.reason is Reason.LIMIT:
        return "skipped"
    if result.expected is not None and result.mark in breaks:
        return "skipped"
    if breaks.get(result.mark, False):
        return "failure"
    return "skipped" if result.mark is Mark.INCONCLUSIVE else "passed"


def _is_flaky_failure(result: Result, header: Header) -> bool:
    """Whether the attempts disagree, and neither expected.toml nor `--allow flaky` permits it."""
    return result.flaky and not result.flaky_expected and "flaky" not in header.allow


def _skip_reason(result: Result) -> str:
    if result.expected is not None and result.mark is not Mark.SKIPPED:
        return f"expected {result.mark.words}: {result.expected or 'no reason given'}"
    return f"{result.mark.words}: {result.reason.value if result.reason else 'no reason given'}"


def _message(result: Result) -> str:
    if result.flaky and result.mark is Mark.PASSED:
        return f"flaky: {_attempts(result)}"
    if result.finding is None:
        return f"{result.mark.words}: {result.reason.value if result.reason else result.title or result.case}"
    return f"{result.mark.words}: expected {result.finding.expected}; observed {result.finding.observed}"


def _attempts(result: Result) -> str:
    return ", then ".join(each.name.lower() for each in (*(one.verdict for one in result.attempts), result.verdict))


def _details(gathered: Gathered, column: Column, result: Result) -> Iterator[str]:
    """Yield the lines that a reader of the build log needs; at least one."""
    yield f"{result.mark.words}: {shown(result.title) or result.case}"
    yield f"requirement  {gathered.citation(result.requirement, result.level)}"
    if requirement := gathered.requirement(result.requirement):
        yield f"             {requirement.text}"
    if result.finding:
        yield f"expected     {shown(result.finding.expected)}"
        yield f"observed     {shown(result.finding.observed)}"
    if result.reason:
        yield f"reason       {result.reason.value}"
    if result.flaky:
        yield f"attempts     {_attempts(result)}"
    for key, text in result.notes:
        yield f"note         {shown(key)}: {shown(text)}"
    left_out = len(result.transcript) - _LINES
    if left_out > 0:
        yield f"             {left_out} earlier entries are in the journal"
    for entry in result.transcript[-_LINES:]:
        yield f"{entry.micros / 1000:10.1f} ms {_ARROWS[entry.direction]} {shown(entry.summary)}"
    if result.hint:
        yield f"hint         {shown(result.hint)}"
    yield f"rerun        {rerun_command(column, result.case)}"


def _properties(**values: str) -> Iterator[str]:
    yield "<properties>"
    for name, value in values.items():
        yield f'<property name="{name}" value="{xml(value)}"/>'
    yield "</properties>"


def _tag(tag: str, **attributes: str) -> str:
    return f"<{tag}" + "".join(f' {name}="{xml(value)}"' for name, value in attributes.items()) + ">"


def _seconds(micros: int) -> str:
    return f"{micros / 1e6:.6f}"
