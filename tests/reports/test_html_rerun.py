"""The commands that reports show: they reach the target with the options of the journal's command."""

from __future__ import annotations

import importlib
from dataclasses import replace

import click
import pytest

from tests.support import journals
from wsconform.commands.options import target_options
from wsconform.registry.requirement import Role
from wsconform.reports.columns import Column, gather
from wsconform.reports.rerun import _RUN_OPTIONS, _SERVE_OPTIONS, explain_command, export_command, rerun_command


def column(command: str, name: str = "echo-go", role: Role = Role.SERVER, profile: str = "standard") -> Column:
    journal = journals.journal((journals.target(name, role=role), [journals.result(role=role)]))
    (found,) = gather([replace(journal, header=journals.header(command=command, profile=profile))]).columns
    return found


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("wsconform run echo-go -q -o out -r html -c 'a.*' -j 1", ""),
        ("wsconform run echo-go --cacert ca.pem --app=none -x b -q", " --cacert ca.pem --app=none"),
        ("wsconform run echo-go --insecure -H 'X-Key: ***' '-HY: 1'", " --insecure -H 'X-Key: ***' '-HY: 1'"),
        ("wsconform run echo-go --start 'node a.mjs' --ready-within 9s", " --start 'node a.mjs' --ready-within 9s"),
        ("wsconform merge a.jsonl b.jsonl --insecure", ""),
        ("pytest --pyargs wsconform.cases --ws-target echo-go", ""),
        ("wsconform run 'no end of a quotation", ""),
        ("", ""),
    ],
)
def test_a_server_is_reached_with_the_recorded_options(command: str, words: str) -> None:
    assert rerun_command(column(command), "a.b[0x3]") == f"wsconform run echo-go{words} -c 'a.b[0x3]' -v"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (
            "wsconform serve --port 9431 --tls -q -c 'a.*' -- node client.mjs '{url}' -v",
            "wsconform serve --port 9431 --tls -c a.b -v -- node client.mjs '{url}' -v",
        ),
        (
            "wsconform serve --target browserless --driver -o out",
            "wsconform serve --target browserless --driver -c a.b -v",
        ),
        ("wsconform serve", "wsconform serve -c a.b -v"),
        ("wsconform merge a.jsonl b.jsonl", "wsconform serve --target browserless -c a.b -v"),
        ("", "wsconform serve --target browserless -c a.b -v"),
    ],
)
def test_a_client_is_served_with_the_recorded_options(command: str, expected: str) -> None:
    assert rerun_command(column(command, "browserless", Role.CLIENT), "a.b") == expected


def test_the_profile_of_the_run_is_kept() -> None:
    assert rerun_command(column("", profile="full"), "a.b") == "wsconform run echo-go --profile full -c a.b -v"


def test_control_characters_are_quoted() -> None:
    assert rerun_command(column("", "a\x1b[m"), "it's") == "wsconform run $'a\\x1b[m' -c 'it'\"'\"'s' -v"


@pytest.mark.parametrize(
    ("command", "journal"),
    [
        ("wsconform run echo-go", "wsconform-out/journal.jsonl"),
        ("wsconform run echo-go -o out/", "out/journal.jsonl"),
        ("wsconform run echo-go --out=out", "out/journal.jsonl"),
        ("wsconform serve -oout -- node client.mjs -o other", "out/journal.jsonl"),
        ("wsconform merge a b", "merged.jsonl"),
        ("wsconform merge a b -o all.jsonl", "all.jsonl"),
        ("wsconform merge a b -o all", "all/journal.jsonl"),
        ("pytest -o log_cli=true", "wsconform-out/journal.jsonl"),
    ],
)
def test_the_path_of_the_journal_follows_from_the_command(command: str, journal: str) -> None:
    found = column(command)
    assert export_command(found, "a.b[1]") == f"wsconform export {journal} 'a.b[1]' --target echo-go --as"
    assert explain_command(found, "a.b[1]") == f"wsconform explain 'a.b[1]' --in {journal} --target echo-go"


@pytest.mark.parametrize(("word", "flags"), [("run", _RUN_OPTIONS), ("serve", _SERVE_OPTIONS)])
def test_the_kept_options_exist(word: str, flags: dict[str, bool]) -> None:
    command = importlib.import_module(f"wsconform.commands.{word}").command
    known = {name: not each.is_flag for each in command.params if isinstance(each, click.Option) for name in each.opts}
    assert {name: known.get(name) for name in flags} == flags


def test_all_options_that_reach_a_server_are_kept() -> None:
    @target_options
    def command() -> None:
        """Take the options."""

    names = {name for each in command.__click_params__ for name in each.opts}  # type: ignore[attr-defined]
    assert names - {"--role"} == set(_RUN_OPTIONS)
