"""The gate: the last line and the exit code of the real command in each situation."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio

from tests.support.command import CASE, CASES, LONG, TakesAnyMask, answering, closed_port, running, serving, wsconform
from wsconform.fixtures.mutants.http.request_line import DoesNotSkipEmptyLines
from wsconform.fixtures.reference import ReferenceServer
from wsconform.fixtures.reference.frames import Failure
from wsconform.fixtures.reference.pipe import Gone
from wsconform.journal.journal import read
from wsconform.wire.frame import Header

FAMILY = CASES[1]
ARRANGED = ("-c", "closing.handshake.tcp_is_closed_after_our_reply_to_the_targets_close", "--patience", "200ms")
EMPTY_LINE = ("-c", "http.request_line.empty_line_before_the_request_is_skipped")
LARGE = ("-c", "sizes.long_message_comes_back[text-65536]", "--profile", "full")
SECONDS = re.compile(r" \d+\.\d s$")

Serving = Callable[[], AbstractContextManager[int]]


class AcceptsFragmentedControl(ReferenceServer):
    """A server that accepts the error with which a case arranges its requirement."""

    def check_control_fin(self, header: Header) -> Failure | None:
        return None


class LimitsMessages(ReferenceServer):
    """A server that limits the size of messages."""

    max_message = 1024


def flaky(times: int) -> Serving:
    """Return a function that serves a server: it accepts this many wrong masks, and rejects all later ones."""

    class Flaky(ReferenceServer):
        left = times

        def check_mask(self, header: Header) -> Failure | None:
            failure = super().check_mask(header)
            if failure is not None and Flaky.left:
                Flaky.left -= 1
                return None
            return failure

    return lambda: serving(Flaky)


def hanging(connections: int) -> tuple[type[ReferenceServer], threading.Event]:
    """Return a server that hangs after this many connections, and an event that is set when it first hangs."""
    hung = threading.Event()

    class Hangs(ReferenceServer):
        count = 0

        async def converse(self) -> None:
            Hangs.count += 1
            if Hangs.count > connections:
                hung.set()
                await trio.sleep_forever()
            await super().converse()

    return Hangs, hung


@contextmanager
def serving_a_hanging_server() -> Iterator[int]:
    """Serve a server that answers the probe and some cases, and then hangs."""
    with serving(hanging(6)[0]) as port:
        yield port


def violating() -> AbstractContextManager[int]:
    """Serve a server that accepts any mask."""
    return serving(TakesAnyMask)


def listed(*entries: str) -> dict[str, str]:
    """Return an expected.toml with these entries for all targets."""
    return {"expected.toml": "\n".join(['["*"]', *entries, ""])}


BROKEN_CASES = {
    "brokencases/__init__.py": "",
    "brokencases/broken.py": (
        "from wsconform import Connection, case\n\n\n"
        '@case("6455-5.2-6")\n'
        "async def divides_by_nothing(ws: Connection) -> None:\n"
        '    """Nothing can be divided by nothing."""\n'
        "    1 / 0\n"
    ),
    "brokencases-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: brokencases\nVersion: 1\n",
    "brokencases-1.dist-info/entry_points.txt": "[wsconform.cases]\nbroken = brokencases\n",
}


@dataclass(frozen=True)
class Situation:
    """A command, its server and files, its exit code, and its last line of stdout (or its only line of stderr)."""

    code: int
    line: str
    words: tuple[str, ...] = ("{url}", *CASES)
    server: Serving = serving
    files: dict[str, str] | None = None
    before: str = ""


KNOWN = f'"{FAMILY}" = "takes any mask"'
NOT_IN = "Does not conform at MUST: 5 violations are not in expected.toml."
ONE_CASE = ("{url}", "-c", CASE)

SITUATIONS = {
    # --- the gate passes
    "conforms": Situation(0, "Conforms at MUST."),
    "conforms at SHOULD": Situation(0, "Conforms at SHOULD.", ("{url}", "--fail-on", "should", *CASES)),
    "expected violation": Situation(0, "Conforms at MUST.", server=violating, files=listed(KNOWN)),
    "expected until a future date": Situation(
        0,
        "Conforms at MUST.",
        server=violating,
        files=listed(f'"{FAMILY}" = {{ reason = "rewritten in 2.0", until = 2999-12-31 }}'),
    ),
    "departure": Situation(0, "Conforms at MUST.", ("{url}", *EMPTY_LINE), lambda: serving(DoesNotSkipEmptyLines)),
    "limit of the target": Situation(
        0, "Conforms at MUST.", ("{url}", *LARGE, *CASES), lambda: serving(LimitsMessages)
    ),
    "violation, never": Situation(
        0, "Nothing breaks the gate (--fail-on never).", ("{url}", "--fail-on", "never", *CASES), violating
    ),
    "flaky, allowed": Situation(0, "Conforms at MUST.", (*ONE_CASE, "--allow", "flaky"), flaky(1)),
    "flaky, expected": Situation(
        0,
        "Conforms at MUST.",
        ONE_CASE,
        flaky(1),
        listed(f'"{CASE}" = {{ reason = "depends on load", verdict = ["passed", "failed"] }}'),
    ),
    "stale, allowed": Situation(0, "Conforms at MUST.", ("{url}", "--allow", "stale", *CASES), files=listed(KNOWN)),
    "inconclusive, allowed": Situation(
        0,
        "Conforms at MUST.",
        ("{url}", "--allow", "inconclusive", *ARRANGED, *CASES),
        lambda: serving(AcceptsFragmentedControl),
    ),
    "budget used up": Situation(
        0,
        "Conforms at MUST for the cases that ran; 3 cases did not run.",
        ("{url}", "--budget", "3s", "--patience", "600s", "-j", "1", *CASES),
        serving_a_hanging_server,
    ),
    "entry whose other cases run in another shard": Situation(0, "Conforms at MUST.", ONE_CASE, files=listed(KNOWN)),
    # --- the gate fails
    "violation": Situation(1, "Does not conform at MUST: 5 violations.", server=violating),
    "violation that is not in the list": Situation(1, NOT_IN, server=violating, files=listed('"limits.*" = "slow"')),
    "departure, should": Situation(
        1,
        "Does not conform at SHOULD: 1 departure.",
        ("{url}", "--fail-on", "should", *EMPTY_LINE),
        lambda: serving(DoesNotSkipEmptyLines),
    ),
    "inconclusive": Situation(
        1,
        "Does not conform at MUST: 1 inconclusive.",
        ("{url}", *ARRANGED),
        lambda: serving(AcceptsFragmentedControl),
    ),
    "stale: passes": Situation(
        1,
        "FAILED: 1 expectation no longer holds.",
        files=listed(KNOWN),
        before=f'expected.toml: *: "{FAMILY}": passes now; remove the entry with `wsconform expected prune`',
    ),
    "stale: matches nothing": Situation(
        1,
        "FAILED: 1 expectation no longer holds.",
        files=listed('"masking.wrong" = "x"'),
        before='expected.toml: *: "masking.wrong": matches no case; correct the pattern, or remove the entry with'
        " `wsconform expected prune`",
    ),
    "past its date": Situation(
        1,
        "FAILED: 1 expectation no longer holds.",
        server=violating,
        files=listed(f'"{FAMILY}" = {{ reason = "rewritten in 2.0", until = 2020-12-31 }}'),
        before=f'expected.toml: *: "{FAMILY}": past its date 2020-12-31; fix the target, or move the date',
    ),
    "without a reason": Situation(
        1,
        "FAILED: 1 expectation no longer holds.",
        server=violating,
        files=listed(f'"{FAMILY}" = "TODO"'),
        before=f'expected.toml: *: "{FAMILY}": the reason is TODO; write why this failure is accepted',
    ),
    "flaky": Situation(1, "FAILED: 1 flaky case (attempts gave different results).", ONE_CASE, flaky(1)),
    "flaky, in a list without verdicts": Situation(
        1,
        "FAILED: 1 flaky case (attempts gave different results).",
        ONE_CASE,
        flaky(1),
        listed(f'"{CASE}" = "fails now and then"'),
    ),
    "fails twice": Situation(1, "Does not conform at MUST: 1 violation.", ONE_CASE, flaky(2)),
    "fails twice, passes the third time": Situation(
        1, "FAILED: 1 flaky case (attempts gave different results).", (*ONE_CASE, "--retries", "1"), flaky(2)
    ),
    "enough failures": Situation(
        1,
        "Does not conform at MUST: 2 violations; 4 cases did not run.",
        ("{url}", "--max-failures", "2", "-j", "1", *CASES),
        violating,
    ),
    # --- no verdict
    "bad configuration": Situation(
        2,
        "wsconform.toml: fail-on: 'may' is not one of must, should, never",
        files={"wsconform.toml": 'fail-on = "may"\n'},
    ),
    "bad list": Situation(
        2, 'expected.toml: *: "x": the reason is missing; write why this failure is accepted', files=listed('"x" = ""')
    ),
    "wrong usage": Situation(
        2,
        "wsconform run: --shard: '3/2' is not a shard; count from 1/2 to 2/2; see `wsconform run --help`",
        ("{url}", "--shard", "3/2"),
    ),
    "refused": Situation(3, "{gone} could not be tested.", ("{gone}", *CASES)),
    "no WebSocket there": Situation(
        3,
        "{url} could not be tested.",
        server=lambda: answering(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    ),
    "lost": Situation(
        3,
        "{url} was lost. 4 inconclusive.",
        ("{url}", "-j", "1", "--patience", "1s", *CASES),
        lambda: serving(at_most=6),
    ),
    "the suite broke": Situation(
        4, "wsconform failed; this says nothing about the target.", ("{url}", "-c", "broken.*"), files=BROKEN_CASES
    ),
    "nothing selected": Situation(
        5,
        "nothing is selected: no case matches all selectors; see `wsconform list cases`",
        ("{url}", "--level", "may", *CASES),
    ),
    "nothing put": Situation(5, "No case ran against {url}.", ("{url}", "-c", "tls.*")),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_situation_has_its_exit_code_and_its_last_line(name: str, tmp_path: Path) -> None:
    situation = SITUATIONS[name]
    for file, text in (situation.files or {}).items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    with situation.server() as port:
        known = {"url": f"ws://127.0.0.1:{port}/", "gone": f"ws://127.0.0.1:{closed_port()}/"}
        words = [word.format(**known) if word in ("{url}", "{gone}") else word for word in situation.words]
        ended = wsconform("run", *words, folder=tmp_path, env={"PYTHONPATH": str(tmp_path)})
    line = situation.line.format(**known) if situation.code != 2 else situation.line
    lines = ended.out.splitlines()
    last = SECONDS.sub("", lines[-1]) if lines else ended.error
    assert (ended.code, last) == (situation.code, line), ended
    assert "Traceback" not in ended.out + ended.err
    if situation.before:
        assert situation.before in lines


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run(number: signal.Signals, tmp_path: Path) -> None:
    server, hung = hanging(6)
    with serving(server) as port:
        words = ("run", f"ws://127.0.0.1:{port}/", "-j", "1", "--patience", "600s", *CASES)
        with running(*words, folder=tmp_path) as process:
            assert hung.wait(LONG)
            process.send_signal(number)
            out, _ = process.communicate(timeout=LONG)
    assert process.returncode == 130
    assert SECONDS.sub("", out.decode().splitlines()[-1]) == "Interrupted. 3 cases did not run."


@pytest.mark.parametrize(("words", "most", "wrong"), [(("--debugger", "-j", "8"), 1, 6), (("-j", "8"), 6, 11)])
def test_a_debugger_has_one_connection_at_a_time_and_each_case_once(
    words: tuple[str, ...], most: int, wrong: int, tmp_path: Path
) -> None:
    class Counts(TakesAnyMask):
        waiting = most = wrong = 0

        async def run(self) -> None:
            # No client continues before its handshake is answered, so concurrent connections wait here together.
            try:
                await self.pipe.more()
            except Gone:
                # A check that the server listens, which sends no request.
                await self.pipe.end()
                return
            Counts.waiting += 1
            Counts.most = max(Counts.most, Counts.waiting)
            with trio.move_on_after(0.2):
                await trio.sleep_forever()
            Counts.waiting -= 1
            await super().run()

        def check_mask(self, header: Header) -> Failure | None:
            Counts.wrong += header.key is None
            return super().check_mask(header)

    with serving(Counts) as port:
        ended = wsconform("run", f"ws://127.0.0.1:{port}/", *words, *CASES, folder=tmp_path)
    assert ended.code == 1
    assert (Counts.most, Counts.wrong) == (most, wrong), "six cases; failures run a second time, except in a debugger"


def test_merged_shards_equal_the_whole_run(tmp_path: Path) -> None:
    with serving() as port:
        url = f"ws://127.0.0.1:{port}/"
        wanted = ("-c", "masking.*")
        for number in (1, 2, 3):
            shard = ("--shard", f"{number}/3", "-o", f"shard{number}")
            assert wsconform("run", url, *wanted, *shard, folder=tmp_path).code == 0
        assert wsconform("run", url, *wanted, "-o", "whole", folder=tmp_path).code == 0
    merged = wsconform("merge", "shard1", "shard2", "shard3", folder=tmp_path)
    assert (merged.code, merged.err) == (0, "")
    cases = {}
    for name in ("merged.jsonl", "whole/journal.jsonl"):
        ((results),) = (each.results for each in read(tmp_path / name).targets)
        cases[name] = {each.case: each.verdict for each in results}
    assert cases["merged.jsonl"] == cases["whole/journal.jsonl"]
    assert wsconform("diff", "whole", "merged.jsonl", folder=tmp_path).code == 0


def test_the_option_whole_keeps_every_octet(tmp_path: Path) -> None:
    case = "masking.payload_of_any_length_is_unmasked[65535]"
    kept = {}
    with serving() as port:
        for words in ((), ("--whole",)):
            assert wsconform("run", f"ws://127.0.0.1:{port}/", "-c", case, *words, folder=tmp_path).code == 0
            (results,) = (each.results for each in read(tmp_path / "wsconform-out" / "journal.jsonl").targets)
            kept[words] = max(len(entry.octets.head) for entry in results[0].transcript)
    assert kept[()] <= 256
    assert kept[("--whole",)] >= 65535
