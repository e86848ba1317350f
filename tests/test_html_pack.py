"""The single file: what is packed in it, and that nothing gets lost on the way; its size."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from markupsafe import Markup

from tests import journals
from tests.markup import Element, read
from wsconform.journal import Journal
from wsconform.reports.html import render
from wsconform.reports.html.ladder import Row
from wsconform.reports.html.pack import Node, Packer, tree
from wsconform.result import Octets
from wsconform.wire.frame import apply_mask


def element(node: Node) -> list[Element | str]:
    """A packed part as the script builds it: an element or a text, or the rows of a ladder."""
    if isinstance(node, str):
        return [node]
    if isinstance(node, dict):
        return [rung(row) for row in node["rows"]]
    tag, attributes, *children = node
    assert isinstance(tag, str)
    assert isinstance(attributes, dict)
    return [Element(tag, attributes, [each for child in children for each in element(child)])]  # type: ignore[arg-type]


def rung(row: Sequence[Any]) -> Element:
    """A packed row, its octets read back: the mask is on them again."""
    side, time, summary, connection, told, fields, head, octets, masked, cut = row
    whole = bytes.fromhex(octets)
    if masked:
        whole = whole[:masked] + apply_mask(whole[masked:], whole[masked - 4 : masked])
    kept = Octets.of(whole, whole=True)
    if cut:
        kept = Octets(whole, bytes.fromhex(cut[2]), int(cut[0]), cut[1])
    made = Row(side, time, summary, connection, bool(told), tuple((name, value) for name, value in fields), (), kept)
    texts = [time, f"{side}:" if side != "event" else "", f"#{connection} " if connection > 1 else "", summary]
    texts += [*([told[1], "this decided"] if told else []), *(part for field in made.fields for part in field)]
    pres = [Element("pre", {}, [text]) for text in (head, "\n".join(made.dump)) if text]
    return Element("li", {"class": f"{side} decided {told[0]}" if told else side}, [*texts, *pres])


def unpacked(page: Element) -> Element:
    """The page with every packed part in its place."""
    packs = [
        json.loads(zlib.decompress(base64.b64decode(each.raw), -15)) for each in page.all("script", type="text/plain")
    ]

    def fill(holder: Element) -> None:
        for each in [holder, *holder]:
            if "data-pack" in each.attributes:
                pack, place = map(int, each.attributes.pop("data-pack").split(":"))
                each.children = [child for node in packs[pack][place] for child in element(node)]
                fill(each)

    fill(page)
    return page


@pytest.mark.parametrize(
    "journal", [journals.plausible(3, 31, faults=3), journals.hostile()], ids=["plausible", "hostile"]
)
def test_a_single_file_has_what_the_site_has(journal: Journal, tmp_path: Path) -> None:
    single = unpacked(read(render([journal], tmp_path, tmp_path / "r.html").read_text(encoding="utf-8")))
    render([journal], tmp_path, None)
    pages = {each.attributes["id"]: each for each in single.all("section", "page")}
    cases = sorted((tmp_path / "report" / "cases").iterdir())
    assert len(cases) > 3
    for path in cases:
        site = read(path.read_text(encoding="utf-8")).one("section", "page")
        packed = pages[f"c-{path.stem}"]
        for css in ("rungs", "put", "behaviours", "again"):
            # Blanks between elements are nobody's concern.
            told, wanted = ([each.text.replace(" ", "") for each in page.all(css=css)] for page in (packed, site))
            assert told == wanted, path
        assert [each.raw for each in packed.all("pre")] == [each.raw for each in site.all("pre")]


def test_without_scripts_a_case_has_its_marks_and_a_line_that_says_why(tmp_path: Path) -> None:
    page = read(
        render([journals.plausible(3, 31, faults=3)], tmp_path, tmp_path / "r.html").read_text(encoding="utf-8")
    )
    holders = page.all("div", "packed")
    assert len(holders) == len([each for each in page.all("section", "page") if each.attributes["id"].startswith("c-")])
    assert all("scripts open it" in each.one("p").text for each in holders)
    family = next(each for each in holders if len(each.all("li")) == 10)
    assert family.all("li")[0].text.startswith("[0x3] ")
    assert not page.all("ol", "ladder")


def test_equal_parts_are_kept_once() -> None:
    packer = Packer()
    assert [packer.add(Markup(each)) for each in ("<p>a</p>", "<p>b</p>", "<p>a</p>")] == ["0:0", "0:1", "0:0"]


def test_what_a_tree_is_made_of() -> None:
    assert tree('<p class="a">x &lt;b&gt; &amp; <wbr>y<b>z</b></p>\n  <pre tabindex="0">1  2&#10;3</pre>') == [
        ["p", {"class": "a"}, "x <b> & ", ["wbr", {}], "y", ["b", {}, "z"]],
        " ",
        ["pre", {"tabindex": "0"}, "1  2\n3"],
    ]
    assert tree('<li title="&quot;&gt;" hidden></li>') == [["li", {"title": '">', "hidden": ""}]]


@pytest.mark.parametrize("wrong", ["<p><b></p></b>", "<p>", "</p>"])
def test_what_is_not_closed_is_not_packed(wrong: str) -> None:
    with pytest.raises(ValueError, match="close"):
        tree(wrong)


def test_size_at_thirty_targets_by_seven_hundred_cases(tmp_path: Path) -> None:
    made = journals.plausible(30, 700)
    assert render([made], tmp_path, tmp_path / "r.html").stat().st_size < 6_000_000
    assert render([made], tmp_path, None).stat().st_size < 1_500_000
