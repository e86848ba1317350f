"""The HTML report in a real browser: axe in both schemes, keys, filter, pins, packed pages, no network, no scripts.

Needs a Chromium on the PATH. Without one these tests are skipped, or fail if WSCONFORM_REQUIRE_BROWSER is set.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.support import journals
from wsconform.reports.html import render

pytestmark = pytest.mark.browser

Scheme = Literal["light", "dark"]
SCHEMES: Sequence[Scheme] = ("light", "dark")
WIDTHS = (1400, 400)
FAMILY = "framing.opcodes.unknown_opcode_fails_the_connection"
#: A page of each kind: its file in a site, its address in a single file.
KINDS = {
    "index": ("index.html", "#index"),
    "requirements": ("requirements.html", "#requirements"),
    "document": ("documents/rfc6455.html", "#d-rfc6455"),
    "disagreements": ("disagreements.html", "#disagreements"),
    "changes": ("changes.html", "#changes"),
    "target": ("targets/echo-go.html", "#t-echo-go"),
    "case": (f"cases/{FAMILY}.html", f"#c-{FAMILY}"),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium without a network."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        if os.environ.get("WSCONFORM_REQUIRE_BROWSER"):
            pytest.fail("WSCONFORM_REQUIRE_BROWSER is set, but there is no chromium on the PATH; install one")
        pytest.skip("there is no chromium on the PATH to look at the report with; install one")
    # Only after the check for a browser: without one the tests skip.
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    # Chromium's sandbox does not work for root. The pages are our own, and there is no network.
    options = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--no-first-run"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=options)
        yield started
        started.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a site and a single file of five targets, with an earlier run to compare."""
    folder = tmp_path_factory.mktemp("report")
    now, before = journals.plausible(5, 60, faults=3), journals.plausible(6, 58, faults=2)
    render([now], folder, folder / "single.html", against=[before])
    render([now], folder, folder / "site", against=[before])
    return folder


def address(report: Path, form: str, kind: str) -> str:
    """Return the address of the page of a kind in a form, "site" or "single"."""
    path, fragment = KINDS[kind]
    place = report / "site" / path if form == "site" else report / "single.html"
    return place.as_uri() + (fragment if form == "single" else "")


@contextmanager
def page_at(browser: Any, where: str, **options: Any) -> Iterator[Any]:
    """Yield a loaded page; at the end fail if it reported an error or requested anything but files."""
    context = browser.new_context(**{"viewport": {"width": 1400, "height": 900}, **options})
    page, problems = context.new_page(), list[str]()
    page.on("pageerror", lambda problem: problems.append(str(problem)))
    page.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
    page.on(
        "request",
        lambda request: None if request.url.startswith(("file:", "data:", "blob:")) else problems.append(request.url),
    )
    page.goto(where)
    if options.get("java_script_enabled", True):
        unpacked(page, ".packed")
    yield page
    context.close()
    assert problems == []


def unpacked(page: Any, css: str = "") -> None:
    """Wait until the visible page has no packed parts that match `css`."""
    page.wait_for_selector(f".page:not([hidden]) {css}[data-pack]", state="detached")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("form", ["site", "single"])
