"""Sessions over the workers of pytest-xdist: a target stays on one, and one journal has them all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import TakesAnyMask, serving, url
from tests.support.plugin_run import FAILING, KNOWN, MODULE, worker_of
from wsconform.journal.journal import read

pytest_plugins = ["pytester"]


@pytest.fixture
def targets(pytester: pytest.Pytester) -> Iterator[None]:
    """Two targets in the configuration, one good and one that takes any mask."""
    with serving() as good, serving(TakesAnyMask) as lax:
        tables = f'[targets.good]\nurl = "{url(good)}"\n[targets.lax]\nurl = "{url(lax)}"\n'
        Path("wsconform.toml").write_text(tables, encoding="utf-8")
        yield


@pytest.mark.usefixtures("targets")
@pytest.mark.parametrize(
    "words", [("--tx", "2*popen", "--dist", "loadgroup"), ("-n", "2"), ("-n", "2", "--dist", "loadscope")]
)
def test_a_target_stays_on_one_worker(pytester: pytest.Pytester, words: tuple[str, ...]) -> None:
    pytester.makepyfile("def test_one(): pass\ndef test_two(): pass\n")
    result = pytester.runpytest_subprocess(
        *words, "-v", "--ws-out", "out", "-r", "f", "--pyargs", "test_a_target_stays_on_one_worker.py", MODULE
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes()["failed"] == FAILING
    found = worker_of(result)
    assert set(found) == {"good", "lax"}
    assert all(len(workers) == 1 for workers in found.values())
    assert found["good"] != found["lax"]
    result.stdout.fnmatch_lines(["Does not conform at MUST: 7 violations.", "wrote *journal.jsonl"])
    journal = read(Path("out/journal.jsonl"))
    assert {each.target.name: len(each.results) for each in journal.targets} == dict.fromkeys(
        ("good", "lax"), (result.parseoutcomes()["passed"] + FAILING - 2) // 2
    )
    assert journal.footer is not None
    assert journal.footer.why == "done"
    assert journal.footer.counts["lax"]["violation"] == FAILING
    assert Path("out/report/index.html").is_file()


@pytest.mark.usefixtures("targets")
def test_what_failed_last_is_found_again_without_workers(pytester: pytest.Pytester) -> None:
    pytester.runpytest_subprocess("-n", "2", "--pyargs", MODULE)
    again = pytester.runpytest_inprocess("--lf", "--pyargs", MODULE)
    assert again.parseoutcomes()["failed"] == FAILING
    assert "passed" not in again.parseoutcomes()


@pytest.mark.usefixtures("targets")
def test_expectations_of_all_workers_are_judged_together(pytester: pytest.Pytester) -> None:
    Path("expected.toml").write_text(
        f'[lax]\n"{KNOWN}" = "takes any mask"\n[good]\n"{KNOWN}" = "too"\n', encoding="utf-8"
    )
    result = pytester.runpytest_subprocess("-n", "2", "--pyargs", MODULE)
    assert result.parseoutcomes()["xfailed"] == FAILING
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([f'expected.toml: good: "{KNOWN}": passes now*', "FAILED: 1 expectation *"])


@pytest.mark.usefixtures("targets")
def test_a_worker_far_away_needs_no_file_of_ours(pytester: pytest.Pytester) -> None:
    """As with another machine: folders of their own, and no file of the controller's but those that it sends."""
    for name in ("one", "two"):
        pytester.mkdir(name)
    far = [word for name in ("one", "two") for word in ("--tx", f"popen//chdir={pytester.path / name}")]
    addresses = Path("wsconform.toml").read_text(encoding="utf-8").split('"')[1::2]
    Path("wsconform.toml").unlink()
    near = [word for address in addresses for word in ("--ws-target", address)]
    words = ("--dist", "loadgroup", "--ws-out=out", "--html=log.html", "--pyargs", MODULE)
    result = pytester.runpytest_subprocess(*far, *near, *words)
    assert result.parseoutcomes()["failed"] == FAILING, result.stdout.str()
    journal = read(Path("out/journal.jsonl"))
    assert sorted(each.target.name for each in journal.targets) == sorted(addresses)
    log = Path("log.html").read_text(encoding="utf-8")
    assert "RFC 6455 5.1 MUST" in log
    assert "pre.wsconform" in Path("assets/style.css").read_text(encoding="utf-8")


def test_wrong_usage_is_told_once(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("-n", "2", "--pyargs", MODULE)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert next(line for line in result.errlines if line.strip()).startswith("ERROR: wsconform: no target")
