"""The report in Autobahn's format: files, keys, words, and their derivation from our results and transcripts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support import journals
from tests.support.journals import TARGET, came, happened, opened, result, sent
from wsconform.autobahn.ids import NAMELESS, SELECTED, order
from wsconform.catalogue.aliases import autobahn_cases
from wsconform.evidence.result import Direction, EntryKind, Finding, Octets, Reason, Result, TranscriptEntry, Verdict
from wsconform.journal.journal import Journal
from wsconform.registry.requirement import Level, Role
from wsconform.reports import autobahn
from wsconform.reports.autobahn.closing import judge
from wsconform.reports.autobahn.closings import expected_close
from wsconform.reports.autobahn.connection import ObservedConnection
from wsconform.wire.frame import Frame

TABLE = autobahn_cases()
KEYS = [
    "agent",
    "behavior",
    "behaviorClose",
    "case",
    "closedByMe",
    "createStats",
    "createWirelog",
    "description",
    "droppedByMe",
    "duration",
    "expectation",
    "expected",
    "expectedClose",
    "failedByMe",
    "httpRequest",
    "httpResponse",
    "id",
    "isServer",
    "localCloseCode",
    "localCloseReason",
    "received",
    "remoteCloseCode",
    "remoteCloseReason",
    "reportCompressionRatio",
    "reportTime",
    "result",
    "resultClose",
    "rxFrameStats",
    "rxOctetStats",
    "started",
    "trafficStats",
    "txFrameStats",
    "txOctetStats",
    "wasClean",
    "wasCloseHandshakeTimeout",
    "wasNotCleanReason",
    "wasOpenHandshakeTimeout",
    "wasServerConnectionDropTimeout",
    "wirelog",
]

ECHOED = (
    *opened(),
    sent(1000, Frame.text("Hello")),
    came(2000, Frame.text("Hello")),
    sent(2100, Frame.close(1000)),
    came(3890, Frame.close(1000, "bye")),
    happened(3990, "FIN", TARGET),
)
REFUSED = (
    *opened(),
    sent(1000, Frame.text("Hello", rsv=1)),
    came(2000, Frame.close(1002)),
    sent(2100, Frame.close(1002)),
    happened(2200, "FIN", TARGET),
)


def of(id: str, **fields: object) -> Result:
    """Return a result of the case for `id`, an id of Autobahn."""
    return result(TABLE[id][0], **{"transcript": ECHOED, **fields})


def journal(*results: Result, name: str = "it", info: dict[str, str] | None = None) -> Journal:
    """Return a journal of one server."""
    return journals.journal((journals.target(name, info=info or {}), results))


def rendered(folder: Path, *journals: Journal) -> dict[str, Any]:
    """Write the report of the journals `journals`, and return its index."""
    path = autobahn.render(journals, folder, folder / "there")
    assert path == folder / "there" / "index.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="ascii"))
    return found


def case_file(folder: Path, name: str) -> dict[str, Any]:
    """Return the JSON of one case."""
    found: dict[str, Any] = json.loads((folder / "there" / name).read_text(encoding="ascii"))
    return found


class TestIndex:
    def test_the_index_has_the_format_of_autobahn(self, tmp_path: Path) -> None:
        rendered(tmp_path, journal(of("1.1.2"), of("3.1", transcript=REFUSED), name="my Agent/1.0 (é)"))
        assert (tmp_path / "there" / "index.json").read_bytes() == (
            b'{\n   "my Agent/1.0 (\\u00e9)": {\n'
            b'      "1.1.2": {\n         "behavior": "OK",\n         "behaviorClose": "OK",\n         "duration": 3,\n'
            b'         "remoteCloseCode": 1000,\n         "reportfile": "my_agent_1_0_case_1_1_2.json"\n      },\n'
            b'      "3.1": {\n         "behavior": "OK",\n         "behaviorClose": "OK",\n         "duration": 1,\n'
            b'         "remoteCloseCode": 1002,\n         "reportfile": "my_agent_1_0_case_3_1.json"\n      }\n   }\n}'
        )

    def test_the_default_folder_is_autobahn(self, tmp_path: Path) -> None:
        assert autobahn.render([journal(of("1.1.2"))], tmp_path, None) == tmp_path / "autobahn" / "index.json"

    def test_agents_with_equal_file_names_are_kept_apart(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        found = rendered(tmp_path, journal(of("1.1.2"), name="a.b"), journal(of("1.1.2"), name="A b"))
        assert found["a.b"]["1.1.2"]["reportfile"] == "a_b_case_1_1_2.json"
        assert found["A b"]["1.1.2"]["reportfile"] == "a_b_2_case_1_1_2.json"
        printed = capsys.readouterr().err
        assert printed == "-r autobahn: A b and a.b have the same file name; the files of A b begin with a_b_2_case_\n"

    def test_a_long_name_gets_a_file(self, tmp_path: Path) -> None:
        found = rendered(tmp_path, journal(of("1.1.2"), name="x" * 300))
        assert found["x" * 300]["1.1.2"]["reportfile"] == f"{'x' * 120}_case_1_1_2.json"

    def test_an_agent_without_a_name_is_called_by_its_server_field(self, tmp_path: Path) -> None:
        nameless = {NAMELESS: "the Server field"}
        found = rendered(
            tmp_path,
            journal(of("1.1.2"), name="ws://a", info={**nameless, "server": "Caddy"}),
            journal(of("1.1.2"), name="ws://b", info={**nameless, "server": "Caddy"}),
            journal(of("1.1.2"), name="ws://c", info=nameless),
        )
        assert list(found) == ["Caddy", "Caddy (2)", "UnknownServer"]

    def test_a_target_without_results_is_absent(self, tmp_path: Path) -> None:
        assert rendered(tmp_path, journal()) == {}

    def test_an_id_that_shares_a_case_is_present_only_if_selected(self, tmp_path: Path) -> None:
        assert TABLE["1.1.1"] == TABLE["6.1.1"]
        assert list(rendered(tmp_path, journal(of("1.1.1")))["it"]) == ["1.1.1", "6.1.1"]
        selected = journal(of("1.1.1"), info={SELECTED: "1.*, 2.* but not 2.1"})
        assert list(rendered(tmp_path, selected)["it"]) == ["1.1.1"]

    def test_the_worst_of_several_results_counts(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(autobahn, "autobahn_cases", lambda: {"1.1.1": ("a.one", "a.two", "a.three")})
        failed = result("a.two", verdict=Verdict.FAILED, finding=Finding("x", "y", 4), transcript=ECHOED)
        away = result("a.three", verdict=Verdict.SKIPPED, reason=Reason.NOT_OFFERED, transcript=())
        assert rendered(tmp_path, journal(result("a.one"), away))["it"]["1.1.1"]["behavior"] == "OK"
        assert rendered(tmp_path, journal(away))["it"]["1.1.1"]["behavior"] == "UNIMPLEMENTED"
        found = rendered(tmp_path, journal(result("a.one"), failed, away))
        assert found["it"]["1.1.1"]["behavior"] == "FAILED"
        assert "[a.two]" in case_file(tmp_path, "it_case_1_1_1.json")["description"]


class TestBehavior:
    @pytest.mark.parametrize(
        ("fields", "word"),
        [
            ({}, "OK"),
            ({"verdict": Verdict.FAILED}, "FAILED"),
            ({"verdict": Verdict.FAILED, "level": Level.SHOULD}, "NON-STRICT"),
            ({"verdict": Verdict.DEPARTED}, "NON-STRICT"),
            ({"verdict": Verdict.INFORMATIONAL}, "INFORMATIONAL"),
            ({"verdict": Verdict.INCONCLUSIVE, "reason": Reason.LIMIT}, "INFORMATIONAL"),
            ({"verdict": Verdict.INCONCLUSIVE, "reason": Reason.ARRANGING}, "FAILED"),
            ({"verdict": Verdict.INCONCLUSIVE, "reason": Reason.LOST}, "FAILED"),
            ({"verdict": Verdict.SKIPPED, "reason": Reason.NOT_OFFERED}, "UNIMPLEMENTED"),
            ({"verdict": Verdict.SKIPPED, "reason": Reason.NEEDS_ECHO}, "UNIMPLEMENTED"),
            ({"verdict": Verdict.ERROR}, "FAILED"),
            ({"verdict": Verdict.SKIPPED, "reason": Reason.EXCLUDED}, None),
            ({"verdict": Verdict.SKIPPED, "reason": Reason.BUDGET}, None),
            (
                {"role": Role.CLIENT, "verdict": Verdict.INCONCLUSIVE, "reason": Reason.LOST, "transcript": ()},
                None,
            ),
        ],
    )
    def test_each_verdict_has_a_behavior_or_is_absent(
        self, tmp_path: Path, fields: dict[str, object], word: str | None
    ) -> None:
        found = rendered(tmp_path, journal(of("1.1.2", **fields)))
        assert (found["it"]["1.1.2"]["behavior"] if found else None) == word

    def test_cases_that_autobahn_does_not_judge_are_informational(self, tmp_path: Path) -> None:
        entry = rendered(tmp_path, journal(of("7.13.1")))["it"]["7.13.1"]
        assert (entry["behavior"], entry["behaviorClose"]) == ("INFORMATIONAL", "INFORMATIONAL")


OPEN = opened()
CLOSE, OTHER = sent(2000, Frame.close(1000)), sent(2000, Frame.close(1000, rsv=7))
FIN, OUR_FIN = happened(4000, "FIN", TARGET), happened(3500, "our FIN")


def reply(code: int | None, micros: int = 3000) -> TranscriptEntry:
    """Return the target's Close."""
    return came(micros, Frame.close(code))


