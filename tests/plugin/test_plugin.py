"""The pytest plugin: what it costs those who do not use it, how items end, and how a session does."""

from __future__ import annotations

import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import TakesAnyMask, answering, environment, serving, url
from tests.support.plugin_run import FAILING, KNOWN, MODULE, TEXT, FailsWithoutClose, here
from wsconform.evidence.result import Finding, Reason, Result, Verdict
from wsconform.journal.expected import Expectation
from wsconform.journal.gate import Allow, FailOn, Policy
from wsconform.plugin.ahead import Ahead
from wsconform.plugin.outcomes import Kind, Outcome, outcome_of
from wsconform.registry.requirement import Level, Role

pytest_plugins = ["pytester"]


@pytest.fixture(scope="module")
def lax() -> Iterator[str]:
    """The address of a server that takes any mask."""
    with serving(TakesAnyMask) as port:
        yield url(port)


@pytest.fixture(scope="module")
def good() -> Iterator[str]:
    """The address of the reference."""
    with serving() as port:
        yield url(port)


class TestIdle:
    """Every pytest of an environment loads the plugin."""

    def test_importing_it_loads_neither_trio_nor_the_catalogue(self) -> None:
        code = "import sys, wsconform.plugin; print(*sorted(sys.modules), sep='\\n')"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
        loaded = set(done.stdout.split())
        assert "wsconform.plugin" in loaded
        heavy = {
            "trio",
            "click",
            "jinja2",
            "rich",
            "wsconform.catalogue.case",
            "wsconform.cases",
            "wsconform.prepare.config",
        }
        assert loaded & heavy == set()

    def test_a_session_without_cases_has_nothing_of_it(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(
            """
            import sys

            def test_idle(pytestconfig):
                assert pytestconfig.pluginmanager.hasplugin("wsconform")
                assert not pytestconfig.pluginmanager.hasplugin("wsconform-session")
                assert not {"trio", "wsconform.plugin.session", "wsconform.catalogue.case"} & set(sys.modules)
            """
        )
        result = pytester.runpytest_subprocess("-p", "no:pytest_trio", "-p", "no:trio", "--strict-markers")
        result.assert_outcomes(passed=1)
        assert "wsconform:" not in result.stdout.str()

    def test_markers_are_known(self, pytester: pytest.Pytester) -> None:
        pytester.makepyfile(
            """
            import pytest

            @pytest.mark.ws_must
            @pytest.mark.ws(area="framing", section="5.1")
            def test_marked(): pass
            """
        )
        here(pytester, "--strict-markers").assert_outcomes(passed=1)


class TestUsage:
    """What cannot be done is said in one line."""

    def error(self, pytester: pytest.Pytester, *words: str) -> str:
        """Return the one line on stderr of a session that ends with wrong usage."""
        result = here(pytester, *words)
        assert result.ret == pytest.ExitCode.USAGE_ERROR, result.stdout.str()
        (line,) = [line for line in result.errlines if line.strip()]
        return line

    def test_cases_without_a_target(self, pytester: pytest.Pytester) -> None:
        line = self.error(pytester, "--pyargs", "wsconform.cases")
        assert line.startswith("ERROR: wsconform: no target: give --ws-target ws://HOST:PORT/, or name one in")

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("--ws-patience", "5"), '--ws-patience: \'5\' is no duration; write "5s", "0.5s" or "5m"'),
            (("--ws-level", "mist"), "--ws-level: 'mist' is none of must, should, may; did you mean \"must\"?"),
            (("--ws-level", "must,may"), "--ws-level: one level at a time; give the option again for another"),
            (("--ws-jobs", "0"), "--ws-jobs: 0 is too small; take 1 or more"),
            (("--ws-fail-on", "may"), "--ws-fail-on: 'may' is none of must, should, never"),
            (("--ws-case", "masking.nothing"), 'no case matches "masking.nothing"; did you mean'),
            (("--ws-config", "nowhere.toml"), "nowhere.toml: cannot be read: No such file or directory"),
            (("--ws-target", "http://a/"), 'http://a/: not a ws or wss URL; did you mean "ws://a/"?'),
            (("--ws-target", "echo-go"), "echo-go: no target of this name, there is no wsconform.toml"),
            (("--ws-section", "6455:9.99"), "--section 6455:9.99: no case cites it"),
            (("--ws-case", "masking.*", "--ws-level", "may"), "nothing is selected: no case is taken by all selectors"),
        ],
    )
    def test_values(self, pytester: pytest.Pytester, words: tuple[str, ...], told: str) -> None:
        target = () if "--ws-target" in words else ("--ws-target", "ws://127.0.0.1:9/")
        assert told in self.error(pytester, "--pyargs", MODULE, *target, *words)

    def test_a_hook_that_returns_something_else(self, pytester: pytest.Pytester) -> None:
        pytester.makeconftest("def pytest_wsconform_targets(config): return {'echo': 9001}")
        line = self.error(pytester, "--pyargs", MODULE)
        assert "pytest_wsconform_targets: echo: has to be an address such as ws://HOST:PORT/, and is 9001" in line

    def test_a_client_without_a_command(self, pytester: pytest.Pytester) -> None:
        Path("wsconform.toml").write_text("[targets.mine]\nrole = 'client'\n", encoding="utf-8")
        line = self.error(pytester, "--pyargs", MODULE)
        assert 'wsconform.toml: targets.mine: start is missing; add start = ["./client", "{url}"]' in line


