"""The output of list, explain, report and probe, which run in this process."""

from __future__ import annotations

import json
import shlex
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.command import CASE, CASES, Say, TakesAnyMask, serving
from tests.support.journals import came, header, journal, opened, result, sent, target
from wsconform.catalogue.case import Item, binding
from wsconform.catalogue.load import load_catalogue
from wsconform.commands.explain import family_lines
from wsconform.console.style import Style
from wsconform.evidence.result import Capability, Finding, Verdict
from wsconform.journal.journal import dumps
from wsconform.registry.registry import load_registry
from wsconform.registry.requirement import Role
from wsconform.wire.frame import Frame

FAMILY = CASES[1]


def listed(say: Say, *words: str) -> list[dict[str, object]]:
    """Return the JSON output of `list`."""
    code, out, err = say("list", *words, "--json")
    assert (code, err) == (0, "")
    found: list[dict[str, object]] = json.loads(out)
    return found


# --- list


def test_cases_are_listed_with_their_requirements(say: Say) -> None:
    code, out, _ = say("list", "cases", *CASES)
    assert code == 0
    assert out.splitlines()[0] == f"{CASE}  RFC 6455 5.1 MUST"
    assert len(out.splitlines()) == 6
    (first, *_) = listed(say, "cases", *CASES)
    assert first["id"] == CASE
    assert (first["requirement"], first["level"], first["kind"]) == ("6455-5.1-3", "MUST", "case")


def test_all_cases_are_listed_unless_a_selector_narrows_them(say: Say) -> None:

    bound = [entry.id for entry in load_catalogue() if binding(entry, Role.SERVER, load_registry())]
    assert [row["id"] for row in listed(say, "cases")] == bound
    ids = {
        str(row["id"])
        for row in listed(say, "cases", "--section", "RFC6455:5.1", "--level", "must", "-x", "monitors.*")
    }
    assert CASE in ids
    assert not any(id.startswith("monitors.") for id in ids)
    quick = {row["profile"] for row in listed(say, "cases", "--profile", "quick") if row["kind"] == "case"}
    assert quick == {"quick"}


def test_clients_have_other_cases(say: Say) -> None:
    servers = {row["id"] for row in listed(say, "cases")}
    clients = {row["id"] for row in listed(say, "cases", "--role", "client")}
    assert CASE in servers & clients
    assert clients - servers


def test_requirements_are_listed_with_the_families_that_cite_them(say: Say) -> None:
    rows = {str(row["id"]): row for row in listed(say, "requirements")}
    registry = load_registry()
    assert list(rows) == list(registry)
    clients = [row["id"] for row in listed(say, "requirements", "--role", "client")]
    assert clients == [id for id, requirement in registry.items() if Role.CLIENT in requirement.roles]
    families = rows["6455-5.1-3"]["families"]
    assert isinstance(families, list)
    assert FAMILY in families
    _, out, _ = say("list", "requirements", "--section", "5.1", "--level", "must")
    assert out.startswith("6455-5.1-1  RFC 6455 5.1 MUST  wire  2 families  The client masks every frame it sends.")
    cited = {row["id"] for row in listed(say, "requirements", *CASES)}
    family = {id for entry in load_catalogue() if entry.family == FAMILY for id in entry.requirements}
    assert cited == family


@pytest.mark.parametrize("role", [Role.SERVER, Role.CLIENT])
def test_requirements_are_narrowed_by_role(say: Say, role: Role) -> None:
    listed_ids = [row["id"] for row in listed(say, "requirements", "--role", role.value)]
    assert listed_ids == [each.id for each in load_registry().values() if role in each.roles]


def test_targets_are_those_of_the_configuration_and_the_reference(say: Say, tmp_path: Path) -> None:
    assert say("list", "targets") == (0, "reference  server  embedded\n", "")
    (tmp_path / "wsconform.toml").write_text('[targets.one]\nurl = "ws://127.0.0.1:1/"\nstart = ["./one"]\n')
    _, out, _ = say("list", "targets")
    assert out.splitlines()[0] == "one  server  ws://127.0.0.1:1/  started by wsconform"
    assert [row["name"] for row in listed(say, "targets")] == ["one", "reference"]
    code, _, err = say("list", "targets", "-c", "x")
    assert code == 2
    assert err == "wsconform list: --case selects cases, not targets; leave it out; see `wsconform list --help`\n"


