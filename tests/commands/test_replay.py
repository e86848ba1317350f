"""wsconform replay: failures are rerun against the target, and shown as fixed or still failing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import journals
from tests.support.command import CASE, CASES, Say, TakesAnyMask, serving
from tests.support.journals import result, target
from wsconform.evidence.result import Finding, Result, Verdict
from wsconform.fixtures.reference import ReferenceServer
from wsconform.fixtures.reference.frames import Failure
from wsconform.journal.journal import Journal, dumps, read
from wsconform.registry.requirement import Role
from wsconform.wire.frame import TEXT, Header

FAMILY = CASES[1]


class TakesAnyMaskOfText(ReferenceServer):
    """A server that was mended for everything but text."""

    def check_mask(self, header: Header) -> Failure | None:
        return None if header.opcode == TEXT and header.fin else super().check_mask(header)


def failing_run(say: Say, *words: str) -> None:
    """Run the cases against a server that takes any mask, which is gone then."""
    with serving(TakesAnyMask) as port:
        assert say("run", f"ws://127.0.0.1:{port}/", *CASES, *words)[0] == 1


def write(*columns: tuple[object, list[Result]]) -> None:
    """Write a journal of a last run."""
    Path("wsconform-out").mkdir()
    created: Journal = journals.journal(*columns)  # type: ignore[arg-type]
    Path("wsconform-out/journal.jsonl").write_text(dumps(created))


def test_cases_that_pass_now_are_fixed(say: Say) -> None:
    failing_run(say, "--seed", "7")
    with serving() as port:
        code, out, err = say("replay", "wsconform-out", "--url", f"ws://127.0.0.1:{port}/")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[1] == f"  fixed  ✓  {CASE}"
    assert sum(line.startswith("  fixed  ✓") for line in lines) == 5
    assert lines[-2:] == ["journal wsconform-out/replay/journal.jsonl", "All 5 failures are fixed."]
    before, after = read(Path("wsconform-out/journal.jsonl")), read(Path("wsconform-out/replay/journal.jsonl"))
    assert after.header.seed == 7
    assert after.targets[0].target.name == before.targets[0].target.name


def test_a_replay_sends_the_same_octets(say: Say) -> None:
    failing_run(say, "--seed", "7")
    with serving(TakesAnyMask) as port:
        say("replay", "wsconform-out", CASE, "--url", f"ws://127.0.0.1:{port}/")
    texts = [Path(name, "journal.jsonl") for name in ("wsconform-out", "wsconform-out/replay")]
    sent = []
    for path in texts:
        (found,) = (each for each in read(path).targets[0].results if each.case == CASE)
        sent.append([entry.octets.head for entry in found.transcript if entry.direction.value == "ours"][1:])
    assert sent[0] == sent[1] != []


def test_cases_that_still_fail_are_shown_with_a_ladder(say: Say) -> None:
    failing_run(say)
    with serving(TakesAnyMaskOfText) as port:
        code, out, _ = say("replay", "wsconform-out", "--url", f"ws://127.0.0.1:{port}/")
    assert code == 1
    lines = out.splitlines()
    assert lines[1] == f"  still  ✗  {CASE}"
    assert f"✗ {CASE}" in out
    assert "    expected   the connection to be failed" in lines
    assert lines[-1] == "4 fixed, 1 still failing."


def test_a_named_case_is_rerun_whether_it_passed_or_not(say: Say) -> None:
    failing_run(say)
    with serving(TakesAnyMask) as port:
        passed = f"{FAMILY}[first_fragment]"
        known = {each.case: each.verdict for each in read(Path("wsconform-out/journal.jsonl")).targets[0].results}
        passed = next(case for case, verdict in known.items() if verdict is Verdict.PASSED)
        code, out, _ = say("replay", "wsconform-out", passed, "--url", f"ws://127.0.0.1:{port}/")
        assert (code, out.splitlines()[-1]) == (0, "Nothing fails.")
        assert f"  same   ✓  {passed}" in out
        code, out, _ = say("replay", "wsconform-out", CASE, "--url", f"ws://127.0.0.1:{port}/")
    assert (code, out.splitlines()[-1]) == (1, "1 still failing.")


def test_nothing_failed(say: Say) -> None:
    assert say("run", *CASES)[0] == 0
    assert say("replay", "wsconform-out") == (0, "Nothing failed in wsconform-out.\n", "")


def test_the_embedded_endpoint_is_replayed(say: Say) -> None:
    write((target("reference"), [result(CASE, verdict=Verdict.FAILED)]))
    code, out, _ = say("replay", "wsconform-out")
    assert (code, out.splitlines()[-1]) == (0, "The failure is fixed.")


def test_a_configured_target_is_reached_as_it_is_configured(say: Say) -> None:
    write((target("one", address="ws://127.0.0.1:9/"), [result(CASE, verdict=Verdict.FAILED)]))
    with serving() as port:
        Path("wsconform.toml").write_text(f'[targets.one]\nurl = "ws://127.0.0.1:{port}/"\n')
        assert say("replay", "wsconform-out")[0] == 0


def test_several_targets_are_named(say: Say) -> None:
    with serving() as good, serving(TakesAnyMask) as bad:
        columns = [
            (target(name, address=f"ws://127.0.0.1:{port}/"), [result(CASE, verdict=Verdict.FAILED)])
            for name, port in (("good", good), ("bad", bad))
        ]
        write(*columns)
        code, out, _ = say("replay", "wsconform-out")
        assert code == 1
        assert f"good at ws://127.0.0.1:{good}/\n  fixed  ✓  {CASE}" in out
        assert f"bad at ws://127.0.0.1:{bad}/\n  still  ✗  {CASE}" in out
        assert say("replay", "wsconform-out", "--target", "good")[0] == 0
        code, _, err = say("replay", "wsconform-out", "--url", "ws://127.0.0.1:9/")
    assert (code, err) == (2, "--url is for one target, and 2 have failures; name one with --target\n")


def test_a_monitor_is_rerun_with_the_case_in_which_it_failed(say: Say) -> None:
    monitor = say("list", "cases", "-c", "monitors.*")[1].split()[0]
    seen = Finding("it never happens", f"it did (in {CASE})", case=CASE)
    write((target("reference"), [result(monitor, verdict=Verdict.FAILED, finding=seen, notes=(("samples", "1"),))]))
    code, out, _ = say("replay", "wsconform-out")
    assert code == 0
    cases = {each.case for each in read(Path("wsconform-out/replay/journal.jsonl")).targets[0].results}
    assert cases == {monitor, CASE}
    assert CASE not in out, "it is only there to be watched"


def test_a_case_that_the_catalogue_no_longer_has_is_left_out(say: Say) -> None:
    gone, failed = result("old.case", verdict=Verdict.FAILED), result(CASE, verdict=Verdict.FAILED)
    write((target("reference"), [gone, failed]))
    code, out, _ = say("replay", "wsconform-out")
    assert code == 0
    assert out.splitlines()[0] == "Left out, because this catalogue does not have it: old.case"


def test_a_target_that_is_not_there(say: Say) -> None:
    write((target("one", address="ws://127.0.0.1:1/"), [result(CASE, verdict=Verdict.FAILED)]))
    code, out, err = say("replay", "wsconform-out")
    assert code == 3
    assert err == "127.0.0.1:1: nothing listens there; start the target first, or name another port\n"
    assert out.splitlines()[-1] == "one could not be tested."


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("gone.jsonl",), "gone.jsonl: cannot be read: "),
        (("wsconform-out", "no.such"), "wsconform-out: no case there matches 'no.such'"),
        (("wsconform-out", "--target", "tow"), 'wsconform-out: has no target tow; did you mean "two"?'),
        (("wsconform-out", "--target", "two", "--url", "http://x/"), "http://x/: not a ws or wss URL; did you mean "),
        (("wsconform-out",), "two: is a client; rerun its cases with `wsconform serve -c CASE`, or name a"),
        (("wsconform-out", "--target", "one", "-o", "taken"), "-o taken: cannot be created: File exists; name another"),
        (("wsconform-out", "--patience", "x"), "wsconform replay: --patience: 'x' is not a duration; "),
    ],
)
def test_results_that_cannot_be_replayed_are_reported(words: tuple[str, ...], message: str, say: Say) -> None:
    failed = result(CASE, verdict=Verdict.FAILED)
    client = (target("two", role=Role.CLIENT), [replace(failed, role=Role.CLIENT)])
    write((target("one", address="ws://127.0.0.1:1/"), [failed]), client)
    if "http://x/" in words:
        Path("wsconform-out/journal.jsonl").write_text(dumps(journals.journal((target("two"), [failed]))))
    Path("taken").write_text("")
    code, out, err = say("replay", *words)
    assert (code, out) == (2, "")
    assert err.startswith(message)
    assert len(err.splitlines()) == 1
