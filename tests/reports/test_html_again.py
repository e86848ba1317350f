"""The commands that reports show: they put a case again the way in which the journal's command reached the target."""

from __future__ import annotations

import importlib
from dataclasses import replace

import click
import pytest

from tests.support import journals
from wsconform.commands.options import target_options
from wsconform.registry.requirement import Role
from wsconform.reports.columns import Column, gather
from wsconform.reports.rerun import _REACHES, _SERVES, again, explain, export


def column(command: str, name: str = "echo-go", role: Role = Role.SERVER, profile: str = "standard") -> Column:
    made = journals.journal((journals.target(name, role=role), [journals.result(role=role)]))
    (found,) = gather([replace(made, header=journals.header(command=command, profile=profile))]).columns
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
def test_a_server_is_reached_as_it_was(command: str, words: str) -> None:
    assert again(column(command), "a.b[0x3]") == f"wsconform run echo-go{words} -c 'a.b[0x3]' -v"


@pytest.mark.parametrize(
    ("command", "again_"),
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
def test_a_client_is_served_as_it_was(command: str, again_: str) -> None:
    assert again(column(command, "browserless", Role.CLIENT), "a.b") == again_


def test_a_case_of_a_wider_profile_is_found_again() -> None:
    assert again(column("", profile="full"), "a.b") == "wsconform run echo-go --profile full -c a.b -v"


def test_what_cannot_be_pasted_is_quoted() -> None:
    assert again(column("", "a\x1b[m"), "it's") == "wsconform run $'a\\x1b[m' -c 'it'\"'\"'s' -v"


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
def test_the_journal_is_where_its_command_put_it(command: str, journal: str) -> None:
    made = column(command)
    assert export(made, "a.b[1]") == f"wsconform export {journal} 'a.b[1]' --target echo-go --as"
    assert explain(made, "a.b[1]") == f"wsconform explain 'a.b[1]' --in {journal} --target echo-go"


@pytest.mark.parametrize(("word", "flags"), [("run", _REACHES), ("serve", _SERVES)])
def test_what_is_kept_of_a_command_are_options_that_it_has(word: str, flags: dict[str, bool]) -> None:
    command = importlib.import_module(f"wsconform.commands.{word}").command
    known = {name: not each.is_flag for each in command.params if isinstance(each, click.Option) for name in each.opts}
    assert {name: known.get(name) for name in flags} == flags


def test_whatever_says_how_to_reach_a_server_is_kept() -> None:
    @target_options
    def asked() -> None:
        """Take the options."""

    names = {name for each in asked.__click_params__ for name in each.opts}  # type: ignore[attr-defined]
    assert names - {"--role"} == set(_REACHES)
