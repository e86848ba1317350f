"""wsconform expected: check, complete and prune the list of known failures with the results of recorded runs."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from ..catalogue.case import Item
from ..evidence.result import Result
from ..journal import expected_edit
from ..journal.expected import Expectation, Expectations
from ..journal.expected_edit import Addition
from ..journal.gate import FailOn, Policy
from ..journal.journal import Journal
from ..prepare import config, values
from ..prepare.catalogue import catalogue
from ..prepare.config import Configuration, Settings
from ..prepare.journals import journal_at
from ..prepare.registry import registry
from ..prepare.run import expectations, expected_path, full_selection
from ..problem import Exit, Problem
from ..registry.registry import Registry
from ..registry.requirement import Role
from .options import Value, display_options
from .output import output

_JOURNALS = click.argument("journals", nargs=-1, metavar="[JOURNAL]...", type=Value(values.PATH, "FILE"))
_FILE = click.option(
    "--expected", type=Value(values.PATH, "FILE"), help="The list of known failures. Default: expected.toml."
)
_DRY = click.option("--dry-run", is_flag=True, help="Print the changes without making them.")


@click.group("expected", short_help="check and update the list of known failures")
def command() -> None:
    """Check and update expected.toml with the results in JOURNALs (default: wsconform-out/journal.jsonl)."""


@command.command("check", short_help="print the entries that no longer hold")
@_JOURNALS
@_FILE
@display_options
def check(journals: Sequence[Path], **flags: object) -> int:
    """Print the entries that match no case, have no reason, are past their date, or pass now; exit with 1 if any.

    `wsconform run` reports failures without an entry; `wsconform expected update` adds entries for them.
    """
    expected = ExpectedList.of(flags)
    out, style = output(expected.settings)
    used, read = expected.journals(journals)
    if expected.is_missing:
        out.line(f"There is no {expected.path.name}, so every failure counts.")
        return Exit.HELD
    known = expected.expectations(read)
    lines = expected.stale(known, read)
    for line in (*_source(used), *lines):
        out.line(style.text(line))
    last = f"{known.name}: {_entries(len(known.entries))}, {len(lines) or 'none'} to correct."
    out.line(style.paint(style.text(last), "red" if lines else "green"))
    return Exit.BROKEN if lines else Exit.HELD


@command.command("update", short_help="add entries for new failures")
@_JOURNALS
@_FILE
@click.option(
    "--fail-on",
    type=click.Choice(["must", "should"]),
    help="Add entries for failures at this level or above. Default: must.",
)
@_DRY
@display_options
def update(journals: Sequence[Path], dry_run: bool, **flags: object) -> int:
    """Add an entry for each failure that breaks the gate, with the reason TODO, which `check` and `run` reject.

    Comments and existing entries stay as they are.
    """
    expected = ExpectedList.of(flags)
    out, style = output(expected.settings)
    used, read = expected.journals(journals, needed=True)
    known = expected.expectations(read, new=True)
    policy = Policy(FailOn.SHOULD if expected.settings.fail_on == "should" else FailOn.MUST)
    additions = [
        addition
        for name, results in _by_target(read).items()
        for addition in expected_edit.needed(name, results, known, policy)
    ]
    for line in _source(used):
        out.line(style.text(line))
    for addition in additions:
        out.line(style.text(f'  {addition.target}: "{addition.pattern}"{_verdicts(addition)}'))
    if not additions:
        out.line(style.text(f"{expected.path.name}: nothing to add."))
        return Exit.HELD
    if dry_run:
        out.line(style.text(f"{expected.path.name}: {_entries(len(additions))} to add."))
        return Exit.HELD
    expected.write(expected_edit.with_added(expected.text(), additions))
    out.line(
        style.text(
            f"{expected.path.name}: added {_entries(len(additions))}."
            ' Replace each "TODO" with the reason this failure is accepted.'
        )
    )
    return Exit.HELD


@command.command("prune", short_help="remove entries that match nothing or pass")
@_JOURNALS
@_FILE
@_DRY
@display_options
def prune(journals: Sequence[Path], dry_run: bool, **flags: object) -> int:
    """Remove the entries that match no case, and those whose cases all pass.

    An entry past its date stays, because only a person who knows the target can decide about it.
    """
    expected = ExpectedList.of(flags)
    out, style = output(expected.settings)
    used, read = expected.journals(journals)
    if expected.is_missing:
        out.line(f"There is no {expected.path.name}, so there is nothing to remove.")
        return Exit.HELD
    removable = expected.removable(expected.expectations(read), read)
    for line in _source(used):
        out.line(style.text(line))
    for entry, why in removable:
        out.line(style.text(f'  {entry.target}: "{entry.pattern}": {why}'))
    if removable and not dry_run:
        pairs = [(entry.target, entry.pattern) for entry, _ in removable]
        expected.write(expected_edit.with_removed(expected.text(), pairs))
    count = _entries(len(removable)) if removable else "nothing"
    verb = "to remove" if dry_run or not removable else "removed"
    out.line(style.text(f"{expected.path.name}: {count} {verb}."))
    return Exit.HELD


def _source(used: Sequence[Path]) -> list[str]:
    if used:
        return [f"results from {', '.join(map(str, used))}"]
    return ["no journal: whether entries pass is not checked"]


def _entries(count: int) -> str:
    return f"{count} {'entry' if count == 1 else 'entries'}"


def _verdicts(addition: Addition) -> str:
    words = ", then ".join(verdict.name.lower() for verdict in addition.verdicts)
    return f" ({words})" if words else ""


def _by_target(journals: Sequence[Journal]) -> dict[str, list[Result]]:
    """Return the results by target; if two journals have one case, the later journal counts."""
    found: dict[str, dict[str, Result]] = {}
    for journal in journals:
        for each in journal.targets:
            found.setdefault(each.target.name, {}).update({result.case: result for result in each.results})
    return {name: list(results.values()) for name, results in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedList:
    """The file of known failures at `path` and its surroundings; `named` is whether an option names the file."""

    settings: Settings
    configuration: Configuration
    path: Path
    named: bool
    catalogue: tuple[Item, ...]
    registry: Registry

    @classmethod
    def of(cls, flags: dict[str, object]) -> ExpectedList:
        """Return the list that the options `flags` and the configuration name; raises Problem."""
        configuration = config.load()
        settings = config.settle(flags, os.environ, configuration)
        beside = configuration.path.parent if configuration.path else Path()
        return cls(
            settings=settings,
            configuration=configuration,
            path=expected_path(settings, configuration) or beside / "expected.toml",
            named=settings.expected is not None,
            catalogue=catalogue(),
            registry=registry(),
        )

    @property
    def is_missing(self) -> bool:
        """Whether the file does not exist and no option names it."""
        return not self.named and not self.path.exists()

    # --- reading

    def journals(self, paths: Sequence[Path], *, needed: bool = False) -> tuple[list[Path], list[Journal]]:
        """Return the journals at `paths` (default: the last run's) and their paths.

        Raises Problem if a journal cannot be read, or if one is `needed` and does not exist.
        """
        last = self.settings.out / "journal.jsonl"
        used = list(paths) or ([last] if last.is_file() else [])
        if needed and not used:
            raise Problem(f"{last}: there is no journal to take failures from; name one, or run the cases first")
        return used, [journal_at(path) for path in used]

    def expectations(self, journals: Sequence[Journal], *, new: bool = False) -> Expectations:
        """Return the entries, marked with the results in `journals`; raises Problem.

        The file must exist unless it may be `new`.
        """
        known = expectations(None if new and not self.path.exists() else self.path, self.catalogue)
        for name, results in _by_target(journals).items():
            for result in results:
                known.mark(name, replace(result, expected=None, flaky_expected=False))
        return known

    def stale(self, known: Expectations, journals: Sequence[Journal]) -> list[str]:
        """Return a line for each entry that no longer holds, of all targets, tested or not."""
        names = {*self.configuration.targets, *self._roles(journals)} if self.configuration.targets else ()
        today = datetime.date.today()
        return known.stale(self.catalogue, ran=None, known=names, today=today, whole=self._full(journals))

    def removable(self, known: Expectations, journals: Sequence[Journal]) -> list[tuple[Expectation, str]]:
        """Return the entries that are no longer needed, each with the reason."""
        full = self._full(journals)
        found: list[tuple[Expectation, str]] = []
        for entry in known.entries:
            if known.matches_nothing(entry, self.catalogue):
                found.append((entry, "matches no case"))
            elif known.passes(entry, full):
                found.append((entry, "passes"))
        return found

    def _roles(self, journals: Sequence[Journal]) -> dict[str, Role]:
        return {each.target.name: each.target.role for journal in journals for each in journal.targets}

    def _full(self, journals: Sequence[Journal]) -> dict[str, list[str]]:
        profile = journals[0].header.profile if journals else self.settings.profile
        return full_selection(self.catalogue, self.registry, profile, self.configuration, ran=self._roles(journals))

    # --- writing

    def text(self) -> str:
        """Return the text of the file; "" if it does not exist."""
        return self.path.read_bytes().decode() if self.path.exists() else ""

    def write(self, text: str) -> None:
        """Replace the text of the file; raises Problem."""
        try:
            self.path.write_bytes(text.encode())
        except OSError as problem:
            raise Problem(f"{self.path}: cannot be written: {problem.strerror}; name another file") from None
        except UnicodeEncodeError:
            raise Problem(
                f"{self.path.name}: the name of a target in the journal is not valid Unicode; add its entries by hand"
            ) from None
