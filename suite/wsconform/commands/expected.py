"""wsconform expected: the list of known failures checked, completed and cleaned, by what the last run found."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..prepare import values
from .options import Value, display_options

if TYPE_CHECKING:
    from ..catalogue.case import Item
    from ..journal.expected import Expectation, Expectations
    from ..journal.expected_edit import Addition
    from ..journal.journal import Journal
    from ..prepare.config import Configuration, Settings
    from ..registry.registry import Registry
    from ..registry.requirement import Role

F = TypeVar("F", bound=Callable[..., Any])

_JOURNALS = click.argument("journals", nargs=-1, metavar="[JOURNAL]...", type=Value(values.PATH, "FILE"))
_FILE = click.option("--expected", type=Value(values.PATH, "FILE"), help="The list. Default: expected.toml.")
_DRY = click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")


@click.group("expected", short_help="check and mend the list of known failures")
def command() -> None:
    """Check and mend expected.toml, by JOURNALs or else the last run's (wsconform-out/journal.jsonl)."""


@command.command("check", short_help="tell which entries hold no more")
@_JOURNALS
@_FILE
@display_options
def check(journals: Sequence[Path], **flags: object) -> int:
    """Tell which entries match no case, have no reason, are past their date, or pass now; end in 1 if one does.

    A failure that has no entry yet is told by `wsconform run`, and added by `wsconform expected update`.
    """
    from ..problem import Exit
    from .output import output

    desk = Desk.of(flags)
    out, style = output(desk.settings)
    used, read = desk.journals(journals)
    if desk.is_missing:
        out.line(f"There is no {desk.path.name}, so every failure counts.")
        return Exit.HELD
    known = desk.expectations(read)
    lines = desk.stale(known, read)
    for line in (*_from(used), *lines):
        out.line(style.text(line))
    count = len(known.entries)
    told = f"{known.name}: {count} entr{'y' if count == 1 else 'ies'}, {len(lines) or 'none'} to mend."
    out.line(style.paint(style.text(told), "red" if lines else "green"))
    return Exit.BROKEN if lines else Exit.HELD


@command.command("update", short_help="add what is missing, without a reason")
@_JOURNALS
@_FILE
@click.option("--fail-on", type=click.Choice(["must", "should"]), help="What needs an entry. Default: must.")
@_DRY
@display_options
def update(journals: Sequence[Path], dry_run: bool, **flags: object) -> int:
    """Add an entry for each failure that breaks the gate, with the reason TODO, which `check` and `run` refuse.

    Comments and entries that are there stay as they are.
    """
    from ..journal import expected_edit as mending
    from ..journal import gate
    from ..problem import Exit
    from .output import output

    desk = Desk.of(flags)
    out, style = output(desk.settings)
    used, read = desk.journals(journals, needed=True)
    known = desk.expectations(read, new=True)
    policy = gate.Policy(gate.FailOn.SHOULD if desk.settings.fail_on == "should" else gate.FailOn.MUST)
    additions = [
        addition
        for name, results in _by_target(read).items()
        for addition in mending.needed(name, results, known, policy)
    ]
    for line in _from(used):
        out.line(style.text(line))
    for addition in additions:
        out.line(style.text(f'  {addition.target}: "{addition.pattern}"{_wavering(addition)}'))
    if not additions:
        out.line(style.text(f"{desk.path.name}: nothing to add."))
        return Exit.HELD
    if not dry_run:
        desk.write(mending.with_added(desk.text(), additions))
    count = f"{len(additions)} entr{'y' if len(additions) == 1 else 'ies'}"
    told = "to add" if dry_run else "added; say in each why it is expected: TODO is no reason"
    out.line(style.text(f"{desk.path.name}: {count} {told}."))
    return Exit.HELD


@command.command("prune", short_help="take out what matches nothing or passes")
@_JOURNALS
@_FILE
@_DRY
@display_options
def prune(journals: Sequence[Path], dry_run: bool, **flags: object) -> int:
    """Take out the entries that match no case, and those whose cases all pass.

    An entry past its date stays: only somebody who knows the target can say what follows from it.
    """
    from ..journal import expected_edit as mending
    from ..problem import Exit
    from .output import output

    desk = Desk.of(flags)
    out, style = output(desk.settings)
    used, read = desk.journals(journals)
    if desk.is_missing:
        out.line(f"There is no {desk.path.name}, so there is nothing to take out.")
        return Exit.HELD
    gone = desk.gone(desk.expectations(read), read)
    for line in _from(used):
        out.line(style.text(line))
    for entry, why in gone:
        out.line(style.text(f'  {entry.target}: "{entry.pattern}": {why}'))
    if gone and not dry_run:
        desk.write(mending.with_removed(desk.text(), [(entry.target, entry.pattern) for entry, _ in gone]))
    count = f"{len(gone)} entr{'y' if len(gone) == 1 else 'ies'}" if gone else "nothing"
    out.line(style.text(f"{desk.path.name}: {count} {'to take out' if dry_run or not gone else 'taken out'}."))
    return Exit.HELD