def test_profiles_are_listed_with_their_numbers_of_cases(say: Say) -> None:
    rows = listed(say, "profiles")
    counts = [row["cases"] for row in rows]
    assert [row["name"] for row in rows] == ["quick", "standard", "full"]
    assert counts == sorted(counts, key=int)  # type: ignore[arg-type]
    assert [row["cases"] for row in listed(say, "profiles", *CASES)][2] == 6


# --- explain


def test_a_case_is_explained(say: Say) -> None:
    code, out, _ = say("explain", CASE)
    assert code == 0
    needed = load_registry()["6455-5.1-3"]
    text = " ".join(out.split())
    assert out.splitlines()[0] == CASE
    assert f"requires {needed.citation} (6455-5.1-3) {needed.text} {needed.url} binds server" in text
    assert f"decided by {' '.join(needed.how.split())}" in text
    assert "requires RFC 6455 5.1 MUST (6455-5.1-6)" in text
    assert "hint check the MASK bit of every frame" in text
    assert out.splitlines()[-1].strip() == f"run alone  wsconform run TARGET -c '{CASE}' -v"
    assert max(map(len, out.splitlines()[:-1])) <= 80


def test_a_family_is_explained_once_with_its_members(say: Say) -> None:
    _, out, _ = say("explain", FAMILY)
    assert "members    6: [text], [empty_binary]," in out
    assert out.splitlines()[-1].strip() == f"run alone  wsconform run TARGET -c {FAMILY} -v"


