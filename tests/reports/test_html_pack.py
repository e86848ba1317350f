"""The single file: its packed parts equal the pages of the site, and its size is limited."""

from __future__ import annotations

from pathlib import Path

import pytest
from markupsafe import Markup

from tests.support import journals
from tests.support.markup import read
from tests.support.unpack import unpacked
from wsconform.journal.journal import Journal
from wsconform.reports.html import render
from wsconform.reports.html.pack import Packer, tree


@pytest.mark.parametrize(
    "journal", [journals.plausible(3, 31, faults=3), journals.hostile()], ids=["plausible", "hostile"]
)
def test_a_single_file_equals_the_site(journal: Journal, tmp_path: Path) -> None:
    single = unpacked(read(render([journal], tmp_path, tmp_path / "r.html").read_text(encoding="utf-8")))
    render([journal], tmp_path, None)
    pages = {each.attributes["id"]: each for each in single.all("section", "page")}
    cases = sorted((tmp_path / "report" / "cases").iterdir())
    assert len(cases) > 3
    for path in cases:
        site = read(path.read_text(encoding="utf-8")).one("section", "page")
        packed = pages[f"c-{path.stem}"]
        for css in ("rungs", "one-case", "behaviours", "command"):
            # Blanks between elements do not matter.
            actual, wanted = ([each.text.replace(" ", "") for each in page.all(css=css)] for page in (packed, site))
            assert actual == wanted, path
        assert [each.raw for each in packed.all("pre")] == [each.raw for each in site.all("pre")]


def test_without_scripts_a_case_shows_its_marks_and_an_explanation(tmp_path: Path) -> None:
    page = read(
        render([journals.plausible(3, 31, faults=3)], tmp_path, tmp_path / "r.html").read_text(encoding="utf-8")
    )
    holders = page.all("div", "packed")
    assert len(holders) == len([each for each in page.all("section", "page") if each.attributes["id"].startswith("c-")])
    assert all("a script unpacks them" in each.one("p").text for each in holders)
    family = next(each for each in holders if len(each.all("li")) == 10)
    assert family.all("li")[0].text.startswith("[0x3] ")
    assert not page.all("ol", "ladder")


def test_equal_parts_are_stored_once() -> None:
    packer = Packer()
    assert [packer.add(Markup(each)) for each in ("<p>a</p>", "<p>b</p>", "<p>a</p>")] == ["0:0", "0:1", "0:0"]


def test_the_tree_of_markup() -> None:
    assert tree('<p class="a">x &lt;b&gt; &amp; <wbr>y<b>z</b></p>\n  <pre tabindex="0">1  2&#10;3</pre>') == [
        ["p", {"class": "a"}, "x <b> & ", ["wbr", {}], "y", ["b", {}, "z"]],
        " ",
        ["pre", {"tabindex": "0"}, "1  2\n3"],
    ]
    assert tree('<li title="&quot;&gt;" hidden></li>') == [["li", {"title": '">', "hidden": ""}]]


@pytest.mark.parametrize("wrong", ["<p><b></p></b>", "<p>", "</p>"])
def test_elements_that_are_not_nested_are_rejected(wrong: str) -> None:
    with pytest.raises(ValueError, match="close"):
        tree(wrong)


def test_size_at_thirty_targets_by_seven_hundred_cases(tmp_path: Path) -> None:
    journal = journals.plausible(30, 700)
    assert render([journal], tmp_path, tmp_path / "r.html").stat().st_size < 6_000_000
    assert render([journal], tmp_path, None).stat().st_size < 1_500_000