class TestClosing:
    @pytest.mark.parametrize(
        ("id", "behavior", "entries", "word"),
        [
            ("1.1.1", "OK", (*OPEN, CLOSE, reply(1000), FIN), "OK"),
            ("1.1.1", "OK", (*OPEN, CLOSE, reply(None), FIN), "OK"),
            ("1.1.1", "OK", (*OPEN, CLOSE, reply(1001), FIN), "OK"),
            ("1.1.1", "OK", (*OPEN, CLOSE, reply(1005), FIN), "WRONG CODE"),
            ("1.1.1", "OK", (*OPEN, CLOSE, FIN), "UNCLEAN"),
            ("1.1.1", "OK", (*OPEN, CLOSE, reply(1000)), "FAILED BY CLIENT"),
            ("1.1.1", "OK", (*OPEN, reply(1000, 1500), CLOSE, FIN), "FAILED"),
            ("1.1.1", "OK", (*OPEN, FIN), "FAILED"),
            ("1.1.1", "OK", OPEN, "OK"),
            ("1.1.1", "NON-STRICT", OPEN, "OK"),
            ("1.1.1", "FAILED", OPEN, "FAILED"),
            ("1.1.1", "FAILED", OPEN[:1], "FAILED"),
            ("1.1.1", "FAILED", (), "FAILED"),
            ("12.1.1", "UNIMPLEMENTED", OPEN, "OK"),
            ("9.1.6", "INFORMATIONAL", (*OPEN, reply(1009), FIN), "INFORMATIONAL"),
            ("7.1.6", "OK", (*OPEN, CLOSE, FIN), "INFORMATIONAL"),
            ("3.1", "OK", (*OPEN, reply(1002), FIN), "OK"),
            ("3.1", "OK", (*OPEN, FIN), "OK"),
            ("3.1", "OK", (*OPEN, reply(1000), FIN), "WRONG CODE"),
            ("3.1", "FAILED", (*OPEN, reply(1002)), "FAILED BY CLIENT"),
            ("3.1", "FAILED", OPEN, "FAILED"),
            ("3.1", "FAILED", (*OPEN, CLOSE, reply(1000), FIN), "FAILED"),
            ("3.7", "OK", (*OPEN, OTHER, reply(1002), FIN), "OK"),
            ("6.3.1", "OK", (*OPEN, reply(1007), FIN), "OK"),
            ("6.3.1", "OK", (*OPEN, reply(1002), FIN), "WRONG CODE"),
            ("7.9.1", "OK", (*OPEN, CLOSE, FIN), "OK"),
            ("7.9.1", "OK", (*OPEN, CLOSE, reply(1000), FIN), "OK"),
            ("7.9.1", "NON-STRICT", (*OPEN, CLOSE, reply(1000), FIN), "WRONG CODE"),
            ("7.5.1", "NON-STRICT", (*OPEN, CLOSE, reply(1007), FIN), "OK"),
            ("7.7.10", "OK", (*OPEN, CLOSE, reply(3000), FIN), "OK"),
        ],
    )
    def test_each_ending_has_a_behavior(
        self, id: str, behavior: str, entries: Sequence[TranscriptEntry], word: str
    ) -> None:
        assert judge(ObservedConnection(Role.SERVER, tuple(entries)), expected_close(id), behavior).word == word

    def test_a_client_need_not_end_tcp(self) -> None:
        seen = ObservedConnection(Role.CLIENT, (*OPEN, CLOSE, reply(1000), OUR_FIN))
        assert judge(seen, expected_close("1.1.1"), "OK").word == "OK"
        assert (seen.clean, seen.dropped_by_us) == (True, True)

    def test_expectations_equal_those_of_autobahn(self) -> None:
        by_target = [id for id in TABLE if not expected_close(id).by_tester and order(id)[0] <= 7]
        assert len(by_target) == 105
        assert sum(not expected_close(id).fatal for id in by_target) == 30
        assert {expected_close(id).codes for id in by_target} == {(1002,), (1007,)}
        assert [id for id in TABLE if not expected_close(id).judged] == ["7.1.6", "7.13.1", "7.13.2"]
        assert sorted((id for id in TABLE if expected_close(id).bad_close), key=order) == [
            *("7.3.2", "7.3.6", "7.5.1"),
            *(f"7.9.{number}" for number in range(1, 10)),
        ]
        assert expected_close("7.7.1").codes == (1000, 1000)
        assert (expected_close("7.13.2").codes, expected_close("7.13.2").clean) == ((1000, 65535, 1002), False)
        assert expected_close("7.7.13").codes == (1000, 4999)


