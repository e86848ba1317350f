"""`wsconform compare`: each implementation is tested with a journal of its own, and one report shows all."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from tests.support.command import Say
from tests.support.own_recipes import own_recipes, write_recipe
from wsconform.fixtures.targets import recipes
from wsconform.journal.journal import read

CASES = ("-c", "masking.wrongly_masked_frame_fails_the_connection")
NAMES = ("by-hand", "by-hand-client")

__all__ = ["own_recipes"]


@pytest.fixture
def compare(say: Say, own_recipes: Path) -> Say:
    """Run `wsconform compare` in this process, in an empty folder, with recipes of a user's own."""
    return functools.partial(say, "compare")


def test_each_implementation_is_tested_and_one_report_shows_all(tmp_path: Path, compare: Say) -> None:
    code, out, err = compare(*NAMES, "-o", "out", "--seed", "7", *CASES)
    assert code == 0
    journals = {name: read(tmp_path / "out" / name / "journal.jsonl") for name in NAMES}
    for name, journal in journals.items():
        (target,) = journal.targets
        assert target.target.name == name
        assert target.target.info["version"] == "reference 1.0"
        assert target.target.info["language"] == "Python"
        assert len(target.results) == 6
        assert journal.header.seed == 7
    assert out.index("by-hand ") < out.index("by-hand-client ")
    assert out.splitlines()[-1] == "Tested 2 of 2 implementations."
    assert [line.partition(":")[0] for line in err.splitlines()] == [*NAMES]
    assert (tmp_path / "out" / "summary.md").is_file()
    assert "by-hand-client" in (tmp_path / "out" / "report" / "index.html").read_text(encoding="utf-8")


def test_the_others_are_tested_if_one_cannot_be_started(tmp_path: Path, compare: Say) -> None:
    code, out, err = compare("nowhere", "by-hand", "-o", "out", "-r", "md=all.md", *CASES)
    assert code == 3
    log = tmp_path / "out" / "nowhere" / "output.txt"
    assert "no-such-program is not on the PATH" in log.read_text()
    assert err.splitlines()[0] == "nowhere: not tested (exit code 3); see out/nowhere/output.txt"
    assert out.splitlines()[-1] == "Tested 1 of 2 implementations; not tested: nowhere."
    assert (tmp_path / "all.md").is_file()
    assert not (tmp_path / "out" / "report").exists()


def test_an_implementation_that_cannot_be_installed_is_reported_in_one_line(compare: Say, own_recipes: Path) -> None:
    failing = '\nbuild = ["{python}", "-c", "raise SystemExit(\'cc: error: no such file\')"]\n'
    write_recipe(own_recipes, "unbuilt", "server", ("{build}/program", "{port}"), failing)
    recipes.cache_clear()
    code, out, err = compare("unbuilt", "by-hand", "-o", "out", "-q", *CASES)
    assert (code, err) == (3, "")
    assert out == "Tested 1 of 2 implementations; not tested: unbuilt.\n"
    code, out, err = compare("unbuilt", "by-hand", "-o", "out", *CASES)
    assert err.splitlines()[0] == "unbuilt: recipe.toml could not be built: cc: error: no such file"


def test_the_gate_can_be_asked_for(tmp_path: Path, compare: Say) -> None:
    known = tmp_path / "known.toml"
    known.write_text(f'["by-hand"]\n"{CASES[1]}" = "is about to change"\n')
    code, out, _ = compare("by-hand", "-o", "out", "-q", "--fail-on", "must", "--expected", "known.toml", *CASES)
    assert (code, out) == (1, "FAILED (--fail-on must): by-hand. Tested 1 of 1 implementations.\n")


def test_list_shows_each_implementation(compare: Say) -> None:
    code, out, _ = compare("--list", "by-hand", "by-hand-client")
    assert code == 0
    head, *rows = out.splitlines()
    assert head.split() == ["NAME", "ROLE", "LANGUAGE", "ENGINE", "ECHO", "INSTALLED", "REQUIRES"]
    assert [row.split() for row in rows] == [
        ["by-hand", "server", "Python", "reference", "yes", "yes"],
        ["by-hand-client", "client", "Python", "reference", "yes", "yes"],
    ]


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (("by-hnd",), 2, 'by-hnd: there is no recipe of this name; did you mean "by-hand"?'),
        (("by-hand", "-o", "file/out"), 2, "-o file/out: cannot be created: Not a directory; name another folder"),
        (("by-hand", "-r", "pdf"), 2, "-r pdf: unknown kind of report"),
        (("by-hand", "-c", "masking.nothing"), 2, 'no case matches "masking.nothing"'),
        (("by-hand", "--expected", "gone.toml"), 2, "gone.toml: cannot be read: No such file or directory"),
        (
            ("by-hand", "--level", "may", *CASES),
            5,
            "nothing is selected: no case matches all selectors; see `wsconform list cases`",
        ),
    ],
)
def test_bad_input_is_reported_in_one_line_before_anything_runs(
    words: tuple[str, ...], code: int, line: str, tmp_path: Path, compare: Say
) -> None:
    (tmp_path / "file").write_text("")
    ended, out, err = compare(*words)
    assert (ended, out) == (code, "")
    assert err.startswith(line), err
    assert len(err.splitlines()) == 1
