"""The HTML report, read back: links, marks, evidence, hostile text, policy, size."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.support import journals
from tests.support.markup import Element, read
from tests.support.unpack import unpacked
from wsconform.evidence.result import Attempt, Direction, Finding, Mark, Reason, Result, Verdict
from wsconform.journal.journal import Journal
from wsconform.registry.registry import load_registry
from wsconform.registry.requirement import Level, Role
from wsconform.reports.columns import gather
from wsconform.reports.html import render
from wsconform.reports.html.addresses import Addresses, slug
from wsconform.wire.frame import Frame

TAGS = re.findall(
    r"\S+",
    "html head meta title link style script body a header b nav p span main section footer ul li h1 h2 h3 h4 i form "
    "label input div button select option output table colgroup col thead tbody tr th td details summary svg rect "
    "small article dl dt dd code wbr ol time q pre br aside g text path",
)
FAILED = Verdict.FAILED


def one_target() -> Journal:
    journal = journals.plausible(2, 40, faults=3)
    return replace(journal, targets=journal.targets[1:])


def earlier(journal: Journal) -> Journal:
    """Return the journal with other verdicts, another case, and one target more."""
    others = dict(zip(Verdict, [*list(Verdict)[1:], Verdict.PASSED], strict=True))
    columns = []
    for each in journal.targets:
        results = [replace(result, verdict=others[result.verdict]) for result in each.results]
        if results:
            results[0] = replace(results[0], case=f"{results[0].case}[<b>gone]")
        columns.append(replace(each, results=tuple(results)))
    columns += [replace(each, target=replace(each.target, name=f"<i>{each.target.name}")) for each in columns[:1]]
    return replace(journal, targets=tuple(columns))


JOURNALS = {
    "plausible": lambda: journals.plausible(5, 40, faults=2),
    "one": one_target,
    "hostile": journals.hostile,
    "empty": journals.journal,
}


@pytest.fixture(scope="module", params=JOURNALS)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Element]:
    """Every page of a site and of a single file, for each journal; all but the first have an earlier journal."""
    folder = tmp_path_factory.mktemp("report")
    journal = JOURNALS[request.param]()
    against = [] if request.param == "plausible" else [earlier(journal)]
    pages = {folder / "single.html": render([journal], folder, folder / "single.html", against=against)}
    render([journal], folder, None, against=against)
    pages |= {path: path for path in (folder / "report").rglob("*.html")}
    return {path: unpacked(read(path.read_text(encoding="utf-8"))) for path in pages}


def site(journal: Journal, folder: Path, page: str = "index.html") -> Element:
    index = render([journal], folder, None)
    return read((index.parent / page).read_text(encoding="utf-8"))


def family(results: list[Result], folder: Path) -> Element:
    """Return the page of the only family, with a target for each result."""
    columns = [(journals.target(journals.NAMES[place]), [each]) for place, each in enumerate(results)]
    return site(journals.journal(*columns), folder, f"cases/{results[0].family}.html")


def test_the_path_of_the_report(tmp_path: Path) -> None:
    journal = journals.plausible(1, 2)
    assert render([journal], tmp_path, None) == tmp_path / "report" / "index.html"
    assert render([journal], tmp_path, tmp_path / "site") == tmp_path / "site" / "index.html"
    assert render([journal], tmp_path, tmp_path / "a" / "r.html") == tmp_path / "a" / "r.html"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["r.html"]


def test_the_same_journal_makes_the_same_file(tmp_path: Path) -> None:
    one, other = (
        render([journals.plausible(3, 30)], tmp_path, tmp_path / name).read_bytes() for name in ("1.html", "2.html")
    )
    assert one == other


def test_every_link_has_a_target(written: dict[Path, Element]) -> None:
    specifications = {requirement.url for requirement in load_registry().values()}
    specifications |= {document.url for document in load_registry().documents}
    ids = {path: {each.attributes["id"] for each in page if "id" in each.attributes} for path, page in written.items()}
    links = 0
    for path, page in written.items():
        for link in page.all("a"):
            address, _, fragment = link.attributes["href"].partition("#")
            if address.startswith("https://"):
                assert link.attributes["href"] in specifications
                continue
            place = (path.parent / unquote(address)).resolve() if address else path
            assert place in written, f"{path}: {link.attributes['href']}"
            assert not fragment or unquote(fragment) in ids[place], f"{path}: {link.attributes['href']}"
            links += 1
    assert links > len(written)


def test_ids_are_unique(written: dict[Path, Element]) -> None:
    for path, page in written.items():
        ids = [each.attributes["id"] for each in page if "id" in each.attributes]
        assert len(set(ids)) == len(ids), path
        assert all(re.fullmatch(r"[A-Za-z0-9_.:-]+", id) for id in ids), path


def test_pages_load_and_run_only_our_own_files(written: dict[Path, Element]) -> None:
    for path, page in written.items():
        for each in page:
            names = set(each.attributes)
            assert not any(name.startswith("on") for name in names), path
            assert "style" not in names, path
            assert each.tag not in ("img", "iframe", "object", "embed", "base", "svg:script", "template"), path
        scripts = [each for each in page.all("script") if each.attributes.get("type") != "text/plain"]
        assert len(scripts) == 1
        links = {each.attributes["href"] for each in page.all("link")}
        if path.name == "single.html":
            assert links == {"data:,"}
            assert "src" not in scripts[0].attributes
        else:
            places = [each.attributes["href"] for each in page.all("link", rel="stylesheet")]
            assert len(places) == 1
            site = next(each for each in path.parents if each.name == "report")
            assert (path.parent / places[0]).resolve() == site / "style.css"
            assert (path.parent / scripts[0].attributes["src"]).resolve() == site / "script.js"


def test_no_control_character_reaches_a_page(written: dict[Path, Element]) -> None:
    for path in written:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufffe]", text), path


def test_hostile_text_is_text(written: dict[Path, Element]) -> None:
    for path, page in written.items():
        tags = {each.tag for each in page}
        assert tags <= set(TAGS), path


def test_the_content_security_policy_allows_only_the_files_of_the_report(written: dict[Path, Element]) -> None:
    for path, page in written.items():
        policy = page.one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        if path.name == "single.html":
            script = next(each for each in page.all("script") if "type" not in each.attributes)
            for name, element in (("style-src", page.one("style")), ("script-src", script)):
                digest = base64.b64encode(hashlib.sha256(element.raw.encode()).digest()).decode()
                assert f"{name} 'sha256-{digest}'" in policy


def test_the_script_is_small_and_writes_no_markup() -> None:
    script = files("wsconform.reports.html").joinpath("script.js").read_text(encoding="utf-8")
    assert len(script.encode()) < 20 * 1024
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "fetch("):
        assert word not in script
    assert "</" not in script


def test_marks_are_words_too(written: dict[Path, Element]) -> None:
    words = {mark.words for mark in Mark} | {"new", "gone"}
    for path, page in written.items():
        for mark in page.all("b", "mark"):
            shown = [each.text.removeprefix("worst: ") for each in mark.all("i")]
            assert mark.attributes.get("aria-hidden") == "true" or (shown and set(shown) <= words), path
        for cell in (each for table in page.all("div", "matrix") for each in table.all("td")):
            if cell.classes & {"ok", "bad", "dep", "note", "lost", "out", "err"}:
                label = cell.attributes.get("aria-label") or cell.one("i").text
                assert label.partition(",")[0] in words, path


def test_table_heads_have_a_scope(written: dict[Path, Element]) -> None:
    for page in written.values():
        assert all(each.attributes.get("scope") in ("col", "row") for each in page.all("th"))


# --- the index


def test_a_row_shows_the_worst_mark_of_its_family_and_its_share(tmp_path: Path) -> None:
    results = [journals.result(f"a.b[{n}]", verdict=FAILED if n < 2 else Verdict.PASSED) for n in range(15)]
    index = site(journals.journal((journals.target(), results)), tmp_path)
    (row,) = [row for row in index.all("tr") if "data-l" in row.attributes]
    (cell,) = row.all("td")
    assert cell.text == "✗2/15violation, 2 of 15"
    assert row.one("th").text.endswith("b × 15")
    assert row.attributes["data-l"] == "must"


def test_areas_are_folded_the_most_violated_first(tmp_path: Path) -> None:
    results = [
        journals.result("calm.x"),
        journals.result("wild.x", verdict=FAILED),
        journals.result("wild.y", verdict=FAILED),
        journals.result("odd.x", verdict=FAILED),
    ]
    index = site(journals.journal((journals.target(), results), (journals.target("other"), [])), tmp_path)
    areas = index.all("details", "area")
    assert [area.one("h3").text for area in areas] == ["wild", "odd", "calm"]
    assert [area.one("summary").all("span", "v")[0].text for area in areas] == [
        "2violations at node-ws",
        "1violation at node-ws",
        "",
    ]
    assert [area.text for area in areas[0].one("summary").all("span", "v")][1] == ""
    assert [("open" in area.attributes) for area in areas] == [True, False, False]


def test_passed_of_run_stands_above_each_column(tmp_path: Path) -> None:
    results = [journals.result("a.x"), journals.result("a.y", verdict=FAILED), journals.result("a.z", level=Level.MAY)]
    results.append(journals.result("a.w", level=Level.SHOULD))
    index = site(journals.journal((journals.target(), results), (journals.target("other"), results[:1])), tmp_path)
    head = index.one("table", "head")
    assert [each.text for each in head.all("th", scope="col")] == ["node-ws", "other"]
    sums = index.one("table", "sums").one("tbody").all("tr")
    rows = [[each.text for each in row.all("td")] for row in sums]
    assert rows == [["1of 2", "1of 1"], ["1of 1", "–no case ran"]]
    assert [row.one("th").text for row in sums] == ["MUST (passed / run)", "SHOULD (passed / run)"]


def test_one_target_has_its_violations_on_the_first_page(tmp_path: Path) -> None:
    finding = Finding("a Pong", "nothing for 5 s")
    results = [journals.result("a.x", verdict=FAILED, finding=finding), journals.result("a.y")]
    index = site(journals.journal((journals.target(), results)), tmp_path)
    assert index.one("p", "lead").text == "MUST 1 of 2"
    assert "nothing for 5 s" in index.one("article", "finding").text
    assert "disagreements" not in {link.attributes.get("data-page") for link in index.all("a")}


def test_controls_that_need_scripts_are_hidden_without(written: dict[Path, Element]) -> None:
    for page in written.values():
        assert all("hidden" in form.attributes for form in page.all("form"))
        assert {button.attributes.get("data-mark", "") for button in page.all("button")} <= {
            "ok", "bad", "dep", "note", "lost", "out", "err",
        }  # fmt: skip


# --- a target


def test_a_target_page_has_all_results_of_the_target(tmp_path: Path) -> None:
    finding = Finding("the connection to be failed", "our payload came back")
    results = [
        journals.result("a.x[1]", verdict=FAILED, finding=finding, hint="look at the MASK bit"),
        journals.result("a.x[2]", verdict=FAILED, finding=finding, hint="look at the MASK bit"),
        journals.result("a.y", verdict=FAILED, finding=finding, expected="rewritten in 2.0"),
        journals.result("b.x", verdict=Verdict.DEPARTED, finding=Finding("a", "status code 1008")),
        journals.result("b.y", verdict=Verdict.INCONCLUSIVE, reason=Reason.LIMIT),
        journals.result("b.z", verdict=Verdict.SKIPPED, reason=Reason.NEEDS_ECHO),
        journals.result("b.w", verdict=Verdict.SKIPPED, reason=Reason.NEEDS_ECHO),
        journals.result("b.v", verdict=Verdict.SKIPPED, reason=Reason.EXCLUDED),
        journals.result("c.x", verdict=Verdict.ERROR, finding=Finding("the suite to work", "KeyError")),
    ]
    page = site(journals.journal((journals.target(), results)), tmp_path, "targets/node-ws.html")
    assert page.one("p", "lead").text == "MUST 1 of 4 · 1 inconclusive · 1 error"
    violations = page.one("section", **{"aria-label": "Violations"}).all("article")
    assert len(violations) == 2
    for words in (
        "a.x[1]",
        "[2]",
        "the connection to be failed",
        "our payload came back",
        "RFC 6455 5.1 MUST",
        "The server closes the connection when it receives an unmasked frame.",
        "look at the MASK bit",
        "wsconform run node-ws -c 'a.x[1]' -v",
    ):
        assert words in violations[0].text
    folds = {fold.one("h2").text: fold for fold in page.all("details", "fold")}
    assert set(folds) == {"Departures 1", "Inconclusive 1", "Skipped 3"}
    assert all("open" not in fold.attributes for fold in folds.values())
    assert [each.text for each in folds["Skipped 3"].all("h3")] == ["needs-echo 2", "excluded 1"]
    assert "status code 1008" in folds["Departures 1"].text
    assert "KeyError" in page.one("section", **{"aria-label": "Errors"}).text
    assert "rewritten in 2.0" in page.one("section", **{"aria-label": "Expected failures"}).text
    capabilities = page.one("section", **{"aria-label": "Capabilities"}).text
    for words in ("echoes messages", "0.42 ms", "permessage-deflate", "largest message1048576 octets"):
        assert words in capabilities
    environment = page.one("section", **{"aria-label": "Environment"}).text
    for words in ("8.18.0", "1.4", "6455", "Linux x86_64", "2027-01-12T09:30:00Z", "11.2 s", "done"):
        assert words in environment


def test_a_target_page_has_its_sections_and_its_badge(tmp_path: Path) -> None:
    results = [
        journals.result("a.x", verdict=FAILED, cites=("6455-5.1-3", "6455-5.2-3")),
        journals.result("a.y", requirement="6455-5.2-6", cites=()),
        journals.result("a.z", requirement="9112-3.2-1", cites=()),
    ]
    other = journals.result("a.y", requirement="6455-5.5.1-13", cites=())
    journal = journals.journal((journals.target(), results), (journals.target("other"), [other]))
    page = site(journal, tmp_path, "targets/node-ws.html")
    sections = page.one("section", **{"aria-label": "Sections"})
    assert [each.text for each in sections.all("h3")] == ["RFC 6455", "RFC 9112"]
    assert [each.text for each in sections.all("a", "tile")] == ["5.1✗violation", "5.2✗violation", "3.2✓passed"]
    assert sections.all("a", "tile")[0].attributes["href"] == "../documents/rfc6455.html#section-5.1"
    badge = page.one("section", **{"aria-label": "Badge"})
    assert badge.one("svg").attributes["aria-label"] == "WebSocket: MUST 2/3"
    assert "![WebSocket: MUST 2/3](badge-node-ws.svg)" in badge.text


def test_capabilities_come_from_notes_and_from_who_ended_tcp(tmp_path: Path) -> None:
    closes = (*journals.opened(), journals.sent(9, Frame.close(1000)), journals.came(10, Frame.close(1000)))
    theirs, ours = journals.happened(11, "FIN", Direction.TARGET), journals.happened(11, "our FIN")
    results = [
        journals.result("limits.long_message_is_echoed_or_refused", notes=(("limit", "over 1 MiB"), ("octets", "5"))),
        journals.result("capacity.x", notes=(("most fragments", "64 frames"), ("largest message", "9 octets"))),
        journals.result("deflate.x[1]", notes=(("agreed", "permessage-deflate; server_max_window_bits=10"),)),
        journals.result(
            "deflate.x[2]",
            notes=(("agreed", "permessage-deflate; server_no_context_takeover; server_max_window_bits=9"),),
        ),
        journals.result("opening.subprotocols.x", notes=(("chosen", "none"),)),
        journals.result("framing.x", notes=(("not", "a capability"),)),
        *(journals.result(f"closing.x[{n}]", transcript=(*closes, theirs)) for n in range(3)),
        journals.result("closing.y", transcript=(*closes, ours)),
        journals.result("closing.z", transcript=(*journals.opened(), theirs)),
    ]
    page = site(journals.journal((journals.target(offers=()), results)), tmp_path, "targets/node-ws.html")
    card = page.one("section", **{"aria-label": "Capabilities"})
    shown = {each.one("dt").text: each.one("dd").text for each in card.all("div")}
    assert shown["long message: limit"] == "over 1 MiB"
    assert shown["long message: octets"] == "5"
    assert shown["most fragments"] == "64 frames"
    assert list(shown).index("largest message") < list(shown).index("most fragments")
    assert (shown["server windows"], shown["no context takeover"]) == ("9, 10 bits", "server")
    assert shown["subprotocols"] == "none of those that wsconform offers"
    assert shown["closes TCP"] == "the target, in 3 of 4"
    assert shown["extensions"] == "none in answer to a browser's offer"
    assert shown["transport"] == "TCP, HTTP/1.1"
    assert not any("not" in each for each in shown)


def test_only_the_target_that_was_lost_is_called_lost(tmp_path: Path) -> None:
    gone = journals.result(verdict=Verdict.INCONCLUSIVE, reason=Reason.LOST)
    untested = journals.target("uvicorn", untested="ended before it listened")
    journal = journals.journal(
        (journals.target("well"), [journals.result()]), (journals.target("ill"), [gone]), (untested, []),
        why="target-lost",
    )  # fmt: skip
    rows = {each.one("th").one("a").text: each for each in site(journal, tmp_path).one("div", "roster").all("tr")[1:]}
    assert [each.text for each in rows["well"].all("span", "tag")] == []
    assert [each.text for each in rows["ill"].all("span", "tag")] == ["incomplete"]
    assert [each.text for each in rows["uvicorn"].all("span", "tag")] == ["not tested"]
    page = site(journal, tmp_path, "targets/uvicorn.html")
    assert page.one("p", "warn").text == "the target could not be tested: ended before it listened."


def test_a_target_page_marks_a_run_that_was_cut_off(tmp_path: Path) -> None:
    journal = journals.journal((journals.target(), [journals.result()]), why=None)
    assert "the run was cut off" in site(journal, tmp_path, "targets/node-ws.html").one("p", "warn").text


# --- a case


def test_a_case_page_shows_behaviours_and_their_ladders(tmp_path: Path) -> None:
    good = [journals.judged(journals.FAMILIES[1], "", "refuse") for _ in range(3)]
    bad = journals.judged(journals.FAMILIES[1], "", "echo")
    page = family([*good, bad, journals.judged(journals.FAMILIES[1], "", "fin")], tmp_path)
    assert page.one("h1").text == journals.FAMILIES[1].title
    assert journals.FAMILIES[1].why in page.text
    requirement = page.one("p", "requirement")
    assert "RFC 6455 5.1 MUST" in requirement.text
    assert requirement.all("a")[0].attributes["href"] == "https://www.rfc-editor.org/rfc/rfc6455#section-5.1"
    assert requirement.all("a")[1].attributes["href"] == "../documents/rfc6455.html#section-5.1"
    assert page.one("h2", "count-of").text == "3 behaviours among 5 targets"
    behaviours = [each.text for each in page.one("ol", "behaviours").all("li")]
    assert behaviours == [
        "A3✓passedClose 1002, then FINnode-ws, tungstenite, echo-go",
        "B1✗violationText, then Close 1000libwebsockets",
        "C1✓passedFINbeast",
    ]
    ladders = page.all("article", "rungs")
    assert [each.one("h3", "at").text for each in ladders] == ["node-ws", "libwebsockets", "beast"]
    decided = [each.all("li", "decided") for each in ladders]
    assert [len(each) for each in decided] == [0, 1, 0]
    assert 'Text 5 "Hello"' in decided[0 + 1][0].text
    assert {"target", "decided", "bad"} == decided[1][0].classes
    case = "framing.masking.wrongly_masked_frame_fails_the_connection"
    assert ladders[1].all("code")[0].text == f"wsconform run libwebsockets -c {case} -v"
    assert ladders[1].one("details", "export").one("code").text == (
        f"wsconform export wsconform-out/journal.jsonl {case} --target libwebsockets --as python"
    )
    forms = [each.attributes["data-form"] for each in ladders[1].all("span") if "data-form" in each.attributes]
    assert forms == ["python", "netcat", "hex", "pcapng -o case.pcapng"]
    # The most common behaviour of the worst mark stands beside one that passed.
    assert page.one("div", "ladders").attributes["data-first"] == "A B"


def test_a_target_without_results_has_no_cases_to_filter(tmp_path: Path) -> None:
    target = journals.target(untested="nothing listens there")
    index = read(render([journals.journal((target, []))], tmp_path, None).read_text(encoding="utf-8"))
    assert index.one("p", "warn").text == "the target could not be tested: nothing listens there."
    assert index.one("p", "nothing").text == "No case ran."
    assert not index.all("form")


@pytest.mark.parametrize("name", JOURNALS)
def test_no_level_of_headings_is_left_out(name: str, tmp_path: Path) -> None:
    render([JOURNALS[name]()], tmp_path, None)
    for path in (tmp_path / "report").rglob("*.html"):
        levels = [int(level) for level in re.findall(r"<h([1-6])[ >]", path.read_text(encoding="utf-8"))]
        assert levels[0] == 1, path
        assert all(after <= before + 1 for before, after in pairwise(levels)), path


def test_a_ladder_opens_into_fields_and_octets(tmp_path: Path) -> None:
    page = family([journals.judged(journals.FAMILIES[0], "[0x3]", "echo")], tmp_path)
    entry = page.one("li", "decided")
    shown = {each.one("dt").text: each.one("dd").text for each in entry.one("dl", "fields").all("div")}
    assert shown["opcode"] == "0x3"
    assert shown["FIN"] == "1"
    assert entry.one("pre", "hex").raw.startswith("0000  83 05 48 65 6c 6c 6f")
    request = page.one("ol", "ladder").all("li", "ours")[0]
    assert request.one("pre", "head").raw.split("\n")[1] == "Host: 127.0.0.1:9001"


def test_parameters_are_sections_and_passed_ones_are_folded(tmp_path: Path) -> None:
    results = [
        journals.result("a.b[0x3]", verdict=FAILED),
        journals.result("a.b[0xB]"),
        journals.result("a.b[é ü]"),
        journals.result("a.b[ä ö]"),
    ]
    page = site(journals.journal((journals.target(), results)), tmp_path, "cases/a.b.html")
    sections = page.all("section", "one-case")
    assert [each.attributes["id"] for each in sections] == ["0x3", "0xB", "x", "x-2"]
    folded = [each.all("details")[0] for each in sections]
    assert ["open" in each.attributes for each in folded] == [True, False, False, False]


def test_roles_may_cite_different_requirements(tmp_path: Path) -> None:
    other = journals.result(role=Role.CLIENT, requirement="6455-5.1-6")
    page = family([journals.result(), other], tmp_path)
    assert [each.text.removesuffix(" results by target") for each in page.all("p", "requirement")] == [
        "RFC 6455 5.1 MUST The server closes the connection when it receives an unmasked frame.",
        "RFC 6455 5.1 MUST The client closes the connection when it receives a masked frame.",
    ]


def test_attempts_and_expectations_are_shown(tmp_path: Path) -> None:
    attempt = Attempt(Verdict.PASSED, Finding("x", "it went well"), 9)
    page = family(
        [journals.result(verdict=FAILED, attempts=(attempt,), flaky=True, expected="known since 2.0")], tmp_path
    )
    assert [each.text for each in page.all("span", "tag")] == ["expected", "flaky"]
    assert "known since 2.0" in page.text
    assert "passed (it went well)" in page.text


# --- addresses


def test_addresses_are_plain_and_unique_without_regard_to_case() -> None:
    used: set[str] = set()
    names = ["Echo", "echo", "ECHO-2", "a/b", "a\\b", "..", "", "con", "CON.x", "é", "x" * 500, "0x3"]
    slugs = [slug(name, used) for name in names]
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", each) and len(each) <= 104 for each in slugs)
    assert len({each.lower() for each in slugs}) == len(names)
    assert slugs[7].lower() != "con"
    assert slugs[-1] == "0x3"


def test_addresses_of_hostile_names_stay_in_the_folder(tmp_path: Path) -> None:
    at = Addresses(gather([journals.hostile()]))
    assert all("/" not in each and not each.startswith(".") for each in (*at.targets.values(), *at.families.values()))
    render([journals.hostile()], tmp_path / "in", None)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
