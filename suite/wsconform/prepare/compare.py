"""A comparison: many real implementations are tested one after another, and one report shows all of them.

Each implementation is tested by a process of its own, a server with `wsconform run`, a client or browser with
`wsconform serve`, so that one which breaks its run does not end the comparison. The files of a run are in a folder with
the target's name, beside a `wsconform.toml` that declares all targets: a single run can be repeated there by hand,
and the journals of several machines can be copied into one folder.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..journal.journal import Journal
from ..journal.renderers import Wanted, make, writable_folder
from ..problem import Exit, Problem, gravest
from ..registry.requirement import Role
from .config import FILE, Settings
from .journals import journal_at
from .recipes import Recipe
from .toml import toml_key, toml_value

__all__ = ["Comparison", "Row", "footer_counts", "option_words", "row_table", "target_tables", "worst_exit"]

JOURNAL = "journal.jsonl"
LOG = "output.txt"
_HEAD = "# Written by `wsconform compare`, which replaces this file when it runs again.\n\n"
_MARKS = ("passed", "violation", "departure", "informational", "inconclusive", "skipped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The outcome of one target: results counted by mark (in the journal's words), or the problem that ended its run.

    `exit` is the exit code of its run; `seconds` is how long it took.
    """

    name: str
    role: Role
    language: str
    version: str = ""
    seconds: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""
    exit: Exit = Exit.HELD


class Comparison:
    """One comparison, whose files go to `folder`; `settings` apply to the run of every target."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        """Create `folder` unless it exists; raises Problem if it cannot be written, or is not a comparison's folder."""
        self.folder, self.settings = writable_folder(folder, "-o"), settings
        self.unreadable: list[str] = []
        path = self.folder / FILE
        try:
            if path.exists() and not path.read_text(encoding="utf-8", errors="replace").startswith(_HEAD):
                raise Problem(f"-o {folder}: holds a {FILE} of your own; name another folder")
            path.write_text(_HEAD, encoding="utf-8")
        except OSError as problem:
            raise Problem(f"{path}: cannot be written: {problem.strerror}; name another folder with -o") from None

    def run(self, recipes: Sequence[Recipe], browsers: Sequence[str]) -> Iterator[Row]:
        """Install all `recipes`, then test each of them and each of `browsers`; yield a row for each when it is done.

        An implementation that cannot be installed gets a row with the problem. The last row has exit code INTERRUPTED
        if the user interrupts a run.
        """
        versions = dict[str, str]()
        for recipe in recipes:
            try:
                versions[recipe.name] = recipe.install()
            except Problem as problem:
                yield Row(
                    name=recipe.name,
                    role=recipe.role,
                    language=recipe.language,
                    problem=problem.text.removeprefix(f"{recipe.name}: "),
                    exit=Exit.UNTESTABLE,
                )
        installed = [recipe for recipe in recipes if recipe.name in versions]
        ports = {recipe.name: _free_port() for recipe in installed}
        for recipe in installed:
            # The port was free when it was chosen; by now another program may listen on it.
            ports[recipe.name] = _free_port()
            tables = target_tables((each, versions[each.name], ports[each.name]) for each in installed)
            (self.folder / FILE).write_text(_HEAD + tables, encoding="utf-8")
            row = self._test(recipe.name, recipe.role, recipe.language, version=versions[recipe.name])
            yield row
            if row.exit is Exit.INTERRUPTED:
                return
        for name in browsers:
            row = self._test(name, Role.CLIENT, "C++", browser=True)
            yield row
            if row.exit is Exit.INTERRUPTED:
                return

    def _test(self, name: str, role: Role, language: str, *, version: str = "", browser: bool = False) -> Row:
        out = writable_folder(self.folder / name, "-o")
        (out / JOURNAL).unlink(missing_ok=True)
        words = ["serve", "--port=0", "--browser", name] if browser else _words(name, role)
        command = [sys.executable, "-m", "wsconform", *words, "-o", name, *option_words(self.settings, role)]
        began = time.monotonic()
        exit = self._wait_for(command, out / LOG)
        problem = {
            Exit.HELD: "",
            Exit.BROKEN: "",
            Exit.NOTHING: "no case ran",
            Exit.INTERRUPTED: "interrupted",
        }.get(exit, f"not tested (exit code {exit.value}); see {out / LOG}")
        return Row(
            name=name,
            role=role,
            language=language,
            version=version,
            seconds=time.monotonic() - began,
            counts=footer_counts(out / JOURNAL),
            problem=problem,
            exit=exit,
        )

    def _wait_for(self, command: Sequence[str], log: Path) -> Exit:
        """Run `command` to its end and return its exit code; pass an interrupt on, so that it ends its journal."""
        with log.open("wb") as output:
            # In a process group of its own it gets SIGINT from here, and not a second one from the terminal.
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
            try:
                status = process.wait()
            except KeyboardInterrupt:
                process.send_signal(signal.SIGINT)
                process.wait()
                return Exit.INTERRUPTED
        try:
            return Exit(status)
        except ValueError:
            return Exit.SUITE

    def report(self, documents: Sequence[Wanted]) -> list[Path]:
        """Write `documents` about every journal in the folder, those of earlier comparisons too; return their paths.

        A journal that cannot be read is left out, and `unreadable` gets a line about it. Raises Problem if there is no
        journal, or a document cannot be written.
        """
        journals = list[Journal]()
        for path in sorted(self.folder.glob(f"*/{JOURNAL}")):
            try:
                journals.append(journal_at(path))
            except Problem as problem:
                self.unreadable.append(problem.text)
        if not any(journal.targets for journal in journals):
            raise Problem(f"no target was tested, so there is nothing to compare; see {self.folder}", Exit.UNTESTABLE)
        return make(documents, journals, self.folder)


