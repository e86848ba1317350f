"""A comparison of many targets: each tested in turn with its own journal, one report of all, and what cannot be had."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from wsconform.fixtures.targets import RecipeError, Unavailable, find, recipes
from wsconform.fixtures.targets import __main__ as command
from wsconform.fixtures.targets.comparison import Comparison, Row, chosen, configuration, counted, table
from wsconform.journal import read

OPTIONS = ("-c", "masking.wrongly_masked_frame_fails_the_connection")
RECIPE = """
name = "{name}"
language = "Python"
role = "{role}"
engine = "reference"
program = "recipe.toml"
version = ["{{python}}", "-c", "print('reference 1.0')"]
argv = {argv}
"""
MODULE = ("{python}", "-m", "wsconform.fixtures.reference")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Recipes of the user's own: our reference as a server and as a client, and one that cannot be started."""
    monkeypatch.setenv("WSCONFORM_TARGETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("WSCONFORM_TARGETS_RECIPES", str(tmp_path / "recipes"))
    for name, role, words in (
        ("by-hand", "server", (*MODULE, "server", "--port", "{port}")),
        ("by-hand-client", "client", (*MODULE, "driver", "{url}", "--agent", "{agent}")),
        ("nowhere", "server", ("no-such-program", "{port}")),
    ):
        path = tmp_path / "recipes" / name.replace("-", "_") / "recipe.toml"
        path.parent.mkdir(parents=True)
        path.write_text(RECIPE.format(name=name, role=role, argv=json.dumps(words)))
    recipes.cache_clear()
    yield
    recipes.cache_clear()


@pytest.mark.usefixtures("own")
class TestOwnRecipes:
    def test_each_is_tested_in_turn_and_told_in_one_report(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "out"
        words = [f"--option={word}" for word in OPTIONS]
        assert command.main(["compare", "by-hand", "by-hand-client", "-o", str(out), *words]) == 0
        journals = {name: read(out / name / "journal.jsonl") for name in ("by-hand", "by-hand-client")}
        for name, journal in journals.items():
            (target,) = journal.targets
            assert target.target.name == name
            assert target.target.info["version"] == "reference 1.0"
            assert target.target.info["language"] == "Python"
            assert len(target.results) == 6
        told = capsys.readouterr().out
        assert told.index("by-hand ") < told.index("by-hand-client ")
        assert (out / "report" / "index.html").is_file()
        page = (out / "report" / "index.html").read_text(encoding="utf-8")
        assert "by-hand-client" in page

    def test_one_that_cannot_be_tested_leaves_the_others_and_a_problem(self, tmp_path: Path) -> None:
        comparison = Comparison(tmp_path / "out", OPTIONS)
        rows = {row.name: row for row in comparison.run([find("nowhere"), find("by-hand")], [])}
        assert rows["nowhere"].problem.startswith("exit code 3, see ")
        assert "no-such-program is not on the PATH" in (tmp_path / "out" / "nowhere" / "output.txt").read_text()
        assert rows["by-hand"].problem == ""
        assert rows["by-hand"].counts["met"] == 6

    def test_a_configuration_names_what_starts_each(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert command.main(["configure", "by-hand", "by-hand-client", "--port", "9300"]) == 0
        targets = tomllib.loads(capsys.readouterr().out)["targets"]
        assert targets["by-hand"]["url"] == "ws://127.0.0.1:9300/"
        assert targets["by-hand"]["start"][-3:] == ["by-hand", "--port", "9300"]
        assert targets["by-hand"]["info"] == {"language": "Python", "version": "reference 1.0", "engine": "reference"}
        assert targets["by-hand-client"]["role"] == "client"
        assert targets["by-hand-client"]["start"][-4:] == ["--url", "{url}", "--agent", "{agent}"]

    def test_a_name_that_is_taken_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "recipes" / "ws" / "recipe.toml"
        path.parent.mkdir()
        path.write_text(RECIPE.format(name="ws", role="server", argv='["ws", "{port}"]'))
        recipes.cache_clear()
        with pytest.raises(RecipeError, match="there is a target ws already"):
            recipes()


def test_all_that_echo_are_compared_unless_some_are_named() -> None:
    everything, _ = chosen([])
    assert {"ws", "ws-client"} <= {recipe.name for recipe in everything}
    assert not {"silent", "greeter"} & {recipe.name for recipe in everything}
    some, browsers = chosen(["chromium", "silent"])
    assert ([recipe.name for recipe in some], browsers) == (["silent"], ["chromium"])
    with pytest.raises(RecipeError, match="no target is named 'netscape'"):
        chosen(["netscape"])


def test_a_browser_needs_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["configure", "firefox"]) == 2
    assert capsys.readouterr().err == "firefox: no table is needed; wsconform serve --browser firefox\n"


def test_hostile_versions_do_not_break_the_configuration() -> None:
    text = configuration([(find("ws"), 'ws "8"\\ \x7f\U0001f600\n[targets.x]', 9101)])
    assert tomllib.loads(text)["targets"]["ws"]["info"]["version"] == 'ws "8"\\ \x7f\U0001f600\n[targets.x]'
    assert list(tomllib.loads(text)["targets"]) == ["ws"]


def test_a_journal_that_was_cut_off_counts_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    assert counted(path) == {}
    path.write_text('{"record": "header"}\n{"record": "res')
    assert counted(path) == {}


def test_nothing_tested_is_nothing_to_report(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="nothing was tested"):
        Comparison(tmp_path / "out").report()


def test_the_table_has_servers_first_and_problems_in_words() -> None:
    rows = [
        Row("c", "client", "Go", "go 1.19", 2.4, {"met": 10, "violation": 1}),
        Row("s", "server", "C", "", 0.0, {}, "needs libx"),
    ]
    head, server, client = table(rows).splitlines()
    assert head.split()[:6] == ["NAME", "ROLE", "LANGUAGE", "MET", "VIOLATION", "DEPARTURE"]
    assert server.split()[:4] == ["s", "server", "C", "-"]
    assert server.endswith("needs libx")
    assert client.split()[3:6] == ["10", "1", "0"]
    assert client.endswith("go 1.19")
