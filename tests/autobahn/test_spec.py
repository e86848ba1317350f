"""Configurations of Autobahn: patterns, keys, and errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.support.command import Say
from tests.support.memory_server import CHOICE, ECHO, REFUSES, MemoryServer, run_with_server
from wsconform.autobahn.ids import SELECTED, Selected, matches, matches_whole, order
from wsconform.autobahn.spec import Server, Spec, read
from wsconform.catalogue.aliases import autobahn_cases
from wsconform.catalogue.case import Profile, binding
from wsconform.catalogue.load import load_catalogue
from wsconform.catalogue.selection import Selection
from wsconform.evidence.result import Reason, Verdict
from wsconform.prepare.autobahn import Older
from wsconform.problem import Problem
from wsconform.registry.registry import load_registry
from wsconform.registry.requirement import Role
from wsconform.serving.plan import Numbering

IDS = (
    *(f"5.{number}" for number in range(1, 21)),
    "1.1.1",
    "9.1.1",
    "10.1.1",
    "12.1.1",
    "12.1.10",
    "12.1.2",
    "13.7.18",
)


def spec(folder: Path, for_servers: bool = True, /, **values: Any) -> Any:
    """Return the configuration read from a file with `values`; `cases` is `["*"]` unless given."""
    usual: dict[str, Any] = {"cases": ["*"], **({"servers": []} if for_servers else {"url": "ws://127.0.0.1:9001"})}
    path = folder / "fuzzing.json"
    path.write_text(json.dumps({**usual, **values}))
    return read(path, servers=for_servers)


class TestPatterns:
    @pytest.mark.parametrize(
        ("pattern", "matched"),
        [
            ("1*", ["1.1.1", "10.1.1", "12.1.1", "12.1.2", "12.1.10", "13.7.18"]),
            ("1.*", ["1.1.1"]),
            ("5.1*", ["5.1", *(f"5.{number}" for number in range(10, 20))]),
            ("5.1", ["5.1"]),
            (
                "*.1",
                [
                    "1.1.1",
                    "5.1",
                    *(f"5.{n}" for n in range(10, 20)),
                    "9.1.1",
                    "10.1.1",
                    "12.1.1",
                    "12.1.2",
                    "12.1.10",
                    "13.7.18",
                ],
            ),
            ("11.*", []),
            (f"{'*' * 60}x", []),
            ("7.9.14", []),
            ("12.1.1", ["12.1.1"]),
            ("1.1.?", []),
            ("1x1*", []),
            ("", []),
        ],
    )
    def test_a_pattern_with_a_star_matches_the_beginning_of_ids(self, pattern: str, matched: list[str]) -> None:
        assert Selected((pattern,)).of(IDS) == matched

    def test_ids_are_sorted_by_number(self) -> None:
        chosen = Selected(("*",)).of(reversed(IDS))
        assert chosen == sorted(IDS, key=order)
        assert chosen.index("9.1.1") < chosen.index("10.1.1") < chosen.index("12.1.2") < chosen.index("12.1.10")

    def test_exclusions_use_the_same_patterns(self) -> None:
        assert Selected(("5.*",), ("5.1*", "5.20", "", "99.*")).of(IDS) == [f"5.{number}" for number in range(2, 10)]

    def test_patterns_for_agents_match_completely(self) -> None:
        assert matches_whole("my*", "my Agent/1.0 (x)")
        assert not matches_whole("my", "my Agent/1.0 (x)")
        assert not matches_whole("5.1", "5.10")
        assert matches("5.1*", "5.10")

    def test_a_selection_is_read_back_from_its_text(self) -> None:
        selected = Selected(("1.*", "2.1"), ("1.2.*",), ("1.1.1",))
        assert str(selected) == "1.*, 2.1 but not 1.2.* without 1.1.1"
        assert Selected.read("2.1 without 2.2") == Selected(("2.1",), (), ("2.2",))
        assert Selected.read(str(selected)) == selected
        assert Selected.read(str(Selected(("*",)))) == Selected(("*",))

    def test_patterns_that_cannot_match_are_left_out_of_the_text(self) -> None:
        odd = Selected(("1.*", "a but not, b"), ("", "x, y"), ("without",))
        assert Selected.read(str(odd)) == Selected(("1.*",))
        assert Selected.read(str(odd)).of(IDS) == odd.of(IDS)

    def test_every_id_of_the_table_has_a_sort_key(self) -> None:
        assert len(sorted(autobahn_cases(), key=order)) >= 247


class TestKeys:
    def test_defaults(self, tmp_path: Path) -> None:
        found = spec(tmp_path)
        assert (found.servers, found.selected, found.outdir) == ((), Selected(("*",)), Path("reports/servers"))
        assert spec(tmp_path, False).outdir == Path("reports/clients")
        assert found.ignored == ()

    def test_servers(self, tmp_path: Path) -> None:
        entries = [
            {"url": "ws://127.0.0.1:9001/chat?x=1"},
            {
                "url": "wss://127.0.0.1:9002",
                "agent": "it",
                "origin": "http://here",
                "protocols": ["a", "b"],
                "hostname": "localhost",
                "options": {},
            },
        ]
        found = spec(tmp_path, servers=entries)
        assert found.servers == (
            Server(url="ws://127.0.0.1:9001/chat?x=1"),
            Server(
                url="wss://127.0.0.1:9002", agent="it", origin="http://here", protocols=("a", "b"), hostname="localhost"
            ),
        )
        assert found.ignored == ()

    def test_address_and_certificate_for_tests_of_clients(self, tmp_path: Path) -> None:
        found = spec(tmp_path, False, url="wss://127.0.0.1:9001", key="k.pem", cert="c.pem", outdir="out")
        assert (found.url, found.key, found.cert) == ("wss://127.0.0.1:9001", Path("k.pem"), Path("c.pem"))
        assert (found.outdir, found.ignored) == (Path("out"), ())

    def test_a_certificate_without_tls_is_reported(self, tmp_path: Path) -> None:
        found = spec(tmp_path, False, key="k.pem", cert="c.pem")
        assert (found.key, found.cert) == (None, None)
        (line,) = found.ignored
        assert (
            line == "fuzzing.json: key, cert: have no effect with ws://127.0.0.1:9001; write a wss address to serve TLS"
        )

    def test_cases_are_excluded_by_agent(self, tmp_path: Path) -> None:
        found = spec(tmp_path, **{"exclude-agent-cases": {"web*": ["5.1", "9.*"], "other": ["*"]}})
        assert found.ids("websockets", IDS) == [id for id in sorted(IDS, key=order) if id not in ("5.1", "9.1.1")]
        assert found.ids("other", IDS) == []
        assert found.ids("my web", IDS) == sorted(IDS, key=order)
        assert str(found.of("websockets", IDS)) == "* without 5.1, 9.1.1"

    @pytest.mark.parametrize("empty", [[""], []])
    def test_an_empty_exclusion_excludes_nothing(self, tmp_path: Path, empty: list[str]) -> None:
        assert spec(tmp_path, **{"exclude-cases": empty}).ids("it", IDS) == sorted(IDS, key=order)

    def test_each_setting_without_effect_is_reported_in_one_line(self, tmp_path: Path) -> None:
        servers = [{"url": "ws://h:1", "agnt": "x", "options": {"failByDrop": True}}]
        options = {"version": 18, "failByDrop": False, "failbydrop": True}
        found = spec(tmp_path, servers=servers, options=options, webport=8080, casses=[], url="ws://h", nobody=1)
        assert found.ignored == (
            "fuzzing.json: webport: has no effect, here or in Autobahn",
            'fuzzing.json: casses: unknown, ignored; did you mean "cases"?',
            "fuzzing.json: url: has no effect here; it is for `wsconform serve --autobahn-spec`",
            "fuzzing.json: nobody: unknown, ignored",
            "fuzzing.json: options: failByDrop, version: have no effect here",
            'fuzzing.json: options.failbydrop: unknown, ignored; did you mean "failByDrop"?',
            'fuzzing.json: servers[0].agnt: unknown, ignored; did you mean "agent"?',
            "fuzzing.json: servers[0].options: failByDrop: have no effect here",
        )

    def test_keys_for_the_other_command_are_reported(self, tmp_path: Path) -> None:
        found = spec(tmp_path, False, servers=[], protocols=["a"])
        assert found.ignored == (
            "fuzzing.json: servers: has no effect here; it is for `wsconform run --autobahn-spec`",
            "fuzzing.json: protocols: has no effect, here or in Autobahn",
        )

    def test_a_byte_order_mark_is_accepted(self, tmp_path: Path) -> None:
        path = tmp_path / "s.json"
        path.write_bytes(b"\xef\xbb\xbf" + json.dumps({"cases": ["*"], "servers": []}).encode())
        assert read(path, servers=True).selected == Selected(("*",))


BROKEN = [
    ("{", "is not JSON: line 1, column 2: Expecting property name enclosed in double quotes; correct it there"),
    ("9" * 5000, "has a number with thousands of digits; correct it there"),
    ("[" * 100_000, "is nested too deeply; name a configuration file of Autobahn"),
    ("[]", "is not a JSON object; write { ... } with cases in it"),
    ("{}", 'cases is missing; write "cases": ["*"] for all'),
    ('{"cases": "1.*", "servers": []}', 'cases is not a list: "1.*"; write a list'),
    ('{"cases": [1], "servers": []}', "cases has an element that is not a string: 1; write strings only"),
    ('{"cases": []}', 'servers is missing; add "servers": [{"url": "ws://127.0.0.1:9001"}]'),
    ('{"cases": [], "servers": {}}', "servers is not a list: {}; write a list"),
    ('{"cases": [], "servers": [7]}', 'servers[0] is not an object: 7; write {"url": "ws://127.0.0.1:9001"}'),
    ('{"cases": [], "servers": [{}]}', 'servers[0].url is missing; add "url": "ws://127.0.0.1:9001"'),
    ('{"cases": [], "servers": [{"url": 1}]}', "servers[0].url is not a string: 1; write a string"),
    ('{"cases": [], "servers": [], "outdir": 5}', "outdir is not a string: 5; write a string"),
    ('{"cases": [], "servers": [], "options": []}', "options is not an object: []; write an object"),
    (
        '{"cases": [], "servers": [], "exclude-agent-cases": {"a": "1.*"}}',
        'exclude-agent-cases.a is not a list: "1.*"; write a list',
    ),
]


class TestErrors:
    @pytest.mark.parametrize(("text", "message"), BROKEN, ids=range(len(BROKEN)))
    def test_each_error_is_one_line(self, tmp_path: Path, text: str, message: str) -> None:
        path = tmp_path / "s.json"
        path.write_text(text)
        with pytest.raises(Problem) as caught:
            read(path, servers=True)
        assert caught.value.text == f"--autobahn-spec {path}: {message}"
        assert int(caught.value.exit) == 2

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(Problem, match="cannot be read: No such file or directory; name a configuration file"):
            read(tmp_path / "none.json", servers=True)

    def test_a_file_that_is_not_utf_8(self, tmp_path: Path) -> None:
        (tmp_path / "s.json").write_bytes(b"\xff")
        with pytest.raises(Problem, match="is not in UTF-8; save it as UTF-8"):
            read(tmp_path / "s.json", servers=True)

    def test_a_key_without_a_certificate(self, tmp_path: Path) -> None:
        with pytest.raises(Problem, match="key has no cert"):
            spec(tmp_path, False, key="k.pem")

    def test_the_address_is_required_for_tests_of_clients(self, tmp_path: Path) -> None:
        with pytest.raises(Problem, match="url is missing"):
            spec(tmp_path, False, url=None)


#: A case under two ids, one whose handshake fails between them, and one more.
SERVED = (("1.1.1", ECHO), ("2.1", REFUSES), ("9.1.1", CHOICE), ("10.1.1", ECHO))


def numbering(without: Mapping[str, tuple[str, ...]] | None = None) -> Numbering:
    """Return the numbers of `SERVED`; `without` has the excluded ids by agent."""
    return Numbering(SERVED, lambda agent: Selected(("*",), without=(without or {}).get(agent, ())))


class TestNumbers:
    """The control addresses with a configuration that selects the cases."""

    def test_numbers_and_ids_follow_the_selection(self) -> None:
        async def body(server: MemoryServer) -> None:
            assert (await server.ask("/getCaseCount")).messages == ["4"]
            infos = [(await server.ask(f"/getCaseInfo?case={number}")).messages[0] for number in range(1, 5)]
            assert [json.loads(each)["id"] for each in infos] == ["1.1.1", "2.1", "9.1.1", "10.1.1"]
            (named,) = (await server.ask("/getCaseInfo?casetuple=10.1.1")).messages
            assert json.loads(named)["id"] == "10.1.1"
            assert (await server.ask("/getCaseInfo?case=5")).status == 404
            assert (await server.ask("/getCaseInfo?casetuple=2.2")).status == 404

        run_with_server(body, numbering=numbering())

    def test_a_case_with_two_ids_runs_under_both(self) -> None:
        async def body(server: MemoryServer) -> None:
            await server.run("case=1")
            await server.run("case=4")
            await server.run("casetuple=9.1.1")
            for which, word in (("case=1", "OK"), ("casetuple=10.1.1", "OK"), ("case=3", "INFORMATIONAL")):
                (status,) = (await server.ask(f"/getCaseStatus?{which}&agent=toy")).messages
                assert json.loads(status) == {"behavior": word}

        book = run_with_server(body, numbering=numbering())
        assert [result.case for _, result in book.results] == [ECHO.id, ECHO.id, CHOICE.id]
        assert book.details == [
            f"Running test case ID {id} for agent toy from peer 127.0.0.1:{port}"
            for id, port in (("1.1.1", 50001), ("10.1.1", 50002), ("9.1.1", 50003))
        ]
        (record,) = book.targets
        assert (record.role, record.info[SELECTED]) == (Role.CLIENT, "*")

    def test_an_excluded_case_is_closed_at_once_and_keeps_its_number(self) -> None:
        async def body(server: MemoryServer) -> None:
            assert (await server.ask("/getCaseCount")).messages == ["4"]
            answer = await server.run("case=3")
            assert (answer.status, answer.messages, answer.close) == (101, [], 1005)
            assert (await server.run("case=4")).messages != []
            assert (await server.run("case=3", "other")).messages != []

        book = run_with_server(body, numbering=numbering({"toy": ("9.1.1", "1.1.1")}))
        left_out = [result for _, result in book.results if result.verdict is Verdict.SKIPPED]
        # The case that also runs under another id is not skipped.
        assert [(result.case, result.reason) for result in left_out] == [(CHOICE.id, Reason.EXCLUDED)]
        assert "Skipping test case 9.1.1 for agent toy by test configuration!" in book.details
        assert book.targets[0].info[SELECTED] == "* without 9.1.1, 1.1.1"


class TestCatalogue:
    """The table of ids; drivers contain some of its numbers."""

    GLOBAL: ClassVar = {
        "1.1.1": 1,
        "2.1": 17,
        "3.1": 28,
        "4.1.1": 35,
        "5.1": 45,
        "6.1.1": 65,
        "7.1.1": 210,
        "9.1.1": 247,
    }

    def test_every_id_has_a_case_for_clients_under_the_number_of_autobahn(self) -> None:
        older = Older(Spec(path=Path("s.json"), selected=Selected(("*",)), outdir=Path("out")), autobahn_cases())
        numbered = older.numbering(Selection(profile=Profile.FULL), load_catalogue(aliases=False), load_registry())
        ids = [id for id, _ in numbered.cases]
        assert len(ids) == 517
        known = {**self.GLOBAL, "10.1.1": 301, "12.1.1": 302, "13.1.1": 392, "13.7.18": 517}
        assert {id: ids.index(id) + 1 for id in known} == known

    def test_every_id_has_a_case_for_servers(self) -> None:
        entries = {entry.id: entry for entry in load_catalogue(aliases=False)}
        registry = load_registry()
        without = [
            id
            for id, cases in autobahn_cases().items()
            if not any(binding(entries[case], Role.SERVER, registry) for case in cases)
        ]
        assert without == []


class TestCommands:
    """Errors of the commands before any case runs; `say` runs them in this process, in a temporary folder."""

    def file(self, **values: Any) -> str:
        Path("s.json").write_text(json.dumps(values))
        return "--autobahn-spec=s.json"

    def test_an_empty_selection_is_reported(self, say: Say) -> None:
        word = self.file(cases=["11.*"], servers=[{"url": "ws://127.0.0.1:9"}])
        assert say("run", word)[::2] == (
            5,
            "nothing is selected: s.json: its patterns take no id; see docs/from-autobahn.md\n",
        )
        word = self.file(cases=[], url="ws://127.0.0.1:9001")
        assert say("serve", word)[0] == 5

    def test_a_server_is_required(self, say: Say) -> None:
        code, _, err = say("run", self.file(cases=["1.*"], servers=[]))
        assert code == 2
        assert "servers is empty and no target is named; name one: wsconform run ws://HOST:PORT/" in err

    @pytest.mark.parametrize("command", ["run", "serve"])
    def test_an_invalid_address_is_reported(self, say: Say, command: str) -> None:
        word = self.file(cases=["1.*"], servers=[{"url": "http://h/"}], url="http://h/")
        code, _, err = say(command, word)
        where = "servers[0].url" if command == "run" else "url"
        assert (code, err.count("\n")) == (2, 1)
        assert f'--autobahn-spec s.json: {where}: http://h/: not a ws or wss URL; did you mean "ws://h/"?' in err

    def test_an_outdir_that_cannot_be_created(self, say: Say) -> None:
        Path("taken").write_text("")
        word = self.file(cases=["1.1.1"], servers=[{"url": "ws://127.0.0.1:9"}], outdir="taken/here")
        code, _, err = say("run", word)
        assert code == 2
        assert "s.json: outdir taken/here: cannot be created: Not a directory" in err