def test_aliases_are_explained_and_shown(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    (entry,) = (entry for entry in load_catalogue() if entry.id == CASE)
    named = replace(entry, aliases=("autobahn:5.99",))
    monkeypatch.setattr("wsconform.commands.explain.catalogue", lambda: (named,))
    _, out, _ = say("explain", "autobahn:5.*")
    assert out.splitlines()[0] == CASE
    assert "    aliases    autobahn:5.99" in out.splitlines()


def test_every_family_can_be_explained() -> None:
    families: dict[str, list[Item]] = {}
    for entry in load_catalogue():
        families.setdefault(entry.family, []).append(entry)
    for family, members in families.items():
        lines = family_lines(members, load_registry(), Style(ascii=True))
        assert lines[0] == (family if len(members) > 1 else members[0].id)
        assert all(line.isascii() and line.isprintable() for line in lines)


def test_with_a_journal_the_ladder_is_shown(say: Say, tmp_path: Path) -> None:
    failed = result(
        CASE,
        verdict=Verdict.FAILED,
        finding=Finding("the connection to be failed", "an echo", 3),
        transcript=(*opened(), sent(1000, Frame.text("Hello")), came(1400, Frame.text("Hello"))),
    )
    path = tmp_path / "journal.jsonl"
    path.write_text(dumps(journal((target("one"), [failed]), (target("two"), [result()]))))
    code, out, _ = say("explain", CASE, "--in", str(path), "--target", "one")
    assert code == 0
    assert f"✗ {CASE}" in out
    assert "    observed   an echo" in out
    assert any(line.endswith("  ✗") for line in out.splitlines())
    for words, message in [
        ((), f"{path}: has 2 targets; name one with --target: one, two"),
        (("--target", "on"), f'{path}: has no target on; did you mean "one"?'),
        (("--target", "two"), f"{path}: two: {CASE}: has no result there; run it with -c first"),
    ]:
        assert say("explain", CASE, "--in", str(path), *words) == (2, "", f"{message}\n")
    code, _, err = say("explain", CASE, "--target", "one")
    assert (code, err.split(";")[0]) == (2, "wsconform explain: --target names a target of a journal")


# --- report


def test_reports_are_written_to_the_named_paths(say: Say, tmp_path: Path) -> None:
    path = tmp_path / "run" / "journal.jsonl"
    path.parent.mkdir()
    path.write_text(dumps(journal((target(), [result()]))))
    code, out, _ = say("report", str(path), "-r", "junit", "-r", "md=deep/er/summary.md", "-o", "made")
    assert (code, out.splitlines()) == (0, ["made/junit.xml", "deep/er/summary.md"])
    assert (tmp_path / "made" / "junit.xml").read_text().startswith("<?xml")
    assert (tmp_path / "deep" / "er" / "summary.md").exists()
    code, out, _ = say("report", "run", "-r", "json=x.json")
    assert (code, out) == (0, "x.json\n"), "a run's folder stands for its journal"
    assert json.loads((tmp_path / "x.json").read_text())


def test_reports_are_written_about_a_truncated_journal(say: Say, tmp_path: Path) -> None:
    text = dumps(journal((target(), [result()]), why=None))
    (tmp_path / "j.jsonl").write_text(text[:-40])
    assert say("report", "j.jsonl", "-r", "json=x.json")[0] == 0
    assert header().catalogue in text


# --- probe


def test_an_endpoint_is_probed(say: Say) -> None:
    with serving() as port:
        code, out, err = say("probe", f"ws://127.0.0.1:{port}/")
        assert (code, err) == (0, "")
        lines = out.splitlines()
        assert lines[0] == f"ws://127.0.0.1:{port}/"
        assert "  handshake    101 over HTTP/1.1" in lines
        assert "  echo         text is echoed" in lines
        assert any(line.startswith("  extensions   permessage-deflate") for line in lines)
        code, out, _ = say("probe", f"ws://127.0.0.1:{port}/", "--json")
    found = json.loads(out)
    assert (found["echo"], found["transport"], found["chatty"]) == (True, "tcp", False)


def test_the_written_table_is_a_target(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COOKIE", "a=b")
    with serving(TakesAnyMask) as port:
        words = ("probe", f"ws://127.0.0.1:{port}/x", "--write", "-H", "Cookie: a=b", "-H", 'X: "q"')
        code, out, _ = say(*words, "--subprotocol", "chat")
        assert code == 0
        assert out.splitlines()[-1] == f"{tmp_path}/wsconform.toml: added targets.127-0-0-1-{port}"
        table = tomllib.loads((tmp_path / "wsconform.toml").read_text())["targets"][f"127-0-0-1-{port}"]
        assert table == {
            "role": "server",
            "url": f"ws://127.0.0.1:{port}/x",
            "app": "echo",
            "subprotocol": "chat",
            "headers": {"Cookie": "${COOKIE}", "X": '"q"'},
        }
        code, _, err = say(*words)
        assert (code, err) == (
            2,
            f'wsconform.toml: there is a target "127-0-0-1-{port}" already; choose another name with --name\n',
        )
        assert say(*words, "--name", "echo go")[0] == 0
        assert say("run", "echo go", "-q", *CASES)[0] == 1


def test_a_table_is_added_to_an_existing_configuration(say: Say, tmp_path: Path) -> None:
    with serving() as port:
        before = "[tool.wsconform]\nprofile = 'quick' # as it was\n"
        (tmp_path / "pyproject.toml").write_text(before)
        assert say("probe", f"ws://127.0.0.1:{port}/", "--write", "--name", "one")[0] == 0
        after = (tmp_path / "pyproject.toml").read_text()
        assert after.startswith(before)
        assert tomllib.loads(after)["tool"]["wsconform"]["targets"]["one"]["app"] == "echo"
        (tmp_path / "pyproject.toml").write_text("[tool.wsconform]\ntargets = {}\n")
        code, _, err = say("probe", f"ws://127.0.0.1:{port}/", "--write", "--name", "one")
        assert code == 2
        assert "a table cannot be added at its end; add by hand: [tool.wsconform.targets.one]; role" in err


def test_the_rerun_command_of_a_configured_target_names_it(say: Say, tmp_path: Path) -> None:
    with serving(TakesAnyMask) as port:
        (tmp_path / "wsconform.toml").write_text(f'[targets."echo go"]\nurl = "ws://127.0.0.1:{port}/"\n')
        code, out, _ = say("run", *CASES)
        assert code == 1
        rerun = next(line for line in out.splitlines() if line.startswith("    rerun "))
        words = shlex.split(rerun)[2:]
        assert words[:2] == ["run", "echo go"]
        assert say(*words)[0] == 1


def test_probe_measures_the_limits_of_a_target(say: Say) -> None:
    with serving() as port:
        code, out, err = say("probe", f"ws://127.0.0.1:{port}/", "--limits", "--json")
    assert (code, err) == (0, "")
    limits = json.loads(out)["limits"]
    assert set(limits) == set(Capability)
    assert limits["largest message"] == "16777216 octets or more"
    assert " refused: " in limits["longest request line"]
