"""Outputs and input files are valid by the JSON Schemas that `wsconform schema` prints."""

from __future__ import annotations

import datetime
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from tests.support import journals
from tests.support.command import CASES, serving
from wsconform.cli import main
from wsconform.commands.schema import SCHEMAS, text_of
from wsconform.journal.journal import dumps
from wsconform.prepare import config

DOCS = Path(__file__).parents[2] / "docs"


def validate(value: object, name: str) -> None:
    jsonschema.Draft202012Validator(json.loads(text_of(name))).validate(value)


def printed_json(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main(words) == 0
    return json.loads(capsys.readouterr().out)


def from_toml(text: str) -> Any:
    """Return the values of a TOML text as JSON has them: dates become strings."""
    return json.loads(json.dumps(tomllib.loads(text), default=datetime.date.isoformat))


def blocks(page: str) -> list[str]:
    """Return the TOML blocks of a page of the documentation."""
    return re.findall(r"^```toml\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_printed_schema_is_a_valid_schema(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    schema = printed_json(capsys, "schema", name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["title"]


def test_schemas_are_listed_and_a_typing_error_gets_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(SCHEMAS)
    assert main(["schema", "jurnal"]) == 2
    assert capsys.readouterr().err == 'jurnal: there is no schema of this name; did you mean "journal"?\n'


@pytest.mark.parametrize("create", [lambda: journals.plausible(3, 40, faults=3), journals.journal])
def test_journals_are_valid(create: Any) -> None:
    records = [json.loads(line) for line in dumps(create()).splitlines()]
    assert {record["record"] for record in records} >= {"header"}
    for record in records:
        validate(record, "journal")


def test_the_journal_of_a_real_run_is_valid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving() as port:
        assert main(["run", f"ws://127.0.0.1:{port}/", *CASES, "-o", str(tmp_path), "-q"]) == 0
    for line in (tmp_path / "journal.jsonl").read_text(encoding="utf-8").splitlines():
        validate(json.loads(line), "journal")


@pytest.mark.parametrize("what", ["cases", "requirements", "targets", "profiles"])
def test_printed_lists_are_valid(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    listed = printed_json(capsys, "list", what, "--json")
    assert listed
    validate(listed, what)


def test_printed_probes_are_valid(capsys: pytest.CaptureFixture[str]) -> None:
    with serving() as port:
        validate(printed_json(capsys, "probe", f"ws://127.0.0.1:{port}/", "--json"), "probe")


def test_the_schema_has_every_key_of_the_configuration() -> None:
    schema = json.loads(text_of("configuration"))
    assert set(schema["properties"]) == {*config.KINDS, "targets"}
    assert set(schema["$defs"]["target"]["properties"]) == set(config.TARGET_KINDS)


def test_configurations_in_the_documentation_are_valid() -> None:
    shown = blocks("configuration.md")
    assert shown
    for text in shown:
        validate(from_toml(text), "configuration")
    with pytest.raises(jsonschema.ValidationError, match="rolle"):
        validate({"targets": {"echo-go": {"rolle": "server"}}}, "configuration")


def test_expectations_in_the_documentation_are_valid() -> None:
    shown = [text for text in blocks("gate.md") if "reason" in text]
    assert shown
    for text in shown:
        validate(from_toml(text), "expected")
    with pytest.raises(jsonschema.ValidationError, match="is not valid"):
        validate({"echo-go": {"closing.*": {"issue": "7"}}}, "expected")
