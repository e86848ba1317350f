"""The pages of the HTML report on requirements, documents, disagreements and changes; columns of earlier days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.support import journals
from tests.support.markup import Element, read
from wsconform.evidence.result import Finding, Result, Verdict
from wsconform.journal.journal import Journal
from wsconform.reports.html import render

FAILED = Verdict.FAILED
LETTERS = {"P": Verdict.PASSED, "F": FAILED, "S": Verdict.SKIPPED, "D": Verdict.DEPARTED}


def site(journal: Journal, folder: Path, page: str = "index.html", against: Sequence[Journal] = ()) -> Element:
    index = render([journal], folder, None, against=against)
    return read((index.parent / page).read_text(encoding="utf-8"))


def run(start: str = "2027-01-12", **targets: dict[str, str]) -> Journal:
    """Return a journal in which each of `targets` has the verdicts of the letters, by case."""
    columns = [
        (
            journals.target(name.replace("_", "-")),
            [
                journals.result(
                    case,
                    title=case,
                    verdict=LETTERS[letter],
                    finding=Finding("a", f"saw {letter}") if letter != "P" else None,
                )
                for case, letter in cases.items()
            ],
        )
        for name, cases in targets.items()
    ]
    journal = journals.journal(*columns)
    return replace(journal, header=replace(journal.header, start=f"{start}T09:30:00Z"))


# --- requirements and documents


def covering() -> Journal:
    """Return a journal of one server whose cases cover three requirements of RFC 6455 and an unknown one."""
    return journals.journal(
        (
            journals.target(),
            [
                journals.result(cites=("6455-5.1-3", "6455-5.1-6", "6455-5.2-3")),
                journals.result("x.y", requirement="0000-1-1", cites=(), verdict=FAILED),
                journals.result("x.z", requirement="6455-5.5.1-13", cites=(), verdict=FAILED),
            ],
        )
    )


def test_requirements_are_sections_with_a_square_each(tmp_path: Path) -> None:
    page = site(covering(), tmp_path, "requirements.html")
    tiles = {each.one("b").text: each for each in page.all("section", "document")[0].all("a", "tile")}
    assert tiles["5.1"].attributes["href"] == "documents/rfc6455.html#section-5.1"
    assert tiles["5.1"].one("i").text == "1 passed, 3 without a case"
    squares = tiles["5.2"].one("span", "heat").all("span")
    assert {"ok", "none"} == {css for each in squares for css in each.classes}
    assert "passed" in tiles["5.2"].one("i").text
    assert "without a case" in tiles["5.2"].one("i").text
    # The square shows its mark as text, so that no reader depends on colours.
    marks = {
        css: each.text
        for tile in tiles.values()
        for each in tile.one("span", "heat").all("span")
        for css in each.classes
    }
    assert marks["bad"] == "✗"


def test_requirements_without_a_case_are_listed(tmp_path: Path) -> None:
    page = site(covering(), tmp_path, "requirements.html")
    first = page.all("section", "document")[0]
    ids = [each.one("code").text for each in first.one("details", "uncovered").all("li")]
    assert "6455-5.2-4" in ids
    assert "6455-5.1-6" not in ids  # binds clients, and the only target is a server
    assert "6455-5.1-3" not in ids
    assert first.one("h2").one("span", "count").text == f"3 of {len(ids) + 3} covered"
    assert "Not in this registry" in page.text


def test_a_document_has_every_requirement_that_concerns_the_targets(tmp_path: Path) -> None:
    page = site(covering(), tmp_path, "documents/rfc6455.html")
    rows = {row.one("code").text.partition(" ")[0]: row for row in page.all("tr") if row.all("code")}
    assert rows["6455-5.1-3"].all("td")[0].classes == {"ok"}
    assert rows["6455-5.2-3"].all("td")[0].classes == {"ok"}  # cited beside the deciding requirement
    assert "6455-5.1-6" not in rows
    assert rows["6455-5.2-4"].one("td").text == "no case"
    assert "6455-3-1" not in rows  # cannot be observed on the wire
    unknown = site(covering(), tmp_path, "documents/unknown.html")
    assert [each.classes for each in unknown.all("td")] == [{"bad"}]
    sections = {each.attributes["id"]: each for each in page.all("details", "area")}
    assert "open" in sections["section-5.5.1"].attributes or sections["section-5.5.1"].all("b", "dep")
    assert "open" not in sections["section-5.1"].attributes


# --- disagreements


def test_disagreements_are_sorted_by_how_evenly_targets_are_split(tmp_path: Path) -> None:
    cases = {"a.even": "PPFF", "a.odd": "PPPF", "a.same": "PPPP", "a.out": "PPPS"}
    one, two, three, four = ({case: word[place] for case, word in cases.items()} for place in range(4))
    journal = run(node_ws=one, tungstenite=two, echo_go=three, libwebsockets=four)
    page = site(journal, tmp_path, "disagreements.html")
    assert [each.one("h2").text for each in page.all("li", "split")] == ["a.even", "a.odd"]
    sides = page.all("li", "split")[1].one("ul", "sideslist").all("li")
    assert [each.text for each in sides] == [
        "✓passed 3 Close 1002 node-ws, tungstenite, echo-go",
        "✗violation 1 saw F libwebsockets",
    ]


def test_sides_are_labelled_by_behaviour_and_equal_splits_are_shown_once(tmp_path: Path) -> None:
    def results(conduct: str) -> list[Result]:
        family = journals.FAMILIES[0]
        return [journals.judged(family, parameter, conduct) for parameter in family.parameters[:3]]

    conducts = {"a": "refuse", "b": "refuse", "c": "fin", "d": "echo"}
    columns = [(journals.target(name), results(conduct)) for name, conduct in conducts.items()]
    page = site(journals.journal(*columns), tmp_path, "disagreements.html")
    (split,) = page.all("li", "split")
    assert split.one("p", "ids").text.endswith("fails_the_connection[0x3] and [0x4] [0x5]")
    assert [each.text for each in split.one("ul", "sideslist").all("li")] == [
        "✓passed 2 Close 1002, then FIN a, b",
        "✓passed 1 FIN c",
        "✗violation 1 opcode 0x3, then Close 1000 d",
    ]


def test_a_page_without_disagreements_has_a_text(tmp_path: Path) -> None:
    page = site(run(a={"x.y": "P"}, b={"x.y": "P"}), tmp_path, "disagreements.html")
    assert page.one("p", "nothing").text.startswith("There are no disagreements")


# --- changes


def kinds(page: Element) -> dict[str, Element]:
    return {each.one("h2").text: each for each in page if "kind" in each.classes and each.all("h2")}


def test_changes_are_shown_by_kind_target_and_case(tmp_path: Path) -> None:
    before = run("2027-01-05", ws={"a.x": "P", "a.y": "F", "a.z": "P", "a.gone[1]": "P", "a.same": "F", "a.d": "P"})
    after = run(ws={"a.x": "F", "a.y": "P", "a.z": "S", "a.new[1]": "P", "a.new[2]": "P", "a.same": "F", "a.d": "D"})
    page = site(after, tmp_path, "changes.html", [before])
    assert page.one("p", "lead").text == "7 results differ from those of 2027-01-05; 1 other kept its mark."
    found = kinds(page)
    assert list(found) == [
        "Newly violated 1",
        "Newly passed 1",
        "No longer decided 1",
        "Otherwise changed 1",
        "New cases 2",
        "Gone cases 1",
    ]
    (worse,) = found["Newly violated 1"].one("ul", "deltas").all("li")
    assert worse.text == "✓passed→✗violation a.x observed: saw Fa.x"
    assert worse.one("a").attributes["href"] == "cases/a.x.html#case"
    assert "before: saw F" in found["Newly passed 1"].text
    (new,) = found["New cases 2"].one("ul", "deltas").all("li")
    assert new.text == "+new→✓passed a.new[1] a.new[1] and [2]"
    (gone,) = found["Gone cases 1"].one("ul", "deltas").all("li")
    assert not gone.all("a")
    assert page.all("a", **{"data-page": "changes"})[0].text == "Changes 1newly violated"


def test_each_kind_without_changes_has_a_text(tmp_path: Path) -> None:
    journal = run(ws={"a.x": "P"})
    page = site(journal, tmp_path, "changes.html", [journal])
    assert page.one("p", "lead").text == "No result differs from those of 2027-01-12; 1 kept its mark."
    assert [each.one("p", "nothing").text for each in kinds(page).values()][:2] == [
        "No target violates a MUST that it did not violate before.",
        "No case that was violated before passes now.",
    ]


def test_without_an_earlier_journal_there_is_no_page_of_changes(tmp_path: Path) -> None:
    page = site(run(ws={"a.x": "P"}), tmp_path)
    assert not page.all("a", **{"data-page": "changes"})
    assert not (tmp_path / "report" / "changes.html").exists()


def test_runs_without_a_common_target_cannot_be_compared(tmp_path: Path) -> None:
    before, after = run("2027-01-05", a={"a.x": "P"}, b={"a.x": "P"}), run(c={"a.x": "F"}, d={"a.x": "P"})
    page = site(after, tmp_path, "changes.html", [before])
    assert page.one("p", "lead").text == (
        "No target has results here and in an earlier journal (2027-01-05): there is nothing to compare."
    )
    assert list(kinds(page)) == ["Targets"]


def test_a_change_of_the_catalogue_is_mentioned(tmp_path: Path) -> None:
    before = run(ws={"a.x": "P"})
    before = replace(before, header=replace(before.header, catalogue="1.3"))
    page = site(run(ws={"a.x": "F"}), tmp_path, "changes.html", [before])
    assert "the earlier run used catalogue 1.3, this one 1.4" in page.one("p", "warn").text


# --- columns of earlier days


def test_a_target_without_a_journal_keeps_its_column_marked_with_its_last_date(tmp_path: Path) -> None:
    before = run("2027-01-05", ws={"a.x": "P"}, gone={"a.x": "F"}, untested={"a.x": "P"})
    after = run(ws={"a.x": "P"}, untested={}, young={"a.x": "P"})
    index = site(after, tmp_path, against=[before])
    heads = index.one("table", "head").one("thead").all("th")
    assert [each.text for each in heads] == ["ws", "untested2027-01-05", "young", "gone2027-01-05"]
    assert ["kept" in each.classes for each in heads] == [False, True, False, True]
    (row,) = [each for each in index.all("tr") if "data-l" in each.attributes]
    assert [sorted(each.classes) for each in row.all("td")] == [["ok"], ["kept", "ok"], ["ok"], ["bad", "kept"]]
    page = site(after, tmp_path, "targets/gone.html", [before])
    assert "these are from its last run, 2027-01-05" in page.one("p", "warn").text
    changes = site(after, tmp_path, "changes.html", [before])
    assert "new young is in no earlier journal" in changes.text
    assert "gone gone has no results this time; its column shows those of 2027-01-05" in changes.text


def test_columns_of_an_earlier_day_show_its_date(tmp_path: Path) -> None:
    index = render([run("2027-01-05", old={"a.x": "P"}), run(young={"a.x": "P"})], tmp_path, None)
    heads = read(index.read_text(encoding="utf-8")).one("table", "head").one("thead").all("th")
    assert [each.text for each in heads] == ["old2027-01-05", "young"]
    assert not any("kept" in each.classes for each in heads)


def test_the_date_of_a_report_is_that_of_its_newest_run(tmp_path: Path) -> None:
    index = render([run("2027-01-05", old={"a.x": "P"}), run(young={"a.x": "P"})], tmp_path, None)
    assert read(index.read_text(encoding="utf-8")).one("p", "run").text.endswith("· 2027-01-12")


def test_single_targets_are_compared_whatever_their_names(tmp_path: Path) -> None:
    before, after = run("2027-01-05", a={"a.x": "P"}), run(b={"a.x": "F"})
    page = site(after, tmp_path, "changes.html", [before])
    assert "Newly violated 1" in kinds(page)
    assert not [each for each in (tmp_path / "report" / "targets").iterdir() if each.name != "b.html"]