class TestItems:
    def test_a_good_target_passes(self, pytester: pytest.Pytester, good: str) -> None:
        result = here(pytester, "--pyargs", MODULE, "--ws-target", good)
        assert result.ret == 0
        assert result.parseoutcomes().keys() == {"passed"}
        result.stdout.fnmatch_lines(["*- wsconform -*", f"{good}: MUST * of *", "Conforms at MUST."])

    @pytest.mark.parametrize("env", [{}, {"CI": "true"}], ids=["at a desk", "in CI"])
    def test_a_failure_tells_all_and_its_command_can_be_pasted(
        self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, lax: str, env: dict[str, str]
    ) -> None:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        result = here(pytester, "--pyargs", MODULE, "--ws-target", lax, "-k", "text")
        result.assert_outcomes(failed=1, deselected=result.parseoutcomes()["deselected"])
        text = result.stdout.str()
        assert "Traceback" not in text
        result.stdout.fnmatch_lines(
            [
                f"_* {lax} {TEXT.replace('[', '[[]')} *_",
                "*A frame masked against the rule of its direction fails the connection.",
                "    expected   the connection to be failed",
                "    observed   a delivery: Text of 5 octets (*",
                "        | Text 5 *",
                "    hint       *",
                "    again      pytest --pyargs *",
                f"FAILED wsconform::{lax}::{TEXT.replace('[', '[[]')}*",
            ]
        )
        (again,) = [line.split("again", 1)[1] for line in result.outlines if line.startswith("    again")]
        command, *words = shlex.split(again)
        assert command == "pytest"
        here(pytester, *words).assert_outcomes(failed=1)

    def test_known_failures_are_expected(self, pytester: pytest.Pytester, lax: str) -> None:
        Path("expected.toml").write_text(f'["*"]\n"{KNOWN}" = "takes any mask"\n', encoding="utf-8")
        result = here(pytester, "--pyargs", MODULE, "--ws-target", lax, "-rx")
        assert result.ret == 0
        assert result.parseoutcomes()["xfailed"] == FAILING
        result.stdout.fnmatch_lines([f"XFAIL wsconform::{lax}::masking.* - takes any mask"])

    def test_an_expectation_that_passes_fails(self, pytester: pytest.Pytester, good: str) -> None:
        Path("known.toml").write_text(f'["*"]\n"{TEXT}" = "takes any mask"\n', encoding="utf-8")
        result = here(pytester, "--pyargs", MODULE, "--ws-target", good, "--ws-expected", "known.toml")
        assert result.parseoutcomes()["failed"] == 1
        result.stdout.fnmatch_lines(["[[]XPASS(strict)] takes any mask: it passes now; take the entry out of the file"])

    def test_a_stale_pattern_breaks_the_session_where_every_item_passes(
        self, pytester: pytest.Pytester, good: str
    ) -> None:
        Path("expected.toml").write_text(f'["*"]\n"{KNOWN}" = "takes any mask"\n', encoding="utf-8")
        result = here(pytester, "--pyargs", MODULE, "--ws-target", good)
        assert result.parseoutcomes().keys() == {"passed"}
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        result.stdout.fnmatch_lines(
            [f'expected.toml: [*]: "{KNOWN}": passes now*', "FAILED: 1 expectation no longer holds."]
        )

    def test_a_departure_warns_and_breaks_nothing_where_warnings_are_errors(self, pytester: pytest.Pytester) -> None:
        pytester.makeini("[pytest]\nfilterwarnings = error\n")
        words = ("--pyargs", "wsconform.cases", "--ws-case", "monitors.closing.*", "--ws-case", "framing.opcodes.*")
        with serving(FailsWithoutClose) as port:
            result = here(pytester, *words, "--ws-target", url(port))
            result.stdout.fnmatch_lines(
                ["*DepartureWarning: monitors.closing.close_is_sent_before_failing: departure from * (SHOULD): *"]
            )
            assert result.ret == 0
            assert result.parseoutcomes()["warnings"] == 1
            strict = here(pytester, *words, "--ws-target", url(port), "--ws-fail-on", "should")
        assert strict.parseoutcomes()["failed"] == 1
        strict.stdout.fnmatch_lines(["Does not conform at SHOULD: 1 departure."])

    def test_what_is_out_of_reach_says_why(self, pytester: pytest.Pytester, good: str) -> None:
        result = here(
            pytester,
            "--pyargs",
            "wsconform.cases",
            "--ws-case",
            "*tls*",
            "--ws-target",
            good,
            "--ws-profile",
            "quick",
            "-rs",
        )
        assert result.parseoutcomes().keys() <= {"skipped", "passed"}
        result.stdout.fnmatch_lines(["SKIPPED * not-offered: the target is not reached over TLS"])

    def test_an_error_of_the_suite_is_an_error_and_no_failure(
        self, pytester: pytest.Pytester, good: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        taken = Ahead.take

        def broken(self: Ahead, case: str) -> Result:
            return result_of(
                Verdict.ERROR, case=taken(self, case).case, finding=Finding("the suite to work", "it did not")
            )

        monkeypatch.setattr(Ahead, "take", broken)
        result = here(pytester, "--pyargs", MODULE, "--ws-target", good, "-k", "text")
        assert result.parseoutcomes()["errors"] == 1
        result.stdout.fnmatch_lines(["*ERROR at setup of*", "*observed   it did not"])
        assert "Traceback" not in result.stdout.str()

    def test_properties_are_in_junit(self, pytester: pytest.Pytester, lax: str) -> None:
        here(pytester, "--pyargs", MODULE, "--ws-target", lax, "--junit-xml", "junit.xml")
        cases = {each.attrib["name"]: each for each in ET.parse("junit.xml").iter("testcase")}
        found = {each.attrib["name"]: each.attrib["value"] for each in cases[TEXT].iter("property")}
        assert found == {
            "target": lax,
            "case": TEXT,
            "level": "MUST",
            "requirement": "6455-5.1-3",
            "verdict": "failed",
            "mark": "violation",
        }

    def test_results_are_shown_to_hooks(self, pytester: pytest.Pytester, lax: str) -> None:
        pytester.makeconftest(
            f"""
            def pytest_wsconform_targets(config):
                return {{"lax": {lax!r}}}

            def pytest_wsconform_result(item, result):
                print("HOOK", item.nodeid, result.mark.words)
            """
        )
        result = here(pytester, "--pyargs", MODULE, "-k", "text", "-s")
        result.stdout.fnmatch_lines([f"*HOOK wsconform::lax::{TEXT.replace('[', '[[]')} violation"])


class TestTargets:
    def test_one_that_is_not_there_is_one_error(self, pytester: pytest.Pytester) -> None:
        with serving() as port:
            pass
        result = here(pytester, "--pyargs", MODULE, "--ws-target", url(port))
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        assert result.parseoutcomes() == {"errors": 1}
        assert "Traceback" not in result.stdout.str()
        result.stdout.fnmatch_lines(
            [
                f"127.0.0.1:{port}: nothing listens there; start the target first, or name another port",
                f"{url(port)}: * more cases were not put",
                f"{url(port)} could not be tested.",
            ]
        )

    def test_words_of_a_target_do_not_act_on_the_terminal(self, pytester: pytest.Pytester) -> None:
        with answering(b"HTTP/1.1 200 \x1b[31mred\xe2\x80\xae\r\nContent-Length: 0\r\n\r\n") as port:
            result = here(pytester, "--pyargs", MODULE, "--ws-target", url(port))
        assert result.parseoutcomes() == {"errors": 1}
        assert "red" in result.stdout.str()
        assert "\x1b" not in result.stdout.str()

    def test_several_one_after_the_other(self, pytester: pytest.Pytester, good: str, lax: str) -> None:
        pytester.makeconftest(f"def pytest_wsconform_targets(config): return {{'good': {good!r}, 'lax': {lax!r}}}")
        result = here(pytester, "--pyargs", MODULE, "-q")
        assert result.parseoutcomes()["failed"] == FAILING
        result.stdout.fnmatch_lines(["good: MUST *", "lax: MUST *"])
        only = here(pytester, "--pyargs", MODULE, "--ws-target", "good")
        assert only.ret == 0

    def test_from_the_configuration_and_its_settings(self, pytester: pytest.Pytester, lax: str) -> None:
        Path("wsconform.toml").write_text(f'fail-on = "never"\n[targets.lax]\nurl = "{lax}"\n', encoding="utf-8")
        result = here(pytester, "--pyargs", MODULE)
        assert result.ret == 0
        result.stdout.fnmatch_lines(["wsconform: lax; *", "Nothing breaks the gate (--fail-on never)."])

    def test_from_ini_values(self, pytester: pytest.Pytester, good: str) -> None:
        Path("conf").mkdir()
        Path("conf/ours.toml").write_text(f'[targets.good]\nurl = "{good}"\n', encoding="utf-8")
        pytester.makeini("[pytest]\nwsconform_config = conf/ours.toml\nwsconform_targets =\n    good\n    reference\n")
        result = here(pytester, "--pyargs", MODULE)
        assert result.ret == 0
        result.stdout.fnmatch_lines(["wsconform: good, reference; *"])

    def test_an_address_with_brackets(self, pytester: pytest.Pytester) -> None:
        pytester.makeconftest("def pytest_wsconform_targets(config): return ['ws://[::1]:9/a::b']")
        result = here(pytester, "--pyargs", MODULE, "--collect-only", "-q", "-k", "text")
        assert f"wsconform::ws://(:1):9/a:b::{TEXT}" in result.outlines

    def test_a_client_of_the_configuration(self, pytester: pytest.Pytester) -> None:
        command = [sys.executable, "-m", "wsconform.fixtures.reference", "client", "{url}"]
        Path("wsconform.toml").write_text(f"[targets.mine]\nrole = 'client'\nstart = {command}\n", encoding="utf-8")
        result = here(pytester, "--pyargs", MODULE, "--ws-case", "masking.wrongly_*")
        assert result.ret == 0, result.stdout.str()
        result.stdout.fnmatch_lines(["mine: MUST *", "Conforms at MUST."])


def test_a_session_that_stops_leaves_a_footer(pytester: pytest.Pytester, lax: str) -> None:
    result = here(pytester, "--pyargs", MODULE, "--ws-target", lax, "-x", "--ws-out", "out")
    assert result.parseoutcomes() == {"failed": 1}
    assert '"record":"footer"' in Path("out/journal.jsonl").read_text(encoding="utf-8").splitlines()[-1]


def test_an_interrupted_session_writes_what_there_is(pytester: pytest.Pytester, good: str) -> None:
    pytester.makeconftest("def pytest_wsconform_result(item, result): raise KeyboardInterrupt")
    result = pytester.runpytest_subprocess("--pyargs", MODULE, "--ws-target", good, "--ws-out", "out")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["Interrupted.*", "wrote *journal.jsonl", "wrote *index.html"])
    last = Path("out/journal.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    assert '"record":"footer","why":"interrupted"' in last


def test_the_module_in_a_process_of_its_own(tmp_path: Path, lax: str) -> None:
    words = [sys.executable, "-m", "pytest", "--pyargs", MODULE, "--ws-target", lax, "-q"]
    done = subprocess.run(
        words, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert f"{FAILING} failed" in done.stdout.splitlines()[-1]
    assert done.stderr == ""


def result_of(
    verdict: Verdict,
    level: Level = Level.MUST,
    *,
    case: str = "a.b",
    reason: Reason | None = None,
    expected: str | None = None,
    flaky: bool = False,
    finding: Finding | None = None,
) -> Result:
    """Return a result."""
    return Result(
        case=case,
        title="A case.",
        role=Role.SERVER,
        requirement="6455-5.1-3",
        level=level,
        verdict=verdict,
        finding=finding,
        reason=reason,
        expected=expected,
        flaky=flaky,
    )


NEVER, SHOULD = Policy(FailOn.NEVER), Policy(FailOn.SHOULD)
KNOWN_CASE = Expectation(target="*", pattern="a.b", reason="known")


@pytest.mark.parametrize(
    ("result", "policy", "kind"),
    [
        (result_of(Verdict.PASSED), Policy(), Kind.PASS),
        (result_of(Verdict.INFORMATIONAL), Policy(), Kind.PASS),
        (result_of(Verdict.FAILED, Level.MAY), SHOULD, Kind.PASS),
        (result_of(Verdict.FAILED), Policy(), Kind.FAIL),
        (result_of(Verdict.FAILED, Level.PROSE), Policy(), Kind.FAIL),
        (result_of(Verdict.FAILED), NEVER, Kind.WARN),
        (result_of(Verdict.FAILED, Level.SHOULD), Policy(), Kind.WARN),
        (result_of(Verdict.FAILED, Level.SHOULD), SHOULD, Kind.FAIL),
        (result_of(Verdict.DEPARTED), Policy(), Kind.WARN),
        (result_of(Verdict.DEPARTED), SHOULD, Kind.FAIL),
        (result_of(Verdict.INCONCLUSIVE, reason=Reason.ARRANGING), Policy(), Kind.FAIL),
        (result_of(Verdict.INCONCLUSIVE, reason=Reason.LOST), Policy(), Kind.FAIL),
        (result_of(Verdict.INCONCLUSIVE, reason=Reason.LIMIT), Policy(), Kind.SKIP),
        (result_of(Verdict.INCONCLUSIVE, reason=Reason.LOST), Policy(allow=frozenset({Allow.INCONCLUSIVE})), Kind.SKIP),
        (result_of(Verdict.SKIPPED, reason=Reason.NEEDS_ECHO), Policy(), Kind.SKIP),
        (result_of(Verdict.ERROR), NEVER, Kind.ERROR),
        (result_of(Verdict.FAILED, expected="known"), Policy(), Kind.XFAIL),
        (result_of(Verdict.PASSED, flaky=True), Policy(), Kind.FAIL),
        (result_of(Verdict.PASSED, flaky=True), Policy(allow=frozenset({Allow.FLAKY})), Kind.PASS),
    ],
)
def test_how_a_result_ends_an_item(result: Result, policy: Policy, kind: Kind) -> None:
    assert outcome_of(result, policy).kind is kind


def test_an_entry_for_one_case_is_strict_and_one_for_many_is_the_gates() -> None:
    passed = result_of(Verdict.PASSED)
    strict = outcome_of(passed, Policy(), [KNOWN_CASE])
    assert strict == Outcome(Kind.FAIL, "[XPASS(strict)] known: it passes now; take the entry out of the file")
    assert outcome_of(passed, Policy(allow=frozenset({Allow.STALE})), [KNOWN_CASE]).kind is Kind.PASS
    assert outcome_of(passed, Policy(), [Expectation(target="*", pattern="a.*", reason="known")]).kind is Kind.PASS
    content = Expectation(
        target="*", pattern="a.b", reason="depends", verdicts=frozenset({Verdict.PASSED, Verdict.FAILED})
    )
    assert outcome_of(passed, Policy(), [content]).kind is Kind.PASS


def test_a_skip_tells_its_reason_and_what_was_seen() -> None:
    finding = Finding("to be put", "the target's application does not echo")
    result = result_of(Verdict.SKIPPED, reason=Reason.NEEDS_ECHO, finding=finding)
    assert outcome_of(result, Policy()).words == "needs-echo: the target's application does not echo"
