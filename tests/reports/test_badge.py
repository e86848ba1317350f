"""Badges: their text and colour, and their files."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree

import jsonschema  # type: ignore[import-untyped]
import pytest

from tests.support import journals
from wsconform.evidence.result import Verdict
from wsconform.reports.badge import Badge, badge, endpoint, markdown, render, svg
from wsconform.reports.columns import gather

SCHEMA = json.loads(files("wsconform").joinpath("schemas/badge.json").read_text(encoding="utf-8"))
FAILED = Verdict.FAILED
SVG = "{http://www.w3.org/2000/svg}"


def of(*verdicts: Verdict, why: str | None = "done", expected: str | None = None) -> Badge:
    results = [
        journals.result(f"a.x{place}", verdict=verdict, expected=expected if verdict is FAILED else None)
        for place, verdict in enumerate(verdicts)
    ]
    return badge(gather([journals.journal((journals.target(), results), why=why)]).columns[0])


@pytest.mark.parametrize(
    ("value", "message", "color"),
    [
        (of(Verdict.PASSED, Verdict.PASSED), "MUST 2/2", "green"),
        (of(Verdict.PASSED, FAILED), "MUST 1/2", "red"),
        (of(Verdict.PASSED, FAILED, expected="known"), "MUST 1/2", "orange"),
        (of(Verdict.PASSED, Verdict.ERROR), "MUST 1/1, incomplete", "lightgrey"),
        (of(Verdict.PASSED, why="budget"), "MUST 1/1, incomplete", "lightgrey"),
        (of(Verdict.PASSED, FAILED, why=None), "MUST 1/2", "red"),
        (of(Verdict.SKIPPED), "not tested", "lightgrey"),
        (of(), "not tested", "lightgrey"),
    ],
)
def test_message_and_color(value: Badge, message: str, color: str) -> None:
    assert (value.message, value.color) == (message, color)
    jsonschema.validate(endpoint(value), SCHEMA)
    assert endpoint(value) == {"schemaVersion": 1, "label": "WebSocket", "message": message, "color": color}


def test_the_picture_is_valid_svg_with_a_text_alternative() -> None:
    value = of(Verdict.PASSED, FAILED)
    picture = ElementTree.fromstring(svg(value))
    assert picture.tag == f"{SVG}svg"
    assert picture.attrib["aria-label"] == "WebSocket: MUST 1/2"
    assert [each.text for each in picture.iter(f"{SVG}text")] == ["WebSocket", "MUST 1/2"]
    widths = [int(each.attrib["textLength"]) for each in picture.iter(f"{SVG}text")]
    assert int(picture.attrib["width"]) == sum(widths) + 24
    assert not [each for each in picture.iter() if "id" in each.attrib or "style" in each.attrib]


def test_markdown() -> None:
    assert markdown(of(Verdict.PASSED), "badge.svg") == "![WebSocket: MUST 1/1](badge.svg)"


def test_each_target_has_a_badge(tmp_path: Path) -> None:
    one = journals.journal((journals.target(), [journals.result()]))
    assert render([one], tmp_path / "a", None) == tmp_path / "a"
    assert sorted(each.name for each in (tmp_path / "a").iterdir()) == ["badge.json", "badge.svg"]
    assert render([one], tmp_path, tmp_path / "b" / "ws.svg") == tmp_path / "b" / "ws.svg"
    assert [each.name for each in (tmp_path / "b").iterdir()] == ["ws.svg"]
    assert json.loads(render([one], tmp_path, tmp_path / "x.json").read_bytes())["message"] == "MUST 1/1"
    two = replace(one, targets=(*one.targets, replace(one.targets[0], target=journals.target("Echo/../Go"))))
    render([two], tmp_path, tmp_path / "c")
    assert sorted(each.name for each in (tmp_path / "c").iterdir()) == [
        "badge-Echo-..-Go.json", "badge-Echo-..-Go.svg", "badge-node-ws.json", "badge-node-ws.svg",
    ]  # fmt: skip
    assert render([two], tmp_path, tmp_path / "d" / "ws.svg") == tmp_path / "d"


def test_hostile_names_stay_in_the_folder(tmp_path: Path) -> None:
    render([journals.hostile()], tmp_path / "in", None)
    assert [each.name for each in tmp_path.iterdir()] == ["in"]
    for place in (tmp_path / "in").glob("*.svg"):
        assert ElementTree.fromstring(place.read_bytes()).tag == f"{SVG}svg"


def test_a_journal_without_targets_makes_no_badge(tmp_path: Path) -> None:
    assert render([journals.journal()], tmp_path / "none", None) == tmp_path / "none"
    assert list((tmp_path / "none").iterdir()) == []
