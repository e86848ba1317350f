"""The parts of a comparison: its options, its configuration, its table, its exit code."""

from __future__ import annotations

import signal
import tomllib
from pathlib import Path
from typing import ClassVar

import pytest

from wsconform.fixtures.targets.provider import ProvidedRecipe, provide
from wsconform.fixtures.targets.recipe import find
from wsconform.prepare.compare import (
    Comparison,
    Row,
    footer_counts,
    option_words,
    row_table,
    target_tables,
    worst_exit,
)
from wsconform.prepare.config import Settings
from wsconform.prepare.recipes import choose_recipes, load_recipes
from wsconform.problem import Exit, Problem
from wsconform.registry.requirement import Role


def row(name: str, role: Role = Role.SERVER, exit: Exit = Exit.HELD) -> Row:
    """Return the row of a target whose run ended with `exit`."""
    return Row(name=name, role=role, language="C", exit=exit)


# --- the choice of implementations


def test_all_that_echo_are_compared_unless_names_are_given() -> None:
    everything, _ = choose_recipes(provide(), [])
    assert {"ws", "ws-client"} <= {recipe.name for recipe in everything}
    assert not {"silent", "greeter"} & {recipe.name for recipe in everything}


def test_named_implementations_are_compared_once_each() -> None:
    some, browsers = choose_recipes(provide(), ["chromium", "silent", "silent"])
    assert ([recipe.name for recipe in some], browsers) == (["silent"], ["chromium"])


def test_an_unknown_name_is_rejected_with_a_suggestion() -> None:
    with pytest.raises(Problem, match=r'^ws-clint: there is no recipe of this name; did you mean "ws-client"\?$'):
        choose_recipes(provide(), ["ws-clint"])
    with pytest.raises(Problem, match=r"^netscape: there is no recipe of this name; see `wsconform compare --list`$"):
        choose_recipes(provide(), ["netscape"])


def test_recipes_are_found_by_their_entry_point() -> None:
    assert [recipe.name for recipe in load_recipes()] == [recipe.name for recipe in provide()]


# --- the run of a single target


def test_settings_become_options_of_a_run() -> None:
    settings = Settings(
        case=("closing.*",),
        exclude=("closing.tcp.*", "-x"),
        section=("5.5",),
        level=("must",),
        profile="quick",
        jobs=2,
        patience=0.25,
        budget=90.0,
        retries=1,
        max_failures=3,
        shard=(2, 4),
        seed=7,
        fail_on="should",
        expected=Path("/known.toml"),
        allow=("flaky",),
        whole=True,
    )
    shared = [
        "--case=closing.*",
        "--exclude=closing.tcp.*",
        "--exclude=-x",
        "--section=5.5",
        "--level=must",
        "--allow=flaky",
        "--profile=quick",
        "--seed=7",
        "--fail-on=should",
        "--patience=0.25s",
        "--jobs=2",
        "--budget=90s",
        "--shard=2/4",
        "--expected=/known.toml",
        "--whole",
    ]
    assert option_words(settings, Role.SERVER) == [*shared, "--retries=1", "--max-failures=3"]
    assert option_words(settings, Role.CLIENT) == shared, "a client repeats its loop itself"


def test_a_debugger_waits_without_limit() -> None:
    assert "--debugger" in option_words(Settings(debugger=True), Role.SERVER)
    assert not [word for word in option_words(Settings(debugger=True), Role.SERVER) if word.startswith("--patience")]


def test_any_version_text_is_valid_in_the_configuration() -> None:
    hostile = 'ws "8"\\ \x7f\U0001f600\n[targets.x]'
    targets = tomllib.loads(target_tables([(ProvidedRecipe(find("ws")), hostile, 9101)]))["targets"]
    assert list(targets) == ["ws"]
    assert targets["ws"]["info"]["version"] == hostile
    assert targets["ws"]["url"] == "ws://127.0.0.1:9101/"


def test_a_journal_without_a_footer_has_no_counts(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    assert footer_counts(path) == {}
    path.write_text('{"record": "header"}\n{"record": "res')
    assert footer_counts(path) == {}


# --- the folder


def test_a_configuration_of_the_users_own_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "wsconform.toml"
    path.write_text("seed = 1\n")
    with pytest.raises(Problem, match=r"holds a wsconform.toml of your own; name another folder$"):
        Comparison(tmp_path, Settings())
    assert path.read_text() == "seed = 1\n"


def test_a_folder_of_an_earlier_comparison_is_used_again(tmp_path: Path) -> None:
    Comparison(tmp_path / "out", Settings())
    Comparison(tmp_path / "out", Settings())


def test_without_a_tested_target_there_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"^no target was tested, so there is nothing to compare") as caught:
        Comparison(tmp_path / "out", Settings()).report([])
    assert caught.value.exit is Exit.UNTESTABLE


class InterruptedProcess:
    """A process whose user presses Ctrl-C while it runs; it ends when it gets SIGINT."""

    signals: ClassVar[list[int]] = []

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def wait(self) -> int:
        if not self.signals:
            raise KeyboardInterrupt
        return Exit.INTERRUPTED

    def send_signal(self, number: int) -> None:
        self.signals.append(number)


def test_an_interrupt_is_passed_on_once_and_ends_the_comparison(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subprocess.Popen", InterruptedProcess)
    rows = list(Comparison(tmp_path / "out", Settings()).run([], ["chromium", "firefox"]))
    assert [(row.name, row.exit, row.problem) for row in rows] == [("chromium", Exit.INTERRUPTED, "interrupted")]
    assert InterruptedProcess.signals == [signal.SIGINT]


# --- the result


def test_the_table_has_servers_first_and_shows_problems_in_words() -> None:
    rows = [
        Row(
            name="c",
            role=Role.CLIENT,
            language="Go",
            version="go 1.19",
            seconds=2.4,
            counts={"passed": 10, "violation": 1},
        ),
        Row(name="s", role=Role.SERVER, language="C", problem="needs libx"),
    ]
    head, server, client = row_table(rows)
    assert head.split()[:6] == ["NAME", "ROLE", "LANGUAGE", "PASSED", "VIOLATION", "DEPARTURE"]
    assert server.split()[:4] == ["s", "server", "C", "-"]
    assert server.endswith("needs libx")
    assert client.split()[3:6] == ["10", "1", "0"]
    assert client.endswith("go 1.19")


@pytest.mark.parametrize(
    ("exits", "code"),
    [
        ([Exit.HELD, Exit.HELD], Exit.HELD),
        ([Exit.HELD, Exit.BROKEN], Exit.BROKEN),
        ([Exit.BROKEN, Exit.UNTESTABLE], Exit.UNTESTABLE),
        ([Exit.HELD, Exit.USAGE], Exit.UNTESTABLE),
        ([Exit.UNTESTABLE, Exit.SUITE], Exit.SUITE),
        ([Exit.HELD, Exit.NOTHING], Exit.HELD),
        ([Exit.NOTHING], Exit.NOTHING),
        ([Exit.SUITE, Exit.INTERRUPTED], Exit.INTERRUPTED),
    ],
)
def test_the_gravest_run_decides_the_exit_code(exits: list[Exit], code: Exit) -> None:
    assert worst_exit([row(str(number), exit=exit) for number, exit in enumerate(exits)]) is code
