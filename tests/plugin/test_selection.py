"""The plugin's tree: which ids there are, and that pytest finds them again by every means it has."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import TakesAnyMask, environment, serving, url
from tests.support.plugin_run import FAILING, MODULE, TEXT, here, ids
from wsconform.plugin.roots import roots

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[2]
TARGET = "ws://127.0.0.1:9/"
WRONGLY = "masking.wrongly_masked_frame_fails_the_connection"


@pytest.fixture(scope="module")
def lax() -> Iterator[str]:
    """The address of a server that takes any mask."""
    with serving(TakesAnyMask) as port:
        yield url(port)


def listed(pytester: pytest.Pytester, *words: str) -> list[str]:
    """Return the ids of the cases that `words` take, nothing being run."""
    return ids(here(pytester, "--collect-only", "-q", "--ws-target", TARGET, *words))


def test_the_tree_is_targets_with_cases_and_monitors_come_last(pytester: pytest.Pytester) -> None:
    found = listed(pytester, "--pyargs", "wsconform.cases", "--ws-section", "5.1")
    assert f"wsconform::{TARGET}::{TEXT}" in found
    assert {id.split("::")[1] for id in found} == {TARGET}
    areas = [id.split("::")[2].partition(".")[0] for id in found]
    assert "monitors" in areas
    assert set(areas[areas.index("monitors") :]) == {"monitors"}
    assert len(set(found)) == len(found)


def test_modules_packages_and_paths_take_a_part(pytester: pytest.Pytester) -> None:
    (folder,) = (root.folder for root in roots() if root.package == "wsconform.cases")
    module = listed(pytester, "--pyargs", MODULE)
    assert module
    assert all(id.split("::")[2].startswith("masking.") for id in module)
    assert listed(pytester, str(folder / "masking.py")) == module
    package = listed(pytester, "--pyargs", "wsconform.cases.framing")
    assert {id.split("::")[2].split(".")[0] for id in package} == {"framing"}
    both = listed(pytester, str(folder / "framing"), str(folder / "masking.py"))
    assert sorted(both) == sorted([*package, *module])


@pytest.mark.parametrize("name", [TEXT, WRONGLY, "masking.masking_key_may_repeat"])
def test_a_case_or_a_family_by_its_id(pytester: pytest.Pytester, name: str) -> None:
    found = listed(pytester, "--pyargs", f"{MODULE}::{TARGET}::{name}")
    wanted = [id for id in listed(pytester, "--pyargs", MODULE) if id.split("::")[2].startswith(name)]
    assert found == wanted
    assert found


def test_a_case_that_there_is_not(pytester: pytest.Pytester) -> None:
    result = here(pytester, "--ws-target", TARGET, "--pyargs", f"{MODULE}::{TARGET}::masking.nothing")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: not found: *::masking.nothing"])


def test_keywords(pytester: pytest.Pytester) -> None:
    assert listed(pytester, "--pyargs", MODULE, "-k", "wrongly and text") == [f"wsconform::{TARGET}::{TEXT}"]
    assert len(listed(pytester, "--pyargs", MODULE, "-k", "not wrongly")) > FAILING


def test_markers(pytester: pytest.Pytester) -> None:
    words = ("--pyargs", "wsconform.cases.masking", "wsconform.cases.closing", "wsconform.cases.monitors")
    every, must, should, may = (
        listed(pytester, *words, *more) for more in ((), ("-m", "ws_must"), ("-m", "ws_should"), ("-m", "ws_may"))
    )
    assert sorted(must + should + may) == sorted(every)
    assert must
    assert should
    masking = listed(pytester, *words, "-m", "ws(area='masking')")
    assert masking == [id for id in every if id.split("::")[2].startswith("masking.")]
    section = listed(pytester, *words, "-m", "ws(area='masking', section='5.1')")
    assert f"wsconform::{TARGET}::{TEXT}" in section
    assert 0 < len(section) < len(masking)


def test_sweeps_are_marked(pytester: pytest.Pytester) -> None:
    words = ("--pyargs", "wsconform.cases.sizes", "-m")
    sweeps, others = listed(pytester, *words, "ws_sweep"), listed(pytester, *words, "not ws_sweep")
    quick = listed(pytester, "--pyargs", "wsconform.cases.sizes", "--ws-profile", "quick")
    assert sweeps
    assert others == quick
    assert not set(sweeps) & set(quick)


def test_deselected(pytester: pytest.Pytester) -> None:
    every = listed(pytester, "--pyargs", MODULE)
    one = f"wsconform::{TARGET}::{TEXT}"
    assert listed(pytester, "--pyargs", MODULE, "--deselect", one) == [id for id in every if id != one]
    assert listed(pytester, "--pyargs", MODULE, "--deselect", f"wsconform::{TARGET}::masking.wrongly") == [
        id for id in every if "wrongly" not in id
    ]


def test_options_select_as_the_command_line_does(pytester: pytest.Pytester) -> None:
    every = ("--pyargs", "wsconform.cases")
    assert listed(pytester, *every, "--ws-case", TEXT) == [f"wsconform::{TARGET}::{TEXT}"]
    left = listed(pytester, *every, "--ws-case", "masking.*", "--ws-exclude", "masking.wrongly*")
    assert left
    assert not any("wrongly" in id for id in left)
    assert listed(pytester, *every, "--ws-level", "may") == listed(pytester, *every, "-m", "ws_may")


def test_the_last_failed_are_put_again_and_nothing_else(pytester: pytest.Pytester, lax: str) -> None:
    words = ("--pyargs", MODULE, "--ws-target", lax)
    first = pytester.runpytest_inprocess(*words)
    assert first.parseoutcomes()["failed"] == FAILING
    again = pytester.runpytest_inprocess(*words, "--lf", "--ws-out", "out")
    assert again.parseoutcomes()["failed"] == FAILING
    assert "passed" not in again.parseoutcomes()
    records = Path("out/journal.jsonl").read_text(encoding="utf-8").splitlines()
    assert sum('"record":"result"' in line for line in records) == FAILING


def test_a_lost_target_does_not_make_pytest_forget_what_failed(pytester: pytest.Pytester) -> None:
    with serving(TakesAnyMask) as port:
        words = ("--pyargs", MODULE, "--ws-target", url(port))
        pytester.runpytest_inprocess(*words)
    gone = pytester.runpytest_inprocess(*words, "--lf")
    assert gone.parseoutcomes()["errors"] == 1
    found = pytester.runpytest_inprocess(*words, "--lf", "--collect-only", "-q")
    assert len(ids(found)) == FAILING


def test_beside_other_tests(pytester: pytest.Pytester, lax: str) -> None:
    pytester.makepyfile("def test_mine(): pass")
    result = here(pytester, "--ws-target", lax, "--pyargs", ".", MODULE, "-k", "mine or text")
    assert result.parseoutcomes()["passed"] == 1
    assert result.parseoutcomes()["failed"] == 1


def test_autouse_fixtures_of_a_conftest_apply(pytester: pytest.Pytester, lax: str) -> None:
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(scope="session", autouse=True)
        def around():
            print("SET UP")
            yield
            print("TORN DOWN")
        """
    )
    result = here(pytester, "--ws-target", lax, "--pyargs", MODULE, "-s", "-k", "wrongly")
    assert result.stdout.str().count("SET UP") == 1
    assert result.stdout.str().count("TORN DOWN") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [(("cases",), f"wsconform::{TARGET}::{TEXT}"), ((".", "--ignore", "tests"), "no tests collected in")],
)
def test_a_checkouts_folder_is_taken_by_name_and_left_out_of_a_walk(words: tuple[str, ...], told: str) -> None:
    more = ("--ws-target", TARGET, "--ws-case", TEXT, "--collect-only", "-q", "-n", "0", "-p", "no:cacheprovider")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, *more],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert next(line for line in done.stdout.splitlines() if line).startswith(told)
