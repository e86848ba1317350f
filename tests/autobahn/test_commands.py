"""`run` and `serve` with a configuration file of Autobahn: servers, cases, reports."""

from __future__ import annotations

import json
import ssl
import sys
from pathlib import Path

import trustme

from tests.support.command import TakesAnyMask, serving, wsconform
from wsconform.journal.journal import read

STOCK = Path(__file__).parents[1] / "support" / "drivers" / "stock.py"


class TestCommands:
    def test_servers_are_tested_under_the_names_in_the_file(self, tmp_path: Path) -> None:
        with serving() as port:
            servers = [
                {"url": f"ws://127.0.0.1:{port}/", "agent": "one"},
                {"url": f"ws://127.0.0.1:{port}/", "agent": "two", "origin": "http://here"},
                {"url": f"ws://127.0.0.1:{port}/"},
            ]
            spec = {
                "outdir": "reports/servers",
                "servers": servers,
                "cases": ["1.1.1", "3.*", "7.13.1", "11.*"],
                "exclude-cases": ["3.7"],
                "exclude-agent-cases": {"tw*": ["3.1", "3.2"]},
            }
            (tmp_path / "fuzzingclient.json").write_text(json.dumps(spec))
            ended = wsconform("run", "--autobahn-spec", "fuzzingclient.json", folder=tmp_path)
        assert (ended.code, ended.err) == (0, "")
        index = json.loads((tmp_path / "reports" / "servers" / "index.json").read_text())
        assert sorted(index) == ["UnknownServer", "one", "two"]
        assert list(index["one"]) == ["1.1.1", "3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "7.13.1"]
        assert list(index["two"]) == ["1.1.1", "3.3", "3.4", "3.5", "3.6", "7.13.1"]
        assert {(each["behavior"], each["behaviorClose"]) for each in index["one"].values()} == {
            ("OK", "OK"),
            ("INFORMATIONAL", "INFORMATIONAL"),
        }
        # As in Autobahn, a case that passes without a closing handshake ends with one.
        assert index["one"]["1.1.1"]["remoteCloseCode"] == 1000
        written = read(tmp_path / "wsconform-out" / "journal.jsonl")
        assert [b"Origin: " in each.results[0].transcript[0].octets.head for each in written.targets] == [
            False,
            True,
            False,
        ]

    def test_two_servers_with_the_same_agent_have_the_same_exclusions(self, tmp_path: Path) -> None:
        with serving() as port:
            server = {"url": f"ws://127.0.0.1:{port}/", "agent": "A b"}
            spec = {"servers": [server, server], "cases": ["1.1.1", "3.1"], "exclude-agent-cases": {"A b": ["3.*"]}}
            (tmp_path / "s.json").write_text(json.dumps({**spec, "outdir": "out"}))
            ended = wsconform("run", "--autobahn-spec", "s.json", folder=tmp_path)
        assert (ended.code, ended.err) == (0, "")
        index = json.loads((tmp_path / "out" / "index.json").read_text())
        assert {name: list(cases) for name, cases in index.items()} == {"A b": ["1.1.1"], "A b (2)": ["1.1.1"]}

    def test_the_certificate_is_verified_for_the_hostname(self, tmp_path: Path) -> None:
        authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("some.example").configure_cert(context)
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        ended = {}
        with serving(tls=context) as port:
            for name in (None, "some.example", "other.example"):
                server = {"url": f"wss://127.0.0.1:{port}/", "agent": "it", **({"hostname": name} if name else {})}
                spec = {"servers": [server], "cases": ["3.1"], "outdir": "out"}
                (tmp_path / "s.json").write_text(json.dumps(spec))
                flags = ("--cacert", "ca.pem") if name else ()
                ended[name] = wsconform("run", "--autobahn-spec", "s.json", *flags, folder=tmp_path)
        assert {name: each.code for name, each in ended.items()} == {None: 0, "some.example": 0, "other.example": 3}
        assert "Hostname mismatch" in ended["other.example"].error

    def test_targets_on_the_command_line_replace_those_in_the_file(self, tmp_path: Path) -> None:
        (tmp_path / "s.json").write_text(json.dumps({"servers": [], "cases": ["3.1"], "outdir": "out"}))
        ended = wsconform("run", "reference", "--autobahn-spec", "s.json", folder=tmp_path)
        assert (ended.code, ended.err) == (0, "")
        assert list(json.loads((tmp_path / "out" / "index.json").read_text())) == ["reference"]

    def test_a_violation_breaks_the_gate_and_fails_in_the_report(self, tmp_path: Path) -> None:
        with serving(TakesAnyMask) as port:
            case = "masking.wrongly_masked_frame_fails_the_connection[text]"
            ended = wsconform(*("run", f"ws://127.0.0.1:{port}/", "-c", case, "-r", "autobahn=here"), folder=tmp_path)
        assert ended.code == 1
        # The case has no id of Autobahn.
        assert json.loads((tmp_path / "here" / "index.json").read_text()) == {}

    def test_a_driver_with_fixed_case_numbers(self, tmp_path: Path) -> None:
        spec = {
            "url": "ws://127.0.0.1:0/path/that/is/not/looked/at",
            "outdir": "reports/clients",
            "cases": ["1.1.*", "6.1.1", "3.1"],
            "exclude-agent-cases": {"i*": ["1.1.2"]},
        }
        (tmp_path / "fuzzingserver.json").write_text(json.dumps(spec))
        words = ("serve", "--autobahn-spec", "fuzzingserver.json", "--driver", "--agent", "it")
        ended = wsconform(*words, "--", sys.executable, str(STOCK), "{url}", "it", folder=tmp_path)
        assert (ended.code, ended.err) == (0, "")
        index = json.loads((tmp_path / "reports" / "clients" / "index.json").read_text())
        assert list(index["it"]) == ["1.1.1", *(f"1.1.{number}" for number in range(3, 9)), "3.1", "6.1.1"]
        found = json.loads((tmp_path / "reports" / "clients" / "it_case_3_1.json").read_text())
        assert (found["case"], found["isServer"], found["remoteCloseCode"]) == (9, True, 1002)