def _from(used: Sequence[Path]) -> list[str]:
    return [f"by {', '.join(map(str, used))}"] if used else ["without a journal: whether entries pass is not looked at"]


def _wavering(addition: Addition) -> str:
    words = ", then ".join(verdict.name.lower() for verdict in addition.verdicts)
    return f" ({words})" if words else ""


def _by_target(journals: Sequence[Journal]) -> dict[str, list[Any]]:
    """Results by target; of two for one case the later journal's counts."""
    found: dict[str, dict[str, Any]] = {}
    for journal in journals:
        for each in journal.targets:
            found.setdefault(each.target.name, {}).update({result.case: result for result in each.results})
    return {name: list(results.values()) for name, results in found.items()}


@dataclass(frozen=True)
class Desk:
    """What the three commands have before them: the list (`named` if a flag says where it is) and what it is about."""

    settings: Settings
    configuration: Configuration
    path: Path
    named: bool
    catalogue: tuple[Item, ...]
    registry: Registry

    @classmethod
    def of(cls, flags: dict[str, object]) -> Desk:
        """Return the desk for these `flags`; raises Problem."""
        from ..prepare import config
        from ..prepare.catalogue import catalogue, registry
        from ..prepare.run import expected_path

        configuration = config.load()
        settings = config.settle(flags, os.environ, configuration)
        found = expected_path(settings, configuration)
        beside = configuration.path.parent if configuration.path else Path()
        path = found or beside / "expected.toml"
        return cls(settings, configuration, path, settings.expected is not None, catalogue(), registry())

    @property
    def is_missing(self) -> bool:
        """Whether there is no list, and nobody said that there is one."""
        return not self.named and not self.path.exists()

    # --- what is read

    def journals(self, paths: Sequence[Path], *, needed: bool = False) -> tuple[list[Path], list[Journal]]:
        """Return the journals at `paths`, or the last run's where none is named; raises Problem if one is `needed`."""
        from ..prepare.journals import journal_at
        from ..problem import Problem

        last = self.settings.out / "journal.jsonl"
        used = list(paths) or ([last] if last.is_file() else [])
        if needed and not used:
            raise Problem(f"{last}: there is no journal to learn from; name one, or run the cases first")
        return used, [journal_at(path) for path in used]

    def expectations(self, journals: Sequence[Journal], *, new: bool = False) -> Expectations:
        """Return the list, and what became of its cases in `journals`; raises Problem. It may not be there if `new`."""
        from ..prepare.run import expectations

        known = expectations(None if new and not self.path.exists() else self.path, self.catalogue)
        for name, results in _by_target(journals).items():
            for result in results:
                known.mark(name, replace(result, expected=None, flaky_expected=False))
        return known

    def stale(self, known: Expectations, journals: Sequence[Journal]) -> list[str]:
        """Return what holds no more, a line each: of every target, whether it is in `journals` or not."""
        import datetime

        names = {*self.configuration.targets, *self._roles(journals)} if self.configuration.targets else ()
        today = datetime.date.today()
        return known.stale(self.catalogue, ran=None, known=names, today=today, whole=self._whole(journals))

    def gone(self, known: Expectations, journals: Sequence[Journal]) -> list[tuple[Expectation, str]]:
        """Return the entries that need not be there any more, and why."""
        whole = self._whole(journals)
        found: list[tuple[Expectation, str]] = []
        for entry in known.entries:
            if known.matches_nothing(entry, self.catalogue):
                found.append((entry, "matches no case"))
            elif known.passes(entry, whole):
                found.append((entry, "passes"))
        return found

    def _roles(self, journals: Sequence[Journal]) -> dict[str, Role]:
        return {each.target.name: each.target.role for journal in journals for each in journal.targets}

    def _whole(self, journals: Sequence[Journal]) -> dict[str, list[str]]:
        from ..prepare.run import whole

        profile = journals[0].header.profile if journals else self.settings.profile
        return whole(self.catalogue, self.registry, profile, self.configuration, ran=self._roles(journals))

    # --- what is written

    def text(self) -> str:
        """Return the list as it stands, "" if there is none yet."""
        return self.path.read_bytes().decode() if self.path.exists() else ""

    def write(self, text: str) -> None:
        """Put `text` in the list's place; raises Problem."""
        from ..problem import Problem

        try:
            self.path.write_bytes(text.encode())
        except OSError as problem:
            raise Problem(f"{self.path}: cannot be written: {problem.strerror}; name another file") from None
        except UnicodeEncodeError:
            told = "a target's name in the journal is no text; add its entries by hand"
            raise Problem(f"{self.path.name}: {told}") from None