class TestCase:
    def test_a_case_file_has_all_keys(self, tmp_path: Path) -> None:
        rendered(tmp_path, journal(of("1.1.2")))
        found = case_file(tmp_path, "it_case_1_1_2.json")
        assert list(found) == sorted(KEYS)
        assert len(KEYS) == 39
        known = {key: found[key] for key in KEYS if key not in ("description", "expectation", "httpRequest", "wirelog")}
        assert known == {
            "agent": "it",
            "behavior": "OK",
            "behaviorClose": "OK",
            "case": 2,
            "closedByMe": True,
            "createStats": True,
            "createWirelog": True,
            "droppedByMe": False,
            "duration": 3,
            "expected": {},
            "expectedClose": {"closeCode": [1000], "closedByMe": True, "requireClean": True},
            "failedByMe": False,
            "httpResponse": journals.RESPONSE.decode(),
            "id": "1.1.2",
            "isServer": False,
            "localCloseCode": 1000,
            "localCloseReason": None,
            "received": [["message", "Hello", False]],
            "remoteCloseCode": 1000,
            "remoteCloseReason": "bye",
            "reportCompressionRatio": False,
            "reportTime": False,
            "result": "Passed.",
            "resultClose": "The connection was closed cleanly.",
            "rxFrameStats": {"1": 1, "8": 1},
            "rxOctetStats": {"7": 2, str(len(journals.RESPONSE)): 1},
            "started": "2027-01-12T09:30:00.000Z",
            "trafficStats": None,
            "txFrameStats": {"1": 1, "8": 1},
            "txOctetStats": {"11": 1, "8": 1, str(len(journals.REQUEST)): 1},
            "wasClean": True,
            "wasCloseHandshakeTimeout": False,
            "wasNotCleanReason": None,
            "wasOpenHandshakeTimeout": False,
            "wasServerConnectionDropTimeout": False,
        }
        assert found["httpRequest"].endswith("\r\n\r\n")

    def test_the_wire_log(self, tmp_path: Path) -> None:
        rendered(tmp_path, journal(of("1.1.2")))
        log = case_file(tmp_path, "it_case_1_1_2.json")["wirelog"]
        key = journals.KEY.hex()
        assert log[0][:1] + log[0][2:] == ["TO", False]
        assert log[0][1] == [len(journals.REQUEST), f"{journals.REQUEST[:64].hex()} ..."]
        assert log[1][0] == "RO"
        assert [entry[0] for entry in log[2:]] == ["TF", "TO", "RO", "RF", "TF", "TO", "RO", "RF"]
        assert log[2] == ["TF", [5, "Hello"], 1, True, 0, key, None, None, False]
        assert log[3] == ["TO", [11, Frame.text("Hello").masked(journals.KEY).encode().hex()], False]
        assert log[5] == ["RF", [5, "Hello"], 1, True, 0, False, None]
        assert log[6] == ["TF", [2, "0x03e8"], 8, True, 0, key, None, None, False]

    def test_long_payloads_are_cut(self, tmp_path: Path) -> None:
        text, octets = Frame.text("é" * 600), Frame.binary(bytes(range(250, 256)) * 100)
        transcript = (*opened(), sent(1000, text), came(2000, text), came(3000, octets))
        rendered(tmp_path, journal(of("1.1.2", transcript=transcript)))
        found = case_file(tmp_path, "it_case_1_1_2.json")
        hexadecimal = (bytes(range(250, 256)) * 100)[:64].hex()
        assert found["received"] == [["message", f"{'é' * 32} ...", False], ["message", f"0x{hexadecimal} ...", True]]
        assert found["wirelog"][2][1] == [1200, f"{'é' * 32} ..."]
        assert found["rxOctetStats"]["1204"] == 1

    def test_a_message_in_pieces_is_one_event(self, tmp_path: Path) -> None:
        pieces = (
            came(1000, Frame.text("a", fin=False)),
            came(1100, Frame.ping(b"?")),
            came(1200, Frame.continuation("b")),
            came(1300, Frame.pong(b"\xff")),
        )
        rendered(tmp_path, journal(of("1.1.2", transcript=(*opened(), *pieces))))
        assert case_file(tmp_path, "it_case_1_1_2.json")["received"] == [
            ["ping", "?"],
            ["message", "ab", False],
            ["pong", "0xff"],
        ]

    @pytest.mark.parametrize(
        ("entries", "why"),
        [
            ((*OPEN, CLOSE, reply(1000), FIN), None),
            ((*OPEN, CLOSE, reply(1000)), "the server left TCP open"),
            ((*OPEN, CLOSE, FIN), "the target ended TCP without a Close"),
            ((*OPEN, CLOSE), "the target sent no Close"),
            ((*OPEN, reply(1002), FIN), "wsconform sent no Close"),
            (OPEN[:1], "the opening handshake was not completed"),
        ],
    )
    def test_an_unclean_end_has_a_reason(
        self, tmp_path: Path, entries: Sequence[TranscriptEntry], why: str | None
    ) -> None:
        rendered(tmp_path, journal(of("1.1.2", transcript=tuple(entries))))
        found = case_file(tmp_path, "it_case_1_1_2.json")
        assert (found["wasClean"], found["wasNotCleanReason"]) == (why is None, why)

    def test_a_cut_head_is_marked(self, tmp_path: Path) -> None:
        octets = b"GET / HTTP/1.1\r\nX: " + b"x" * 300 + b"\r\n\r\n"
        request = TranscriptEntry(
            micros=100,
            direction=Direction.OURS,
            kind=EntryKind.REQUEST,
            summary="GET / HTTP/1.1",
            octets=Octets.of(octets),
        )
        rendered(tmp_path, journal(of("1.1.2", transcript=(request, opened()[1]))))
        assert " ... 131 octets left out ... " in case_file(tmp_path, "it_case_1_1_2.json")["httpRequest"]

    def test_a_handshake_without_a_response(self, tmp_path: Path) -> None:
        lost = of("1.1.2", verdict=Verdict.INCONCLUSIVE, reason=Reason.ARRANGING, transcript=opened()[:1])
        entry = rendered(tmp_path, journal(lost))["it"]["1.1.2"]
        found = case_file(tmp_path, "it_case_1_1_2.json")
        assert (entry["behavior"], entry["behaviorClose"], entry["duration"]) == ("FAILED", "FAILED", 0)
        assert (found["httpResponse"], found["wasOpenHandshakeTimeout"], found["received"]) == ("?", True, [])

    def test_large_volumes_log_only_the_handshake(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(autobahn, "autobahn_cases", lambda: {"9.1.1": ("limits.some",)})
        rendered(tmp_path, journal(result("limits.some", transcript=ECHOED)))
        found = case_file(tmp_path, "it_case_9_1_1.json")
        assert [entry[0] for entry in found["wirelog"]] == ["TO", "RO", "TF", "TO", "RO", "RF"]
        assert (found["received"], found["reportTime"], found["rxFrameStats"]) == ([], True, {"1": 1, "8": 1})

    def test_a_finding_is_shown_with_its_case(self, tmp_path: Path) -> None:
        failed = of("1.1.2", verdict=Verdict.FAILED, finding=Finding("<an echo>", "none", 3), flaky=True)
        rendered(tmp_path, journal(failed))
        found = case_file(tmp_path, "it_case_1_1_2.json")
        assert found["result"] == "Expected <an echo>; observed none. Flaky: the attempts disagreed; this is the last."
        assert found["expectation"] == "&lt;an echo&gt;"
        assert found["description"].endswith(f"[{TABLE['1.1.2'][0]}]")

    def test_case_numbers_depend_on_the_selection_and_global_ones_do_not(self, tmp_path: Path) -> None:
        info = {SELECTED: "1.1.2, 2.1, 3.1"}
        rendered(tmp_path, journal(of("3.1"), info=info))
        assert case_file(tmp_path, "it_case_3_1.json")["case"] == 28
        client = replace(journals.target("it", info=info), role=Role.CLIENT)
        rendered(tmp_path, journals.journal((client, [of("3.1", role=Role.CLIENT)])))
        found = case_file(tmp_path, "it_case_3_1.json")
        assert (found["case"], found["isServer"]) == (3, True)


class TestPage:
    def test_the_word_for_failure_appears_only_with_failures(self, tmp_path: Path) -> None:
        rendered(tmp_path, journal(of("1.1.2"), of("7.13.1")))
        assert (tmp_path / "there" / "index.html").read_text().count("case_failed") == 2
        rendered(tmp_path, journal(of("1.1.2", verdict=Verdict.FAILED, finding=Finding("x", "y"))))
        assert (tmp_path / "there" / "index.html").read_text().count("case_failed") == 3

    def test_names_are_escaped(self, tmp_path: Path) -> None:
        rendered(tmp_path, *(journal(of("1.1.2"), name=name) for name in journals.HOSTILE))
        page = (tmp_path / "there" / "index.html").read_text(encoding="utf-8")
        assert "<script" not in page
        assert "onerror=alert(1)>" not in page