def _free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


def _words(name: str, role: Role) -> list[str]:
    return ["run", name] if role is Role.SERVER else ["serve", "--port=0", "--driver", "--target", name]


def option_words(settings: Settings, role: Role) -> list[str]:
    """Return `settings` as options of `wsconform run` (for servers) or `wsconform serve` (for clients).

    A client repeats its own loop over the cases, so it gets neither `--retries` nor `--max-failures`.
    """
    words = list[str]()
    for flag, values in (
        ("--case", settings.case),
        ("--exclude", settings.exclude),
        ("--section", settings.section),
        ("--level", settings.level),
        ("--allow", settings.allow),
    ):
        words += [f"{flag}={value}" for value in values]
    words += [f"--profile={settings.profile}", f"--seed={settings.seed}", f"--fail-on={settings.fail_on}"]
    words.append("--debugger" if settings.debugger else f"--patience={_duration(settings.patience)}")
    if settings.jobs is not None:
        words.append(f"--jobs={settings.jobs}")
    if settings.budget is not None:
        words.append(f"--budget={_duration(settings.budget)}")
    if settings.shard is not None:
        words.append(f"--shard={settings.shard[0]}/{settings.shard[1]}")
    if settings.expected is not None:
        words.append(f"--expected={settings.expected.absolute()}")
    if settings.whole:
        words.append("--whole")
    if role is Role.SERVER:
        words.append(f"--retries={settings.retries}")
        if settings.max_failures is not None:
            words.append(f"--max-failures={settings.max_failures}")
    return words


def _duration(seconds: float) -> str:
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


def target_tables(entries: Iterable[tuple[Recipe, str, int]]) -> str:
    """Return the text of a `wsconform.toml` with a table for each recipe, its installed versions and its port."""
    return "\n".join(_table(*entry) for entry in entries)


def _table(recipe: Recipe, version: str, port: int) -> str:
    info = {"language": recipe.language, "version": version, "engine": recipe.engine}
    lines = [f"[targets.{toml_key(recipe.name)}]", f'role = "{recipe.role.value}"']
    if recipe.role is Role.SERVER:
        lines += [f'url = "ws://127.0.0.1:{port}/"', f'ready-within = "{_duration(recipe.ready_within)}"']
    lines += [
        f"start = {toml_value(list(recipe.start_command(port)))}",
        f'app = "{"echo" if recipe.echo else "none"}"',
        f"info = {{ {', '.join(f'{key} = {toml_value(value)}' for key, value in info.items())} }}",
    ]
    return "\n".join(lines) + "\n"


def footer_counts(journal: Path) -> dict[str, int]:
    """Return the results of the only target of a journal, counted by mark in its footer; {} without a footer."""
    try:
        *_, last = journal.read_text(encoding="utf-8").splitlines()
        counts = json.loads(last)["counts"]
    except (OSError, ValueError, KeyError):
        return {}
    found: dict[str, int] = next(iter(counts.values()), {})
    return found


def row_table(rows: Iterable[Row]) -> list[str]:
    """Return `rows` as lines of text in columns, servers before clients."""
    lines = [("NAME", "ROLE", "LANGUAGE", *(mark.upper() for mark in _MARKS), "SECONDS", "VERSION")]
    for row in sorted(rows, key=lambda row: row.role is not Role.SERVER):
        numbers = [str(row.counts.get(mark, 0)) for mark in _MARKS] if row.counts else ["-"] * len(_MARKS)
        tail = row.problem or row.version
        lines.append((row.name, row.role.value, row.language, *numbers, f"{row.seconds:.0f}", tail))
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]


def worst_exit(rows: Sequence[Row]) -> Exit:
    """Return the exit code of a comparison: the gravest of its runs; NOTHING only if no case ran against any target."""
    codes = [row.exit for row in rows if row.exit is not Exit.NOTHING]
    # A run that its options do not suit, such as that of a browser that is not installed, leaves its target untested.
    return gravest(Exit.UNTESTABLE if code is Exit.USAGE else code for code in codes) if codes else Exit.NOTHING
