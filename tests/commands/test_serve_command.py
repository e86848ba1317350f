"""`wsconform serve` with real clients as processes: results, journals, and wrong usage."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import Ended, running, wsconform
from wsconform.evidence.result import Mark, Reason, Result, Verdict
from wsconform.journal.journal import Journal, read

DRIVERS = Path(__file__).parents[1] / "support" / "drivers"
STOCK = (sys.executable, str(DRIVERS / "stock.py"))
RAW = (sys.executable, str(DRIVERS / "raw.py"))

#: Six cases on an open connection, and eight that refuse the handshake.
OPEN, REFUSED = "masking.wrongly_masked_frame_fails_the_connection", "connecting.statuses.status_other_than_101_*"
FEW = "masking.wrongly_masked_frame_fails_the_connection[text]"
ECHOED = "control.ping.keep_alive_frames_of_a_user_agent_are_accepted[ping]"


def serve(folder: Path, *words: str, cases: tuple[str, ...] = (OPEN, REFUSED)) -> tuple[Ended, Journal]:
    """Run `wsconform serve` with `words` and `cases` on a free port; return its end and its journal."""
    chosen = [word for case in cases for word in ("-c", case)]
    ended = wsconform("serve", "--port", "0", *chosen, "-o", "out", *words, folder=folder)
    return ended, read(folder / "out" / "journal.jsonl")


def results(journal: Journal) -> dict[str, Result]:
    """Return the results of the only client by case."""
    (target,) = journal.targets
    return {result.case: result for result in target.results}


def marks(journal: Journal) -> set[Mark]:
    """Return the marks of the only client's results."""
    return {result.mark for result in results(journal).values()}


class TestDrivers:
    @pytest.mark.parametrize("driver", [(*STOCK, "{url}", "it"), (*RAW, "loop", "{url}", "it")], ids=["stock", "raw"])
    def test_the_loop_runs_unchanged_to_its_end(self, tmp_path: Path, driver: tuple[str, ...]) -> None:
        ended, journal = serve(tmp_path, "--driver", "--", *driver)
        assert (ended.code, ended.err) == (0, "")
        assert [target.target.name for target in journal.targets] == ["it"]
        assert len(results(journal)) == 14
        assert marks(journal) == {Mark.PASSED}
        assert journal.footer is not None
        assert journal.footer.why == "done"
        assert ended.out.splitlines()[-1].startswith("Conforms at MUST.")

    def test_a_driver_that_exits_early_is_restarted_and_continues(self, tmp_path: Path) -> None:
        ended, journal = serve(tmp_path, "-v", "--driver", "--", *RAW, "early", "{url}", "it")
        assert ended.code == 0
        assert len(results(journal)) == 14
        rounds = re.findall(r"^Round (\d+): (\d+) cases$", ended.out, re.MULTILINE)
        # The first round ends with the first handshake that fails, and each round after it with its first case.
        assert [int(count) for _, count in rounds] == [14, *range(7, 0, -1)]

    def test_a_driver_without_progress_is_given_up_and_its_cases_are_inconclusive(self, tmp_path: Path) -> None:
        ended, journal = serve(tmp_path, "--driver", "--", *RAW, "first", "{url}", "it", cases=(OPEN,))
        assert ended.code == 3
        assert ended.error == "it: 5 cases did not run: the driver was started 3 times (exit code 0)"
        found = results(journal)
        assert found.pop(FEW).mark is Mark.PASSED
        assert {(result.verdict, result.reason) for result in found.values()} == {(Verdict.INCONCLUSIVE, Reason.LOST)}

    def test_a_driver_that_hangs_is_killed_and_continues(self, tmp_path: Path) -> None:
        words = ("-v", "--until-idle", "0.5s", "--driver", "--", *RAW, "hang", "{url}", "it")
        ended, journal = serve(tmp_path, *words, cases=("masking.*[text]", "masking.*[ping]"))
        assert ended.code == 0
        assert marks(journal) == {Mark.PASSED}
        rounds = re.findall(r"^Round (\d+): (\d+) cases$", ended.out, re.MULTILINE)
        assert [int(count) for _, count in rounds] == list(range(len(results(journal)), 0, -1))

    def test_a_driver_that_runs_no_case_is_reported_with_its_output(self, tmp_path: Path) -> None:
        ended, journal = serve(tmp_path, "--driver", "--", *RAW, "quit", "{url}")
        assert ended.code == 3
        assert 'ran no case: exit code 7; its last line of output: "no configuration"' in ended.error
        assert journal.footer is not None