@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing(browser: Any, report: Path, kind: str, form: str, scheme: Scheme) -> None:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # noqa: PLC0415

    # axe adds its own script to the page, which the content security policy of the page forbids.
    with page_at(browser, address(report, form, kind), color_scheme=scheme, bypass_csp=True) as page:
        for each in page.query_selector_all("main details"):
            each.evaluate("each => { each.open = true; }")
        unpacked(page)
        # Without `preload` axe would fetch style sheets, which file pages cannot. Schemes differ in colours only.
        only = {} if scheme == "light" else {"runOnly": ["color-contrast", "link-in-text-block"]}
        found = Axe().run(page, options={"preload": False, **only})
    assert found.response["passes"], "axe applied no rule"
    found_texts = [
        f"{each['id']}: {each['help']}: {each['nodes'][0]['html'][:200]} {each['nodes'][0]['failureSummary']}"
        for each in found.response["violations"]
    ]
    assert found_texts == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_pages_fit_the_width_of_the_window(browser: Any, report: Path, kind: str, width: int) -> None:
    with page_at(browser, address(report, "site", kind), viewport={"width": width, "height": 800}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("targets", [5, 12])
def test_sticky_heads_do_not_hide_the_target_of_a_link(browser: Any, tmp_path: Path, targets: int, width: int) -> None:
    index = render([journals.plausible(targets, 60)], tmp_path, None)
    where = (index.parent / "documents/rfc6455.html").as_uri() + "#section-7.4.1"
    with page_at(browser, where, viewport={"width": width, "height": 800}) as page:
        heads, section = (page.locator(css).bounding_box() for css in (".rules .head", "[id='section-7.4.1'] h2"))
        assert section["y"] >= heads["y"] + heads["height"]


@pytest.mark.parametrize("form", ["site", "single"])
def test_the_filter_is_kept_in_the_address(browser: Any, report: Path, form: str) -> None:
    with page_at(browser, address(report, form, "index")) as page:
        every = page.locator("tr[data-l]").count()
        page.keyboard.press("/")
        page.keyboard.type("opcodes")
        page.locator("button[data-mark=bad]").click()
        page.locator(".menu summary").click()
        page.locator("[name=target]").first.uncheck()
        shown = page.locator("tr[data-l]:visible").count()
        assert 0 < shown < every
        assert page.locator(".head thead th:visible").count() == len(page.locator("[name=target]").all()) - 1
        assert page.locator("form output").inner_text() == f"{shown} row{'' if shown == 1 else 's'}"
        where = page.url
        assert "q=opcodes" in where
        assert "mark=bad" in where
    with page_at(browser, where) as page:
        assert page.locator("tr[data-l]:visible").count() == shown
        assert page.locator("[name=q]").input_value() == "opcodes"
        assert page.locator("[name=target]").first.is_checked() is False


@pytest.mark.parametrize("form", ["site", "single"])
def test_keys_move_through_the_report(browser: Any, report: Path, form: str) -> None:
    with page_at(browser, address(report, form, "index")) as page:
        page.keyboard.press("?")
        assert page.locator("dialog").is_visible()
        page.keyboard.press("Escape")
        assert not page.locator("dialog").is_visible()
        page.keyboard.press("n")
        first = page.evaluate("document.activeElement.closest('td').className")
        assert "bad" in first
        page.keyboard.press("n")
        page.keyboard.press("p")
        page.keyboard.press("p")
        assert "bad" in page.evaluate("document.activeElement.closest('td').className")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
        page.keyboard.press("Enter")
        page.wait_for_selector(".page:not([hidden]) .rungs", state="attached")
        page.locator(".page:not([hidden]) .one-case summary").first.focus()
        page.keyboard.press("ArrowDown")
        assert page.evaluate("document.activeElement.matches('.behaviours button, summary')")


@pytest.mark.parametrize("form", ["site", "single"])
def test_two_ladders_stand_side_by_side_and_pins_hold_one(browser: Any, report: Path, form: str) -> None:
    with page_at(browser, address(report, form, "case")) as page:
        page.wait_for_selector(".page:not([hidden]) .behaviours button")
        sections = page.locator(".page:not([hidden]) .one-case").all()
        section = next(each for each in sections if each.locator(".behaviours button").count() > 2)
        cards = section.locator(".rungs:visible")
        letters = [each.get_attribute("data-b") for each in cards.all()]
        assert len(letters) == 2
        one, other = cards.all()
        boxes = [each.bounding_box() for each in (one, other)]
        assert boxes[0]["y"] == boxes[1]["y"]
        section.locator(f".rungs[data-b={letters[1]}] .pin").click()
        third = next(each for each in "ABCDE" if each not in letters)
        section.locator(f"li[data-b={third}] button").focus()
        page.keyboard.press("Enter")
        assert {each.get_attribute("data-b") for each in cards.all()} == {letters[1], third}
        page.keyboard.press("1")
        assert "A" in {each.get_attribute("data-b") for each in cards.all()}


def test_an_unpacked_page_equals_the_page_of_the_site(browser: Any, report: Path) -> None:
    found_texts = []
    for form in ("site", "single"):
        with page_at(browser, address(report, form, "case")) as page:
            for each in page.query_selector_all(".page:not([hidden]) details"):
                each.evaluate("each => { each.open = true; }")
            unpacked(page)
            cards, octets = (page.locator(f".page:not([hidden]) {css}").all() for css in (".rungs", "pre"))
            words = ["".join(each.text_content().split()) for each in cards]
            found_texts.append((words, [each.text_content() for each in octets]))
    assert found_texts[0] == found_texts[1]
    assert len(found_texts[0][1]) > 20


def test_evidence_can_be_saved_and_the_export_command_changes(browser: Any, report: Path) -> None:
    with page_at(browser, address(report, "site", "case")) as page:
        export = page.locator(".rungs:visible .export").first
        export.locator("summary").click()
        export.get_by_role("button", name="pcapng").click()
        assert export.locator("code").inner_text().endswith("--as pcapng -o case.pcapng")
        with page.expect_download() as saved:
            export.get_by_role("button", name="Save JSON").click()
        entries = Path(saved.value.path()).read_text(encoding="utf-8")
        assert '"side": "ours"' in entries
        with page.expect_download() as saved:
            export.get_by_role("button", name="Save hex").click()
        assert "0000  83 85 37 fa 21 3d" in Path(saved.value.path()).read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_a_site_is_complete_without_scripts(browser: Any, report: Path, kind: str) -> None:
    with page_at(browser, address(report, "site", kind), java_script_enabled=False) as page:
        assert page.locator("main h1").is_visible()
        assert page.locator("form.filter:visible, button:visible").count() == 0
        if kind == "case":
            hidden = page.locator(".one-case > details:not([open]) .rungs").count()
            assert page.locator(".rungs:visible").count() == page.locator(".rungs").count() - hidden


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_print_is_light_and_shows_failures(browser: Any, report: Path, scheme: Scheme) -> None:
    with page_at(browser, address(report, "site", "case"), color_scheme=scheme) as page:
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") in (
            "rgb(255, 255, 255)",
            "rgba(0, 0, 0, 0)",
        )
        bad = page.locator(".rungs:has(header .bad)")
        assert bad.count() > 0
        assert all(each.is_visible() for each in bad.all())


def test_a_hostile_journal_runs_nothing(browser: Any, tmp_path: Path) -> None:
    single = render([journals.hostile()], tmp_path, tmp_path / "r.html")
    with page_at(browser, single.as_uri()) as page:
        page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
        ids = page.evaluate("[...document.querySelectorAll('.page')].map(each => each.id)")
        for id in ids[:40]:
            page.evaluate("id => { location.hash = id; }", id)
            page.wait_for_selector(f"[id='{id}']:not([hidden])")
            unpacked(page, ".packed")
        assert page.locator("main script, main img, main iframe").count() == 0
