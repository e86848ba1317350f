"""The ladders of a family's page: each kind of behaviour once, long ladders cut, other cases in a table."""

from __future__ import annotations

from pathlib import Path

from tests.support import journals
from tests.support.markup import Element, read
from wsconform.evidence.result import Finding, Result, Verdict
from wsconform.reports.html import render
from wsconform.reports.html.ladder import MOST as MOST_ENTRIES
from wsconform.reports.html.ladder import rows
from wsconform.reports.html.ladder_plan import BUDGET, FEW, MOST
from wsconform.wire.frame import Frame


def page(columns: list[list[Result]], folder: Path) -> Element:
    """Return the page of the family "a.b", with a target for each of `columns`."""
    journal = journals.journal(
        *[(journals.target(journals.NAMES[place]), each) for place, each in enumerate(columns)],
    )
    index = render([journal], folder, None)
    return read((index.parent / "cases/a.b.html").read_text(encoding="utf-8"))


def failed(case: str, observed: str, *frames: Frame) -> Result:
    """Return a violation of `case` in which the last of `frames` decided."""
    transcript = (*journals.opened(), *[journals.came(900 + place, each) for place, each in enumerate(frames)])
    finding = Finding("nothing", observed, len(transcript) - 1)
    return journals.result(case, verdict=Verdict.FAILED, finding=finding, transcript=transcript)


def passed(case: str, *frames: Frame) -> Result:
    """Return a pass of `case`."""
    transcript = (*journals.opened(), *[journals.came(900, each) for each in frames])
    return journals.result(case, transcript=transcript)


def test_a_case_that_all_targets_passed_has_one_ladder(tmp_path: Path) -> None:
    document = page([[passed("a.b", Frame.ping())], [passed("a.b", Frame.pong())]], tmp_path)
    assert len(document.one("ol", "behaviours").all("li")) == 2
    assert len(document.all("article", "rungs")) == 1


def test_passed_cases_are_lines_of_a_table_after_the_first_few(tmp_path: Path) -> None:
    cases = [f"a.b[{number}]" for number in range(9)]
    document = page([[passed(case) for case in cases], [passed(case) for case in cases]], tmp_path)
    assert len(document.all("article", "rungs")) == FEW == len(document.all("section", "one-case"))
    lines = document.one("section", "rest").one("tbody").all("tr")
    assert [each.attributes["id"] for each in lines] == ["3", "4", "5", "6", "7", "8"]
    assert [each.text for each in lines][:1] == ["[3]✓passed2"]
    explain, export = [each.text for each in document.all("code")[-2:]]
    assert explain.startswith("wsconform explain 'a.b[3]' --in wsconform-out/journal.jsonl --target ")
    assert export.endswith(" --as hex")


def test_equal_findings_are_drawn_once_and_linked(tmp_path: Path) -> None:
    one = [failed(f"a.b[{number}]", f"a Ping of {number} octets", Frame.ping()) for number in range(5)]
    one += [failed("a.b[odd]", "a Pong", Frame.pong())]
    document = page([one, [passed(result.case) for result in one]], tmp_path)
    assert [each.attributes["id"] for each in document.all("section", "one-case")] == ["0", "odd"]
    # A ladder that failed stands beside one that passed.
    assert [each.one("header").all("b")[0].text for each in document.all("article", "rungs")] == [
        "✗violation",
        "✓passed",
    ] * 2
    lines = document.one("section", "rest").one("tbody").all("tr")
    assert [each.attributes["id"] for each in lines] == ["1", "2", "3", "4"]
    assert [each.one("a").attributes["href"] for each in lines] == ["#0"] * 4
    assert "node-ws" in lines[0].text
    assert "tungstenite" not in lines[0].text


def test_a_case_has_at_most_six_ladders(tmp_path: Path) -> None:
    columns = [[failed("a.b", f"{'x' * number}", *[Frame.ping(), Frame.pong()] * number)] for number in range(1, 9)]
    document = page([*columns[:5], [passed("a.b")]], tmp_path / "few")
    assert len(document.all("article", "rungs")) == 6 == MOST
    assert not document.all("p", "undrawn")
    columns = [[failed("a.b", "x" * number, *[Frame.ping(), Frame.pong()] * number)] for number in range(1, 8)]
    document = page(columns[: len(journals.NAMES)], tmp_path / "many")
    assert len(document.one("ol", "behaviours").all("li")) > len(document.all("article", "rungs")) == MOST
    assert document.all("p", "undrawn")


def test_the_ladders_of_a_page_have_a_size_limit(tmp_path: Path) -> None:
    frames = [Frame.text("x" * 200)] * 50
    one = [failed(f"a.b[{'abcdefghijklmnopqrst'[number]}]", "y" * (number + 1), *frames) for number in range(20)]
    document = render([journals.journal((journals.target(), one))], tmp_path, None).parent / "cases/a.b.html"
    assert BUDGET / 2 < document.stat().st_size < 700_000
    text = read(document.read_text(encoding="utf-8"))
    assert 0 < len(text.all("article", "rungs")) < 20
    anchored = [*text.all("section", "one-case"), *text.one("section", "rest").one("tbody").all("tr")]
    assert len({each.attributes["id"] for each in anchored}) == 20


def test_a_long_ladder_keeps_the_deciding_entry() -> None:
    result = failed("a.b", "z", *[Frame.ping()] * 500)
    middle = Finding("nothing", "z", 200)
    for found, at in ((result.finding, -1), (middle, None)):
        document = rows(journals.result(verdict=Verdict.FAILED, finding=found, transcript=result.transcript))
        assert len(document) <= MOST_ENTRIES
        decided = [place for place, each in enumerate(document) if each.decided]
        assert len(decided) == 1
        assert at is None or decided[0] == len(document) - 1
        gaps = [int(each.summary.split()[0]) for each in document if "left out here" in each.summary]
        assert sum(gaps) + len(document) - len(gaps) == len(result.transcript)
    short = result.transcript[:MOST_ENTRIES]
    assert len(rows(journals.result(transcript=short))) == MOST_ENTRIES