class TestEachCase:
    def test_a_client_is_started_for_each_case_and_its_output_is_kept(self, tmp_path: Path) -> None:
        ended, journal = serve(tmp_path, "--agent", "mine", "--", *RAW, "one", "{url}")
        assert (ended.code, ended.err) == (0, "")
        found = results(journal)
        assert len(found) == 14
        assert journal.targets[0].target.name == "mine"
        assert found[FEW].extra["client"] == "exit code 0"
        assert found[FEW].extra["client output"] == "raw client, one"
        refused = next(result for result in found.values() if result.case.startswith("connecting."))
        # It ended with an exception, as it should: the case makes the handshake fail.
        assert refused.extra["client"] == "exit code 1"
        assert "HandshakeFailed" in refused.extra["client output"]
        assert refused.mark is Mark.PASSED

    def test_wrong_echoes_are_the_clients_violation(self, tmp_path: Path) -> None:
        ended, journal = serve(tmp_path, "--", *RAW, "shout", "{url}", cases=(ECHOED,))
        assert ended.code == 1
        result = results(journal)[ECHOED]
        assert (result.mark, result.flaky) == (Mark.VIOLATION, False)
        assert result.finding is not None
        assert "WSCONFORM" in result.finding.observed

    def test_a_failing_case_is_retried_as_often_as_asked(self, tmp_path: Path) -> None:
        """One start is the probe's, two are attempts that fail, and the third attempt finds that the client learned."""
        ended, journal = serve(tmp_path, "--retries", "1", "--", *RAW, "learn", "{url}", cases=(ECHOED,))
        assert (tmp_path / "starts").read_text() == "...."
        result = results(journal)[ECHOED]
        assert (result.verdict, result.flaky) == (Verdict.PASSED, True)
        assert ended.out.splitlines()[-1].startswith("FAILED: 1 flaky case (attempts gave different results).")

    def test_a_run_stops_after_max_failures(self, tmp_path: Path) -> None:
        words = ("--max-failures", "1", "--fail-on", "never", "-j", "1", "--", *RAW, "shout", "{url}")
        ended, journal = serve(tmp_path, *words, cases=("control.ping.keep_alive_frames_of_a_user_agent_are_accepted",))
        found = [result.mark for result in results(journal).values()]
        assert found[0] is Mark.VIOLATION
        assert len(found) > 1
        assert {(result.mark, result.reason) for result in list(results(journal).values())[1:]} == {
            (Mark.SKIPPED, Reason.BUDGET)
        }
        assert ended.code == 0

    def test_a_client_that_does_not_exit_is_killed(self, tmp_path: Path) -> None:
        _, journal = serve(tmp_path, "--", *RAW, "linger", "{url}", cases=(FEW,))
        result = results(journal)[FEW]
        assert result.mark is Mark.PASSED
        assert result.extra["client"] == "ended by the suite: it was still running 2 s after the case"

    def test_a_second_connection_for_a_case_is_refused_and_noted(self, tmp_path: Path) -> None:
        ended, journal = serve(tmp_path, "--", *RAW, "twice", "{url}", cases=(FEW,))
        result = results(journal)[FEW]
        assert result.mark is Mark.PASSED
        assert result.extra["client connections"] == "2; all but the first were refused"
        assert "HTTP/1.1 409 Conflict" in result.extra["client output"]
        assert "has a connection for" in ended.err

    def test_a_client_that_never_connects_is_reported(self, tmp_path: Path) -> None:
        ended, journal = serve(tmp_path, "--connect-within", "1s", "--", *RAW, "deaf", "{url}")
        assert ended.code == 3
        assert "did not connect within 1 s" in ended.error
        assert [target.results for target in journal.targets] == [()]

    def test_a_client_that_exits_without_connecting_is_reported_with_its_exit_code(self, tmp_path: Path) -> None:
        ended, _ = serve(tmp_path, "--", *RAW, "quit", "{url}")
        assert ended.code == 3
        assert 'ended before it connected: exit code 7; its last line of output: "no configuration"' in ended.error

    def test_a_command_that_does_not_exist_is_reported(self, tmp_path: Path) -> None:
        ended, _ = serve(tmp_path, "--", "./no-such-client", "{url}")
        assert ended.code == 2
        assert ended.error.startswith("./no-such-client: cannot be started: ")
        assert ended.error.endswith("check the command after --")

    def test_tls_with_an_authority_that_libraries_find(self, tmp_path: Path) -> None:
        ended, journal = serve(tmp_path, "--tls", "--driver", "--", *STOCK, "{url}", "it", cases=(FEW,))
        assert (ended.code, ended.err) == (0, "")
        assert journal.targets[0].target.transport == "tls"
        assert journal.targets[0].target.address.startswith("wss://127.0.0.1:")
        assert (tmp_path / "out" / "ca.pem").read_text().startswith("-----BEGIN CERTIFICATE-----")

    def test_an_interrupt_leaves_no_client_behind(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pid")
        client = ("sh", "-c", "echo $$ > pid; exec sleep 1000", "{url}")
        words = ("serve", "--port", "0", "-c", FEW, "-o", "out", "--connect-within", "60s", "--", *client)
        with running(*words, folder=tmp_path) as process:
            pid = int((tmp_path / "pid").read_text())
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 130
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
        footer = read(tmp_path / "out" / "journal.jsonl").footer
        assert footer is not None
        assert footer.why == "interrupted"


class TestUnstartedClients:
    def test_clients_connect_by_themselves_and_one_ends_the_session(self, tmp_path: Path) -> None:
        words = ("serve", "--port", "0", "-c", OPEN, "-o", "out", "-r", "json")
        with running(*words, folder=tmp_path) as process:
            assert process.stdout is not None
            first, second = process.stdout.readline().decode(), process.stdout.readline().decode()
            assert first == "Ok, will run 6 test cases for any clients connecting\n"
            url = re.findall(r"ws://[^,\s]+", second)[0]
            for agent in ("one", "two"):
                _call(*RAW, "loop", url, agent)
            assert (tmp_path / "out" / "summary.json").is_file()
            _call(*RAW, "one", f"{url}/stopServer")
            assert process.wait(30) == 0
        journal = read(tmp_path / "out" / "journal.jsonl")
        assert [target.target.name for target in journal.targets] == ["one", "two"]
        assert {result.verdict for target in journal.targets for result in target.results} == {Verdict.PASSED}

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_ends_it_with_everything_written(self, tmp_path: Path, number: signal.Signals) -> None:
        with running("serve", "--port", "0", "-c", OPEN, "-o", "out", "-r", "json", folder=tmp_path) as process:
            assert process.stdout is not None
            process.stdout.readline()
            url = re.findall(r"ws://[^,\s]+", process.stdout.readline().decode())[0]
            _call(*RAW, "one", f"{url}/runCase?case=1&agent=it")
            process.send_signal(number)
            assert process.wait(30) == 130
        journal = read(tmp_path / "out" / "journal.jsonl")
        assert [result.verdict for result in journal.targets[0].results] == [Verdict.PASSED]
        assert journal.footer is not None
        assert journal.footer.why == "interrupted"
        assert (tmp_path / "out" / "summary.json").is_file()

    def test_idle_time_ends_serving_and_cases_nobody_ran_are_inconclusive(self, tmp_path: Path) -> None:
        words = ("serve", "--port", "0", "-c", OPEN, "-o", "out", "--until-idle", "1s")
        with running(*words, folder=tmp_path) as process:
            assert process.stdout is not None
            process.stdout.readline()
            url = re.findall(r"ws://[^,\s]+", process.stdout.readline().decode())[0]
            _call(*RAW, "one", f"{url}/runCase?case=1&agent=it")
            assert process.wait(30) == 1
        reasons = [result.reason for result in results(read(tmp_path / "out" / "journal.jsonl")).values()]
        assert reasons == [None, *[Reason.LOST] * 5]

    def test_a_session_without_clients_is_reported(self, tmp_path: Path) -> None:
        ended, journal = serve(tmp_path, "--until-idle", "0.2s")
        assert ended.code == 5
        assert ended.out.splitlines()[-1].startswith("No client ran a case at ws://127.0.0.1:")
        assert journal.targets == ()


def _call(*words: str) -> None:

    subprocess.run(words, check=True, timeout=60, stdout=subprocess.DEVNULL)


class TestWrongUsage:
    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (("--", "./client"), "no {url}; write it where the client takes its address"),
            (("--browser", "chromium", "--", "x", "{url}"), "--browser starts a client itself"),
            (("--driver",), "--driver is for a client that is started; write its command after --"),
            (("--key", "k.pem"), "--key belongs to a certificate"),
            (("--cert", "no.pem"), "--cert no.pem: cannot be read: No such file or directory"),
            (("--cert", "c", "--tls"), "--tls makes a certificate and --cert names one"),
            (("--url", "http://x"), '--url http://x: not a ws or wss URL; did you mean "ws://x"?'),
            (("--url", "ws://x/path"), "cases have paths of their own; leave out /path"),
            (("--target", "nobody"), "nobody: there is no target of this name"),
            (("--until-idle", "1s", "--", "x", "{url}"), "--until-idle is for clients that run many cases"),
            (("--retries", "1"), "--retries is for a client that is started for each case"),
            (("--max-failures", "1", "--driver", "--", "x", "{url}"), "--max-failures is for a client that is started"),
            (("-c", "no.such.case"), 'no case matches "no.such.case"'),
            (("-c", "opening.*"), "no case"),
            (("--listen", "192.0.2.1"), "does not have that address"),
        ],
    )
    def test_wrong_usage_is_reported_in_one_line(self, tmp_path: Path, words: tuple[str, ...], message: str) -> None:
        ended = wsconform("serve", "--port", "0", *words, folder=tmp_path)
        assert ended.code == 2
        assert message in ended.error
        assert ended.out == ""

    def test_a_port_in_use(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            ended = wsconform("serve", "--port", str(port), folder=tmp_path)
        assert ended.code == 2
        assert ended.error.startswith(f"127.0.0.1:{port}: the port is in use; ")

    def test_a_target_that_is_a_server(self, tmp_path: Path) -> None:
        (tmp_path / "wsconform.toml").write_text('[targets.it]\nurl = "ws://127.0.0.1:1/"\n')
        ended = wsconform("serve", "--target", "it", folder=tmp_path)
        assert ended.code == 2
        assert 'targets.it: role is "server", and `wsconform serve` tests clients' in ended.error
